import { type MessagePort, workerData } from 'node:worker_threads';
import type { NodeRun } from '../../domain/node-run.ts';
import { isTerminal } from '../../domain/run.ts';
import type { RunLog } from '../../domain/run-log.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { filterToSql } from '../sql/filter-to-sql.ts';
import * as rows from '../sql/rows.ts';
import { runColumns } from '../sql/run-columns.ts';
import type { RunReader, RunRecords } from '../store.ts';
import { openConnections, readAddress, readsOf } from './connection.ts';
import { BoundParameters, postgresFilter } from './postgres-filter.ts';
import { postgresLists } from './postgres-lists.ts';
import { among, PAYLOADS, WITH_PAYLOADS } from './queries.ts';

/** What the thread is given when it starts. */
export interface RunReaderData {
  readonly address: string;
  readonly port: MessagePort;
  /** Raised by one, and waited for, with each answer. */
  readonly answered: SharedArrayBuffer;
}

/** The questions of a `RunReader`, by name. */
export type Questions = {
  readonly [K in keyof Omit<RunReader, 'close'>]: (
    ...given: Parameters<RunReader[K]>
  ) => Promise<ReturnType<RunReader[K]>>;
};

/** Log lines of one run that are read. More is beyond what anybody searches a run for. */
const LOGS_READ = 100_000;

/** Runs below one run that are read. */
const RUNS_BELOW_READ = 20_000;

/** A run with everything that is found of it. One statement, as it is asked for each run of the log. */
const RECORDS = `select f.run,
  (select w.name from workflows w where w.workspace_id = $1 and w.id = f.run ->> 'workflow_id') as workflow,
  (select json_agg(n order by n.node_id) from node_runs n where n.workspace_id = $1 and n.run_id = $2) as node_runs,
  (select json_agg(l order by l.id) from (
    select * from run_logs l where l.workspace_id = $1 and l.run_id = $2 order by l.id limit $3) l) as logs,
  exists (select 1 from child_runs c where c.workspace_id = $1 and c.root_run_id = $2) as has_below
  from (select coalesce(
    (select row_to_json(o) from (select ${WITH_PAYLOADS} from runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = $2) o),
    (select row_to_json(o) from (select ${WITH_PAYLOADS} from child_runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = $2) o)
  ) as run) f`;

interface FoundRecords {
  readonly run: rows.Row | null;
  readonly workflow: string | null;
  readonly node_runs: readonly rows.Row[] | null;
  readonly logs: readonly rows.Row[] | null;
  readonly has_below: boolean;
}

const COLUMNS = runColumns(postgresLists);

const { address, port, answered } = workerData as RunReaderData;
const sql = openConnections(readAddress(address));
const reads = readsOf(sql);
const signal = new Int32Array(answered);

const questions: Questions = {
  async readLog(position, limit) {
    const found = await reads.platformRows('select * from events where position > $1 order by position limit $2', [
      position,
      limit,
    ]);
    return found.map(rows.eventFromRow);
  },
  async lastPosition() {
    const [row] = await reads.platformRows('select position from platform_log_head');
    return Number(row?.['position']);
  },
  async runsByWorkspace() {
    const found = await reads.platformRows(
      'select workspace_id, sum(n)::bigint as n from run_counts group by workspace_id',
    );
    return new Map(found.map((row) => [row['workspace_id'] as string, Number(row['n'])]));
  },
  async records(workspaceId, runId) {
    const [found] = await reads.rows(workspaceId, RECORDS, [runId, LOGS_READ]);
    const parts = found as unknown as FoundRecords;
    if (parts.run === null) return null;
    const run = rows.runFromRow(parts.run);
    // While it runs, each of its steps would read them all.
    const below =
      parts.has_below && isTerminal(run.status) ? await recordsBelow(workspaceId, runId) : { nodeRuns: [], logs: [] };
    return {
      run,
      workflowName: parts.workflow ?? '',
      nodeRuns: [...(parts.node_runs ?? []).map(rows.nodeRunFromRow), ...below.nodeRuns],
      logs: [...(parts.logs ?? []).map(rows.logFromRow), ...below.logs],
    };
  },
  async filter(workspaceId: string, runIds: readonly string[], filter: CheckedFilter) {
    const { values, bind } = new BoundParameters();
    const ids = bind(JSON.stringify(runIds));
    const found = await reads.rows(
      workspaceId,
      `select r.id from runs r join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
       where r.workspace_id = $1 and r.id ${among(ids)} and ${filterToSql(filter, COLUMNS, postgresFilter, bind)}`,
      values,
      'rare',
    );
    return found.map((row) => row['id'] as string);
  },
};

/** What the runs below a run recorded, with nodes named by the way to them: `<node>/<item>/<node>`. */
async function recordsBelow(workspaceId: string, rootId: string): Promise<Pick<RunRecords, 'nodeRuns' | 'logs'>> {
  const below = await reads.rows(
    workspaceId,
    `select id, parent_run_id, parent_node_id, greatest(parent_iteration, ordinal) as place from child_runs
     where workspace_id = $1 and root_run_id = $2 order by depth, id limit $3`,
    [rootId, RUNS_BELOW_READ],
  );
  if (below.length === 0) return { nodeRuns: [], logs: [] };
  const ways = new Map<string, string>([[rootId, '']]);
  for (const row of below) {
    const above = ways.get(row['parent_run_id'] as string) ?? '';
    ways.set(row['id'] as string, `${above}${row['parent_node_id']}/${row['place']}/`);
  }
  const ids = JSON.stringify(below.map((row) => row['id']));
  const [nodeRows, logRows] = await Promise.all([
    reads.rows(
      workspaceId,
      `select * from node_runs where workspace_id = $1 and run_id ${among('$2')} order by run_id, node_id`,
      [ids],
    ),
    reads.rows(
      workspaceId,
      `select * from run_logs where workspace_id = $1 and run_id ${among('$2')} order by run_id, id limit $3`,
      [ids, LOGS_READ],
    ),
  ]);
  const wayOf = (row: rows.Row): string => ways.get(row['run_id'] as string) ?? '';
  return {
    nodeRuns: nodeRows.map((row): NodeRun => {
      const nodeRun = rows.nodeRunFromRow(row);
      return { ...nodeRun, nodeId: `${wayOf(row)}${nodeRun.nodeId}` };
    }),
    logs: logRows.map((row): RunLog => {
      const log = rows.logFromRow(row);
      return { ...log, nodeId: log.nodeId === null ? null : `${wayOf(row)}${log.nodeId}` };
    }),
  };
}

port.on('message', ({ question, given }: { question: keyof Questions; given: readonly unknown[] }) => {
  const ask = questions[question] as (...given: readonly unknown[]) => Promise<unknown>;
  ask(...given)
    .then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    .then((message) => {
      port.postMessage(message);
      Atomics.add(signal, 0, 1);
      Atomics.notify(signal, 0);
    });
});
