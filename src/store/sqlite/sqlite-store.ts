import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Delivery } from '../../domain/callback.ts';
import type { ApiKey, Workspace } from '../../domain/caller.ts';
import type { RunEvent } from '../../domain/event.ts';
import type { KeysetPage } from '../../domain/keyset.ts';
import type { PageRequest } from '../../domain/page.ts';
import type { Retention } from '../../domain/retention.ts';
import type { SearchMember } from '../../domain/search-member.ts';
import type { PendingTrace } from '../../domain/taken-span.ts';
import type { Lease } from '../../domain/task.ts';
import type { WorkflowKind, WorkflowType } from '../../domain/workflow.ts';
import type { Change } from '../change.ts';
import { assetUploadFromRow } from '../sql/asset-upload-rows.ts';
import { runAttemptFromRow } from '../sql/attempt-rows.ts';
import { batchFromRow } from '../sql/batch-rows.ts';
import { bulkJobFromRow } from '../sql/bulk-job-rows.ts';
import { callbackSecretFromRow } from '../sql/callback-secret-rows.ts';
import { credentialFromRow, modelSettingsFromRow } from '../sql/credential-rows.ts';
import { debugSessionFromRow } from '../sql/debug-session-rows.ts';
import { idempotentRequestFromRow } from '../sql/idempotent-request-rows.ts';
import { takenTraceOf } from '../sql/otlp-span-rows.ts';
import { askedPassFromRow, personRequestFromRow } from '../sql/person-request-rows.ts';
import * as rows from '../sql/rows.ts';
import { savedViewFromRow } from '../sql/saved-view-rows.ts';
import { ANYTHING_SEALED, triggerEventFromRow, triggerFromRow } from '../sql/trigger-rows.ts';
import type {
  Claim,
  EvaluationSurveyRequest,
  FindOptions,
  FindRequest,
  InvokedSelection,
  Listed,
  RecordsWanted,
  RunSelection,
  RunsBefore,
  SeenRequest,
  StatsSelection,
  Store,
  SurveyRequest,
  TriggerEventSelection,
  WorkflowSurveyRequest,
} from '../store.ts';
import { BUSY_TIMEOUT_MS, Checkpointer } from './checkpointer.ts';
import { type Connection, connection } from './connection.ts';
import * as evaluations from './evaluation-queries.ts';
import { HotRows } from './hot-rows.ts';
import { invokedPasses, lastInvoked, listInvoked, listRunsBelow } from './invoked-queries.ts';
import { migrate } from './migrations.ts';
import { own } from './owner.ts';
import {
  findWorkflowByName,
  findWorkflowBySlug,
  getRun,
  getWorkflowRecord,
  listNodeRuns,
  listRunLogs,
  listRuns,
  listWorkflows,
  readLog,
  runsByStatus,
} from './queries.ts';
import type { TaskQueue } from './queue.ts';
import { RateLimits } from './rate-limits.ts';
import { readQueue } from './read-queue.ts';
import { Readers } from './readers.ts';
import { listWorkflowsById } from './run-queries.ts';
import { listTriggerEvents, listTriggers } from './trigger-queries.ts';
import { Writer } from './writer.ts';

/** Rows skipped at most by a page that is read on the event loop: some 0.2 ms. Deeper pages go to a reader thread. */
const NEAR_ROWS = 2000;

/** Milliseconds of a lease. Nobody else waits for it: after a restart every task is due again, whoever had it. */
const LEASE_MS = 30_000;

/** An attempt of a delivery: the next one is another. */
const attemptOf = ({ id, attemptCount }: Delivery): string => `${id} ${attemptCount}`;

/** SQLite's codes for a file that is no database, or one that is malformed (https://sqlite.org/rescode.html). */
const DAMAGE_CODES: ReadonlySet<unknown> = new Set([11, 26]);

const isDamage = (error: unknown): boolean =>
  error instanceof Error && DAMAGE_CODES.has((error as Error & { errcode?: unknown }).errcode);

/** The store's file cannot be read. */
class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged';
  constructor(path: string, cause: unknown) {
    super(
      `${path} is damaged or no store of millrun (${(cause as Error).message}). Restore it from a backup, or give another folder with MILLRUN_DATA.`,
      { cause },
    );
  }
}

