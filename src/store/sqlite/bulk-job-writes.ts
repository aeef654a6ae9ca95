import type { StatementSync } from 'node:sqlite';
import type { Write } from '../change.ts';
import { BULK_JOB_COLUMNS, bulkJobCells } from '../sql/bulk-job-rows.ts';

/** The statement of a text, prepared once. */
type Prepared = (sql: string) => StatementSync;

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

const START = `insert into bulk_jobs (${BULK_JOB_COLUMNS.join(', ')}) values (${BULK_JOB_COLUMNS.map(() => '?').join(', ')})`;

/** Whether there is room for one more at work. */
export function bulkJobHolds({ job, seenSince, mostAtWork }: Of<'startBulkJob'>, prepared: Prepared): boolean {
  const text = 'select count(*) as n from bulk_jobs where workspace_id = ? and finished_at is null and seen_at >= ?';
  return Number(prepared(text).get(job.workspaceId, seenSince)?.['n']) < mostAtWork;
}

/** Writes what a write says. */
export function applyBulkJob(write: Of<'startBulkJob' | 'saveBulkJob' | 'askBulkJobToEnd'>, prepared: Prepared): void {
  switch (write.kind) {
    case 'startBulkJob': {
      const { job, seenSince, keep } = write;
      prepared(START).run(...bulkJobCells(job));
      // Below 0 it would be any number.
      prepared(
        `delete from bulk_jobs where workspace_id = ?1 and id in (
           select id from bulk_jobs where workspace_id = ?1 and (finished_at is not null or seen_at < ?2) order by id
           limit max(0, (select count(*) from bulk_jobs where workspace_id = ?1) - ?3))`,
      ).run(job.workspaceId, seenSince, keep);
      return;
    }
    case 'saveBulkJob': {
      const [workspaceId, id, , seenAt, finishedAt, , state] = bulkJobCells(write.job);
      prepared('update bulk_jobs set seen_at = ?, finished_at = ?, state = ? where workspace_id = ? and id = ?').run(
        seenAt!,
        finishedAt!,
        state!,
        workspaceId!,
        id!,
      );
      return;
    }
    case 'askBulkJobToEnd':
      prepared(
        `update bulk_jobs set end_asked_at = coalesce(end_asked_at, ?)
         where workspace_id = ? and id = ? and finished_at is null`,
      ).run(write.at, write.workspaceId, write.jobId);
      return;
  }
}
