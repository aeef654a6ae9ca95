import type { Payload } from './payload.ts';

/** An attempt that is due. */
export interface Task {
  readonly id: string;
  readonly workspaceId: string;
  readonly runId: string;
  /** Null: decide what becomes of the run and go on. */
  readonly nodeId: string | null;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Epoch milliseconds before which it is not claimed. */
  readonly dueAt: number;
  /** Of a task that starts a run which takes a place (`takesPlace`): the id of its workflow. It is not claimed while there is no place for the run. */
  readonly startOf: string | null;
  /** Set when the attempt was made and succeeds at `dueAt`: its outputs, delivered without running anything. */
  readonly outputs: Payload | null;
}

/** A claimed task. A change that ends it is stale unless the lease is still the one given out. */
export interface Lease {
  readonly task: Task;
  readonly token: string;
}
