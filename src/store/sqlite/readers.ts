import { Worker } from 'node:worker_threads';
import { endThread } from '../../system/end-thread.ts';
import type { Connection } from './connection.ts';
import type { SlowQueries } from './queries.ts';

export interface ReaderQuestion {
  readonly id: number;
  readonly query: keyof SlowQueries;
  readonly args: readonly unknown[];
}

export type ReaderAnswer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** What a query gives in the end: some do it in steps. */
type Answer<K extends keyof SlowQueries> =
  ReturnType<SlowQueries[K]> extends Generator<undefined, infer Result> ? Result : ReturnType<SlowQueries[K]>;

type Arguments<K extends keyof SlowQueries> =
  Parameters<SlowQueries[K]> extends [Connection, ...infer Rest] ? Rest : never;

/**
 * Answers slow queries on a thread of its own with a read-only connection, so that they never hold up the event loop.
 * The thread starts with the first question: a process that never asks one saves its 15 MB.
 */
export class Readers {
  readonly #path: string;
  #worker: Worker | undefined;
  #next = 0;
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  constructor(path: string) {
    this.#path = path;
  }

  ask<K extends keyof SlowQueries>(query: K, ...args: Arguments<K>): Promise<Answer<K>> {
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#thread().postMessage({ id, query, args } satisfies ReaderQuestion);
    });
  }

  async close(): Promise<void> {
    await endThread(this.#worker, null);
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: { path: this.#path } });
    // An idle reader does not keep the process alive.
    worker.unref();
    worker.on('message', (answer: ReaderAnswer) => {
      const question = this.#open.get(answer.id);
      this.#open.delete(answer.id);
      if ('error' in answer) question?.reject(new Error(answer.error));
      else question?.resolve(answer.value);
    });
    const lost = (cause: unknown) => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const question of this.#open.values()) question.reject(new Error('The reader thread ended.', { cause }));
      this.#open.clear();
    };
    worker.on('error', lost);
    worker.on('exit', lost);
    this.#worker = worker;
    return worker;
  }
}
