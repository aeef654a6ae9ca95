import type { NodeDefinition } from '../domain/definition.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { DataType } from '../domain/value.ts';
import { connector, edge, givenOf, OUTPUT_LABEL, outputNode } from './model-definition.ts';
import type { GivenDefinition } from './workflows.ts';

/** The node that runs the graph. Its id stands before those of the graph's own nodes in the records of a run. */
const GRAPH_ID = 'comfyui';
const OUTPUT_ID = 'comfyui-output';

/**
 * How a declared input is typed in the definition. The others keep the form in which they are given: a whole number may have more digits than a
 * double, a flag may be a word, and the node itself knows them all.
 */
const DATA_TYPES: Readonly<Record<string, DataType>> = { STRING: 'str', FLOAT: 'number' };

/**
 * The definition that runs a ComfyUI workflow: an input node for each declared input, the node that runs the graph, and an output node that gives
 * `outputs`. Input nodes have no defaults, since those stand in the graph.
 * @param profile see `COMFYUI_PROPERTIES` and `COMFYUI_PARTS`
 */
export function comfyuiDefinition(profile: JsonObject): GivenDefinition {
  const inputs = objectsOf(profile['inputs']);
  const names = inputs.map(({ name }) => String(name));
  const graph: NodeDefinition = {
    id: GRAPH_ID,
    type: 'ComfyUIWorkflowNode',
    name: 'ComfyUI',
    config: comfyuiConfig(profile),
    inputs: [{ ...connector('inputs', 'Any', true), keys: names }],
    outputs: [connector(OUTPUT_LABEL, 'list'), connector('measures', 'dict')],
  };
  const edges = names.map((name, index) => edge(`input-${index + 1}`, 'output', GRAPH_ID, 'inputs', name));
  const definition = {
    nodes: [...inputs.map(inputNode), graph, outputNode(OUTPUT_ID)],
    edges: [...edges, edge(GRAPH_ID, OUTPUT_LABEL, OUTPUT_ID, 'input', null)],
  };
  return givenOf(definition, { pricing: [] });
}

/** The configuration of the node that runs the graph. */
export function comfyuiConfig(profile: JsonObject): JsonObject {
  const resources = Object.entries(isJsonObject(profile['resources']) ? profile['resources'] : {});
  return {
    workflow: profile['workflow_json'] ?? null,
    inputs: objectsOf(profile['inputs']).map((input) => ({
      ...declared(input),
      required: isNeeded(input),
      default: input['default_value'] ?? null,
    })),
    outputs: objectsOf(profile['outputs']).map(declared),
    resources: Object.fromEntries(
      resources.map(([path, entry]) => [path, (isJsonObject(entry) ? entry['url'] : null) ?? null]),
    ),
    gpu: gpuOf(profile),
  };
}

/** The GPU that runs are charged by: the tier, else the first model that the workflow is pinned to. */
function gpuOf(profile: JsonObject): string | null {
  const [pinned] = objectsOf(profile['gpu_explicit_models']);
  const tier = profile['gpu_current_tier_code'] ?? pinned?.['gpu_model_code'] ?? null;
  return typeof tier === 'string' && tier !== '' ? tier : null;
}

function declared(item: JsonObject): JsonObject {
  return {
    name: item['name'] ?? null,
    displayName: item['display_name'] ?? null,
    description: item['description'] ?? null,
    type: item['variable_type_code'] ?? null,
    nodeId: item['comfyui_node_id'] ?? null,
    field: item['comfyui_field_name'] ?? null,
  };
}

/** A default makes an input optional, whatever is said of it. */
const isNeeded = (input: JsonObject): boolean =>
  input['is_required'] === true && (input['default_value'] ?? null) === null;

function inputNode(input: JsonObject, index: number): NodeDefinition {
  const label = String(input['name']);
  const dataType = DATA_TYPES[String(input['variable_type_code'])] ?? 'Any';
  return {
    id: `input-${index + 1}`,
    type: 'InputNode',
    name: label,
    config: { label, type: dataType, fixed_value: false, value: null, optional: !isNeeded(input) },
    inputs: [connector('input', dataType, true)],
    outputs: [connector('output', dataType)],
  };
}

function objectsOf(value: JsonObject[string] | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
