import type { Delivery, DeliveryAttempt } from '../../domain/callback.ts';
import type { ApiKey, Scope, Workspace } from '../../domain/caller.ts';
import type { RunEvent, RunEventData } from '../../domain/event.ts';
import type { Failure } from '../../domain/failure.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Iteration, NodeRun, NodeStatus } from '../../domain/node-run.ts';
import type { Dialect, Feedback, Parent, Run, RunStatus, Usage } from '../../domain/run.ts';
import type { LogLevel, RunLog } from '../../domain/run-log.ts';
import type { StoredFile } from '../../domain/stored-file.ts';
import type { Task } from '../../domain/task.ts';
import type { Warning } from '../../domain/warning.ts';
import type { Workflow, WorkflowKind, WorkflowType, WorkflowVersion } from '../../domain/workflow.ts';
import { decimalKey } from '../../filter/decimal.ts';

/**
 * Rows to domain values and back. One pair a table, shared by the SQL stores: columns have the same names and meanings in all of them.
 * Rows come from our own schema, so that the narrowing casts here are the one place that trusts it.
 */
export type Row = Readonly<Record<string, unknown>>;

type Cell = string | number | null;

const text = (row: Row, column: string): string => row[column] as string;
const textOrNull = (row: Row, column: string): string | null => (row[column] as string | null) ?? null;
const number = (row: Row, column: string): number => Number(row[column]);
const numberOrNull = (row: Row, column: string): number | null => {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
};
const flag = (row: Row, column: string): boolean => row[column] === 1 || row[column] === true;
const json = <T>(row: Row, column: string): T => JSON.parse(row[column] as string) as T;
const jsonOrNull = <T>(row: Row, column: string): T | null => {
  const value = row[column];
  return value === null || value === undefined ? null : (JSON.parse(value as string) as T);
};
const jsonCell = (value: unknown): Cell => (value === null || value === undefined ? null : JSON.stringify(value));

export const RUN_COLUMNS = [
  'workspace_id',
  'id',
  'kind',
  'workflow_id',
  'workflow_version_id',
  'version_pinned',
  'status',
  'revision',
  'progress',
  'nodes_total',
  'nodes_completed',
  'created_at',
  'started_at',
  'finished_at',
  'duration_ms',
  'source',
  'node_ids',
  'single_node_id',
  'failure',
  'failure_code',
  'meta',
  'context',
  'client_ref',
  'batch_id',
  'request_id',
  'cost',
  'cost_key',
  'cost_breakdown',
  'feedback_is_positive',
  'feedback_reason',
  'dialect',
  'callback_url',
  'api_key_id',
  'tracing',
  'debugger',
  'subflows',
  'trace_id',
  'trace_parent_id',
] as const;

/** Of a run that another one invoked, behind those of any run. */
export const PARENT_COLUMNS = [
  'parent_run_id',
  'root_run_id',
  'parent_node_id',
  'parent_iteration',
  'parent_attempt',
  'ordinal',
  'depth',
  'deadline_at',
] as const;

export function parentCells(parent: Parent): Cell[] {
  return [
    parent.runId,
    parent.rootId,
    parent.nodeId,
    parent.iteration,
    parent.attempt,
    parent.ordinal,
    parent.depth,
    parent.deadlineAt,
  ];
}

function parentFromRow(row: Row): Parent | null {
  if (row['parent_run_id'] === undefined || row['parent_run_id'] === null) return null;
  return {
    runId: text(row, 'parent_run_id'),
    rootId: text(row, 'root_run_id'),
    nodeId: text(row, 'parent_node_id'),
    iteration: number(row, 'parent_iteration'),
    attempt: number(row, 'parent_attempt'),
    ordinal: number(row, 'ordinal'),
    depth: number(row, 'depth'),
    deadlineAt: numberOrNull(row, 'deadline_at'),
  };
}

export function runCells(run: Run): Cell[] {
  return [
    run.workspaceId,
    run.id,
    run.kind,
    run.workflowId,
    run.workflowVersionId,
    run.versionPinned ? 1 : 0,
    run.status,
    run.revision,
    run.progress,
    run.nodesTotal,
    run.nodesCompleted,
    run.createdAt,
    run.startedAt,
    ...endCells(run),
    run.source,
    jsonCell(run.nodeIds),
    run.singleNodeId,
    ...failureCells(run.failure),
    jsonCell(run.meta),
    jsonCell(run.context),
    run.clientRef,
    run.batchId,
    run.requestId,
    ...costCells(run),
    ...feedbackCells(run.feedback),
    run.dialect,
    run.callbackUrl,
    run.apiKeyId,
    run.tracing ? 1 : 0,
    run.debugger,
    jsonCell(run.subflows),
    run.trace?.traceId ?? null,
    run.trace?.parentSpanId ?? null,
  ];
}

