import Type from 'typebox';
import type { KeysetPage } from '../../domain/keyset.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { Vocabulary } from '../../filter/vocabulary.ts';
import { cursorOf, digestOf, type ReadList, readCursor, readFilterAt, readSortAt } from '../keyset-list.ts';
import { nullable, optional } from './tool.ts';

/** Items of a page when nothing is said, and at most: what a model reads fills its context. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The arguments of a page. */
export const PAGE_INPUT = {
  limit: optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `Items to answer with; ${DEFAULT_LIMIT} when left out.`,
    }),
  ),
  cursor: optional(
    Type.String({ description: 'next_cursor of the page before, with all other arguments as they were.' }),
  ),
};

/** Where the next page begins. */
export const NextCursor = nullable(Type.String({ description: 'Give it as cursor for the next page; null: no more.' }));

export const FilterText = Type.String({
  description:
    "A condition in the filter language, e.g. status:failed AND created_at>now-1d, workflow:'Nightly report', metadata.order_id:'A-17'. The resource millrun://filter-language has its fields and operators.",
});

interface GivenPage {
  readonly limit?: number;
  readonly cursor?: string;
}

/** The filter of a text; null filters nothing. @throws PlatformError `invalid` with every mistake and its place */
export function readFilterText(text: string | undefined, vocabulary: Vocabulary, now: number): CheckedFilter | null {
  return readFilterAt(['arguments', 'filter'], text, vocabulary, now);
}

/**
 * Reads which page of a list is asked for.
 * @param scope what binds the list besides filter and order: its name, the workspace, a parent's id
 * @throws PlatformError `invalid` with every mistake
 */
export function readList(
  given: GivenPage & { readonly filter?: string; readonly sort?: string },
  vocabulary: Vocabulary,
  scope: readonly string[],
  now: number,
): ReadList {
  const filter = readFilterText(given.filter, vocabulary, now);
  const sort = readSortAt(['arguments', 'sort'], given.sort, vocabulary, 'sort');
  const digest = digestOf([given.filter ?? '', given.sort ?? '', ...scope]);
  const from =
    given.cursor === undefined ? null : readCursor(given.cursor, digest, ['arguments', 'cursor'], OF_ANOTHER_LIST);
  return { filter, sort, limit: given.limit ?? DEFAULT_LIMIT, from, backward: false, digest };
}

const OF_ANOTHER_LIST =
  'This is no cursor of this list. Give next_cursor of an answer as it is, with the other arguments as they were then.';

/** The cursor behind a page. */
export function nextCursor({ next }: Pick<KeysetPage<unknown>, 'next'>, digest: string): string | null {
  return cursorOf(next, digest);
}
