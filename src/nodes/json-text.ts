import type { JsonValue } from '../domain/json.ts';

/** Deeper values make recursive code (also the platform's own JSON writer) run out of stack. */
export const MAX_JSON_DEPTH = 200;

/**
 * Parses JSON text (RFC 8259).
 * @returns the value, or what is wrong and where (line and column, both from 1).
 */
export function parseJson(text: string): { readonly value: JsonValue } | { readonly problem: string } {
  if (depthOf(text) > MAX_JSON_DEPTH) return { problem: `It is nested deeper than ${MAX_JSON_DEPTH} levels.` };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: describe(error instanceof Error ? error.message : String(error), text) };
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth--;
  }
  return deepest;
}

/** V8 names the offset in most messages; people get line, column and the text there. */
function describe(message: string, text: string): string {
  const named = /at position (\d+)/.exec(message);
  let offset = named ? Number(named[1]) : text.length;
  if (message.startsWith(UNEXPECTED_TOKEN)) offset = offsetOfUnexpectedToken(text);
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  const found = offset >= text.length ? 'the end of the text' : JSON.stringify(text.slice(offset, offset + 20));
  return `Not JSON at line ${line}, column ${column}: found ${found}.`;
}

const UNEXPECTED_TOKEN = 'Unexpected token';

/** For this one message V8 leaves the offset out. Every beginning of the text that ends after the token gets it, no shorter one does. */
function offsetOfUnexpectedToken(text: string): number {
  let without = 0;
  let withToken = text.length;
  while (withToken - without > 1) {
    const middle = (without + withToken) >> 1;
    if (hasUnexpectedToken(text.slice(0, middle))) withToken = middle;
    else without = middle;
  }
  return without;
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error instanceof Error && error.message.startsWith(UNEXPECTED_TOKEN);
  }
}
