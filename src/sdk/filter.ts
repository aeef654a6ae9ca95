import type { Expression, Operator, Value } from '../filter/ast.ts';
import { print } from '../filter/print.ts';
import { type FieldKind, OPERATORS_OF_KIND } from '../filter/vocabulary.ts';
import {
  BATCH_KINDS,
  EVALUATION_KINDS,
  FLOW_KINDS,
  HUMAN_REQUEST_KINDS,
  LOG_KINDS,
  MODEL_KINDS,
  NODE_RUN_KINDS,
  RUN_KINDS,
} from './field-kinds.ts';

/** Positions in a text that does not exist yet. */
const NOWHERE = { from: 0, to: 0 };

/** A condition of the filter language. `String(condition)` is its text, with every value escaped; lists take it as `q`. */
export class Condition {
  /** What it says, as the language's own parser would read it. */
  readonly expression: Expression;

  constructor(expression: Expression) {
    this.expression = expression;
  }

  /** Holds where this one and all others hold. */
  and(...others: readonly Condition[]): Condition {
    return junction('and', [this, ...others]);
  }

  /** Holds where this one or another holds. */
  or(...others: readonly Condition[]): Condition {
    return junction('or', [this, ...others]);
  }

  /** Holds where this one does not; what is not known, since a value is null, stays unknown. */
  not(): Condition {
    return new Condition({ kind: 'not', term: this.expression, ...NOWHERE });
  }

  toString(): string {
    return print(this.expression);
  }
}

/** A junction is never directly inside its like: `(a AND b) AND c` is one of three. */
function junction(kind: 'and' | 'or', conditions: readonly Condition[]): Condition {
  const terms = conditions.flatMap(({ expression }) => (expression.kind === kind ? expression.terms : [expression]));
  const [only] = terms;
  return new Condition(terms.length === 1 && only ? only : { kind, terms, ...NOWHERE });
}

type Scalar = string | number | bigint | boolean | Date;

/** Nothing is said of a field but whether it has a value. */
interface NullTests {
  isnull(): Condition;
  notnull(): Condition;
}
interface Equality<V> {
  eq(value: V): Condition;
  ne(value: V): Condition;
  in(...values: readonly V[]): Condition;
  nin(...values: readonly V[]): Condition;
}
interface Order<V> {
  lt(value: V): Condition;
  lte(value: V): Condition;
  gt(value: V): Condition;
  gte(value: V): Condition;
  between(first: V, last: V): Condition;
}
interface Patterns {
  /** `%` is any text, `_` one character, `\` takes the next as it is. */
  like(pattern: string): Condition;
  ilike(pattern: string): Condition;
  contains(text: string): Condition;
  startswith(text: string): Condition;
  endswith(text: string): Condition;
}

/** A value inside JSON: the form of what it is compared with says its type. */
type JsonField = NullTests & Equality<string | number | bigint | boolean> & Order<string | number | bigint> & Patterns;

/** The operators of a field, by what it holds. */
interface FieldOf {
  readonly uuid: NullTests & Equality<string>;
  readonly text: NullTests & Equality<string> & Order<string> & Patterns;
  readonly code: NullTests & Equality<string> & Order<string> & Patterns;
  /** Times are a `Date`, or text: ISO 8601, `now`, `now-7d`. */
  readonly datetime: NullTests & Equality<Date | string> & Order<Date | string>;
  readonly integer: NullTests & Equality<number | bigint> & Order<number | bigint>;
  /** Money: text stays exact where a number would not. */
  readonly decimal: NullTests & Equality<number | string> & Order<number | string>;
  readonly boolean: NullTests & { eq(value: boolean): Condition; ne(value: boolean): Condition };
  /** A value inside is reached by keys and list indexes: `metadata.at('order', 'items', 0)`. */
  readonly json: NullTests & { at(...path: readonly [string | number, ...(string | number)[]]): JsonField };
}

type Kinds = Readonly<Record<string, FieldKind | readonly string[]>>;

