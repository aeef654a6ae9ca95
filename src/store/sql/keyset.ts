import type { Boundary, KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import type { SortKey } from '../../filter/sort.ts';
import type { FindRequest } from '../store.ts';
import { type Bind, type FilterDialect, filterToSql, type SqlColumns, type SqlValue } from './filter-to-sql.ts';
import type { Row } from './rows.ts';

/** Something that is listed: where its rows come from and what its words are in SQL. */
export interface ListSource<T> {
  /** What is selected, aliases included. */
  readonly select: string;
  /** Tables and joins, without the word `from`. */
  readonly from: string;
  /** The workspace of a row. */
  readonly workspace: string;
  /** A condition that always holds, e.g. that a row is not deleted. */
  readonly where?: string;
  /** Columns of the vocabulary. Decimals are their sorting keys here, booleans 0 and 1. */
  readonly columns: SqlColumns;
  /** Columns that no row has null: their pages need no test for it. */
  readonly notNull: ReadonlySet<string>;
  /** What makes the order total: never null, unique in a workspace. */
  readonly key: readonly string[];
  readonly defaultSort: readonly SortKey[];
  item(row: Row): T;
}

interface OrderKey {
  readonly sql: string;
  readonly descending: boolean;
  readonly nullable: boolean;
}

/** A statement with its parameters, and how its rows become a page. */
export interface ListStatement<T> {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  page(rows: readonly Row[]): KeysetPage<T>;
}

/**
 * The statement for one page of a list. Nulls come last in ascending order and first in descending, as in PostgreSQL. One row more than the page
 * is read, which tells whether there is more.
 * @param extra a further condition, e.g. one on related rows
 */
export function listStatement<T>(
  source: ListSource<T>,
  request: FindRequest,
  dialect: FilterDialect,
  extra?: (bind: Bind) => string,
): ListStatement<T> {
  const values: SqlValue[] = [];
  const bind: Bind = (value) => {
    values.push(value);
    return `?${values.length}`;
  };
  const order = orderOf(source, request.sort);
  const conditions = [`${source.workspace} = ${bind(request.workspaceId)}`];
  if (source.where !== undefined) conditions.push(source.where);
  if (request.filter !== null) conditions.push(filterToSql(request.filter, source.columns, dialect, bind));
  if (extra) conditions.push(extra(bind));
  if (request.from !== null) conditions.push(beyond(order, request.from, request.backward, bind));
  const keys = order.map(({ sql }, index) => `${sql} as sort_${index}`);
  const orderBy = order.map((key) => orderText(key, request.backward)).join(', ');
  const sql = `select ${source.select}, ${keys.join(', ')} from ${source.from} where ${conditions.join(' and ')}
    order by ${orderBy} limit ${bind(request.limit + 1)}`;
  return { sql, values, page: (rows) => pageOf(rows, source, order.length, request) };
}

function orderOf<T>(source: ListSource<T>, sort: readonly SortKey[]): OrderKey[] {
  const wanted = sort.length === 0 ? source.defaultSort : sort;
  const keys = wanted.map(({ column, direction }) => {
    const sql = source.columns[column];
    if (sql === undefined) throw new Error(`The column ${column} of the sort order has no SQL.`);
    return { sql, descending: direction === 'desc', nullable: !source.notNull.has(column) };
  });
  const descending = keys.at(-1)?.descending ?? true;
  return [...keys, ...source.key.map((sql) => ({ sql, descending, nullable: false }))];
}

/** Largest first is nulls first, as if null were greater than everything. */
function orderText({ sql, descending, nullable }: OrderKey, backward: boolean): string {
  const down = descending !== backward;
  const nulls = nullable ? (down ? ' nulls first' : ' nulls last') : '';
  return `${sql} ${down ? 'desc' : 'asc'}${nulls}`;
}

/** Rows strictly beyond a boundary: after it in one key, and equal in all keys before that one. */
function beyond(order: readonly OrderKey[], from: Boundary, backward: boolean, bind: Bind): string {
  const bounds = order.map((_, index) => (from[index] ?? null) as SqlValue);
  const parameters = bounds.map((bound) => (bound === null ? null : bind(bound)));
  const alternatives = order.flatMap((key, index) => {
    const after = isAfter(key, parameters[index] ?? null, key.descending !== backward);
    if (after === null) return [];
    const equal = order.slice(0, index).map(({ sql }, before) => isSame(sql, parameters[before] ?? null));
    return `(${[...equal, after].join(' and ')})`;
  });
  const first = order[0];
  const bound = parameters[0] ?? null;
  // Said apart, since no planner finds the range of the first key in the alternatives.
  const range =
    first && bound !== null && !first.nullable
      ? `${first.sql} ${first.descending !== backward ? '<=' : '>='} ${bound} and `
      : '';
  return `(${range}(${alternatives.length === 0 ? 'false' : alternatives.join(' or ')}))`;
}

const isSame = (sql: string, parameter: string | null): string =>
  parameter === null ? `${sql} is null` : `${sql} = ${parameter}`;

/** Null when nothing can be after it. */
function isAfter({ sql, nullable }: OrderKey, parameter: string | null, down: boolean): string | null {
  if (parameter === null) return down ? `${sql} is not null` : null;
  if (down) return `${sql} < ${parameter}`;
  return nullable ? `(${sql} > ${parameter} or ${sql} is null)` : `${sql} > ${parameter}`;
}

function pageOf<T>(
  rows: readonly Row[],
  source: ListSource<T>,
  keys: number,
  { limit, from, backward }: KeysetRequest,
): KeysetPage<T> {
  const hasMore = rows.length > limit;
  const shown = rows.slice(0, limit);
  if (backward) shown.reverse();
  const boundary = (row: Row | undefined): Boundary | null =>
    row === undefined ? null : Array.from({ length: keys }, (_, index) => row[`sort_${index}`] as SqlValue);
  const before = backward ? hasMore : from !== null;
  const after = backward ? from !== null : hasMore;
  return {
    items: shown.map((row) => source.item(row)),
    previous: before ? boundary(shown[0]) : null,
    next: after ? boundary(shown.at(-1)) : null,
  };
}
