import type { ConnectorAddress } from '../../../../src/domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import type { CatalogueEntry } from '../../explorer-api.ts';

/** A node as it is drawn. What the document says of it beyond that is kept in `rest` and goes back as it came. */
export interface DraftNode {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly config: JsonObject;
  /** What the document says of its sockets, in the words of the API: `{name, keys, definition, …}`. */
  readonly inputs: readonly JsonObject[];
  readonly outputs: readonly JsonObject[];
  readonly rest: JsonObject;
}

export interface DraftEdge {
  readonly id: string;
  readonly from: ConnectorAddress;
  readonly to: ConnectorAddress;
  /** The target runs without it when the branch that feeds it was not taken. */
  readonly optional: boolean;
}

/** A definition in work. Never changed in place, so that undo keeps what was. */
export interface DraftGraph {
  readonly nodes: readonly DraftNode[];
  readonly edges: readonly DraftEdge[];
  readonly rest: JsonObject;
}

export type Catalogue = ReadonlyMap<string, CatalogueEntry>;

/** Whether the editor can work on a document: those of the second form have their connections inside the configuration. */
export function isEditable(document: JsonObject): boolean {
  return document['flow_version'] !== 'v2';
}

/** Reads a document of the first form. What is not a node or an edge is left out: the server says what is wrong with it. */
export function readDocument(document: JsonObject): DraftGraph {
  const { nodes, edges, ...rest } = document;
  return { nodes: objectsOf(nodes).flatMap(readNode), edges: objectsOf(edges).flatMap(readEdge), rest };
}

function readNode(given: JsonObject): DraftNode[] {
  const { id, type, name, display, node_config: config, connector_config: connectors, ...rest } = given;
  if (typeof id !== 'string' || typeof type !== 'string') return [];
  const { position, ...shown } = objectOf(display);
  const { x, y } = objectOf(position);
  const { inputs, outputs, ...otherConnectors } = objectOf(connectors);
  return [
    {
      id,
      type,
      name: typeof name === 'string' ? name : type,
      x: typeof x === 'number' ? x : 0,
      y: typeof y === 'number' ? y : 0,
      config: objectOf(config),
      inputs: objectsOf(inputs),
      outputs: objectsOf(outputs),
      rest: {
        ...rest,
        ...(Object.keys(shown).length > 0 && { display: shown }),
        ...(Object.keys(otherConnectors).length > 0 && { connector_config: otherConnectors }),
      },
    },
  ];
}

function readEdge(given: JsonObject, index: number): DraftEdge[] {
  const from = readAddress(given['from_id']);
  const to = readAddress(given['to_id']);
  if (!from || !to) return [];
  const id = typeof given['id'] === 'string' && given['id'] !== '' ? given['id'] : `edge-${index + 1}`;
  return [{ id, from, to, optional: objectOf(given['to_id'])['optional'] === true }];
}

/** `{node_id, connector_name, key}`, or its text form `node::connector::key`. */
function readAddress(given: JsonValue | undefined): ConnectorAddress | null {
  if (typeof given === 'string') {
    const [nodeId, connector, key] = given.split('::');
    return nodeId && connector ? { nodeId, connector, key: key ?? null } : null;
  }
  const { node_id: nodeId, connector_name: connector, key } = objectOf(given);
  if (typeof nodeId !== 'string' || typeof connector !== 'string') return null;
  return { nodeId, connector, key: typeof key === 'string' && key !== '' ? key : null };
}

/**
 * The document of a graph. Sockets that follow from a node's configuration are left out, so that the server makes them anew: the output of a case that was
 * renamed must not stay.
 */
export function writeDocument(graph: DraftGraph, catalogue: Catalogue): JsonObject {
  return {
    ...graph.rest,
    flow_version: 'v1',
    nodes: graph.nodes.map((node): JsonObject => {
      const entry = catalogue.get(node.type);
      const isStatic = ({ name }: JsonObject) => entry?.outputs.some((socket) => socket.name === name) === true;
      const isBoundary = entry?.role === 'input';
      return {
        ...node.rest,
        id: node.id,
        type: node.type,
        name: node.name,
        display: { ...objectOf(node.rest['display']), position: { x: node.x, y: node.y } },
        node_config: node.config,
        connector_config: {
          ...objectOf(node.rest['connector_config']),
          inputs: isBoundary ? [] : [...node.inputs],
          outputs: isBoundary ? [] : entry?.hasOwnOutputs ? node.outputs.filter(isStatic) : [...node.outputs],
        },
      };
    }),
    edges: graph.edges.map(
      ({ id, from, to, optional }): JsonObject => ({
        id,
        from_id: writeAddress(from),
        to_id: { ...writeAddress(to), optional },
      }),
    ),
  };
}

const writeAddress = ({ nodeId, connector, key }: ConnectorAddress): JsonObject => ({
  node_id: nodeId,
  connector_name: connector,
  key,
});

/** A new node of a type, with an id that says what it is. */
export function withNewNode(
  graph: DraftGraph,
  entry: CatalogueEntry,
  at: { readonly x: number; readonly y: number },
): { readonly graph: DraftGraph; readonly id: string } {
  const id = freeId(new Set(graph.nodes.map((node) => node.id)), idOfType(entry.type));
  const names = new Set(graph.nodes.map((node) => node.name));
  const name = freeName(names, entry.title);
  const config: JsonObject = entry.role !== null && 'label' in entry.config ? { label: name } : {};
  const node: DraftNode = { id, type: entry.type, name, ...at, config, inputs: [], outputs: [], rest: {} };
  return { graph: { ...graph, nodes: [...graph.nodes, node] }, id };
}

