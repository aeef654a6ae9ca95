import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { type FileReference, fileReference } from '../file-reference.ts';
import { COMFYUI_TYPES, type ComfyuiType } from './coerce.ts';
import { type ComfyuiInput, type ComfyuiOutput, extract } from './extract.ts';
import type { Graph } from './graph.ts';
import { undeclaredNodes } from './prompt.ts';

/** The workflow that a node is configured with. */
export interface DeclaredWorkflow {
  readonly graph: Graph;
  readonly inputs: readonly ComfyuiInput[];
  readonly outputs: readonly ComfyuiOutput[];
  /** Files that the graph names, by their path below ComfyUI's input folder. */
  readonly resources: ReadonlyMap<string, FileReference>;
}

/** Reads a node's configuration. What it declares itself goes before what its graph declares. Every mistake is a sentence. */
export function readDeclared(config: JsonObject): DeclaredWorkflow | { readonly problems: readonly string[] } {
  const extracted = extract(config['workflow'] ?? null);
  const problems = extracted.problems.map(({ message }) => message);
  const inputs = declaredList(config['inputs'], 'input', problems)?.map(toInput) ?? extracted.inputs;
  const outputs = declaredList(config['outputs'], 'output', problems)?.map(toOutput) ?? extracted.outputs;
  const resources = readResources(config['resources'], problems);
  problems.push(...undeclaredNodes(extracted.graph, [...inputs, ...outputs]));
  return problems.length > 0 ? { problems } : { graph: extracted.graph, inputs, outputs, resources };
}

/** An item of a declared list whose name, node and type can be read. */
type Declared = JsonObject & { name: string; nodeId: string; type: ComfyuiType };

/** Null: the list was left out. */
function declaredList(given: JsonValue | undefined, noun: string, problems: string[]): Declared[] | null {
  if (!Array.isArray(given)) return null;
  const items = given.filter(isDeclared);
  if (items.length < given.length) {
    problems.push(
      `Each declared ${noun} needs "name" and "nodeId" (text) and "type" (one of ${COMFYUI_TYPES.join(', ')}).`,
    );
  }
  const names = items.map(({ name }) => name);
  const twice = names.find((name, index) => noun === 'input' && names.indexOf(name) < index);
  if (twice !== undefined) problems.push(`Two declared inputs have the name "${twice}".`);
  return items;
}

function isDeclared(item: JsonValue): item is Declared {
  if (!isJsonObject(item)) return false;
  const { name, nodeId, type } = item;
  const isKnown = COMFYUI_TYPES.some((known) => known === type);
  return typeof name === 'string' && name !== '' && typeof nodeId === 'string' && isKnown;
}

function toInput(item: Declared): ComfyuiInput {
  const preset = item['default'] ?? null;
  const required = item['required'];
  return { ...toOutput(item), required: typeof required === 'boolean' ? required : preset === null, default: preset };
}

function toOutput(item: Declared): ComfyuiOutput {
  const textOf = (key: string) => (typeof item[key] === 'string' ? item[key] : '');
  return {
    name: item.name,
    displayName: textOf('displayName') || item.name,
    description: textOf('description'),
    type: item.type,
    nodeId: item.nodeId,
    field: textOf('field') || 'value',
  };
}

function readResources(given: JsonValue | undefined, problems: string[]): Map<string, FileReference> {
  const resources = new Map<string, FileReference>();
  for (const [path, value] of Object.entries(isJsonObject(given) ? given : {})) {
    const reference = fileReference(value);
    const isInside = path !== '' && !/^[/\\]|^[a-z]:|\\/i.test(path) && !path.split('/').includes('..');
    if (!isInside) problems.push(`The resource "${path}" is no path below ComfyUI’s input folder.`);
    else if (reference === null) problems.push(`The resource "${path}" needs the address of a file.`);
    else resources.set(path, reference);
  }
  return resources;
}
