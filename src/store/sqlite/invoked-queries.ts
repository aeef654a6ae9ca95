import type { Page, PageRequest } from '../../domain/page.ts';
import type { Run, RunStatus } from '../../domain/run.ts';
import * as rows from '../sql/rows.ts';
import type { InvokedPass, InvokedSelection } from '../store.ts';
import type { Connection } from './connection.ts';

/** See `LoadedRun.invoked`: what has ended is looked at as long as the task that says so is there. */
export function invokedPasses(on: Connection, workspaceId: string, runId: string): InvokedPass[] {
  // Most runs invoke none, and what follows takes twenty times as long.
  const any = on
    .prepared('select 1 from child_runs where workspace_id = ? and parent_run_id = ? limit 1')
    .get(workspaceId, runId);
  if (any === undefined) return [];
  return on
    .prepared(
      `select id, parent_node_id, parent_iteration, parent_attempt, ordinal, status from child_runs
       where workspace_id = ?1 and parent_run_id = ?2 and finished_at is null
       union all
       select c.id, c.parent_node_id, c.parent_iteration, c.parent_attempt, c.ordinal, c.status
       from (select distinct node_id, iteration from tasks where workspace_id = ?1 and run_id = ?2 and node_id is not null) t
       cross join child_runs c on c.workspace_id = ?1 and c.parent_run_id = ?2 and c.parent_node_id = t.node_id
         and c.parent_iteration = t.iteration and c.finished_at is not null
       order by parent_attempt, ordinal`,
    )
    .all(workspaceId, runId)
    .map((row) => ({
      runId: row['id'] as string,
      nodeId: row['parent_node_id'] as string,
      iteration: Number(row['parent_iteration']),
      attempt: Number(row['parent_attempt']),
      ordinal: Number(row['ordinal']),
      status: row['status'] as RunStatus,
    }));
}

/** See `Store.lastInvoked`. */
export function lastInvoked(
  on: Connection,
  workspaceId: string,
  runId: string,
  nodeId: string,
  iteration: number,
): Run | null {
  const row = on
    .prepared(
      `select r.*, p.input, p.output from
         (select id from child_runs where workspace_id = ?1 and parent_run_id = ?2 and parent_node_id = ?3 and parent_iteration = ?4
          order by parent_attempt desc, ordinal desc limit 1) last
         cross join child_runs r on r.workspace_id = ?1 and r.id = last.id
         cross join run_payloads p on p.workspace_id = ?1 and p.run_id = last.id`,
    )
    .get(workspaceId, runId, nodeId, iteration);
  return row === undefined ? null : rows.runFromRow(row);
}

/** See `Store.listInvoked`. */
export function listInvoked(on: Connection, selection: InvokedSelection, page: PageRequest): Page<Run> {
  const ofPass = selection.iteration === undefined ? '' : 'and parent_iteration = ?';
  const where = `from child_runs where workspace_id = ? and parent_run_id = ? and parent_node_id = ? ${ofPass}`;
  const cells = [
    selection.workspaceId,
    selection.runId,
    selection.nodeId,
    ...(selection.iteration === undefined ? [] : [selection.iteration]),
  ];
  const total = Number(on.prepared(`select count(*) as n ${where}`).get(...cells)?.['n']);
  const found = on
    .prepared(`select * ${where} order by parent_iteration, parent_attempt, ordinal limit ? offset ?`)
    .all(...cells, page.size, (page.page - 1) * page.size);
  return { items: found.map(rows.runFromRow), total, page: page.page, size: page.size };
}

/** See `Store.listRunsBelow`. */
export function listRunsBelow(on: Pick<Connection, 'prepared'>, workspaceId: string, rootId: string): string[] {
  return on
    .prepared('select id from child_runs where workspace_id = ? and root_run_id = ?')
    .all(workspaceId, rootId)
    .map((row) => row['id'] as string);
}
