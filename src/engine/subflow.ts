import type { Failure } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import type { EndedInvocation, SubflowSockets } from '../nodes/node-type.ts';
import type { Graph, GraphNode } from './graph.ts';
import { resolveInput } from './run-input.ts';

/**
 * Runs above a run, at most. Saving refuses workflows that invoke themselves in a circle; this ends what got round it, and a depth that nobody
 * could follow any more.
 */
export const MAX_DEPTH = 20;

/** A workflow as the runs below one root invoke it: frozen when the root was started. */
export interface Subflow {
  readonly workflowId: string;
  readonly versionId: string;
  readonly name: string;
  readonly graph: Graph;
}

/** Workflows that runs invoke, by id. */
export type Subflows = ReadonlyMap<string, Subflow>;

/** What a node sees of the workflow that it invokes. */
export function socketsOf({ name, graph }: Subflow): SubflowSockets {
  const withRole = (role: GraphNode['type']['role']) => graph.nodes.filter((node) => node.type.role === role);
  const named = (nodes: readonly GraphNode[]) => [...new Set(nodes.map((node) => node.label ?? node.id))];
  const open = withRole('input').filter((node) => node.config['fixed_value'] !== true);
  return { name, inputs: named(open), outputs: named(withRole('output')) };
}

/** Why a workflow cannot be run on an input, or null. */
export function inputFailure({ name, graph }: Subflow, input: JsonObject): Failure | null {
  const { problems } = resolveInput(graph, { nodeIds: null, singleNodeId: null }, input);
  if (problems.length === 0) return null;
  const message = `"${name}" cannot run with these inputs: ${problems.map((problem) => problem.message).join(' ')}`;
  return { code: 'invalid_input', message };
}

/** A run that has been invoked, with its payloads parsed; null while it has not ended. */
export function endedInvocation(run: Run, input: JsonObject, output: JsonObject | null): EndedInvocation | null {
  if (!isTerminal(run.status) || run.parent === null) return null;
  return {
    runId: run.id,
    ordinal: run.parent.ordinal,
    input,
    output: output ?? {},
    isCanceled: run.status === 'canceled',
    failure: run.failure,
  };
}
