import { isTerminal, type Run, takesPlace } from '../../domain/run.ts';
import type { Change, Write } from '../change.ts';
import * as rows from '../sql/rows.ts';
import { nodeRunRow, rowOf, runRow, storable } from './wire-change.ts';

/** Rows that `commit_runs_1` takes, by what becomes of them. */
type SetTable =
  | 'begun'
  | 'drops'
  | 'ends'
  | 'events'
  | 'iterations'
  | 'logs'
  | 'nodes'
  | 'outputs'
  | 'payloads'
  | 'runs'
  | 'tasks'
  | 'updates';

/** Those that carry the place of their change in the set: what the change rests on is checked by them. */
const OF_CHANGES: ReadonlySet<SetTable> = new Set(['begun', 'ends', 'updates']);

/** By how much a number of runs grows. */
interface Count {
  readonly workspaceId: string;
  readonly workflowId: string;
  readonly status: Run['status'];
  readonly n: number;
}

/** A change that can be applied together with those of other runs. */
export interface SetPart {
  /** The runs that it is about. */
  readonly runIds: ReadonlySet<string>;
  /** Characters of its rows. */
  readonly length: number;
  /** JSON text of each row. */
  readonly rows: ReadonlyMap<SetTable, readonly string[]>;
  readonly counts: readonly Count[];
  /** Runs of batches, as they have become. */
  readonly ofBatches: readonly Run[];
  readonly ended: readonly string[];
  readonly hasWork: boolean;
  readonly freesPlaces: boolean;
}

/** The columns of a run that a change of it may change, and its key. */
const UPDATED = new Set([
  'workspace_id',
  'id',
  'status',
  'revision',
  'progress',
  'nodes_total',
  'nodes_completed',
  'started_at',
  'finished_at',
  'duration_ms',
  'failure',
  'failure_code',
  'meta',
  'cost',
  'cost_key',
  'cost_breakdown',
]);

/**
 * A change as a part of a set; null when it has to be applied alone: it is about something besides runs that nothing invoked, or one of its writes
 * depends on another.
 * @param workspaceLimit runs of one workspace that may be under way; null: any number
 */
export function setPart(change: Change, workspaceLimit: number | null): SetPart | null {
  const part = new Part(workspaceLimit);
  return change.every((write) => part.take(write)) ? part : null;
}

class Part implements SetPart {
  readonly runIds = new Set<string>();
  readonly rows = new Map<SetTable, string[]>();
  readonly counts: Count[] = [];
  readonly ofBatches: Run[] = [];
  readonly ended: string[] = [];
  length = 0;
  hasWork = false;
  freesPlaces = false;
  readonly #workspaceLimit: number | null;
  /** Rows that a second write would have to find as the first one left them. */
  readonly #touched = new Set<string>();

  constructor(workspaceLimit: number | null) {
    this.#workspaceLimit = workspaceLimit;
  }

  /** @returns false when it is not for a set */
  take(write: Write): boolean {
    switch (write.kind) {
      case 'createRun':
        return this.#create(write.run);
      case 'updateRun':
        return this.#update(write.run, write.before);
      case 'putNodeRun': {
        this.runIds.add(write.runId);
        if (!this.#touch('node', write.runId, write.nodeRun.nodeId)) return false;
        return this.#add('nodes', nodeRunRow(write));
      }
      case 'putIteration': {
        const { workspaceId, runId, iteration } = write;
        this.runIds.add(runId);
        return this.#add(
          'iterations',
          rowOf(rows.ITERATION_COLUMNS, rows.iterationCells(workspaceId, runId, iteration)),
        );
      }
      case 'addTask': {
        const { task } = write;
        this.runIds.add(task.runId);
        this.hasWork = true;
        return this.#touch('task', task.id) && this.#add('tasks', rowOf(rows.TASK_COLUMNS, rows.taskCells(task)));
      }
      case 'endTask': {
        const { task, token } = write.lease;
        this.runIds.add(task.runId);
        const row = { workspace_id: task.workspaceId, run_id: task.runId, id: task.id, token };
        return this.#touch('task', task.id) && this.#add('ends', row);
      }
      case 'dropTask': {
        this.runIds.add(write.runId);
        const row = { workspace_id: write.workspaceId, run_id: write.runId, id: write.taskId };
        return this.#touch('task', write.taskId) && this.#add('drops', row);
      }
      case 'appendEvent': {
        const { workspaceId, runId, workflowId, at, kind, data } = write.event;
        this.runIds.add(runId);
        const row = { workspace_id: workspaceId, run_id: runId, workflow_id: workflowId, at, kind };
        return this.#add('events', { ...row, data: JSON.stringify(data) });
      }
      case 'appendLog':
        // A line depends on nothing, and nothing on it.
        return this.#add('logs', rowOf(rows.LOG_COLUMNS, rows.logCells(write.workspaceId, write.log)));
      default:
        return false;
    }
  }

