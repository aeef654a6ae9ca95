import { type Connector, type Definition, type NodeDefinition, ON_ERROR, socketName } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { PriceRule } from '../domain/price-rule.ts';
import { type RetryCause, type RetryPolicy, readRetryCause } from '../domain/retry.ts';
import type { ValueType } from '../domain/value.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import { LONGEST_RETRY_DELAY_SECONDS } from '../nodes/common-config.ts';
import { configNumber } from '../nodes/config.ts';
import type { NodeType } from '../nodes/node-type.ts';
import { settingsFor } from '../nodes/workflow-settings.ts';

/** A definition made ready to be run: node types found, configuration filled in, edges resolved, nodes in an order that respects edges. */
export interface Graph {
  /** Topologically ordered: an edge never leads backwards. */
  readonly nodes: readonly GraphNode[];
  readonly byId: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly GraphEdge[];
  readonly pricing: readonly PriceRule[];
  /** Ids of the workflows that its nodes invoke, each once. */
  readonly invoked: readonly string[];
}

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly type: NodeType;
  /** Place in `Graph.nodes`. */
  readonly index: number;
  readonly label: string | null;
  /** Defaults filled in. */
  readonly config: JsonObject;
  /** Sockets that edges enter. */
  readonly inputs: readonly InputSocket[];
  /** Edges that carry no value and only order execution. */
  readonly after: readonly GraphEdge[];
  /** Constant values by socket name, for sockets without an edge. */
  readonly constants: JsonObject;
  readonly credentialIds: Readonly<Record<string, string>>;
  readonly outgoing: readonly GraphEdge[];
  readonly incomingCount: number;
  readonly continueOnError: boolean;
  /** Milliseconds one try may take; 0: as long as it needs. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Passes that go on at the same time. */
  readonly concurrency: number;
  /** The workflow that it invokes; null: none. */
  readonly subflowId: string | null;
  /** Reached only through somebody's `on_error` output. */
  readonly handlesErrors: boolean;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: GraphNode;
  /** Name of the output it leaves, as in `NodeRun.outputs`; null: it only orders execution. */
  readonly output: string | null;
  readonly outputType: ValueType;
  readonly to: GraphNode;
  readonly optional: boolean;
}

/** One input of one node, with the edges that feed it in the order the author drew them. */
export interface InputSocket {
  readonly name: string;
  readonly type: ValueType;
  /**
   * Whether the node runs without it. An optional family of keys may be empty, but a key that is connected is wanted: otherwise a template
   * on a branch not taken would be written with a hole in it. Nodes that gather take whatever comes.
   */
  readonly optional: boolean;
  /** Whether a list that arrives makes the node run once per item. */
  readonly iterates: boolean;
  readonly edges: readonly GraphEdge[];
}

const ANY: ValueType = { dataType: 'Any', isList: false };
const NO_RETRY: RetryPolicy = { retries: 0, delayMs: 0, factor: 1, maxDelayMs: 0 };

/** Longest time a node may take. Timers hold 2^31 - 1 ms at most, and fire at once when given more. */
const MAX_TIMEOUT_MS = 7 * 24 * 60 * 60 * 1000;

/** Longest wait between tries where nobody says otherwise: beyond ten minutes a person should look. */
const DEFAULT_MAX_RETRY_DELAY_MS = 600_000;

/**
 * Passes of one iterating node that run at the same time. Enough to keep a remote service busy, few enough that one run's list of 10,000
 * items neither floods that service nor takes all workers.
 */
const PASSES_AT_ONCE = 8;

type Draft = { -readonly [K in keyof GraphNode]: GraphNode[K] } & {
  outgoing: GraphEdge[];
  after: GraphEdge[];
};

/**
 * Compiles a definition that `checkDefinition` found runnable.
 * @throws Error when it is not: an unknown node type, a dangling edge, a cycle.
 */
