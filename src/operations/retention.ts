import type { Caller } from '../domain/caller.ts';
import { invalid } from '../domain/error.ts';
import { MAX_RETENTION_DAYS, type Retention } from '../domain/retention.ts';
import type { Payloads } from '../engine/payloads.ts';
import type { Change } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import { deleteRun, type RunDeletionParts } from './run-deletion.ts';

const DAY_MS = 86_400_000;

/** After the start: runs that the last process left go on first. */
const FIRST_SWEEP_MS = 60_000;

/** Days are what is promised; an hour more is nobody's loss. */
const SWEEP_EVERY_MS = 3_600_000;

/** The name under which the hour of the last sweep is kept, as followers of the log keep their positions. */
const TURN = 'retention';

/** Runs that are looked up at once: a second of deleting, after which a setting that was changed meanwhile counts. */
const GROUP = 1000;

/** How long a workspace keeps its finished runs. */
export interface RetentionState {
  /** Null: the workspace says nothing, so that the server's setting counts. */
  readonly own: Retention | null;
  /** The server's setting; null: for ever. */
  readonly serverDays: number | null;
}

/** Deletes finished runs that are older than they are to be kept, with everything they own. Runs that wait or run are never touched. */
export class Retentions {
  readonly #store: Store;
  readonly #engine: RunDeletionParts['engine'];
  readonly #payloads: Payloads;
  readonly #system: System;
  readonly #log: Log;
  readonly #serverDays: number | null;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<unknown> = Promise.resolve();
  #isStopping = false;

  /** @param parts `serverDays`: for workspaces that say nothing themselves; null: for ever */
  constructor(parts: RunDeletionParts & { log: Log; serverDays: number | null }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#payloads = parts.payloads;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#serverDays = parts.serverDays;
  }

  /** Sweeps every hour, and a minute after the start. */
  start(): void {
    this.#sweepIn(FIRST_SWEEP_MS);
  }

  /** Ends after the run in hand. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  async get(caller: Caller): Promise<RetentionState> {
    demand(caller, 'runs:read');
    return { own: await this.#store.retention(caller.workspaceId), serverDays: this.#serverDays };
  }

  /** @param own null: as the server says. @throws PlatformError `invalid` */
  async set(caller: Caller, own: Retention | null): Promise<RetentionState> {
    demand(caller, 'runs:delete');
    if (own !== null && own.days !== null) checkDays(own.days, 'body');
    await this.#store.commit([{ kind: 'setRetention', workspaceId: caller.workspaceId, retention: own }]);
    return { own, serverDays: this.#serverDays };
  }

  /** How many runs would go now if they were kept for some days. @throws PlatformError `invalid` */
  async preview(caller: Caller, days: number): Promise<number> {
    demand(caller, 'runs:read');
    checkDays(days, 'query');
    return (await this.#store.findRunsBefore(this.#olderThan(caller.workspaceId, days), 0)).total;
  }

  /** Deletes what is too old in every workspace. @returns how many runs went */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const { id } of await this.#store.listWorkspaces()) {
      const ofWorkspace = await this.#sweepWorkspace(id);
      if (ofWorkspace > 0)
        this.#log.info({ workspaceId: id, runs: ofWorkspace }, 'runs past their retention were deleted');
      deleted += ofWorkspace;
    }
    return deleted;
  }

  async #sweepWorkspace(workspaceId: string): Promise<number> {
    let deleted = 0;
    while (!this.#isStopping) {
      const own = await this.#store.retention(workspaceId);
      const days = own === null ? this.#serverDays : own.days;
      if (days === null) break;
      const { runIds } = await this.#store.findRunsBefore(this.#olderThan(workspaceId, days), GROUP);
      const gone = await this.#deleteEach(workspaceId, runIds);
      deleted += gone;
      // What could not be deleted is found again: the next sweep tries it.
      if (gone < GROUP) break;
    }
    return deleted;
  }

  /** One after the other: each is a commit of its own, between which whatever else there is has its turn. @returns how many went */
  async #deleteEach(workspaceId: string, runIds: readonly string[]): Promise<number> {
    const parts = { store: this.#store, engine: this.#engine, payloads: this.#payloads, system: this.#system };
    let deleted = 0;
    for (const runId of runIds) {
      if (this.#isStopping) break;
      if ((await deleteRun(parts, workspaceId, runId)) === null) deleted += 1;
    }
    return deleted;
  }

  #olderThan(workspaceId: string, days: number) {
    const before = this.#system.now() - days * DAY_MS;
    return { workspaceId, before, finishedBefore: before };
  }

  /** Sweeps unless another process on the store has begun to in this hour. */
  async #sweepInTurn(): Promise<unknown> {
    // One that has the store to itself sweeps after each start.
    if (!this.#store.isShared) return this.sweep();
    const position = Math.floor(this.#system.now() / SWEEP_EVERY_MS);
    const before = await this.#store.followerPosition(TURN);
    if (before >= position) return undefined;
    const turn: Change = [{ kind: 'followed', follower: TURN, position, before }];
    return (await this.#store.commit(turn)) === 'kept' ? this.sweep() : undefined;
  }

  #sweepIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#sweeping = this.#sweepInTurn()
        .catch((error: unknown) =>
          this.#log.error({ err: error }, 'old runs could not be deleted; trying again in an hour'),
        )
        .then(() => {
          if (!this.#isStopping) this.#sweepIn(SWEEP_EVERY_MS);
        });
    }, ms);
  }
}

function checkDays(days: number, where: 'body' | 'query'): void {
  if (Number.isInteger(days) && days >= 1 && days <= MAX_RETENTION_DAYS) return;
  const message = `"days" takes a whole number from 1 to ${MAX_RETENTION_DAYS}, given was ${days}.`;
  throw invalid([{ at: [where, 'days'], message, type: 'value_error' }]);
}
