import { createHash } from 'node:crypto';
import Type from 'typebox';
import { invalid, type Problem } from '../../domain/error.ts';
import type { Boundary, KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { Diagnostic } from '../../filter/diagnostic.ts';
import { readFilter } from '../../filter/filter.ts';
import { readSort, type SortKey } from '../../filter/sort.ts';
import type { Vocabulary } from '../../filter/vocabulary.ts';
import type { CursorPage } from './wire.ts';

const DEFAULT_LIMIT = 50;

/** The query parameters of a page. */
export const PAGE_QUERY = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  cursor: Type.Optional(Type.String()),
  back: Type.Optional(Type.Boolean()),
};

/** The query parameters of a list that can be filtered and sorted. */
export const LIST_QUERY = { q: Type.Optional(Type.String()), sort: Type.Optional(Type.String()), ...PAGE_QUERY };

/** An object that has these properties and no other: a typing error must not answer with a list that nobody filtered. */
export const exactly = <T extends Type.TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

interface GivenPage {
  readonly limit?: number;
  readonly cursor?: string;
  readonly back?: boolean;
}

/** A list as it is asked for, checked. */
export interface ReadList extends KeysetRequest {
  readonly filter: CheckedFilter | null;
  readonly sort: readonly SortKey[];
  /** Ties a cursor to its list: with another filter or order its boundary means nothing. */
  readonly digest: string;
}

/** The filter of a text; null filters nothing. @throws PlatformError `invalid` with every mistake and its place */
export function readQ(q: string | undefined, vocabulary: Vocabulary, now: number, at: string[] = ['query', 'q']) {
  const { filter, diagnostics } = readFilter(q ?? '', vocabulary, { now, strict: true });
  const problems = problemsOf(at, diagnostics);
  if (problems.length > 0) throw invalid(problems);
  return filter;
}

/**
 * Reads the query of a list.
 * @param scope what else binds it: the workspace, a parent's id
 * @throws PlatformError `invalid` with every mistake
 */
export function readList(
  query: GivenPage & { readonly q?: string; readonly sort?: string },
  vocabulary: Vocabulary,
  scope: readonly string[],
  now: number,
): ReadList {
  const filter = readQ(query.q, vocabulary, now);
  const sort = readSort(query.sort ?? '', vocabulary);
  const problems = problemsOf(['query', 'sort'], sort.diagnostics);
  if (problems.length > 0) throw invalid(problems);
  return { filter, sort: sort.keys, ...readPage(query, [query.q ?? '', query.sort ?? '', ...scope]) };
}

/** Reads which page is asked for. @param scope everything that binds the list @throws PlatformError `invalid` */
export function readPage(query: GivenPage, scope: readonly string[]): KeysetRequest & { readonly digest: string } {
  const digest = createHash('sha256').update(JSON.stringify(scope)).digest('base64url').slice(0, 16);
  const from = query.cursor === undefined ? null : readCursor(query.cursor, digest);
  return { limit: query.limit ?? DEFAULT_LIMIT, from, backward: query.back === true && from !== null, digest };
}

/** A page on the wire. */
export function pageOf<T, U>(page: KeysetPage<T>, digest: string, items: readonly U[]): CursorPage<U> {
  const cursor = (boundary: Boundary | null) =>
    boundary === null ? null : Buffer.from(JSON.stringify([digest, boundary])).toString('base64url');
  return { items, next: cursor(page.next), previous: cursor(page.previous) };
}

function readCursor(text: string, digest: string): Boundary {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [ofList, boundary] = Array.isArray(parts) ? parts : [];
  const isValue = (value: unknown) => value === null || typeof value === 'string' || typeof value === 'number';
  if (ofList === digest && Array.isArray(boundary) && boundary.every(isValue)) return boundary as Boundary;
  const message = 'This cursor is none of this list as it is filtered and sorted now. Leave it out to begin anew.';
  throw invalid([{ at: ['query', 'cursor'], message, type: 'cursor' }]);
}

function problemsOf(at: readonly string[], diagnostics: readonly Diagnostic[]): Problem[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ from, to, message, hint }) => ({
      at,
      message,
      type: 'filter',
      span: { from, to },
      ...(hint === undefined ? {} : { hint }),
    }));
}

/** A filter that also holds a column to be one of some values. */
export function within(filter: CheckedFilter | null, column: string, values: readonly string[]): CheckedFilter {
  const test: CheckedFilter = { kind: 'in', target: { column, kind: 'text', path: [] }, values };
  return filter === null ? test : { kind: 'and', terms: [test, filter] };
}
