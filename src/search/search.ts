import type { CheckedFilter } from '../filter/checked-filter.ts';

/** The parts of a run that can be searched. */
export type SearchField = 'input' | 'output' | 'other' | 'run_id';

/** Every field, in the order in which matches of one run are listed. */
export const SEARCH_FIELDS: readonly SearchField[] = ['input', 'output', 'other', 'run_id'];

/**
 * Tells which of some runs a filter lets through.
 *
 * It is asked with batches of candidates, newest first, and only as many as the search needs.
 */
export type RunFilter = (runIds: readonly string[]) => ReadonlySet<string>;

/** What someone looks for, within one workspace, in the index. */
export interface SearchRequest {
  readonly workspaceId: string;
  /** The text to find. An empty one is refused. */
  readonly query: string;
  /** Fields to look in; all four when absent. */
  readonly searchIn?: readonly SearchField[];
  /** Only runs of these workflows; of all when absent. */
  readonly workflowIds?: readonly string[];
  /** Only runs that this filter lets through. */
  readonly allowed?: RunFilter;
  /** Treat `é` as `e`. Off by default. */
  readonly ignoreAccents?: boolean;
  /** Runs to answer with. */
  readonly limit: number;
  /** Matching runs to leave out before the first answered one. */
  readonly offset?: number;
  /** Only runs older than this one (its id is greater than theirs). */
  readonly before?: string;
  /** Code points of context on each side of a match. */
  readonly contextSize: number;
  /** Snippets per run, at most. */
  readonly maxMatchesPerRun: number;
  /** Count matching runs up to this number, {@link COUNT_LIMIT} when absent. 0 leaves out counting. */
  readonly countUpTo?: number;
  /**
   * Milliseconds for counting after the page is found; as long as it takes when absent. Where more than 10,000 runs may match and
   * have to be read, what was counted by then is a lower bound, and the next such search counts on.
   */
  readonly countForMs?: number;
}

/** Up to here totals are exact: counting on costs 1 to 8 µs a run, and nobody pages that far. */
export const COUNT_LIMIT = 10_000;

/** One place where a run matches. Strings only, as both APIs carry them. */
export interface SearchMatch {
  readonly field: SearchField;
  /** JSON path into the field. */
  readonly path: string;
  readonly node_id?: string;
  /** What matched, as it was written. */
  readonly match: string;
  /** `before`, `match` and `after` in one. */
  readonly context: string;
  readonly before: string;
  readonly after: string;
  /** By meaning: the words of the match that carried it, by their weight, joined by commas. */
  readonly words?: string;
  /** Code points of the text at `path` before the match, in decimal. */
  readonly start: string;
  /** Code points of the text at `path` up to the end of the match, in decimal. */
  readonly end: string;
}

/** A run that matches. */
export interface SearchHit {
  readonly runId: string;
  /** 0 to 1; 1 for every exact match. */
  readonly similarity: number;
  readonly matches: readonly SearchMatch[];
}

/** How far a rebuild of the index has come. */
export interface RebuildProgress {
  readonly indexedRuns: number;
  /** Absent while it is not known. */
  readonly totalRuns?: number;
}

/** The answer to a {@link SearchRequest}. */
export interface SearchResult {
  readonly hits: readonly SearchHit[];
  /** Matching runs, whatever `limit`, `offset` and `before` are. */
  readonly total: number;
  /** True when there are more matching runs than `total` says. */
  readonly totalIsLowerBound: boolean;
  /** The place in the event log up to which the index is complete; null when it holds nothing yet. */
  readonly position: string | null;
  /** Present while the index is being rebuilt: older runs may be missing from the answer. */
  readonly rebuild?: RebuildProgress;
  /** Set when the index did not come to hold in time what the search was to find. */
  readonly isBehind?: true;
  /** By meaning: why words alone were compared. Absent when meaning was. */
  readonly degraded?: string;
  /** By meaning: runs, of all workspaces, that only their words can find until their vectors have come. Absent when there are none. */
  readonly runsWithoutVectors?: number;
}

/** What a caller asks: {@link SearchRequest} with the ways to look and to choose that the whole search has. */
export interface RunSearchRequest extends Omit<SearchRequest, 'allowed'> {
  /** By text, newest first; otherwise by meaning, best first. */
  readonly exact: boolean;
  /** By meaning: runs below are left out, and are not counted. */
  readonly similarityThreshold: number;
  /** Only runs that this filter lets through. */
  readonly filter?: CheckedFilter;
}

/** How the index stands. */
export interface SearchStatus {
  /** Position in the event log up to which the index is complete. */
  readonly position: number;
  readonly indexedRuns: number;
  /** Set while the index is being built anew. */
  readonly rebuilding: boolean;
  /** Runs to index in all while the index is being built anew; 0 otherwise. */
  readonly totalRuns: number;
  /** Runs whose vectors are still to come. */
  readonly runsWithoutVectors: number;
  /** What keeps the index from growing at present, such as an embedder that is away; null when nothing does. */
  readonly trouble: string | null;
}

/** What an index is to hold before it is searched. */
export interface Freshness {
  /** Of the event log. */
  readonly position: number;
  /** Milliseconds that are waited for it at most. */
  readonly forMs: number;
}

/** How the index of one process stands that answers searches of others. */
export interface SearchMachine extends SearchStatus {
  readonly id: string;
  readonly url: string;
  /** Its partitions, as `1-4/16`. */
  readonly share: string;
}

/** How the index stands, and where it is on machines of its own, each of them. */
export interface SearchState extends SearchStatus {
  readonly machines?: readonly SearchMachine[];
}

/** Finds runs by what they say. */
export interface Search {
  /** @throws PlatformError `unavailable` when what holds the workspace is out of reach */
  search(request: RunSearchRequest, after?: Freshness): Promise<SearchResult>;
  /**
   * Resolves once the index holds everything up to a position of the event log, or when `timeoutMs` milliseconds are over.
   * @param workspaceId whose runs it is about; of all when left out
   */
  reached(position: number, timeoutMs: number, workspaceId?: string): Promise<boolean>;
  /** Throws the index away and builds it anew; searching stays possible and finds what is there already. */
  rebuild(): Promise<void>;
  status(): Promise<SearchState>;
  close(): Promise<void>;
}
