import type { ApiKey } from '../../domain/caller.ts';
import type { NodeRun } from '../../domain/node-run.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Run, RunStatus } from '../../domain/run.ts';
import type { Workflow, WorkflowKind, WorkflowRecord, WorkflowType } from '../../domain/workflow.ts';
import { askedPassFromRow } from '../sql/person-request-rows.ts';
import * as rows from '../sql/rows.ts';
import type {
  CountedWorkflow,
  InvokedSelection,
  LoadedRun,
  RecordsOfRuns,
  RecordsWanted,
  RunSelection,
  RunStats,
  RunsBefore,
  StatsSelection,
} from '../store.ts';
import type { Reads } from './connection.ts';

/** A JSON list of texts that is bound to a parameter, as a set: the driver has no arrays without asking the server for its types. */
export const among = (parameter: string): string => `in (select jsonb_array_elements_text(${parameter}::text::jsonb))`;

const TERMINAL = `('succeeded', 'partial', 'failed', 'canceled')`;

/** The columns of a run `r` with its payloads, and where those come from. */
export const WITH_PAYLOADS = 'r.*, p.input, p.output';
export const PAYLOADS = 'join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id';

/** See `Store.getRun`. */
export async function getRun(reads: Reads, workspaceId: string, runId: string): Promise<Run | null> {
  const [row] = await reads.rows(
    workspaceId,
    `select ${WITH_PAYLOADS} from runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = $2`,
    [runId],
  );
  if (row !== undefined) return rows.runFromRow(row);
  const [below] = await reads.rows(
    workspaceId,
    `select ${WITH_PAYLOADS} from child_runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = $2`,
    [runId],
  );
  return below === undefined ? null : rows.runFromRow(below);
}

async function countRuns(reads: Reads, { workspaceId, workflowId }: RunSelection): Promise<number> {
  const [row] =
    workflowId === undefined
      ? await reads.rows(workspaceId, 'select sum(n)::bigint as n from run_counts where workspace_id = $1')
      : await reads.rows(
          workspaceId,
          'select sum(n)::bigint as n from run_counts where workspace_id = $1 and workflow_id = $2',
          [workflowId],
        );
  return Number(row?.['n'] ?? 0);
}

/** See `Store.listRuns`. The ids of the page are found in an index alone, then their rows are read by key. */
export async function listRuns(
  reads: Reads,
  selection: RunSelection,
  page: PageRequest,
  options: { readonly output: boolean },
): Promise<Page<Run>> {
  const { workspaceId, workflowId } = selection;
  const ofWorkflow = workflowId === undefined ? '' : 'and x.workflow_id = $4';
  const [found, total] = await Promise.all([
    reads.rows(
      workspaceId,
      `select r.*, p.input, ${options.output ? 'p.output' : 'null as output'} from
         (select x.id from runs x where x.workspace_id = $1 ${ofWorkflow}
          order by x.created_at desc, x.id desc limit $2 offset $3) page
       join runs r on r.workspace_id = $1 and r.id = page.id ${PAYLOADS}
       order by r.created_at desc, r.id desc`,
      [page.size, (page.page - 1) * page.size, ...(workflowId === undefined ? [] : [workflowId])],
    ),
    countRuns(reads, selection),
  ]);
  return { items: found.map(rows.runFromRow), total, page: page.page, size: page.size };
}

/** See `Store.findRunsBefore`. */
export async function findRunsBefore(
  reads: Reads,
  { workspaceId, workflowId, before, finishedBefore }: RunsBefore,
  limit: number,
): Promise<{ runIds: string[]; total: number }> {
  const given: (string | number)[] = [before];
  // The workspace is $1.
  const bind = (value: string | number): string => `$${given.push(value) + 1}`;
  const ofWorkflow = workflowId === undefined ? '' : `and workflow_id = ${bind(workflowId)}`;
  const ended = finishedBefore === undefined ? '' : `and finished_at < ${bind(finishedBefore)}`;
  const where = `from runs where workspace_id = $1 and status in ${TERMINAL} and created_at < $2 ${ofWorkflow} ${ended}`;
  const [[counted], found] = await Promise.all([
    reads.rows(workspaceId, `select count(*) as n ${where}`, given),
    reads.rows(workspaceId, `select id ${where} order by id limit $${given.length + 2}`, [...given, limit]),
  ]);
  return { runIds: found.map((row) => row['id'] as string), total: Number(counted?.['n']) };
}

