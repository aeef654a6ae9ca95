import type { Static } from 'typebox';
import { invalid, type Problem } from '../../domain/error.ts';
import type { JsonObject } from '../../domain/json.ts';
import { parseTraceparent } from '../../domain/trace.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { readFilter } from '../../filter/filter.ts';
import { noxusVocabulary } from '../../filter/noxus-vocabulary.ts';
import type { DeletionRequest, RunRequest } from '../../operations/runs.ts';
import type { RunSearchRequest, SearchField } from '../../operations/search.ts';
import type { BulkDeleteBody, CreateRunBody, SearchRunRequest } from './schemas.ts';

/** The body of create run in the domain's words. @param headers of the request: they may name the trace that the caller is in */
export function readRunRequest(
  workflowId: string,
  body: Static<typeof CreateRunBody>,
  headers: Readonly<Record<string, unknown>> = {},
): RunRequest {
  if (body.node_ids?.length && body.single_node_id) {
    const message = 'node_ids and single_node_id exclude one another. Give one of them.';
    throw invalid([{ at: ['body', 'single_node_id'], message, type: 'exclusive' }]);
  }
  return {
    workflowId,
    versionId: body.workflow_version_id ?? null,
    workspaceId: body.group_id ?? null,
    input: body.input as JsonObject,
    // An empty list narrows nothing: clients send it where they have nothing to say.
    nodeIds: body.node_ids?.length ? body.node_ids : null,
    singleNodeId: body.single_node_id ?? null,
    callbackUrl: body.callback_url ?? null,
    tracing: body.tracing ?? false,
    debugger: body.debugger ?? null,
    trace: parseTraceparent(headers['traceparent']),
    source: 'api',
  };
}

/** A page within what `limit` and `offset` allow; null when the address names none, and the whole list is meant. */
export type SearchPage = { readonly page: number; readonly size: number } | null;

/**
 * The body of a search in the domain's words. `limit` and `offset` bound the list; `page` and `size` slice it.
 * @throws PlatformError `invalid` with every mistake of the filter
 */
export function readSearch(
  body: Static<typeof SearchRunRequest>,
  page: SearchPage,
  now: number,
): Omit<RunSearchRequest, 'workspaceId'> {
  const limit = body.limit ?? 10;
  const from = page === null ? 0 : (page.page - 1) * page.size;
  const left = Math.max(0, limit - from);
  const filter = readSearchFilter(body.filter ?? null, now);
  return {
    query: body.query,
    exact: body.exact ?? true,
    similarityThreshold: body.similarity_threshold ?? 0,
    limit: page === null ? limit : Math.min(page.size, left),
    // A page beyond the list is empty, however far beyond: nothing shall be skipped for it.
    offset: left === 0 ? 0 : (body.offset ?? 0) + from,
    contextSize: body.context_size ?? 30,
    maxMatchesPerRun: body.max_matches_per_run ?? 5,
    ignoreAccents: body.ignore_accents ?? false,
    ...(body.search_in?.length ? { searchIn: body.search_in as SearchField[] } : {}),
    ...(body.workflow_ids ? { workflowIds: body.workflow_ids } : {}),
    ...(filter === null ? {} : { filter }),
  };
}

function readSearchFilter(text: string | null, now: number): CheckedFilter | null {
  if (text === null) return null;
  const { filter, diagnostics } = readFilter(text, noxusVocabulary, { now, strict: true });
  const mistakes = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (mistakes.length > 0) {
    throw invalid(
      mistakes.map(({ from, to, message, hint }) => ({
        at: ['body', 'filter'],
        message: `${message} (characters ${from} to ${to})`,
        type: 'filter',
        ...(hint === undefined ? {} : { hint }),
      })),
    );
  }
  return filter ?? null;
}

/** The body of bulk delete in the domain's words. */
export function readDeletion(body: Static<typeof BulkDeleteBody>): DeletionRequest {
  const common = { dryRun: body.dry_run ?? false, expectedCount: body.expected_count ?? null };
  if (body.run_ids && body.filters) {
    const message = 'run_ids and filters exclude one another. Give one of them.';
    throw invalid([{ at: ['body', 'filters'], message, type: 'exclusive' }]);
  }
  if (body.run_ids) return { ...common, runIds: body.run_ids };
  if (!body.filters) {
    const message = 'Which runs? Give run_ids, or filters with a to_date.';
    throw invalid([{ at: ['body', 'run_ids'], message, type: 'missing' }]);
  }
  return {
    ...common,
    before: readTime(body.filters.to_date, ['body', 'filters', 'to_date']),
    workflowId: body.filters.workflow_id ?? null,
  };
}

/**
 * A time in epoch milliseconds. Python clients write six digits of a second, with or without a zone; without one it is UTC, as everywhere in this
 * API.
 * @param at where it was given
 * @throws PlatformError `invalid`
 */
export function readTime(given: string, at: Problem['at']): number {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(given);
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i.test(given);
  const time = Date.parse(isTime && given.length > 10 && !hasZone ? `${given}Z` : given);
  if (isTime && !Number.isNaN(time)) return time;
  const message = `Given was ${JSON.stringify(given.slice(0, 80))}, but it must be a date and time in ISO 8601, e.g. 2026-01-31T12:00:00Z.`;
  throw invalid([{ at, message, type: 'format' }]);
}
