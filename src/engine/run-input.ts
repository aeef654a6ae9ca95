import { socketName } from '../domain/definition.ts';
import type { Problem } from '../domain/error.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { withDependencies } from './decide.ts';
import type { Graph, GraphNode } from './graph.ts';

/** Which part of a definition a run is about. */
export interface RunScope {
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
}

/** A run's input, put where it belongs. */
export interface ResolvedInput {
  readonly selected: ReadonlySet<string>;
  /** Values by node id and socket name. */
  readonly given: ReadonlyMap<string, JsonObject>;
  readonly problems: readonly Problem[];
}

/** The name of an input node's one input (noxus-api.md 1.2). */
const INPUT_SOCKET = 'input';

/** Input keys that a problem lists at most: enough to choose from. */
const LISTED_KEYS = 20;

/**
 * Finds the node that each key of a run's input means: an input node's label, its id, or `<node id>::input`. For a single node the keys are
 * its sockets. Lists every mistake: keys that mean nothing, values that are missing.
 */
export function resolveInput(graph: Graph, scope: RunScope, input: JsonObject): ResolvedInput {
  if (scope.singleNodeId !== null) return resolveSingleNode(graph, scope.singleNodeId, input);
  const problems: Problem[] = [];
  for (const id of scope.nodeIds ?? []) {
    if (!graph.byId.has(id)) problems.push(unknownNode(['body', 'node_ids'], id, graph));
  }
  const selected =
    scope.nodeIds === null
      ? new Set(graph.nodes.map((node) => node.id))
      : withDependencies(
          graph,
          scope.nodeIds.filter((id) => graph.byId.has(id)),
        );
  const inputNodes = graph.nodes.filter((node) => node.type.role === 'input');
  const given = new Map<string, JsonObject>();
  for (const [key, value] of Object.entries(input)) {
    const meant = nodesMeant(inputNodes, key);
    if (meant.length === 0) problems.push(unknownKey(key, inputNodes));
    for (const node of meant) if (!isFixed(node)) given.set(node.id, { [INPUT_SOCKET]: value });
  }
  for (const node of inputNodes) {
    if (given.has(node.id) || !selected.has(node.id)) continue;
    const value = presetValue(node);
    if (value !== undefined) given.set(node.id, { [INPUT_SOCKET]: value });
    else if (node.config['optional'] !== true) {
      problems.push({
        at: ['body', 'input', node.label ?? node.id],
        type: 'missing',
        message: `The input "${node.label ?? node.name}" (node ${node.id}) has no value. Give it under "${node.label ?? node.id}", or set a fixed value on the node.`,
      });
    }
  }
  return { selected, given, problems };
}

/** An input with some of its values replaced. A value that the old input has under another name of the same node gives way. */
export function overridden(graph: Graph, scope: RunScope, input: JsonObject, overrides: JsonObject): JsonObject {
  const meanings = (key: string) => meaningsOf(graph, scope, key);
  const replaced = new Set(Object.keys(overrides).flatMap(meanings));
  const kept = Object.entries(input).filter(([key]) => {
    const meant = meanings(key);
    return !Object.hasOwn(overrides, key) && (meant.length === 0 || !meant.every((one) => replaced.has(one)));
  });
  return Object.fromEntries([...kept, ...Object.entries(overrides)]);
}

/** What a key of an input stands for: ids of input nodes, or the socket of a single node. */
function meaningsOf(graph: Graph, { singleNodeId }: RunScope, key: string): readonly string[] {
  const inputNodes = graph.nodes.filter((node) => node.type.role === 'input');
  if (singleNodeId === null) return nodesMeant(inputNodes, key).map(({ id }) => id);
  const node = graph.byId.get(singleNodeId);
  const socket = node === undefined ? null : socketMeant(node, socketsOf(node), key);
  return socket === null ? [] : [socket];
}

/** A key means one input node by id, or all that carry it as label. */
function nodesMeant(inputNodes: readonly GraphNode[], key: string): readonly GraphNode[] {
  const labelled = inputNodes.filter((node) => node.label === key);
  if (labelled.length > 0) return labelled;
  return inputNodes.filter((node) => node.id === key || `${node.id}::${INPUT_SOCKET}` === key || node.name === key);
}

