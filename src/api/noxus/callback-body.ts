import type { PersonRequest } from '../../domain/person-request.ts';
import type { Run, RunStatus } from '../../domain/run.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { RUN_STATUS_WORD } from './words.ts';

/** The words of a finished run's status (noxus-api.md 1.10). A callback is sent for no other. */
const STATUS: Readonly<Partial<Record<RunStatus, string>>> = {
  succeeded: 'completed',
  partial: 'completed',
  failed: 'failed',
  canceled: 'stopped',
};

/**
 * The body of a finished run's callback, as JSON text. Its names differ from the run object's: `outputs`, `completed_at`.
 * @param output the run's output as JSON text, spliced in as it is; null: there is none, which the body says as `{}`.
 */
export function presentCallbackBody(run: Run, output: string | null): string {
  const head = JSON.stringify({ run_id: run.id, workflow_id: run.workflowId, status: STATUS[run.status] });
  const tail = JSON.stringify({
    error: run.failure?.message ?? null,
    started_at: time(run.startedAt),
    completed_at: time(run.finishedAt),
    // A run that was stopped before it began took no time.
    duration_ms: run.startedAt === null || run.finishedAt === null ? 0 : run.finishedAt - run.startedAt,
  });
  return `${head.slice(0, -1)},"outputs":${output ?? '{}'},${tail.slice(1)}`;
}

/** The body that tells of a person being asked, as JSON text. The run itself may go on meanwhile. */
export function presentRequestCallbackBody(run: Run, request: PersonRequest): string {
  return JSON.stringify({
    run_id: run.id,
    workflow_id: run.workflowId,
    status: RUN_STATUS_WORD.waiting,
    human_request: presentPersonRequest(request),
  });
}

/** The documented form: UTC without a zone, six digits of a second. */
function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace('Z', '000');
}
