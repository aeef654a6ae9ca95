/** One numbered page of a list, with the count of all rows that match. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  /** 1-based. */
  readonly page: number;
  readonly size: number;
}

/** Which page is asked for. */
export interface PageRequest {
  readonly page: number;
  readonly size: number;
}
