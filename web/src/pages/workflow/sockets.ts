import { type ConnectorAddress, type NodeDefinition, ON_ERROR } from '../../../../src/domain/definition.ts';
import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import { DATA_TYPES, typeFits, type ValueType } from '../../../../src/domain/value.ts';
import type { CatalogueSocket } from '../../explorer-api.ts';
import { type Catalogue, type DraftEdge, type DraftGraph, type DraftNode, textsOf } from './draft-graph.ts';

export type Side = 'inputs' | 'outputs';

/** A place of a node where an edge ends or begins. */
export interface Socket {
  readonly connector: string;
  /** Of a family; null: the connector has one socket. */
  readonly key: string | null;
  readonly label: string;
  readonly type: ValueType;
  readonly optional: boolean;
  /** The node type has no such connector: only an edge or the document speaks of it. */
  readonly isUnknown: boolean;
}

/** A connector that has as many sockets as its author gives it keys. */
export interface Family {
  readonly connector: string;
  readonly label: string;
  readonly type: ValueType;
  readonly optional: boolean;
}

export interface Sockets {
  readonly inputs: readonly Socket[];
  readonly outputs: readonly Socket[];
  readonly families: Readonly<Record<Side, readonly Family[]>>;
}

const KEYED = new Set(['variable_connector', 'variable_type_size_connector']);
const ANY: ValueType = { dataType: 'Any', isList: false };

/**
 * The sockets of a node: those of its type, the keys that its author gave, and those that edges speak of.
 * @param made the node as the server last read it, with the outputs that its configuration makes
 */
export function socketsOf(
  node: DraftNode,
  edges: readonly DraftEdge[],
  catalogue: Catalogue,
  made: NodeDefinition | undefined,
): Sockets {
  const entry = catalogue.get(node.type);
  const families: Record<Side, Family[]> = { inputs: [], outputs: [] };
  const sideOf = (side: Side): Socket[] => {
    const listed = side === 'inputs' ? (entry?.inputs ?? []) : (entry?.outputs ?? []);
    const used = edges.flatMap(({ from, to }) => {
      const end = side === 'inputs' ? to : from;
      return end.nodeId === node.id ? [end] : [];
    });
    const sockets: Socket[] = [];
    const add = (socket: Socket) => {
      if (!sockets.some(({ connector, key }) => connector === socket.connector && key === socket.key))
        sockets.push(socket);
    };
    for (const spec of listed) {
      const own = node[side].find(({ name }) => name === spec.name);
      const type = typeOf(node, spec, own, entry?.role === 'input');
      const optional = own && typeof own['optional'] === 'boolean' ? own['optional'] : spec.optional;
      const about = { connector: spec.name, optional, isUnknown: false };
      if (!KEYED.has(spec.kind)) {
        // The error output stands last, after those that the configuration makes.
        if (spec.name !== ON_ERROR) add({ ...about, key: null, label: spec.label, type });
        continue;
      }
      families[side].push({ connector: spec.name, label: spec.label, type, optional });
      const keys = [
        ...textsOf(own?.['keys']),
        ...used.flatMap(({ connector, key }) => (connector === spec.name && key !== null ? [key] : [])),
      ];
      const keyTypes = isJsonObject(own?.['type_definitions']) ? own['type_definitions'] : {};
      for (const key of new Set(keys)) add({ ...about, key, label: key, type: readType(keyTypes[key]) ?? type });
    }
    if (side === 'outputs' && entry?.hasOwnOutputs) {
      for (const { name, type, keys } of made?.outputs ?? []) {
        if (keys === undefined && name !== ON_ERROR)
          add({ connector: name, key: null, label: name, type, optional: false, isUnknown: false });
      }
    }
    const error = listed.find(({ name }) => name === ON_ERROR);
    if (error)
      add({ connector: ON_ERROR, key: null, label: error.label, type: error.type, optional: true, isUnknown: false });
    for (const { connector, key } of used) {
      // Order-only edges of old documents name no connector; nothing is drawn for those.
      if (connector !== '')
        add({ connector, key, label: key ?? connector, type: ANY, optional: true, isUnknown: true });
    }
    return sockets;
  };
  return { inputs: sideOf('inputs'), outputs: sideOf('outputs'), families };
}

function typeOf(node: DraftNode, spec: CatalogueSocket, own: JsonObject | undefined, isInput: boolean): ValueType {
  if (isInput && spec.choices.length > 0) {
    const dataType = DATA_TYPES.find((candidate) => candidate === node.config['type']);
    return dataType ? { dataType, isList: false } : spec.type;
  }
  return readType(own?.['definition']) ?? spec.type;
}

function readType(given: unknown): ValueType | null {
  if (!isJsonObject(given)) return null;
  const dataType = DATA_TYPES.find((type) => type === given['data_type']);
  return dataType ? { dataType, isList: given['is_list'] === true } : null;
}

/** `str`, or `list of str`. */
export function typeText({ dataType, isList }: ValueType): string {
  return isList ? `list of ${dataType}` : dataType;
}

/** What may be connected; null when it may, and otherwise why not, with what to do. */
export function refusalOf(
  graph: DraftGraph,
  from: ConnectorAddress & { readonly type: ValueType },
  to: ConnectorAddress & { readonly type: ValueType },
): string | null {
  if (from.nodeId === to.nodeId) return 'A node cannot feed itself.';
  const nameOf = (id: string) => graph.nodes.find((node) => node.id === id)?.name ?? id;
  const isSame = (one: ConnectorAddress, other: ConnectorAddress) =>
    one.nodeId === other.nodeId && one.connector === other.connector && one.key === other.key;
  if (graph.edges.some((edge) => isSame(edge.from, from) && isSame(edge.to, to))) return 'They are connected already.';
  if (!typeFits(from.type.dataType, to.type.dataType)) {
    return `${nameOf(from.nodeId)} gives ${from.type.dataType}, and ${to.key ?? to.connector} of ${nameOf(to.nodeId)} takes ${to.type.dataType}. Put a node between them that converts the value.`;
  }
  const way = wayBetween(graph, to.nodeId, from.nodeId);
  if (way) return `That would close a circle: ${[...way, to.nodeId].map(nameOf).join(' → ')}.`;
  return null;
}

/** Node ids on a way along the edges; null when there is none. */
function wayBetween(graph: DraftGraph, start: string, goal: string): readonly string[] | null {
  const next = new Map<string, string[]>();
  for (const { from, to } of graph.edges) next.set(from.nodeId, [...(next.get(from.nodeId) ?? []), to.nodeId]);
  const before = new Map<string, string | null>([[start, null]]);
  const waiting = [start];
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    if (id === goal) {
      const way: string[] = [];
      for (let at: string | null = id; at !== null; at = before.get(at) ?? null) way.unshift(at);
      return way;
    }
    for (const other of next.get(id) ?? []) {
      if (before.has(other)) continue;
      before.set(other, id);
      waiting.push(other);
    }
  }
  return null;
}

/** A name for a new key: that of what feeds it, as templates can write it. */
export function keyFor(graph: DraftGraph, from: ConnectorAddress): string {
  const node = graph.nodes.find(({ id }) => id === from.nodeId);
  const label = node?.config['label'];
  const name = from.key ?? (typeof label === 'string' && label !== '' ? label : (node?.name ?? from.nodeId));
  return name.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').trim() || 'value';
}
