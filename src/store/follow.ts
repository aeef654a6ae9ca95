import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../domain/event.ts';
import type { Store } from './store.ts';

/** Events handed over at once: enough to amortise a commit, few enough to stay far below a second of work. */
const BATCH = 500;

/** Milliseconds before a follower tries a batch again that its handler threw on. */
const RETRY_MS = 1000;

export interface Follower {
  /** Position up to which the handler has dealt with the log. */
  readonly position: number;
  /**
   * Resolves when everything up to `position` has been dealt with.
   * @throws Error when the follower is stopped before that.
   */
  reached(position: number): Promise<void>;
  /** Ends after the batch in hand. */
  stop(): Promise<void>;
}

/**
 * Reads the event log from `start` on, batch after batch, and keeps reading as it grows.
 *
 * The handler keeps the position itself, in the same write as what it made of the events: then a crash repeats nothing and loses nothing.
 * A handler that throws is given the events again after a second, and possibly newer ones with them; `onError` hears of it.
 */
export function follow(
  store: Store,
  start: number,
  handle: (events: readonly RunEvent[]) => Promise<void>,
  onError: (error: unknown) => void,
): Follower {
  let position = start;
  // Lowered before the log is read and raised whenever it grows, so that growth during a read is not missed.
  let more = true;
  let growth = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let waiters: { position: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  const unsubscribe = store.onLog((last) => {
    // Many changes add no event, the handler's own among them.
    if (last <= position) return;
    more = true;
    growth.resolve();
  });

  async function step(): Promise<void> {
    more = false;
    const events = await store.readLog(position, BATCH);
    const last = events.at(-1);
    if (last === undefined) return;
    await handle(events);
    position = last.position;
    more ||= events.length === BATCH;
    for (const waiter of waiters) if (waiter.position <= position) waiter.resolve();
    waiters = waiters.filter((waiter) => waiter.position > position);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!more) {
        await growth.promise;
        growth = Promise.withResolvers();
        continue;
      }
      // Reading may need no turn of the event loop at all: without this one, a long log would hold up every request until its end.
      await nextTurn();
      if (stopping.signal.aborted) return;
      try {
        await step();
      } catch (error) {
        more = true;
        onError(error);
        await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }
  const running = run();

  return {
    get position() {
      return position;
    },
    async reached(target) {
      if (target <= position) return;
      if (stopping.signal.aborted) throw neverReached(target, position);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiters.push({ position: target, resolve, reject });
      await promise;
    },
    async stop() {
      unsubscribe();
      stopping.abort();
      growth.resolve();
      await running;
      for (const waiter of waiters) waiter.reject(neverReached(waiter.position, position));
      waiters = [];
    },
  };
}

function neverReached(target: number, position: number): Error {
  return new Error(`The follower was stopped at position ${position} of the log, before it reached ${target}.`);
}
