import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import type { FoundNodeRun } from '../../operations/run-records.ts';
import { flowNodeId, nodeRunId } from '../../system/derived-id.ts';
import { type ShowPayload, text, time } from './present-run.ts';
import { NODE_STATE_CODE } from './words.ts';

/** The properties of a node run, in the order of the reference page. `node_key` is an addition: the name of the node in its graph. */
export const NODE_RUN_FIELDS = [
  'id',
  'run_id',
  'node_id',
  'node_key',
  'flow_id',
  'state_code',
  'input',
  'output',
  'input_signature',
  'preview_type',
  'preview_value',
  'duration_ms',
  'cost',
  'retry_count',
  'error_message',
  'created_at',
  'started_at',
  'completed_at',
] as const;

/** Properties that are made of what went in and came out. */
export const NODE_RUN_PAYLOAD_FIELDS = ['input', 'output', 'input_signature', 'preview_type', 'preview_value'];

/** A node run with its payloads as JSON texts; null where there are none, or they are not asked for. */
export interface ShownNodeRun {
  readonly found: FoundNodeRun;
  readonly inputs: string | null;
  readonly outputs: string | null;
}

/** The JSON text of each property of a node run. */
export function presentNodeRun(
  { found: { runId, kind, workflowId, runCreatedAt, nodeRun }, inputs, outputs }: ShownNodeRun,
  show: ShowPayload,
): Record<(typeof NODE_RUN_FIELDS)[number], string> {
  const { startedAt, finishedAt } = nodeRun;
  const preview = outputs === null ? null : previewOf(JSON.parse(outputs) as JsonObject);
  return {
    id: text(nodeRunId(runId, nodeRun.nodeId)),
    run_id: text(runId),
    node_id: text(flowNodeId(workflowId, nodeRun.nodeId)),
    node_key: text(nodeRun.nodeId),
    flow_id: kind === 'flow' ? text(workflowId) : 'null',
    state_code: text(NODE_STATE_CODE[nodeRun.status]),
    input: show(inputs),
    output: show(outputs),
    input_signature: text(inputs === null ? null : createHash('sha256').update(inputs).digest('hex')),
    preview_type: text(preview?.type),
    preview_value: show(text(preview?.value)),
    duration_ms: text(finishedAt === null || startedAt === null ? null : finishedAt - startedAt),
    cost: text(nodeRun.usage?.cost),
    retry_count: text(nodeRun.warnings.filter(isRetry).length),
    error_message: text(nodeRun.failure?.message),
    created_at: time(startedAt ?? runCreatedAt),
    started_at: time(startedAt),
    completed_at: time(finishedAt),
  };
}

/** Each try after the first left a warning. */
const isRetry = ({ identifier }: Warning): boolean => identifier === 'retry_warning';

/** Characters of a value that a preview shows. */
const PREVIEW_LENGTH = 200;

interface Preview {
  readonly type: 'image' | 'video' | 'audio' | 'file' | 'text' | 'json';
  readonly value: string;
}

const MEDIA: Readonly<Record<string, 'image' | 'video' | 'audio'>> = Object.fromEntries([
  ...['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'bmp', 'svg'].map((ending) => [ending, 'image']),
  ...['mp4', 'webm', 'mov', 'mkv', 'avi'].map((ending) => [ending, 'video']),
  ...['mp3', 'wav', 'flac', 'ogg', 'opus', 'm4a'].map((ending) => [ending, 'audio']),
]);

/** What stands for the outputs of a node in a table: the first that has a value. */
function previewOf(outputs: JsonObject): Preview | null {
  const value = Object.values(outputs).find((each) => each !== null);
  return value === undefined ? null : previewOfValue(value);
}

function previewOfValue(value: JsonValue): Preview {
  if (typeof value === 'string') return previewOfText(value);
  if (typeof value !== 'object' || value === null) return { type: 'text', value: String(value) };
  // A list of media is previewed by its first, and so is the object that holds one.
  const entry = Array.isArray(value) ? value[0] : value;
  if (isJsonObject(entry)) {
    const address = entry['url'] ?? entry['uri'];
    if (typeof address === 'string') return { type: typeOfFile(entry, address), value: address };
    if (Array.isArray(entry['outputs']) && entry['outputs'].length > 0) return previewOfValue(entry['outputs']);
  }
  return { type: 'json', value: JSON.stringify(value).slice(0, PREVIEW_LENGTH) };
}

function previewOfText(value: string): Preview {
  const media = /^(https?|spot|runflow):\/\//.test(value) ? mediaOfPath(value) : undefined;
  return media === undefined ? { type: 'text', value: value.slice(0, PREVIEW_LENGTH) } : { type: media, value };
}

function typeOfFile(entry: JsonObject, address: string): Preview['type'] {
  const told = [entry['type'], entry['mime_type'], entry['content_type']].find((each) => typeof each === 'string');
  const media = /^(image|video|audio)\b/.exec(String(told))?.[1] as 'image' | 'video' | 'audio' | undefined;
  return media ?? mediaOfPath(String(entry['name'] ?? entry['filename'] ?? address)) ?? 'file';
}

function mediaOfPath(path: string): 'image' | 'video' | 'audio' | undefined {
  return MEDIA[/\.(\w{3,4})(?:$|[?#])/.exec(path)?.[1]?.toLowerCase() ?? ''];
}
