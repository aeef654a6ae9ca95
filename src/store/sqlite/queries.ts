import type { RunEvent } from '../../domain/event.ts';
import type { NodeRun } from '../../domain/node-run.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Run, RunStatus } from '../../domain/run.ts';
import type { RunLog } from '../../domain/run-log.ts';
import type { WorkflowKind, WorkflowRecord, WorkflowType } from '../../domain/workflow.ts';
import * as rows from '../sql/rows.ts';
import type { RunSelection, RunsBefore, StoreStats } from '../store.ts';
import type { Connection } from './connection.ts';
import { find } from './lists.ts';
import { recordsOfRuns, runStats } from './run-queries.ts';
import { evaluationSurvey, seenValues, surveyRuns, workflowSurveys } from './survey.ts';

const TERMINAL_STATUSES = `('succeeded', 'partial', 'failed', 'canceled')`;

function countRuns(on: Connection, selection: RunSelection): number {
  const row =
    selection.workflowId === undefined
      ? on.prepared('select sum(n) as n from run_counts where workspace_id = ?').get(selection.workspaceId)
      : on
          .prepared('select sum(n) as n from run_counts where workspace_id = ? and workflow_id = ?')
          .get(selection.workspaceId, selection.workflowId);
  return Number(row?.['n'] ?? 0);
}

/**
 * One page of runs, newest first.
 *
 * The ids of the page are found first, in an index that lies in the order of the list, then their rows and payloads are read by key: of rows that
 * are skipped nothing is touched. "cross join" is SQLite's way to fix the order of loops: left to itself it walks all runs.
 */
export function listRuns(
  on: Connection,
  selection: RunSelection,
  page: PageRequest,
  options: { readonly output: boolean },
): Page<Run> {
  const byWorkflow = selection.workflowId === undefined ? '' : 'and workflow_id = ?';
  const output = options.output ? 'p.output' : 'null as output';
  const found = on
    .prepared(
      `select r.*, p.input, ${output} from
         (select id from runs where workspace_id = ? ${byWorkflow} order by created_at desc, id desc limit ? offset ?) page
         cross join runs r on r.workspace_id = ? and r.id = page.id
         cross join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
         order by r.created_at desc, r.id desc`,
    )
    .all(
      selection.workspaceId,
      ...(selection.workflowId === undefined ? [] : [selection.workflowId]),
      page.size,
      (page.page - 1) * page.size,
      selection.workspaceId,
    );
  return { items: found.map(rows.runFromRow), total: countRuns(on, selection), page: page.page, size: page.size };
}

/** See `Store.findRunsBefore`. */
function findRunsBefore(on: Connection, selection: RunsBefore, limit: number): { runIds: string[]; total: number } {
  const byWorkflow = selection.workflowId === undefined ? '' : 'and workflow_id = ?';
  const byEnd = selection.finishedBefore === undefined ? '' : 'and finished_at < ?';
  const where = `from runs where workspace_id = ? and status in ${TERMINAL_STATUSES} and created_at < ? ${byWorkflow} ${byEnd}`;
  const cells = [
    selection.workspaceId,
    selection.before,
    ...(selection.workflowId === undefined ? [] : [selection.workflowId]),
    ...(selection.finishedBefore === undefined ? [] : [selection.finishedBefore]),
  ];
  const total = Number(on.prepared(`select count(*) as n ${where}`).get(...cells)?.['n']);
  const found = on.prepared(`select id ${where} order by id limit ?`).all(...cells, limit);
  return { runIds: found.map((row) => row['id'] as string), total };
}

/** See `Store.listWorkflowLogs`. */
function listWorkflowLogs(on: Connection, workspaceId: string, workflowId: string, page: PageRequest): Page<RunLog> {
  const from = `from runs r cross join run_logs l on l.workspace_id = r.workspace_id and l.run_id = r.id
    where r.workspace_id = ? and r.workflow_id = ?`;
  const total = Number(on.prepared(`select count(*) as n ${from}`).get(workspaceId, workflowId)?.['n']);
  const found = on
    .prepared(`select l.* ${from} order by r.created_at desc, r.id desc, l.id desc limit ? offset ?`)
    .all(workspaceId, workflowId, page.size, (page.page - 1) * page.size);
  return { items: found.map(rows.logFromRow), total, page: page.page, size: page.size };
}

/** The queries that may take long, by name, as reader threads are asked for them. */
export const SLOW_QUERIES = {
  find,
  listRuns,
  findRunsBefore,
  listWorkflowLogs,
  recordsOfRuns,
  runStats,
  surveyRuns,
  workflowSurveys,
  seenValues,
  evaluationSurvey,
} as const;

export type SlowQueries = typeof SLOW_QUERIES;

