import { bindTokens, CONFIG_CONNECTOR } from '../domain/config-tokens.ts';
import { ON_ERROR } from '../domain/definition.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { isSettled, type NodeStatus } from '../domain/node-run.ts';
import { holdsManyValues } from '../domain/value.ts';
import type { Warning } from '../domain/warning.ts';
import type { Graph, GraphEdge, GraphNode, InputSocket } from './graph.ts';

/**
 * What becomes of a run, as pure functions of the definition and of what its nodes have done so far.
 *
 * Laws (tested by property): a run always ends; what is settled stays settled; the order in which nodes settle does not change what the run
 * produces, nor whether it succeeds.
 */

/** What the scheduler knows of a node. Nodes that were not reached have no state. */
export interface NodeState {
  readonly status: NodeStatus;
  readonly iterates: boolean;
  /** Values by socket name; a connector that is absent was not taken. Only settled nodes have any. */
  readonly outputs: JsonObject | null;
  readonly failure: Failure | null;
}

/** What the scheduler knows of a run. */
export interface ScheduleState {
  /** Nodes that take part. Others, and the edges that touch them, do not exist for this run. */
  readonly selected: ReadonlySet<string>;
  /** Values of input nodes, and of a single node's sockets, by node id and socket name. */
  readonly given: ReadonlyMap<string, JsonObject>;
  readonly nodes: ReadonlyMap<string, NodeState>;
  /** A single node runs alone: its edges do not exist. */
  readonly alone: boolean;
}

/** The passes that a node is to make. */
export interface Activation {
  /** Values by socket name as delivered, lists whole. */
  readonly values: JsonObject;
  /** Values of configuration tokens (`node.output` → value). */
  readonly tokens: JsonObject;
  /** Sockets whose list makes the node run once per item. */
  readonly iterated: readonly string[];
  readonly iterates: boolean;
  /** Passes: 1 for a node that does not iterate. */
  readonly total: number;
  readonly warnings: readonly Warning[];
}

export type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'run'; readonly activation: Activation }
  | { readonly kind: 'fail'; readonly failure: Failure };

type Delivery = 'pending' | 'skipped' | 'delivered';

/** Whether an edge will bring anything: known once the node it leaves is settled. */
function deliveryOf(edge: GraphEdge, state: ScheduleState): Delivery {
  const from = state.nodes.get(edge.from.id);
  if (from === undefined || !isSettled(from.status)) return 'pending';
  if (from.status === 'skipped' || from.status === 'canceled') return 'skipped';
  if (edge.output === null) return from.outputs === null ? 'skipped' : 'delivered';
  if (from.outputs === null) return 'skipped';
  if (Object.hasOwn(from.outputs, edge.output)) return 'delivered';
  // An edge that only orders execution may name a handle that is no output; it follows the node then, not a branch.
  return edge.to.after.includes(edge) && !isOutputOf(edge.from, edge.output) ? 'delivered' : 'skipped';
}

function isOutputOf(node: GraphNode, output: string): boolean {
  return (
    output === ON_ERROR ||
    node.type.outputs.some((spec) => spec.name === output) ||
    (node.type.outputsOf?.(node.config) ?? []).some((spec) => spec.name === output)
  );
}

function deliveries(
  edges: readonly GraphEdge[],
  state: ScheduleState,
): { pending: boolean; skipped: boolean; delivered: GraphEdge[] } {
  let pending = false;
  let skipped = false;
  const delivered: GraphEdge[] = [];
  for (const edge of edges) {
    if (!state.selected.has(edge.from.id)) continue;
    const delivery = deliveryOf(edge, state);
    if (delivery === 'pending') pending = true;
    else if (delivery === 'delivered') delivered.push(edge);
    else skipped = true;
  }
  return { pending, skipped, delivered };
}

/** What is to become of a node that has no state yet. */
export function verdictOn(node: GraphNode, state: ScheduleState): Verdict {
  const given = state.given.get(node.id);
  if (state.alone) return activate(node, { ...node.constants, ...given }, {}, [], []);

  const order = deliveries(node.after, state);
  if (order.pending) return { kind: 'wait' };
  let connected = node.after.length > 0;
  let activated = order.delivered.length > 0;
  // Edges that only order execution say whether their node runs, wherever its values come from.
  let unmet = order.skipped && order.delivered.length === 0;
  const values: JsonObject = { ...given };
  const tokens: JsonObject = {};
  const many: string[] = [];
  const warnings: Warning[] = [];
  for (const socket of node.inputs) {
    const { pending, delivered } = deliveries(socket.edges, state);
    if (pending) return { kind: 'wait' };
    connected = true;
    if (delivered.length === 0) {
      unmet ||= !socket.optional;
      continue;
    }
    activated = true;
    const arrival = arrive(node, socket, delivered, state);
    warnings.push(...arrival.warnings);
    if (socket.name.startsWith(CONFIG_CONNECTOR))
      tokens[socket.name.slice(CONFIG_CONNECTOR.length + 2)] = arrival.value;
    else values[socket.name] = arrival.value;
    if (arrival.many && socket.iterates) many.push(socket.name);
  }
  if (unmet || (connected && !activated)) return { kind: 'skip' };
  return activate(node, { ...bindTokens(node.constants, tokens), ...values }, tokens, many, warnings);
}

