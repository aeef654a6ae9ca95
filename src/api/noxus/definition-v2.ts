import { CONFIG_CONNECTOR, tokensIn, wholeToken } from '../../domain/config-tokens.ts';
import type { Connector, EdgeDefinition, NodeDefinition } from '../../domain/definition.ts';
import { socketName } from '../../domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';
import type { Catalogue } from '../../nodes/catalogue.ts';
import type { ConnectorSpec, NodeType } from '../../nodes/node-type.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import { nodeOutputs } from './catalogue-entry.ts';
import { credentialIdsOf, formIssue, hasIdentity, withSubflow } from './definition-form.ts';

/** V2 node types that are V1 types under another name, with the fields that are called differently there. */
export const V2_ALIASES: ReadonlyMap<string, { type: string; fields: ReadonlyMap<string, string> }> = new Map([
  ['InputNodeV2', { type: 'InputNode', fields: new Map() }],
  ['OutputNodeV2', { type: 'OutputNode', fields: new Map([['value', 'input']]) }],
  ['CombineTextV2', { type: 'ComposeTextNode', fields: new Map() }],
  ['GenerateTextV2', { type: 'TextGenerationNode', fields: new Map([['prompt', 'template']]) }],
]);

/** What stands between a connector and a key in the field names of a V2 configuration. */
const KEY_SEPARATOR = '__';

/**
 * Translates a V2 definition into the graph that V1 definitions have (noxus-api.md 2.4): a token that is the whole value of an input becomes an
 * edge to it; tokens anywhere else in the configuration become edges to `$config`, which the engine replaces before the node runs; V2's own
 * edges order execution and carry nothing. The document is given back as it was.
 */
export function readDefinitionV2(
  wire: JsonObject,
  nodes: readonly JsonObject[],
  edges: readonly JsonObject[],
  catalogue: Catalogue,
  issues: DefinitionIssue[],
): GivenDefinition {
  const translated: NodeDefinition[] = [];
  const links: EdgeDefinition[] = [];
  const known = nodes.filter((node, index) => hasIdentity(node, index, issues));
  const typeOf = new Map<string, NodeType | null>();
  for (const node of known) {
    const name = node['type'] as string;
    typeOf.set(node['id'] as string, catalogue.find(V2_ALIASES.get(name)?.type ?? name));
  }
  for (const node of known) {
    if (typeof node['parent_id'] === 'string') {
      issues.push({
        ...formIssue(
          `Node "${node['id']}" lies in the container "${node['parent_id']}", which this server cannot run.`,
          'Take it out of the container; feed a list to the node to run it once per item.',
          node['id'] as string,
        ),
        type: 'unsupported',
        severity: 'incomplete',
      });
    }
    translated.push(translateNode(node, typeOf, links, issues));
  }
  edges.forEach((edge, index) => {
    const order = orderEdge(edge, index);
    if (order) links.push(order);
    else {
      issues.push(
        formIssue(`"edges[${index}]" has no "source" or "target".`, 'Name the ids of the two nodes it joins.'),
      );
    }
  });
  const documents = known.map((node) => ({
    ...node,
    name: typeof node['name'] === 'string' ? node['name'] : (node['type'] as string),
    display: isJsonObject(node['display'] ?? null) ? node['display']! : { position: { x: 0, y: 0 } },
    node_config: node['node_config'] ?? {},
    connector_config: isJsonObject(node['connector_config'] ?? null) ? node['connector_config']! : {},
  }));
  const document: JsonObject = { ...wire, flow_version: 'v2', nodes: documents, edges: edges as JsonValue[] };
  return { definition: { nodes: translated, edges: links }, document: JSON.stringify(document), issues };
}

function orderEdge(edge: JsonObject, index: number): EdgeDefinition | null {
  const { source, target, source_handle: handle } = edge;
  if (typeof source !== 'string' || typeof target !== 'string') return null;
  return {
    id: typeof edge['id'] === 'string' ? edge['id'] : `edge-${index + 1}`,
    from: { nodeId: source, connector: typeof handle === 'string' ? handle : '', key: null },
    to: { nodeId: target, connector: '', key: null },
    optional: true,
    orderOnly: true,
  };
}

