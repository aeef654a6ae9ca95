import Type, { type Static } from 'typebox';
import { invalid, type Problem } from '../../domain/error.ts';
import type { KeysetPage, KeysetRequest } from '../../domain/keyset.ts';
import { nearest } from '../../domain/nearest.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { Diagnostic } from '../../filter/diagnostic.ts';
import { readFilter } from '../../filter/filter.ts';
import { readSort, type SortKey } from '../../filter/sort.ts';
import type { Vocabulary } from '../../filter/vocabulary.ts';
import { listText, objectText } from '../json-text.ts';
import { queryDigest, readCursor, writeCursor } from './cursor.ts';
import { nullable, opt } from './schemas.ts';

/** Items of a page when nothing is said: the value of the documentation's examples. */
const DEFAULT_LIMIT = 50;

const text = (description: string) => Type.Optional(nullable(Type.String(), { description }));

/** The parameter that says which properties of an item are wanted. */
export const FIELDS_QUERY = { fields: text('Field projection (e.g. id,name)') };

/** The query parameters that every list takes (runflow-api.md 2.1). */
export const LIST_QUERY = {
  q: text('ANTLR filter expression'),
  limit: Type.Optional(
    nullable(Type.Integer({ minimum: 1, maximum: 500 }), { description: `Page size. ${DEFAULT_LIMIT} when left out` }),
  ),
  sort_by: text('Sort expression (e.g. created_at:desc)'),
  ...FIELDS_QUERY,
  pq: text('Pagination cursor query'),
  from_prev: Type.Optional(Type.Boolean({ default: false, description: 'Backward pagination flag' })),
};

const ListQuery = Type.Object(LIST_QUERY);
export type ListQuery = Static<typeof ListQuery>;

/** The query of a list that also embeds relations. */
export function embedQuery(names: readonly string[], remark = '') {
  const description = `Relation embedding. Available values: ${names.join(', ')}. Use a comma-separated list to request multiple embeds.${remark}`;
  return { embed: text(description) };
}

/** The envelope of every list of a component. */
export const listAnswer = (component: string, description: string) =>
  Type.Object(
    {
      items: Type.Array(Type.Ref(component)),
      first: opt(Type.String()),
      next: opt(Type.String()),
      previous: opt(Type.String()),
    },
    { description },
  );

/** What one list understands. */
export interface ListKind {
  /** Part of the cursor's digest: a cursor of one list is none of another. */
  readonly name: string;
  readonly vocabulary: Vocabulary;
  /** Properties that an item can be projected to. */
  readonly fields: readonly string[];
  /** Relations that can be embedded. */
  readonly embeds: readonly string[];
}

/** Which properties of an item are wanted. */
export interface Projection {
  /** Null: all. */
  readonly fields: ReadonlySet<string> | null;
  readonly embeds: ReadonlySet<string>;
}

/** A list as it is asked for, checked. */
export interface ReadList extends KeysetRequest, Projection {
  readonly filter: CheckedFilter | null;
  readonly sort: readonly SortKey[];
  readonly digest: string;
}

/** Reads which properties of one item are wanted. @throws PlatformError `invalid` with every mistake */
export function readProjection(
  query: { readonly fields?: string | null; readonly embed?: string | null },
  { fields, embeds }: Pick<ListKind, 'fields' | 'embeds'>,
): Projection {
  const problems: Problem[] = [];
  const projection = projectionOf(query, { fields, embeds }, problems);
  if (problems.length > 0) throw invalid(problems);
  return projection;
}

function projectionOf(
  query: { readonly fields?: string | null; readonly embed?: string | null },
  kind: Pick<ListKind, 'fields' | 'embeds'>,
  problems: Problem[],
): Projection {
  const fields = readNames('fields', query.fields, kind.fields, problems);
  return {
    fields: fields.size === 0 ? null : fields,
    embeds: readNames('embed', query.embed, kind.embeds, problems),
  };
}

