import type { FastifyRequest } from 'fastify';
import type { FoundRun } from '../../operations/runs.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import { RUN_STATUS_CODE } from './words.ts';

/** The JSON text of a value; of nothing: null. */
export const text = (value: unknown): string => JSON.stringify(value ?? null);

/** The JSON text of a time in epoch milliseconds. */
export const time = (at: number | null): string => (at === null ? 'null' : `"${new Date(at).toISOString()}"`);

/** Gives the JSON text of a payload as it is shown; of none: null. */
export type ShowPayload = (payload: string | null) => string;

/** How the answer to a request shows payloads: references to stored files become addresses that open them for a while. */
export function payloadsFor(
  request: FastifyRequest,
  { assets, addresses }: Pick<DialectParts, 'assets' | 'addresses'>,
): ShowPayload {
  const addressOf = addresses.content(request);
  const { workspaceId } = request.caller;
  return (payload) => (payload === null ? 'null' : assets.withAddresses(workspaceId, payload, addressOf));
}

/** The properties of a run, in the order of the reference page. */
export const RUN_FIELDS = [
  'id',
  'flow_id',
  'model_id',
  'comfyui_workflow_id',
  'target_type',
  'target_version',
  'org_id',
  'status_code',
  'source_code',
  'input',
  'output',
  'context',
  'duration_ms',
  'cost',
  'cost_breakdown',
  'nodes_total',
  'nodes_completed',
  'resolved_template_id',
  'batch_id',
  'client_ref',
  'jurisdiction_code',
  'flow_version_id',
  'request_id',
  'created_by',
  'created_at',
  'started_at',
  'completed_at',
  'callback_url',
  'metadata',
  'has_logs',
  'has_node_runs',
  'links',
  'failure_code',
  'failure_stage_code',
  'failure_message',
  'feedback_is_positive',
  'feedback_reason',
  'source_chat_message_id',
] as const;

/** A run with its payloads as JSON texts; null where they are not asked for. */
export interface ShownRun {
  readonly found: FoundRun;
  readonly input: string | null;
  readonly output: string | null;
}

/** The JSON text of a whole run. */
export async function runText(
  found: FoundRun,
  request: FastifyRequest,
  parts: Pick<DialectParts, 'runs' | 'assets' | 'addresses'>,
): Promise<string> {
  const payloads = await parts.runs.payloads(found.run);
  return objectText(presentRun({ found, ...payloads }, payloadsFor(request, parts)));
}

/** The JSON text of each property of a run. */
export function presentRun(
  { found, input, output }: ShownRun,
  show: ShowPayload,
): Record<(typeof RUN_FIELDS)[number], string> {
  const { run, hasLogs, hasNodeRuns } = found;
  const idOf = (kind: string) => (run.kind === kind ? text(run.workflowId) : 'null');
  const self = `/v1/runs/${run.id}`;
  return {
    id: text(run.id),
    flow_id: idOf('flow'),
    model_id: idOf('model'),
    comfyui_workflow_id: idOf('comfyui_workflow'),
    target_type: text(run.kind),
    target_version: text(run.workflowVersionId),
    org_id: text(run.workspaceId),
    status_code: text(RUN_STATUS_CODE[run.status]),
    source_code: text(run.source),
    input: show(input),
    output: show(output),
    context: text(run.context),
    duration_ms: text(run.finishedAt === null || run.startedAt === null ? null : run.finishedAt - run.startedAt),
    cost: text(run.cost),
    cost_breakdown: text(run.costBreakdown),
    nodes_total: text(run.nodesTotal),
    nodes_completed: text(run.nodesCompleted),
    resolved_template_id: 'null',
    batch_id: text(run.batchId),
    client_ref: text(run.clientRef),
    jurisdiction_code: 'null',
    flow_version_id: run.kind === 'flow' ? text(run.workflowVersionId) : 'null',
    request_id: text(run.requestId),
    created_by: text(run.apiKeyId),
    created_at: time(run.createdAt),
    started_at: time(run.startedAt),
    completed_at: time(run.finishedAt),
    callback_url: text(run.callbackUrl),
    metadata: show(text(run.meta)),
    has_logs: text(hasLogs),
    has_node_runs: text(hasNodeRuns),
    links: text({ self, logs: `${self}/logs`, node_runs: `${self}/node-runs`, callback: `${self}/callback` }),
    failure_code: text(run.failure?.code),
    failure_stage_code: text(run.failure === null ? null : (run.failure.stage ?? 'execution')),
    failure_message: text(run.failure?.message),
    feedback_is_positive: text(run.feedback?.isPositive),
    feedback_reason: text(run.feedback?.reason),
    source_chat_message_id: 'null',
  };
}