interface Arrival {
  readonly value: JsonValue;
  readonly many: boolean;
  readonly warnings: readonly Warning[];
}

/** The value of a socket that several edges may feed: a list socket and a gathering node take all of them, any other socket the first. */
function arrive(node: GraphNode, socket: InputSocket, delivered: readonly GraphEdge[], state: ScheduleState): Arrival {
  const values = delivered.map((edge) => {
    const from = state.nodes.get(edge.from.id)!;
    const value = from.outputs?.[edge.output ?? ''] ?? null;
    return { value, many: Array.isArray(value) && (from.iterates || holdsManyValues(edge.outputType, value)) };
  });
  const first = values[0]!;
  if (values.length === 1) return { ...first, warnings: [] };
  if (socket.type.isList || node.type.gathersList === true) {
    return {
      value: values.flatMap(({ value, many }) => (many ? (value as JsonValue[]) : [value])),
      many: true,
      warnings: [],
    };
  }
  return {
    ...first,
    warnings: [
      {
        identifier: 'general',
        detail: `${values.length} values arrived at the input "${socket.name}", which takes one: the first edge's value was used. Gather them with a MergeNode to keep all.`,
      },
    ],
  };
}

function activate(
  node: GraphNode,
  values: JsonObject,
  tokens: JsonObject,
  many: readonly string[],
  warnings: readonly Warning[],
): Verdict {
  const each = node.type.eachOf;
  if (each !== undefined && Array.isArray(values[each]) && !many.includes(each)) {
    return activate(node, values, tokens, [...many, each], warnings);
  }
  if (many.length === 0) {
    return { kind: 'run', activation: { values, tokens, iterated: [], iterates: false, total: 1, warnings } };
  }
  // A list of one is repeated like a single value, so that "one footer, many pages" works whichever way the footer came.
  const lengths = new Set(many.map((name) => (values[name] as JsonValue[]).length).filter((length) => length !== 1));
  if (lengths.size > 1) {
    const sizes = many.map((name) => `${name}: ${(values[name] as JsonValue[]).length}`).join(', ');
    return {
      kind: 'fail',
      failure: {
        code: 'list_lengths_differ',
        nodeId: node.id,
        message: `"${node.name}" runs once per item, but its lists have different lengths (${sizes}). Make them equally long, or gather one of them first.`,
      },
    };
  }
  const total = lengths.size === 0 ? 1 : [...lengths][0]!;
  return { kind: 'run', activation: { values, tokens, iterated: many, iterates: true, total, warnings } };
}

/** The values of pass `iteration` (1-based) of an iterating node. */
export function valuesOfPass(activation: Activation, iteration: number): JsonObject {
  if (!activation.iterates) return activation.values;
  const values: JsonObject = { ...activation.values };
  for (const name of activation.iterated) {
    const list = activation.values[name] as JsonValue[];
    values[name] = list[list.length === 1 ? 0 : iteration - 1] ?? null;
  }
  return values;
}

/**
 * The outputs of an iterating node: each connector's values in the order of the items, without the passes that did not take it.
 * A connector that no pass took was not taken, unless there were no items: an empty list flows on, through `eachTo` alone where there is one.
 */
export function gather(node: GraphNode, passes: readonly (JsonObject | null)[]): JsonObject {
  const gathered: JsonObject = {};
  const { eachTo } = node.type;
  if (passes.length === 0 && eachTo === undefined) {
    for (const { name } of [...node.type.outputs, ...(node.type.outputsOf?.(node.config) ?? [])]) gathered[name] = [];
    // Families of sockets are known by the edges that leave them.
    for (const { output } of node.outgoing) if (output?.includes('::')) gathered[output] ??= [];
    return gathered;
  }
  for (const outputs of passes) {
    for (const [name, value] of Object.entries(outputs ?? {})) {
      const list = gathered[name] as JsonValue[] | undefined;
      if (list) list.push(value);
      else gathered[name] = [value];
    }
  }
  // Where all of them failed and an error branch takes that, there are no results to go on with.
  const isRouted = passes.length > 0 && passes.every((outputs) => outputs !== null && Object.hasOwn(outputs, ON_ERROR));
  if (eachTo !== undefined && !isRouted) gathered[eachTo] ??= [];
  return gathered;
}

/** Whether a failure of this node is led to a node that takes part in the run. */
export function isErrorRouted(node: GraphNode, state: ScheduleState): boolean {
  return !state.alone && node.outgoing.some((edge) => edge.output === ON_ERROR && state.selected.has(edge.to.id));
}