/** `ComposeTextNode` is `compose-text`. */
function idOfType(type: string): string {
  const words = type.replace(/(Node)?(V\d+)?$/, '').replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2');
  return words.toLowerCase() || 'node';
}

function freeId(taken: ReadonlySet<string>, wanted: string): string {
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(id)) return id;
  }
}

function freeName(taken: ReadonlySet<string>, wanted: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted} ${number}`;
    if (!taken.has(name)) return name;
  }
}

export function withNode(graph: DraftGraph, id: string, change: (node: DraftNode) => DraftNode): DraftGraph {
  return { ...graph, nodes: graph.nodes.map((node) => (node.id === id ? change(node) : node)) };
}

export function withEdge(graph: DraftGraph, from: ConnectorAddress, to: ConnectorAddress): DraftGraph {
  const id = freeId(new Set(graph.edges.map((edge) => edge.id)), `${from.nodeId}-${to.nodeId}`);
  return { ...graph, edges: [...graph.edges, { id, from, to, optional: false }] };
}

/** Without these nodes and edges, and without edges of these nodes. */
export function without(graph: DraftGraph, ids: ReadonlySet<string>): DraftGraph {
  return {
    ...graph,
    nodes: graph.nodes.filter(({ id }) => !ids.has(id)),
    edges: graph.edges.filter(({ id, from, to }) => ![id, from.nodeId, to.nodeId].some((each) => ids.has(each))),
  };
}

/** Gives a family of sockets one more key, or takes one away with what is connected there. */
export function withKey(
  graph: DraftGraph,
  nodeId: string,
  side: 'inputs' | 'outputs',
  connector: string,
  key: string,
  wanted: boolean,
): DraftGraph {
  const changed = withNode(graph, nodeId, (node) => {
    const known = node[side].find(({ name }) => name === connector);
    const keys = textsOf(known?.['keys']).filter((other) => other !== key);
    const next: JsonObject = { ...(known ?? { name: connector }), keys: wanted ? [...keys, key] : keys };
    const others = node[side].filter(({ name }) => name !== connector);
    return { ...node, [side]: [...others, next] };
  });
  if (wanted) return changed;
  const end = side === 'inputs' ? 'to' : 'from';
  const isThere = (edge: DraftEdge) =>
    edge[end].nodeId === nodeId && edge[end].connector === connector && edge[end].key === key;
  return { ...changed, edges: changed.edges.filter((edge) => !isThere(edge)) };
}

/** What the clipboard carries begins with this, so that other text is not taken for nodes. */
const CLIPBOARD_FORMAT = 'millrun.nodes/1';

/** Nodes and what connects them among each other, as text. */
export function copiedText(graph: DraftGraph, ids: ReadonlySet<string>, catalogue: Catalogue): string {
  const nodes = graph.nodes.filter(({ id }) => ids.has(id));
  const edges = graph.edges.filter(({ from, to }) => ids.has(from.nodeId) && ids.has(to.nodeId));
  const { nodes: written, edges: links } = writeDocument({ nodes, edges, rest: {} }, catalogue);
  return JSON.stringify({ format: CLIPBOARD_FORMAT, nodes: written ?? [], edges: links ?? [] }, null, 2);
}

/** Steps that pasted nodes lie beside those they were copied from. */
const PASTE_OFFSET = 40;

/** Puts copied nodes beside those that are there. Null: the text has none. */
export function withCopied(
  graph: DraftGraph,
  text: string,
): { readonly graph: DraftGraph; readonly ids: ReadonlySet<string> } | null {
  const given = parsed(text);
  if (!isJsonObject(given) || given['format'] !== CLIPBOARD_FORMAT) return null;
  const copied = readDocument(given);
  const taken = new Set(graph.nodes.map((node) => node.id));
  const names = new Set(graph.nodes.map((node) => node.name));
  const newIds = new Map<string, string>();
  const nodes = copied.nodes.map((node) => {
    const id = freeId(taken, node.id.replace(/-\d+$/, ''));
    taken.add(id);
    newIds.set(node.id, id);
    const name = freeName(names, node.name.replace(/ \d+$/, ''));
    names.add(name);
    // Two inputs, or two outputs, with one label would be one in a run.
    const config = node.config['label'] === node.name ? { ...node.config, label: name } : node.config;
    return { ...node, id, name, config, x: node.x + PASTE_OFFSET, y: node.y + PASTE_OFFSET };
  });
  const moved = (address: ConnectorAddress): ConnectorAddress => ({
    ...address,
    nodeId: newIds.get(address.nodeId) ?? address.nodeId,
  });
  const whole: DraftGraph = { ...graph, nodes: [...graph.nodes, ...nodes] };
  const linked = copied.edges.reduce((grown, { from, to }) => withEdge(grown, moved(from), moved(to)), whole);
  return { graph: linked, ids: new Set(newIds.values()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The texts of a list; none of what is no list. */
export function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