/** The cells of `finished_at` and `duration_ms`, which is stored to be found by. */
export function endCells({ startedAt, finishedAt }: Run): Cell[] {
  return [finishedAt, startedAt === null || finishedAt === null ? null : finishedAt - startedAt];
}

/** The cells of `failure` and `failure_code`, which is stored to be found by. */
export function failureCells(failure: Failure | null): Cell[] {
  return [jsonCell(failure), failure?.code ?? null];
}

/** The cells of `cost`, `cost_key` and `cost_breakdown`. */
export function costCells(run: Run): Cell[] {
  return [run.cost, run.cost === null ? null : decimalKey(run.cost), jsonCell(run.costBreakdown)];
}

/** The cells of `feedback_is_positive` and `feedback_reason`. */
export function feedbackCells(feedback: Feedback | null): Cell[] {
  const { isPositive = null, reason = null } = feedback ?? {};
  return [isPositive === null ? null : Number(isPositive), reason];
}

export function feedbackFromRow(row: Row): Feedback | null {
  const isPositive = numberOrNull(row, 'feedback_is_positive');
  const reason = textOrNull(row, 'feedback_reason');
  if (isPositive === null && reason === null) return null;
  return { isPositive: isPositive === null ? null : isPositive === 1, reason };
}

function traceFromRow(row: Row): Run['trace'] {
  const traceId = textOrNull(row, 'trace_id');
  return traceId === null ? null : { traceId, parentSpanId: textOrNull(row, 'trace_parent_id') };
}

/** The payload columns `input` and `output` are null-safe: a list that does not read them gets `{}` and null. */
export function runFromRow(row: Row): Run {
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    kind: text(row, 'kind') as WorkflowKind,
    workflowId: text(row, 'workflow_id'),
    workflowVersionId: text(row, 'workflow_version_id'),
    versionPinned: flag(row, 'version_pinned'),
    status: text(row, 'status') as RunStatus,
    revision: number(row, 'revision'),
    progress: number(row, 'progress'),
    nodesTotal: number(row, 'nodes_total'),
    nodesCompleted: number(row, 'nodes_completed'),
    createdAt: number(row, 'created_at'),
    startedAt: numberOrNull(row, 'started_at'),
    finishedAt: numberOrNull(row, 'finished_at'),
    source: text(row, 'source'),
    nodeIds: jsonOrNull<string[]>(row, 'node_ids'),
    singleNodeId: textOrNull(row, 'single_node_id'),
    failure: jsonOrNull<Failure>(row, 'failure'),
    meta: jsonOrNull<JsonObject>(row, 'meta'),
    context: jsonOrNull<JsonObject>(row, 'context'),
    clientRef: textOrNull(row, 'client_ref'),
    batchId: textOrNull(row, 'batch_id'),
    requestId: textOrNull(row, 'request_id'),
    cost: textOrNull(row, 'cost'),
    costBreakdown: jsonOrNull<JsonObject>(row, 'cost_breakdown'),
    feedback: feedbackFromRow(row),
    dialect: text(row, 'dialect') as Dialect,
    callbackUrl: textOrNull(row, 'callback_url'),
    apiKeyId: textOrNull(row, 'api_key_id'),
    tracing: flag(row, 'tracing'),
    trace: traceFromRow(row),
    debugger: textOrNull(row, 'debugger'),
    parent: parentFromRow(row),
    subflows: jsonOrNull<Record<string, string>>(row, 'subflows'),
    input: textOrNull(row, 'input') ?? '{}',
    output: textOrNull(row, 'output'),
  };
}

export const NODE_RUN_COLUMNS = [
  'workspace_id',
  'run_id',
  'node_id',
  'status',
  'current_iteration',
  'total_iterations',
  'iterates',
  'attempts',
  'started_at',
  'finished_at',
  'failure',
  'warnings',
  'usage',
  'taken',
  'inputs',
  'outputs',
] as const;

