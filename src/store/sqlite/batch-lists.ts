import { batchFromRow, batchItemFromRow } from '../sql/batch-rows.ts';
import type { ListSource } from '../sql/keyset.ts';
import * as rows from '../sql/rows.ts';
import type { Listed } from '../store.ts';

/** As `batchStatus` of `domain/batch.ts` has it. */
const STATUS = `(case
  when b.finished_at is null then (case when b.started_at is null then 'queued' else 'running' end)
  when b.items_succeeded = b.items_total then 'succeeded'
  when b.items_failed = b.items_total then 'failed'
  when b.items_canceled = b.items_total then 'canceled'
  else 'partial' end)`;

/** The source of `Store.find('batches')`. */
export function batches(): ListSource<Listed['batches']> {
  return {
    select: 'b.*',
    from: 'batches b',
    workspace: 'b.workspace_id',
    columns: {
      id: 'b.id',
      status: STATUS,
      targetType: 'b.kind',
      targetId: 'b.workflow_id',
      itemsTotal: 'b.items_total',
      itemsSucceeded: '(b.items_succeeded + b.items_partial)',
      itemsFailed: 'b.items_failed',
      itemsCanceled: 'b.items_canceled',
      callbackUrl: 'b.callback_url',
      createdBy: 'b.api_key_id',
      createdAt: 'b.created_at',
      startedAt: 'b.started_at',
      completedAt: 'b.finished_at',
      durationMs: '(b.finished_at - b.started_at)',
      metadata: 'b.meta',
    },
    notNull: new Set(['id', 'status', 'targetType', 'targetId', 'itemsTotal', 'createdAt']),
    key: ['b.id'],
    defaultSort: [{ column: 'createdAt', direction: 'desc' }],
    item: batchFromRow,
  };
}

/** The source of `Store.find('batchItems')`. A run that was deleted takes its item with it. */
export function batchItems(): ListSource<Listed['batchItems']> {
  return {
    select: 'i.batch_id as batch, i.item, r.*, p.input, p.output',
    from: `batch_items i join runs r on r.workspace_id = i.workspace_id and r.id = i.run_id
      join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id`,
    workspace: 'i.workspace_id',
    columns: {
      id: 'i.run_id',
      batchId: 'i.batch_id',
      index: 'i.item',
      runId: 'i.run_id',
      status: 'r.status',
      clientRef: 'r.client_ref',
      cost: 'r.cost_key',
      createdAt: 'r.created_at',
      startedAt: 'r.started_at',
      completedAt: 'r.finished_at',
    },
    notNull: new Set(['id', 'batchId', 'index', 'runId', 'status', 'createdAt']),
    key: ['i.batch_id', 'i.item'],
    defaultSort: [{ column: 'index', direction: 'asc' }],
    item: (row) => ({
      item: batchItemFromRow({ ...row, batch_id: row['batch'], run_id: row['id'] }),
      run: rows.runFromRow(row),
    }),
  };
}
