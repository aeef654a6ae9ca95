import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { Graph } from '../engine/graph.ts';
import { compileJsonPath } from '../nodes/json-path.ts';
import { resolveReferences } from '../nodes/template.ts';

/** `((body.order.id))`: a way into what came, by names and numbers. */
const REFERENCE = /\(\(([^()\n]{1,200})\)\)/g;

/**
 * The input of a run that a trigger starts.
 *
 * With `written`, each of its texts is a JSONPath into what came (it begins with `$`), or a text in which `((body.order.id))` stands for a value; a
 * text that is one reference and nothing else becomes the value itself, and what finds nothing is left out. Without, each input of the workflow is
 * given what came under its name, or else the part of `main` with its name.
 * @param came what came, by name
 * @param main the names of the parts whose own fields may fill inputs by name, the first before the others
 * @throws RangeError when a rendered text is too long
 */
export function triggerInput(
  graph: Graph,
  written: JsonObject | null,
  came: JsonObject,
  main: readonly string[],
): JsonObject {
  if (written === null) return byName(graph, came, main);
  const input: JsonObject = {};
  for (const [name, value] of Object.entries(written)) {
    const filled = filledIn(value, came);
    if (filled !== undefined) input[name] = filled;
  }
  return input;
}

function filledIn(written: JsonValue, came: JsonObject): JsonValue | undefined {
  if (typeof written === 'string') {
    if (written.startsWith('$')) return found(written, came);
    const values: Record<string, JsonValue> = {};
    for (const [, key = ''] of written.matchAll(REFERENCE)) {
      const value = partOf(came, key.trim());
      if (value !== undefined) values[key] = value;
    }
    return resolveReferences(written, values);
  }
  if (Array.isArray(written)) return written.map((item) => filledIn(item, came) ?? null);
  if (!isJsonObject(written)) return written;
  return Object.fromEntries(Object.entries(written).map(([name, value]) => [name, filledIn(value, came) ?? null]));
}

/** What a JSONPath finds: the value where it is one, a list of them where there are more. */
function found(path: string, came: JsonObject): JsonValue | undefined {
  const compiled = compileJsonPath(path);
  const result = 'problem' in compiled ? compiled : compiled.path.find(came);
  // Paths are checked when a trigger is kept: what is left is a document that is too large for one.
  if ('problem' in result) throw new RangeError(result.problem);
  return result.values.length > 1 ? result.values : result.values[0];
}

function partOf(came: JsonObject, reference: string): JsonValue | undefined {
  let value: JsonValue | undefined = came;
  for (const name of reference.split('.')) {
    if (Array.isArray(value)) value = value[Number(name)];
    else if (value !== undefined && isJsonObject(value)) value = Object.hasOwn(value, name) ? value[name] : undefined;
    else return undefined;
  }
  return value;
}

function byName(graph: Graph, came: JsonObject, main: readonly string[]): JsonObject {
  const parts = [came, ...main.map((name) => came[name] ?? null).filter(isJsonObject)];
  const exactly = new Map<string, JsonValue>();
  const nearly = new Map<string, JsonValue>();
  // The first part that has a name gives its value.
  for (const [name, value] of parts.flatMap((part) => Object.entries(part)).toReversed()) {
    exactly.set(name, value);
    nearly.set(folded(name), value);
  }
  const input: JsonObject = {};
  for (const node of graph.nodes) {
    if (node.type.role !== 'input') continue;
    const key = node.label ?? node.id;
    const value = exactly.get(key) ?? nearly.get(folded(key)) ?? null;
    if (value === null) continue;
    input[key] = node.config['type'] === 'str' && typeof value === 'object' ? JSON.stringify(value) : value;
  }
  return input;
}

/** People write "Order Id" where programs write order_id. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/g, '');
}
