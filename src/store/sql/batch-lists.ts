import type { FindOptions, Listed } from '../store.ts';
import { batchFromRow, batchItemFromRow } from './batch-rows.ts';
import type { ListSource } from './keyset.ts';
import type { ListDialect } from './list-dialect.ts';
import * as rows from './rows.ts';
import { HAS_LOGS, HAS_NODE_RUNS } from './run-sql.ts';

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
    table: 'batches b',
    joins: [],
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
      requestId: 'b.request_id',
      createdBy: 'b.api_key_id',
      createdAt: 'b.created_at',
      startedAt: 'b.started_at',
      completedAt: 'b.finished_at',
      durationMs: '(b.finished_at - b.started_at)',
      metadata: 'b.meta',
    },
    notNull: new Set(['id', 'status', 'targetType', 'targetId', 'itemsTotal', 'createdAt']),
    key: ['id'],
    indexes: [
      { name: 'sqlite_autoindex_batches_1', columns: ['id'] },
      { name: 'batches_by_time', columns: ['createdAt', 'id'] },
    ],
    defaultSort: [{ column: 'createdAt', direction: 'desc' }],
    item: batchFromRow,
  };
}

/** The source of `Store.find('batchItems')`. A run that was deleted takes its item with it. */
export function batchItems(_options: FindOptions, { join, flag }: ListDialect): ListSource<Listed['batchItems']> {
  return {
    select: `i.batch_id as batch, i.item, r.*, p.input, p.output, ${flag(HAS_LOGS)} as has_logs, ${flag(HAS_NODE_RUNS)} as has_node_runs`,
    table: 'batch_items i',
    joins: [
      {
        sql: `${join} runs r on r.workspace_id = i.workspace_id and r.id = i.run_id`,
        columns: new Set(['status', 'clientRef', 'cost', 'createdAt', 'startedAt', 'completedAt']),
      },
      { sql: `${join} run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id`, columns: new Set() },
    ],
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
    key: ['batchId', 'index'],
    indexes: [
      { name: 'sqlite_autoindex_batch_items_1', columns: ['batchId', 'index'] },
      { name: 'batch_items_by_run', columns: ['runId', 'batchId', 'index'] },
    ],
    // An item goes by the id of its run.
    narrows: { id: { column: 'runId' } },
    defaultSort: [{ column: 'index', direction: 'asc' }],
    item: (row) => ({
      item: batchItemFromRow({ ...row, batch_id: row['batch'], run_id: row['id'] }),
      run: rows.runFromRow(row),
      hasLogs: row['has_logs'] === 1,
      hasNodeRuns: row['has_node_runs'] === 1,
    }),
  };
}
