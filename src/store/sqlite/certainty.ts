import type { CheckedFilter, CheckedTest } from '../../filter/checked-filter.ts';
import { patternSteps } from '../../filter/text.ts';
import type { SqlValue } from '../sql/filter-to-sql.ts';
import type { ListSource } from '../sql/keyset.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import type { Connection } from './connection.ts';

/** What a filter makes certain of a column in every row that it finds; in any case that it is not null. */
export interface Certainty {
  /** It has one of these values. */
  readonly values?: readonly SqlValue[];
  readonly low?: Limit;
  readonly high?: Limit;
}

interface Limit {
  readonly value: SqlValue;
  /** Whether the limit itself is let through. */
  readonly inclusive: boolean;
}

/** What is certain, by column. */
export type Certainties = ReadonlyMap<string, Certainty>;

/**
 * Derives what every row that a filter finds must have, so that an index can lead to those rows. It need not find all there is to know, but
 * nothing that it says may be wrong: rows it leaves out are never looked at.
 */
export function certaintiesOf<T>(
  on: Connection,
  source: ListSource<T>,
  workspaceId: string,
  filter: CheckedFilter | null,
): Certainties {
  const certain = new Map<string, Certainty>();
  const add = (column: string, more: Certainty) => certain.set(column, both(certain.get(column), more));
  for (const term of filter === null ? [] : termsOf(filter)) {
    const [column, certainty] = certaintyOf(term, source) ?? [];
    if (column === undefined || certainty === undefined) continue;
    add(column, certainty);
    const narrowing = source.narrows?.[column];
    if (narrowing === undefined || certainty.values === undefined) continue;
    const { values } = certainty;
    const lookup = (sql: string) => on.prepared(sql).all(workspaceId, JSON.stringify(values));
    const isSame = narrowing.lookup === undefined;
    add(narrowing.column, { values: isSame ? values : lookup(narrowing.lookup).map((row) => row['id'] as SqlValue) });
  }
  return certain;
}

/** The tests that must all hold, out of nested ANDs. */
function termsOf(filter: CheckedFilter): readonly CheckedFilter[] {
  return filter.kind === 'and' ? filter.terms.flatMap(termsOf) : [filter];
}

function certaintyOf<T>(term: CheckedFilter, source: ListSource<T>): [string, Certainty] | null {
  switch (term.kind) {
    case 'or':
      return oneOfAny(term.terms, source);
    case 'not':
      return certaintyOfNot(term.term, source);
    case 'and':
    case 'null':
      return null;
    default:
      return term.target.kind === 'json' ? null : certaintyOfTest(term);
  }
}

/** `a:1 OR a:2` is `a.in:(1,2)`. */
function oneOfAny<T>(terms: readonly CheckedFilter[], source: ListSource<T>): [string, Certainty] | null {
  const parts = terms.map((term) => certaintyOf(term, source));
  const column = parts[0]?.[0];
  if (column === undefined) return null;
  const values = new Set<SqlValue>();
  for (const part of parts) {
    if (part?.[0] !== column || part[1].values === undefined) return null;
    for (const value of part[1].values) values.add(value);
  }
  return [column, { values: [...values] }];
}

/** Not null; or, of a column with few values, the others. */
function certaintyOfNot<T>(term: CheckedFilter, source: ListSource<T>): [string, Certainty] | null {
  if (term.kind === 'null') return term.target.kind === 'json' ? null : [term.target.column, {}];
  if (term.kind !== 'in') return null;
  const all = source.values?.[term.target.column];
  return all === undefined
    ? null
    : [term.target.column, { values: all.filter((value) => !term.values.includes(value)) }];
}

function certaintyOfTest(test: Exclude<CheckedTest, { kind: 'null' }>): [string, Certainty] | null {
  const { column, kind } = test.target;
  switch (test.kind) {
    case 'in':
      return [column, { values: [...new Set(test.values.map((value) => sqliteFilter.stored(value, kind)))] }];
    case 'order': {
      const limit = { value: sqliteFilter.stored(test.value, kind), inclusive: test.order.endsWith('e') };
      return [column, test.order.startsWith('g') ? { low: limit } : { high: limit }];
    }
    case 'like': {
      const prefix = test.ignoreCase ? '' : literalStart(test.pattern);
      return prefix === '' ? null : [column, startsWith(prefix)];
    }
  }
}

/** The characters of a LIKE pattern before its first wildcard. */
function literalStart(pattern: string): string {
  let start = '';
  for (const step of patternSteps(pattern)) {
    if (step.kind !== 'character') break;
    start += step.character;
  }
  return start;
}

/** Texts that start so lie between it and the text whose last character is the next one; there is none after U+10FFFF. */
function startsWith(prefix: string): Certainty {
  const characters = Array.from(prefix);
  const last = characters.pop()?.codePointAt(0) ?? 0;
  const low = { value: prefix, inclusive: true };
  if (last === 0x10ffff) return { low };
  // What lies between is no character: halves of UTF-16 pairs.
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return { low, high: { value: characters.join('') + String.fromCodePoint(next), inclusive: false } };
}

/** What holds when both do. Of two limits on one side the first is kept: the filter itself looks at the other. */
function both(a: Certainty | undefined, b: Certainty): Certainty {
  if (a === undefined) return b;
  const values = a.values && b.values ? a.values.filter((value) => b.values?.includes(value)) : (a.values ?? b.values);
  const low = a.low ?? b.low;
  const high = a.high ?? b.high;
  return { ...(values && { values }), ...(low && { low }), ...(high && { high }) };
}
