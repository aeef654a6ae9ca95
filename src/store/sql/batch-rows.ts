import type { Batch, BatchItem } from '../../domain/batch.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { WorkflowKind } from '../../domain/workflow.ts';
import type { Row } from './rows.ts';

type Cell = string | number | null;

export const BATCH_COLUMNS = [
  'workspace_id',
  'id',
  'kind',
  'workflow_id',
  'items_total',
  'items_succeeded',
  'items_partial',
  'items_failed',
  'items_canceled',
  'meta',
  'callback_url',
  'request_id',
  'api_key_id',
  'created_at',
  'started_at',
  'finished_at',
] as const;

export function batchCells(batch: Batch): Cell[] {
  return [
    batch.workspaceId,
    batch.id,
    batch.kind,
    batch.workflowId,
    batch.itemsTotal,
    batch.itemsSucceeded,
    batch.itemsPartial,
    batch.itemsFailed,
    batch.itemsCanceled,
    batch.meta === null ? null : JSON.stringify(batch.meta),
    batch.callbackUrl,
    batch.requestId,
    batch.apiKeyId,
    batch.createdAt,
    batch.startedAt,
    batch.finishedAt,
  ];
}

export function batchFromRow(row: Row): Batch {
  const time = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    kind: row['kind'] as WorkflowKind,
    workflowId: row['workflow_id'] as string,
    itemsTotal: Number(row['items_total']),
    itemsSucceeded: Number(row['items_succeeded']),
    itemsPartial: Number(row['items_partial']),
    itemsFailed: Number(row['items_failed']),
    itemsCanceled: Number(row['items_canceled']),
    meta: row['meta'] === null ? null : (JSON.parse(row['meta'] as string) as JsonObject),
    callbackUrl: row['callback_url'] as string | null,
    requestId: row['request_id'] as string | null,
    apiKeyId: row['api_key_id'] as string | null,
    createdAt: Number(row['created_at']),
    startedAt: time('started_at'),
    finishedAt: time('finished_at'),
  };
}

export const BATCH_ITEM_COLUMNS = ['workspace_id', 'batch_id', 'item', 'run_id'] as const;

export function batchItemCells(workspaceId: string, item: BatchItem): Cell[] {
  return [workspaceId, item.batchId, item.index, item.runId];
}

export function batchItemFromRow(row: Row): BatchItem {
  return {
    batchId: row['batch_id'] as string,
    index: Number(row['item']),
    runId: row['run_id'] as string,
  };
}