/** What an input node holds when the run gives nothing: its fixed value, or a default that its author left in `value`. */
function presetValue(node: GraphNode): JsonValue | undefined {
  const value = node.config['value'];
  const left = value === '' && node.config['fixed_value'] !== true;
  return value === undefined || value === null || left ? undefined : value;
}

/** A fixed value stands whatever the run gives. */
function isFixed(node: GraphNode): boolean {
  return node.config['fixed_value'] === true && presetValue(node) !== undefined;
}

function unknownKey(key: string, inputNodes: readonly GraphNode[]): Problem {
  const names = inputNodes.slice(0, LISTED_KEYS).map((node) => `"${node.label ?? node.id}"`);
  const allowed = names.length === 0 ? 'This workflow takes no input.' : `Its inputs are ${names.join(', ')}.`;
  return {
    at: ['body', 'input', key],
    type: 'unknown_input',
    message: `"${key}" is neither the label nor the id of an input of this workflow. ${allowed}`,
  };
}

function unknownNode(at: Problem['at'], id: string, graph: Graph): Problem {
  const ids = graph.nodes.slice(0, LISTED_KEYS).map((node) => `"${node.id}"`);
  const known = ids.length === 0 ? 'The workflow has no nodes.' : `The nodes are ${ids.join(', ')}.`;
  return { at, type: 'unknown_node', message: `No node has the id "${id}". ${known}` };
}

function resolveSingleNode(graph: Graph, nodeId: string, input: JsonObject): ResolvedInput {
  const node = graph.byId.get(nodeId);
  if (!node) {
    return {
      selected: new Set(),
      given: new Map(),
      problems: [unknownNode(['body', 'single_node_id'], nodeId, graph)],
    };
  }
  const sockets = socketsOf(node);
  const values: JsonObject = {};
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(input)) {
    const name = socketMeant(node, sockets, key);
    if (name === null) {
      const names = [...sockets.keys()].map((socket) => `"${socket}"`).join(', ');
      problems.push({
        at: ['body', 'input', key],
        type: 'unknown_input',
        message: `"${key}" is not an input of node "${nodeId}". Its inputs are ${names === '' ? 'none' : names}.`,
      });
    } else values[name] = value;
  }
  if (node.type.role === 'input' && (isFixed(node) || !Object.hasOwn(values, INPUT_SOCKET))) {
    const preset = presetValue(node);
    if (preset !== undefined) values[INPUT_SOCKET] = preset;
  }
  for (const [name, optional] of sockets) {
    if (optional || Object.hasOwn(values, name) || Object.hasOwn(node.constants, name)) continue;
    problems.push({
      at: ['body', 'input', name],
      type: 'missing',
      message: `Node "${nodeId}" runs alone and needs a value for its input "${name}" in \`input\`.`,
    });
  }
  return { selected: new Set([nodeId]), given: new Map([[nodeId, values]]), problems };
}

/** The sockets that a node has of itself, and those that edges enter: whether each may be left out. */
function socketsOf(node: GraphNode): Map<string, boolean> {
  const sockets = new Map<string, boolean>();
  for (const spec of node.type.inputs) {
    if (!spec.kind.startsWith('variable_connector') && spec.kind !== 'variable_type_size_connector') {
      sockets.set(spec.name, spec.optional === true);
    }
  }
  for (const socket of node.inputs) sockets.set(socket.name, socket.optional);
  return sockets;
}

/** A socket by its name, by `<node id>::<socket>`, by the key of a keyed connector, or an input node by its label. */
function socketMeant(node: GraphNode, sockets: ReadonlyMap<string, boolean>, given: string): string | null {
  const key = given.startsWith(`${node.id}::`) ? given.slice(node.id.length + 2) : given;
  if (sockets.has(key)) return key;
  if (node.type.role === 'input' && (key === node.label || key === node.id)) return INPUT_SOCKET;
  const keyed = node.type.inputs.find(
    (spec) => spec.kind === 'variable_connector' || spec.kind === 'variable_type_size_connector',
  );
  if (!keyed) return null;
  return key.startsWith(`${keyed.name}::`) ? key : socketName(keyed.name, key);
}
