import type { Delivery, DeliveryAttempt } from '../../domain/callback.ts';
import type { Page } from '../../domain/page.ts';
import type { Run } from '../../domain/run.ts';
import type { RunLog } from '../../domain/run-log.ts';
import type { StoredFile } from '../../domain/stored-file.ts';
import { storedFileUri } from '../../domain/stored-file.ts';
import type { DefinitionIssue, WorkflowRecord, WorkflowVersion } from '../../domain/workflow.ts';
import type { RunProgress, SubflowProgress } from '../../operations/progress.ts';
import type { NodeIo } from '../../operations/runs.ts';
import type { FoundRun, FoundRuns } from '../../operations/search.ts';
import { listText, objectText } from '../json-text.ts';
import { NODE_STATUS_WORD, RUN_STATUS_WORD } from './words.ts';

/**
 * Domain values as JSON texts of the Noxus API. Payloads are JSON texts already and are spliced in.
 *
 * Official clients need `input` to be an object and `progress` an integer in every run they parse (noxus-api.md 1.4).
 */

const text = (value: unknown): string => JSON.stringify(value);

/** Epoch milliseconds as an ISO 8601 date-time in UTC. */
const time = (at: number): string => new Date(at).toISOString();
const timeText = (at: number | null): string => (at === null ? 'null' : `"${time(at)}"`);

/** The text of an unlabelled output: official examples read `output["<node id>::output"]["text"]` (noxus-api.md section 3, Outputs). */
const BY_ID = /::[A-Za-z_]\w*":"/;

/** A run's output as clients find it: under a label the value itself, under an id a text wrapped as `{"text": …}`. */
export function outputText(output: string): string {
  if (!BY_ID.test(output)) return output;
  const parsed = JSON.parse(output) as Record<string, unknown>;
  for (const [key, value] of Object.entries(parsed)) {
    if (key.includes('::') && typeof value === 'string') parsed[key] = { text: value };
  }
  return JSON.stringify(parsed);
}

function baseFields(run: Run, input: string): Record<string, string> {
  return {
    id: text(run.id),
    group_id: text(run.workspaceId),
    workflow_id: text(run.workflowId),
    status: text(RUN_STATUS_WORD[run.status]),
    created_at: timeText(run.createdAt),
    input,
    node_ids: text(run.nodeIds),
    progress: String(run.progress),
    finished_at: timeText(run.finishedAt),
    single_node_id: text(run.singleNodeId),
    workflow_version_id: run.versionPinned ? text(run.workflowVersionId) : 'null',
  };
}

/** Answer of create, stop, list-by-workflow and get-by-workflow. `input` and `output` are JSON texts. */
export function presentSimplifiedRun(
  run: Run,
  payloads: { input: string; output: string | null },
  progress: RunProgress | null,
): string {
  return objectText({
    ...baseFields(run, payloads.input),
    output: payloads.output === null ? 'null' : outputText(payloads.output),
    progress_details: progress === null ? 'null' : text(presentProgress(progress)),
    error: text(run.failure?.message ?? null),
  });
}

/** Answer of `GET /v1/runs/{run_id}` (schema RunNoIO). `document` is the JSON text of the frozen definition. */
export function presentRunNoIo(run: Run, input: string, document: string): string {
  return objectText({
    ...baseFields(run, input),
    ...provenanceFields(run),
    definitions: objectText({ [run.workflowId]: document }),
    user_id: 'null',
    conversation_id: 'null',
    api_key_id: text(run.apiKeyId),
  });
}

/** A run that a node of another one invoked, without what went in and came out. */
export function presentInvokedRun(run: Run): string {
  return objectText({
    ...baseFields(run, '{}'),
    ...provenanceFields(run),
    error: text(run.failure?.message ?? null),
    parent: text(
      run.parent && {
        run_id: run.parent.runId,
        root_run_id: run.parent.rootId,
        node_id: run.parent.nodeId,
        iteration: run.parent.iteration,
        attempt: run.parent.attempt,
        ordinal: run.parent.ordinal,
      },
    ),
  });
}

/** An item of `GET /v1/runs`. `workflow` is the JSON text of its workflow. */
export function presentListedRun(run: Run, input: string, workflow: string): string {
  return objectText({ ...baseFields(run, input), ...provenanceFields(run), definitions: 'null', workflow });
}

