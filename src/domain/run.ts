import type { Failure } from './failure.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import type { Payload } from './payload.ts';
import type { TraceContext } from './trace.ts';
import type { WorkflowKind } from './workflow.ts';

export const RUN_STATUSES = ['queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'canceled'] as const;

/** `waiting`: nothing happens until a person answers. `partial`: it succeeded, and some of its declared outputs are missing. The last four are terminal and never change again. */
export type RunStatus = (typeof RUN_STATUSES)[number];

const TERMINAL: ReadonlySet<RunStatus> = new Set(['succeeded', 'partial', 'failed', 'canceled']);

/** True for a status that never changes again. */
export function isTerminal(status: RunStatus): boolean {
  return TERMINAL.has(status);
}

/**
 * Whether a run waits for a place among those that may be under way at once, and takes one while it is `running`. One that waits for people takes
 * none, so that it may go on beyond a limit when they answer. One below another run, or that a node of one waits for, is work of that one: if it had to wait for a place of its own, the run
 * above would hold its place while it waits, and a limit of one would keep both from ever ending.
 */
export function takesPlace(run: Run): boolean {
  return run.parent === null && run.source !== CALL_SOURCE;
}

/** The source of a run that a node called and waits for. */
export const CALL_SOURCE = 'agent';

/** The entry in the context of a run that handles an error: the id of the run that failed. */
export const FAILED_RUN = 'failed_run_id';

/** What a run that a node called says of its caller. Others say nothing: what they have in their context is whatever their caller wrote. */
export function callerOf({ source, context }: Run): JsonObject {
  const by = source === CALL_SOURCE ? context?.['called_by'] : undefined;
  return by !== undefined && isJsonObject(by) ? by : {};
}

/** One execution of one workflow version. Times are epoch milliseconds. */
export interface Run {
  readonly id: string;
  readonly workspaceId: string;
  /** What kind of thing is run: the kind of its workflow. */
  readonly kind: WorkflowKind;
  readonly workflowId: string;
  readonly workflowVersionId: string;
  /** Whether the caller asked for that version, rather than for whatever was current. */
  readonly versionPinned: boolean;
  readonly status: RunStatus;
  /** Grows by one at each kept change; a change decided on an older revision is stale. */
  readonly revision: number;
  /** Settled nodes in percent, 0 to 100. */
  readonly progress: number;
  /** Nodes that take part, and those that have ended. Where a node reports its steps, the steps count in its place. */
  readonly nodesTotal: number;
  readonly nodesCompleted: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** What started it: `api`, `demo`, `trigger`, … */
  readonly source: string;
  /** Only these nodes and their dependencies run; null: all. */
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
  /** What invoked it; null for a run that somebody started. Those with a parent are in no list: they are parts of the run at their root. */
  readonly parent: Parent | null;
  /** The versions that the workflows it invokes had when its root was started, by workflow; null: it invokes none. */
  readonly subflows: Readonly<Record<string, string>> | null;
  readonly input: Payload;
  readonly output: Payload | null;
  readonly failure: Failure | null;
  /** The caller's own data, given back as it is. */
  readonly meta: JsonObject | null;
  /** What it is executed with beyond its input, e.g. the run that it repeats. */
  readonly context: JsonObject | null;
  /** A label that the caller chose; several runs may share one. */
  readonly clientRef: string | null;
  readonly batchId: string | null;
  /** The HTTP request that started it. */
  readonly requestId: string | null;
  /** What was charged in total: a decimal string in US dollars; null until known. */
  readonly cost: string | null;
  /** The parts of the cost. */
  readonly costBreakdown: JsonObject | null;
  readonly feedback: Feedback | null;
  /** The API it was started through, in whose words its callback speaks. */
  readonly dialect: Dialect;
  readonly callbackUrl: string | null;
  readonly apiKeyId: string | null;
  /** Whether its tries are kept and its spans exported. */
  readonly tracing: boolean;
  /** The trace that it is part of; null: none. A run that was invoked has that of its root. */
  readonly trace: TraceContext | null;
  readonly debugger: string | null;
}

/** The place of a run in the one that invoked it. */
export interface Parent {
  readonly runId: string;
  /** The run that somebody started, which is the parent itself unless that has one too. */
  readonly rootId: string;
  readonly nodeId: string;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  /** The try of that pass, from 1. */
  readonly attempt: number;
  /** Its place among the runs that this try invoked one after the other, from 1. */
  readonly ordinal: number;
  /** Runs above it. */
  readonly depth: number;
  /** Epoch milliseconds at which it fails if it has not ended; null: it may take its time. */
  readonly deadlineAt: number | null;
}

/** What a person thinks of what came out. */
export interface Feedback {
  readonly isPositive: boolean | null;
  readonly reason: string | null;
}

/** The APIs that a run can be started through. */
export type Dialect = 'noxus' | 'runflow';

/** What a run's execution has used: tokens and money. Money is a decimal string in US dollars. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string | null;
}
