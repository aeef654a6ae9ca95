import type { KeysetPage } from '../../domain/keyset.ts';
import { RUN_STATUSES } from '../../domain/run.ts';
import { WORKFLOW_KINDS, type WorkflowKind } from '../../domain/workflow.ts';
import type { ListIndex, ListSource, Narrowing } from '../sql/keyset.ts';
import * as rows from '../sql/rows.ts';
import type { FindOptions, FindRequest, FoundLog, FoundNodeRun, FoundRun, Listed } from '../store.ts';
import type { FindLimits } from './access.ts';
import { batches, batchItems } from './batch-lists.ts';
import type { Connection } from './connection.ts';
import { evaluationCondition, evaluations } from './evaluation-lists.ts';
import { findPage } from './find-page.ts';
import { personRequests } from './person-request-lists.ts';
import { HAS_LOGS, HAS_NODE_RUNS, VERDICT } from './run-sql.ts';
import { versions, workflows } from './workflow-lists.ts';

/** A payload that lies in a blob is not JSON here and acts as null in filters. */
const inlineJson = (column: string): string => `case when ${column} not like '@%' then ${column} end`;

const slugOfKind = (kind: string): string =>
  `(select w.slug from workflows w where w.workspace_id = r.workspace_id and w.id = r.workflow_id and w.kind = '${kind}')`;

const idOfKind = (kind: string): string => `(case r.kind when '${kind}' then r.workflow_id end)`;

const NEWEST_FIRST = [{ column: 'createdAt', direction: 'desc' }] as const;

