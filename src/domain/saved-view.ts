import type { JsonObject } from './json.ts';

/** A way to look at the list of runs that somebody keeps for the whole workspace. Times are epoch milliseconds. */
export interface SavedView {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  /** The text of a filter. */
  readonly q: string;
  /** The text of an order; empty: the list's own. */
  readonly sort: string;
  readonly columns: readonly string[];
  /** What else the page keeps with it. */
  readonly extra: JsonObject;
  /** The name of the key it was made with. */
  readonly createdBy: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}
