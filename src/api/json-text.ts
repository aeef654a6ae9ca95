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
