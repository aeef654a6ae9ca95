import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import type { Dispatcher } from './dispatcher.ts';
import { Worker, type WorkerParts } from './worker.ts';

/**
 * Longest sleep between two looks at the queue: bounds what a missed wake-up costs, and how long tasks of a worker that died lie about once their
 * leases have run out, of which nobody tells.
 */
const MAX_SLEEP = { ms: 5_000, leaseShare: 1 / 4 };

/**
 * One of so many places is kept for workspaces that have none: little enough to cost a busy workspace hardly anything, enough that several newcomers
 * find one. A worker of less than two places has none to keep.
 */
const RESERVED_SHARE = 8;

/**
 * Milliseconds from one look to the next when work comes in all the time. Where processes share a store each look is a transaction that takes turns with
 * those of the others; a look that finds more makes larger groups of everything behind it. Who comes when nothing goes on is not kept waiting.
 */
const LOOK_EVERY_MS = 10;

/** Claims whatever is due, of any run, as far as its worker has places: when the log grows, when a place is free, and when something becomes due. */
export class StoreDispatcher implements Dispatcher {
  readonly #store: Store;
  readonly #system: System;
  readonly #log: Log;
  readonly #worker: Worker;
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** The look under way. */
  #looking: Promise<void> | null = null;
  /** When it began, by the clock that only goes forward. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #again = false;
  #stopping = false;

  /** Begins at once. */
  constructor(parts: WorkerParts) {
    this.#store = parts.store;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#worker = new Worker(parts);
    this.#worker.onRoom(() => this.#look());
    this.#unsubscribe = this.#store.onWork(() => this.#look());
    this.#look();
  }

  get busy(): number {
    return this.#worker.busy;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#unsubscribe();
    await this.#looking;
    clearTimeout(this.#timer);
    await this.#worker.stop(graceMs);
  }

  /** Looks for due tasks now, or right after the look that is under way. */
  #look(): void {
    if (this.#stopping) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#lookInTurn()
      .catch((error) => this.#log.error({ err: error }, 'claiming tasks failed'))
      .finally(() => {
        this.#looking = null;
        if (!this.#again || this.#stopping) return;
        this.#again = false;
        this.#look();
      });
  }

  async #lookInTurn(): Promise<void> {
    const wait = this.#store.isShared ? this.#lookedAt + LOOK_EVERY_MS - performance.now() : 0;
    if (wait > 0) await sleep(wait);
    this.#lookedAt = performance.now();
    this.#again = false;
    await this.#claim();
  }

  async #claim(): Promise<void> {
    // Before anything that may fail or find nothing: the leases of a worker that died elsewhere run out without a sign.
    const longest = Math.min(MAX_SLEEP.ms, this.#store.leaseMs * MAX_SLEEP.leaseShare);
    this.#sleep(longest);
    const { concurrency, held } = this.#worker;
    const reserved = concurrency < 2 ? 0 : Math.ceil(concurrency / RESERVED_SHARE);
    while (!this.#stopping) {
      const limit = this.#worker.room;
      // A full worker is told of when one of its tasks ends.
      if (limit <= 0) return;
      const now = this.#system.now();
      const { leaseMs } = this.#store;
      const leases = await this.#store.claimTasks({ limit, now, leaseMs, reserved, held });
      if (this.#stopping) {
        await this.#store.returnLeases(leases);
        return;
      }
      for (const lease of leases) void this.#worker.take(lease, now + leaseMs);
      if (leases.length < limit) break;
    }
    if (this.#stopping || this.#again) return;
    const dueAt = await this.#store.nextTaskDueAt();
    if (dueAt !== null) this.#sleep(Math.min(longest, Math.max(1, dueAt - this.#system.now())));
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }
}
