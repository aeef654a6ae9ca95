/** The sort values of one row with its id last, as the store gave them: where a page begins or ends. Opaque to everyone else. */
export type Boundary = readonly (string | number | null)[];

/** Which page of a list is asked for: the first, or the one beside a boundary. */
export interface KeysetRequest {
  readonly limit: number;
  /** Null: the first page. */
  readonly from: Boundary | null;
  /** The page before the boundary instead of the one after it. */
  readonly backward: boolean;
}

/**
 * A page that is found by where it begins, not by its number: rows that come and go meanwhile neither repeat nor skip any other.
 * Items stand in the order of the list, also on the way back.
 */
export interface KeysetPage<T> {
  readonly items: readonly T[];
  /** Boundary to go backward from; null: nothing is before. */
  readonly previous: Boundary | null;
  /** Boundary to go forward from; null: nothing follows. */
  readonly next: Boundary | null;
}
