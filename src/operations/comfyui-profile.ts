import { validate } from 'uuid';
import { COMFYUI_PARTS, COMFYUI_PROPERTIES, type ComfyuiPart, timesOf } from '../domain/comfyui-workflow.ts';
import { readDeclaredInput } from '../domain/declared-input.ts';
import type { Problem } from '../domain/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import { COMFYUI_TYPES } from '../nodes/comfyui/coerce.ts';
import { type ComfyuiInput, type ComfyuiOutput, extract, withoutDeployNodes } from '../nodes/comfyui/extract.ts';
import type { Graph } from '../nodes/comfyui/graph.ts';
import { compilePattern } from '../nodes/pattern.ts';
import { comfyuiTypeOf, comfyuiValueProblem } from './comfyui-inputs.ts';

/** Items of one list of a workflow: far more than any form shows. */
const MAX_ITEMS = 500;

/** What the making of items takes from the world. */
export interface Stamp {
  /** ISO 8601. */
  readonly now: string;
  newId(): string;
}

export interface MadeProfile {
  readonly profile: JsonObject;
  /** Every mistake; `at` begins with `body`. */
  readonly problems: readonly Problem[];
}

/**
 * What a ComfyUI workflow says of itself with a change in it. Inputs and outputs are those that the graph declares unless they are given; what a
 * graph declares again keeps its id. Nodes that deploy, and the API keys in them, are left out.
 * @param before the profile so far; empty for a new workflow
 * @param patch properties under their wire names
 */
export function changedProfile(before: JsonObject, patch: JsonObject, stamp: Stamp): MadeProfile {
  const problems: Problem[] = [];
  const profile: JsonObject = { ...before };
  for (const name of Object.keys(COMFYUI_PROPERTIES)) if (patch[name] !== undefined) profile[name] = patch[name];
  profile['status_code'] ??= 'active';
  profile['is_public'] ??= false;
  if (isJsonObject(profile['graph'])) profile['graph'] = withoutDeployNodes(profile['graph']);
  const extracted = extract(profile['workflow_json'] ?? null);
  problems.push(...extracted.problems.map((problem) => ({ ...problem, at: ['body', ...problem.at] })));
  profile['workflow_json'] = extracted.graph as unknown as JsonObject;
  const declared = {
    inputs: extracted.inputs.map(wireInput),
    outputs: extracted.outputs.map(wireOutput),
    gpu_explicit_models: [],
  };
  for (const part of Object.keys(COMFYUI_PARTS) as ComfyuiPart[]) {
    const old = comfyuiItems(before, part);
    const given = patch[part];
    if (Array.isArray(given)) {
      profile[part] = readItems(part, given, { old, declared: declared[part] }, stamp, problems);
    } else if (patch['workflow_json'] !== undefined && part !== 'gpu_explicit_models') {
      const kept = old.filter((item) => isByHand(item, declared[part], extracted.graph));
      profile[part] = makeItems(part, [...redeclared(declared[part], old), ...kept], old, stamp);
    } else profile[part] ??= [];
  }
  problems.push(...comfyuiItems(profile, 'inputs').flatMap(inputProblems), ...repeatedNames(profile));
  return { profile, problems };
}

/** The items of a list of a ComfyUI workflow, in their order. */
export function comfyuiItems(profile: JsonObject, part: ComfyuiPart): JsonObject[] {
  const items = profile[part];
  return Array.isArray(items) ? items.filter(isJsonObject) : [];
}

/**
 * Names that were probably meant to be others: a property that is written wrongly would silently have no effect. Names that are like none of ours
 * are let pass, since newer plugins may send more.
 */
export function misspelled(given: JsonObject, known: readonly string[], at: Problem['at']): Problem[] {
  return Object.keys(given).flatMap((name): Problem[] => {
    const meant = known.includes(name) || SHOWN_ONLY.has(name) ? undefined : nearest(name, known);
    if (meant === undefined) return [];
    const message = `There is no property ${JSON.stringify(name.slice(0, 80))} here.`;
    return [{ at: [...at, name], message, type: 'unknown_property', hint: `Did you mean ${meant}?` }];
  });
}

/** Properties that nobody sets: clients send back what they read. */
const SHOWN_ONLY: ReadonlySet<string> = new Set([
  'id',
  'org_id',
  'comfyui_workflow_id',
  'created_by',
  'created_at',
  'updated_at',
  'deleted_at',
  'deleted_by',
]);

function wireInput(input: ComfyuiInput): JsonObject {
  return { ...wireOutput(input), is_required: input.required, default_value: input.default };
}

function wireOutput({ name, displayName, description, type, nodeId, field }: ComfyuiInput | ComfyuiOutput): JsonObject {
  return {
    name,
    display_name: displayName,
    description,
    variable_type_code: type,
    comfyui_node_id: nodeId,
    comfyui_field_name: field,
  };
}

/** What the graph declares, with what was said of it besides: it says nothing of order and limits. */
function redeclared(declared: readonly JsonObject[], old: readonly JsonObject[]): JsonObject[] {
  return declared.map((item) => ({ ...old.find(({ name }) => name === item['name']), ...item }));
}

/** An item that was put on a node of another class stays as long as that node is there: no graph declares it. */
function isByHand(item: JsonObject, declared: readonly JsonObject[], graph: Graph): boolean {
  const node = graph[String(item['comfyui_node_id'])];
  if (node === undefined || /^Runflow(Input|Output)/.test(node.class_type)) return false;
  return !declared.some(({ name }) => name === item['name']);
}

