import type { Static } from 'typebox';
import { invalid } from '../../domain/error.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { DeletionRequest, RunRequest } from '../../operations/runs.ts';
import type { BulkDeleteBody, CreateRunBody } from './schemas.ts';

/** The body of create run in the domain's words. */
export function readRunRequest(workflowId: string, body: Static<typeof CreateRunBody>): RunRequest {
  if (body.node_ids && body.single_node_id) {
    const message = 'node_ids and single_node_id exclude one another. Give one of them.';
    throw invalid([{ at: ['body', 'single_node_id'], message, type: 'exclusive' }]);
  }
  return {
    workflowId,
    versionId: body.workflow_version_id ?? null,
    workspaceId: body.group_id ?? null,
    input: body.input as JsonObject,
    nodeIds: body.node_ids ?? null,
    singleNodeId: body.single_node_id ?? null,
    callbackUrl: body.callback_url ?? null,
    tracing: body.tracing ?? false,
    debugger: body.debugger ?? null,
    source: 'api',
  };
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
  return { ...common, before: readTime(body.filters.to_date), workflowId: body.filters.workflow_id ?? null };
}

/** Python clients write times with six digits of a second, with or without a zone; without one it is UTC, as everywhere in this API. */
function readTime(given: string): number {
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(given);
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i.test(given);
  const at = Date.parse(isTime && given.length > 10 && !hasZone ? `${given}Z` : given);
  if (isTime && !Number.isNaN(at)) return at;
  const message = `Given was ${JSON.stringify(given.slice(0, 80))}, but it must be a date and time in ISO 8601, e.g. 2026-01-31T12:00:00Z.`;
  throw invalid([{ at: ['body', 'filters', 'to_date'], message, type: 'format' }]);
}
