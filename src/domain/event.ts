import type { NodeStatus } from './node-run.ts';
import type { RunStatus } from './run.ts';

/** What one kept change did to a run, as live views, the search indexer and callbacks read it from the log. */
export interface RunEvent {
  /** Place in the log: grows with every event, never reused, no gap is ever filled later. */
  readonly position: number;
  readonly workspaceId: string;
  readonly runId: string;
  readonly workflowId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: 'created' | 'advanced' | 'finished' | 'deleted';
  readonly data: RunEventData;
}

/** The body of an event: statuses only, so that the log never holds a user's content. */
export interface RunEventData {
  readonly status: RunStatus;
  readonly progress: number;
  /** Nodes whose record changed, with the status they have now. */
  readonly nodes?: readonly (readonly [nodeId: string, status: NodeStatus])[];
  readonly callback?: true;
  /** Ids of the requests to persons that were made, where somebody is to be told of them. */
  readonly asked?: readonly string[];
  /** The run ended elsewhere and was brought here: nothing follows from its end but that it can be found. */
  readonly imported?: true;
}

export type NewRunEvent = Omit<RunEvent, 'position'>;