/** See `Store.listWorkflowLogs`. */
export async function listWorkflowLogs(reads: Reads, workspaceId: string, workflowId: string, page: PageRequest) {
  const from = `from runs r join run_logs l on l.workspace_id = r.workspace_id and l.run_id = r.id
    where r.workspace_id = $1 and r.workflow_id = $2`;
  const [[counted], found] = await Promise.all([
    reads.rows(workspaceId, `select count(*) as n ${from}`, [workflowId]),
    reads.rows(workspaceId, `select l.* ${from} order by r.created_at desc, r.id desc, l.id desc limit $3 offset $4`, [
      workflowId,
      page.size,
      (page.page - 1) * page.size,
    ]),
  ]);
  return { items: found.map(rows.logFromRow), total: Number(counted?.['n']), page: page.page, size: page.size };
}

const RECORD = `w.*, v.id as version_found,
  ${rows.VERSION_COLUMNS.map((column) => `v.${column} as version_${column}`).join(', ')},
  coalesce((select sum(c.n) from run_counts c where c.workspace_id = w.workspace_id and c.workflow_id = w.id), 0)::bigint as runs_count,
  (select x.created_at from runs x where x.workspace_id = w.workspace_id and x.workflow_id = w.id
   order by x.created_at desc, x.id desc limit 1) as last_run_at
  from workflows w left join workflow_versions v on v.workspace_id = w.workspace_id and v.id = w.current_version_id`;

function workflowRecord(row: rows.Row): WorkflowRecord {
  const workflow = rows.workflowFromRow(row);
  if (row['version_found'] === null)
    throw new Error(`Workflow ${workflow.id} has lost its version ${workflow.currentVersionId}.`);
  const version = Object.fromEntries(rows.VERSION_COLUMNS.map((column) => [column, row[`version_${column}`] ?? null]));
  return {
    workflow,
    version: rows.versionFromRow(version),
    runsCount: Number(row['runs_count']),
    lastRunAt: row['last_run_at'] === null ? null : Number(row['last_run_at']),
  };
}

async function oneRecord(reads: Reads, workspaceId: string, which: string, given: readonly string[]) {
  const [row] = await reads.rows(workspaceId, `select ${RECORD} where w.workspace_id = $1 and ${which}`, given);
  return row === undefined ? null : workflowRecord(row);
}

/** See `Store.getWorkflowRecord`. */
export const getWorkflowRecord = (
  reads: Reads,
  workspaceId: string,
  workflowId: string,
  options: { readonly deleted: boolean },
): Promise<WorkflowRecord | null> =>
  oneRecord(reads, workspaceId, `w.id = $2 ${options.deleted ? '' : 'and w.deleted_at is null'}`, [workflowId]);

/** See `Store.findWorkflowByName`. */
export const findWorkflowByName = (reads: Reads, workspaceId: string, name: string): Promise<WorkflowRecord | null> =>
  oneRecord(reads, workspaceId, 'w.name = $2 and w.deleted_at is null order by w.updated_at desc, w.id desc limit 1', [
    name,
  ]);

/** See `Store.findWorkflowBySlug`. */
export const findWorkflowBySlug = (
  reads: Reads,
  workspaceId: string,
  kind: WorkflowKind,
  slug: string,
): Promise<WorkflowRecord | null> =>
  oneRecord(reads, workspaceId, 'w.kind = $2 and w.slug = $3 and w.deleted_at is null', [kind, slug]);

