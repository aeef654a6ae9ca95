import type { Caller } from '../domain/caller.ts';
import type { RunEvent } from '../domain/event.ts';
import type { ContentPiece, LiveContent } from '../engine/live-content.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import { demand } from './access.ts';

/** Events that a live view catches up on: some 20 ms of reading. Who missed more reads the list anew. */
const MOST_MISSED = 2000;

/**
 * Hands events to whoever watches a run, or all of a workspace. The log is read once for all watchers, from where it stood when the first of them came; with nobody
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
  watch(runId: string, onEvent: (event: RunEvent) => void): Promise<() => void> {
    return this.#watch(runId, onEvent);
  }

  /** Calls `onEvent` with each event of any run of the caller's workspace from now on. Returns the way to stop it. */
  watchAll(caller: Caller, onEvent: (event: RunEvent) => void): Promise<() => void> {
    demand(caller, 'runs:read');
    return this.#watch(caller.workspaceId, onEvent);
  }

  /**
   * What happened in the caller's workspace after a position of the log, oldest first, and how far that reaches; null when it is further back than
   * anybody would read event by event.
   */
  async since(caller: Caller, position: number): Promise<{ events: RunEvent[]; position: number } | null> {
    demand(caller, 'runs:read');
    const { lastPosition } = await this.#store.stats();
    if (position > lastPosition || lastPosition - position > MOST_MISSED) return null;
    const events = await this.#store.readLog(position, MOST_MISSED);
    const ours = events.filter(({ workspaceId }) => workspaceId === caller.workspaceId);
    return { events: ours, position: events.at(-1)?.position ?? position };
  }

  /** The position of the last event of the log. */
  async position(): Promise<number> {
    return (await this.#store.stats()).lastPosition;
  }

  /** @param key a run's id, or that of a workspace: both are unique among each other */
  async #watch(key: string, onEvent: (event: RunEvent) => void): Promise<() => void> {
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers);
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
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
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
      for (const watcher of this.#watchers.get(event.workspaceId) ?? []) watcher(event);
    }
  }
}
