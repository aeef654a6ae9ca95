import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Run, RunStatus } from '../../domain/run.ts';
import { isTerminal, takesPlace } from '../../domain/run.ts';
import { runLimit, type Workflow } from '../../domain/workflow.ts';
import type { Change, Write } from '../change.ts';
import { ASSET_UPLOAD_COLUMNS, assetUploadCells } from '../sql/asset-upload-rows.ts';
import { RUN_ATTEMPT_COLUMNS, runAttemptCells } from '../sql/attempt-rows.ts';
import { BATCH_COLUMNS, BATCH_ITEM_COLUMNS, batchCells, batchItemCells } from '../sql/batch-rows.ts';
import { CALLBACK_SECRET_COLUMNS, callbackSecretCells } from '../sql/callback-secret-rows.ts';
import { DEBUG_SESSION_COLUMNS, debugSessionCells } from '../sql/debug-session-rows.ts';
import { IDEMPOTENT_REQUEST_COLUMNS, idempotentRequestCells } from '../sql/idempotent-request-rows.ts';
import { OTLP_SPAN_COLUMNS, otlpSpanCells } from '../sql/otlp-span-rows.ts';
import * as rows from '../sql/rows.ts';
import { SAVED_VIEW_COLUMNS, savedViewCells } from '../sql/saved-view-rows.ts';
import { applyBulkJob, bulkJobHolds } from './bulk-job-writes.ts';
import { applyCredential, credentialHolds } from './credential-writes.ts';
import { applyEvaluation, evaluationHolds, REMOVE_EVALUATIONS } from './evaluation-writes.ts';
import type { HotRows } from './hot-rows.ts';
import { listRunsBelow } from './invoked-queries.ts';
import { applyPersonRequest, isPending } from './person-request-writes.ts';
import type { TaskQueue } from './queue.ts';
import { applyTrigger, triggerHolds } from './trigger-writes.ts';

interface Pending {
  readonly change: Change;
  readonly resolve: (result: 'kept' | 'stale') => void;
  readonly reject: (error: unknown) => void;
}

/** What kept changes do to the memory beside the tables once they are on disk, in the order of their writes. */
type Effects = (() => void)[];

const placeholders = (columns: readonly string[]): string => columns.map(() => '?').join(', ');
const insert = (table: string, columns: readonly string[]): string =>
  `insert into ${table} (${columns.join(', ')}) values (${placeholders(columns)})`;

/** Texts of the statements that every run needs: building them anew each time cost 1 % of a run. */
const INSERT = {
  runs: insert('runs', rows.RUN_COLUMNS),
  child_runs: insert('child_runs', [...rows.RUN_COLUMNS, ...rows.PARENT_COLUMNS]),
  run_payloads: insert('run_payloads', ['workspace_id', 'run_id', 'input', 'output']),
  node_runs: insert('node_runs', rows.NODE_RUN_COLUMNS),
  iterations: insert('iterations', rows.ITERATION_COLUMNS),
  tasks: insert('tasks', rows.TASK_COLUMNS),
  events: insert('events', rows.EVENT_COLUMNS),
  run_logs: insert('run_logs', rows.LOG_COLUMNS),
  workflows: insert('workflows', rows.WORKFLOW_COLUMNS),
  workflow_versions: insert('workflow_versions', rows.VERSION_COLUMNS),
  files: insert('files', rows.FILE_COLUMNS),
  deliveries: insert('deliveries', rows.DELIVERY_COLUMNS),
  delivery_attempts: insert('delivery_attempts', rows.ATTEMPT_COLUMNS),
  api_keys: insert('api_keys', rows.API_KEY_COLUMNS),
  batches: insert('batches', BATCH_COLUMNS),
  batch_items: insert('batch_items', BATCH_ITEM_COLUMNS),
  asset_uploads: insert('asset_uploads', ASSET_UPLOAD_COLUMNS).replace('insert', 'insert or replace'),
  idempotent_requests: insert('idempotent_requests', IDEMPOTENT_REQUEST_COLUMNS),
  callback_secrets: insert('callback_secrets', CALLBACK_SECRET_COLUMNS).replace('insert', 'insert or replace'),
  saved_views: insert('saved_views', SAVED_VIEW_COLUMNS).replace('insert', 'insert or replace'),
  run_attempts: insert('run_attempts', RUN_ATTEMPT_COLUMNS).replace('insert', 'insert or replace'),
  otlp_spans: insert('otlp_spans', OTLP_SPAN_COLUMNS),
  debug_sessions: insert('debug_sessions', DEBUG_SESSION_COLUMNS).replace('insert', 'insert or replace'),
} as const;

