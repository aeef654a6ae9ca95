import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { NodeRun } from '../../domain/node-run.ts';
import { isTerminal } from '../../domain/run.ts';
import type { RunLog } from '../../domain/run-log.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { filterToSql, type SqlValue } from '../sql/filter-to-sql.ts';
import { runColumns } from '../sql/run-columns.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import type { RunReader, RunRecords } from '../store.ts';
import { type Connection, connection } from './connection.ts';
import { getRun, listNodeRuns, listRunLogs, readLog } from './queries.ts';
import { sqliteLists } from './sqlite-lists.ts';

/** Log lines of one run that are read. More is beyond what anybody searches a run for. */
const LOGS_READ = 100_000;

/** Runs below one run that are read. */
const RUNS_BELOW_READ = 20_000;

const COLUMNS = runColumns(sqliteLists);

/** What the runs below a run recorded, with nodes named by the way to them: `<node>/<item>/<node>`. */
function recordsBelow(on: Connection, workspaceId: string, rootId: string): Pick<RunRecords, 'nodeRuns' | 'logs'> {
  const nodeRuns: NodeRun[] = [];
  const logs: RunLog[] = [];
  const ways = new Map<string, string>([[rootId, '']]);
  const below = on
    .prepared(
      `select id, parent_run_id, parent_node_id, max(parent_iteration, ordinal) as place from child_runs
       where workspace_id = ? and root_run_id = ? order by depth, id limit ?`,
    )
    .all(workspaceId, rootId, RUNS_BELOW_READ);
  for (const row of below) {
    const id = row['id'] as string;
    const way = `${ways.get(row['parent_run_id'] as string) ?? ''}${row['parent_node_id']}/${row['place']}/`;
    ways.set(id, way);
    for (const nodeRun of listNodeRuns(on, workspaceId, id, { payloads: true })) {
      nodeRuns.push({ ...nodeRun, nodeId: `${way}${nodeRun.nodeId}` });
    }
    for (const log of listRunLogs(on, workspaceId, id, LOGS_READ)) {
      logs.push({ ...log, nodeId: log.nodeId === null ? null : `${way}${log.nodeId}` });
    }
  }
  return { nodeRuns, logs };
}

/** Opens the embedded store in `folder` for reading beside its owner. */
export function openRunReader(folder: string): RunReader {
  const db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true, timeout: 5000 });
  db.exec('pragma query_only = on');
  const on = connection(db);
  return {
    readLog: (position, limit) => readLog(on, position, limit),
    lastPosition: () => Number(on.prepared('select coalesce(max(position), 0) as last from events').get()?.['last']),
    runsByWorkspace: () =>
      new Map(
        on
          .prepared('select workspace_id, sum(n) as n from run_counts group by workspace_id')
          .all()
          .map((row) => [row['workspace_id'] as string, Number(row['n'])]),
      ),
    records(workspaceId, runId) {
      const run = getRun(on, workspaceId, runId);
      if (run === null) return null;
      const workflow = on
        .prepared('select name from workflows where workspace_id = ? and id = ?')
        .get(workspaceId, run.workflowId);
      const own = {
        nodeRuns: listNodeRuns(on, workspaceId, runId, { payloads: true }),
        logs: listRunLogs(on, workspaceId, runId, LOGS_READ),
      };
      // While it runs, each of its steps would read them all.
      const below = isTerminal(run.status) ? recordsBelow(on, workspaceId, runId) : { nodeRuns: [], logs: [] };
      return {
        run,
        workflowName: String(workflow?.['name'] ?? ''),
        nodeRuns: [...own.nodeRuns, ...below.nodeRuns],
        logs: [...own.logs, ...below.logs],
      };
    },
    filter(workspaceId: string, runIds: readonly string[], filter: CheckedFilter) {
      const values: SqlValue[] = [];
      const bind = (value: SqlValue) => `?${values.push(value)}`;
      const workspace = bind(workspaceId);
      const ids = bind(JSON.stringify(runIds));
      const condition = filterToSql(filter, COLUMNS, sqliteFilter, bind);
      // Not kept like other statements: each filter is another text.
      return db
        .prepare(
          `select r.id from runs r join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
           where r.workspace_id = ${workspace} and r.id in (select value from json_each(${ids})) and ${condition}`,
        )
        .all(...values)
        .map((row) => row['id'] as string);
    },
    close: () => db.close(),
  };
}
