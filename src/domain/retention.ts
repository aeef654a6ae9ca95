/** What a workspace says of how long its finished runs are kept. */
export interface Retention {
  /** Whole days since a run finished; null: for ever. */
  readonly days: number | null;
}

/** A hundred years: more is for ever, and says so. */
export const MAX_RETENTION_DAYS = 36_500;
