import { isNullOperator, type Operator, operatorOfWord } from './ast.ts';
import { quotedName, quotedText } from './print.ts';
import { type Token, tokenize } from './token.ts';
import { type Field, fieldAt, OPERATORS_OF_KIND, type Vocabulary } from './vocabulary.ts';

/** What could stand at the cursor. */
export interface Suggestions {
  /** The text from here to `to` is replaced by what is chosen. */
  readonly from: number;
  readonly to: number;
  readonly options: readonly Suggestion[];
}

export interface Suggestion {
  /** What is inserted. */
  readonly text: string;
  readonly kind: 'field' | 'operator' | 'value' | 'connector';
  /** One sentence on what it means. */
  readonly description: string;
}

/**
 * What a person may go on with at the cursor: fields, operators of the field before, values of its kind, or AND and OR.
 * Only options that go on from what is written before the cursor are given, in the order of the vocabulary.
 *
 * @param cursor a position in the text, in UTF-16 code units.
 */
export function suggest(text: string, cursor: number, vocabulary: Vocabulary): Suggestions {
  const before = tokenize(text.slice(0, cursor)).slice(0, -1);
  const written = wordUnderCursor(before, cursor);
  const from = written[0]?.from ?? cursor;
  const prefix = text.slice(from, cursor).toLowerCase();
  const options = optionsAfter(before.slice(0, before.length - written.length), written, vocabulary);
  const fits = ({ text }: Suggestion) => text.length > prefix.length && text.toLowerCase().startsWith(prefix);
  return { from, to: cursor, options: options.filter(fits) };
}

/** The tokens of the name or word that touches the cursor: `model.sl` is three, and none is there after a space. */
function wordUnderCursor(before: readonly Token[], cursor: number): readonly Token[] {
  let start = before.length;
  let end = cursor;
  while (start > 0) {
    const token = before[start - 1] as Token;
    if (token.to !== end || !WORD_TOKENS.has(token.kind)) break;
    start--;
    end = token.from;
  }
  return before.slice(start);
}

const WORD_TOKENS: ReadonlySet<Token['kind']> = new Set(['bare', 'backquoted', '.', 'and', 'or', 'not']);

const CONNECTORS: readonly Suggestion[] = [
  { text: 'AND', kind: 'connector', description: 'Both conditions must hold.' },
  { text: 'OR', kind: 'connector', description: 'One of the conditions must hold.' },
];
const NOT: Suggestion = { text: 'NOT', kind: 'connector', description: 'The condition must not hold.' };

/** Reads the tokens from the left, remembering only what may come next. */
function optionsAfter(before: readonly Token[], written: readonly Token[], vocabulary: Vocabulary): Suggestion[] {
  let field: Field | undefined;
  let state: 'field' | 'operator' | 'value' | 'list' | 'connector' = 'field';
  let path: string[] = [];
  for (const [index, token] of before.entries()) {
    switch (state) {
      case 'field':
      case 'operator': {
        if (token.kind === 'operator') {
          field = fieldAt(path, vocabulary)?.field;
          state = 'value';
        } else if (token.kind === 'bare' || token.kind === 'backquoted') {
          if (before[index - 1]?.kind !== '.') path = [];
          path.push(token.text);
          state = isNullTest(path) ? 'connector' : 'operator';
        }
        break;
      }
      case 'value':
        state = token.kind === '(' ? 'list' : 'connector';
        break;
      case 'list':
        if (token.kind === ')') state = 'connector';
        break;
      case 'connector':
        if (token.kind === 'and' || token.kind === 'or') state = 'field';
        path = [];
        break;
    }
  }
  const last = before.at(-1);
  // Within a string that is still open there is nothing to offer.
  if (last?.problem && last.kind !== 'operator') return [];
  switch (state) {
    case 'field':
      return [...fieldOptions(written, vocabulary), ...(written.some(({ kind }) => kind === '.') ? [] : [NOT])];
    case 'operator':
      return symbolOptions(fieldAt(path, vocabulary)?.field);
    case 'list':
      return last?.kind === '(' || last?.kind === ',' ? valueOptions(field) : [];
    case 'value':
      return valueOptions(field);
    case 'connector':
      return [...CONNECTORS];
  }
}

