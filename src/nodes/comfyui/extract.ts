import type { Problem } from '../../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { COMFYUI_TYPES, type ComfyuiType, coerce, isScalarType } from './coerce.ts';
import { DEPLOY_CLASS, type Graph, type GraphNode, isGraphNode, linkOf, nodeName } from './graph.ts';

/** A value that callers give to a ComfyUI workflow. */
export interface ComfyuiInput {
  /** The key that callers use; may hold blanks and capitals. */
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly type: ComfyuiType;
  readonly required: boolean;
  /** Null: none. A default stays in the graph; it is told here for people. */
  readonly default: JsonValue;
  /** The graph node that takes it. Other Runflow input nodes with the same id take it too. */
  readonly nodeId: string;
  /** The input of that node. */
  readonly field: string;
}

/** A file, or several, that a ComfyUI workflow makes. */
export interface ComfyuiOutput {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly type: ComfyuiType;
  /** The graph node whose files they are. */
  readonly nodeId: string;
  readonly field: string;
}

/** What a workflow_json says about itself. */
export interface Extracted {
  /** The graph without nodes that are never executed. Empty when there was none to read. */
  readonly graph: Graph;
  readonly inputs: readonly ComfyuiInput[];
  readonly outputs: readonly ComfyuiOutput[];
  /** Every mistake; `at` begins with `workflow_json`. With any, the workflow is not fit to run. */
  readonly problems: readonly Problem[];
}

const CLASS = /^Runflow(Input|Output)([A-Z][a-z]+)$/;

/**
 * Reads a graph in API format: its declared inputs and outputs (nodes of the Runflow classes, in the order they are written), and its mistakes.
 * Nodes with an empty id declare nothing (runflow-io/ComfyUI-Runflow, `io_nodes.py`).
 */
export function extract(workflowJson: unknown): Extracted {
  const problems: Problem[] = [];
  const graph = readGraph(workflowJson, problems);
  const inputs = new Map<string, ComfyuiInput>();
  const outputs: ComfyuiOutput[] = [];
  for (const [id, node] of Object.entries(graph)) {
    checkLinks(id, node, graph, problems);
    const declares = declarationOf(id, node, problems);
    if (declares === null) continue;
    const name = textOf(node.inputs, declares.side === 'input' ? 'input_id' : 'output_id').trim();
    if (name === '') continue;
    if (declares.side === 'output') outputs.push(readOutput(name, id, node, declares.type));
    else addInput(inputs, readInput(name, id, node, declares.type, problems), graph, problems);
  }
  return { graph, inputs: [...inputs.values()], outputs, problems };
}

/**
 * A graph in the editor's own format (the `graph` of a deployment) without its deploy nodes, whose widgets hold an API key.
 * Looks into subgraphs too; changes nothing that it was given.
 */
export function withoutDeployNodes(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.filter((item) => !isDeployNode(item)).map(withoutDeployNodes);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([, item]) => !isDeployNode(item));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDeployNodes(item)]));
}

function isDeployNode(value: JsonValue): boolean {
  return isJsonObject(value) && (value['type'] === DEPLOY_CLASS || value['class_type'] === DEPLOY_CLASS);
}

function readGraph(given: unknown, problems: Problem[]): Graph {
  const tell = (at: string[], type: string, message: string) =>
    problems.push({ at: ['workflow_json', ...at], type, message });
  if (!isJsonObject(given)) {
    tell([], 'not_a_graph', 'The workflow must be a JSON object of nodes, as ComfyUI writes it with "Export (API)".');
    return {};
  }
  if (Array.isArray(given['nodes'])) {
    tell(
      [],
      'not_api_format',
      'This is the format of ComfyUI’s editor. Give the API format instead: in ComfyUI, "Export (API)".',
    );
    return {};
  }
  const graph: Graph = {};
  for (const [id, node] of Object.entries(given)) {
    if (isDeployNode(node)) continue;
    if (isGraphNode(node)) graph[id] = node;
    else tell([id], 'not_a_node', `Node ${id} needs "class_type" (text) and "inputs" (an object).`);
  }
  if (Object.keys(given).length === 0) tell([], 'empty_graph', 'The workflow has no nodes.');
  else if (Object.keys(graph).length === 0 && problems.length === 0)
    tell([], 'empty_graph', `The workflow has no nodes besides ${DEPLOY_CLASS}, which is never executed.`);
  return graph;
}

