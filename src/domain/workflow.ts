import type { Definition } from './definition.ts';
import type { JsonObject } from './json.ts';

export const WORKFLOW_TYPES = ['flow', 'handler', 'ingestion', 'agent_flow', 'sub_flow'] as const;
export type WorkflowType = (typeof WORKFLOW_TYPES)[number];

export const WORKFLOW_KINDS = ['flow', 'model', 'comfyui_workflow'] as const;

/** `flow`: a graph that people draw. The others are graphs that the platform makes around one node: a call of a model, a ComfyUI graph. */
export type WorkflowKind = (typeof WORKFLOW_KINDS)[number];

/** A saved graph. What it runs is its current version. Times are epoch milliseconds. */
export interface Workflow {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly kind: WorkflowKind;
  /** Its name in addresses; one of its kind in the workspace among those that are not deleted. A model's may have slashes. */
  readonly slug: string;
  readonly type: WorkflowType;
  readonly description: string | null;
  readonly currentVersionId: string;
  /** Workflow that runs when a run of this one fails. */
  readonly errorHandlerId: string | null;
  readonly settings: JsonObject;
  readonly meta: JsonObject;
  /** What its kind says of itself beyond a graph: a model's inputs, prices and texts, a ComfyUI workflow's environment. */
  readonly profile: JsonObject;
  readonly authorName: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt: number | null;
  /** Grows by one at each save; a save made on an older revision conflicts. */
  readonly revision: number;
}

/** Runs of a workflow that may be under way at the same time: `max_concurrent_runs` of its settings; null: any number. */
export function runLimit(settings: JsonObject): number | null {
  const given = settings['max_concurrent_runs'];
  return typeof given === 'number' && Number.isInteger(given) && given >= 1 ? given : null;
}

/** One frozen definition of a workflow. Named ones were saved by a person as a version. */
export interface WorkflowVersion {
  readonly id: string;
  readonly workspaceId: string;
  readonly workflowId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly createdAt: number;
  readonly createdBy: string | null;
  /** The graph as the engine runs it. */
  readonly definition: Definition;
  /** JSON text of the definition as its dialect shows it, given back as saved. */
  readonly document: string;
  /** SHA-256 of `document`, hex. */
  readonly hash: string;
  /** What keeps it from running; empty when it is runnable. */
  readonly validation: readonly DefinitionIssue[];
}

/** A workflow with its current version and with what its runs make of it. */
export interface WorkflowRecord {
  readonly workflow: Workflow;
  readonly version: WorkflowVersion;
  readonly runsCount: number;
  /** Epoch milliseconds. */
  readonly lastRunAt: number | null;
}

/** One mistake in a definition. */
export interface DefinitionIssue {
  /** Short stable word, e.g. `unknown_node_type`, `missing_input`. */
  readonly type: string;
  readonly message: string;
  /** What to do. */
  readonly hint: string;
  readonly nodeId: string | null;
  readonly edgeId: string | null;
  /** `invalid`: the definition has no meaning and is not saved. `incomplete`: it is saved and cannot run yet. */
  readonly severity: 'invalid' | 'incomplete';
}
