import type { XSchema } from 'typebox/schema';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { parseJson } from '../json-text.ts';
import { compilePattern } from '../pattern.ts';
import { shown } from './model-failure.ts';

/**
 * Parts of a schema, with what it refers to written out. References that stand in each other can double with every step; this bounds how long an
 * answer can take to check.
 */
const MAX_SCHEMA_PARTS = 5_000;

/** Mistakes that a failure lists. */
const SHOWN_MISTAKES = 5;

/** A JSON schema (draft 2020-12, as the providers take it) that a model's answer is to follow. */
export interface AnswerSchema {
  /** As it is sent. */
  readonly schema: JsonObject;
  /** Reads an answer: the value, or what does not fit. */
  read(text: string): Promise<{ readonly value: JsonValue } | { readonly problem: string }>;
}

/** Reads a schema as an author wrote it: an object, or its JSON text. */
export function readAnswerSchema(written: JsonValue): AnswerSchema | { readonly problem: string } {
  const parsed = typeof written === 'string' ? parseJson(written) : { value: written };
  if ('problem' in parsed) return { problem: `It is no JSON. ${parsed.problem}` };
  const schema = parsed.value;
  if (!isJsonObject(schema)) return { problem: `It must be a JSON schema, an object such as ${EXAMPLE}.` };
  const checked = checkable(schema, { root: schema, parts: 0, inside: [] });
  if ('problem' in checked) return checked;
  return { schema, read: (text) => readAnswer(text, checked.value) };
}

/** An example of a schema, for messages. */
export const EXAMPLE = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}';

interface Walk {
  readonly root: JsonObject;
  /** References that are being followed. */
  readonly inside: readonly string[];
  parts: number;
}

type Checked = { readonly value: unknown } | { readonly problem: string };

/** The schema in a form that is safe to check with: references written out, and patterns that take linear time. */
function checkable(part: JsonValue, walk: Walk): Checked {
  walk.parts++;
  if (walk.parts > MAX_SCHEMA_PARTS) return { problem: `It has more than ${MAX_SCHEMA_PARTS} parts. Make it smaller.` };
  if (Array.isArray(part)) return all(part.map((item) => checkable(item, walk)));
  if (!isJsonObject(part)) return { value: part };
  if ('$ref' in part) return followed(part['$ref'] ?? null, walk);
  if ('patternProperties' in part && isJsonObject(part['patternProperties'])) {
    return { problem: '"patternProperties" is not supported. Name the properties, or use "additionalProperties".' };
  }
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(part)) {
    if (name === '$defs' || name === 'definitions') continue;
    const checked = name === 'pattern' && typeof value === 'string' ? linear(value) : inner(name, value, walk);
    if ('problem' in checked) return checked;
    entries.push([name, checked.value]);
  }
  return { value: Object.fromEntries(entries) };
}

/** What a schema holds as values is no schema: `enum`, `const` and the like pass as they are. */
function inner(name: string, value: JsonValue, walk: Walk): Checked {
  if (VALUES.has(name)) return { value };
  if (name !== 'properties' || !isJsonObject(value)) return checkable(value, walk);
  // Its keys are names of an answer's properties, which may be `pattern` or `$ref`.
  const checked = all(Object.values(value).map((property) => checkable(property, walk)));
  if ('problem' in checked) return checked;
  const schemas = checked.value as unknown[];
  return { value: Object.fromEntries(Object.keys(value).map((key, at) => [key, schemas[at]])) };
}

const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'required', 'type']);

function followed(reference: JsonValue, walk: Walk): Checked {
  if (typeof reference !== 'string' || !reference.startsWith('#')) {
    return { problem: `"$ref" may refer to a place inside the schema only; given was ${JSON.stringify(reference)}.` };
  }
  if (walk.inside.includes(reference)) return { problem: `"${reference}" refers to itself, which is not supported.` };
  let target: JsonValue | undefined = walk.root;
  for (const key of reference.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
    target = isJsonObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
  }
  if (target === undefined) return { problem: `"$ref" refers to ${reference}, and there is nothing.` };
  const inside: Walk = { root: walk.root, inside: [...walk.inside, reference], parts: walk.parts };
  const checked = checkable(target, inside);
  walk.parts = inside.parts;
  return checked;
}

function all(checked: readonly Checked[]): Checked {
  const bad = checked.find((one) => 'problem' in one);
  return bad ?? { value: checked.map((one) => ('value' in one ? one.value : null)) };
}

function linear(pattern: string): Checked {
  const compiled = compilePattern(pattern, { caseSensitive: true });
  if ('problem' in compiled) return compiled;
  return { value: new LinearPattern((text) => compiled.pattern.matcher(text).find()) };
}

/** The checker takes patterns that are regular expressions, whose time an author could make exponential; this one asks RE2. */
class LinearPattern extends RegExp {
  readonly #test: (text: string) => boolean;
  constructor(test: (text: string) => boolean) {
    super('');
    this.#test = test;
  }
  override test(text: string): boolean {
    return this.#test(text);
  }
}

async function readAnswer(text: string, schema: unknown): Promise<{ value: JsonValue } | { problem: string }> {
  // Models that are not held to a schema like to put their JSON between fences.
  const bare = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)?.[1] ?? text;
  const parsed = parseJson(bare);
  if ('problem' in parsed) return { problem: `The answer is no JSON: ${parsed.problem} It says: ${shown(text)}` };
  // Interpreted rather than compiled: compiling would write a user's schema into a program.
  const { Errors } = await import('typebox/schema');
  const [fits, mistakes] = Errors(schema as XSchema, parsed.value);
  if (fits) return parsed;
  const told = mistakes.filter(({ keyword }) => keyword !== 'boolean');
  const listed = told.slice(0, SHOWN_MISTAKES).map(({ instancePath, message, params }) => {
    const where = instancePath === '' ? 'the whole' : instancePath;
    return `${where} ${message}${detailOf(params as JsonObject)}`;
  });
  const more = told.length > SHOWN_MISTAKES ? `; and ${told.length - SHOWN_MISTAKES} more` : '';
  return { problem: `The answer does not fit the schema: ${listed.join('; ')}${more}. It says: ${shown(text)}` };
}

function detailOf(params: JsonObject): string {
  const { allowedValues, additionalProperties } = params;
  const named = allowedValues ?? additionalProperties;
  return named === undefined ? '' : ` (${shown(JSON.stringify(named))})`;
}