/** The counter of a batch that a run adds to when it ends. */
const BATCH_COUNTER: Readonly<Partial<Record<RunStatus, string>>> = {
  succeeded: 'items_succeeded',
  partial: 'items_partial',
  failed: 'items_failed',
  canceled: 'items_canceled',
};

/** Tables that hold what belongs to a run, each with its run column. */
const RUN_TABLES = [
  ['run_payloads', 'run_id'],
  ['node_runs', 'run_id'],
  ['iterations', 'run_id'],
  ['run_logs', 'run_id'],
  ['tasks', 'run_id'],
  ['batch_items', 'run_id'],
  ['deliveries', 'subject_id'],
  ['delivery_attempts', 'subject_id'],
  ['person_requests', 'run_id'],
  ['run_attempts', 'run_id'],
  ['otlp_spans', 'run_id'],
  ['debug_sessions', 'run_id'],
  ['child_runs', 'id'],
  ['runs', 'id'],
] as const;

/** Where a run lies. */
const tableOf = (run: Run): string => (run.parent === null ? 'runs' : 'child_runs');

/**
 * Applies changes in groups: what arrives while the event loop is busy is written in one transaction and synced to disk once.
 *
 * A sync takes 0.2 ms and more whatever is in it, so that sixteen concurrent runs pay a sixteenth each; a single run waits for no one, since
 * the group closes at the end of the current turn of the event loop. `synchronous=FULL`: when `submit` resolves, the change survives a power cut.
 */
export class Writer {
  readonly #db: DatabaseSync;
  readonly #queue: TaskQueue;
  readonly #hot: HotRows;
  readonly #onKept: (lastPosition: number) => void;
  readonly #statements = new Map<string, StatementSync>();
  readonly #statement = (sql: string): StatementSync => this.#prepared(sql);
  readonly #removeRun: readonly StatementSync[];
  #pending: Pending[] = [];
  #scheduled = false;
  #lastPosition: number;
  /** Run counts changed by the open group, written once at its end. */
  readonly #counts = new Map<string, number>();
  /** Places taken by runs that the open group begins, by workspace, and by workspace and workflow: the queue hears of them once they are on disk. */
  readonly #taken = new Map<string, number>();

