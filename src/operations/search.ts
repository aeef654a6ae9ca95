import type { Caller } from '../domain/caller.ts';
import { invalid } from '../domain/error.ts';
import type { Run } from '../domain/run.ts';
import type { RunSearchRequest, Search, SearchHit, SearchState } from '../search/search.ts';

export type { RunSearchRequest, SearchField } from '../search/search.ts';

import type { Store } from '../store/store.ts';
import { demand, demandVerdicts } from './access.ts';

/** Milliseconds that a search waits for the index to hold what happened before it: a batch in the works takes 100. */
const FRESH_MS = 1000;

/** A run that was found. */
export interface FoundRun {
  readonly run: Run;
  readonly hit: SearchHit;
}

/** One page of runs that were found. */
export interface FoundRuns {
  readonly items: readonly FoundRun[];
  readonly total: number;
  /** There are more, or the newest of the last moment may be missing. */
  readonly totalIsLowerBound: boolean;
  /** Set while the index is being built: older runs may be missing. */
  readonly rebuild: { readonly indexedRuns: number; readonly totalRuns?: number } | null;
  /** By meaning: why words alone were compared; null when meaning was. */
  readonly degraded: string | null;
  /** By meaning: runs that only their words can find so far. */
  readonly runsWithoutVectors: number;
}

export class RunSearch {
  readonly #store: Store;
  readonly #search: Search;

  constructor(parts: { store: Store; search: Search }) {
    this.#store = parts.store;
    this.#search = parts.search;
  }

  /** Finds runs of the caller's workspace; whatever was answered before is found. @throws PlatformError `invalid` for an empty query */
  async find(caller: Caller, request: Omit<RunSearchRequest, 'workspaceId'>): Promise<FoundRuns> {
    demand(caller, 'runs:read');
    demandVerdicts(caller, request.filter ?? null);
    if (request.query === '') {
      const message = 'The query is empty. Give the text to look for; GET /v1/runs lists all runs.';
      throw invalid([{ at: ['body', 'query'], message, type: 'string_too_short' }]);
    }
    const { lastPosition } = await this.#store.stats();
    const after = { position: lastPosition, forMs: FRESH_MS };
    const found = await this.#search.search({ ...request, workspaceId: caller.workspaceId }, after);
    const items: FoundRun[] = [];
    for (const hit of found.hits) {
      // A run that was deleted since it was found does not exist any more.
      const run = await this.#store.getRun(caller.workspaceId, hit.runId);
      if (run !== null) items.push({ run, hit });
    }
    return {
      items,
      total: found.total,
      totalIsLowerBound: found.totalIsLowerBound || found.isBehind === true,
      rebuild: found.rebuild ?? null,
      degraded: found.degraded ?? null,
      runsWithoutVectors: found.runsWithoutVectors ?? 0,
    };
  }

  /** Resolves when the index no longer holds what was deleted of a workspace up to now. */
  async forgetDeleted(workspaceId: string): Promise<void> {
    const { lastPosition } = await this.#store.stats();
    await this.#search.reached(lastPosition, FRESH_MS, workspaceId);
  }

  async rebuild(caller: Caller): Promise<void> {
    demand(caller, 'admin');
    await this.#search.rebuild();
  }

  async status(caller: Caller): Promise<SearchState & { lastPosition: number }> {
    demand(caller, 'admin');
    const { lastPosition } = await this.#store.stats();
    // The index is looked at when somebody asks, and is nearly always complete in a moment.
    await this.#search.reached(lastPosition, FRESH_MS);
    return { ...(await this.#search.status()), lastPosition };
  }
}
