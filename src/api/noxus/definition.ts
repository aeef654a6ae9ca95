import type {
  Connector,
  ConnectorAddress,
  Definition,
  EdgeDefinition,
  NodeDefinition,
} from '../../domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { DATA_TYPES, type DataType, type ValueType } from '../../domain/value.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';
import type { Catalogue } from '../../nodes/catalogue.ts';
import type { ConnectorSpec, NodeType } from '../../nodes/node-type.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import { nodeOutputs, presentConnector } from './catalogue-entry.ts';
import { credentialIdsOf, formIssue, hasIdentity, withSubflow } from './definition-form.ts';
import { readDefinitionV2 } from './definition-v2.ts';

/** Keys that older clients send with each node and that only repeat the catalogue. */
const DROPPED_KEYS: ReadonlySet<string> = new Set(['config_definition']);

/**
 * Reads a definition as the API gives it, V1 or V2, into the graph that the engine runs and the document that is given back.
 * The document has what official clients need: `name`, `display` and `connector_config` of a node are never null.
 * Mistakes of form are reported as issues, all at once; mistakes of meaning are `checkDefinition`'s to find.
 */
export function readDefinition(wire: JsonObject, catalogue: Catalogue): GivenDefinition {
  const issues: DefinitionIssue[] = [];
  const nodes = listOf(wire, 'nodes', issues);
  const edges = listOf(wire, 'edges', issues);
  if (wire['flow_version'] === 'v2') return readDefinitionV2(wire, nodes, edges, catalogue, issues);
  const readEdges = edges.flatMap((edge, index) => readEdge(edge, index, issues));
  const documents: JsonObject[] = [];
  const definitions: NodeDefinition[] = [];
  nodes.forEach((node, index) => {
    if (!hasIdentity(node, index, issues)) return;
    const type = catalogue.find(node['type'] as string);
    const keys = keysOf(node['id'] as string, readEdges);
    const document = completeNode(node, type, keys);
    documents.push(document);
    definitions.push(readNode(document, type));
  });
  const document: JsonObject = { ...wire, flow_version: 'v1', nodes: documents, edges: edges as JsonValue[] };
  const definition: Definition = { nodes: definitions, edges: readEdges };
  return { definition, document: JSON.stringify(document), issues };
}

function listOf(wire: JsonObject, name: 'nodes' | 'edges', issues: DefinitionIssue[]): JsonObject[] {
  const list = wire[name];
  if (!Array.isArray(list)) {
    issues.push(formIssue(`The definition has no list "${name}".`, `Add "${name}": [] at least.`));
    return [];
  }
  return list.flatMap((item, index): JsonObject[] => {
    if (isJsonObject(item)) return [item];
    issues.push(formIssue(`"${name}[${index}]" is not an object.`, 'Each node and each edge is a JSON object.'));
    return [];
  });
}

function readEdge(edge: JsonObject, index: number, issues: DefinitionIssue[]): EdgeDefinition[] {
  const from = readAddress(edge['from_id']);
  const to = readAddress(edge['to_id']);
  if (!from || !to) {
    const side = from ? 'to_id' : 'from_id';
    issues.push(
      formIssue(
        `"edges[${index}].${side}" is not an address.`,
        'Write {"node_id": "…", "connector_name": "…"}, with "key" for a connector that has keys.',
      ),
    );
    return [];
  }
  const optional = isJsonObject(edge['to_id']) && edge['to_id']['optional'] === true;
  const id = typeof edge['id'] === 'string' && edge['id'] !== '' ? edge['id'] : `edge-${index + 1}`;
  edge['id'] = id;
  return [{ id, from, to, optional, orderOnly: false }];
}

/** `{node_id, connector_name, key}`, or its text form `node::connector::key` (noxus-api.md 2.2). */
function readAddress(given: JsonValue | undefined): ConnectorAddress | null {
  if (typeof given === 'string') {
    const [nodeId, connector, key] = given.split('::');
    return nodeId && connector ? { nodeId, connector, key: key ?? null } : null;
  }
  if (given === undefined || !isJsonObject(given)) return null;
  const { node_id: nodeId, connector_name: connector, key } = given;
  if (typeof nodeId !== 'string' || typeof connector !== 'string' || connector === '') return null;
  return { nodeId, connector, key: typeof key === 'string' && key !== '' ? key : null };
}

type Keys = { readonly inputs: ReadonlyMap<string, Set<string>>; readonly outputs: ReadonlyMap<string, Set<string>> };

/** The keys that edges use on a node's connectors, so that a definition that leaves them out still has them. */
function keysOf(nodeId: string, edges: readonly EdgeDefinition[]): Keys {
  const inputs = new Map<string, Set<string>>();
  const outputs = new Map<string, Set<string>>();
  const note = (into: Map<string, Set<string>>, address: ConnectorAddress) => {
    if (address.nodeId !== nodeId || address.key === null) return;
    into.set(address.connector, (into.get(address.connector) ?? new Set()).add(address.key));
  };
  for (const edge of edges) {
    note(inputs, edge.to);
    note(outputs, edge.from);
  }
  return { inputs, outputs };
}

