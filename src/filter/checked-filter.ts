import type { FieldKind } from './vocabulary.ts';

/**
 * A filter that makes sense: columns of the domain, values of their kinds, and few operators, to which all others are
 * reduced (`ne` is `not` of `in`, `between` two orders, `contains` a `like`). Its logic is that of SQL: a test of a null is
 * unknown, and a record is found only when the whole is true.
 */
export type CheckedFilter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly CheckedFilter[] }
  | { readonly kind: 'not'; readonly term: CheckedFilter }
  | CheckedTest;

/** One test of one column. `in` without values is false, but unknown for a null as all but `null` are. */
export type CheckedTest =
  | { readonly kind: 'null'; readonly target: Target }
  | { readonly kind: 'in'; readonly target: Target; readonly values: readonly CheckedValue[] }
  | { readonly kind: 'order'; readonly target: Target; readonly order: Order; readonly value: CheckedValue }
  | { readonly kind: 'like'; readonly target: Target; readonly pattern: string; readonly ignoreCase: boolean };

/** Less than, at most, greater than, at least. */
export type Order = 'lt' | 'lte' | 'gt' | 'gte';

/** What a test reads: a column and, in JSON, the keys and list indexes on the way to a value. */
export interface Target {
  readonly column: string;
  readonly kind: FieldKind;
  readonly path: readonly (string | number)[];
}

/**
 * Text for uuid (lower case, with hyphens), text and code; a number for integer and datetime (epoch milliseconds, with a
 * fraction where the text was finer); the canonical text for decimal; for JSON whatever the literal was. In JSON a value of
 * another type is neither equal to, nor before, nor after this one.
 */
export type CheckedValue = string | number | boolean;
