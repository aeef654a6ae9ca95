import { operatorOfWord } from '../../../../src/filter/ast.ts';
import { explorerVocabulary } from '../../../../src/filter/explorer-vocabulary.ts';
import { type Suggestion, suggest } from '../../../../src/filter/suggest.ts';
import { type Token, tokenize } from '../../../../src/filter/token.ts';
import { fieldAt } from '../../../../src/filter/vocabulary.ts';
import { api } from '../../explorer-api.ts';
import { readBar } from './bar-text.ts';

/** Values offered of those that were seen. */
const MOST_VALUES = 30;

/** A value that is being written: of which field, and what there is of it. */
interface ValueInHand {
  readonly field: string;
  readonly from: number;
  readonly prefix: string;
}

/** Something that may be written next. */
export interface Completion {
  /** What is put in place of what is written from `from` on. */
  readonly text: string;
  readonly label: string;
  readonly detail: string;
  readonly kind: Suggestion['kind'];
}

export interface Completions {
  readonly from: number;
  readonly options: readonly Completion[];
}

/**
 * Offers what may stand at the cursor: fields, operators, and the values that runs have, with how many.
 * @param isAsked it was asked for; otherwise nothing is offered between two conditions, where any word may follow
 */
export async function completeFilter(
  bar: string,
  cursor: number,
  isAsked: boolean,
  signal: AbortSignal,
): Promise<Completions | null> {
  const before = conditionsBefore(bar, cursor);
  const { from, options } = suggest(before, cursor, explorerVocabulary);
  if (before.slice(from).trim() === '' && !isAsked && !/[:=<>(,]\s*$/.test(before)) return null;
  const inHand = valueInHand(before);
  const seen = inHand ? await seenValues(inHand, signal) : [];
  if (signal.aborted) return null;
  const known = new Set(seen.map(({ text }) => text));
  const all = [...seen, ...options.map(asCompletion).filter(({ text }) => !known.has(text))];
  return all.length === 0 ? null : { from: inHand && seen.length > 0 ? inHand.from : from, options: all };
}

/** The text before the cursor without the words to search for, except the one that is being written: it may become a field. */
function conditionsBefore(bar: string, cursor: number): string {
  const { words } = readBar(bar.slice(0, cursor), explorerVocabulary);
  let text = bar.slice(0, cursor);
  for (const { from, to } of words) {
    const end = to === cursor ? from + Math.max(0, bar.slice(from, to).search(/\S+$/)) : to;
    text = text.slice(0, from) + ' '.repeat(end - from) + text.slice(end);
  }
  return text;
}

/** The value at the end of a text, when a field and an operator are before it. */
function valueInHand(before: string): ValueInHand | null {
  const tokens = tokenize(before).slice(0, -1);
  const last = tokens.at(-1);
  if (!last) return null;
  const isOpen = last.kind === 'bare' || (last.kind === 'quoted' && last.problem !== undefined);
  const isWriting = isOpen && last.to === before.length;
  let at = isWriting ? tokens.length - 2 : tokens.length - 1;
  // In a list the operator is before the parenthesis.
  if (tokens[at]?.kind === ',' || tokens[at]?.kind === '(') {
    while (at >= 0 && tokens[at]?.kind !== '(') at--;
    at--;
  }
  if (tokens[at]?.kind !== 'operator') return null;
  const keys = keysBefore(tokens, at);
  if (keys.length > 1 && operatorOfWord(keys.at(-1) ?? '')) keys.pop();
  const field = fieldAt(keys, explorerVocabulary)?.field;
  if (!field || field.kind === 'datetime') return null;
  return { field: keys.join('.'), from: isWriting ? last.from : before.length, prefix: isWriting ? last.text : '' };
}

function keysBefore(tokens: readonly Token[], operator: number): string[] {
  const keys: string[] = [];
  for (let at = operator - 1; at >= 0; at -= 2) {
    const name = tokens[at];
    if (name?.kind !== 'bare' && name?.kind !== 'backquoted') break;
    keys.unshift(name.text);
    if (tokens[at - 1]?.kind !== '.') break;
  }
  return keys;
}

async function seenValues({ field, prefix }: ValueInHand, signal: AbortSignal): Promise<Completion[]> {
  try {
    const { values } = await api.filter.values({ field, prefix, limit: MOST_VALUES }, { signal });
    return values.map(({ text, label, value, count }) => ({
      text: `${text} `,
      label,
      detail: `${label === value ? '' : `${value.slice(0, 8)}… `}${count.toLocaleString('en-US')}`,
      kind: 'value',
    }));
  } catch {
    // Without the server what the language knows is still offered.
    return [];
  }
}

function asCompletion({ text, kind, description }: Suggestion): Completion {
  return { text: writtenOut(text, kind), label: text, detail: description, kind };
}

/** What is surely written next comes with it: the colon after a field of words, a blank after a value. */
function writtenOut(text: string, kind: Suggestion['kind']): string {
  if (kind === 'value' || kind === 'connector') return `${text} `;
  if (kind !== 'field') return text;
  const field = explorerVocabulary.byName.get(text);
  if (field?.kind === 'json') return `${text}.`;
  return field?.kind === 'integer' || field?.kind === 'decimal' || field?.kind === 'datetime' ? text : `${text}:`;
}
