/** The JSON text of an object whose values are JSON texts already: stored payloads are spliced in, never parsed. */
export function objectText(fields: Readonly<Record<string, string>>): string {
  let text = '{';
  for (const name in fields) text += `${text === '{' ? '' : ','}"${name}":${fields[name]}`;
  return `${text}}`;
}

/** The JSON text of a list of JSON texts. */
export function listText(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether lists and objects in a JSON text lie in one another more than `limit` levels deep. A text that is no JSON may give either answer. */
export function nestsDeeper(text: string, limit: number): boolean {
  return reaches(text, limit, -1);
}

/** Whether there are more than `limit` lists and objects in a JSON text. A text that is no JSON may give either answer. */
export function opensMore(text: string, limit: number): boolean {
  return reaches(text, limit, 0);
}

/** @param atClose what a list or object that ends adds to the count of those that have begun */
function reaches(text: string, limit: number, atClose: -1 | 0): boolean {
  // Each takes a character to open and one to close: most bodies are shorter than that.
  if (text.length < 2 * limit) return false;
  let count = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (OPENING.has(code)) {
      count += 1;
      if (count > limit) return true;
    } else if (CLOSING.has(code)) count += atClose;
  }
  return false;
}
