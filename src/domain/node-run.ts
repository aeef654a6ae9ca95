import type { Failure } from './failure.ts';
import type { Payload } from './payload.ts';
import type { Usage } from './run.ts';
import type { Warning } from './warning.ts';

/** `cached`: a step inside a node that had nothing to do, since its result was at hand. `running` covers "due but not claimed yet": what is decided to run is recorded before it runs. */
export const NODE_STATUSES = ['running', 'waiting', 'succeeded', 'failed', 'skipped', 'canceled', 'cached'] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

/** True when the node will not change again. */
export function isSettled(status: NodeStatus): boolean {
  return status !== 'running' && status !== 'waiting';
}

/**
 * One node in one run. A node without a record has not been reached.
 * What a node did inside is recorded the same way, under `<node id>/<step id>`: see `stepRecordId`.
 */
export interface NodeRun {
  readonly nodeId: string;
  readonly status: NodeStatus;
  /** Iterations that ended. */
  readonly currentIteration: number;
  /** Iterations there are: 1 for a node that does not iterate. */
  readonly totalIterations: number;
  /** True when list propagation made it run once per item: outputs are lists then. */
  readonly iterates: boolean;
  /** Tries made, over all iterations. */
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** JSON object: socket name → value delivered. */
  readonly inputs: Payload | null;
  /** JSON object: socket name → value produced. A connector that is absent was not taken. */
  readonly outputs: Payload | null;
  /** Names of the outputs that were taken, so that edges can be told without reading payloads; null until settled with outputs. */
  readonly taken: readonly string[] | null;
  readonly failure: Failure | null;
  readonly warnings: readonly Warning[];
  readonly usage: Usage | null;
}

/** One pass of an iterating node over one item. */
export interface Iteration {
  readonly nodeId: string;
  /** 1-based position of the item. */
  readonly iteration: number;
  readonly status: 'succeeded' | 'failed';
  readonly attempts: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly inputs: Payload | null;
  readonly outputs: Payload | null;
  readonly failure: Failure | null;
}

/** The id that a step inside a node is recorded under. */
export function stepRecordId(nodeId: string, stepId: string): string {
  return `${nodeId}/${stepId}`;
}
