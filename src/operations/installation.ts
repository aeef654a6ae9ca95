import type { Caller } from '../domain/caller.ts';
import type { StoreStats } from '../store/store.ts';
import { demand } from './access.ts';
import type { RunSearch } from './search.ts';

/** What the process that serves knows of itself. */
export interface ProcessFacts {
  readonly busyWorkers: number;
  readonly concurrency: number;
  /** Bytes on disk; null where it is not known. */
  readonly disk: { readonly store: number; readonly searchIndex: number; readonly blobs: number | null };
}

/** How an installation does, for its operators. */
export interface InstallationState extends ProcessFacts {
  readonly stats: StoreStats;
  readonly search: Awaited<ReturnType<RunSearch['status']>>;
}

/** How the installation does, over all workspaces, for callers with the scope `admin`. */
export class Installation {
  readonly #stats: () => Promise<StoreStats>;
  readonly #search: RunSearch;
  readonly #facts: () => Promise<ProcessFacts>;

  constructor(parts: { stats: () => Promise<StoreStats>; search: RunSearch; facts: () => Promise<ProcessFacts> }) {
    this.#stats = parts.stats;
    this.#search = parts.search;
    this.#facts = parts.facts;
  }

  async state(caller: Caller): Promise<InstallationState> {
    demand(caller, 'admin');
    const [stats, search, facts] = await Promise.all([this.#stats(), this.#search.status(caller), this.#facts()]);
    return { stats, search, ...facts };
  }

  async rebuildSearch(caller: Caller): Promise<void> {
    await this.#search.rebuild(caller);
  }
}
