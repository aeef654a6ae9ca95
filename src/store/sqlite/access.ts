import { compareText } from '../../filter/text.ts';
import { type Bind, columnsOf, Parameters, type SqlValue } from '../sql/filter-to-sql.ts';
import type { ListIndex, ListSource, OrderKey } from '../sql/keyset.ts';
import type { FindRequest } from '../store.ts';
import { type Certainties, type Certainty, certaintiesOf } from './certainty.ts';
import type { Connection } from './connection.ts';

/** How much work is done in which way. Tests make them small, to go all ways with little data. */
export interface FindLimits {
  /**
   * Rows that an index leads to and that are sorted rather than walked in order: `mostLookedUp`, and `mostCovered` where the index has every column
   * that is needed.
   */
  readonly mostLookedUp: number;
  readonly mostCovered: number;
  /** Stretches of an index that are walked side by side: each gives a page of its own, of which most is thrown away. */
  readonly mostMerged: number;
  /** Rows passed on a walk in the order of the list before it is given up for a set of rows that an index leads to, if there is one of at most `mostInstead`. */
  readonly passedBeforeInstead: number;
  readonly mostInstead: number;
  /** Rows between the first two looks at the time. Their number adapts: a row of an index takes 0.1 µs, one whose payload is parsed may take a millisecond. */
  readonly firstRows: number;
  readonly mostRows: number;
  /** Milliseconds of a step: what another list waits at most for its turn. */
  readonly stepMs: number;
}

/**
 * Measured with a million runs: a row that an index leads to in another order costs 5 µs, one that the index itself describes 0.08, one on a walk in
 * the order of creation 0.6. Of n matches that are spread evenly a walk to a page of 50 passes 50 million / n rows, so that at 20,000 either way
 * takes the same time; and at 5,000 where rows must be looked up, since then the filter says more, which a walk would pass four times as many for.
 */
export const FIND_LIMITS: FindLimits = {
  mostLookedUp: 5000,
  mostCovered: 20_000,
  mostMerged: 16,
  passedBeforeInstead: 10_000,
  mostInstead: 100_000,
  firstRows: 1024,
  mostRows: 16_384,
  stepMs: 5,
};

/** A stretch of an index: all rows with one value in its first column, or all it has within bounds. */
export interface Lane {
  readonly index: ListIndex;
  /** The first column and the value it has here, which may be null; absent where the lane is not of one value. */
  readonly fixed?: { readonly column: string; readonly value: SqlValue };
  /** The columns that the lane lies in the order of, the last of the table's key at the end. Never null in the lane. */
  readonly along: readonly string[];
  /** What is certain of the first of them. */
  readonly bounds: Certainty;
}

/** What an index holds of the rows that a filter may find. */
export interface IndexedSet {
  readonly index: ListIndex;
  readonly certainty: Certainty;
}

/** How the rows of a page are found. Whatever is chosen, the filter looks at every row: this only decides which rows it gets to see. */
export type Access =
  /** Rows with some values or between bounds, of which there are few: sorted at once. */
  | { readonly kind: 'few'; readonly set: IndexedSet }
  /**
   * Lanes that lie in the order of the list: walked until each has given a page or, `inSequence`, one after the other until the page is full.
   * The filter may turn out to find less than it seemed: then the smallest of the sets is what to take instead.
   */
  | {
      readonly kind: 'ordered';
      readonly lanes: readonly Lane[];
      readonly inSequence: boolean;
      readonly sets: readonly IndexedSet[];
    }
  /** Rows in any order, of which all are looked at and the best kept: those of a set, or the whole table. */
  | { readonly kind: 'all'; readonly set: IndexedSet | undefined };

/** Chooses how to find a page. SQLite has no statistics here, and would not see the values of a prepared filter; entries are counted instead, some thousands at most. */
export function chooseAccess<T>(
  on: Connection,
  source: ListSource<T>,
  order: readonly OrderKey[],
  { workspaceId, filter }: Pick<FindRequest, 'workspaceId' | 'filter'>,
  limits: FindLimits,
): Access {
  const certain = certaintiesOf(on, source, workspaceId, filter);
  const used = [...columnsOf(filter), ...order.map(({ column }) => column)];
  const isCovering = (index: ListIndex) => used.every((column) => index.columns.includes(column));
  const sets = source.indexes.flatMap((index): IndexedSet[] => {
    const certainty = certain.get(index.columns[0] ?? '');
    return certainty === undefined ? [] : [{ index, certainty }];
  });
  const ordered = orderedAccess(source, order, certain, sets, limits);
  // It passes hardly anything that is not of the page: no need to count.
  if (ordered?.lanes.every((lane) => isBoundBy(lane, columnsOf(filter)))) return ordered;
  const most = (index: ListIndex) => (isCovering(index) ? limits.mostCovered : limits.mostLookedUp);
  const few = smallestSet(on, source, workspaceId, sets, most);
  if (few) return { kind: 'few', set: few };
  return ordered ?? { kind: 'all', set: sets[0] };
}

/** The set with the fewest entries; null when each has more than `most` says of its index. */
export function smallestSet<T>(
  on: Connection,
  source: ListSource<T>,
  workspaceId: string,
  sets: readonly IndexedSet[],
  most: (index: ListIndex) => number,
): IndexedSet | null {
  let smallest: IndexedSet | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const set of sets) {
    const limit = Math.min(most(set.index), least - 1);
    const { values, bind } = new Parameters();
    const sql = `select count(*) as n from (select 1 from ${source.table} indexed by ${set.index.name}
      where ${source.workspace} = ${bind(workspaceId)} and ${inSet(source, set, bind)} limit ${bind(limit + 1)})`;
    const count = Number(on.recent(sql).get(...values)?.['n']);
    if (count > limit) continue;
    smallest = set;
    least = count;
    if (count === 0) break;
  }
  return smallest;
}

