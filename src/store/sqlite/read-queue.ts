import type { DatabaseSync } from 'node:sqlite';
import type { JsonObject } from '../../domain/json.ts';
import { CALL_SOURCE } from '../../domain/run.ts';
import { runLimit } from '../../domain/workflow.ts';
import { taskFromRow } from '../sql/rows.ts';
import { TaskQueue } from './queue.ts';

/** The queue as the tables say it is: what an earlier process had claimed is due again. */
export function readQueue(db: DatabaseSync, runsPerWorkspace: number | null): TaskQueue {
  const queue = new TaskQueue(runsPerWorkspace);
  const text = (value: unknown): string => String(value);
  for (const row of db.prepare('select id from workspaces').iterate()) queue.addWorkspace(text(row['id']));
  const limited = db.prepare(
    "select workspace_id, id, settings from workflows where instr(settings, 'max_concurrent_runs')",
  );
  for (const row of limited.iterate()) {
    const settings = JSON.parse(text(row['settings'])) as JsonObject;
    queue.limit(text(row['workspace_id']), text(row['id']), runLimit(settings));
  }
  // `takesPlace`, in the words of SQL: runs below others have a table of their own. The workspaces come from a small table, so that the index by status is used for each of them.
  const underWay = db.prepare(
    `select r.workspace_id, r.workflow_id, count(*) as n from (select distinct workspace_id as id from run_counts) w
     cross join runs r on r.workspace_id = w.id and r.status = 'running' and r.source <> '${CALL_SOURCE}' group by r.workspace_id, r.workflow_id`,
  );
  for (const row of underWay.iterate()) {
    queue.countRuns(text(row['workspace_id']), text(row['workflow_id']), Number(row['n']));
  }
  for (const row of db.prepare('select * from tasks').iterate()) queue.add(taskFromRow(row));
  return queue;
}