/**
 * The embedded store: one SQLite file in write-ahead mode in `folder`, owned by one process.
 *
 * Short reads run on the event loop, where a lookup takes some 5 µs and a hop to a thread 50; reads that may take long run on a reader thread.
 * @throws StoreInUse when another process owns the folder
 * @throws NewerSchema when a newer version wrote it
 * @throws StoreDamaged when the file is damaged or something else
 */
export function openSqliteStore(folder: string, settings: StoreSettings = { runsPerWorkspace: null }): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = own(folder);
  const path = join(folder, 'millrun.db');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // FULL: a commit that was answered survives a power cut. Checkpoints are the checkpointer's, off the event loop.
    db.exec(
      `pragma page_size = 4096; pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0;
       pragma cache_size = -16384; pragma temp_store = memory;`,
    );
    migrate(db);
    return new SqliteStore(db, path, lock, settings);
  } catch (error) {
    db?.close();
    lock.close();
    throw isDamage(error) ? new StoreDamaged(path, error) : error;
  }
}

export interface StoreSettings {
  /** Runs of one workspace that may be under way at the same time; null: any number. */
  readonly runsPerWorkspace: number | null;
}

class SqliteStore implements Store {
  readonly #lock: DatabaseSync;
  readonly #db: DatabaseSync;
  readonly #on: Connection;
  readonly #queue: TaskQueue;
  readonly #hot = new HotRows();
  readonly #writer: Writer;
  readonly #readers: Readers;
  readonly #checkpointer: Checkpointer;
  readonly isShared = false;
  readonly leaseMs = LEASE_MS;
  /** Attempts of deliveries that are being made, and until when (epoch milliseconds). In memory: a process that starts is the only one. */
  readonly #claimedAttempts = new Map<string, number>();
  /** Those of this process: no other has the store. */
  readonly #searchMembers = new Map<string, { readonly member: SearchMember; readonly at: number }>();
  readonly #listeners = new Set<(lastPosition: number) => void>();
  readonly #limits = new RateLimits();

