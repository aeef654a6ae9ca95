import { isDeepStrictEqual } from 'node:util';
import { type Definition, type EdgeDefinition, type NodeDefinition, ON_ERROR } from '../domain/definition.ts';
import type { NodeRun } from '../domain/node-run.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';

/** What a run that repeats another one takes over from it. */
export interface Takeover {
  /** Records of nodes that are not run again, in the order of the graph. */
  readonly taken: readonly NodeRun[];
  /** Ids of those nodes and of everything before them: as long as these are the same, so is what they gave. */
  readonly rest: ReadonlySet<string>;
}

/** Where a run that repeats another one begins. */
export interface Beginning {
  /** Nodes that run anew with all that comes after them; null: those that failed, were cut off or left outputs out. */
  readonly from: ReadonlySet<string> | null;
  /** What will run: the graph that ran, or a later one of the same workflow, and the nodes of it that take part. */
  readonly graph: Graph;
  readonly selected: ReadonlySet<string>;
}

/**
 * What of a run may be taken over by one that repeats it: nodes that succeeded, were left out by a branch, or whose failure was dealt with inside the
 * graph. What failed, was cut off or never reached runs anew, and so does all that comes after it or after a node to begin at, in the graph that ran
 * as in the one that will. Skipped nodes are not taken over: they are decided again, from the same outputs.
 */
export function takeover(
  graph: Graph,
  records: readonly NodeRun[],
  beginning: Beginning = { from: null, graph, selected: new Set(graph.byId.keys()) },
): Takeover {
  const { from, graph: now, selected } = beginning;
  const recordOf = new Map(records.map((record) => [record.nodeId, record]));
  const anew = new Set(from);
  const isAfter = (node: GraphNode) => edgesInto(node).some((edge) => anew.has(edge.from.id));
  for (const node of graph.nodes) {
    const record = recordOf.get(node.id);
    // Who says where to begin takes what is there; who begins at failures wants what is missing as well.
    const isMissing = from === null && record?.warnings.some((warning) => warning.partial) === true;
    if (isMissing || !isDone(record, beginning)) anew.add(node.id);
  }
  // Both orders agree within their own graph only: a way that leads through the one and the other takes another round.
  for (let known = -1; known < anew.size; ) {
    known = anew.size;
    for (const node of [...graph.nodes, ...now.nodes]) if (isAfter(node)) anew.add(node.id);
  }
  const taken = graph.nodes.filter(
    ({ id }) => !anew.has(id) && selected.has(id) && recordOf.get(id)?.status !== 'skipped',
  );
  const rest = new Set(taken.map(({ id }) => id));
  for (const node of graph.nodes.toReversed()) {
    if (rest.has(node.id)) for (const edge of edgesInto(node)) rest.add(edge.from.id);
  }
  return { taken: taken.map(({ id }) => recordOf.get(id)!), rest };
}

/** Whether what a node did stands. */
function isDone(record: NodeRun | undefined, { graph, selected }: Beginning): boolean {
  if (record?.status === 'skipped' || record?.status === 'succeeded') return true;
  if (record?.status !== 'failed' || record.taken === null) return false;
  // With outputs it was led on: to an error branch, or by going on without it. A graph that leads it otherwise has to see it fail again.
  const node = graph.byId.get(record.nodeId);
  const isRouted = node?.outgoing.some(({ output, to }) => output === ON_ERROR && selected.has(to.id)) === true;
  return node === undefined || record.taken.includes(ON_ERROR) === isRouted;
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