export function compile(definition: Definition, catalogue: Catalogue): Graph {
  const drafts = new Map<string, Draft>();
  for (const node of definition.nodes) drafts.set(node.id, draftNode(node, catalogue, definition.settings ?? {}));
  const sockets = new Map<
    string,
    Map<string, { connector: Connector | undefined; key: string | null; edges: GraphEdge[] }>
  >();
  const edges: GraphEdge[] = [];
  for (const edge of definition.edges) {
    const from = drafts.get(edge.from.nodeId);
    const to = drafts.get(edge.to.nodeId);
    const source = definition.nodes.find((node) => node.id === edge.from.nodeId);
    const target = definition.nodes.find((node) => node.id === edge.to.nodeId);
    if (!from || !to || !source || !target) throw new Error(`Edge ${edge.id} leads to a node that does not exist.`);
    const output = edge.from.connector === '' ? null : socketName(edge.from.connector, edge.from.key);
    const compiled: GraphEdge = {
      id: edge.id,
      from,
      output,
      outputType: connectorType(source.outputs, edge.from.connector, edge.from.key),
      to,
      optional: edge.optional,
    };
    edges.push(compiled);
    from.outgoing.push(compiled);
    to.incomingCount += 1;
    if (edge.orderOnly) {
      to.after.push(compiled);
      continue;
    }
    const ofNode = sockets.get(to.id) ?? new Map();
    sockets.set(to.id, ofNode);
    const name = socketName(edge.to.connector, edge.to.key);
    const socket = ofNode.get(name) ?? {
      connector: target.inputs.find((connector) => connector.name === edge.to.connector),
      key: edge.to.key,
      edges: [],
    };
    ofNode.set(name, socket);
    socket.edges.push(compiled);
  }
  for (const [nodeId, ofNode] of sockets) {
    const draft = drafts.get(nodeId)!;
    draft.inputs = [...ofNode].map(([name, { connector, key, edges: feeding }]) =>
      inputSocket(name, connector, key, feeding, draft.type),
    );
  }
  const nodes = topologicalOrder([...drafts.values()]);
  nodes.forEach((node, index) => {
    node.index = index;
  });
  markErrorHandlers(nodes);
  const invoked = new Set(nodes.flatMap(({ subflowId }) => subflowId ?? []));
  return { nodes, byId: drafts, edges, pricing: definition.pricing ?? [], invoked: [...invoked] };
}

function draftNode(node: NodeDefinition, catalogue: Catalogue, settings: JsonObject): Draft {
  const type = catalogue.find(node.type);
  if (!type) throw new Error(`Node ${node.id} has the unknown type ${node.type}.`);
  const given = { ...node.config, ...settingsFor(type, catalogue.fieldsOf(type), node.config, settings) };
  const config = withDefaults(given, type);
  const label = node.config['label'];
  return {
    id: node.id,
    name: node.name,
    type,
    index: 0,
    label: typeof label === 'string' && label !== '' ? label : null,
    config,
    inputs: [],
    after: [],
    constants: node.constants ?? {},
    credentialIds: node.credentialIds ?? {},
    outgoing: [],
    incomingCount: 0,
    continueOnError: node.config['continue_on_error'] === true,
    timeoutMs: timeoutOf(given, type),
    retry: retryOf(given, type),
    concurrency: concurrencyOf(config, type),
    subflowId: invokedWorkflow(node, type),
    handlesErrors: false,
  };
}

/** The workflow that a node of this type invokes; null: none. */
export function invokedWorkflow({ config }: NodeDefinition, type: NodeType): string | null {
  if (!type.effect || type.invokes !== true) return null;
  const id = config['subflow_id'];
  return typeof id === 'string' && id !== '' ? id : null;
}

function concurrencyOf(config: JsonObject, type: NodeType): number {
  const wanted = type.effect && type.invokes === true ? positive(config, 'concurrency') : null;
  return wanted === null ? PASSES_AT_ONCE : Math.max(1, Math.trunc(wanted));
}

function withDefaults(config: JsonObject, type: NodeType): JsonObject {
  const filled: JsonObject = { ...config };
  for (const [name, field] of Object.entries(type.config)) {
    const given = filled[name];
    if ((given === undefined || given === null) && field.default !== null) filled[name] = field.default;
  }
  return filled;
}

function positive(config: JsonObject, name: string): number | null {
  const value = configNumber(config, name);
  return value !== null && value >= 0 ? value : null;
}

