import type { JsonValue } from '../../domain/json.ts';
import { nearest } from '../../domain/nearest.ts';
import { coerce, isScalarType } from './coerce.ts';
import type { ComfyuiInput, ComfyuiOutput } from './extract.ts';
import { type Graph, type GraphNode, linkOf, nodeName } from './graph.ts';

/** Number of the first node that is added to a graph without numbered nodes. */
const FIRST_ADDED_NODE = 1000;

/** An input that no class has, so that ComfyUI ignores it; it is part of what ComfyUI's cache goes by all the same. */
const RUN_MARK = 'millrun_run';

/** What one run gives to a workflow, in the form that the graph takes. */
export interface PromptValues {
  /** Coerced values by input name. */
  readonly scalars: ReadonlyMap<string, string | number | boolean>;
  /** Names of uploaded files below the server's input folder, by input name. */
  readonly files: ReadonlyMap<string, string>;
  /** Names under which the server keeps resources that it did not take under their own: path in the graph → name. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Values by input name as a run gives them, sorted by what becomes of them. */
interface ReadValues {
  readonly scalars: PromptValues['scalars'];
  /** Files to upload: anything that may be a reference to one. */
  readonly files: ReadonlyMap<string, JsonValue>;
  /** Every mistake, a sentence each. */
  readonly problems: readonly string[];
}

/** Sorts and coerces what a run gives. A value that is null counts as not given; all mistakes are told at once. */
export function readValues(inputs: readonly ComfyuiInput[], given: Readonly<Record<string, JsonValue>>): ReadValues {
  const scalars = new Map<string, string | number | boolean>();
  const files = new Map<string, JsonValue>();
  const problems: string[] = [];
  for (const input of inputs) {
    const value = Object.hasOwn(given, input.name) ? (given[input.name] ?? null) : null;
    if (value === null) {
      if (input.required) problems.push(`Input "${input.name}" (${input.type}) is missing.`);
      else if (isRemote(input)) files.set(input.name, input.default);
    } else if (isScalarType(input.type)) {
      const coerced = coerce(input.type, value);
      if ('problem' in coerced) problems.push(`Input "${input.name}" ${coerced.problem}`);
      else scalars.set(input.name, coerced.value);
    } else files.set(input.name, value);
  }
  const names = inputs.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const guess = nearest(name, names);
    const hint = guess === undefined ? `It takes ${names.join(', ') || 'none'}.` : `Did you mean "${guess}"?`;
    problems.push(`The workflow has no input "${name}". ${hint}`);
  }
  return { scalars, files, problems };
}

/** A file's default may be an address to fetch; anything else is the name of a file that the server has. */
function isRemote({ type, default: preset }: ComfyuiInput): boolean {
  return !isScalarType(type) && typeof preset === 'string' && /^(spot|https?|data):/i.test(preset);
}

/** Every declared input and output that names a node which the graph does not have, a sentence each. */
export function undeclaredNodes(
  graph: Graph,
  declared: readonly { readonly name: string; readonly nodeId: string }[],
): string[] {
  return declared
    .filter(({ nodeId }) => !Object.hasOwn(graph, nodeId))
    .map(({ name, nodeId }) => `"${name}" belongs to node ${nodeId}, which the workflow does not have.`);
}

/** The prompt of one run: a copy of the graph with the run's values in it. */
export function buildPrompt(graph: Graph, inputs: readonly ComfyuiInput[], values: PromptValues): Graph {
  const prompt = structuredClone(graph);
  useRenamed(prompt, values.renamed);
  const numbers = Object.keys(prompt).filter((id) => /^\d+$/.test(id));
  let added = numbers.length > 0 ? Math.max(...numbers.map(Number)) : FIRST_ADDED_NODE - 1;
  for (const input of inputs) {
    if (isScalarType(input.type)) {
      const value = values.scalars.get(input.name);
      if (value !== undefined) for (const [node, field] of placesOf(prompt, input)) node.inputs[field] = value;
      // The graph's own defaults are in it already; this is for one that was edited since.
      else if (input.default !== null && Object.hasOwn(prompt, input.nodeId))
        prompt[input.nodeId]!.inputs[input.field] = input.default;
      continue;
    }
    const file = values.files.get(input.name);
    if (file === undefined) continue;
    const places = placesOf(prompt, input);
    const linked = places.filter(([node, field]) => input.type === 'IMAGE' && !takesFileName(node, field));
    if (linked.length > 0) {
      added++;
      prompt[String(added)] = { class_type: 'LoadImage', inputs: { image: file } };
    }
    for (const place of places) {
      const [node, field] = place;
      node.inputs[field] = linked.includes(place) ? [String(added), 0] : file;
    }
  }
  return prompt;
}

/** An image goes in as a picture (a link to a node that loads it), but into a node that names its file itself, like LoadImage, as that name. */
function takesFileName(node: GraphNode, field: string): boolean {
  return !node.class_type.startsWith('RunflowInput') && typeof node.inputs[field] === 'string';
}

type Place = readonly [node: GraphNode, field: string];

/** Where an input's value goes: the node that it was declared with, and every other input node with its id. */
function placesOf(prompt: Graph, input: ComfyuiInput): readonly Place[] {
  const places: Place[] = [];
  for (const [id, node] of Object.entries(prompt)) {
    const named = node.inputs['input_id'];
    if (id === input.nodeId) places.push([node, input.field]);
    else if (node.class_type.startsWith('RunflowInput') && typeof named === 'string' && named.trim() === input.name)
      places.push([node, 'value']);
  }
  return places;
}