  constructor(db: DatabaseSync, queue: TaskQueue, hot: HotRows, onKept: (lastPosition: number) => void) {
    this.#db = db;
    this.#queue = queue;
    this.#hot = hot;
    this.#onKept = onKept;
    this.#lastPosition = Number(db.prepare('select coalesce(max(position), 0) as last from events').get()?.['last']);
    this.#removeRun = [
      ...REMOVE_EVALUATIONS,
      ...RUN_TABLES.map(([table, column]) => `delete from ${table} where workspace_id = ? and ${column} = ?`),
    ].map((sql) => db.prepare(sql));
  }

  get lastPosition(): number {
    return this.#lastPosition;
  }

  submit(change: Change): Promise<'kept' | 'stale'> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ change, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** Writes everything that was submitted. */
  flush(): void {
    this.#scheduled = false;
    const group = this.#pending;
    if (group.length === 0) return;
    this.#pending = [];
    let kept = false;
    try {
      kept = this.#commit(group);
    } catch (error) {
      // One change that breaks a constraint must not take its neighbours with it: alone, each shows whether it is the one.
      if (group.length === 1) group[0]!.reject(error);
      else for (const pending of group) kept = this.#commitAlone(pending) || kept;
    }
    // Outside the `try`: a listener that throws is no reason to write the group again.
    if (kept) this.#onKept(this.#lastPosition);
  }

  #commitAlone(pending: Pending): boolean {
    try {
      return this.#commit([pending]);
    } catch (error) {
      pending.reject(error);
      return false;
    }
  }

  /** @returns whether any change was kept */
  #commit(group: readonly Pending[]): boolean {
    const positionBefore = this.#lastPosition;
    const effects: Effects = [];
    const results: ('kept' | 'stale')[] = [];
    this.#counts.clear();
    this.#taken.clear();
    this.#prepared('begin immediate').run();
    try {
      for (const { change } of group) {
        const kept = change.every((write) => this.#holds(write));
        if (kept) for (const write of change) this.#apply(write, effects);
        results.push(kept ? 'kept' : 'stale');
      }
      this.#writeCounts();
      this.#prepared('commit').run();
    } catch (error) {
      this.#lastPosition = positionBefore;
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
    for (const effect of effects) effect();
    group.forEach((pending, index) => {
      pending.resolve(results[index]!);
    });
    return results.includes('kept');
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Whether what a write rests on still holds. Reads only, so that a stale change has written nothing. */
  #holds(write: Write): boolean {
    switch (write.kind) {
      case 'createRun':
        return this.#hasPlace(write.run);
      case 'updateRun': {
        const row = this.#prepared(`select revision from ${tableOf(write.run)} where workspace_id = ? and id = ?`).get(
          write.run.workspaceId,
          write.run.id,
        );
        return row?.['revision'] === write.run.revision - 1;
      }
      case 'endTask': {
        // The queue learns of a group only after its sync; the row tells whether an earlier change of this group ended the task.
        const { task } = write.lease;
        return (
          this.#queue.holds(write.lease) &&
          this.#prepared('select 1 from tasks where workspace_id = ? and run_id = ? and id = ?').get(
            task.workspaceId,
            task.runId,
            task.id,
          ) !== undefined
        );
      }
      case 'deleteRun': {
        const row = this.#prepared('select status from runs where workspace_id = ? and id = ?').get(
          write.workspaceId,
          write.runId,
        );
        return row !== undefined && isTerminal(row['status'] as RunStatus);
      }
      case 'createWorkflow':
        return this.#isSlugFree(write.workflow);
      case 'saveWorkflow': {
        const row = this.#prepared('select revision from workflows where workspace_id = ? and id = ?').get(
          write.workflow.workspaceId,
          write.workflow.id,
        );
        return row?.['revision'] === write.workflow.revision - 1 && this.#isSlugFree(write.workflow);
      }
      case 'putApiKey': {
        const row = this.#prepared('select revision from api_keys where workspace_id = ? and id = ?').get(
          write.key.workspaceId,
          write.key.id,
        );
        return Number(row?.['revision'] ?? 0) === write.key.revision - 1;
      }
      case 'recordAttempt': {
        const row = this.#prepared(
          'select attempt_count from deliveries where workspace_id = ? and subject_id = ? and id = ?',
        ).get(write.delivery.workspaceId, write.delivery.subjectId, write.delivery.id);
        return row?.['attempt_count'] === write.delivery.attemptCount - 1;
      }
      case 'claimRequest': {
        const { workspaceId, key } = write.request;
        const row = this.#prepared('select created_at from idempotent_requests where workspace_id = ? and key = ?').get(
          workspaceId,
          key,
        );
        return row === undefined || Number(row['created_at']) < write.keepFrom;
      }
      case 'followed': {
        const row = this.#prepared('select position from followers where name = ?').get(write.follower);
        return Number(row?.['position'] ?? 0) === write.before;
      }
      case 'createEvaluation':
      case 'updateEvaluation':
      case 'completeEvaluation':
        return evaluationHolds(write, this.#statement);
      case 'settlePersonRequest':
        return isPending(write, this.#statement);
      case 'putCredential':
      case 'removeCredential':
      case 'putModelSettings':
        return credentialHolds(write, this.#statement);
      case 'putTrigger':
      case 'removeTrigger':
      case 'addTriggerEvent':
        return triggerHolds(write, this.#statement);
      case 'startBulkJob':
        return bulkJobHolds(write, this.#statement);
      default:
        return true;
    }
  }

  #hasPlace(run: Run): boolean {
    if (run.status !== 'running' || !takesPlace(run)) return true;
    const { workspaceId, workflowId } = run;
    return this.#queue.hasPlace(workspaceId, workflowId, {
      ofWorkspace: this.#taken.get(workspaceId) ?? 0,
      ofWorkflow: this.#taken.get(`${workspaceId} ${workflowId}`) ?? 0,
    });
  }

  /** Takes in that a run begins or ceases to be under way. */
  #countPlace(run: Run, by: 1 | -1, effects: Effects): void {
    if (!takesPlace(run)) return;
    const { workspaceId, workflowId } = run;
    effects.push(() => this.#queue.countRuns(workspaceId, workflowId, by));
    if (by < 0) return;
    for (const key of [workspaceId, `${workspaceId} ${workflowId}`])
      this.#taken.set(key, (this.#taken.get(key) ?? 0) + by);
  }

  #limitRuns({ workspaceId, id, settings }: Workflow, effects: Effects): void {
    effects.push(() => this.#queue.limit(workspaceId, id, runLimit(settings)));
  }

  /** Whether no other workflow of its kind has its slug. One that is deleted needs none. */
  #isSlugFree({ workspaceId, id, kind, slug, deletedAt }: Workflow): boolean {
    const found = this.#prepared(
      'select 1 from workflows where workspace_id = ? and kind = ? and slug = ? and id <> ? and deleted_at is null',
    ).get(workspaceId, kind, slug, id);
    return deletedAt !== null || found === undefined;
  }

  #apply(write: Write, effects: Effects): void {
    switch (write.kind) {
      case 'createRun': {
        const { run } = write;
        this.#prepared(INSERT.run_payloads).run(run.workspaceId, run.id, run.input, run.output);
        if (run.parent !== null) {
          this.#prepared(INSERT.child_runs).run(...rows.runCells(run), ...rows.parentCells(run.parent));
          return;
        }
        this.#prepared(INSERT.runs).run(...rows.runCells(run));
        this.#count(run.workspaceId, run.workflowId, run.status, 1);
        if (run.status === 'running') this.#countPlace(run, 1, effects);
        return;
      }
      case 'updateRun': {
        const { run, before } = write;
        this.#prepared(
          `update ${tableOf(run)} set status = ?, revision = ?, progress = ?, nodes_total = ?, nodes_completed = ?, started_at = ?, finished_at = ?,
           duration_ms = ?, failure = ?, failure_code = ?, meta = ?, cost = ?, cost_key = ?, cost_breakdown = ? where workspace_id = ? and id = ?`,
        ).run(
          run.status,
          run.revision,
          run.progress,
          run.nodesTotal,
          run.nodesCompleted,
          run.startedAt,
          ...rows.endCells(run),
          ...rows.failureCells(run.failure),
          run.meta === null ? null : JSON.stringify(run.meta),
          ...rows.costCells(run),
          run.workspaceId,
          run.id,
        );
        if (run.output !== null) {
          this.#prepared('update run_payloads set output = ? where workspace_id = ? and run_id = ?').run(
            run.output,
            run.workspaceId,
            run.id,
          );
        }
        if (before !== run.status && run.parent === null) {
          this.#count(run.workspaceId, run.workflowId, before, -1);
          this.#count(run.workspaceId, run.workflowId, run.status, 1);
          if (before === 'running') this.#countPlace(run, -1, effects);
          else if (run.status === 'running') this.#countPlace(run, 1, effects);
          if (run.batchId !== null) this.#countInBatch(run, run.batchId);
        }
        return;
      }
      case 'setFeedback':
        this.#prepared(
          'update runs set feedback_is_positive = ?, feedback_reason = ? where workspace_id = ? and id = ?',
        ).run(...rows.feedbackCells(write.feedback), write.workspaceId, write.runId);
        return;
      case 'setErrorHandlerRun':
        this.#prepared(
          `update runs set context = json_set(coalesce(context, '{}'), '$.error_handler_run_id', ?) where workspace_id = ? and id = ?`,
        ).run(write.handlerRunId, write.workspaceId, write.runId);
        return;
      case 'putNodeRun':
        this.#prepared(
          `${INSERT.node_runs} on conflict do update set
           status = excluded.status, current_iteration = excluded.current_iteration, total_iterations = excluded.total_iterations,
           iterates = excluded.iterates, attempts = excluded.attempts, started_at = excluded.started_at,
           finished_at = excluded.finished_at, failure = excluded.failure, warnings = excluded.warnings, usage = excluded.usage, taken = excluded.taken,
           inputs = coalesce(excluded.inputs, inputs), outputs = coalesce(excluded.outputs, outputs)`,
        ).run(...rows.nodeRunCells(write.workspaceId, write.runId, write.nodeRun));
        return;
      case 'putIteration':
        this.#prepared(INSERT.iterations).run(...rows.iterationCells(write.workspaceId, write.runId, write.iteration));
        return;
      case 'addTask':
        this.#prepared(INSERT.tasks).run(...rows.taskCells(write.task));
        effects.push(() => this.#queue.add(write.task));
        return;
      case 'endTask': {
        const { task } = write.lease;
        this.#prepared('delete from tasks where workspace_id = ? and run_id = ? and id = ?').run(
          task.workspaceId,
          task.runId,
          task.id,
        );
        effects.push(() => this.#queue.end(task.id));
        return;
      }
      case 'dropTask':
        this.#prepared('delete from tasks where workspace_id = ? and run_id = ? and id = ?').run(
          write.workspaceId,
          write.runId,
          write.taskId,
        );
        effects.push(() => this.#queue.end(write.taskId));
        return;
      case 'createPersonRequest':
      case 'settlePersonRequest':
      case 'cancelPersonRequests':
        applyPersonRequest(write, this.#statement);
        return;
      case 'endTasksOfRun':
        this.#prepared('delete from tasks where workspace_id = ? and run_id = ?').run(write.workspaceId, write.runId);
        effects.push(() => this.#queue.endRun(write.workspaceId, write.runId));
        return;
      case 'appendEvent': {
        const { event } = write;
        this.#lastPosition += 1;
        this.#prepared(INSERT.events).run(
          this.#lastPosition,
          event.workspaceId,
          event.runId,
          event.workflowId,
          event.at,
          event.kind,
          JSON.stringify(event.data),
        );
        return;
      }
      case 'appendLog':
        this.#prepared(INSERT.run_logs).run(...rows.logCells(write.workspaceId, write.log));
        return;
      case 'deleteRun': {
        const row = this.#prepared('select workflow_id, status from runs where workspace_id = ? and id = ?').get(
          write.workspaceId,
          write.runId,
        );
        const below = listRunsBelow({ prepared: this.#statement }, write.workspaceId, write.runId);
        for (const runId of [write.runId, ...below]) {
          for (const statement of this.#removeRun) statement.run(write.workspaceId, runId);
          effects.push(() => this.#queue.endRun(write.workspaceId, runId));
        }
        this.#count(write.workspaceId, row?.['workflow_id'] as string, row?.['status'] as RunStatus, -1);
        return;
      }
      case 'createWorkflow':
        this.#prepared(INSERT.workflows).run(...rows.workflowCells(write.workflow));
        this.#limitRuns(write.workflow, effects);
        return;
      case 'saveWorkflow':
        this.#prepared(INSERT.workflows.replace('insert', 'replace')).run(...rows.workflowCells(write.workflow));
        effects.push(() => this.#hot.forgetWorkflow(write.workflow.workspaceId, write.workflow.id));
        this.#limitRuns(write.workflow, effects);
        return;
      case 'createVersion':
        this.#prepared(INSERT.workflow_versions).run(...rows.versionCells(write.version));
        return;
      case 'renameVersion':
        this.#prepared('update workflow_versions set name = ?, description = ? where workspace_id = ? and id = ?').run(
          write.version.name,
          write.version.description,
          write.version.workspaceId,
          write.version.id,
        );
        return;
      case 'createFile':
        this.#prepared(INSERT.files).run(...rows.fileCells(write.file));
        return;
      case 'createDelivery': {
        const { delivery } = write;
        const isThere = this.#prepared('select 1 from runs where workspace_id = ? and id = ?');
        const { workspaceId, subject, subjectId } = delivery;
        if (subject === 'run' && isThere.get(workspaceId, subjectId) === undefined) return;
        this.#prepared(INSERT.deliveries).run(...rows.deliveryCells(delivery));
        return;
      }
      case 'recordAttempt': {
        const { delivery, attempt } = write;
        this.#prepared(
          `update deliveries set status = ?, attempt_count = ?, next_attempt_at = ?, finished_at = ?, signing_secret_id = ?
           where workspace_id = ? and subject_id = ? and id = ?`,
        ).run(
          delivery.status,
          delivery.attemptCount,
          delivery.nextAttemptAt,
          delivery.finishedAt,
          delivery.signingSecretId,
          delivery.workspaceId,
          delivery.subjectId,
          delivery.id,
        );
        this.#prepared(INSERT.delivery_attempts).run(
          ...rows.attemptCells(delivery.workspaceId, delivery.subjectId, attempt),
        );
        if (delivery.signingSecretId === null) return;
        this.#prepared('update callback_secrets set last_used_at = ? where workspace_id = ? and id = ?').run(
          attempt.at,
          delivery.workspaceId,
          delivery.signingSecretId,
        );
        return;
      }
      case 'createBatch': {
        const { batch, items } = write;
        this.#prepared(INSERT.batches).run(...batchCells(batch));
        for (const item of items) this.#prepared(INSERT.batch_items).run(...batchItemCells(batch.workspaceId, item));
        return;
      }
      case 'putUpload':
        this.#prepared(INSERT.asset_uploads).run(...assetUploadCells(write.upload));
        return;
      case 'endUpload':
        this.#prepared('delete from asset_uploads where workspace_id = ? and id = ?').run(
          write.workspaceId,
          write.uploadId,
        );
        return;
      case 'claimRequest':
        this.#prepared('delete from idempotent_requests where created_at < ?').run(write.keepFrom);
        this.#prepared(INSERT.idempotent_requests).run(...idempotentRequestCells(write.request));
        return;
      case 'answerRequest':
        this.#prepared(INSERT.idempotent_requests.replace('insert', 'insert or replace')).run(
          ...idempotentRequestCells(write.request),
        );
        return;
      case 'forgetRequest':
        this.#prepared('delete from idempotent_requests where workspace_id = ? and key = ?').run(
          write.workspaceId,
          write.key,
        );
        return;
      case 'putSavedView':
        this.#prepared(INSERT.saved_views).run(...savedViewCells(write.view));
        return;
      case 'deleteSavedView':
        this.#prepared('delete from saved_views where workspace_id = ? and id = ?').run(
          write.workspaceId,
          write.viewId,
        );
        return;
      case 'setRetention':
        this.#prepared('delete from retentions where workspace_id = ?').run(write.workspaceId);
        if (write.retention === null) return;
        this.#prepared('insert into retentions (workspace_id, days) values (?, ?)').run(
          write.workspaceId,
          write.retention.days,
        );
        return;
      case 'putCallbackSecret': {
        const { secret } = write;
        if (secret.isCurrent) {
          this.#prepared(
            'update callback_secrets set is_current = 0, updated_at = ? where workspace_id = ? and id <> ?',
          ).run(secret.updatedAt, secret.workspaceId, secret.id);
        }
        this.#prepared(INSERT.callback_secrets).run(...callbackSecretCells(secret));
        return;
      }
      case 'followed':
        this.#prepared('insert or replace into followers (name, position) values (?, ?)').run(
          write.follower,
          write.position,
        );
        return;
      case 'createEvaluation':
      case 'updateEvaluation':
      case 'completeEvaluation':
      case 'setEvaluationFeedback':
      case 'setEvaluationPlan':
        applyEvaluation(write, this.#statement);
        return;
      case 'createWorkspace':
        this.#prepared('insert into workspaces (id, name, created_at) values (?, ?, ?)').run(
          write.workspace.id,
          write.workspace.name,
          write.workspace.createdAt,
        );
        effects.push(() => this.#queue.addWorkspace(write.workspace.id));
        return;
      case 'putApiKey':
        effects.push(() => this.#hot.forgetKeys());
        this.#prepared(
          `${INSERT.api_keys} on conflict (workspace_id, id) do update set
           name = excluded.name, digest = excluded.digest, prefix = excluded.prefix, scopes = excluded.scopes,
           created_at = excluded.created_at, revoked_at = excluded.revoked_at, created_by = excluded.created_by,
           expires_at = excluded.expires_at, rate_limit = excluded.rate_limit, former_digest = excluded.former_digest,
           former_until = excluded.former_until, revision = excluded.revision`,
        ).run(...rows.apiKeyCells(write.key));
        return;
      case 'touchKey':
        effects.push(() => this.#hot.forgetKeys());
        this.#prepared(
          'update api_keys set last_used_at = max(coalesce(last_used_at, 0), ?) where workspace_id = ? and id = ?',
        ).run(write.at, write.workspaceId, write.keyId);
        return;
      case 'putCredential':
      case 'removeCredential':
      case 'touchCredential':
      case 'putModelSettings':
        applyCredential(write, this.#statement);
        return;
      case 'putTrigger':
      case 'removeTrigger':
      case 'addTriggerEvent':
      case 'pruneTriggerEvents':
        applyTrigger(write, this.#statement);
        return;
      case 'startBulkJob':
      case 'saveBulkJob':
      case 'askBulkJobToEnd':
        applyBulkJob(write, this.#statement);
        return;
      case 'putAttempt':
        this.#prepared(INSERT.run_attempts).run(...runAttemptCells(write.workspaceId, write.runId, write.attempt));
        return;
      case 'putOtlpSpans': {
        const put = this.#prepared(
          `${INSERT.otlp_spans} on conflict do update set run_id = coalesce(excluded.run_id, run_id), span = excluded.span`,
        );
        for (const span of write.spans) put.run(...otlpSpanCells(write.workspaceId, write.runId, write.at, span));
        return;
      }
      case 'putDebugSession':
        this.#prepared(INSERT.debug_sessions).run(...debugSessionCells(write.session));
        return;
      case 'dropOtlpSpans':
        this.#prepared('delete from otlp_spans where workspace_id = ? and trace_id = ? and run_id is null').run(
          write.workspaceId,
          write.traceId,
        );
        return;
    }
  }

  /** A batch is as far as its runs are: counted with each of their steps, so that nobody ever sees the two disagree. */
  #countInBatch(run: Run, batchId: string): void {
    this.#prepared('update batches set started_at = coalesce(started_at, ?) where workspace_id = ? and id = ?').run(
      run.startedAt ?? run.finishedAt,
      run.workspaceId,
      batchId,
    );
    const column = BATCH_COUNTER[run.status];
    if (column === undefined) return;
    this.#prepared(
      `update batches set ${column} = ${column} + 1,
       finished_at = case when items_succeeded + items_partial + items_failed + items_canceled + 1 = items_total then ? end
       where workspace_id = ? and id = ?`,
    ).run(run.finishedAt, run.workspaceId, batchId);
  }

  #count(workspaceId: string, workflowId: string, status: RunStatus, by: number): void {
    const key = `${workspaceId} ${workflowId} ${status}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  #writeCounts(): void {
    for (const [key, n] of this.#counts) {
      if (n === 0) continue;
      this.#prepared(
        `insert into run_counts (workspace_id, workflow_id, status, n) values (?, ?, ?, ?)
         on conflict do update set n = n + excluded.n`,
      ).run(...(key.split(' ') as [string, string, string]), n);
    }
  }
}
