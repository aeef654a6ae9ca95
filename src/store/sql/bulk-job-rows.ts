import type { BulkJob, BulkJobState } from '../../domain/bulk-job.ts';
import type { Row } from './rows.ts';

/** Jobs over many runs: rows to domain values and back. */
export const BULK_JOB_COLUMNS = [
  'workspace_id',
  'id',
  'key_id',
  'seen_at',
  'finished_at',
  'end_asked_at',
  'state',
] as const;

export function bulkJobCells({ workspaceId, keyId, state, seenAt, endAskedAt }: BulkJob): (string | number | null)[] {
  const { id, finishedAt, ...rest } = state;
  return [workspaceId, id, keyId, seenAt, finishedAt, endAskedAt, JSON.stringify(rest)];
}

export function bulkJobFromRow(row: Row): BulkJob {
  const rest = JSON.parse(String(row['state'])) as Omit<BulkJobState, 'id' | 'finishedAt'>;
  return {
    workspaceId: String(row['workspace_id']),
    keyId: String(row['key_id']),
    state: { id: String(row['id']), ...rest, finishedAt: numberOrNull(row['finished_at']) },
    seenAt: Number(row['seen_at']),
    endAskedAt: numberOrNull(row['end_asked_at']),
  };
}

const numberOrNull = (cell: unknown): number | null => (cell === null ? null : Number(cell));