  #create(run: Run): boolean {
    const { workspaceId, workflowId, status, input, output } = run;
    if (run.parent !== null || !this.#touch('run', run.id)) return false;
    if (status === 'running' && takesPlace(run)) {
      if (this.#workspaceLimit !== null) return false;
      this.#add('begun', { workspace_id: workspaceId, workflow_id: workflowId });
    }
    this.runIds.add(run.id);
    this.counts.push({ workspaceId, workflowId, status, n: 1 });
    this.#add('payloads', { workspace_id: workspaceId, run_id: run.id, input, ...(output !== null && { output }) });
    return this.#add('runs', runRow(run));
  }

  #update(run: Run, before: Run['status']): boolean {
    const { workspaceId, workflowId, status, output } = run;
    if (run.parent !== null || !this.#touch('run', run.id)) return false;
    this.runIds.add(run.id);
    if (status !== 'running') this.freesPlaces = true;
    if (isTerminal(status)) this.ended.push(run.id);
    if (status !== before) {
      this.counts.push({ workspaceId, workflowId, status: before, n: -1 }, { workspaceId, workflowId, status, n: 1 });
      if (run.batchId !== null) this.ofBatches.push(run);
    }
    if (output !== null) this.#add('outputs', { workspace_id: workspaceId, run_id: run.id, output });
    return this.#add(
      'updates',
      Object.fromEntries(Object.entries(runRow(run)).filter(([column]) => UPDATED.has(column))),
    );
  }

  #touch(...names: readonly string[]): boolean {
    const name = names.join(' ');
    if (this.#touched.has(name)) return false;
    this.#touched.add(name);
    return true;
  }

  #add(table: SetTable, row: object): true {
    const text = storable(row);
    const texts = this.rows.get(table);
    if (texts === undefined) this.rows.set(table, [text]);
    else texts.push(text);
    this.length += text.length;
    return true;
  }
}

/** The runs that a change is about. */
export function runsOf(change: Change): ReadonlySet<string> {
  const runIds = new Set<string>();
  for (const write of change) {
    if ('runId' in write && write.runId !== null) runIds.add(write.runId);
    else if ('run' in write) runIds.add(write.run.id);
    else if ('lease' in write) runIds.add(write.lease.task.runId);
    else if ('task' in write) runIds.add(write.task.runId);
    else if ('event' in write && 'runId' in write.event && write.event.runId !== null) runIds.add(write.event.runId);
  }
  return runIds;
}

/** Parts, none of which is about a run of another, as the JSON text that `commit_runs_1` takes. */
export function wireSet(parts: readonly SetPart[]): string {
  const tables = new Map<SetTable, string[]>([['events', []]]);
  for (const [change, part] of parts.entries()) {
    for (const [table, texts] of part.rows) {
      const all = tables.get(table) ?? [];
      tables.set(table, all);
      for (const text of texts) all.push(OF_CHANGES.has(table) ? `{"change":${change},${text.slice(1)}` : text);
    }
  }
  const whole = {
    changes: parts.length,
    has_work: parts.some(({ hasWork }) => hasWork),
    frees_places: parts.some(({ freesPlaces }) => freesPlaces),
    ended: parts.flatMap(({ ended }) => ended),
    ...listed('counts', countRows(parts)),
    ...listed('batches', batchRows(parts)),
  };
  const fields = [...tables].map(([table, texts]) => `,"${table}":[${texts.join(',')}]`);
  return `${storable(whole).slice(0, -1)}${fields.join('')}}`;
}

const listed = (name: string, found: readonly object[]): Record<string, unknown> =>
  found.length === 0 ? {} : { [name]: found };

/** Sums of what the parts say, without those that come to nothing. */
function countRows(parts: readonly SetPart[]): object[] {
  const sums = new Map<string, { workspace_id: string; workflow_id: string; status: string; n: number }>();
  for (const { workspaceId, workflowId, status, n } of parts.flatMap(({ counts }) => counts)) {
    const key = `${workspaceId} ${workflowId} ${status}`;
    const sum = sums.get(key) ?? { workspace_id: workspaceId, workflow_id: workflowId, status, n: 0 };
    sum.n += n;
    sums.set(key, sum);
  }
  return [...sums.values()].filter(({ n }) => n !== 0);
}

/** By how much batches come further: rows of `batches` that hold what is added, and the times at which that was. */
function batchRows(parts: readonly SetPart[]): object[] {
  const ofBatch = Map.groupBy(
    parts.flatMap(({ ofBatches }) => ofBatches),
    ({ workspaceId, batchId }) => `${workspaceId} ${batchId}`,
  );
  return [...ofBatch.values()].map((runs) => {
    const number = (status: Run['status']) => runs.filter((run) => run.status === status).length;
    const starts = runs.flatMap(({ startedAt, finishedAt }) => startedAt ?? finishedAt ?? []);
    const ends = runs.flatMap(({ status, finishedAt }) => (isTerminal(status) ? (finishedAt ?? []) : []));
    return {
      workspace_id: runs[0]!.workspaceId,
      id: runs[0]!.batchId,
      items_succeeded: number('succeeded'),
      items_partial: number('partial'),
      items_failed: number('failed'),
      items_canceled: number('canceled'),
      ...(starts.length > 0 && { started_at: Math.min(...starts) }),
      ...(ends.length > 0 && { finished_at: Math.max(...ends) }),
    };
  });
}