/**
 * Reads the query of a list.
 * @param scope what else binds the list, cursors included: the workspace, a parent's id, filters beside `q`
 * @throws PlatformError `invalid` with every mistake
 */
export function readList(
  query: ListQuery & { readonly embed?: string | null },
  kind: ListKind,
  scope: readonly (string | null)[],
  now: number,
): ReadList {
  const problems: Problem[] = [];
  const { filter, diagnostics } = readFilter(query.q ?? '', kind.vocabulary, { now, strict: true });
  problems.push(...problemsOf('q', diagnostics));
  const sort = readSort(query.sort_by ?? '', kind.vocabulary);
  problems.push(...problemsOf('sort_by', sort.diagnostics));
  const projection = projectionOf(query, kind, problems);
  const digest = queryDigest([kind.name, query.q ?? '', query.sort_by ?? '', ...scope]);
  if (problems.length > 0) throw invalid(problems);
  const from = query.pq ? readCursor(query.pq, digest) : null;
  return {
    filter,
    sort: sort.keys,
    limit: query.limit ?? DEFAULT_LIMIT,
    from,
    // There is nothing before the first page: a client that always sends the flag gets that page.
    backward: query.from_prev === true && from !== null,
    ...projection,
    digest,
  };
}

/** The text of a page. `present` gives the JSON text of each property of an item that is asked for, embeds included. */
export function presentList<T>(
  page: KeysetPage<T>,
  list: ReadList,
  present: (item: T) => Readonly<Record<string, string>>,
): string {
  const cursor = (boundary: KeysetPage<T>['next']) =>
    boundary === null ? 'null' : JSON.stringify(writeCursor(boundary, list.digest));
  return objectText({
    items: listText(page.items.map((item) => objectText(projected(present(item), list)))),
    first: page.items.length === 0 ? 'null' : JSON.stringify(writeCursor(null, list.digest)),
    next: cursor(page.next),
    previous: cursor(page.previous),
  });
}

/** Whether one of some properties is wanted. */
export function wants({ fields }: Pick<Projection, 'fields'>, ...names: readonly string[]): boolean {
  return fields === null || names.some((name) => fields.has(name));
}

/** An item with the properties that were asked for; embedded relations come whatever the projection. */
export function projected(
  item: Readonly<Record<string, string>>,
  { fields, embeds }: Projection,
): Readonly<Record<string, string>> {
  if (fields === null) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => fields.has(name) || embeds.has(name)));
}

/** The id of a parent in an address; null for `any`, which means all of them. */
export function parentId(given: string): string | null {
  return given === 'any' ? null : given;
}

/** A CheckedFilter that also holds `column` to be one of some values: how a list is bound to its parent. */
export function within(filter: CheckedFilter | null, column: string, values: readonly string[]): CheckedFilter {
  const test: CheckedFilter = { kind: 'in', target: { column, kind: 'text', path: [] }, values };
  return filter === null ? test : { kind: 'and', terms: [test, filter] };
}

/** The JSON text of each property of an object. */
export function texts(object: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
}

function problemsOf(parameter: string, diagnostics: readonly Diagnostic[]): Problem[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ from, to, message, hint }) => ({
      at: ['query', parameter],
      message,
      type: parameter === 'q' ? 'filter' : 'sort',
      span: { from, to },
      ...(hint === undefined ? {} : { hint }),
    }));
}

function readNames(
  parameter: string,
  given: string | null | undefined,
  known: readonly string[],
  problems: Problem[],
): Set<string> {
  const names = new Set((given ?? '').split(',').flatMap((name) => name.trim() || []));
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    problems.push({
      at: ['query', parameter],
      message: `${JSON.stringify(name.slice(0, 80))} is not available here.`,
      type: 'unknown_name',
      hint: near === undefined ? `Available are ${known.join(', ')}.` : `Did you mean ${near}?`,
    });
  }
  return names;
}