/** The condition that a row is in a set, as its index understands it. */
export function inSet<T>(source: ListSource<T>, { index, certainty }: IndexedSet, bind: Bind): string {
  return certaintySql(sqlOf(source, index.columns[0]!), certainty, bind);
}

/** The condition that a certainty states of a column. */
export function certaintySql(column: string, { values, low, high }: Certainty, bind: Bind): string {
  if (values) return `${column} in (${values.map(bind).join(', ')})`;
  const conditions = [
    low && `${column} ${low.inclusive ? '>=' : '>'} ${bind(low.value)}`,
    high && `${column} ${high.inclusive ? '<=' : '<'} ${bind(high.value)}`,
  ].filter((condition) => condition !== undefined);
  return conditions.length === 0 ? `${column} is not null` : conditions.join(' and ');
}

/** The SQL of a column. @throws Error when it has none, which is a mistake of the programmer */
export function sqlOf<T>(source: ListSource<T>, column: string): string {
  const sql = source.columns[column];
  if (sql === undefined) throw new Error(`The column ${column} has no SQL.`);
  return sql;
}

/** All of a set, or of the table, as lanes. */
export function lanesOf<T>(source: ListSource<T>, set: IndexedSet | undefined): Lane[] {
  if (set === undefined) {
    const primary = source.indexes.find((index) => index.columns.every((column) => source.key.includes(column)));
    if (primary === undefined) throw new Error(`The list of ${source.table} does not name its primary key.`);
    return [{ index: primary, along: primary.columns, bounds: {} }];
  }
  const { index, certainty } = set;
  return certainty.values === undefined
    ? [{ index, along: alongOf(source, index.columns), bounds: certainty }]
    : certainty.values.map((value) => fixedLane(source, index, value, {}));
}

function fixedLane<T>(source: ListSource<T>, index: ListIndex, value: SqlValue, bounds: Certainty): Lane {
  const [column = '', ...rest] = index.columns;
  if (rest.length > 0) return { index, fixed: { column, value }, along: alongOf(source, rest), bounds };
  const limit = { value, inclusive: true };
  return { index, along: [column], bounds: { low: limit, high: limit } };
}

/** Columns up to the last of the table's key. What an index has beyond them it only carries. */
function alongOf<T>(source: ListSource<T>, columns: readonly string[]): readonly string[] {
  return columns.slice(0, Math.max(...source.key.map((column) => columns.indexOf(column))) + 1);
}

/** Lanes that lie in the order of the list, by the first index that has some; null when none has. */
function orderedAccess<T>(
  source: ListSource<T>,
  order: readonly OrderKey[],
  certain: Certainties,
  sets: readonly IndexedSet[],
  { mostMerged }: FindLimits,
): Extract<Access, { kind: 'ordered' }> | null {
  const [first, ...others] = order;
  if (first === undefined) return null;
  const bySet = source.indexes.toSorted((a, b) => Number(isFixed(b, certain)) - Number(isFixed(a, certain)));
  for (const index of bySet) {
    const [column = '', next = ''] = index.columns;
    const rest = alongOf(source, index.columns.slice(1));
    const bounds = certain.get(next) ?? {};
    const given = certain.get(column);
    if (given?.values && given.values.length <= mostMerged && liesAlong(rest, order)) {
      const lanes = given.values.map((value) => fixedLane(source, index, value, bounds));
      return { kind: 'ordered', lanes, inSequence: false, sets };
    }
    const all = given?.values ?? source.values?.[column];
    if (all && first.column === column && rest.length > 0 && liesAlong(rest, others)) {
      const values = all.toSorted((a, b) => compareText(String(a), String(b)) * (first.descending ? -1 : 1));
      const lanes = values.map((value) => fixedLane(source, index, value, bounds));
      return { kind: 'ordered', lanes, inSequence: true, sets };
    }
    const along = alongOf(source, index.columns);
    if (given?.values || !liesAlong(along, order)) continue;
    const lane: Lane = { index, along, bounds: given ?? {} };
    if (!first.nullable || given) return { kind: 'ordered', lanes: [lane], inSequence: true, sets };
    if (index.isPartial) continue;
    const nulls = fixedLane(source, index, null, {});
    return { kind: 'ordered', lanes: first.descending ? [nulls, lane] : [lane, nulls], inSequence: true, sets };
  }
  return null;
}

/** Whether a lane is as narrow as a filter of these columns makes it. */
const isBoundBy = ({ fixed, along }: Lane, columns: readonly string[]): boolean =>
  columns.every((column) => column === fixed?.column || column === along[0]);

const isFixed = (index: ListIndex, certain: Certainties): boolean =>
  certain.get(index.columns[0] ?? '')?.values !== undefined;

/** Whether rows in the order of these columns, walked one way or the other, are in the order of the list. */
function liesAlong(columns: readonly string[], order: readonly OrderKey[]): boolean {
  return (
    columns.length === order.length &&
    order.every(({ column, descending }, index) => column === columns[index] && descending === order[0]?.descending)
  );
}
