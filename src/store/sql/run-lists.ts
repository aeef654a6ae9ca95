import { RUN_STATUSES } from '../../domain/run.ts';
import { WORKFLOW_KINDS, type WorkflowKind } from '../../domain/workflow.ts';
import type { FindOptions, FoundLog, FoundNodeRun, FoundRun } from '../store.ts';
import type { ListIndex, ListSource, Narrowing } from './keyset.ts';
import type { ListDialect } from './list-dialect.ts';
import * as rows from './rows.ts';
import { HAS_LOGS, HAS_NODE_RUNS, verdictSql } from './run-sql.ts';

/** A payload that lies in a blob is not JSON here and acts as null in filters. */
const inlineJson = (column: string): string => `case when ${column} not like '@%' then ${column} end`;

const slugOfKind = (kind: string): string =>
  `(select w.slug from workflows w where w.workspace_id = r.workspace_id and w.id = r.workflow_id and w.kind = '${kind}')`;

const idOfKind = (kind: string): string => `(case r.kind when '${kind}' then r.workflow_id end)`;

/** Of a column that no run has yet. The type is for PostgreSQL, which has none for a bare null. */
const NOTHING = 'cast(null as text)';

const NEWEST_FIRST = [{ column: 'createdAt', direction: 'desc' }] as const;

const RUN_INDEXES: readonly ListIndex[] = [
  { name: 'sqlite_autoindex_runs_1', columns: ['id'] },
  { name: 'runs_by_client_ref', columns: ['clientRef', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_batch', columns: ['batchId', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_failure', columns: ['failureCode', 'createdAt', 'id'], isPartial: true },
  { name: 'runs_by_trace', columns: ['traceId', 'createdAt', 'id'], isPartial: true },
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

/** The source of `Store.find('runs')`. */
export function runs(options: FindOptions, dialect: ListDialect): ListSource<FoundRun> {
  const { join, property } = dialect;
  const hasLogs = dialect.flag(HAS_LOGS);
  const hasNodeRuns = dialect.flag(HAS_NODE_RUNS);
  const payloads = options.payloads === false ? 'null as input, null as output' : 'p.input, p.output';
  return {
    select: `r.*, ${payloads}, ${hasLogs} as has_logs, ${hasNodeRuns} as has_node_runs`,
    table: 'runs r',
    joins: [
      {
        sql: `${join} run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id`,
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
      verdict: verdictSql(dialect),
      progress: 'r.progress',
      failureNode: property('r.failure', 'nodeId', 'text'),
      workspaceId: 'r.workspace_id',
      source: 'r.source',
      batchId: 'r.batch_id',
      requestId: 'r.request_id',
      traceId: 'r.trace_id',
      createdBy: 'r.api_key_id',
      resolvedTemplateId: NOTHING,
      sourceChatMessageId: NOTHING,
      jurisdiction: NOTHING,
      callbackUrl: 'r.callback_url',
      nodesTotal: 'r.nodes_total',
      nodesCompleted: 'r.nodes_completed',
      failureCode: 'r.failure_code',
      failureStage: `(case when r.failure is not null then coalesce(${property('r.failure', 'stage', 'text')}, 'execution') end)`,
      failureMessage: property('r.failure', 'message', 'text'),
      feedbackIsPositive: 'r.feedback_is_positive',
      feedbackReason: 'r.feedback_reason',
      hasLogs,
      hasNodeRuns,
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

/** The source of `Store.find('nodeRuns')`. */
export function nodeRuns(options: FindOptions, dialect: ListDialect): ListSource<FoundNodeRun> {
  const { join, property } = dialect;
  const columns = options.payloads === false ? rows.NODE_RUN_COLUMNS.slice(0, -2).map((name) => `n.${name}`) : ['n.*'];
  return {
    select: `${columns.join(', ')}, r.kind, r.workflow_id, r.created_at as run_created_at`,
    table: 'node_runs n',
    joins: [
      {
        sql: `${join} runs r on r.workspace_id = n.workspace_id and r.id = n.run_id`,
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
      // Tries after the first: each left a warning.
      retryCount: dialect.countOf('n.warnings', 'identifier', 'retry_warning'),
      cost: `decimal_key(${property('n.usage', 'cost', 'text')})`,
      createdAt: 'coalesce(n.started_at, r.created_at)',
      startedAt: 'n.started_at',
      completedAt: 'n.finished_at',
      durationMs: '(n.finished_at - n.started_at)',
      errorMessage: property('n.failure', 'message', 'text'),
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

/** The source of `Store.find('logs')`. */
export function logs(_options: FindOptions, dialect: ListDialect): ListSource<FoundLog> {
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
        else ${dialect.merged('l.meta', { node_key: 'l.node_id', iteration: 'l.iteration' })} end`,
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