export function nodeRunCells(workspaceId: string, runId: string, nodeRun: NodeRun): Cell[] {
  return [
    workspaceId,
    runId,
    nodeRun.nodeId,
    nodeRun.status,
    nodeRun.currentIteration,
    nodeRun.totalIterations,
    nodeRun.iterates ? 1 : 0,
    nodeRun.attempts,
    nodeRun.startedAt,
    nodeRun.finishedAt,
    jsonCell(nodeRun.failure),
    nodeRun.warnings.length === 0 ? null : JSON.stringify(nodeRun.warnings),
    jsonCell(nodeRun.usage),
    jsonCell(nodeRun.taken),
    nodeRun.inputs,
    nodeRun.outputs,
  ];
}

export function nodeRunFromRow(row: Row): NodeRun {
  return {
    nodeId: text(row, 'node_id'),
    status: text(row, 'status') as NodeStatus,
    currentIteration: number(row, 'current_iteration'),
    totalIterations: number(row, 'total_iterations'),
    iterates: flag(row, 'iterates'),
    attempts: number(row, 'attempts'),
    startedAt: numberOrNull(row, 'started_at'),
    finishedAt: numberOrNull(row, 'finished_at'),
    failure: jsonOrNull<Failure>(row, 'failure'),
    warnings: jsonOrNull<Warning[]>(row, 'warnings') ?? [],
    usage: jsonOrNull<Usage>(row, 'usage'),
    taken: jsonOrNull<string[]>(row, 'taken'),
    inputs: textOrNull(row, 'inputs'),
    outputs: textOrNull(row, 'outputs'),
  };
}

export const ITERATION_COLUMNS = [
  'workspace_id',
  'run_id',
  'node_id',
  'iteration',
  'status',
  'attempts',
  'started_at',
  'finished_at',
  'failure',
  'inputs',
  'outputs',
] as const;

export function iterationCells(workspaceId: string, runId: string, iteration: Iteration): Cell[] {
  return [
    workspaceId,
    runId,
    iteration.nodeId,
    iteration.iteration,
    iteration.status,
    iteration.attempts,
    iteration.startedAt,
    iteration.finishedAt,
    jsonCell(iteration.failure),
    iteration.inputs,
    iteration.outputs,
  ];
}

export function iterationFromRow(row: Row): Iteration {
  return {
    nodeId: text(row, 'node_id'),
    iteration: number(row, 'iteration'),
    status: text(row, 'status') as Iteration['status'],
    attempts: number(row, 'attempts'),
    startedAt: number(row, 'started_at'),
    finishedAt: number(row, 'finished_at'),
    failure: jsonOrNull<Failure>(row, 'failure'),
    inputs: textOrNull(row, 'inputs'),
    outputs: textOrNull(row, 'outputs'),
  };
}

export const TASK_COLUMNS = [
  'workspace_id',
  'run_id',
  'id',
  'node_id',
  'iteration',
  'attempt',
  'due_at',
  'outputs',
  'start_of',
] as const;

export function taskCells(task: Task): Cell[] {
  const { workspaceId, runId, id, nodeId, iteration, attempt, dueAt, outputs, startOf } = task;
  return [workspaceId, runId, id, nodeId, iteration, attempt, dueAt, outputs, startOf];
}

export function taskFromRow(row: Row): Task {
  return {
    workspaceId: text(row, 'workspace_id'),
    runId: text(row, 'run_id'),
    id: text(row, 'id'),
    nodeId: textOrNull(row, 'node_id'),
    iteration: number(row, 'iteration'),
    attempt: number(row, 'attempt'),
    dueAt: number(row, 'due_at'),
    outputs: textOrNull(row, 'outputs'),
    startOf: textOrNull(row, 'start_of'),
  };
}

export const EVENT_COLUMNS = ['position', 'workspace_id', 'run_id', 'workflow_id', 'at', 'kind', 'data'] as const;

export function eventFromRow(row: Row): RunEvent {
  return {
    position: number(row, 'position'),
    workspaceId: text(row, 'workspace_id'),
    runId: text(row, 'run_id'),
    workflowId: text(row, 'workflow_id'),
    at: number(row, 'at'),
    kind: text(row, 'kind') as RunEvent['kind'],
    data: json<RunEventData>(row, 'data'),
  };
}