/** Items as a caller gives them. What they leave out of a node that the graph declares comes from there. */
function readItems(
  part: ComfyuiPart,
  given: readonly JsonValue[],
  { old, declared }: { readonly old: readonly JsonObject[]; readonly declared: readonly JsonObject[] },
  stamp: Stamp,
  problems: Problem[],
): JsonObject[] {
  const refuse = (at: readonly (string | number)[], message: string, type: string) =>
    problems.push({ at: ['body', part, ...at], message, type });
  if (given.length > MAX_ITEMS) {
    refuse([], `${part} has ${given.length} items; at most ${MAX_ITEMS} are kept.`, 'too_many');
    return [];
  }
  const items = given.map((one, index): JsonObject => {
    if (part === 'gpu_explicit_models') {
      const item: JsonObject = isJsonObject(one) ? one : { gpu_model_code: one };
      if (typeof item['gpu_model_code'] !== 'string' || item['gpu_model_code'] === '') {
        refuse([index, 'gpu_model_code'], 'Each entry names a GPU, e.g. {"gpu_model_code": "L40S"}.', 'missing');
      }
      return item;
    }
    const item = isJsonObject(one) ? one : {};
    problems.push(...misspelled(item, Object.keys(COMFYUI_PARTS[part]), ['body', part, index]));
    const inGraph = declared.find(({ name }) => name === item['name']);
    const whole: JsonObject = { ...inGraph, ...defined(item) };
    const code = String(whole['variable_type_code'] ?? '');
    const type = comfyuiTypeOf(code);
    if (typeof whole['name'] !== 'string' || whole['name'] === '') refuse([index, 'name'], NEEDS_NAME, 'missing');
    if (type === null) {
      const message = `${JSON.stringify(code)} is not known here. It takes ${COMFYUI_TYPES.join(', ')}.`;
      refuse([index, 'variable_type_code'], message, 'unknown_code');
    }
    if (typeof whole['comfyui_node_id'] !== 'string')
      refuse([index, 'comfyui_node_id'], `${NEEDS_NODE} ${JSON.stringify(whole['name'] ?? '')}.`, 'missing');
    const preset = whole['default_value'] ?? null;
    return {
      ...whole,
      variable_type_code: type ?? code,
      comfyui_field_name: whole['comfyui_field_name'] ?? 'value',
      display_name: whole['display_name'] ?? whole['name'] ?? null,
      ...(part === 'inputs' ? { is_required: whole['is_required'] ?? preset === null } : {}),
    };
  });
  return makeItems(part, items, old, stamp);
}

const NEEDS_NAME = 'It needs a name.';
const NEEDS_NODE = 'Say which node of the graph it belongs to: no Runflow node there has the id';

/** Without properties that are null: they say nothing. */
function defined(item: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null));
}

/** Items with their ids and times, in their order. An item that has not changed stays as it is. */
function makeItems(
  part: ComfyuiPart,
  items: readonly JsonObject[],
  before: readonly JsonObject[],
  { now, newId }: Stamp,
): JsonObject[] {
  const properties = Object.keys(COMFYUI_PARTS[part]);
  const key = part === 'gpu_explicit_models' ? 'gpu_model_code' : 'name';
  const left = [...before];
  const made = items.map((item, index): JsonObject => {
    const place = left.findIndex((one) => (item['id'] ? one['id'] === item['id'] : one[key] === item[key]));
    const old = place < 0 ? undefined : left.splice(place, 1)[0];
    const own: JsonObject = Object.fromEntries(properties.map((name) => [name, item[name] ?? null]));
    if (Object.hasOwn(own, 'sort_order')) own['sort_order'] ??= index;
    if (old !== undefined && properties.every((name) => isSame(old[name], own[name]))) return old;
    const times = timesOf(part).map((name) => [name, name === 'created_at' ? (old?.['created_at'] ?? now) : now]);
    return { id: old?.['id'] ?? givenId(item) ?? newId(), ...own, ...Object.fromEntries(times) };
  });
  return made.toSorted((a, b) => Number(a['sort_order'] ?? 0) - Number(b['sort_order'] ?? 0));
}

const isSame = (a: JsonValue | undefined, b: JsonValue | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** An item that comes from elsewhere keeps its id. */
function givenId({ id }: JsonObject): string | null {
  return typeof id === 'string' && validate(id) ? id.toLowerCase() : null;
}

/** What is wrong with the limits and the default of an input. */
function inputProblems(item: JsonObject, index: number): Problem[] {
  const at = ['body', 'inputs', index];
  const declared = readDeclaredInput(item);
  const { pattern } = declared.limits;
  const compiled = pattern === null ? null : compilePattern(pattern, { caseSensitive: true });
  if (compiled !== null && 'problem' in compiled) {
    return [{ at: [...at, 'validator_attrs', 'pattern'], message: compiled.problem, type: 'pattern' }];
  }
  // A file's default may be the name of one that the server has.
  const wrong =
    declared.defaultValue === null || declared.kind === 'media'
      ? null
      : comfyuiValueProblem(declared, declared.defaultValue);
  if (wrong === null) return [];
  return [{ at: [...at, 'default_value'], message: `The default does not fit: ${wrong.message}`, type: wrong.type }];
}

function repeatedNames(profile: JsonObject): Problem[] {
  const names = comfyuiItems(profile, 'inputs').map(({ name }) => name);
  return names.flatMap((name, index): Problem[] => {
    if (names.indexOf(name) === index) return [];
    const message = `Two inputs have the name ${JSON.stringify(name)}.`;
    return [{ at: ['body', 'inputs', index, 'name'], message, type: 'repeated' }];
  });
}