/** The fields of a list with the operators that each takes. A field of fixed words takes those alone. */
type Fields<K extends Kinds> = {
  readonly [Name in keyof K]: K[Name] extends readonly (infer Word extends string)[]
    ? NullTests & Equality<Word> & Order<string> & Patterns
    : K[Name] extends FieldKind
      ? FieldOf[K[Name]]
      : never;
};

function fieldsOf<K extends Kinds>(kinds: K): Fields<K> {
  const fields = Object.entries(kinds).map(([name, given]) => {
    const kind = typeof given === 'string' ? given : 'code';
    return [name, fieldOf(name.split('.'), kind)];
  });
  return Object.fromEntries(fields) as Fields<K>;
}

/** One field: a method for each operator of its kind. */
function fieldOf(path: readonly (string | number)[], kind: FieldKind): object {
  if (kind === 'json') {
    const at = (...keys: readonly (string | number)[]) => operatorsOf([...path, ...keys], OPERATORS_OF_KIND.json);
    return { ...operatorsOf(path, ['isnull', 'notnull']), at };
  }
  return operatorsOf(path, OPERATORS_OF_KIND[kind]);
}

function operatorsOf(path: readonly (string | number)[], operators: readonly Operator[]): object {
  const segments = path.map((key) => ({ key: typeof key === 'string' ? writable(key) : indexOf(key), ...NOWHERE }));
  const methods = operators.map((operator) => [
    operator,
    (...values: readonly Scalar[]) =>
      new Condition({
        kind: 'predicate',
        path: { segments, ...NOWHERE },
        operator,
        values: values.map(written),
        ...NOWHERE,
      }),
  ]);
  return Object.fromEntries(methods);
}

/** Text always stands in quotes, so that nothing in it is read as anything else; numbers, flags and times stand bare. */
function written(value: Scalar): Value {
  if (typeof value === 'string') return { text: writable(value), quoted: true, ...NOWHERE };
  if (value instanceof Date) return { text: value.toISOString(), quoted: false, ...NOWHERE };
  return { text: typeof value === 'number' ? plainNumber(value) : String(value), quoted: false, ...NOWHERE };
}

function writable(text: string): string {
  if (text.includes('\0')) throw new RangeError('A filter cannot hold the character U+0000. Leave it out of the text.');
  return text;
}

function indexOf(index: number): number {
  if (Number.isInteger(index) && index >= 0) return index;
  throw new RangeError(`A list index is a whole number from 0 on; given was ${index}.`);
}

/** A number without an exponent, which the language does not have: 1e-7 is 0.0000001. */
function plainNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`A filter compares with numbers; given was ${value}.`);
  const [digits = '', exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.');
  const point = whole.length + Number(exponent);
  const all = whole + fraction;
  const padded = point <= 0 ? `0.${'0'.repeat(-point)}${all}` : all.padEnd(point, '0');
  return `${digits.startsWith('-') ? '-' : ''}${padded}`;
}

/** The fields of runs: `runFields.status_code.eq('failed')`. */
export const runFields: Fields<typeof RUN_KINDS> = fieldsOf(RUN_KINDS);
/** The fields of the nodes of runs. */
export const nodeRunFields: Fields<typeof NODE_RUN_KINDS> = fieldsOf(NODE_RUN_KINDS);
/** The fields of the log lines of runs. */
export const logFields: Fields<typeof LOG_KINDS> = fieldsOf(LOG_KINDS);
/** The fields of what runs ask persons. */
export const humanRequestFields: Fields<typeof HUMAN_REQUEST_KINDS> = fieldsOf(HUMAN_REQUEST_KINDS);
/** The fields of flows. */
export const flowFields: Fields<typeof FLOW_KINDS> = fieldsOf(FLOW_KINDS);
/** The fields of models. */
export const modelFields: Fields<typeof MODEL_KINDS> = fieldsOf(MODEL_KINDS);
/** The fields of batches. */
export const batchFields: Fields<typeof BATCH_KINDS> = fieldsOf(BATCH_KINDS);
/** The fields of evaluations. */
export const evaluationFields: Fields<typeof EVALUATION_KINDS> = fieldsOf(EVALUATION_KINDS);