/** The node as it is given back: nothing that clients read is missing. */
function completeNode(node: JsonObject, type: NodeType | null, keys: Keys): JsonObject {
  const kept = Object.fromEntries(Object.entries(node).filter(([name]) => !DROPPED_KEYS.has(name)));
  const config = isJsonObject(node['node_config'] ?? null) ? (node['node_config'] as JsonObject) : {};
  return {
    ...kept,
    name: typeof node['name'] === 'string' ? node['name'] : (type?.title ?? (node['type'] as string)),
    display: isJsonObject(node['display'] ?? null) ? node['display']! : { position: { x: 0, y: 0 } },
    node_config: config,
    connector_config: completeConnectors(node['connector_config'], config, type, keys),
    credential_ids: isJsonObject(node['credential_ids'] ?? null) ? node['credential_ids']! : {},
    subflow_id: node['subflow_id'] ?? null,
    subflow_config: node['subflow_config'] ?? null,
    plugin_name: node['plugin_name'] ?? null,
  };
}

/** The type's connectors, with what the instance says of them on top, and connectors that only the instance has behind. */
function completeConnectors(
  given: JsonValue | undefined,
  config: JsonObject,
  type: NodeType | null,
  keys: Keys,
): JsonObject {
  const own = given !== undefined && isJsonObject(given) ? given : {};
  const side = (
    name: 'inputs' | 'outputs',
    specs: readonly ConnectorSpec[],
    used: ReadonlyMap<string, Set<string>>,
  ) => {
    const listed = Array.isArray(own[name]) ? own[name].filter(isJsonObject) : [];
    const byName = new Map(listed.map((connector) => [connector['name'] as string, connector]));
    // The 2024 shape: {"variables": {"keys": [...]}}.
    for (const [connector, value] of Object.entries(own)) {
      if (name === 'inputs' && isJsonObject(value)) byName.set(connector, { ...value, name: connector });
    }
    const complete = specs.map((spec) => ({
      ...typed(presentConnector(spec), spec, type, config),
      ...byName.get(spec.name),
    }));
    const extra = listed.filter((connector) => !specs.some((spec) => spec.name === connector['name']));
    return [...complete, ...extra].map((connector) => withKeys(connector, used.get(connector['name'] as string)));
  };
  return {
    inputs: side('inputs', type ? type.inputs : [], keys.inputs),
    outputs: side('outputs', type ? nodeOutputs(type, config) : [], keys.outputs),
  };
}

/** An input node's connectors carry the type that its configuration names. */
function typed(connector: JsonObject, spec: ConnectorSpec, type: NodeType | null, config: JsonObject): JsonObject {
  const dataType = DATA_TYPES.find((candidate) => candidate === config['type']);
  if (type?.role !== 'input' || !dataType || spec.choices === undefined) return connector;
  return { ...connector, definition: { data_type: dataType, is_list: false } };
}

function withKeys(connector: JsonObject, used: ReadonlySet<string> | undefined): JsonObject {
  if (!used) return connector;
  const given = Array.isArray(connector['keys']) ? connector['keys'].filter((key) => typeof key === 'string') : [];
  return { ...connector, keys: [...new Set([...given, ...used])] };
}

function readNode(document: JsonObject, type: NodeType | null): NodeDefinition {
  const connectors = document['connector_config'] as { inputs: JsonObject[]; outputs: JsonObject[] };
  const constants = constantsOf(document['inputs']);
  return {
    id: document['id'] as string,
    type: document['type'] as string,
    name: document['name'] as string,
    config: withSubflow(document, document['node_config'] as JsonObject),
    inputs: connectors.inputs.map((connector) => readConnector(connector, type)),
    outputs: connectors.outputs.map((connector) => readConnector(connector, type)),
    ...(Object.keys(constants).length > 0 ? { constants } : {}),
    ...credentialIdsOf(document),
  };
}

/** Inputs that carry a value of their own instead of an edge. `true` and `false` are flags there, not values. */
function constantsOf(inputs: JsonValue | undefined): JsonObject {
  const constants: JsonObject = {};
  for (const input of Array.isArray(inputs) ? inputs.filter(isJsonObject) : []) {
    const value = input['fixed_value'];
    if (typeof input['name'] !== 'string' || value === undefined || value === null || typeof value === 'boolean')
      continue;
    constants[input['name']] = value;
  }
  return constants;
}

function readConnector(connector: JsonObject, type: NodeType | null): Connector {
  const keyTypes = Object.entries(
    isJsonObject(connector['type_definitions'] ?? null) ? (connector['type_definitions'] as JsonObject) : {},
  );
  const spec = type?.inputs.find((candidate) => candidate.name === connector['name']);
  return {
    name: connector['name'] as string,
    type: readValueType(connector['definition']),
    optional: connector['optional'] === true,
    propagatesList: connector['propagates_list'] !== false && spec?.propagatesList !== false,
    ...(Array.isArray(connector['keys']) ? { keys: connector['keys'] as string[] } : {}),
    ...(keyTypes.length > 0
      ? { keyTypes: Object.fromEntries(keyTypes.map(([key, value]) => [key, readValueType(value)])) }
      : {}),
  };
}

function readValueType(given: JsonValue | undefined): ValueType {
  const definition = given !== undefined && isJsonObject(given) ? given : {};
  const dataType: DataType = DATA_TYPES.find((type) => type === definition['data_type']) ?? 'Any';
  return { dataType, isList: definition['is_list'] === true };
}