export const LOG_COLUMNS = [
  'workspace_id',
  'run_id',
  'id',
  'node_id',
  'iteration',
  'level',
  'message',
  'at',
  'meta',
] as const;

export function logCells(workspaceId: string, log: RunLog): Cell[] {
  return [
    workspaceId,
    log.runId,
    log.id,
    log.nodeId,
    log.iteration,
    log.level,
    log.message,
    log.at,
    jsonCell(log.meta),
  ];
}

export function logFromRow(row: Row): RunLog {
  return {
    id: text(row, 'id'),
    runId: text(row, 'run_id'),
    nodeId: textOrNull(row, 'node_id'),
    iteration: number(row, 'iteration'),
    level: text(row, 'level') as LogLevel,
    message: text(row, 'message'),
    at: number(row, 'at'),
    meta: jsonOrNull<JsonObject>(row, 'meta'),
  };
}

export const WORKFLOW_COLUMNS = [
  'workspace_id',
  'id',
  'name',
  'kind',
  'slug',
  'type',
  'description',
  'current_version_id',
  'error_handler_id',
  'settings',
  'meta',
  'profile',
  'author_name',
  'created_at',
  'updated_at',
  'deleted_at',
  'revision',
] as const;

export function workflowCells(workflow: Workflow): Cell[] {
  return [
    workflow.workspaceId,
    workflow.id,
    workflow.name,
    workflow.kind,
    workflow.slug,
    workflow.type,
    workflow.description,
    workflow.currentVersionId,
    workflow.errorHandlerId,
    JSON.stringify(workflow.settings),
    JSON.stringify(workflow.meta),
    JSON.stringify(workflow.profile),
    workflow.authorName,
    workflow.createdAt,
    workflow.updatedAt,
    workflow.deletedAt,
    workflow.revision,
  ];
}

export function workflowFromRow(row: Row): Workflow {
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    kind: text(row, 'kind') as WorkflowKind,
    slug: text(row, 'slug'),
    type: text(row, 'type') as WorkflowType,
    description: textOrNull(row, 'description'),
    currentVersionId: text(row, 'current_version_id'),
    errorHandlerId: textOrNull(row, 'error_handler_id'),
    settings: json<JsonObject>(row, 'settings'),
    meta: json<JsonObject>(row, 'meta'),
    profile: json<JsonObject>(row, 'profile'),
    authorName: textOrNull(row, 'author_name'),
    createdAt: number(row, 'created_at'),
    updatedAt: number(row, 'updated_at'),
    deletedAt: numberOrNull(row, 'deleted_at'),
    revision: number(row, 'revision'),
  };
}

export const VERSION_COLUMNS = [
  'workspace_id',
  'id',
  'workflow_id',
  'name',
  'description',
  'created_at',
  'created_by',
  'hash',
  'validation',
  'definition',
  'document',
] as const;

export function versionCells(version: WorkflowVersion): Cell[] {
  return [
    version.workspaceId,
    version.id,
    version.workflowId,
    version.name,
    version.description,
    version.createdAt,
    version.createdBy,
    version.hash,
    JSON.stringify(version.validation),
    JSON.stringify(version.definition),
    version.document,
  ];
}

export function versionFromRow(row: Row): WorkflowVersion {
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    workflowId: text(row, 'workflow_id'),
    name: textOrNull(row, 'name'),
    description: textOrNull(row, 'description'),
    createdAt: number(row, 'created_at'),
    createdBy: textOrNull(row, 'created_by'),
    hash: text(row, 'hash'),
    validation: json(row, 'validation'),
    definition: json(row, 'definition'),
    document: text(row, 'document'),
  };
}

export const FILE_COLUMNS = ['workspace_id', 'id', 'name', 'content_type', 'size', 'blob_id', 'created_at'] as const;

export function fileCells(file: StoredFile): Cell[] {
  return [file.workspaceId, file.id, file.name, file.contentType, file.size, file.blobId, file.createdAt];
}

export function fileFromRow(row: Row): StoredFile {
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    contentType: text(row, 'content_type'),
    size: number(row, 'size'),
    blobId: text(row, 'blob_id'),
    createdAt: number(row, 'created_at'),
  };
}

