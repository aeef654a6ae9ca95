import type { RunEvent } from '../domain/event.ts';
import type { Store } from './store.ts';

/** Events handed over at once: enough to amortise a commit, few enough to stay far below a second of work. */
const BATCH = 500;

/** Milliseconds before a follower tries a batch again that its handler threw on. */
const RETRY_MS = 1000;

export interface Follower {
  /** Position up to which the handler has dealt with the log. */
  readonly position: number;
  /** Resolves when everything up to `position` has been dealt with. */
  reached(position: number): Promise<void>;
  /** Ends after the batch in hand. */
  stop(): Promise<void>;
}

/**
 * Reads the event log from `start` on, batch after batch, and keeps reading as it grows.
 *
 * The handler keeps the position itself, in the same write as what it made of the events: then a crash repeats nothing and loses nothing.
 * A handler that throws is given the same batch again after a second; `onError` hears of it.
 */
export function follow(
  store: Store,
  start: number,
  handle: (events: readonly RunEvent[]) => Promise<void>,
  onError: (error: unknown) => void,
): Follower {
  let position = start;
  let stopped = false;
  let pending = true;
  let wake: (() => void) | undefined;
  let waiting: { position: number; resolve: () => void }[] = [];

  const unsubscribe = store.onLog(() => {
    pending = true;
    wake?.();
  });

  const idle = (ms?: number) =>
    new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      wake = () => {
        if (ms !== undefined && !stopped) return;
        clearTimeout(timer);
        resolve();
      };
    });

  async function loop(): Promise<void> {
    while (!stopped) {
      if (!pending) {
        await idle();
        continue;
      }
      pending = false;
      try {
        const events = await store.readLog(position, BATCH);
        const last = events.at(-1);
        if (last === undefined) continue;
        await handle(events);
        position = last.position;
        pending ||= events.length === BATCH;
        waiting = waiting.filter((waiter) => {
          if (waiter.position > position) return true;
          waiter.resolve();
          return false;
        });
      } catch (error) {
        if (stopped) return;
        onError(error);
        pending = true;
        await idle(RETRY_MS);
      }
    }
  }
  const running = loop();

  return {
    get position() {
      return position;
    },
    reached: (target) =>
      target <= position ? Promise.resolve() : new Promise((resolve) => waiting.push({ position: target, resolve })),
    async stop() {
      stopped = true;
      unsubscribe();
      wake?.();
      await running;
    },
  };
}
