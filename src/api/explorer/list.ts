import Type from 'typebox';
import type { KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { Vocabulary } from '../../filter/vocabulary.ts';
import { cursorOf, digestOf, type ReadList, readCursor, readFilterAt, readSortAt } from '../keyset-list.ts';
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

/** The filter of a text; null filters nothing. @throws PlatformError `invalid` with every mistake and its place */
export function readQ(
  q: string | undefined,
  vocabulary: Vocabulary,
  now: number,
  at: readonly string[] = ['query', 'q'],
): CheckedFilter | null {
  return readFilterAt(at, q, vocabulary, now);
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
  const sort = readSortAt(['query', 'sort'], query.sort, vocabulary, 'filter');
  return { filter, sort, ...readPage(query, [query.q ?? '', query.sort ?? '', ...scope]) };
}

/** Reads which page is asked for. @param scope everything that binds the list @throws PlatformError `invalid` */
export function readPage(query: GivenPage, scope: readonly string[]): KeysetRequest & { readonly digest: string } {
  const digest = digestOf(scope);
  const from =
    query.cursor === undefined ? null : readCursor(query.cursor, digest, ['query', 'cursor'], OF_ANOTHER_LIST);
  return { limit: query.limit ?? DEFAULT_LIMIT, from, backward: query.back === true && from !== null, digest };
}

const OF_ANOTHER_LIST =
  'This cursor is none of this list as it is filtered and sorted now. Leave it out to begin anew.';

/** A page on the wire. */
export function pageOf<T, U>(page: KeysetPage<T>, digest: string, items: readonly U[]): CursorPage<U> {
  return { items, next: cursorOf(page.next, digest), previous: cursorOf(page.previous, digest) };
}