function translateNode(
  node: JsonObject,
  typeOf: ReadonlyMap<string, NodeType | null>,
  links: EdgeDefinition[],
  issues: DefinitionIssue[],
): NodeDefinition {
  const id = node['id'] as string;
  const alias = V2_ALIASES.get(node['type'] as string);
  const type = typeOf.get(id) ?? null;
  const overrides = isJsonObject(node['iterate_overrides'] ?? null) ? (node['iterate_overrides'] as JsonObject) : {};
  const config: JsonObject = {};
  const constants: JsonObject = {};
  const keys = new Map<string, Set<string>>();
  for (const [given, value] of Object.entries(fieldsOf(node))) {
    const field = alias?.fields.get(given) ?? given;
    const socket = socketOf(field, type);
    if (socket === null) {
      config[field] = value;
      continue;
    }
    if (socket.key !== null) keys.set(socket.connector, (keys.get(socket.connector) ?? new Set()).add(socket.key));
    const reference = typeof value === 'string' ? wholeToken(value) : null;
    if (reference === null) constants[socketName(socket.connector, socket.key)] = value;
    else links.push(...link(id, reference, socket.connector, socket.key, typeOf, issues));
  }
  for (const reference of tokensIn({ config, constants })) {
    links.push(...link(id, reference, CONFIG_CONNECTOR, reference, typeOf, issues));
  }
  return {
    id,
    type: type?.type ?? (node['type'] as string),
    name: typeof node['name'] === 'string' ? node['name'] : (type?.title ?? (node['type'] as string)),
    config,
    inputs: (type?.inputs ?? []).map((spec) => connectorOf(spec, keys.get(spec.name), overrides)),
    outputs: (type ? nodeOutputs(type, config) : []).map((spec) => connectorOf(spec, undefined, {})),
    ...(Object.keys(constants).length > 0 ? { constants } : {}),
    ...credentialIdsOf(node),
  };
}

/** The configuration with `variable_bindings` (`field: "node.output"`) as tokens in it. */
function fieldsOf(node: JsonObject): JsonObject {
  const config = withSubflow(
    node,
    isJsonObject(node['node_config'] ?? null) ? (node['node_config'] as JsonObject) : {},
  );
  const bindings = isJsonObject(node['variable_bindings'] ?? null) ? (node['variable_bindings'] as JsonObject) : {};
  const fields: JsonObject = {};
  for (const [field, value] of Object.entries(config)) if (field !== '__var_keys') fields[field] = value;
  for (const [field, reference] of Object.entries(bindings)) {
    if (typeof reference === 'string') fields[field] = reference.startsWith(':var[') ? reference : `:var[${reference}]`;
  }
  return fields;
}

/** The input that a field of the configuration stands for: a connector's name, or `connector__key`. */
function socketOf(field: string, type: NodeType | null): { connector: string; key: string | null } | null {
  for (const spec of type?.inputs ?? []) {
    const isKeyed = spec.kind === 'variable_connector' || spec.kind === 'variable_type_size_connector';
    if (field === spec.name && !isKeyed) return { connector: spec.name, key: null };
    const prefix = `${spec.name}${KEY_SEPARATOR}`;
    if (isKeyed && field.startsWith(prefix)) return { connector: spec.name, key: field.slice(prefix.length) };
  }
  return null;
}

function link(
  nodeId: string,
  reference: string,
  connector: string,
  key: string | null,
  typeOf: ReadonlyMap<string, NodeType | null>,
  issues: DefinitionIssue[],
): EdgeDefinition[] {
  const dot = reference.lastIndexOf('.');
  const from = reference.slice(0, dot);
  if (dot <= 0 || !typeOf.has(from)) {
    const hint = 'Write :var[<node id>.<output name>].';
    issues.push(formIssue(`:var[${reference}] in node "${nodeId}" names no node of this definition.`, hint, nodeId));
    return [];
  }
  // An output of a family is named with its key, e.g. `outputs::Name` of a workflow that is run.
  const [output = '', outputKey = null] = reference.slice(dot + 1).split('::', 2);
  return [
    {
      id: `${nodeId}:${socketName(connector, key)}`,
      from: { nodeId: from, connector: outputMeant(output, typeOf.get(from) ?? null), key: outputKey },
      to: { nodeId, connector, key },
      // A token may come from a branch that is not taken: it is empty then, and V2's own edges say whether the node runs.
      optional: true,
      orderOnly: false,
    },
  ];
}

/** V2 calls the one output of a type `output` whatever V1 calls it. */
function outputMeant(name: string, type: NodeType | null): string {
  const names = type?.outputs.map((spec) => spec.name) ?? [];
  return !names.includes(name) && name === 'output' && names.length === 1 ? names[0]! : name;
}

function connectorOf(spec: ConnectorSpec, keys: ReadonlySet<string> | undefined, overrides: JsonObject): Connector {
  const override = overrides[spec.name];
  return {
    name: spec.name,
    type: spec.type,
    optional: spec.optional === true,
    propagatesList: typeof override === 'boolean' ? override : spec.propagatesList !== false,
    ...(keys ? { keys: [...keys] } : {}),
  };
}
