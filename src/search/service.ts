import type { Worker } from 'node:worker_threads';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { RunSearchRequest, Search, SearchResult, SearchStatus } from './search.ts';

/** What the two threads of a search are told. */
export type ToWriter = { readonly kind: 'log' } | { readonly kind: 'rebuild' } | { readonly kind: 'stop' };
export type ToReader =
  | { readonly kind: 'search'; readonly id: number; readonly request: RunSearchRequest }
  | { readonly kind: 'forget' };

/** What they answer. */
export type FromWriter =
  | (SearchStatus & { readonly kind: 'at'; readonly renewed: boolean })
  /** Something that an operator should know. */
  | { readonly kind: 'note'; readonly level: 'info' | 'warn'; readonly message: string; readonly facts: object };
export type FromReader =
  | (FromWriter & { readonly kind: 'note' })
  | { readonly kind: 'found'; readonly id: number; readonly result: SearchResult }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly damaged: boolean };

/** Milliseconds that news of the log wait for more of them: the index is never that urgent unless somebody asks. */
const NEWS_MS = 50;

/** Milliseconds after the start before the index is looked at: it may lack what happened last, be missing, or want vectors of another embedder. */
const START_MS = 1000;

/** Milliseconds before a thread that died is started again. */
const RESTART_MS = 1000;

interface Waiter {
  readonly position: number;
  readonly resolve: (reached: boolean) => void;
}

interface Question {
  readonly resolve: (result: SearchResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Search on two threads: one follows the event log into the index, one answers. Neither is started before there is something to do, and
 * neither can hold up the event loop.
 */
export class SearchService implements Search {
  readonly #log: Log;
  readonly #startThread: (role: 'writer' | 'reader') => Worker;
  readonly #unsubscribe: () => void;
  readonly #questions = new Map<number, Question>();
  #waiters: Waiter[] = [];
  #writer: Worker | undefined;
  #reader: Worker | undefined;
  #news: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #nextId = 0;
  #at: SearchStatus = {
    position: 0,
    indexedRuns: 0,
    totalRuns: 0,
    rebuilding: false,
    runsWithoutVectors: 0,
    trouble: null,
  };
  /** Set until the writer tells of the new index: what it told before is about the one that is gone. */
  #awaitsRenewal = false;
  #closing = false;

  /** @param parts.startThread starts a thread with the given role; see `platform-search.ts` */
  constructor(parts: { store: Store; log: Log; startThread: (role: 'writer' | 'reader') => Worker }) {
    this.#log = parts.log;
    this.#startThread = parts.startThread;
    this.#restart = setTimeout(() => this.#tellWriter({ kind: 'log' }), START_MS);
    this.#restart.unref();
    this.#unsubscribe = parts.store.onLog(() => {
      this.#news ??= setTimeout(() => {
        this.#news = undefined;
        this.#tellWriter({ kind: 'log' });
      }, NEWS_MS);
    });
  }

  async search(request: RunSearchRequest): Promise<SearchResult> {
    const result = await new Promise<SearchResult>((resolve, reject) => {
      const id = ++this.#nextId;
      this.#questions.set(id, { resolve, reject });
      this.#readerThread().postMessage({ kind: 'search', id, request } satisfies ToReader);
    });
    const { rebuilding, indexedRuns, totalRuns } = this.#at;
    return rebuilding ? { ...result, totalIsLowerBound: true, rebuild: { indexedRuns, totalRuns } } : result;
  }

  async reached(position: number, timeoutMs: number): Promise<boolean> {
    if (this.#at.position >= position) return true;
    this.#tellWriter({ kind: 'log' });
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      }, timeoutMs);
      const waiter: Waiter = {
        position,
        resolve: (reached) => {
          clearTimeout(timer);
          resolve(reached);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  async rebuild(): Promise<void> {
    this.#reader?.postMessage({ kind: 'forget' } satisfies ToReader);
    this.#at = { ...this.#at, position: 0, indexedRuns: 0, rebuilding: true };
    this.#awaitsRenewal = true;
    this.#tellWriter({ kind: 'rebuild' });
  }

  async status(): Promise<SearchStatus> {
    return this.#at;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#unsubscribe();
    clearTimeout(this.#news);
    clearTimeout(this.#restart);
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#waiters = [];
    await Promise.all([this.#writer?.terminate(), this.#reader?.terminate()]);
  }

  #tellWriter(message: ToWriter): void {
    if (this.#closing) return;
    this.#writerThread().postMessage(message);
  }

  #writerThread(): Worker {
    if (this.#writer) return this.#writer;
    const writer = this.#startThread('writer');
    writer.unref();
    writer.on('message', (told: FromWriter) => {
      if (told.kind === 'note') {
        this.#note(told);
        return;
      }
      const { kind: _kind, renewed, ...at } = told;
      // The file is another one now: whoever has the old one open would go on reading what is no more.
      if (this.#awaitsRenewal && !renewed) return;
      this.#awaitsRenewal = false;
      if (renewed) this.#reader?.postMessage({ kind: 'forget' } satisfies ToReader);
      this.#at = at;
      this.#waiters = this.#waiters.filter((waiter) => {
        if (waiter.position > at.position) return true;
        waiter.resolve(true);
        return false;
      });
    });
    this.#watch(writer, 'index', () => {
      this.#awaitsRenewal = false;
      this.#writer = undefined;
      this.#restart = setTimeout(() => this.#tellWriter({ kind: 'log' }), RESTART_MS);
      this.#restart.unref();
    });
    this.#writer = writer;
    return writer;
  }

  #readerThread(): Worker {
    if (this.#reader) return this.#reader;
    const reader = this.#startThread('reader');
    reader.unref();
    reader.on('message', (answer: FromReader) => {
      if (answer.kind === 'note') {
        this.#note(answer);
        return;
      }
      const question = this.#questions.get(answer.id);
      this.#questions.delete(answer.id);
      if (answer.kind === 'found') question?.resolve(answer.result);
      else {
        if (answer.damaged) {
          this.#log.warn({ reason: answer.message }, 'the search index is damaged and is built anew');
          void this.rebuild();
        }
        question?.reject(new Error(answer.message));
      }
    });
    this.#watch(reader, 'search', () => {
      this.#reader = undefined;
      for (const question of this.#questions.values()) question.reject(new Error('The search thread ended.'));
      this.#questions.clear();
    });
    this.#reader = reader;
    return reader;
  }

  #note({ level, facts, message }: FromWriter & { kind: 'note' }): void {
    this.#log[level](facts, message);
  }

  #watch(thread: Worker, name: string, onEnd: () => void): void {
    thread.on('error', (error) => this.#log.error({ err: error }, `the ${name} thread failed`));
    thread.on('exit', () => {
      if (!this.#closing) onEnd();
    });
  }
}
