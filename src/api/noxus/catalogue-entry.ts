import { ON_ERROR } from '../../domain/definition.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { ValueType } from '../../domain/value.ts';
import type { ConfigField, ConnectorKind, ConnectorSpec, NodeType } from '../../nodes/node-type.ts';

/** Colours of the editor, by category. */
const COLORS: Readonly<Record<string, string>> = {
  core: '#4F6BED',
  flow: '#8764B8',
  data_ops: '#038387',
  ai: '#C239B3',
  web: '#CA5010',
  files: '#986F0B',
};

const OTHER_COLOR = '#69797E';

/** The output that ordinary nodes have besides their own. Nodes at the boundary have none: clients find their one output by that. */
const ON_ERROR_CONNECTOR: ConnectorSpec = {
  name: ON_ERROR,
  label: 'On error',
  kind: 'connector',
  type: { dataType: 'str', isList: false },
  optional: true,
};

/** Connector kinds with user-given keys. */
const KEYED: ReadonlySet<ConnectorKind> = new Set(['variable_connector', 'variable_type_size_connector']);

/**
 * A node type as `GET /v1/nodes` lists it (noxus-nodes.md section 1). One entry without one of the required keys makes official
 * clients fail for the whole list, so that every key is always present.
 */
export function presentCatalogueEntry(
  type: NodeType,
  fields: Readonly<Record<string, ConfigField>> = type.config,
): JsonObject {
  return {
    type: type.type,
    title: type.title,
    description: type.description,
    small_description: smallDescription(type.description),
    category: type.category,
    sub_category: null,
    color: COLORS[type.category] ?? OTHER_COLOR,
    image: null,
    documentation_url: null,
    example: null,
    integrations: [],
    providers: [],
    inputs: type.inputs.map(presentConnector),
    outputs: nodeOutputs(type).map(presentConnector),
    config: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, presentConfigField(field)])),
    config_endpoint: null,
    gathers_list: type.gathersList ?? false,
    is_available: true,
    is_valid: true,
    visible: true,
    show_to_user: true,
    paywalled: false,
    // These entries have V1 connectors; V2 entries would have none, which breaks clients that know V1 only.
    v2_ready: false,
  };
}

/** A node type's outputs with those that its configuration makes and the error output that every ordinary node has. */
export function nodeOutputs(type: NodeType, config: JsonObject = {}): readonly ConnectorSpec[] {
  const outputs = [...type.outputs, ...(type.outputsOf?.(config) ?? [])];
  return type.role === undefined ? [...outputs, ON_ERROR_CONNECTOR] : outputs;
}

/** A socket as the catalogue and a node's `connector_config` show it (noxus-api.md 2.2). */
export function presentConnector(connector: ConnectorSpec): JsonObject {
  return {
    name: connector.name,
    label: connector.label,
    type: connector.kind,
    definition: presentType(connector.type),
    optional: connector.optional ?? false,
    visible: true,
    rules: [],
    propagates_list: connector.propagatesList ?? true,
    ...(connector.choices === undefined ? {} : { choices: connector.choices.map(presentType) }),
    ...(KEYED.has(connector.kind) ? { keys: [], manual: true, allow_empty: connector.optional ?? false } : {}),
    ...(connector.kind === 'variable_type_size_connector' ? { type_definitions: {} } : {}),
  };
}

function presentType(type: ValueType): JsonObject {
  return { data_type: type.dataType, is_list: type.isList };
}

function presentConfigField(field: ConfigField): JsonObject {
  return {
    type: field.type,
    description: field.description,
    visible: true,
    optional: field.optional,
    default: field.default,
    display: field.display ?? display(field),
    rules: [],
    advanced: field.advanced ?? false,
    tab: 'Configuration',
    ...(field.choices === undefined ? {} : { choices: [...field.choices] }),
    ...(field.minimum === undefined ? {} : { minimum: field.minimum }),
    ...(field.maximum === undefined ? {} : { maximum: field.maximum }),
  };
}

/** The editor widget when a field names none. */
function display(field: ConfigField): JsonValue {
  if (field.choices !== undefined) return { type: 'select', values: [...field.choices] };
  return {
    type: field.type === 'bool' ? 'checkbox' : field.type === 'int' || field.type === 'float' ? 'number' : 'text',
  };
}

function smallDescription(description: string): string {
  return /^.*?[.;](?=\s|$)/.exec(description)?.[0].replace(/;$/, '.') ?? description;
}
