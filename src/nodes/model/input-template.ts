import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';

/** `{{input.name}}`; names may have blanks, and blanks may stand inside the braces. */
const REFERENCE = /\{\{\s*input\.([^{}]+?)\s*\}\}/g;
const SOLE_REFERENCE = /^\s*\{\{\s*input\.([^{}]+?)\s*\}\}\s*$/;

/** The names that a template refers to, at any depth. */
export function referencesIn(template: JsonValue): string[] {
  if (typeof template === 'string') return [...template.matchAll(REFERENCE)].map((match) => match[1] ?? '');
  if (typeof template !== 'object' || template === null) return [];
  return Object.values(template).flatMap((part) => referencesIn(part as JsonValue));
}

/**
 * A template with the input's values in it. Text that is one reference becomes the value itself; references in a longer text become text, and
 * none where there is no value. `undefined`: the whole is one reference to an input without a value; such properties and items are left out.
 * Values are put into the parsed template, so that none can break out of its place, and a value's own braces mean nothing.
 */
export function fillIn(template: JsonValue, input: JsonObject): JsonValue | undefined {
  if (typeof template === 'string') {
    const sole = SOLE_REFERENCE.exec(template)?.[1];
    return sole === undefined ? fillText(template, input) : (givenValue(input, sole) ?? undefined);
  }
  if (Array.isArray(template)) {
    return template.map((item) => fillIn(item, input)).filter((item) => item !== undefined);
  }
  if (!isJsonObject(template)) return template;
  const filled: JsonObject = {};
  for (const [key, part] of Object.entries(template)) {
    const value = fillIn(part, input);
    if (value !== undefined) filled[key] = value;
  }
  return filled;
}

/** A text with the input's values in it, each passed through `encode`. */
export function fillText(
  template: string,
  input: JsonObject,
  encode: (text: string) => string = (text) => text,
): string {
  return template.replace(REFERENCE, (_, name: string) => encode(valueAsText(givenValue(input, name))));
}

const givenValue = (input: JsonObject, name: string): JsonValue =>
  Object.hasOwn(input, name) ? (input[name] ?? null) : null;
