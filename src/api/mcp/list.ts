import { createHash } from 'node:crypto';
import Type from 'typebox';
import { invalid, type Problem } from '../../domain/error.ts';
import type { Boundary, KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { Diagnostic } from '../../filter/diagnostic.ts';
import { readFilter } from '../../filter/filter.ts';
import { readSort, type SortKey } from '../../filter/sort.ts';
import type { Vocabulary } from '../../filter/vocabulary.ts';
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

/** A list as it is asked for, checked. */
export interface ReadList extends KeysetRequest {
  readonly filter: CheckedFilter | null;
  readonly sort: readonly SortKey[];
  /** Ties a cursor to its list: with another filter or order its boundary means nothing. */
  readonly digest: string;
}

/** The filter of a text; null filters nothing. @throws PlatformError `invalid` with every mistake and its place */
export function readFilterText(text: string | undefined, vocabulary: Vocabulary, now: number): CheckedFilter | null {
  const { filter, diagnostics } = readFilter(text ?? '', vocabulary, { now, strict: true });
  const problems = problemsOf('filter', diagnostics);
  if (problems.length > 0) throw invalid(problems);
  return filter;
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
  const sort = readSort(given.sort ?? '', vocabulary);
  const problems = problemsOf('sort', sort.diagnostics);
  if (problems.length > 0) throw invalid(problems);
  const bound = JSON.stringify([given.filter ?? '', given.sort ?? '', ...scope]);
  const digest = createHash('sha256').update(bound).digest('base64url').slice(0, 16);
  const from = given.cursor === undefined ? null : readCursor(given.cursor, digest);
  return { filter, sort: sort.keys, limit: given.limit ?? DEFAULT_LIMIT, from, backward: false, digest };
}

/** The cursor behind a page. */
export function nextCursor({ next }: Pick<KeysetPage<unknown>, 'next'>, digest: string): string | null {
  return next === null ? null : Buffer.from(JSON.stringify([digest, next])).toString('base64url');
}

function readCursor(text: string, digest: string): Boundary {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [ofList, boundary] = Array.isArray(parts) ? parts : [];
  if (ofList === digest && Array.isArray(boundary) && boundary.every(isBoundaryValue)) return boundary;
  const message =
    'This is no cursor of this list. Give next_cursor of an answer as it is, with the other arguments as they were then.';
  throw invalid([{ at: ['arguments', 'cursor'], message, type: 'cursor' }]);
}

const isBoundaryValue = (value: unknown): boolean =>
  value === null || typeof value === 'string' || typeof value === 'number';

/** A filter that also holds `column` to be a value. */
export function within(filter: CheckedFilter | null, column: string, value: string): CheckedFilter {
  const test: CheckedFilter = { kind: 'in', target: { column, kind: 'text', path: [] }, values: [value] };
  return filter === null ? test : { kind: 'and', terms: [test, filter] };
}

function problemsOf(argument: string, diagnostics: readonly Diagnostic[]): Problem[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ from, to, message, hint }) => ({
      at: ['arguments', argument],
      message,
      type: argument,
      span: { from, to },
      ...(hint === undefined ? {} : { hint }),
    }));
}
