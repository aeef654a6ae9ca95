import { createHash } from 'node:crypto';
import { v5 } from 'uuid';

/** Ids that are computed from others: nothing has to be stored for a thing to have one. */

/**
 * The id of a node in one run: a UUIDv8 (RFC 9562) whose first 48 bits are the time of the run's id and whose others are a digest of both. The
 * time says where to look for it: among the runs of one millisecond (`runIdsAround`).
 * @param runId a UUIDv7
 */
export function nodeRunId(runId: string, nodeId: string): string {
  return idBeside(runId, `${runId} ${nodeId}`);
}

/**
 * The id of the run that handles the error of a run: there is one at most, whoever starts it and however often.
 * @param runId a UUIDv7
 */
export function errorHandlerRunId(runId: string): string {
  return idBeside(runId, `error handler of ${runId}`);
}

/**
 * The id of a run that was recorded elsewhere, in the form of `nodeRunId`: the same record has the same id, however often it comes, and ids are in the
 * order in which the runs were made.
 * @param origin where it comes from, as far as its key is the only one there is
 * @param key its id there
 * @param createdAt epoch milliseconds
 */
export function recordedRunId(origin: string, key: string, createdAt: number): string {
  return recordedId(createdAt, `run of ${origin} ${key}`);
}

/** The id of a log line of such a run, its place among the lines of that run. `at`: epoch milliseconds. */
export function recordedLogId(runId: string, at: number, place: number): string {
  return recordedId(at, `line ${place} of ${runId}`);
}

/** The id of a workflow, or of a version, that stands for one elsewhere. */
export function recordedThingId(origin: string, noun: string, key: string): string {
  return recordedId(0, `${noun} of ${origin} ${key}`);
}

function recordedId(at: number, text: string): string {
  const time = Math.max(0, Math.trunc(at)).toString(16).padStart(12, '0').slice(-12);
  return idBeside(`${time.slice(0, 8)}-${time.slice(8)}`, text);
}

function idBeside(runId: string, text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  const variant = (0x8 | (Number.parseInt(digest.charAt(3), 16) & 0x3)).toString(16);
  return `${runId.slice(0, 13)}-8${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}

/**
 * The id of a run that a node has made by a call, in the form of `nodeRunId`: the same call of the same run has the same id.
 * @param runId the run of the node, a UUIDv7 or such an id
 * @param call what tells it from the other calls of that run
 */
export function calledRunId(runId: string, call: string): string {
  return nodeRunId(runId, `call ${call}`);
}

/** The smallest and the largest id that a run can have whose nodes have this id. */
export function runIdsAround(idOfNodeRun: string): readonly [first: string, last: string] {
  const time = idOfNodeRun.toLowerCase().slice(0, 13);
  return [`${time}-0000-0000-000000000000`, `${time}-ffff-ffff-ffffffffffff`];
}

/**
 * The id of a node of a workflow, which is the same in all its runs and versions: a UUIDv5 of the graph's own id of it.
 * @param workflowId a UUID
 */
export function flowNodeId(workflowId: string, nodeId: string): string {
  return v5(nodeId, workflowId);
}

/** What a span of a run is about: without a node the run itself, without an attempt a pass, without a call a try. */
export interface SpanPlace {
  readonly nodeId?: string;
  readonly iteration?: number;
  readonly attempt?: number;
  /** The place of a model call in its try, from 1. */
  readonly call?: number;
}

/** The id of a span: 16 hexadecimal digits, the same whenever it is asked for, so that a span that is sent twice is one. */
export function spanIdOf(runId: string, { nodeId, iteration, attempt, call }: SpanPlace): string {
  const text = JSON.stringify(['span', runId, nodeId ?? null, iteration ?? null, attempt ?? null, call ?? null]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * The id of the run that is made of a trace that was taken in: a UUIDv8 that sorts by the time at which it began, as ids of runs do.
 * @param startedAt epoch milliseconds
 */
export function tracedRunId(workspaceId: string, traceId: string, startedAt: number): string {
  const time = Math.max(0, Math.floor(startedAt)).toString(16).padStart(12, '0').slice(-12);
  return idBeside(`${time.slice(0, 8)}-${time.slice(8)}`, `trace ${workspaceId} ${traceId}`);
}

/** The id of the workflow that runs of traces with one name belong to: the same wherever and however often it is made. */
export function tracedWorkflowId(workspaceId: string, service: string, name: string): string {
  return idBeside('00000000-0000', JSON.stringify(['traced workflow', workspaceId, service, name]));
}
