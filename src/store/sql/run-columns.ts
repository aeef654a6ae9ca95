import type { SqlColumns } from './filter-to-sql.ts';
import type { ListDialect } from './list-dialect.ts';
import { runs } from './run-lists.ts';

/** The columns of `filter/noxus-vocabulary.ts` and `filter/explorer-vocabulary.ts` in a statement in which `r` is a run and `p` its payloads. */
export const runColumns = (dialect: ListDialect): SqlColumns => ({
  ...runs({}, dialect).columns,
  id: 'r.id',
  workflowId: 'r.workflow_id',
  workflowVersionId: 'r.workflow_version_id',
  status: 'r.status',
  progress: 'r.progress',
  createdAt: 'r.created_at',
  startedAt: 'r.started_at',
  finishedAt: 'r.finished_at',
  durationMs: '(r.finished_at - r.started_at)',
  source: 'r.source',
  singleNodeId: 'r.single_node_id',
  callbackUrl: 'r.callback_url',
  failureCode: dialect.property('r.failure', 'code', 'text'),
  failureMessage: dialect.property('r.failure', 'message', 'text'),
  // A payload that lies in a blob is not JSON here and acts as null.
  input: "case when p.input not like '@%' then p.input end",
  output: "case when p.output not like '@%' then p.output end",
  meta: 'r.meta',
});
