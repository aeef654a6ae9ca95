import type { Failure } from '../domain/failure.ts';
import { isJsonObject, type JsonValue } from '../domain/json.ts';
import { valueAsText } from '../domain/value.ts';
import type { Warning } from '../domain/warning.ts';

/**
 * UTF-16 units that a rendered template may have. One short template can name a large value many times; this keeps a run
 * from asking for more text than a process can hold.
 */
export const MAX_RENDERED_LENGTH = 16 * 1024 * 1024;

/** Something in double parentheses that looks like a key; longer or nested ones are ordinary text. */
const LOOKS_LIKE_KEY = /\(\(([^()\n]{1,100})\)\)/y;

type Values = Readonly<Record<string, JsonValue>>;

/** A template's text: rich-text templates are a list of `{ text }` parts that are joined (noxus-api.md 2.2). */
export function templateText(template: JsonValue): string {
  if (!Array.isArray(template)) return valueAsText(template);
  return template.map((part) => valueAsText(isJsonObject(part) ? (part['text'] ?? null) : part)).join('');
}

/**
 * Replaces `((Key))` by the text of that key's value, in one pass: a value that itself says `((Other))` is left alone.
 * Keys without a value stay as they are, and a `general` warning names them.
 * @param encode turns a value's text into what is put in; `at` is the place of the reference in the template.
 */
export function renderTemplate(
  template: JsonValue,
  values: Values,
  encode: (text: string, at: number) => string = (text) => text,
): { readonly text: string; readonly warnings: readonly Warning[] } | { readonly failure: Failure } {
  const source = templateText(template);
  const unknown = new Set<string>();
  const parts: string[] = [];
  let length = 0;
  let copied = 0;
  const put = (text: string): void => {
    parts.push(text);
    length += text.length;
  };
  for (const reference of references(source, values)) {
    if (!Object.hasOwn(values, reference.key)) {
      unknown.add(reference.key);
      continue;
    }
    put(source.slice(copied, reference.start));
    put(encode(valueAsText(values[reference.key] ?? null), reference.start));
    copied = reference.end;
    if (length > MAX_RENDERED_LENGTH) return { failure: tooLong() };
  }
  put(source.slice(copied));
  if (length > MAX_RENDERED_LENGTH) return { failure: tooLong() };
  return { text: parts.join(''), warnings: unknown.size === 0 ? [] : [unknownKeys([...unknown])] };
}

/**
 * A value that an author wrote in a configuration, with its references replaced: text that is one reference and nothing else
 * becomes the value itself, other text is rendered, lists and objects are filled in deeply. `undefined`: the whole is one
 * reference to a key without a value.
 * @throws RangeError when a rendered text is longer than {@link MAX_RENDERED_LENGTH}.
 */
export function resolveReferences(written: JsonValue, values: Values): JsonValue | undefined {
  if (typeof written === 'string') {
    const key = soleReference(written, values);
    if (key !== null) return Object.hasOwn(values, key) ? values[key] : undefined;
    const rendered = renderTemplate(written, values);
    if ('failure' in rendered) throw new RangeError(rendered.failure.message);
    return rendered.text;
  }
  if (Array.isArray(written)) return written.map((item) => resolveReferences(item, values) ?? null);
  if (!isJsonObject(written)) return written;
  return Object.fromEntries(
    Object.entries(written).map(([key, value]) => [key, resolveReferences(value, values) ?? null]),
  );
}

function soleReference(text: string, values: Values): string | null {
  const [first] = references(text, values);
  return first !== undefined && first.start === 0 && first.end === text.length ? first.key : null;
}

/** Every reference in the text, from left to right. Known keys may hold any characters; the longest that fits is taken. */
function* references(source: string, values: Values): Generator<{ key: string; start: number; end: number }> {
  const keys = Object.keys(values).sort((a, b) => b.length - a.length);
  let at = source.indexOf('((');
  while (at >= 0) {
    let end = at + 1;
    const known = keys.find((key) => source.startsWith(`${key}))`, at + 2));
    if (known !== undefined) {
      end = at + known.length + 4;
      yield { key: known, start: at, end };
    } else {
      LOOKS_LIKE_KEY.lastIndex = at;
      const match = LOOKS_LIKE_KEY.exec(source);
      if (match !== null) {
        end = at + match[0].length;
        yield { key: match[1] ?? '', start: at, end };
      }
    }
    at = source.indexOf('((', end);
  }
}

function unknownKeys(keys: string[]): Warning {
  return {
    identifier: 'general',
    detail: `The template names ${keys.map((key) => `((${key}))`).join(', ')}, and nothing is connected under that name. Connect a value or correct the name.`,
    params: { keys },
  };
}

function tooLong(): Failure {
  return {
    code: 'too_large',
    message: `The template with its values filled in is longer than ${MAX_RENDERED_LENGTH} characters. Shorten the values or name them fewer times.`,
  };
}
