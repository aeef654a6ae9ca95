import { type Batch, batchStatus } from '../../domain/batch.ts';
import type { PersonRequest } from '../../domain/person-request.ts';
import type { Run, RunStatus } from '../../domain/run.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { BATCH_STATUS_CODE, RUN_STATUS_CODE } from './words.ts';

/** The event of each end (runflow-api.md 3.8). A callback is sent for no other status. */
const EVENT: Readonly<Partial<Record<RunStatus, string>>> = {
  succeeded: 'run.completed',
  partial: 'run.partial_succeeded',
  failed: 'run.failed',
  canceled: 'run.cancelled',
};

/**
 * The body of a finished run's callback, as JSON text (runflow-api.md 4).
 * @param output the run's output as JSON text, spliced in as it is where the run succeeded. A failed run has an error in its place, a
 *   canceled one nothing.
 */
export function presentCallbackBody(run: Run, output: string | null): string {
  const head = JSON.stringify({ event: EVENT[run.status], run_id: run.id, status: RUN_STATUS_CODE[run.status] });
  const tail = JSON.stringify({
    duration_ms: run.startedAt === null || run.finishedAt === null ? null : run.finishedAt - run.startedAt,
    created_at: time(run.createdAt),
    completed_at: time(run.finishedAt),
    metadata: run.meta,
  });
  return `${head.slice(0, -1)},"output":${outputOf(run, output)},${tail.slice(1)}`;
}

/** The body that tells of a person being asked, as JSON text: an event of its own, before that of the end. */
export function presentRequestCallbackBody(run: Run, request: PersonRequest): string {
  return JSON.stringify({
    event: 'run.waiting_for_person',
    run_id: run.id,
    status: RUN_STATUS_CODE.waiting,
    human_request: presentPersonRequest(request),
    created_at: time(run.createdAt),
    metadata: run.meta,
  });
}

/** The body of a batch's callback, as JSON text. */
export function presentBatchCallbackBody(batch: Batch): string {
  const status = BATCH_STATUS_CODE[batchStatus(batch)];
  return JSON.stringify({
    event: `batch.${status === 'canceled' ? 'cancelled' : status}`,
    batch_id: batch.id,
    status,
    output: {
      items: batch.itemsTotal,
      succeeded: batch.itemsSucceeded + batch.itemsPartial,
      failed: batch.itemsFailed,
      cancelled: batch.itemsCanceled,
      total: batch.itemsTotal,
    },
    duration_ms: batch.startedAt === null || batch.finishedAt === null ? null : batch.finishedAt - batch.startedAt,
    created_at: time(batch.createdAt),
    completed_at: time(batch.finishedAt),
    metadata: batch.meta,
  });
}

function outputOf(run: Run, output: string | null): string {
  if (run.status === 'canceled') return 'null';
  if (run.failure === null) return output ?? 'null';
  const { code, message, stage = 'execution' } = run.failure;
  return JSON.stringify({ error: { code, message, stage } });
}

/** The zone is written as `+00:00` in these bodies, other than everywhere else. */
function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace('Z', '+00:00');
}