/** Whole milliseconds: seconds in `node_timeout`, else what the type allows. 0 for pure nodes, which are not timed. */
function timeoutOf(config: JsonObject, type: NodeType): number {
  if (!type.effect) return 0;
  const seconds = positive(config, 'node_timeout');
  if (seconds === null || seconds === 0) return type.timeoutMs;
  return Math.min(Math.ceil(seconds * 1000), MAX_TIMEOUT_MS);
}

/** What the configuration says of tries overrides the type's policy: see `common-config.ts`. Times there are seconds. */
function retryOf(config: JsonObject, type: NodeType): RetryPolicy {
  if (!type.effect) return NO_RETRY;
  const retries = positive(config, 'max_retries');
  const first = milliseconds(positive(config, 'retry_delay'));
  const longest = milliseconds(positive(config, 'retry_max_delay'));
  const delayMs = first ?? type.retry.delayMs;
  const on = causesIn(config['retry_on']);
  return {
    ...type.retry,
    retries: retries === null ? type.retry.retries : Math.trunc(retries),
    delayMs,
    factor: factorOf(config, type.retry),
    maxDelayMs: longest ?? (first === null ? type.retry.maxDelayMs : Math.max(DEFAULT_MAX_RETRY_DELAY_MS, first)),
    ...(isJitter(config['retry_jitter']) ? {} : { jitter: false }),
    ...(on.length === 0 ? {} : { on }),
  };
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.min(seconds, LONGEST_RETRY_DELAY_SECONDS) * 1000;
}

/** A type that is never tried again by itself has no factor worth the name. */
function factorOf(config: JsonObject, { factor }: RetryPolicy): number {
  if (config['retry_backoff'] === 'fixed') return 1;
  return config['retry_backoff'] === 'exponential' && factor <= 1 ? 2 : factor;
}

const isJitter = (value: JsonValue | undefined): boolean => value !== false && value !== 'false';

const causesIn = (value: JsonValue | undefined): RetryCause[] =>
  Array.isArray(value) ? value.map(readRetryCause).filter((cause) => cause !== null) : [];

/** What a connector, or one key of it, carries; `Any` for one the node does not declare. */
export function connectorType(connectors: readonly Connector[], name: string, key: string | null): ValueType {
  const connector = connectors.find((candidate) => candidate.name === name);
  if (!connector) return name === ON_ERROR ? { dataType: 'str', isList: false } : ANY;
  return (key === null ? undefined : connector.keyTypes?.[key]) ?? connector.type;
}

function inputSocket(
  name: string,
  connector: Connector | undefined,
  key: string | null,
  edges: readonly GraphEdge[],
  type: NodeType,
): InputSocket {
  const socketType = (key === null ? undefined : connector?.keyTypes?.[key]) ?? connector?.type ?? ANY;
  const takesLists = socketType.isList || socketType.dataType === 'list';
  const mayMiss = key === null || type.gathersList === true;
  return {
    name,
    type: socketType,
    optional: connector === undefined || edges.every((edge) => edge.optional) || (connector.optional && mayMiss),
    iterates: connector?.propagatesList === true && !takesLists && type.gathersList !== true,
    edges,
  };
}

function topologicalOrder(drafts: readonly Draft[]): Draft[] {
  const open = new Map(drafts.map((draft) => [draft, draft.incomingCount]));
  const ready = drafts.filter((draft) => draft.incomingCount === 0);
  const order: Draft[] = [];
  for (const draft of ready) {
    order.push(draft);
    for (const edge of draft.outgoing) {
      const left = open.get(edge.to as Draft)! - 1;
      open.set(edge.to as Draft, left);
      if (left === 0) ready.push(edge.to as Draft);
    }
  }
  if (order.length !== drafts.length) throw new Error('The definition has a cycle.');
  return order;
}

/** Marks the nodes that no path reaches without passing an `on_error` output. */
function markErrorHandlers(order: readonly Draft[]): void {
  const normal = new Set<GraphNode>();
  for (const node of order) {
    if (node.incomingCount === 0) normal.add(node);
    if (!normal.has(node)) {
      node.handlesErrors = true;
      continue;
    }
    for (const edge of node.outgoing) {
      if (edge.output === null || !edge.output.startsWith(ON_ERROR)) normal.add(edge.to);
    }
  }
}