/** See `Store.listWorkflows`. */
export async function listWorkflows(
  reads: Reads,
  workspaceId: string,
  page: PageRequest,
  type: WorkflowType | null,
): Promise<Page<WorkflowRecord>> {
  const where = `w.workspace_id = $1 and w.kind = 'flow' and w.deleted_at is null and ($2::text is null or w.type = $2)`;
  const [[counted], found] = await Promise.all([
    reads.rows(workspaceId, `select count(*) as n from workflows w where ${where}`, [type]),
    reads.rows(
      workspaceId,
      `select ${RECORD} where ${where} order by w.updated_at desc, w.id desc limit $3 offset $4`,
      [type, page.size, (page.page - 1) * page.size],
    ),
  ]);
  return { items: found.map(workflowRecord), total: Number(counted?.['n']), page: page.page, size: page.size };
}

/** See `Store.listWorkflowsById`. */
export async function listWorkflowsById(
  reads: Reads,
  workspaceId: string,
  workflowIds: readonly string[],
): Promise<CountedWorkflow[]> {
  const found = await reads.rows(
    workspaceId,
    `select w.*, coalesce((select sum(c.n) from run_counts c where c.workspace_id = w.workspace_id and c.workflow_id = w.id), 0)::bigint
       as runs_count
     from workflows w where w.workspace_id = $1 and w.id ${among('$2')}`,
    [JSON.stringify(workflowIds)],
  );
  return found.map((row) => ({ workflow: rows.workflowFromRow(row), runsCount: Number(row['runs_count']) }));
}

/** See `Store.listNodeRuns`. */
export async function listNodeRuns(
  reads: Reads,
  workspaceId: string,
  runId: string,
  options: { readonly payloads: boolean },
): Promise<NodeRun[]> {
  const columns = options.payloads ? '*' : rows.NODE_RUN_COLUMNS.slice(0, -2).join(', ');
  const found = await reads.rows(
    workspaceId,
    `select ${columns} from node_runs where workspace_id = $1 and run_id = $2 order by node_id`,
    [runId],
  );
  return found.map(rows.nodeRunFromRow);
}

/** See `Store.recordsOfRuns`: what is bounded is the number of records of one run. */
export async function recordsOfRuns(
  reads: Reads,
  workspaceId: string,
  runIds: readonly string[],
  wanted: RecordsWanted,
): Promise<RecordsOfRuns> {
  const read = async <T>(limit: number, table: string, order: string, item: (row: rows.Row) => T) => {
    if (limit === 0) return new Map<string, T[]>();
    const found = await reads.rows(
      workspaceId,
      `select t.* from jsonb_array_elements_text($2::text::jsonb) wanted(run_id)
       cross join lateral (select x.* from ${table} x where x.workspace_id = $1 and x.run_id = wanted.run_id
         order by ${order} limit $3) t
       order by t.run_id, ${order.replaceAll('x.', 't.')}`,
      [JSON.stringify(runIds), limit],
    );
    const ofRuns = Map.groupBy(found, (row) => row['run_id'] as string);
    return new Map([...ofRuns].map(([runId, records]) => [runId, records.map(item)]));
  };
  const [nodeRuns, logs] = await Promise.all([
    read(wanted.nodeRuns, 'node_runs', 'x.started_at nulls last, x.node_id', rows.nodeRunFromRow),
    read(wanted.logs, 'run_logs', 'x.id', rows.logFromRow),
  ]);
  return { nodeRuns, logs };
}

