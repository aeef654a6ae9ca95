import type { Worker } from 'node:worker_threads';
import { isTerminal } from '../domain/run.ts';
import type { Store } from '../store/store.ts';
import { endThread } from '../system/end-thread.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { CUT_MARK, type CutRun } from './document.ts';
import type { Freshness, RunSearchRequest, Search, SearchResult, SearchStatus } from './search.ts';

/** What the two threads of a search are told. */
export interface ToWriter {
  /** `repair` is a rebuild that may begin with a snapshot: the index was found damaged. */
  readonly kind: 'log' | 'rebuild' | 'repair' | 'stop';
  /** Rebuilds asked for so far: what is answered about an earlier one is about an index that is gone. */
  readonly generation: number;
}
export type ToReader =
  | { readonly kind: 'search'; readonly id: number; readonly request: RunSearchRequest }
  | { readonly kind: 'forget' }
  | { readonly kind: 'stop' };

/** What they answer. */
export type FromWriter =
  | (SearchStatus & { readonly kind: 'at'; readonly renewed: boolean; readonly generation: number })
  /** Something that an operator should know. */
  | { readonly kind: 'note'; readonly level: 'info' | 'warn'; readonly message: string; readonly facts: object }
  /** Some of what a run says was left out of the index. */
  | ({ readonly kind: 'cut' } & CutRun);
export type FromReader =
  | (FromWriter & { readonly kind: 'note' })
  | { readonly kind: 'found'; readonly id: number; readonly result: SearchResult }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly message: string;
      readonly damaged: boolean;
      /** The file was taken away while it was read, by a rebuild that began: another look finds the new one. */
      readonly moved: boolean;
    };

/** Milliseconds that news of the log wait for more of them: the index is never that urgent unless somebody asks. */
const NEWS_MS = 50;

/** Milliseconds after the start before the index is looked at: it may lack what happened last, be missing, or want vectors of another embedder. */
const START_MS = 1000;

/** Times a question follows an index that is taken away under it: rebuilds in a row are rare, and each is over in a moment. */
const MOVES_FOLLOWED = 5;

/** Milliseconds that a search waits for an index that it found damaged. */
const REPAIR_MS = 1000;

/** What both threads are told that are to end. */
const STOP = { kind: 'stop' } as const;

/** Long enough that a server in use keeps its thread, short enough that one at rest is small when somebody looks. */
const IDLE_MS = 30_000;

/** Milliseconds before a thread that died is started again. */
const RESTART_MS = 1000;

type Standing = Extract<FromWriter, { kind: 'at' }>;

interface Waiter {
  readonly position: number;
  readonly resolve: (reached: boolean) => void;
}

interface Question {
  readonly request: RunSearchRequest;
  readonly resolve: (result: SearchResult) => void;
  readonly reject: (error: Error) => void;
  /** Asked again already, after a thread died or the index was found damaged. A question that kills its thread must not do so for ever. */
  askedAgain: number;
}

/**
 * Search on two threads: one follows the event log into the index, one answers. Neither is started before there is something to do, and
 * neither can hold up the event loop.
 */
export class SearchService implements Search {
  readonly #store: Store;
  readonly #system: System;
  readonly #log: Log;
  readonly #idleMs: number;
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
  /** Rebuilds asked for, and the last of them that the writer has spoken of. */
  #generation = 0;
  #acknowledged = 0;
  #renewal: 'rebuild' | 'repair' = 'rebuild';
  #closing = false;
  #idle: NodeJS.Timeout | undefined;

