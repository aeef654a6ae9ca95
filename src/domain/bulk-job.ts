export const BULK_JOB_ACTIONS = ['stop', 'retry', 'delete', 'evaluate'] as const;
export type BulkJobAction = (typeof BULK_JOB_ACTIONS)[number];

/** How far a job is that does one thing to many runs. Times are epoch milliseconds. */
export interface BulkJobState {
  readonly id: string;
  readonly action: BulkJobAction;
  readonly status: 'collecting' | 'running' | 'done' | 'canceled' | 'failed';
  /** The text of the filter that the runs were chosen by; null: by id. */
  readonly q: string | null;
  readonly total: number;
  readonly succeeded: number;
  readonly skipped: number;
  readonly failed: number;
  /** The first of them. */
  readonly errors: readonly { readonly runId: string; readonly message: string }[];
  /** Ids of the first runs or evaluations that it made. */
  readonly made: readonly string[];
  readonly message: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

/** What is kept of a job: as its process said last. Times are epoch milliseconds. */
export interface BulkJob {
  readonly workspaceId: string;
  /** The key that began it. */
  readonly keyId: string;
  readonly state: BulkJobState;
  /** When its process said so. */
  readonly seenAt: number;
  /** When somebody asked for its end; null: nobody has. */
  readonly endAskedAt: number | null;
}