const RUN_INDEXES: readonly ListIndex[] = [
  { name: 'sqlite_autoindex_runs_1', columns: ['id'] },
  { name: 'runs_by_client_ref', columns: ['clientRef', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_batch', columns: ['batchId', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_failure', columns: ['failureCode', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_target', columns: ['workflowId', 'createdAt', 'id'] },
  { name: 'runs_by_cost', columns: ['cost', 'id', 'createdAt'] },
  { name: 'runs_by_duration', columns: ['durationMs', 'id', 'createdAt'] },
  { name: 'runs_by_status', columns: ['status', 'createdAt', 'id'] },
  { name: 'runs_by_creation', columns: ['createdAt', 'id'] },
];

const BY_NAME: Narrowing = {
  column: 'workflowId',
  lookup: 'select id from workflows where workspace_id = ?1 and name in (select value from json_each(?2))',
};

const TARGETS: Readonly<Record<string, Narrowing>> = Object.fromEntries(
  WORKFLOW_KINDS.flatMap((kind): [string, Narrowing][] => {
    const name = kind === 'comfyui_workflow' ? 'comfyuiWorkflow' : kind;
    const lookup = `select id from workflows where workspace_id = ?1 and kind = '${kind}' and slug in (select value from json_each(?2))`;
    return [
      [`${name}Id`, { column: 'workflowId' }],
      [`${name}Slug`, { column: 'workflowId', lookup }],
    ];
  }),
);

/** Runs as they are listed. */
export function runs(options: FindOptions): ListSource<FoundRun> {
  const payloads = options.payloads === false ? 'null as input, null as output' : 'p.input, p.output';
  return {
    select: `r.*, ${payloads}, ${HAS_LOGS} as has_logs, ${HAS_NODE_RUNS} as has_node_runs`,
    table: 'runs r',
    joins: [
      {
        sql: 'cross join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id',
        columns: new Set(['input', 'output']),
      },
    ],
    workspace: 'r.workspace_id',
    columns: {
      id: 'r.id',
      status: 'r.status',
      clientRef: 'r.client_ref',
      createdAt: 'r.created_at',
      startedAt: 'r.started_at',
      completedAt: 'r.finished_at',
      durationMs: 'r.duration_ms',
      cost: 'r.cost_key',
      targetType: 'r.kind',
      targetVersion: 'r.workflow_version_id',
      modelSlug: slugOfKind('model'),
      flowSlug: slugOfKind('flow'),
      comfyuiWorkflowSlug: slugOfKind('comfyui_workflow'),
      modelId: idOfKind('model'),
      flowId: idOfKind('flow'),
      flowVersionId: "(case r.kind when 'flow' then r.workflow_version_id end)",
      comfyuiWorkflowId: idOfKind('comfyui_workflow'),
      workflowId: 'r.workflow_id',
      workflowName: '(select w.name from workflows w where w.workspace_id = r.workspace_id and w.id = r.workflow_id)',
      verdict: VERDICT,
      progress: 'r.progress',
      failureNode: "json_extract(r.failure, '$.nodeId')",
      workspaceId: 'r.workspace_id',
      source: 'r.source',
      batchId: 'r.batch_id',
      requestId: 'r.request_id',
      createdBy: 'r.api_key_id',
      resolvedTemplateId: 'null',
      sourceChatMessageId: 'null',
      jurisdiction: 'null',
      callbackUrl: 'r.callback_url',
      nodesTotal: 'r.nodes_total',
      nodesCompleted: 'r.nodes_completed',
      failureCode: 'r.failure_code',
      failureStage:
        "(case when r.failure is not null then coalesce(json_extract(r.failure, '$.stage'), 'execution') end)",
      failureMessage: "json_extract(r.failure, '$.message')",
      feedbackIsPositive: 'r.feedback_is_positive',
      feedbackReason: 'r.feedback_reason',
      hasLogs: HAS_LOGS,
      hasNodeRuns: HAS_NODE_RUNS,
      input: `(${inlineJson('p.input')})`,
      output: `(${inlineJson('p.output')})`,
      context: 'r.context',
      metadata: 'r.meta',
      costBreakdown: 'r.cost_breakdown',
    },
    notNull: new Set([
      'id',
      'status',
      'createdAt',
      'targetType',
      'targetVersion',
      'workspaceId',
      'source',
      'workflowId',
    ]),
    key: ['id'],
    indexes: RUN_INDEXES,
    values: { status: RUN_STATUSES },
    narrows: { ...TARGETS, workflowName: BY_NAME },
    defaultSort: NEWEST_FIRST,
    item: (row) => ({
      run: rows.runFromRow(row),
      hasLogs: row['has_logs'] === 1,
      hasNodeRuns: row['has_node_runs'] === 1,
    }),
  };
}

/** Tries after the first: each left a warning. */
const RETRY_COUNT = `(select count(*) from json_each(n.warnings) w where json_extract(w.value, '$.identifier') = 'retry_warning')`;

function nodeRuns(options: FindOptions): ListSource<FoundNodeRun> {
  const columns = options.payloads === false ? rows.NODE_RUN_COLUMNS.slice(0, -2).map((name) => `n.${name}`) : ['n.*'];
  return {
    select: `${columns.join(', ')}, r.kind, r.workflow_id, r.created_at as run_created_at`,
    table: 'node_runs n',
    joins: [
      {
        sql: 'cross join runs r on r.workspace_id = n.workspace_id and r.id = n.run_id',
        columns: new Set(['flowNodeId', 'workflowId', 'flowId', 'createdAt']),
      },
    ],
    workspace: 'n.workspace_id',
    columns: {
      id: 'node_run_id(n.run_id, n.node_id)',
      runId: 'n.run_id',
      nodeId: 'n.node_id',
      flowNodeId: 'flow_node_id(r.workflow_id, n.node_id)',
      workflowId: 'r.workflow_id',
      flowId: idOfKind('flow'),
      status: 'n.status',
      attempts: 'n.attempts',
      retryCount: RETRY_COUNT,
      cost: "decimal_key(json_extract(n.usage, '$.cost'))",
      createdAt: 'coalesce(n.started_at, r.created_at)',
      startedAt: 'n.started_at',
      completedAt: 'n.finished_at',
      durationMs: '(n.finished_at - n.started_at)',
      errorMessage: "json_extract(n.failure, '$.message')",
      input: `(${inlineJson('n.inputs')})`,
      output: `(${inlineJson('n.outputs')})`,
    },
    notNull: new Set([
      'id',
      'runId',
      'nodeId',
      'flowNodeId',
      'workflowId',
      'status',
      'attempts',
      'retryCount',
      'createdAt',
    ]),
    key: ['runId', 'nodeId'],
    indexes: [{ name: 'sqlite_autoindex_node_runs_1', columns: ['runId', 'nodeId'] }],
    defaultSort: [{ column: 'createdAt', direction: 'asc' }],
    item: (row) => ({
      runId: row['run_id'] as string,
      kind: row['kind'] as WorkflowKind,
      workflowId: row['workflow_id'] as string,
      runCreatedAt: Number(row['run_created_at']),
      nodeRun: rows.nodeRunFromRow(row),
    }),
  };
}

function logs(): ListSource<FoundLog> {
  return {
    select: 'l.*',
    table: 'run_logs l',
    joins: [],
    workspace: 'l.workspace_id',
    columns: {
      id: 'l.id',
      runId: 'l.run_id',
      nodeId: 'l.node_id',
      level: 'l.level',
      message: 'l.message',
      timestamp: 'l.at',
      // A line says which node wrote it as part of its data.
      meta: `case when l.node_id is null then l.meta
        else json_patch(coalesce(l.meta, '{}'), json_object('node_key', l.node_id, 'iteration', l.iteration)) end`,
    },
    notNull: new Set(['id', 'runId', 'level', 'message', 'timestamp']),
    key: ['runId', 'id'],
    indexes: [
      { name: 'sqlite_autoindex_run_logs_1', columns: ['runId', 'id'] },
      { name: 'run_logs_by_id', columns: ['id', 'runId'] },
      { name: 'logs_by_time', columns: ['timestamp', 'runId', 'id'] },
    ],
    defaultSort: [{ column: 'timestamp', direction: 'asc' }],
    item: rows.logFromRow,
  };
}

const SOURCES: { readonly [K in keyof Listed]: (options: FindOptions) => ListSource<Listed[K]> } = {
  runs,
  nodeRuns,
  logs,
  workflows,
  versions,
  batches,
  batchItems,
  evaluations,
  personRequests,
};

/** See `Store.find`. Each step takes some milliseconds at most. */
export function* find<K extends keyof Listed>(
  on: Connection,
  what: K,
  request: FindRequest,
  options: FindOptions,
  limits?: FindLimits,
): Generator<undefined, KeysetPage<Listed[K]>> {
  const source = SOURCES[what](options) as ListSource<Listed[K]>;
  const evaluation = options.evaluation && evaluationCondition(on, request.workspaceId, options.evaluation);
  return yield* findPage(on, source, evaluation ? evaluation.narrowed(request) : request, limits, evaluation?.sql);
}