/** Texts in the graph that are the path of a renamed resource become its name. */
function useRenamed(prompt: Graph, renamed: PromptValues['renamed']): void {
  if (renamed.size === 0) return;
  for (const node of Object.values(prompt)) {
    for (const [field, value] of Object.entries(node.inputs)) {
      const name = typeof value === 'string' ? renamed.get(value) : undefined;
      if (name !== undefined) node.inputs[field] = name;
    }
  }
}

/** A prompt as a server can take it. */
export interface FittedPrompt {
  readonly prompt: Graph;
  /** Why it cannot run there, a sentence each: classes that the server lacks and nothing can stand in for. */
  readonly problems: readonly string[];
}

/**
 * The prompt for a server that may lack the Runflow classes: input nodes give way to what they pass on, `RunflowOutputImage` becomes ComfyUI's
 * own `SaveImage`. Node ids stay, so that files are found under the same ids.
 * @param has whether the server has a class
 */
export function fitToServer(built: Graph, has: (classType: string) => boolean): FittedPrompt {
  const prompt = structuredClone(built);
  const passed = new Map<string, JsonValue | undefined>();
  for (const [id, node] of Object.entries(prompt)) {
    if (has(node.class_type)) continue;
    if (node.class_type.startsWith('RunflowInput')) {
      passed.set(id, node.inputs['value'] ?? node.inputs['file_name']);
      delete prompt[id];
    } else if (node.class_type === 'RunflowOutputImage') {
      passed.set(id, node.inputs['value']);
      const { value, output_id: name } = node.inputs;
      const images = value === undefined ? {} : { images: value };
      prompt[id] = { ...node, class_type: 'SaveImage', inputs: { ...images, filename_prefix: filePrefix(name) } };
    }
  }
  for (const node of Object.values(prompt)) {
    for (const [field, value] of Object.entries(node.inputs)) {
      const source = sourceOf(value, passed);
      // What nobody gave is left out: ComfyUI then takes the input's own default, or says that it is missing.
      if (source === undefined) delete node.inputs[field];
      else node.inputs[field] = source;
    }
  }
  return { prompt, problems: missingClasses(prompt, has) };
}

/** What stands at the beginning of a chain of nodes that only pass values on; undefined when nothing does. */
function sourceOf(value: JsonValue, passed: ReadonlyMap<string, JsonValue | undefined>): JsonValue | undefined {
  const seen = new Set<string>();
  let source: JsonValue | undefined = value;
  for (let link = linkOf(source); link !== null && passed.has(link[0]); link = linkOf(source)) {
    if (seen.has(link[0])) return undefined;
    seen.add(link[0]);
    source = passed.get(link[0]);
  }
  return source;
}

/** A file name prefix that stays in ComfyUI's output folder: it takes `/` for folders and `%…%` for its own variables. */
function filePrefix(outputId: JsonValue | undefined): string {
  const name = typeof outputId === 'string' ? outputId.trim().replace(/[^\p{L}\p{N}_ -]+/gu, '_') : '';
  return name || 'image_output';
}

function missingClasses(prompt: Graph, has: (classType: string) => boolean): string[] {
  const missing = new Map<string, string[]>();
  for (const [id, node] of Object.entries(prompt)) {
    if (!has(node.class_type)) missing.set(node.class_type, [...(missing.get(node.class_type) ?? []), id]);
  }
  return [...missing].map(([name, ids]) => {
    const remedy = name.startsWith('Runflow')
      ? 'Nothing of ComfyUI’s own can stand in for it: install the Runflow nodes there.'
      : 'Install the custom nodes that bring it.';
    return `It has no class ${name} (node ${ids.join(', ')}). ${remedy}`;
  });
}

/**
 * Marks the nodes that make files with the run, in place, so that ComfyUI executes them anew instead of repeating what it did for the same graph
 * before, whose files may be gone. Everything upstream of them still comes from its cache.
 * @param outputs the declared ones; where there are none, the nodes that nothing is linked to make the files
 */
export function markOutputs(prompt: Graph, outputs: readonly ComfyuiOutput[], mark: string): void {
  const declared = outputs.map(({ nodeId }) => nodeId);
  const sources = new Set(
    Object.values(prompt).flatMap((node) => Object.values(node.inputs).map((value) => linkOf(value)?.[0] ?? '')),
  );
  const ids = declared.length > 0 ? declared : Object.keys(prompt).filter((id) => !sources.has(id));
  for (const id of ids) {
    const node = prompt[id];
    if (node !== undefined) node.inputs[RUN_MARK] = mark;
  }
}

/** The errors that ComfyUI lists by node, a sentence each. */
export function nodeErrors(listed: JsonValue | undefined, prompt: Graph): string[] {
  if (typeof listed !== 'object' || listed === null || Array.isArray(listed)) return [];
  return Object.entries(listed).flatMap(([id, entry]) => {
    const errors = typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry['errors'] : null;
    const where = `Node ${nodeName(id, prompt[id])}`;
    if (!Array.isArray(errors) || errors.length === 0) return [`${where} is not valid.`];
    return errors.map((error) => {
      const { message, details } = (typeof error === 'object' ? error : {}) as { message?: string; details?: string };
      return `${where}: ${[message, details].filter(Boolean).join(': ') || JSON.stringify(error)}.`;
    });
  });
}
