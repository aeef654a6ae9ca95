import type { JsonObject } from './json.ts';
import type { WorkflowKind } from './workflow.ts';

/** Many runs of one target that were asked for together. Each is a run like any other. Times are epoch milliseconds. */
export interface Batch {
  readonly id: string;
  readonly workspaceId: string;
  /** What kind of thing is run, and which. */
  readonly kind: WorkflowKind;
  readonly workflowId: string;
  readonly itemsTotal: number;
  /** Runs that ended, by how they did. The store counts them. */
  readonly itemsSucceeded: number;
  readonly itemsPartial: number;
  readonly itemsFailed: number;
  readonly itemsCanceled: number;
  readonly meta: JsonObject | null;
  readonly callbackUrl: string | null;
  readonly requestId: string | null;
  readonly apiKeyId: string | null;
  readonly createdAt: number;
  /** When the first of its runs began. */
  readonly startedAt: number | null;
  /** When the last of its runs ended. */
  readonly finishedAt: number | null;
}

/** One run of a batch, in the place that it was asked for in. */
export interface BatchItem {
  readonly batchId: string;
  /** 0-based. */
  readonly index: number;
  /** Names the item too: a run is part of one batch at most. */
  readonly runId: string;
}

export const BATCH_STATUSES = ['queued', 'running', 'succeeded', 'partial', 'failed', 'canceled'] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** How a batch stands, by how many of its runs ended in which way. */
export function batchStatus(batch: Batch): BatchStatus {
  const { itemsTotal: total, finishedAt, startedAt } = batch;
  if (finishedAt === null) return startedAt === null ? 'queued' : 'running';
  if (batch.itemsSucceeded === total) return 'succeeded';
  if (batch.itemsFailed === total) return 'failed';
  return batch.itemsCanceled === total ? 'canceled' : 'partial';
}