/** Of what was invoked, what has ended is looked at as long as the task that says so is there. */
const LOAD_RUNS = `select
  w.run_id,
  coalesce(
    (select row_to_json(f) from (select ${WITH_PAYLOADS} from runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = w.run_id) f),
    (select row_to_json(f) from (select ${WITH_PAYLOADS} from child_runs r ${PAYLOADS} where r.workspace_id = $1 and r.id = w.run_id) f)
  ) as run,
  (select json_agg(n order by n.node_id) from node_runs n where n.workspace_id = $1 and n.run_id = w.run_id) as node_runs,
  (select json_agg(i order by i.node_id, i.iteration) from iterations i where i.workspace_id = $1 and i.run_id = w.run_id) as iterations,
  (select json_agg(t order by t.id) from tasks t where t.workspace_id = $1 and t.run_id = w.run_id) as tasks,
  (select json_agg(json_build_object('id', q.id, 'node_id', q.node_id, 'iteration', q.iteration, 'created_at', q.created_at) order by q.id)
    from person_requests q where q.workspace_id = $1 and q.run_id = w.run_id and q.status = 'pending') as asked,
  (select json_agg(json_build_object('id', c.id, 'parent_node_id', c.parent_node_id, 'parent_iteration', c.parent_iteration,
      'parent_attempt', c.parent_attempt, 'ordinal', c.ordinal, 'status', c.status) order by c.parent_attempt, c.ordinal)
    from child_runs c where c.workspace_id = $1 and c.parent_run_id = w.run_id and (c.finished_at is null or exists (
      select 1 from tasks t where t.workspace_id = $1 and t.run_id = w.run_id and t.node_id = c.parent_node_id
        and t.iteration = c.parent_iteration))) as invoked
  from jsonb_array_elements_text($2::text::jsonb) w(run_id)`;

/**
 * See `Store.loadRun`, for several runs; those that are not there are left out. One statement: all of it is of one moment, or a decision could rest on a run as
 * it is and on its nodes as they were; and it is asked for each run that a process takes up.
 */