function provenanceFields(run: Run): Record<string, string> {
  const { error_handler_run_id: handlerRunId, failed_run_id: failedRunId } = run.context ?? {};
  return {
    started_at: timeText(run.startedAt),
    source: text(run.source),
    meta: text(run.meta),
    ...(run.trace === null ? {} : { trace_id: text(run.trace.traceId) }),
    ...(typeof handlerRunId === 'string' ? { error_handler_run_id: text(handlerRunId) } : {}),
    ...(typeof failedRunId === 'string' ? { failed_run_id: text(failedRunId) } : {}),
  };
}

/** An item of a search: the run with its similarity and its matches, whose values are all texts. */
export function presentFoundRun({ run, hit }: FoundRun, payloads: { input: string; output: string | null }): string {
  return objectText({
    ...baseFields(run, payloads.input),
    ...provenanceFields(run),
    definitions: 'null',
    output: payloads.output === null ? 'null' : outputText(payloads.output),
    progress_details: 'null',
    similarity: String(hit.similarity),
    matches: text(hit.matches),
  });
}

/** A page of search results. `pages` counts the pages of the list that `limit` and `offset` bound. */
export function presentFoundPage(
  found: FoundRuns,
  items: readonly string[],
  page: { page: number; size: number; listed: number },
): string {
  return objectText({
    items: listText(items),
    total: String(found.total),
    page: String(page.page),
    size: String(page.size),
    pages: String(Math.ceil(page.listed / page.size)),
    total_is_lower_bound: String(found.totalIsLowerBound),
    ...(found.rebuild === null
      ? {}
      : {
          index_rebuild: text({ indexed_runs: found.rebuild.indexedRuns, total_runs: found.rebuild.totalRuns ?? null }),
        }),
    ...(found.degraded === null ? {} : { degraded: text(found.degraded) }),
    ...(found.runsWithoutVectors === 0 ? {} : { runs_without_vectors: String(found.runsWithoutVectors) }),
  });
}

/** The `progress_details` of a run (schema WorkflowProgress). */
export function presentProgress(progress: RunProgress): object {
  return {
    executed_nodes: progress.executed,
    running_nodes: progress.running,
    remaining_nodes: progress.remaining,
    skipped_nodes: progress.skipped,
    error_handler_nodes: progress.errorHandlers,
    per_node_progress: Object.fromEntries(
      progress.nodes.map((node) => [
        node.nodeId,
        {
          current_it: node.currentIteration,
          total_it: node.totalIterations,
          status: NODE_STATUS_WORD[node.status],
          started_at: node.startedAt === null ? null : time(node.startedAt),
          finished_at: node.finishedAt === null ? null : time(node.finishedAt),
          warnings: node.warnings.map((warning) => ({
            detail: warning.detail,
            identifier: warning.identifier,
            node_id: node.nodeId,
            params: warning.params ?? {},
            markdown: null,
            snippet: null,
          })),
          ...(node.failure === null ? {} : { error: node.failure.message }),
          ...(node.usage === null
            ? {}
            : {
                usage: {
                  input_tokens: node.usage.inputTokens,
                  output_tokens: node.usage.outputTokens,
                  cost: node.usage.cost,
                },
              }),
        },
      ]),
    ),
    subflow_executions: Object.fromEntries(
      progress.subflows.map((subflow) => [subflow.nodeId, presentSubflow(subflow)]),
    ),
    per_edge_progress: Object.fromEntries(progress.edges.map(([id, status]) => [id, { status }])),
    run_logs: Object.fromEntries(progress.logs.map((log) => [log.id, presentLog(log)])),
  };
}

/** The runs that one node invoked (schema SubflowExecution): the definition once, and each by its item or its round. */
function presentSubflow(subflow: SubflowProgress): object {
  const definition = JSON.parse(subflow.version.document) as object;
  return {
    node_id: subflow.nodeId,
    workflow_name: subflow.workflowName,
    workflow_id: subflow.workflowId,
    workflow_definition: definition,
    raw_definition: definition,
    total_iterations: subflow.totalIterations,
    iterations: Object.fromEntries(
      [...subflow.iterations].map(([iteration, { runId, ...progress }]) => [
        String(iteration),
        { ...presentProgress(progress), run_id: runId },
      ]),
    ),
  };
}

/** A log line, as progress shows it by id and the workflow's log table as a row. */
export function presentLog(log: RunLog): Record<string, unknown> {
  return {
    timestamp: time(log.at),
    level: log.level,
    message: log.message,
    node_id: log.nodeId,
    iteration: log.iteration,
    ...(log.meta ?? {}),
  };
}

