import type { Boundary, KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { SortKey } from '../../filter/sort.ts';
import { compareText } from '../../filter/text.ts';
import { type Bind, columnsOf, type SqlColumns, type SqlValue } from './filter-to-sql.ts';
import type { Row } from './rows.ts';

/** Something that is listed: where its rows come from and what its words are in SQL. Columns are those of its vocabulary. */
export interface ListSource<T> {
  /** The table that has a row for each item, with its alias. */
  readonly table: string;
  /** The workspace of a row. */
  readonly workspace: string;
  /** A condition that always holds, e.g. that a row is not deleted. */
  readonly where?: string;
  /** The SQL of each column. Decimals are their sorting keys here, booleans 0 and 1. */
  readonly columns: SqlColumns;
  /** Columns that no row has null: their pages need no test for it. */
  readonly notNull: ReadonlySet<string>;
  /** Columns that make the order total, which are the primary key after the workspace: never null, unique in a workspace. */
  readonly key: readonly string[];
  readonly defaultSort: readonly SortKey[];
  /** Ways into the table, the most selective first; its primary key is one of them. */
  readonly indexes: readonly ListIndex[];
  /** All values that a column can have, where they are few. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** What a test for certain values of a column says of another column that has an index. */
  readonly narrows?: Readonly<Record<string, Narrowing>>;
  /** Further tables, each with the columns that come from it: they are joined while searching when these are filtered or sorted by. */
  readonly joins: readonly { readonly sql: string; readonly columns: ReadonlySet<string> }[];
  /** What is read of the rows of a page, all joins there. */
  readonly select: string;
  item(row: Row): T;
}

/** An index whose first column is the workspace. */
export interface ListIndex {
  readonly name: string;
  /** Its columns after the workspace, those of the table's key included. */
  readonly columns: readonly string[];
  /** Whether it leaves out rows that have null in its first column. */
  readonly isPartial?: boolean;
}

/** Rows with one of these values in one column have certain values in `column`: the same ones, or what `lookup` finds. */
export interface Narrowing {
  readonly column: string;
  /** Finds them for the workspace `?1` and a JSON list of values `?2`. */
  readonly lookup?: string;
}

/** One key of an order that is total. */
export interface OrderKey {
  readonly column: string;
  readonly sql: string;
  readonly descending: boolean;
  readonly nullable: boolean;
}

/** The order of a list as the walk to a page goes through it: its default when none is asked for, ties broken by the key, and turned round on the way back. */
export function orderOf<T>(
  source: ListSource<T>,
  { sort, backward }: { readonly sort: readonly SortKey[]; readonly backward: boolean },
): OrderKey[] {
  const wanted = sort.length === 0 ? source.defaultSort : sort;
  const last = wanted.at(-1)?.direction ?? 'desc';
  const named = new Set(wanted.map(({ column }) => column));
  const ties = source.key.filter((column) => !named.has(column)).map((column) => ({ column, direction: last }));
  const keys = [...wanted, ...ties];
  // Once the key is complete nothing is left to order.
  const length = Math.max(...source.key.map((column) => keys.findIndex((key) => key.column === column))) + 1;
  return keys.slice(0, length).map(({ column, direction }) => {
    const sql = source.columns[column];
    if (sql === undefined) throw new Error(`The column ${column} of the sort order has no SQL.`);
    return { column, sql, descending: (direction === 'desc') !== backward, nullable: !source.notNull.has(column) };
  });
}

/** Largest first is nulls first, as if null were greater than everything: the rule of PostgreSQL. */
export function orderBy(order: readonly OrderKey[]): string {
  return order
    .map(({ sql, descending, nullable }) => {
      const nulls = nullable ? (descending ? ' nulls first' : ' nulls last') : '';
      return `${sql} ${descending ? 'desc' : 'asc'}${nulls}`;
    })
    .join(', ');
}

/** Rows strictly beyond a boundary: after it in one key, and equal in all keys before that one. */
export function beyond(order: readonly OrderKey[], from: Boundary, bind: Bind): string {
  const parameters = order.map((_, index) => {
    const bound = from[index] ?? null;
    return bound === null ? null : bind(bound);
  });
  const alternatives = order.flatMap((key, index) => {
    const after = isAfter(key, parameters[index] ?? null);
    if (after === null) return [];
    const equal = order.slice(0, index).map(({ sql }, before) => isSame(sql, parameters[before] ?? null));
    return `(${[...equal, after].join(' and ')})`;
  });
  return alternatives.length === 0 ? 'false' : `(${alternatives.join(' or ')})`;
}

const isSame = (sql: string, parameter: string | null): string =>
  parameter === null ? `${sql} is null` : `${sql} = ${parameter}`;

/** Null when nothing can be after it. */
function isAfter({ sql, nullable, descending }: OrderKey, parameter: string | null): string | null {
  if (parameter === null) return descending ? `${sql} is not null` : null;
  if (descending) return `${sql} < ${parameter}`;
  return nullable ? `(${sql} > ${parameter} or ${sql} is null)` : `${sql} > ${parameter}`;
}

/** Orders boundaries as the database orders their rows. */
export function boundaryOrder(order: readonly OrderKey[]): (a: Boundary, b: Boundary) => number {
  return (a, b) => {
    for (const [index, { descending }] of order.entries()) {
      const ascending = compareValues(a[index] ?? null, b[index] ?? null);
      if (ascending !== 0) return descending ? -ascending : ascending;
    }
    return 0;
  };
}

function compareValues(a: SqlValue, b: SqlValue): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareText(String(a), String(b));
}

/** Which rows a page has, and where it begins and ends. */
export type KeysetFrame = Omit<KeysetPage<Boundary>, 'items'> & { readonly shown: readonly Boundary[] };

/** Makes a page of the rows next to its boundary, nearest first; one more than it holds tells that there are more. */
export function frameOf(found: readonly Boundary[], { limit, from, backward }: KeysetRequest): KeysetFrame {
  const hasMore = found.length > limit;
  const shown = found.slice(0, limit);
  if (backward) shown.reverse();
  const before = backward ? hasMore : from !== null;
  const after = backward ? from !== null : hasMore;
  return {
    shown,
    previous: before ? (shown[0] ?? null) : null,
    next: after ? (shown.at(-1) ?? null) : null,
  };
}

/** The joins of a source that a filter needs. */
export function joinsOf<T>(source: ListSource<T>, filter: CheckedFilter | null): string {
  const used = columnsOf(filter);
  return source.joins
    .filter(({ columns }) => used.some((column) => columns.has(column)))
    .map(({ sql }) => sql)
    .join(' ');
}