  /** @param parts.startThread starts a thread with the given role; see `platform-search.ts` */
  constructor(parts: {
    store: Store;
    system: System;
    log: Log;
    startThread: (role: 'writer' | 'reader') => Worker;
    /** Milliseconds without news after which the thread that indexes is let go; half a minute when left out. */
    idleMs?: number;
  }) {
    this.#store = parts.store;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#startThread = parts.startThread;
    this.#idleMs = parts.idleMs ?? IDLE_MS;
    this.#catchUpIn(START_MS);
    this.#unsubscribe = parts.store.onLog(() => {
      this.#news ??= setTimeout(() => {
        this.#news = undefined;
        this.#tellWriter('log');
      }, NEWS_MS);
    });
  }

  async search(request: RunSearchRequest, after?: Freshness): Promise<SearchResult> {
    const isFresh = after === undefined || (await this.reached(after.position, after.forMs));
    const wasRebuilding = this.#at.rebuilding;
    const found = await new Promise<SearchResult>((resolve, reject) => {
      this.#ask({ request, resolve, reject, askedAgain: 0 });
    });
    const result: SearchResult = isFresh ? found : { ...found, isBehind: true };
    const { rebuilding, indexedRuns, totalRuns } = this.#at;
    // The answer may be from before a rebuild ended, or from after one began.
    return wasRebuilding || rebuilding
      ? { ...result, totalIsLowerBound: true, rebuild: { indexedRuns, totalRuns } }
      : result;
  }

  #catchUpIn(ms: number): void {
    this.#restart = setTimeout(() => {
      this.#catchUp().catch((error: unknown) => {
        if (this.#closing) return;
        this.#log.warn({ err: error }, 'the store could not be asked what the search index lacks; trying again');
        this.#catchUpIn(RESTART_MS);
      });
    }, ms);
    this.#restart.unref();
  }

  /** A store in which nothing happened yet needs no thread. */
  async #catchUp(): Promise<void> {
    const { lastPosition } = await this.#store.stats();
    if (lastPosition > 0) this.#tellWriter('log');
  }

  #ask(question: Question): void {
    if (this.#closing) {
      question.reject(new Error('The search is closed.'));
      return;
    }
    const id = ++this.#nextId;
    this.#questions.set(id, question);
    this.#readerThread().postMessage({ kind: 'search', id, request: question.request } satisfies ToReader);
  }

  async reached(position: number, timeoutMs: number): Promise<boolean> {
    if (this.#at.position >= position) return true;
    this.#tellWriter('log');
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
    this.#renew('rebuild');
  }

  #renew(kind: 'rebuild' | 'repair'): void {
    this.#reader?.postMessage({ kind: 'forget' } satisfies ToReader);
    this.#at = { ...this.#at, position: 0, indexedRuns: 0, rebuilding: true };
    this.#generation += 1;
    this.#renewal = kind;
    this.#tellWriter(kind);
  }

  /** Has a damaged index built anew and waits a moment for it: that of a small store is complete before anybody notices. */
  async #repair(reason: string): Promise<void> {
    if (!this.#at.rebuilding) {
      this.#log.warn({ reason }, 'the search index is damaged and is built anew');
      this.#renew('repair');
    }
    await this.#renewed();
  }

  /** Waits a moment for an index that is built anew to be complete. */
  async #renewed(): Promise<void> {
    const { lastPosition } = await this.#store.stats();
    await this.reached(lastPosition, REPAIR_MS);
  }

  async status(): Promise<SearchStatus> {
    return this.#at;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#unsubscribe();
    clearTimeout(this.#news);
    clearTimeout(this.#idle);
    clearTimeout(this.#restart);
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#waiters = [];
    for (const { reject } of this.#questions.values()) reject(new Error('The search is closed.'));
    this.#questions.clear();
    await Promise.all([endThread(this.#writer, STOP), endThread(this.#reader, STOP)]);
  }

  #tellWriter(kind: ToWriter['kind']): void {
    if (this.#closing) return;
    clearTimeout(this.#idle);
    this.#writerThread().postMessage({ kind, generation: this.#generation } satisfies ToWriter);
  }

  #writerThread(): Worker {
    if (this.#writer) return this.#writer;
    const writer = this.#startThread('writer');
    writer.unref();
    writer.on('message', (told: FromWriter) => {
      if (told.kind === 'at') this.#advance(told);
      else if (told.kind === 'note') this.#note(told);
      else {
        this.#warnOnRun(told).catch((error) =>
          this.#log.error({ err: error, runId: told.runId }, 'a run could not be given its warning of the search'),
        );
      }
    });
    this.#watch(writer, 'index', () => {
      // Let go of on purpose: it comes back with the next news.
      if (this.#writer !== writer) return;
      this.#writer = undefined;
      const kind = this.#acknowledged === this.#generation ? 'log' : this.#renewal;
      clearTimeout(this.#restart);
      this.#restart = setTimeout(() => this.#tellWriter(kind), RESTART_MS);
      this.#restart.unref();
    });
    this.#writer = writer;
    return writer;
  }

  #advance(at: Standing): void {
    if (at.generation !== this.#generation) return;
    this.#acknowledged = at.generation;
    // The file is another one now: whoever has the old one open would go on reading what is no more.
    if (at.renewed) this.#reader?.postMessage({ kind: 'forget' } satisfies ToReader);
    this.#at = at;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.position > at.position) return true;
      waiter.resolve(true);
      return false;
    });
    this.#letGoWhenIdle();
  }

  /** Ends the writer's thread when nothing happens for a while: it holds some 40 MB that a quiet server does not need. */
  #letGoWhenIdle(): void {
    clearTimeout(this.#idle);
    // A thread that is ending still says how far it came; the store may be gone when the time is up.
    if (this.#closing) return;
    if (this.#at.rebuilding || this.#at.runsWithoutVectors > 0 || this.#at.trouble !== null) return;
    this.#idle = setTimeout(() => void this.#letGo(), this.#idleMs);
    this.#idle.unref();
  }

  async #letGo(): Promise<void> {
    const stats = await this.#store.stats().catch(() => null);
    if (this.#closing) return;
    if (stats === null) return this.#letGoWhenIdle();
    // News may be on their way that it has not answered yet.
    if (this.#at.position < stats.lastPosition) return;
    const writer = this.#writer;
    this.#writer = undefined;
    await endThread(writer, STOP);
  }

  /** A log line of the run says what cannot be found, so that nobody takes silence for absence. */
  async #warnOnRun({ workspaceId, runId, warning }: CutRun): Promise<void> {
    const run = await this.#store.getRun(workspaceId, runId);
    if (this.#closing || run === null || !isTerminal(run.status)) return;
    const log = {
      id: this.#system.newId(),
      runId,
      nodeId: null,
      iteration: 0,
      level: 'warning',
      message: warning,
      at: this.#system.now(),
      meta: CUT_MARK,
    } as const;
    await this.#store.commit([{ kind: 'appendLog', workspaceId, log }]);
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
      if (!question) return;
      this.#questions.delete(answer.id);
      if (answer.kind === 'found') question.resolve(answer.result);
      else if (answer.damaged)
        this.#repair(answer.message).then(() => this.#askAgain(question, answer.message), question.reject);
      else if (answer.moved)
        this.#renewed().then(() => this.#askAgain(question, answer.message, MOVES_FOLLOWED), question.reject);
      else question.reject(new Error(answer.message));
    });
    this.#watch(reader, 'search', () => {
      this.#reader = undefined;
      const unanswered = [...this.#questions.values()];
      this.#questions.clear();
      for (const question of unanswered) this.#askAgain(question, 'The search thread ended.');
    });
    this.#reader = reader;
    return reader;
  }

  #note({ level, facts, message }: FromWriter & { kind: 'note' }): void {
    this.#log[level](facts, message);
  }

  #askAgain(question: Question, reason: string, limit = 1): void {
    if (question.askedAgain >= limit) {
      question.reject(new Error(reason));
      return;
    }
    question.askedAgain += 1;
    this.#ask(question);
  }

  #watch(thread: Worker, name: string, onEnd: () => void): void {
    thread.on('error', (error) => this.#log.error({ err: error }, `the ${name} thread failed`));
    thread.on('exit', () => {
      if (!this.#closing) onEnd();
    });
  }
}
