import type { RunEvent } from '../domain/event.ts';
import type { ContentPiece, LiveContent } from '../engine/live-content.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';

/**
 * Hands events to whoever watches a run. The log is read once for all watchers, from where it stood when the first of them came; with nobody
 * watching it is not read at all.
 */
export class LiveRuns {
  readonly #store: Store;
  readonly #log: Log;
  readonly #content: LiveContent;
  readonly #watchers = new Map<string, Set<(event: RunEvent) => void>>();
  #follower: Follower | undefined;

  constructor(store: Store, log: Log, content: LiveContent) {
    this.#store = store;
    this.#log = log;
    this.#content = content;
  }

  /** Calls `onEvent` with each event of the run from now on. Returns the way to stop it. */
  async watch(runId: string, onEvent: (event: RunEvent) => void): Promise<() => void> {
    const watchers = this.#watchers.get(runId) ?? new Set();
    this.#watchers.set(runId, watchers);
    watchers.add(onEvent);
    if (this.#follower === undefined) {
      const { lastPosition } = await this.#store.stats();
      this.#follower ??= follow(
        this.#store,
        lastPosition,
        async (events) => this.#hand(events),
        (error) => this.#log.error({ err: error }, 'reading the log for live views failed'),
      );
    }
    return () => {
      watchers.delete(onEvent);
      if (watchers.size === 0 && this.#watchers.get(runId) === watchers) this.#watchers.delete(runId);
      if (this.#watchers.size > 0) return;
      void this.#follower?.stop();
      this.#follower = undefined;
    };
  }

  /** Calls `onPiece` with each piece of text that the run's nodes make from now on. Returns the way to stop it. */
  watchContent(runId: string, onPiece: (piece: ContentPiece) => void): () => void {
    return this.#content.watch(runId, onPiece);
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  #hand(events: readonly RunEvent[]): void {
    for (const event of events) {
      for (const watcher of this.#watchers.get(event.runId) ?? []) watcher(event);
    }
  }
}
