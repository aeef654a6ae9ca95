import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { filterToSql, type SqlColumns, type SqlValue } from '../sql/filter-to-sql.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import type { RunReader } from '../store.ts';
import { connection } from './connection.ts';
import { runs } from './lists.ts';
import { getRun, listNodeRuns, listRunLogs, readLog } from './queries.ts';

/** Log lines of one run that are read. More is beyond what anybody searches a run for. */
const LOGS_READ = 100_000;

/** The columns of `filter/noxus-vocabulary.ts` and `filter/explorer-vocabulary.ts` in the statement below. */
const COLUMNS: SqlColumns = {
  ...runs({}).columns,
  id: 'r.id',
  workflowId: 'r.workflow_id',
  workflowVersionId: 'r.workflow_version_id',
  status: 'r.status',
  progress: 'r.progress',
  createdAt: 'r.created_at',
  startedAt: 'r.started_at',
  finishedAt: 'r.finished_at',
  durationMs: '(r.finished_at - r.started_at)',
  source: 'r.source',
  singleNodeId: 'r.single_node_id',
  callbackUrl: 'r.callback_url',
  failureCode: "json_extract(r.failure, '$.code')",
  failureMessage: "json_extract(r.failure, '$.message')",
  // A payload that lies in a blob is not JSON here and acts as null.
  input: "case when p.input not like '@%' then p.input end",
  output: "case when p.output not like '@%' then p.output end",
  meta: 'r.meta',
};

/** Opens the embedded store in `folder` for reading beside its owner. */
export function openRunReader(folder: string): RunReader {
  const db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true, timeout: 5000 });
  db.exec('pragma query_only = on');
  const on = connection(db);
  return {
    readLog: (position, limit) => readLog(on, position, limit),
    lastPosition: () => Number(on.prepared('select coalesce(max(position), 0) as last from events').get()?.['last']),
    countRuns: () => Number(on.prepared('select coalesce(sum(n), 0) as n from run_counts').get()?.['n']),
    records(workspaceId, runId) {
      const run = getRun(on, workspaceId, runId);
      if (run === null) return null;
      const workflow = on
        .prepared('select name from workflows where workspace_id = ? and id = ?')
        .get(workspaceId, run.workflowId);
      return {
        run,
        workflowName: String(workflow?.['name'] ?? ''),
        nodeRuns: listNodeRuns(on, workspaceId, runId, { payloads: true }),
        logs: listRunLogs(on, workspaceId, runId, LOGS_READ),
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
