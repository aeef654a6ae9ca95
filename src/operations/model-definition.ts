import { codeOfDataType, type DeclaredInput, readDeclaredInput } from '../domain/declared-input.ts';
import type { Connector, Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import type { PriceRule } from '../domain/price-rule.ts';
import type { DataType } from '../domain/value.ts';
import type { DefinitionIssue } from '../domain/workflow.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import type { GivenDefinition } from './workflows.ts';

/** What calls a model, by the kind of its backend. */
const NODE_OF_BACKEND: Readonly<Record<string, string>> = {
  openai_chat: 'ModelChatNode',
  openai_images: 'ModelImagesNode',
  http: 'ModelHttpNode',
};

/** The kinds of backend that a model may have. */
export const BACKEND_KINDS: readonly string[] = [...Object.keys(NODE_OF_BACKEND), 'workflow'];

/** What each backend may say besides its kind: the configuration of its node. */
export const BACKEND_FIELDS: Readonly<Record<string, readonly string[]>> = {
  openai_chat: ['model', 'provider', 'prompt_input', 'system', 'parameters', 'timeout_seconds'],
  openai_images: ['model', 'provider', 'prompt_input', 'parameters', 'timeout_seconds'],
  http: ['method', 'url', 'headers', 'body', 'output', 'provider', 'timeout_seconds'],
  workflow: ['workflow_id', 'workflow_version_id', 'input_map', 'output_map'],
};

/** What a model's graph is made of. */
export interface ModelParts {
  readonly inputs: readonly JsonObject[];
  readonly outputs: readonly JsonObject[];
  readonly backend: JsonObject | null;
  readonly pricing: readonly PriceRule[];
  /** The definition that a backend of kind `workflow` runs. */
  readonly workflow: Definition | null;
}

/** A graph, or why there is none. */
export interface MadeDefinition {
  readonly given: GivenDefinition;
  readonly problems: readonly Problem[];
}

/** The label under which the run of a model or a ComfyUI workflow gives its outputs. */
export const OUTPUT_LABEL = 'outputs';

const CALL_ID = 'model';
const OUTPUT_ID = 'model-output';

/**
 * The graph of a model: an input node for each declared input, what calls the backend, and an output node that gives `outputs`. For a backend of
 * kind `workflow` it is a copy of that workflow's graph with its inputs renamed and its outputs gathered: what is published does not change
 * when somebody edits the workflow.
 */
export function makeDefinition(parts: ModelParts, catalogue: Catalogue): MadeDefinition {
  const declared = parts.inputs.map(readDeclaredInput);
  const { backend } = parts;
  if (backend === null) return draft(parts);
  if (parts.workflow !== null) return fromWorkflow(parts, parts.workflow, declared, catalogue);
  const inputs = declared.map((input, index) => inputNode(`input-${index + 1}`, input));
  const media = declared.filter(({ kind }) => kind === 'media').map(({ name }) => name);
  const call: NodeDefinition = {
    id: CALL_ID,
    type: NODE_OF_BACKEND[String(backend['kind'])] ?? '',
    name: 'Model',
    config: callConfig(backend, parts, media),
    inputs: [{ ...connector('inputs', 'Any', true), keys: declared.map(({ name }) => name) }],
    outputs: [connector(OUTPUT_LABEL, 'list')],
  };
  const edges = declared.map((input, index) => edge(`input-${index + 1}`, 'output', CALL_ID, 'inputs', input.name));
  const definition = {
    nodes: [...inputs, call, outputNode()],
    edges: [...edges, edge(CALL_ID, OUTPUT_LABEL, OUTPUT_ID, 'input', null)],
  };
  return { given: givenOf(definition, parts), problems: [] };
}

/** A model without a backend is registered and cannot run yet. */
function draft(parts: ModelParts): MadeDefinition {
  const issue: DefinitionIssue = {
    type: 'missing_backend',
    message: 'The model has no backend, so that nothing could answer.',
    hint: `Give it one: {"backend": {"kind": …}} with ${BACKEND_KINDS.join(', ')}.`,
    nodeId: null,
    edgeId: null,
    severity: 'incomplete',
  };
  return { given: { ...givenOf({ nodes: [], edges: [] }, parts), issues: [issue] }, problems: [] };
}

function callConfig(backend: JsonObject, { outputs }: ModelParts, media: readonly string[]): JsonObject {
  const { kind, ...config } = backend;
  const names = outputs.map(({ name }) => String(name));
  if (kind === 'http') {
    const types = Object.fromEntries(
      outputs.map((output, index) => [names[index]!, output['variable_type_code'] ?? '']),
    );
    return { ...config, types, media_inputs: [...media] };
  }
  const output = names[0] === undefined ? {} : { output: names[0] };
  return { ...config, ...output, ...(kind === 'openai_chat' ? { media_inputs: [...media] } : {}) };
}

/** How a declared input is typed in a graph; media and lists keep the form in which they are given. */
const DATA_TYPES: Readonly<Partial<Record<DeclaredInput['kind'], DataType>>> = {
  text: 'str',
  integer: 'number',
  number: 'number',
  boolean: 'bool',
};

function inputNode(id: string, input: DeclaredInput): NodeDefinition {
  const dataType = DATA_TYPES[input.kind] ?? 'Any';
  return {
    id,
    type: 'InputNode',
    name: input.name,
    config: { label: input.name, type: dataType, ...presetOf(input) },
    inputs: [connector('input', dataType, true)],
    outputs: [connector('output', dataType)],
  };
}

/** What an input node holds when the run gives nothing. */
function presetOf(input: DeclaredInput): JsonObject {
  return { fixed_value: false, value: input.defaultValue, optional: !input.isRequired };
}

/** Gives what a target makes, under `outputs`. */
export function outputNode(id = OUTPUT_ID): NodeDefinition {
  return {
    id,
    type: 'OutputNode',
    name: 'Outputs',
    config: { label: OUTPUT_LABEL },
    inputs: [connector('input', 'Any')],
    outputs: [connector('output', 'Any')],
  };
}

function fromWorkflow(
  parts: ModelParts,
  workflow: Definition,
  declared: readonly DeclaredInput[],
  catalogue: Catalogue,
): MadeDefinition {
  const problems: Problem[] = [];
  const roleOf = (node: NodeDefinition) => catalogue.find(node.type)?.role;
  const entrances = workflow.nodes.filter((node) => roleOf(node) === 'input');
  const exits = workflow.nodes.filter((node) => roleOf(node) === 'output');
  const inputs = mapped(
    'input_map',
    parts,
    declared.map(({ name }) => name),
    entrances,
    problems,
  );
  const nodes = workflow.nodes.map((node): NodeDefinition => {
    if (exits.includes(node)) return { ...node, type: 'ModelOutputNode' };
    const input = declared.find(({ name }) => name === inputs.get(node.id));
    return input === undefined ? node : { ...node, config: { ...node.config, label: input.name, ...presetOf(input) } };
  });
  for (const node of entrances) {
    const label = labelOf(node);
    const value = node.config['value'] ?? null;
    if (inputs.has(node.id) || (value !== null && value !== '') || node.config['optional'] === true) continue;
    const message = `The workflow needs the input "${label}", which no input of the model feeds. Declare one of that name, map one to it, or give it a fixed value in the workflow.`;
    problems.push({ at: ['body', 'inputs'], message, type: 'missing_input' });
  }
  const names = parts.outputs.map(({ name }) => String(name));
  const named = mapped('output_map', parts, names, exits, problems);
  // Without declared outputs each output of the workflow is one, under its label.
  const shown = exits.filter((node) => names.length === 0 || named.has(node.id));
  const keys = shown.map((node) => named.get(node.id) ?? labelOf(node));
  const gather: NodeDefinition = {
    id: CALL_ID,
    type: 'ModelOutputsNode',
    name: 'Outputs of the model',
    config: {},
    inputs: [{ ...connector('values', 'Any', true), keys: [...new Set(keys)] }],
    outputs: [connector(OUTPUT_LABEL, 'list')],
  };
  const taken = workflow.nodes.find(({ id }) => id === CALL_ID || id === OUTPUT_ID);
  if (taken !== undefined) {
    const message = `The workflow has a node with the id "${taken.id}", which models use themselves. Give it another id.`;
    problems.push({ at: ['body', 'backend', 'workflow_id'], message, type: 'duplicate_node_id' });
  }
  const gathered = shown.map((node, index) => edge(node.id, 'output', CALL_ID, 'values', keys[index]!));
  const definition: Definition = {
    nodes: [...nodes, gather, outputNode()],
    edges: [...workflow.edges, ...gathered, edge(CALL_ID, OUTPUT_LABEL, OUTPUT_ID, 'input', null)],
  };
  return { given: givenOf(definition, parts), problems };
}

/**
 * Which name of the model each input or output node of the workflow goes by: the model's map (name of the model → label in the workflow), else
 * the same name.
 */
function mapped(
  field: 'input_map' | 'output_map',
  { backend }: ModelParts,
  names: readonly string[],
  nodes: readonly NodeDefinition[],
  problems: Problem[],
): ReadonlyMap<string, string> {
  const map = isJsonObject(backend?.[field]) ? backend[field] : {};
  const found = new Map<string, string>();
  const labels = nodes.map(labelOf);
  for (const name of names) {
    const label = String(map[name] ?? name);
    const meant = nodes.filter((node) => labelOf(node) === label || node.id === label);
    for (const node of meant) found.set(node.id, name);
    if (meant.length > 0) continue;
    const near = nearest(label, labels);
    const all = `It has ${labels.map((known) => `"${known}"`).join(', ') || 'none'}.`;
    const side = field === 'input_map' ? 'input' : 'output';
    problems.push({
      at: Object.hasOwn(map, name) ? ['body', 'backend', field, name] : ['body', `${side}s`, name],
      message: `The workflow has no ${side} "${label}". ${near === undefined ? all : `Did you mean "${near}"?`}`,
      type: 'unknown_connector',
    });
  }
  for (const name of Object.keys(map)) {
    if (names.includes(name)) continue;
    const message = `"${name}" is not among the names that the model declares; ${field} maps those to labels of the workflow.`;
    problems.push({ at: ['body', 'backend', field, name], message, type: 'unknown_name' });
  }
  return found;
}

function labelOf(node: NodeDefinition): string {
  const label = node.config['label'];
  return typeof label === 'string' && label !== '' ? label : node.id;
}

/** The declared inputs, or outputs, that a workflow has of itself. */
export function declaredByWorkflow(workflow: Definition, role: 'input' | 'output', catalogue: Catalogue): JsonObject[] {
  const nodes = workflow.nodes.filter((node) => catalogue.find(node.type)?.role === role);
  const byLabel = new Map(nodes.map((node) => [labelOf(node), node]));
  return [...byLabel].flatMap(([name, node]): JsonObject[] => {
    const type = node.type === 'FileInputNode' ? 'File' : (node.config['type'] ?? 'Any');
    const about = { name, display_name: node.name, variable_type_code: codeOfDataType(String(type)) };
    if (role === 'output') return [{ ...about, variable_type_code: 'any' }];
    const value: JsonValue = node.config['value'] ?? null;
    const preset = value === '' ? null : value;
    if (node.config['fixed_value'] === true && preset !== null) return [];
    return [{ ...about, is_required: preset === null && node.config['optional'] !== true, default_value: preset }];
  });
}

export function connector(name: string, dataType: DataType, optional = false): Connector {
  return { name, type: { dataType, isList: false }, optional, propagatesList: true };
}

export function edge(from: string, output: string, to: string, input: string, key: string | null): EdgeDefinition {
  return {
    id: `${from} -> ${to}${key === null ? '' : `::${key}`}`,
    from: { nodeId: from, connector: output, key: null },
    to: { nodeId: to, connector: input, key },
    optional: false,
    orderOnly: false,
  };
}

/** The graph with its price list, and the document in which the Noxus API shows it. */
export function givenOf(graph: Definition, { pricing }: Pick<ModelParts, 'pricing'>): GivenDefinition {
  const definition: Definition = pricing.length === 0 ? graph : { ...graph, pricing };
  const document = {
    flow_version: 'v1',
    nodes: graph.nodes.map((node, index) => ({
      id: node.id,
      type: node.type,
      name: node.name,
      display: { position: { x: 0, y: 100 * index } },
      node_config: node.config,
      connector_config: { inputs: [], outputs: [] },
    })),
    edges: graph.edges.map(({ id, from, to }) => ({ id, from_id: addressOf(from), to_id: addressOf(to) })),
    pricing: definition.pricing ?? [],
  };
  return { definition, document: JSON.stringify(document), issues: [] };
}

const addressOf = ({ nodeId, connector: name, key }: EdgeDefinition['from']) => ({
  node_id: nodeId,
  connector_name: name,
  key,
});
