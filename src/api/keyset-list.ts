import { createHash } from 'node:crypto';
import { invalid } from '../domain/error.ts';
import type { Boundary, KeysetRequest } from '../domain/keyset.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { Diagnostic } from '../filter/diagnostic.ts';
import { readFilter } from '../filter/filter.ts';
import { readSort, type SortKey } from '../filter/sort.ts';
import type { Vocabulary } from '../filter/vocabulary.ts';

/** What lists of the explorer and of MCP have in common. Runflow's are laid down by its API, cursors included: `runflow/list.ts`. */

/** A list as it is asked for, checked. */
export interface ReadList extends KeysetRequest {
  readonly filter: CheckedFilter | null;
  readonly sort: readonly SortKey[];
  /** Ties a cursor to its list: with another filter or order its boundary means nothing. */
  readonly digest: string;
}

/** What ties a cursor to its list. @param scope everything that binds it: filter, order, the workspace, a parent's id */
export function digestOf(scope: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(scope)).digest('base64url').slice(0, 16);
}

/** A place in a list, for whoever asks for the next page; null: there is none. */
export function cursorOf(boundary: Boundary | null, digest: string): string | null {
  return boundary === null ? null : Buffer.from(JSON.stringify([digest, boundary])).toString('base64url');
}

/** The place that a cursor means. @param otherwise what is said of one that is of another list @throws PlatformError `invalid` */
export function readCursor(text: string, digest: string, at: readonly string[], otherwise: string): Boundary {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [ofList, boundary] = Array.isArray(parts) ? parts : [];
  if (ofList === digest && Array.isArray(boundary) && boundary.every(isBoundaryValue)) return boundary;
  throw invalid([{ at, message: otherwise, type: 'cursor' }]);
}

const isBoundaryValue = (value: unknown): boolean =>
  value === null || typeof value === 'string' || typeof value === 'number';

/** The filter of a text; null filters nothing. @param at where the text stands @throws PlatformError `invalid` with every mistake and its place */
export function readFilterAt(
  at: readonly string[],
  text: string | undefined,
  vocabulary: Vocabulary,
  now: number,
): CheckedFilter | null {
  const { filter, diagnostics } = readFilter(text ?? '', vocabulary, { now, strict: true });
  refuse(at, 'filter', diagnostics);
  return filter;
}

/** The order of a text. @param at where it stands @param type of its mistakes @throws PlatformError `invalid` with every mistake and its place */
export function readSortAt(
  at: readonly string[],
  text: string | undefined,
  vocabulary: Vocabulary,
  type: string,
): readonly SortKey[] {
  const { keys, diagnostics } = readSort(text ?? '', vocabulary);
  refuse(at, type, diagnostics);
  return keys;
}

function refuse(at: readonly string[], type: string, diagnostics: readonly Diagnostic[]): void {
  const problems = diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ from, to, message, hint }) => {
      return { at, message, type, span: { from, to }, ...(hint === undefined ? {} : { hint }) };
    });
  if (problems.length > 0) throw invalid(problems);
}

/** A filter that also holds a column to be one of some values. */
export function within(filter: CheckedFilter | null, column: string, values: readonly string[]): CheckedFilter {
  const test: CheckedFilter = { kind: 'in', target: { column, kind: 'text', path: [] }, values };
  return filter === null ? test : { kind: 'and', terms: [test, filter] };
}
