import type { Attempt, ModelCallRecord } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import type { Usage } from '../../domain/run.ts';
import type { Row } from './rows.ts';

/** Tries of traced runs: rows to domain values and back, as `rows.ts` does it for the other tables. */
export const RUN_ATTEMPT_COLUMNS = [
  'workspace_id',
  'run_id',
  'node_id',
  'iteration',
  'attempt',
  'started_at',
  'finished_at',
  'failure',
  'usage',
  'model_calls',
] as const;

export function runAttemptCells(workspaceId: string, runId: string, attempt: Attempt): (string | number | null)[] {
  const { failure, usage, modelCalls } = attempt;
  return [
    workspaceId,
    runId,
    attempt.nodeId,
    attempt.iteration,
    attempt.attempt,
    attempt.startedAt,
    attempt.finishedAt,
    failure === null ? null : JSON.stringify(failure),
    usage === null ? null : JSON.stringify(usage),
    modelCalls.length === 0 ? null : JSON.stringify(modelCalls),
  ];
}

export function runAttemptFromRow(row: Row): Attempt {
  const json = <T>(column: string): T | null =>
    typeof row[column] === 'string' ? (JSON.parse(row[column]) as T) : null;
  return {
    nodeId: String(row['node_id']),
    iteration: Number(row['iteration']),
    attempt: Number(row['attempt']),
    startedAt: Number(row['started_at']),
    finishedAt: Number(row['finished_at']),
    failure: json<Failure>('failure'),
    usage: json<Usage>('usage'),
    modelCalls: json<ModelCallRecord[]>('model_calls') ?? [],
  };
}