export async function loadRuns(
  reads: Reads,
  workspaceId: string,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, LoadedRun>> {
  const found = await reads.rows(workspaceId, LOAD_RUNS, [JSON.stringify(runIds)]);
  return new Map(
    found.flatMap((row) => {
      const parts = row as unknown as Readonly<Record<string, rows.Row[] | null>> & { readonly run: rows.Row | null };
      return parts.run === null ? [] : [[row['run_id'] as string, loadedFrom(parts.run, parts)]];
    }),
  );
}

function loadedFrom(run: rows.Row, parts: Readonly<Record<string, rows.Row[] | null>>): LoadedRun {
  const listOf = <T>(name: string, item: (row: rows.Row) => T): T[] => (parts[name] ?? []).map(item);
  return {
    run: rows.runFromRow(run),
    nodeRuns: listOf('node_runs', rows.nodeRunFromRow),
    iterations: listOf('iterations', rows.iterationFromRow),
    tasks: listOf('tasks', rows.taskFromRow),
    asked: listOf('asked', askedPassFromRow),
    invoked: listOf('invoked', (row) => ({
      runId: row['id'] as string,
      nodeId: row['parent_node_id'] as string,
      iteration: Number(row['parent_iteration']),
      attempt: Number(row['parent_attempt']),
      ordinal: Number(row['ordinal']),
      status: row['status'] as RunStatus,
    })),
  };
}

/** See `Store.findApiKey`. */
export async function findApiKey(reads: Reads, digest: string): Promise<ApiKey | null> {
  const [row] = await reads.platformRows('select * from api_keys where digest = $1 or former_digest = $1 limit 1', [
    digest,
  ]);
  return row === undefined ? null : rows.apiKeyFromRow(row);
}

/** See `Store.getWorkflow`. */
export async function getWorkflow(reads: Reads, workspaceId: string, workflowId: string): Promise<Workflow | null> {
  const [row] = await reads.rows(
    workspaceId,
    'select * from workflows where workspace_id = $1 and id = $2 and deleted_at is null',
    [workflowId],
  );
  return row === undefined ? null : rows.workflowFromRow(row);
}

/** See `Store.lastInvoked`. */
export async function lastInvoked(
  reads: Reads,
  workspaceId: string,
  runId: string,
  nodeId: string,
  iteration: number,
): Promise<Run | null> {
  const [row] = await reads.rows(
    workspaceId,
    `select ${WITH_PAYLOADS} from child_runs r ${PAYLOADS}
     where r.workspace_id = $1 and r.parent_run_id = $2 and r.parent_node_id = $3 and r.parent_iteration = $4
     order by r.parent_attempt desc, r.ordinal desc limit 1`,
    [runId, nodeId, iteration],
  );
  return row === undefined ? null : rows.runFromRow(row);
}

/** See `Store.listInvoked`. */
export async function listInvoked(reads: Reads, selection: InvokedSelection, page: PageRequest): Promise<Page<Run>> {
  const { workspaceId, runId, nodeId, iteration = null } = selection;
  const where = `from child_runs where workspace_id = $1 and parent_run_id = $2 and parent_node_id = $3
    and ($4::bigint is null or parent_iteration = $4)`;
  const given = [runId, nodeId, iteration];
  const [[counted], found] = await Promise.all([
    reads.rows(workspaceId, `select count(*) as n ${where}`, given),
    reads.rows(workspaceId, `select * ${where} order by parent_iteration, parent_attempt, ordinal limit $5 offset $6`, [
      ...given,
      page.size,
      (page.page - 1) * page.size,
    ]),
  ]);
  return { items: found.map(rows.runFromRow), total: Number(counted?.['n']), page: page.page, size: page.size };
}

/** See `Store.runStats`. Money is added up by the server, exactly; the sums by day, workflow and source are one pass over the runs. */
export async function runStats(reads: Reads, selection: StatsSelection): Promise<RunStats> {
  const { workspaceId, from, to, kinds, workflows } = selection;
  const found = await reads.rows(
    workspaceId,
    `with chosen as (
       select created_at / 86400000 as day, workflow_id, source, count(*) as runs, count(duration_ms) as ended,
         sum(duration_ms) as duration, sum(cost::numeric) as spend
       from runs where workspace_id = $1 and ($2::bigint is null or created_at >= $2) and ($3::bigint is null or created_at <= $3)
       group by 1, 2, 3
     )
     select 'day' as what, day as place, null as name, null as kind, null as slug, null as id, sum(runs)::bigint as runs,
       trim_scale(coalesce(sum(spend), 0))::text as spend, null as average
     from chosen group by day
     union all
     select 'source', null, source, null, null, null, sum(runs)::bigint, null, null from chosen group by source
     union all
     (select 'workflow', null, w.name, w.kind, w.slug, w.id, sum(c.runs)::bigint, trim_scale(coalesce(sum(c.spend), 0))::text,
        round(sum(c.duration) / nullif(sum(c.ended), 0))::text
      from chosen c join workflows w on w.workspace_id = $1 and w.id = c.workflow_id and w.kind ${among('$4')}
      group by w.workspace_id, w.id order by sum(c.runs) desc, w.id limit $5)`,
    [from, to, JSON.stringify(kinds), workflows],
  );
  const of = (what: string) => found.filter((row) => row['what'] === what);
  return {
    days: of('day')
      .sort((a, b) => Number(a['place']) - Number(b['place']))
      .map((row) => ({
        day: new Date(Number(row['place']) * 86_400_000).toISOString().slice(0, 10),
        runs: Number(row['runs']),
        spend: row['spend'] as string,
      })),
    workflows: of('workflow').map((row) => ({
      id: row['id'] as string,
      kind: row['kind'] as WorkflowKind,
      slug: row['slug'] as string,
      name: row['name'] as string,
      runs: Number(row['runs']),
      spend: row['spend'] as string,
      averageMs: row['average'] === null ? null : Number(row['average']),
    })),
    sources: of('source')
      .map((row) => ({ source: row['name'] as string, runs: Number(row['runs']) }))
      .sort((a, b) => b.runs - a.runs || (a.source < b.source ? -1 : 1)),
  };
}
