/** A stretch of the text a node was read from, in UTF-16 code units. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The operators, each under one name whatever way it was written. */
export const OPERATORS = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'in',
  'nin',
  'between',
  'like',
  'ilike',
  'contains',
  'startswith',
  'endswith',
  'isnull',
  'notnull',
] as const;

/** What a predicate does with its field. */
export type Operator = (typeof OPERATORS)[number];

/** The symbols; `:` and `=` are the same, and so are `!=` and `!:`. */
export const OPERATOR_OF_SYMBOL: Readonly<Record<string, Operator>> = {
  ':': 'eq',
  '=': 'eq',
  '!=': 'ne',
  '!:': 'ne',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
};

const OPERATOR_OF_WORD: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...OPERATORS.map((operator) => [operator, operator] as const),
  ['le', 'lte'],
  ['ge', 'gte'],
]);

/** The operator a word stands for in `field.word:value`, in any case; undefined when it is none. */
export function operatorOfWord(word: string): Operator | undefined {
  // Lower case alone would make a k of the Kelvin sign.
  return /^[a-z]+$/i.test(word) ? OPERATOR_OF_WORD.get(word.toLowerCase()) : undefined;
}

/** True for the operators that stand without a value: `started_at.isnull`. */
export function isNullOperator(operator: Operator): boolean {
  return operator === 'isnull' || operator === 'notnull';
}

/** A filter as it was written: nothing about which fields exist. */
export type Expression = Junction | Negation | Predicate | Broken;

/** Two or more expressions of which all (`and`) or at least one (`or`) must hold; never directly inside its like. */
export interface Junction extends Span {
  readonly kind: 'and' | 'or';
  readonly terms: readonly Expression[];
}

export interface Negation extends Span {
  readonly kind: 'not';
  readonly term: Expression;
}

/**
 * One condition. Null tests always read `isnull` or `notnull` with no values: `x:null` and `x.isnull:true` become the
 * former, `x!=null` and `x.isnull:false` the latter.
 */
export interface Predicate extends Span {
  readonly kind: 'predicate';
  readonly path: Path;
  readonly operator: Operator;
  /** How many values an operator takes is a question for `check`. */
  readonly values: readonly Value[];
}

/** What remains of a condition that could not be read; always comes with a diagnostic. */
export interface Broken extends Span {
  readonly kind: 'broken';
  readonly path: Path;
}

/** A field and, for JSON, the way into it: `metadata.order.items[0]`. */
export interface Path extends Span {
  readonly segments: readonly Segment[];
}

export interface Segment extends Span {
  /** A key, or the index of an item in a JSON list. */
  readonly key: string | number;
}

export interface Value extends Span {
  /** Without quotes and escapes. */
  readonly text: string;
  /** Whether it stood in quotes: `'42'` is text in JSON where `42` is a number, and `'null'` is a word. */
  readonly quoted: boolean;
}