function isNullTest(path: readonly string[]): boolean {
  const operator = path.length > 1 ? operatorOfWord(path.at(-1) ?? '') : undefined;
  return operator !== undefined && isNullOperator(operator);
}

/** Fields, and what may follow the field that is already there: `cost` goes on as `cost>`, `cost.` as `cost.between:`. */
function fieldOptions(written: readonly Token[], vocabulary: Vocabulary): Suggestion[] {
  const fields = vocabulary.fields.map(
    (field): Suggestion => ({ text: field.name, kind: 'field', description: field.description }),
  );
  const keys = written.flatMap(({ kind, text }) => (kind === '.' ? [] : [text]));
  const stems = written.at(-1)?.kind === '.' ? [keys] : [keys.slice(0, -1), keys];
  return [...fields, ...stems.flatMap((stem) => operatorOptions(stem, vocabulary))];
}

/** The operators of a field, or of a value within JSON, with its name before them. */
function operatorOptions(keys: readonly string[], vocabulary: Vocabulary): Suggestion[] {
  const found = fieldAt(keys, vocabulary);
  if (!found || (found.field.kind !== 'json' && found.length < keys.length)) return [];
  const isWholeJson = found.field.kind === 'json' && found.length === keys.length;
  const name = keys.map((key, index) => (index < found.length ? key : quotedName(key))).join('.');
  const symbols = symbolOptions(found.field).map((option) => ({ ...option, text: `${name}${option.text}` }));
  const words = OPERATORS_OF_KIND[found.field.kind].flatMap((operator): Suggestion[] => {
    const description = WORDS_IN_WORDS[operator];
    const isNullTest = isNullOperator(operator);
    if (description === undefined || (isWholeJson && !isNullTest)) return [];
    return [{ text: `${name}.${operator}${isNullTest ? '' : ':'}`, kind: 'operator', description }];
  });
  return isWholeJson ? words : [...symbols, ...words];
}

function symbolOptions(field: Field | undefined): Suggestion[] {
  return Object.entries(SYMBOLS_IN_WORDS)
    .filter(([, { operator }]) => field === undefined || OPERATORS_OF_KIND[field.kind].includes(operator))
    .map(([text, { description }]): Suggestion => ({ text, kind: 'operator', description }));
}

const SYMBOLS_IN_WORDS: Readonly<Record<string, { operator: Operator; description: string }>> = {
  ':': { operator: 'eq', description: 'Is exactly.' },
  '!=': { operator: 'ne', description: 'Is something else.' },
  '>': { operator: 'gt', description: 'Is greater or later than.' },
  '>=': { operator: 'gte', description: 'Is at least.' },
  '<': { operator: 'lt', description: 'Is less or earlier than.' },
  '<=': { operator: 'lte', description: 'Is at most.' },
};

const WORDS_IN_WORDS: Readonly<Partial<Record<Operator, string>>> = {
  in: "Is one of a list: ('a', 'b').",
  nin: 'Is none of a list.',
  between: 'Is from the first value to the second, both included.',
  like: 'Matches a pattern: % is any text, _ any character.',
  ilike: 'Matches a pattern, whatever the case of a to z.',
  contains: 'Holds this text.',
  startswith: 'Begins with this text.',
  endswith: 'Ends with this text.',
  isnull: 'Has no value.',
  notnull: 'Has a value.',
};

function valueOptions(field: Field | undefined): Suggestion[] {
  const value = (text: string, description: string): Suggestion => ({ text, kind: 'value', description });
  switch (field?.kind) {
    case 'boolean':
      return [value('true', 'Yes.'), value('false', 'No.')];
    case 'datetime':
      return RELATIVE_TIMES.map(([text, description]) => value(text, description));
    case 'code':
      return Object.keys(field.codes ?? {}).map((word) =>
        value(/^[\w/@-]+$/.test(word) ? word : quotedText(word), `A value of ${field.name}.`),
      );
    default:
      return [];
  }
}

const RELATIVE_TIMES: readonly (readonly [string, string])[] = [
  ['now-1h', 'An hour ago.'],
  ['now-24h', 'A day ago.'],
  ['now-7d', 'A week ago.'],
  ['now-30d', 'Thirty days ago.'],
];
