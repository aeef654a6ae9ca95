import { isNullOperator, operatorOfWord } from '../../../../src/filter/ast.ts';
import { quotedText } from '../../../../src/filter/print.ts';
import { type Token, tokenize } from '../../../../src/filter/token.ts';
import { fieldAt, type Vocabulary } from '../../../../src/filter/vocabulary.ts';

/**
 * What the one bar says: conditions, and words to search for. `refund status:failed` searches "refund" among the failed runs. Words are whatever is not
 * part of a condition; in quotes they may look like one: `'status:failed'`.
 */
export interface BarReading {
  /** The conditions in their places, the words blanked out, so that positions in it are positions in the bar. */
  readonly filterInPlace: string;
  /** The conditions alone. */
  readonly filter: string;
  /** What to search for; empty for nothing. */
  readonly text: string;
  /** Where the words stand. */
  readonly words: readonly { readonly from: number; readonly to: number }[];
}

export function readBar(bar: string, vocabulary: Vocabulary): BarReading {
  const tokens = tokenize(bar).slice(0, -1);
  const isFilter = conditionsIn(tokens, vocabulary);
  const words: { from: number; to: number }[] = [];
  const conditions: { from: number; to: number }[] = [];
  let previous: boolean | null = null;
  for (const [index, { from, to }] of tokens.entries()) {
    const kind = isFilter[index] === true;
    const runs = kind ? conditions : words;
    const last = runs.at(-1);
    if (kind === previous && last) last.to = to;
    else runs.push({ from, to });
    previous = kind;
  }
  const slices = (spans: typeof words) => spans.map(({ from, to }) => bar.slice(from, to));
  const only = tokens.length === 1 || words.length === 1 ? onlyQuoted(tokens, isFilter) : undefined;
  let filterInPlace = bar;
  for (const { from, to } of words)
    filterInPlace = filterInPlace.slice(0, from) + ' '.repeat(to - from) + filterInPlace.slice(to);
  return { filterInPlace, filter: slices(conditions).join(' '), text: only ?? slices(words).join(' '), words };
}

/** The bar that is read as these two. */
export function writeBar(filter: string, text: string, vocabulary: Vocabulary): string {
  if (text === '') return filter;
  const plain = readBar(text, vocabulary);
  const words = plain.filter === '' && plain.text === text ? text : quotedText(text);
  return filter === '' ? words : `${filter} ${words}`;
}

/** For each token whether it belongs to a condition. */
function conditionsIn(tokens: readonly Token[], vocabulary: Vocabulary): boolean[] {
  const isFilter: boolean[] = tokens.map(() => false);
  let at = 0;
  while (at < tokens.length) {
    const end = conditionAt(tokens, at, vocabulary);
    for (let index = at; index < end; index++) isFilter[index] = true;
    at = Math.max(end, at + 1);
  }
  // What joins conditions is one of theirs; "salt and pepper" has an `and` that joins words.
  for (const [index, { kind }] of tokens.entries()) {
    const before = isFilter[index - 1] === true;
    const after = isFilter[index + 1] === true || (tokens[index + 1]?.kind === 'not' && isFilter[index + 2] === true);
    if (kind === 'not' && after) isFilter[index] = true;
    if ((kind === 'and' || kind === 'or') && before && (after || index === tokens.length - 1)) isFilter[index] = true;
  }
  return isFilter;
}

/** Where the condition that begins here ends; `at` itself when none does. */
function conditionAt(tokens: readonly Token[], at: number, vocabulary: Vocabulary): number {
  const first = tokens[at];
  if (first?.kind === '(') {
    const close = closing(tokens, at);
    const inner = tokens.slice(at + 1, close);
    return inner.some((_, index) => conditionAt(inner, index, vocabulary) > index)
      ? Math.min(close + 1, tokens.length)
      : at;
  }
  if (first?.kind !== 'bare' && first?.kind !== 'backquoted') return at;
  const keys: string[] = [first.text];
  let next = at + 1;
  while (tokens[next]?.kind === '.' && tokens[next]?.from === tokens[next - 1]?.to) {
    const name = tokens[next + 1];
    if (name && name.from === tokens[next]?.to && name.kind !== 'operator') keys.push(name.text);
    next += name ? 2 : 1;
    while (tokens[next]?.kind === '[' && tokens[next + 2]?.kind === ']') next += 3;
  }
  while (tokens[next]?.kind === '[' && tokens[next + 2]?.kind === ']') next += 3;
  const isKnown = fieldAt(keys, vocabulary) !== undefined;
  const symbol = tokens[next];
  if (symbol?.kind !== 'operator') {
    const word = keys.length > 1 ? operatorOfWord(keys.at(-1) ?? '') : undefined;
    return isKnown && word && isNullOperator(word) ? next : at;
  }
  const touches = symbol.from === tokens[next - 1]?.to;
  // "5 > 3" are words; `statuscode:failed` is a mistake worth telling.
  if (!isKnown && !(touches && /^[\p{L}_]/u.test(first.text))) return at;
  return valueEnd(tokens, next + 1);
}

function valueEnd(tokens: readonly Token[], at: number): number {
  if (tokens[at]?.kind === '(') return Math.min(closing(tokens, at) + 1, tokens.length);
  if (!tokens[at] || tokens[at].kind === ')') return at;
  let end = at + 1;
  while (tokens[end] && tokens[end]?.from === tokens[end - 1]?.to && tokens[end]?.kind !== ')') end++;
  return end;
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < tokens.length; index++) {
    if (tokens[index]?.kind === '(') depth++;
    if (tokens[index]?.kind === ')' && --depth === 0) return index;
  }
  return tokens.length;
}

/** The text of the words when they are one quoted text. */
function onlyQuoted(tokens: readonly Token[], isFilter: readonly boolean[]): string | undefined {
  const words = tokens.filter((_, index) => !isFilter[index]);
  return words.length === 1 && words[0]?.kind === 'quoted' && !words[0].problem ? words[0].text : undefined;
}