function checkLinks(id: string, node: GraphNode, graph: Graph, problems: Problem[]): void {
  for (const [field, value] of Object.entries(node.inputs)) {
    const link = linkOf(value);
    if (link === null || Object.hasOwn(graph, link[0])) continue;
    problems.push({
      at: ['workflow_json', id, 'inputs', field],
      type: 'unknown_node',
      message: `Input "${field}" of node ${nodeName(id, node)} is linked to node ${link[0]}, which the workflow does not have.`,
    });
  }
}

function declarationOf(
  id: string,
  node: GraphNode,
  problems: Problem[],
): { side: 'input' | 'output'; type: ComfyuiType } | null {
  const [, side, suffix = ''] = CLASS.exec(node.class_type) ?? [];
  if (side === undefined) return null;
  const type = COMFYUI_TYPES.find((one) => one === suffix.toUpperCase());
  const known = type !== undefined && (side === 'Input' || !isScalarType(type));
  if (known) return { side: side === 'Input' ? 'input' : 'output', type };
  problems.push({
    at: ['workflow_json', id, 'class_type'],
    type: 'unknown_runflow_class',
    message: `Node ${nodeName(id, node)} has a Runflow class that is not known. Known are RunflowInput for String, Int, Float, Boolean, Image and File, and RunflowOutput for Image and File.`,
  });
  return null;
}

function readInput(name: string, id: string, node: GraphNode, type: ComfyuiType, problems: Problem[]): ComfyuiInput {
  const literal = node.inputs['value'] ?? (type === 'FILE' ? textOf(node.inputs, 'file_name').trim() || null : null);
  // A link is where the value comes from while the author works in ComfyUI, and no default for callers.
  const preset = linkOf(literal) === null ? literal : null;
  if (preset !== null && isScalarType(type)) {
    const coerced = coerce(type, preset);
    if ('problem' in coerced) {
      problems.push({
        at: ['workflow_json', id, 'inputs', 'value'],
        type: 'invalid_default',
        message: `The default of input "${name}" (node ${nodeName(id, node)}) ${coerced.problem}`,
      });
    }
  }
  return {
    name,
    displayName: textOf(node.inputs, 'display_name').trim() || name,
    description: textOf(node.inputs, 'description').trim(),
    type,
    required: preset === null,
    default: preset,
    nodeId: id,
    field: 'value',
  };
}

/** Nodes that share an id are one input for callers: it may be left out only where each of them has a default of its own. */
function addInput(inputs: Map<string, ComfyuiInput>, input: ComfyuiInput, graph: Graph, problems: Problem[]): void {
  const first = inputs.get(input.name);
  if (first === undefined) {
    inputs.set(input.name, input);
    return;
  }
  inputs.set(input.name, {
    ...first,
    description: first.description || input.description,
    required: first.required || input.required,
    default: first.default ?? input.default,
  });
  if (input.type === first.type) return;
  problems.push({
    at: ['workflow_json', input.nodeId, 'inputs', 'input_id'],
    type: 'input_types_differ',
    message: `Input "${input.name}" is ${first.type} at node ${nodeName(first.nodeId, graph[first.nodeId])} and ${input.type} at node ${nodeName(input.nodeId, graph[input.nodeId])}. Give one of them another id.`,
  });
}

function readOutput(name: string, id: string, node: GraphNode, type: ComfyuiType): ComfyuiOutput {
  return {
    name,
    displayName: textOf(node.inputs, 'output_name').trim() || name,
    description: '',
    type,
    nodeId: id,
    field: 'value',
  };
}

function textOf(inputs: JsonObject, field: string): string {
  const value = inputs[field];
  return typeof value === 'string' ? value : '';
}