/**
 * A workflow record. A listed run's workflow comes without its definition (`{}`, as the reference page shows it).
 * @param options `triggers`: JSON text of the list of its triggers, empty when left out
 */
export function presentWorkflow(
  record: WorkflowRecord,
  options: { readonly definition?: boolean; readonly triggers?: string } = {},
): string {
  const { workflow, version } = record;
  return objectText({
    id: text(workflow.id),
    group_id: text(workflow.workspaceId),
    name: text(workflow.name),
    type: text(workflow.type),
    definition: options.definition === false ? '{}' : version.document,
    flow_version: text(flowVersion(version)),
    workflow_hash: text(version.hash),
    meta: text({ tags: [], icon: null, columns: [], template_id: null, ...workflow.meta }),
    settings: text(workflow.settings),
    last_updated_at: timeText(workflow.updatedAt),
    last_run_at: timeText(record.lastRunAt),
    created_at: timeText(workflow.createdAt),
    deleted_at: timeText(workflow.deletedAt),
    runs_count: String(record.runsCount),
    author_name: text(workflow.authorName),
    description: text(workflow.description),
    saved: 'true',
    error_handler: text(workflow.errorHandlerId),
    triggers: options.triggers ?? '[]',
    validation: text(presentIssues(version)),
  });
}

/** Documents are written with their form at the end of the first level, or wherever their author had it: only parsing tells for sure. */
export function flowVersion(version: WorkflowVersion): 'v1' | 'v2' {
  if (!version.document.includes('"flow_version":"v2"')) return 'v1';
  const document = JSON.parse(version.document) as { flow_version?: unknown };
  return document.flow_version === 'v2' ? 'v2' : 'v1';
}

export function presentVersion(version: WorkflowVersion): string {
  return objectText({
    id: text(version.id),
    name: text(version.name ?? ''),
    description: text(version.description),
    created_at: timeText(version.createdAt),
    created_by: text(version.createdBy),
    definition: version.document,
    validation: text(presentIssues(version)),
  });
}

function presentIssues(version: WorkflowVersion): object[] {
  return version.validation.map(presentIssue);
}

/** One thing that keeps a definition from running. */
export function presentIssue(issue: DefinitionIssue): object {
  return {
    type: issue.type,
    message: issue.message,
    hint: issue.hint,
    node_id: issue.nodeId,
    edge_id: issue.edgeId,
  };
}

/** A callback delivery with its attempts. */
export function presentDelivery({
  delivery,
  attempts,
}: {
  delivery: Delivery;
  attempts: readonly DeliveryAttempt[];
}): object {
  return {
    id: delivery.id,
    run_id: delivery.subjectId,
    callback_url: delivery.url,
    status: delivery.status,
    payload: JSON.parse(delivery.body) as unknown,
    attempt_count: delivery.attemptCount,
    max_attempts: delivery.maxAttempts,
    next_attempt_at: delivery.nextAttemptAt === null ? null : time(delivery.nextAttemptAt),
    created_at: time(delivery.createdAt),
    finished_at: delivery.finishedAt === null ? null : time(delivery.finishedAt),
    attempts: attempts.map((attempt) => ({
      attempt_number: attempt.attempt,
      created_at: time(attempt.at),
      status_code: attempt.httpStatus,
      response_body: attempt.response,
      response_time_ms: attempt.durationMs,
      error_message: attempt.error,
    })),
  };
}

export function presentFile(file: StoredFile): object {
  return {
    id: file.id,
    uri: storedFileUri(file.id),
    size: file.size,
    group_id: file.workspaceId,
    filename: file.name,
    content_type: file.contentType,
    source_type: 'Document',
    source_metadata: null,
    created_at: time(file.createdAt),
  };
}

export function presentNodeIo(io: NodeIo): string {
  return objectText({
    node_id: text(io.nodeId),
    it: String(io.iteration),
    total_it: String(io.totalIterations),
    status: text(NODE_STATUS_WORD[io.status]),
    inputs: io.inputs ?? 'null',
    outputs: io.outputs ?? 'null',
    error: text(io.failure),
  });
}

/** A numbered page (fastapi-pagination). `items` are JSON texts. */
export function presentPage(page: Page<unknown>, items: readonly string[]): string {
  return objectText({
    items: listText(items),
    total: String(page.total),
    page: String(page.page),
    size: String(page.size),
    pages: String(Math.ceil(page.total / page.size)),
  });
}
