import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { MAX_SCHEMA_DEPTH, MAX_SCHEMA_LENGTH } from './limits.ts';

/** Items of an `enum` and properties that a message names. */
const LISTED = 20;

/** What keeps a configured value from being the JSON schema of an object; null: nothing. */
export function schemaProblem(schema: JsonValue): string | null {
  if (!isJsonObject(schema)) return 'A JSON schema is an object.';
  const length = JSON.stringify(schema).length;
  if (length > MAX_SCHEMA_LENGTH)
    return `The schema has ${length} characters; at most ${MAX_SCHEMA_LENGTH} are allowed.`;
  if (depthOf(schema) > MAX_SCHEMA_DEPTH) return `The schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels.`;
  if (schema['type'] !== 'object') return 'The schema must have "type": "object".';
  const properties = schema['properties'] ?? {};
  return isJsonObject(properties) && Object.values(properties).every((one) => isJsonObject(one) || one === true)
    ? null
    : 'Its "properties" are schemas by name.';
}

function depthOf(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/**
 * What keeps a value from being what a JSON schema (2020-12) describes; null: nothing that is looked at. Looked at are types, `enum`, `const`,
 * required and unknown properties, items, the sizes of numbers, texts and lists, and `anyOf`, `oneOf`, `allOf`. What could take endless time
 * (`pattern`, `$ref`) is not: schemas come from authors and from strangers' servers, and the model is told them whole.
 */
export function mismatch(schema: JsonValue | undefined, value: JsonValue, at = ''): string | null {
  if (schema === false) return `${named(at)} is not allowed.`;
  if (!isJsonObject(schema)) return null;
  return (
    wrongType(schema, value, at) ??
    wrongChoice(schema, value, at) ??
    wrongSize(schema, value, at) ??
    wrongParts(schema, value, at) ??
    wrongCombination(schema, value, at)
  );
}

function named(at: string): string {
  return at === '' ? 'The whole' : `"${at}"`;
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function wrongType(schema: JsonObject, value: JsonValue, at: string): string | null {
  const wanted = [schema['type'] ?? []].flat().filter((type) => typeof type === 'string');
  const is = typeOf(value);
  if (wanted.length === 0 || wanted.includes(is)) return null;
  if (is === 'number' && wanted.includes('integer') && Number.isInteger(value)) return null;
  // OpenAPI's way to allow null, which many schemas still have.
  if (value === null && schema['nullable'] === true) return null;
  return `${named(at)} must be of type ${wanted.join(' or ')}, not ${is}.`;
}

function wrongChoice(schema: JsonObject, value: JsonValue, at: string): string | null {
  const choices = Array.isArray(schema['enum'])
    ? schema['enum']
    : schema['const'] === undefined
      ? null
      : [schema['const']];
  if (choices === null) return null;
  const text = JSON.stringify(value);
  const texts = choices.map((choice) => JSON.stringify(choice));
  return texts.includes(text) ? null : `${named(at)} must be one of ${texts.slice(0, LISTED).join(', ')}.`;
}

const SIZES = [
  ['minimum', 'number', (size: number, limit: number) => size >= limit, 'be at least'],
  ['maximum', 'number', (size: number, limit: number) => size <= limit, 'be at most'],
  ['exclusiveMinimum', 'number', (size: number, limit: number) => size > limit, 'be more than'],
  ['exclusiveMaximum', 'number', (size: number, limit: number) => size < limit, 'be less than'],
  ['minLength', 'string', (size: number, limit: number) => size >= limit, 'have a length of at least'],
  ['maxLength', 'string', (size: number, limit: number) => size <= limit, 'have a length of at most'],
  ['minItems', 'array', (size: number, limit: number) => size >= limit, 'have a length of at least'],
  ['maxItems', 'array', (size: number, limit: number) => size <= limit, 'have a length of at most'],
] as const;

function wrongSize(schema: JsonObject, value: JsonValue, at: string): string | null {
  const type = typeOf(value);
  const size = typeof value === 'number' ? value : typeof value === 'string' || Array.isArray(value) ? value.length : 0;
  for (const [name, of, holds, words] of SIZES) {
    const limit = schema[name];
    if (of === type && typeof limit === 'number' && !holds(size, limit)) return `${named(at)} must ${words} ${limit}.`;
  }
  return null;
}

function wrongParts(schema: JsonObject, value: JsonValue, at: string): string | null {
  if (Array.isArray(value)) {
    if (schema['items'] === undefined) return null;
    return first(value.map((item, index) => () => mismatch(schema['items'], item, `${at}[${index}]`)));
  }
  if (!isJsonObject(value)) return null;
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const inner = (name: string) => (at === '' ? name : `${at}.${name}`);
  const missing = required.find((name) => typeof name === 'string' && !Object.hasOwn(value, name));
  if (missing !== undefined) return `${named(inner(String(missing)))} is missing.`;
  const isOpen = isJsonObject(schema['patternProperties']);
  return first(
    Object.entries(value).map(([name, part]) => () => {
      if (Object.hasOwn(properties, name)) return mismatch(properties[name], part, inner(name));
      const others = isOpen ? undefined : schema['additionalProperties'];
      if (others !== false) return mismatch(others, part, inner(name));
      const known = Object.keys(properties).slice(0, LISTED);
      return `${named(inner(name))} is unknown. ${known.length === 0 ? 'There are no properties.' : `There are ${known.join(', ')}.`}`;
    }),
  );
}

function wrongCombination(schema: JsonObject, value: JsonValue, at: string): string | null {
  const all = Array.isArray(schema['allOf']) ? schema['allOf'] : [];
  const wrong = first(all.map((one) => () => mismatch(one, value, at)));
  if (wrong !== null) return wrong;
  for (const name of ['anyOf', 'oneOf']) {
    const some = schema[name];
    if (!Array.isArray(some) || some.length === 0) continue;
    const problems = some.map((one) => mismatch(one, value, at));
    const fitting = problems.filter((problem) => problem === null).length;
    if (fitting === 0) return `${named(at)} fits none of what is allowed: ${problems.slice(0, LISTED).join(' Or: ')}`;
    if (name === 'oneOf' && fitting > 1) return `${named(at)} fits ${fitting} of the shapes of which it may fit one.`;
  }
  return null;
}

/** The first problem there is; later ones are not looked for. */
function first(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const problem = check();
    if (problem !== null) return problem;
  }
  return null;
}
