import type { Evaluation, Judge } from './evaluation.ts';
import { type Iteration, isSettled, type NodeRun } from './node-run.ts';
import { isTerminal, type Run } from './run.ts';
import type { RunLog } from './run-log.ts';

/**
 * A run that has ended, whole: what travels between servers, and what a run made elsewhere is turned into. It never runs. What belongs to the
 * server that it ran on alone (keys, addresses to call back) is no part of it.
 */
export interface RecordedRun extends RecordedParts {
  /** Its current evaluation. */
  readonly evaluation: RecordedEvaluation | null;
  /** All runs below it, whatever invoked them; each after the run that it is invoked by. */
  readonly below: readonly RecordedParts[];
}

/** A run with what its nodes did and said. */
export interface RecordedParts {
  readonly run: RecordedFacts;
  readonly nodeRuns: readonly NodeRun[];
  /** Passes of nodes that iterate. */
  readonly iterations: readonly Iteration[];
  /** Oldest first. */
  readonly logs: readonly Omit<RunLog, 'runId'>[];
}

/** Of a run what it takes along. Its id is a UUID of version 7 or 8 whose first 48 bits are its time: `recordedRunId` makes one. */
export type RecordedFacts = Omit<
  Run,
  'workspaceId' | 'revision' | 'requestId' | 'callbackUrl' | 'apiKeyId' | 'debugger' | 'tracing'
>;

/** The judgement that counts of a run, and who judged. */
export interface RecordedEvaluation {
  readonly evaluation: Evaluation;
  readonly judges: readonly Judge[];
}

/** The source of a run that another product recorded. */
export const IMPORT_SOURCE = 'import';

/** Records of nodes, and log lines, that one run may bring: beyond it nobody reads them, and one request must end. */
const MAX_NODE_RUNS = 20_000;
const MAX_LOGS = 100_000;

const MAX_TIME = 8.64e15;

/** Ids whose order is that of time, as lists and search take them to be. */
const TIMED_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** In a sentence what keeps a record from being one; null: it is sound. */
export function recordProblem(parts: RecordedParts): string | null {
  const { run, nodeRuns, iterations, logs } = parts;
  if (!TIMED_ID.test(run.id)) {
    return `"${run.id.slice(0, 80)}" is no id of a run: give a UUID of version 7 or 8 in lower case, whose first 48 bits are its time.`;
  }
  if (!isTerminal(run.status)) return `The run is ${run.status}; only runs that have ended can be imported.`;
  const times = [run.createdAt, run.startedAt, run.finishedAt].filter((at) => at !== null);
  if (times.some((at) => !Number.isInteger(at) || at < 0 || at > MAX_TIME)) return 'A time is none.';
  if (run.finishedAt === null) return 'A run that has ended has a time at which it finished.';
  if (run.finishedAt < (run.startedAt ?? run.createdAt)) return 'It finished before it began.';
  if (run.progress < 0 || run.progress > 100) return `Its progress is ${run.progress}, of a hundred.`;
  if (nodeRuns.length > MAX_NODE_RUNS)
    return `It has ${nodeRuns.length} records of nodes; at most are ${MAX_NODE_RUNS}.`;
  if (logs.length > MAX_LOGS) return `It has ${logs.length} log lines; at most are ${MAX_LOGS}.`;
  const nodes = new Set<string>();
  for (const { nodeId, status } of nodeRuns) {
    if (nodes.has(nodeId)) return `There are two records of the node "${nodeId}".`;
    if (!isSettled(status)) return `The node "${nodeId}" is ${status}, though the run has ended.`;
    nodes.add(nodeId);
  }
  const passes = new Set<string>();
  for (const { nodeId, iteration } of iterations) {
    const pass = `${iteration} of the node "${nodeId}"`;
    if (!nodes.has(nodeId)) return `There is pass ${pass}, which has no record.`;
    if (passes.has(pass)) return `There are two passes ${pass}.`;
    passes.add(pass);
  }
  const lines = new Set(logs.map(({ id }) => id));
  return lines.size === logs.length ? null : 'Two log lines have one id.';
}
