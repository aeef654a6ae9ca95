import type { Boundary, KeysetPage, KeysetRequest } from '../domain/keyset.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import { decimalKey } from '../filter/decimal.ts';
import { type FilterRecord, matcher } from '../filter/match.ts';
import type { SortKey } from '../filter/sort.ts';
import { compareText } from '../filter/text.ts';
import type { Vocabulary } from '../filter/vocabulary.ts';

/** A list that is asked for, of things that no table holds. */
export interface ListRequest extends KeysetRequest {
  readonly filter: CheckedFilter | null;
  /** Empty: the list's own order. */
  readonly sort: readonly SortKey[];
}

/** An item and what a filter and a sort order see of it, by column; `id` is there and different for each. */
export interface Listed<T> {
  readonly item: T;
  readonly record: FilterRecord;
}

/**
 * One page of things that stand inside others, under the rules of every list: see `domain/keyset.ts`. Nulls come last in ascending order, first in
 * descending.
 */
export function pageOf<T>(
  items: readonly Listed<T>[],
  request: ListRequest,
  { vocabulary, defaultSort }: { readonly vocabulary: Vocabulary; readonly defaultSort: readonly SortKey[] },
): KeysetPage<T> {
  const { filter, from, backward, limit } = request;
  const sort = request.sort.length === 0 ? defaultSort : request.sort;
  const test = filter === null ? () => true : matcher(filter);
  const found = items.filter(({ record }) => test(record));
  const rows = found.map(({ item, record }) => ({ item, boundary: boundaryOf(record, sort, vocabulary) }));
  const order = (a: Boundary, b: Boundary) => compare(a, b, sort);
  rows.sort((a, b) => order(a.boundary, b.boundary));
  // Rows are in order: those beyond the boundary stand at one side of it.
  const before = from === null ? [] : rows.filter(({ boundary }) => order(boundary, from) < 0);
  const after = from === null ? rows : rows.filter(({ boundary }) => order(boundary, from) > 0);
  const shown = backward ? before.slice(-limit) : after.slice(0, limit);
  const hasMore = (backward ? before : after).length > shown.length;
  return {
    items: shown.map(({ item }) => item),
    previous: (backward ? hasMore : from !== null) ? (shown[0]?.boundary ?? null) : null,
    next: (backward ? from !== null : hasMore) ? (shown.at(-1)?.boundary ?? null) : null,
  };
}

/** The sort values with the id behind them, which makes the order total. */
function boundaryOf(record: FilterRecord, sort: readonly SortKey[], vocabulary: Vocabulary): Boundary {
  const values = sort.map(({ column }) => {
    const value = record[column] ?? null;
    const isDecimal = vocabulary.fields.some((field) => field.column === column && field.kind === 'decimal');
    if (value === null) return null;
    if (typeof value === 'boolean') return value ? 1 : 0;
    return isDecimal ? decimalKey(String(value)) : (value as string | number);
  });
  return [...values, String(record['id'])];
}

function compare(a: Boundary, b: Boundary, sort: readonly SortKey[]): number {
  for (let at = 0; at <= sort.length; at += 1) {
    const order = compareValues(a[at] ?? null, b[at] ?? null);
    const direction = sort[Math.min(at, sort.length - 1)]?.direction ?? 'asc';
    if (order !== 0) return direction === 'desc' ? -order : order;
  }
  return 0;
}

/** Null is greater than everything, so that it comes last in ascending order. */
function compareValues(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
  return typeof a === 'string' && typeof b === 'string' ? compareText(a, b) : Number(a) - Number(b);
}