  constructor(db: DatabaseSync, path: string, lock: DatabaseSync, { runsPerWorkspace }: StoreSettings) {
    this.#db = db;
    this.#lock = lock;
    this.#on = connection(db);
    this.#queue = readQueue(db, runsPerWorkspace);
    this.#readers = new Readers(path);
    this.#checkpointer = new Checkpointer(db, path);
    this.#writer = new Writer(db, this.#queue, this.#hot, (lastPosition) => {
      this.#checkpointer.committed();
      for (const listener of this.#listeners) listener(lastPosition);
    });
  }

  commit(change: Change): Promise<'kept' | 'stale'> {
    return this.#writer.submit(change);
  }

  async claimTasks(claim: Claim): Promise<Lease[]> {
    this.#queue.expire(claim.now);
    return this.#queue.claim(claim);
  }

  async renewLeases(leases: readonly Lease[], now: number, leaseMs: number): Promise<Lease[]> {
    return this.#queue.renew(leases, now + leaseMs);
  }

  async returnLeases(leases: readonly Lease[]): Promise<void> {
    this.#queue.giveBack(leases);
  }

  async nextTaskDueAt(): Promise<number | null> {
    return this.#queue.nextDueAt();
  }

  async loadRun(workspaceId: string, runId: string) {
    const run = await this.getRun(workspaceId, runId);
    if (run === null) return null;
    const iterations = this.#on
      .prepared('select * from iterations where workspace_id = ? and run_id = ? order by node_id, iteration')
      .all(workspaceId, runId);
    const tasks = this.#on
      .prepared('select * from tasks where workspace_id = ? and run_id = ?')
      .all(workspaceId, runId);
    const asked = this.#on
      .prepared(
        "select id, node_id, iteration, created_at from person_requests where workspace_id = ? and run_id = ? and status = 'pending'",
      )
      .all(workspaceId, runId);
    return {
      run,
      invoked: invokedPasses(this.#on, workspaceId, runId),
      asked: asked.map(askedPassFromRow),
      nodeRuns: await this.listNodeRuns(workspaceId, runId, { payloads: true }),
      iterations: iterations.map(rows.iterationFromRow),
      tasks: tasks.map(rows.taskFromRow),
    };
  }

  async getRun(workspaceId: string, runId: string) {
    return getRun(this.#on, workspaceId, runId);
  }

  async lastInvoked(workspaceId: string, runId: string, nodeId: string, iteration: number) {
    return lastInvoked(this.#on, workspaceId, runId, nodeId, iteration);
  }

  async listInvoked(selection: InvokedSelection, page: PageRequest) {
    return listInvoked(this.#on, selection, page);
  }

  async listRunsBelow(workspaceId: string, rootId: string) {
    return listRunsBelow(this.#on, workspaceId, rootId);
  }

  async listRuns(selection: RunSelection, page: PageRequest, options: { output: boolean }) {
    if (page.page * page.size <= NEAR_ROWS) return listRuns(this.#on, selection, page, options);
    return this.#readers.ask('listRuns', selection, page, options);
  }

  find<K extends keyof Listed>(
    what: K,
    request: FindRequest,
    options: FindOptions = {},
  ): Promise<KeysetPage<Listed[K]>> {
    return this.#readers.ask('find', what, request, options) as Promise<KeysetPage<Listed[K]>>;
  }

  recordsOfRuns(workspaceId: string, runIds: readonly string[], wanted: RecordsWanted) {
    return this.#readers.ask('recordsOfRuns', workspaceId, runIds, wanted);
  }

  runStats(selection: StatsSelection) {
    return this.#readers.ask('runStats', selection);
  }

  surveyRuns(request: SurveyRequest) {
    return this.#readers.ask('surveyRuns', request);
  }

  workflowSurveys(request: WorkflowSurveyRequest) {
    return this.#readers.ask('workflowSurveys', request);
  }

  seenValues(request: SeenRequest) {
    return this.#readers.ask('seenValues', request);
  }

  evaluationSurvey(request: EvaluationSurveyRequest) {
    return this.#readers.ask('evaluationSurvey', request);
  }

  async listNodeRuns(workspaceId: string, runId: string, options: { payloads: boolean }) {
    return listNodeRuns(this.#on, workspaceId, runId, options);
  }

  async getNodeRun(workspaceId: string, runId: string, nodeId: string) {
    const row = this.#on
      .prepared('select * from node_runs where workspace_id = ? and run_id = ? and node_id = ?')
      .get(workspaceId, runId, nodeId);
    return row === undefined ? null : rows.nodeRunFromRow(row);
  }

  async getIteration(workspaceId: string, runId: string, nodeId: string, iteration: number) {
    const row = this.#on
      .prepared('select * from iterations where workspace_id = ? and run_id = ? and node_id = ? and iteration = ?')
      .get(workspaceId, runId, nodeId, iteration);
    return row === undefined ? null : rows.iterationFromRow(row);
  }

  async listIterations(workspaceId: string, runId: string, nodeId: string, page: { from: number; limit: number }) {
    const columns = rows.ITERATION_COLUMNS.slice(0, -2).join(', ');
    return this.#on
      .prepared(
        `select ${columns}, null as inputs, null as outputs from iterations
         where workspace_id = ? and run_id = ? and node_id = ? and iteration >= ? order by iteration limit ?`,
      )
      .all(workspaceId, runId, nodeId, page.from, page.limit)
      .map(rows.iterationFromRow);
  }

  async listRunLogs(workspaceId: string, runId: string, limit: number) {
    return listRunLogs(this.#on, workspaceId, runId, limit);
  }

  async listAttempts(workspaceId: string, runId: string) {
    const order = 'order by started_at, node_id, iteration, attempt';
    return this.#on
      .prepared(`select * from run_attempts where workspace_id = ? and run_id = ? ${order}`)
      .all(workspaceId, runId)
      .map(runAttemptFromRow);
  }

  async getDebugSession(workspaceId: string, sessionId: string) {
    const row = this.#on
      .prepared('select * from debug_sessions where workspace_id = ? and id = ?')
      .get(workspaceId, sessionId);
    return row === undefined ? null : debugSessionFromRow(row);
  }

  async getBulkJob(workspaceId: string, jobId: string) {
    const row = this.#on.prepared('select * from bulk_jobs where workspace_id = ? and id = ?').get(workspaceId, jobId);
    return row === undefined ? null : bulkJobFromRow(row);
  }

  async listBulkJobs(workspaceId: string, keyId: string) {
    return this.#on
      .prepared('select * from bulk_jobs where workspace_id = ? and key_id = ? order by id desc')
      .all(workspaceId, keyId)
      .map(bulkJobFromRow);
  }

  async takenTrace(workspaceId: string, traceId: string) {
    const found = this.#on
      .prepared('select run_id, span from otlp_spans where workspace_id = ? and trace_id = ?')
      .all(workspaceId, traceId);
    return takenTraceOf(found);
  }

  async pendingTraces(before: number, limit: number): Promise<PendingTrace[]> {
    return this.#on
      .prepared(
        `select workspace_id, trace_id from otlp_spans where run_id is null
         group by workspace_id, trace_id having max(received_at) <= ? limit ?`,
      )
      .all(before, limit)
      .map((row) => ({ workspaceId: String(row['workspace_id']), traceId: String(row['trace_id']) }));
  }

  listWorkflowLogs(workspaceId: string, workflowId: string, page: PageRequest) {
    return this.#readers.ask('listWorkflowLogs', workspaceId, workflowId, page);
  }

  findRunsBefore(selection: RunsBefore, limit: number) {
    return this.#readers.ask('findRunsBefore', selection, limit);
  }

  async readLog(position: number, limit: number): Promise<RunEvent[]> {
    return readLog(this.#on, position, limit);
  }

  async readRunEvents(workspaceId: string, runId: string, position: number): Promise<RunEvent[]> {
    return this.#on
      .prepared('select * from events where workspace_id = ? and run_id = ? and position > ? order by position')
      .all(workspaceId, runId, position)
      .map(rows.eventFromRow);
  }

  onLog(listener: (lastPosition: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** After each commit: looking at the queue in memory costs less than knowing whether it is worth it. */
  onWork(listener: () => void): () => void {
    return this.onLog(() => listener());
  }

  /** There is no other process. */
  tell(): void {}

  onTold(): () => void {
    return () => undefined;
  }

  onEndElsewhere(): () => void {
    return () => undefined;
  }

  async followerPosition(follower: string): Promise<number> {
    return Number(this.#on.prepared('select position from followers where name = ?').get(follower)?.['position'] ?? 0);
  }

  async getWorkflow(workspaceId: string, workflowId: string) {
    return this.#hot.workflow(workspaceId, workflowId, () => {
      const row = this.#on
        .prepared('select * from workflows where workspace_id = ? and id = ? and deleted_at is null')
        .get(workspaceId, workflowId);
      return row === undefined ? null : rows.workflowFromRow(row);
    });
  }

  async getWorkflowRecord(workspaceId: string, workflowId: string, options: { deleted: boolean } = { deleted: false }) {
    return getWorkflowRecord(this.#on, workspaceId, workflowId, options);
  }

  async listWorkflowsById(workspaceId: string, workflowIds: readonly string[]) {
    return listWorkflowsById(this.#on, workspaceId, workflowIds);
  }

  async findWorkflowByName(workspaceId: string, name: string) {
    return findWorkflowByName(this.#on, workspaceId, name);
  }

  async findWorkflowBySlug(workspaceId: string, kind: WorkflowKind, slug: string) {
    return findWorkflowBySlug(this.#on, workspaceId, kind, slug);
  }

  async listWorkflows(workspaceId: string, page: PageRequest, type: WorkflowType | null) {
    return listWorkflows(this.#on, workspaceId, page, type);
  }

  async getVersion(workspaceId: string, versionId: string) {
    const row = this.#on
      .prepared('select * from workflow_versions where workspace_id = ? and id = ?')
      .get(workspaceId, versionId);
    return row === undefined ? null : rows.versionFromRow(row);
  }

  async listSavedVersions(workspaceId: string, workflowId: string) {
    return this.#on
      .prepared(
        `select * from workflow_versions where workspace_id = ? and workflow_id = ? and name is not null order by id desc`,
      )
      .all(workspaceId, workflowId)
      .map(rows.versionFromRow);
  }

  async getFile(workspaceId: string, fileId: string) {
    const row = this.#on.prepared('select * from files where workspace_id = ? and id = ?').get(workspaceId, fileId);
    return row === undefined ? null : rows.fileFromRow(row);
  }

  async listSavedViews(workspaceId: string) {
    return this.#on
      .prepared('select * from saved_views where workspace_id = ? order by name, id')
      .all(workspaceId)
      .map(savedViewFromRow);
  }

  async getPersonRequest(workspaceId: string, requestId: string) {
    const statement = this.#on.prepared('select * from person_requests where workspace_id = ? and id = ?');
    const row = statement.get(workspaceId, requestId);
    return row === undefined ? null : personRequestFromRow(row);
  }

  async getEvaluation(workspaceId: string, evaluationId: string) {
    return evaluations.getEvaluation(this.#on, workspaceId, evaluationId);
  }

  async lastEvaluation(workspaceId: string, runId: string) {
    return evaluations.lastEvaluation(this.#on, workspaceId, runId);
  }

  async currentEvaluations(workspaceId: string, runIds: readonly string[]) {
    return evaluations.currentEvaluations(this.#on, workspaceId, runIds);
  }

  async listJudges(workspaceId: string, evaluationIds: readonly string[]) {
    return evaluations.listJudges(this.#on, workspaceId, evaluationIds);
  }

  async evaluationsJudgedBy(workspaceId: string, runIds: readonly string[]) {
    return evaluations.evaluationsJudgedBy(this.#on, workspaceId, runIds);
  }

  async evaluationPlan(workspaceId: string) {
    return evaluations.evaluationPlan(this.#on, workspaceId);
  }

  async claimDeliveries(now: number, limit: number, until: number) {
    for (const [attempt, claimedUntil] of this.#claimedAttempts) {
      if (claimedUntil <= now) this.#claimedAttempts.delete(attempt);
    }
    const due = this.#on
      .prepared('select * from deliveries where next_attempt_at <= ? order by next_attempt_at limit ?')
      .all(now, limit + this.#claimedAttempts.size)
      .map(rows.deliveryFromRow)
      .filter((delivery) => !this.#claimedAttempts.has(attemptOf(delivery)))
      .slice(0, limit);
    for (const delivery of due) this.#claimedAttempts.set(attemptOf(delivery), until);
    return due;
  }

  async nextDeliveryAt() {
    const soonest = this.#on
      .prepared('select * from deliveries where next_attempt_at is not null order by next_attempt_at limit ?')
      .all(this.#claimedAttempts.size + 1)
      .map(rows.deliveryFromRow)
      .map((delivery) => Math.max(delivery.nextAttemptAt ?? 0, this.#claimedAttempts.get(attemptOf(delivery)) ?? 0));
    return soonest.length === 0 ? null : Math.min(...soonest);
  }

  async getBatch(workspaceId: string, batchId: string) {
    const row = this.#on.prepared('select * from batches where workspace_id = ? and id = ?').get(workspaceId, batchId);
    return row === undefined ? null : batchFromRow(row);
  }

  async getUpload(workspaceId: string, uploadId: string) {
    const row = this.#on
      .prepared('select * from asset_uploads where workspace_id = ? and id = ?')
      .get(workspaceId, uploadId);
    return row === undefined ? null : assetUploadFromRow(row);
  }

  async expiredUploads(workspaceId: string, now: number, limit: number) {
    return this.#on
      .prepared('select * from asset_uploads where workspace_id = ? and expires_at < ? order by id limit ?')
      .all(workspaceId, now, limit)
      .map(assetUploadFromRow);
  }

  async getIdempotentRequest(workspaceId: string, key: string) {
    const row = this.#on
      .prepared('select * from idempotent_requests where workspace_id = ? and key = ?')
      .get(workspaceId, key);
    return row === undefined ? null : idempotentRequestFromRow(row);
  }

  async listCallbackSecrets(workspaceId: string) {
    return this.#on
      .prepared('select * from callback_secrets where workspace_id = ? order by id desc')
      .all(workspaceId)
      .map(callbackSecretFromRow);
  }

  async currentCallbackSecret(workspaceId: string) {
    const row = this.#on
      .prepared('select * from callback_secrets where workspace_id = ? and is_current = 1')
      .get(workspaceId);
    return row === undefined ? null : callbackSecretFromRow(row);
  }

  async listDeliveries(workspaceId: string, subjectId: string) {
    const deliveries = this.#on
      .prepared('select * from deliveries where workspace_id = ? and subject_id = ? order by id')
      .all(workspaceId, subjectId)
      .map(rows.deliveryFromRow);
    const attempts = this.#on
      .prepared(
        'select * from delivery_attempts where workspace_id = ? and subject_id = ? order by delivery_id, attempt',
      )
      .all(workspaceId, subjectId)
      .map(rows.attemptFromRow);
    return deliveries.map((delivery) => ({
      delivery,
      attempts: attempts.filter((attempt) => attempt.deliveryId === delivery.id),
    }));
  }

  async findApiKey(digest: string): Promise<ApiKey | null> {
    return this.#hot.key(digest, () => {
      const row = this.#on.prepared('select * from api_keys where digest = ?1 or former_digest = ?1').get(digest);
      return row === undefined ? null : rows.apiKeyFromRow(row);
    });
  }

  async getApiKey(workspaceId: string, keyId: string): Promise<ApiKey | null> {
    const row = this.#on.prepared('select * from api_keys where workspace_id = ? and id = ?').get(workspaceId, keyId);
    return row === undefined ? null : rows.apiKeyFromRow(row);
  }

  async listApiKeys(workspaceId: string): Promise<ApiKey[]> {
    return this.#on
      .prepared('select * from api_keys where workspace_id = ? order by id')
      .all(workspaceId)
      .map(rows.apiKeyFromRow);
  }

  async retention(workspaceId: string): Promise<Retention | null> {
    const row = this.#on.prepared('select days from retentions where workspace_id = ?').get(workspaceId);
    return row === undefined ? null : { days: row['days'] as number | null };
  }

  async listWorkspaces(): Promise<Workspace[]> {
    return this.#on.prepared('select * from workspaces order by id').all().map(rows.workspaceFromRow);
  }

  async firstWorkspace(): Promise<Workspace | null> {
    const row = this.#on.prepared('select * from workspaces order by id limit 1').get();
    return row === undefined ? null : rows.workspaceFromRow(row);
  }

  async listCredentials(workspaceId: string) {
    return this.#on
      .prepared('select * from credentials where workspace_id = ? order by name')
      .all(workspaceId)
      .map(credentialFromRow);
  }

  async getCredential(workspaceId: string, credentialId: string) {
    const row = this.#on
      .prepared('select * from credentials where workspace_id = ? and id = ?')
      .get(workspaceId, credentialId);
    return row === undefined ? null : credentialFromRow(row);
  }

  async listTriggers(workspaceId: string, workflowId: string | null) {
    return listTriggers(this.#on, workspaceId, workflowId);
  }

  async getTrigger(workspaceId: string, triggerId: string) {
    const row = this.#on
      .prepared('select * from triggers where workspace_id = ? and id = ?')
      .get(workspaceId, triggerId);
    return row === undefined ? null : triggerFromRow(row);
  }

  async findTrigger(triggerId: string) {
    const row = this.#on.prepared('select * from triggers where id = ?').get(triggerId);
    return row === undefined ? null : triggerFromRow(row);
  }

  async dueTriggers(now: number, limit: number) {
    return this.#on
      .prepared('select * from triggers where wake_at is not null and wake_at <= ? order by wake_at, id limit ?')
      .all(now, limit)
      .map(triggerFromRow);
  }

  async nextTriggerAt() {
    const row = this.#on.prepared('select min(wake_at) as at from triggers where wake_at is not null').get();
    return row?.['at'] === null ? null : Number(row?.['at']);
  }

  async listTriggerEvents(selection: TriggerEventSelection, page: PageRequest) {
    return listTriggerEvents(this.#on, selection, page);
  }

  async findTriggerEvent(workspaceId: string, triggerId: string, key: string) {
    const row = this.#on
      .prepared('select * from trigger_events where workspace_id = ? and trigger_id = ? and key = ?')
      .get(workspaceId, triggerId, key);
    return row === undefined ? null : triggerEventFromRow(row);
  }

  async hasCredentials() {
    return this.#on.prepared(ANYTHING_SEALED).get() !== undefined;
  }

  async modelSettings(workspaceId: string) {
    const row = this.#on.prepared('select * from model_settings where workspace_id = ?').get(workspaceId);
    return row === undefined ? null : modelSettingsFromRow(row);
  }

  hold(): Promise<boolean> {
    return Promise.resolve(true);
  }

  letGo(): Promise<void> {
    return Promise.resolve();
  }

  async takeRequest(_workspaceId: string, keyId: string, perMinute: number, elapsed: number): Promise<number> {
    return this.#limits.take(keyId, perMinute, elapsed);
  }

  credentialsVersion(): Promise<string> {
    return Promise.resolve('');
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async announceSearch(member: SearchMember) {
    this.#searchMembers.set(member.id, { member, at: performance.now() });
  }

  async withdrawSearch(memberId: string) {
    this.#searchMembers.delete(memberId);
  }

  async searchMembers(withinMs: number) {
    const since = performance.now() - withinMs;
    const heard = [...this.#searchMembers.values()].filter(({ at }) => at >= since);
    return heard.map(({ member }) => member).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async stats() {
    return {
      runsByStatus: runsByStatus(this.#on),
      queuedTasks: this.#queue.size,
      lastPosition: this.#writer.lastPosition,
    };
  }

  async isReachable(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.#writer.flush();
    await this.#readers.close();
    await this.#checkpointer.close();
    this.#db.close();
    this.#lock.close();
  }
}
