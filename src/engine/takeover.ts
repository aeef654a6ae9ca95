import { isDeepStrictEqual } from 'node:util';
import type { Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { NodeRun } from '../domain/node-run.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';

/** What a run that repeats another one from where it failed takes over from it. */
export interface Takeover {
  /** Records of nodes that are not run again, in the order of the graph. */
  readonly taken: readonly NodeRun[];
  /** Ids of those nodes and of everything before them: as long as these are the same, so is what they gave. */
  readonly rest: ReadonlySet<string>;
}

/**
 * What of a run may be taken over by one that repeats it from where it failed: nodes that succeeded whole, or whose failure was dealt with
 * inside the graph. What failed, what was cut off or never reached, and all that comes after it runs anew; skipped nodes are decided again.
 */
export function takeover(graph: Graph, records: readonly NodeRun[]): Takeover {
  const recordOf = new Map(records.map((record) => [record.nodeId, record]));
  const anew = new Set<GraphNode>();
  for (const node of graph.nodes) {
    const record = recordOf.get(node.id);
    if (!isDone(record) || edgesInto(node).some(({ from }) => anew.has(from))) anew.add(node);
  }
  const taken = graph.nodes.filter((node) => !anew.has(node) && recordOf.get(node.id)?.status !== 'skipped');
  const rest = new Set(taken.map((node) => node.id));
  for (const node of graph.nodes.toReversed()) {
    if (rest.has(node.id)) for (const { from } of edgesInto(node)) rest.add(from.id);
  }
  return { taken: taken.map((node) => recordOf.get(node.id)!), rest };
}

/** Whether nothing about a node is left to be done better. */
function isDone(record: NodeRun | undefined): boolean {
  if (record === undefined || record.warnings.some((warning) => warning.partial)) return false;
  if (record.status === 'skipped' || record.status === 'succeeded') return true;
  // With outputs it was led on: to an error branch, or by going on without it.
  return record.status === 'failed' && record.taken !== null;
}

const edgesInto = (node: GraphNode): readonly GraphEdge[] => [
  ...node.after,
  ...node.inputs.flatMap((socket) => socket.edges),
];

/** How a node of one definition differs from the node of the same id in another. */
export interface NodeDifference {
  readonly nodeId: string;
  readonly kind: 'removed' | 'changed' | 'connected otherwise';
}

/** Which of some nodes another definition does not have as they are: in what they do, and in what is led to them. Names do not count. */
export function differences(before: Definition, now: Definition, nodeIds: ReadonlySet<string>): NodeDifference[] {
  return [...nodeIds].flatMap((nodeId): NodeDifference[] => {
    const [old, current] = [before, now].map(({ nodes }) => nodes.find(({ id }) => id === nodeId));
    if (old === undefined || current === undefined) return [{ nodeId, kind: 'removed' }];
    if (!isDeepStrictEqual(meaning(old), meaning(current))) return [{ nodeId, kind: 'changed' }];
    if (!isDeepStrictEqual(connections(before, nodeId), connections(now, nodeId))) {
      return [{ nodeId, kind: 'connected otherwise' }];
    }
    return [];
  });
}

const meaning = ({ type, config, constants, inputs, outputs }: NodeDefinition) => ({
  type,
  config,
  constants: constants ?? {},
  inputs,
  outputs,
});

/** Edges into a node, in the order of the definition: of several into one input the first counts. */
const connections = ({ edges }: Definition, nodeId: string): Omit<EdgeDefinition, 'id'>[] =>
  edges.filter(({ to }) => to.nodeId === nodeId).map(({ id: _, ...edge }) => edge);