function workflowRecord(on: Connection, row: rows.Row): WorkflowRecord {
  const workflow = rows.workflowFromRow(row);
  const version = on
    .prepared('select * from workflow_versions where workspace_id = ? and id = ?')
    .get(workflow.workspaceId, workflow.currentVersionId);
  if (version === undefined)
    throw new Error(`Workflow ${workflow.id} has lost its version ${workflow.currentVersionId}.`);
  const last = on
    .prepared(
      'select created_at from runs where workspace_id = ? and workflow_id = ? order by created_at desc, id desc limit 1',
    )
    .get(workflow.workspaceId, workflow.id);
  return {
    workflow,
    version: rows.versionFromRow(version),
    runsCount: countRuns(on, { workspaceId: workflow.workspaceId, workflowId: workflow.id }),
    lastRunAt: last === undefined ? null : Number(last['created_at']),
  };
}

/** See `Store.getWorkflowRecord`. */
export function getWorkflowRecord(
  on: Connection,
  workspaceId: string,
  workflowId: string,
  options: { readonly deleted: boolean },
): WorkflowRecord | null {
  const deleted = options.deleted ? '' : 'and deleted_at is null';
  const row = on
    .prepared(`select * from workflows where workspace_id = ? and id = ? ${deleted}`)
    .get(workspaceId, workflowId);
  return row === undefined ? null : workflowRecord(on, row);
}

/** See `Store.findWorkflowByName`. */
export function findWorkflowByName(on: Connection, workspaceId: string, name: string): WorkflowRecord | null {
  const row = on
    .prepared(
      `select * from workflows where workspace_id = ? and name = ? and deleted_at is null order by updated_at desc, id desc limit 1`,
    )
    .get(workspaceId, name);
  return row === undefined ? null : workflowRecord(on, row);
}

/** See `Store.findWorkflowBySlug`. */
export function findWorkflowBySlug(
  on: Connection,
  workspaceId: string,
  kind: WorkflowKind,
  slug: string,
): WorkflowRecord | null {
  const row = on
    .prepared('select * from workflows where workspace_id = ? and kind = ? and slug = ? and deleted_at is null')
    .get(workspaceId, kind, slug);
  return row === undefined ? null : workflowRecord(on, row);
}

/** See `Store.listWorkflows`. */
export function listWorkflows(
  on: Connection,
  workspaceId: string,
  page: PageRequest,
  type: WorkflowType | null,
): Page<WorkflowRecord> {
  const where = `from workflows where workspace_id = ? and kind = 'flow' and deleted_at is null ${type === null ? '' : 'and type = ?'}`;
  const cells = type === null ? [workspaceId] : [workspaceId, type];
  const total = Number(on.prepared(`select count(*) as n ${where}`).get(...cells)?.['n']);
  const found = on
    .prepared(`select * ${where} order by updated_at desc, id desc limit ? offset ?`)
    .all(...cells, page.size, (page.page - 1) * page.size);
  return { items: found.map((row) => workflowRecord(on, row)), total, page: page.page, size: page.size };
}

/** See `Store.stats`. */
export function runsByStatus(on: Connection): StoreStats['runsByStatus'] {
  const found = on.prepared('select status, sum(n) as n from run_counts group by status').all();
  return Object.fromEntries(found.map((row) => [row['status'] as RunStatus, Number(row['n'])]));
}

/** See `Store.readLog`. */
export function readLog(on: Connection, position: number, limit: number): RunEvent[] {
  return on
    .prepared('select * from events where position > ? order by position limit ?')
    .all(position, limit)
    .map(rows.eventFromRow);
}

/** See `Store.getRun`. */
export function getRun(on: Connection, workspaceId: string, runId: string): Run | null {
  for (const table of ['runs', 'child_runs']) {
    const row = on
      .prepared(
        `select r.*, p.input, p.output from ${table} r join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
         where r.workspace_id = ? and r.id = ?`,
      )
      .get(workspaceId, runId);
    if (row !== undefined) return rows.runFromRow(row);
  }
  return null;
}

/** See `Store.listNodeRuns`. */
export function listNodeRuns(
  on: Connection,
  workspaceId: string,
  runId: string,
  options: { readonly payloads: boolean },
): NodeRun[] {
  const columns = options.payloads ? '*' : rows.NODE_RUN_COLUMNS.slice(0, -2).join(', ');
  return on
    .prepared(`select ${columns} from node_runs where workspace_id = ? and run_id = ?`)
    .all(workspaceId, runId)
    .map(rows.nodeRunFromRow);
}

/** See `Store.listRunLogs`. */
export function listRunLogs(on: Connection, workspaceId: string, runId: string, limit: number): RunLog[] {
  return on
    .prepared('select * from run_logs where workspace_id = ? and run_id = ? order by id limit ?')
    .all(workspaceId, runId, limit)
    .map(rows.logFromRow);
}
