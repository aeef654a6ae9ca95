import { ON_ERROR } from '../../domain/definition.ts';
import { isJsonObject, type JsonValue } from '../../domain/json.ts';

/** Something an author lists by name, with a sentence that says when it is meant. */
export interface Labelled {
  readonly name: string;
  readonly description: string | null;
}

const MAX_LISTED = 100;
const MAX_NAME_LENGTH = 100;
const MAX_DESCRIPTION_LENGTH = 2_000;

/**
 * Reads a list of names, each a text or `{"name", "description"}`.
 * @param taken names that mean something else where these are used
 */
export function readLabelled(
  written: JsonValue,
  taken: ReadonlySet<string> = new Set(),
): { readonly list: readonly Labelled[] } | { readonly problem: string } {
  if (!Array.isArray(written) || written.length === 0)
    return { problem: 'There must be a list with at least one name.' };
  if (written.length > MAX_LISTED)
    return { problem: `There are ${written.length}; at most ${MAX_LISTED} are allowed.` };
  const list: Labelled[] = [];
  for (const [index, item] of written.entries()) {
    const { name, description } = isJsonObject(item) ? item : { name: item };
    const isName = typeof name === 'string' && name.trim() !== '' && name.length <= MAX_NAME_LENGTH;
    if (!isName || taken.has(name)) {
      const others = taken.size === 0 ? '' : `, other than ${[...taken].join(', ')}`;
      const given = JSON.stringify(name ?? null);
      return {
        problem: `Number ${index + 1}: its name must be text of 1 to ${MAX_NAME_LENGTH} characters${others}; given was ${given}.`,
      };
    }
    if (list.some((other) => other.name === name)) return { problem: `"${name}" is there twice.` };
    const said = typeof description === 'string' && description.trim() !== '' ? description : null;
    if (said !== null && said.length > MAX_DESCRIPTION_LENGTH) {
      return { problem: `"${name}": its description is longer than ${MAX_DESCRIPTION_LENGTH} characters.` };
    }
    list.push({ name, description: said });
  }
  return { list };
}

/** The list as lines of a prompt. */
export function listed(list: readonly Labelled[]): string {
  return list.map(({ name, description }) => `- ${name}${description === null ? '' : `: ${description}`}`).join('\n');
}

/** Why a name cannot be that of an output, which is addressed as `node::connector::key` and must differ from `others`; null when it can. */
export function outputNameProblem(name: string, others: ReadonlySet<string>): string | null {
  if (/::|\./.test(name)) return `"${name}" holds "::" or ".", which no output's name can.`;
  if (name === ON_ERROR || others.has(name)) return `"${name}" is the name of another output.`;
  return null;
}