export const DELIVERY_COLUMNS = [
  'workspace_id',
  'subject_id',
  'id',
  'subject',
  'dialect',
  'is_automatic',
  'request_id',
  'signing_secret_id',
  'url',
  'body',
  'status',
  'attempt_count',
  'max_attempts',
  'next_attempt_at',
  'created_at',
  'finished_at',
] as const;

export function deliveryCells(delivery: Delivery): Cell[] {
  return [
    delivery.workspaceId,
    delivery.subjectId,
    delivery.id,
    delivery.subject,
    delivery.dialect,
    delivery.isAutomatic ? 1 : 0,
    delivery.requestId,
    delivery.signingSecretId,
    delivery.url,
    delivery.body,
    delivery.status,
    delivery.attemptCount,
    delivery.maxAttempts,
    delivery.nextAttemptAt,
    delivery.createdAt,
    delivery.finishedAt,
  ];
}

export function deliveryFromRow(row: Row): Delivery {
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    subject: text(row, 'subject') as Delivery['subject'],
    subjectId: text(row, 'subject_id'),
    dialect: text(row, 'dialect') as Dialect,
    isAutomatic: flag(row, 'is_automatic'),
    requestId: textOrNull(row, 'request_id'),
    signingSecretId: textOrNull(row, 'signing_secret_id'),
    url: text(row, 'url'),
    body: text(row, 'body'),
    status: text(row, 'status') as Delivery['status'],
    attemptCount: number(row, 'attempt_count'),
    maxAttempts: number(row, 'max_attempts'),
    nextAttemptAt: numberOrNull(row, 'next_attempt_at'),
    createdAt: number(row, 'created_at'),
    finishedAt: numberOrNull(row, 'finished_at'),
  };
}

export const ATTEMPT_COLUMNS = [
  'workspace_id',
  'subject_id',
  'delivery_id',
  'attempt',
  'at',
  'duration_ms',
  'http_status',
  'error',
  'response',
] as const;

export function attemptCells(workspaceId: string, subjectId: string, attempt: DeliveryAttempt): Cell[] {
  return [
    workspaceId,
    subjectId,
    attempt.deliveryId,
    attempt.attempt,
    attempt.at,
    attempt.durationMs,
    attempt.httpStatus,
    attempt.error,
    attempt.response,
  ];
}

export function attemptFromRow(row: Row): DeliveryAttempt {
  return {
    deliveryId: text(row, 'delivery_id'),
    attempt: number(row, 'attempt'),
    at: number(row, 'at'),
    durationMs: number(row, 'duration_ms'),
    httpStatus: numberOrNull(row, 'http_status'),
    error: textOrNull(row, 'error'),
    response: textOrNull(row, 'response'),
  };
}

export const API_KEY_COLUMNS = [
  'workspace_id',
  'id',
  'name',
  'digest',
  'prefix',
  'scopes',
  'created_at',
  'revoked_at',
  'created_by',
  'expires_at',
  'rate_limit',
  'last_used_at',
  'former_digest',
  'former_until',
  'revision',
] as const;

export function apiKeyCells(key: ApiKey): Cell[] {
  return [
    key.workspaceId,
    key.id,
    key.name,
    key.digest,
    key.prefix,
    JSON.stringify(key.scopes),
    key.createdAt,
    key.revokedAt,
    key.createdBy,
    key.expiresAt,
    key.rateLimit,
    key.lastUsedAt,
    key.former?.digest ?? null,
    key.former?.validUntil ?? null,
    key.revision,
  ];
}

export function apiKeyFromRow(row: Row): ApiKey {
  const formerDigest = textOrNull(row, 'former_digest');
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    name: text(row, 'name'),
    digest: text(row, 'digest'),
    prefix: text(row, 'prefix'),
    scopes: json<Scope[]>(row, 'scopes'),
    createdAt: number(row, 'created_at'),
    revokedAt: numberOrNull(row, 'revoked_at'),
    createdBy: textOrNull(row, 'created_by'),
    expiresAt: numberOrNull(row, 'expires_at'),
    rateLimit: numberOrNull(row, 'rate_limit'),
    lastUsedAt: numberOrNull(row, 'last_used_at'),
    former: formerDigest === null ? null : { digest: formerDigest, validUntil: number(row, 'former_until') },
    revision: number(row, 'revision'),
  };
}

export function workspaceFromRow(row: Row): Workspace {
  return { id: text(row, 'id'), name: text(row, 'name'), createdAt: number(row, 'created_at') };
}