/** The outputs of a node that failed: routed to its error branch, or empty so that the run goes on; null when the failure is the run's. */
export function outputsOfFailure(node: GraphNode, failure: Failure, state: ScheduleState): JsonObject | null {
  if (isErrorRouted(node, state)) return { [ON_ERROR]: failure.message };
  if (!node.continueOnError) return null;
  const { type, config, outgoing } = node;
  const configured = type.branches === true ? [] : (type.outputsOf?.(config) ?? []);
  const names = [...type.outputs, ...configured].map(({ name }) => name);
  // Families of sockets are known by the edges that leave them. One that is left out would shift the lists of an iterating node.
  for (const { output } of outgoing) if (output?.includes('::')) names.push(output);
  return Object.fromEntries(names.map((name) => [name, null]));
}

/** The failure that ends the run, if there is one: of several, the one earliest in the graph, whichever came first in time. */
export function fatalFailure(graph: Graph, state: ScheduleState): Failure | null {
  for (const node of graph.nodes) {
    const nodeState = state.nodes.get(node.id);
    if (nodeState?.status === 'failed' && nodeState.outputs === null) return nodeState.failure;
  }
  return null;
}

/** How a run stands: `going` while any node runs, `waiting` while nothing happens until a person answers; the others end it. */
export type Standing =
  | { readonly kind: 'going' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** To be asked when no node that `verdictOn` lets run is left. */
export function standing(graph: Graph, state: ScheduleState): Standing {
  const failure = fatalFailure(graph, state);
  if (failure) return { kind: 'failed', failure };
  let isOpen = false;
  let isWaiting = false;
  for (const id of state.selected) {
    const status = state.nodes.get(id)?.status;
    if (status === 'running') return { kind: 'going' };
    if (status === 'waiting') isWaiting = true;
    else if (status === undefined) isOpen = true;
  }
  // What was not reached yet is behind what waits.
  if (isWaiting) return { kind: 'waiting' };
  return { kind: isOpen ? 'going' : 'succeeded' };
}

/** Settled nodes in percent of the selected ones, rounded down. */
export function progressOf(state: ScheduleState): number {
  if (state.selected.size === 0) return 100;
  let settled = 0;
  for (const node of state.nodes.values()) if (isSettled(node.status)) settled += 1;
  return Math.floor((100 * settled) / state.selected.size);
}

/** The nodes asked for and everything they depend on. */
export function withDependencies(graph: Graph, nodeIds: readonly string[]): Set<string> {
  const selected = new Set(nodeIds);
  for (let index = graph.nodes.length - 1; index >= 0; index -= 1) {
    const node = graph.nodes[index]!;
    if (!selected.has(node.id)) continue;
    for (const edge of [...node.after, ...node.inputs.flatMap((socket) => socket.edges)]) selected.add(edge.from.id);
  }
  return selected;
}

/**
 * The run's output: the value of each output node under its label, else under `<node id>::output`. A subset without output nodes answers with
 * the outputs of its last nodes as `<node id>::<connector>`; a single node with its own outputs by connector.
 */
export function runOutput(graph: Graph, state: ScheduleState): JsonObject {
  const output: JsonObject = {};
  if (state.alone) {
    for (const id of state.selected) Object.assign(output, state.nodes.get(id)?.outputs ?? {});
    return output;
  }
  const selected = graph.nodes.filter((node) => state.selected.has(node.id));
  const outputNodes = selected.filter((node) => node.type.role === 'output');
  for (const node of outputNodes) {
    const outputs = state.nodes.get(node.id)?.outputs;
    if (!outputs) continue;
    const name = node.type.outputs[0]?.name ?? 'output';
    // Two output nodes with one label must not hide one another.
    const key = node.label !== null && !Object.hasOwn(output, node.label) ? node.label : `${node.id}::${name}`;
    output[key] = outputs[name] ?? null;
  }
  if (outputNodes.length > 0) return output;
  for (const node of selected) {
    if (node.outgoing.some((edge) => state.selected.has(edge.to.id))) continue;
    for (const [name, value] of Object.entries(state.nodes.get(node.id)?.outputs ?? {}))
      output[`${node.id}::${name}`] = value;
  }
  return output;
}

export type EdgeStatus = 'pending' | 'active' | 'skipped' | 'completed';

/** `active`: delivered, and the node it enters has not ended. */
export function edgeStatus(edge: GraphEdge, state: ScheduleState): EdgeStatus {
  const delivery = deliveryOf(edge, state);
  if (delivery !== 'delivered') return delivery;
  const to = state.nodes.get(edge.to.id);
  if (to === undefined) return 'active';
  if (to.status === 'skipped' || to.status === 'canceled') return 'skipped';
  return isSettled(to.status) ? 'completed' : 'active';
}
