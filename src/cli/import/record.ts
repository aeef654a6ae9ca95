import { createHash } from 'node:crypto';
import { recordedLogId, recordedRunId, recordedThingId } from '../../system/derived-id.ts';

/** Records as `POST /v1/runs/records` takes them (docs/records.md), of runs that another product made. */

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** What came of one thing that was read: lines to be sent, or why there are none. */
export type Reading = { readonly lines: readonly string[]; readonly runs: number } | { readonly skipped: string };

/** What of a node run travels; what is left out has the value that follows. */
export interface NodeRecord {
  readonly nodeId: string;
  readonly status: string;
  /** Epoch milliseconds. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly inputs: Json | null;
  readonly outputs: Json | null;
  readonly failure: Failure | null;
  /** One a pass, where it made several. */
  readonly passes?: readonly Omit<NodeRecord, 'nodeId' | 'passes'>[];
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number; readonly cost: string | null };
  readonly warnings?: readonly string[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly node_id?: string;
  readonly http_status?: number;
}

/** A run that another product made. Times are epoch milliseconds. */
export interface ForeignRun {
  /** What tells the server that made it from others. */
  readonly origin: string;
  /** Its id there. */
  readonly key: string;
  readonly workflow: {
    readonly key: string;
    readonly name: string;
    readonly graph: { readonly nodes: readonly Json[]; readonly edges: readonly Json[] } | null;
    /** A definition as Noxus has it, in place of the graph. */
    readonly definition?: Json;
  };
  readonly status: string;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number;
  readonly input: Json;
  readonly output: Json | null;
  readonly failure: Failure | null;
  readonly meta: Json | null;
  readonly clientRef: string | null;
  readonly cost?: string | null;
  readonly nodeRuns: readonly NodeRecord[];
  readonly logs: readonly {
    readonly at: number;
    readonly level: string;
    readonly message: string;
    readonly nodeId: string | null;
  }[];
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Ids whose order is that of time, which lists rely on: they stay what they were. */
const TIMED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The lines of a run and of its workflow. The same run has the same lines, whenever it is read. */
export function linesOf(run: ForeignRun): { readonly lines: readonly string[]; readonly runs: number } {
  const { origin, workflow } = run;
  const id = TIMED_ID.test(run.key) ? run.key : recordedRunId(origin, run.key, run.createdAt);
  const workflowId = UUID.test(workflow.key) ? workflow.key : recordedThingId(origin, 'workflow', workflow.key);
  const shape = JSON.stringify(workflow.definition ?? workflow.graph);
  const digest = createHash('sha256').update(shape).digest('hex');
  const versionId = recordedThingId(origin, 'version', `${workflow.key} ${digest}`);
  const at = time(run.createdAt);
  const version = { id: versionId, created_at: at, definition: workflow.definition ?? null, graph: workflow.graph };
  const workflowRecord = {
    format: 'millrun.workflow/1',
    id: workflowId,
    name: workflow.name,
    current_version_id: versionId,
    created_at: at,
    updated_at: at,
    author_name: origin.slice(0, 200),
    versions: [version],
  };
  const settled = run.nodeRuns.length;
  const runRecord = {
    format: 'millrun.run/1',
    id,
    workflow_id: workflowId,
    workflow_version_id: versionId,
    status: run.status,
    progress: run.status === 'succeeded' ? 100 : Math.round((100 * settled) / Math.max(settled, nodesOf(run))),
    nodes_total: Math.max(settled, nodesOf(run)),
    nodes_completed: settled,
    created_at: at,
    started_at: time(run.startedAt),
    // Clocks of other servers may go back.
    finished_at: time(Math.max(run.finishedAt, run.startedAt ?? run.createdAt)),
    source: 'import',
    input: run.input,
    output: run.output,
    failure: run.failure,
    meta: run.meta,
    context: { imported_from: origin, imported_id: run.key },
    client_ref: run.clientRef,
    cost: run.cost ?? null,
    node_runs: run.nodeRuns.map(nodeRecord),
    iterations: run.nodeRuns.flatMap((node) =>
      (node.passes ?? []).map((pass, index) => passRecord(node, pass, index + 1)),
    ),
    logs: run.logs.map((log, place) => ({
      id: recordedLogId(id, log.at, place),
      node_id: log.nodeId,
      level: log.level,
      message: log.message,
      at: time(log.at),
    })),
  };
  return { lines: [JSON.stringify(workflowRecord), JSON.stringify(runRecord)], runs: 1 };
}

function nodesOf({ workflow }: ForeignRun): number {
  const nodes = workflow.graph?.nodes ?? workflow.definition?.['nodes'];
  return Array.isArray(nodes) ? nodes.length : 0;
}

function nodeRecord(node: NodeRecord): object {
  const passes = node.passes?.length ?? 1;
  return {
    node_id: node.nodeId,
    status: node.status,
    current_iteration: passes,
    total_iterations: passes,
    iterates: node.passes !== undefined,
    started_at: time(node.startedAt),
    finished_at: time(node.finishedAt),
    inputs: node.inputs,
    outputs: node.outputs,
    taken: node.outputs === null ? null : Object.keys(node.outputs),
    failure: node.failure,
    warnings: (node.warnings ?? []).map((detail) => ({ identifier: 'general', detail })),
    usage: node.usage ?? null,
  };
}

function passRecord({ nodeId }: NodeRecord, pass: Omit<NodeRecord, 'nodeId' | 'passes'>, iteration: number): object {
  return {
    node_id: nodeId,
    iteration,
    status: pass.status === 'succeeded' ? 'succeeded' : 'failed',
    attempts: 1,
    started_at: time(pass.startedAt ?? 0),
    finished_at: time(pass.finishedAt ?? pass.startedAt ?? 0),
    inputs: pass.inputs,
    outputs: pass.outputs,
    failure: pass.failure,
  };
}

/** Whether a value is a JSON object. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Epoch milliseconds of a time as another product writes it; null for none. */
export function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : null;
  // Python writes times without a zone, in UTC.
  const text = typeof value === 'string' && /T[\d:.]+$/.test(value) ? `${value}Z` : value;
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** A text, or null. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
