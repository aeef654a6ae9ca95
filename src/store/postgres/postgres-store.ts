import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import type { ApiKey, Workspace } from '../../domain/caller.ts';
import type { EvaluationPlan } from '../../domain/evaluation.ts';
import type { RunEvent } from '../../domain/event.ts';
import type { KeysetPage } from '../../domain/keyset.ts';
import type { PageRequest } from '../../domain/page.ts';
import type { Retention } from '../../domain/retention.ts';
import type { RunStatus } from '../../domain/run.ts';
import type { PendingTrace } from '../../domain/taken-span.ts';
import type { Lease } from '../../domain/task.ts';
import type { WorkflowKind, WorkflowType } from '../../domain/workflow.ts';
import type { Change } from '../change.ts';
import { assetUploadFromRow } from '../sql/asset-upload-rows.ts';
import { runAttemptFromRow } from '../sql/attempt-rows.ts';
import { batchFromRow } from '../sql/batch-rows.ts';
import { callbackSecretFromRow } from '../sql/callback-secret-rows.ts';
import { credentialFromRow, modelSettingsFromRow } from '../sql/credential-rows.ts';
import { debugSessionFromRow } from '../sql/debug-session-rows.ts';
import { evaluationFromRow, issueFromRow, judgeFromRow } from '../sql/evaluation-rows.ts';
import type { SqlValue } from '../sql/filter-to-sql.ts';
import { idempotentRequestFromRow } from '../sql/idempotent-request-rows.ts';
import { takenTraceOf } from '../sql/otlp-span-rows.ts';
import { askedPassFromRow, personRequestFromRow } from '../sql/person-request-rows.ts';
import * as rows from '../sql/rows.ts';
import { savedViewFromRow } from '../sql/saved-view-rows.ts';
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
  WorkflowSurveyRequest,
} from '../store.ts';
import { openConnections, type Reads, readAddress, readsOf } from './connection.ts';
import { migrate } from './migrations.ts';
import { find } from './postgres-lists.ts';
import * as queries from './queries.ts';
import { among } from './queries.ts';
import * as surveys from './surveys.ts';
import { Writer } from './writer.ts';

/** How often a process looks at the head of the log by itself: what a notification that was lost costs at most. */
const LOOK_MS = 2000;

/** Seconds that statements in hand have when the store is closed. */
const CLOSE_SECONDS = 5;

interface StoreSettings {
  /** Runs of one workspace that may be under way at the same time; null: any number. */
  readonly runsPerWorkspace: number | null;
}

/**
 * The store on PostgreSQL 13 or newer, which any number of processes share.
 * @param address a connection string; `?schema=name` says where its tables are, `public` when it is left out
 * @throws NewerSchema when a newer version wrote it
 * @throws Error when the server cannot be reached, or the database is not in UTF-8
 */
export async function openPostgresStore(
  address: string,
  settings: StoreSettings = { runsPerWorkspace: null },
): Promise<Store> {
  const read = readAddress(address);
  const sql = openConnections(read);
  try {
    const [encoding] = await sql.unsafe('show server_encoding');
    if (encoding?.['server_encoding'] !== 'UTF8')
      throw new Error(
        `The store's database is in ${encoding?.['server_encoding']}. Make one in UTF8: create database … encoding 'UTF8' template template0.`,
      );
    await migrate(sql, read.schema);
    return await PostgresStore.open(sql, read.schema, settings);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

class PostgresStore implements Store {
  readonly #sql: Sql;
  readonly #reads: Reads;
  readonly #writer: Writer;
  readonly #runsPerWorkspace: number | null;
  readonly #listeners = new Set<(lastPosition: number) => void>();
  readonly #looking: NodeJS.Timeout;
  #lastPosition = 0;
  /** The workspace that was given a task last: the next claim goes on behind it. */
  #turn = '';
  /** Until when due tasks were claimed: those that were left then wait for a place and not for a time. */
  #claimedUntil = Number.MIN_SAFE_INTEGER;

  private constructor(sql: Sql, { runsPerWorkspace }: StoreSettings) {
    this.#sql = sql;
    this.#reads = readsOf(sql);
    this.#runsPerWorkspace = runsPerWorkspace;
    this.#writer = new Writer(sql, runsPerWorkspace, (lastPosition) => this.#grown(lastPosition));
    this.#looking = setInterval(() => void this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  static async open(sql: Sql, schema: string, settings: StoreSettings): Promise<PostgresStore> {
    const store = new PostgresStore(sql, settings);
    try {
      await store.#writer.begin();
      store.#lastPosition = await store.#head();
      // What comes from this process its listeners have heard already.
      await sql.listen(`millrun_${schema}`, (text) => {
        const [writer, position] = text.split(' ');
        if (writer !== store.#writer.id) store.#grown(Number(position));
      });
    } catch (error) {
      clearInterval(store.#looking);
      throw error;
    }
    return store;
  }

  #grown(lastPosition: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, lastPosition);
    for (const listener of this.#listeners) listener(this.#lastPosition);
  }

  async #head(): Promise<number> {
    const [row] = await this.#reads.platformRows('select position from platform_log_head');
    return Number(row?.['position']);
  }

  async #look(): Promise<void> {
    const head = await this.#head().catch(() => this.#lastPosition);
    if (head > this.#lastPosition) this.#grown(head);
  }

  async #one<T>(workspaceId: string, text: string, values: readonly SqlValue[], item: (row: rows.Row) => T) {
    const [row] = await this.#reads.rows(workspaceId, text, values);
    return row === undefined ? null : item(row);
  }

  async #all<T>(workspaceId: string, text: string, values: readonly SqlValue[], item: (row: rows.Row) => T) {
    return (await this.#reads.rows(workspaceId, text, values)).map(item);
  }

  commit(change: Change): Promise<'kept' | 'stale'> {
    return this.#writer.submit(change);
  }

  async claimTasks({ limit, now, leaseMs, reserved = 0, held }: Claim): Promise<Lease[]> {
    const token = randomUUID();
    const holds = JSON.stringify(Object.fromEntries(held ?? []));
    const found = await this.#reads.platformRows(
      'select * from claim_tasks_1($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8)',
      [limit, now, now + leaseMs, reserved, holds, this.#turn, token, this.#runsPerWorkspace],
    );
    const leases = found.map((row) => ({ task: rows.taskFromRow(row), token }));
    this.#turn = leases.at(-1)?.task.workspaceId ?? this.#turn;
    this.#claimedUntil = now;
    return leases;
  }

  async renewLeases(leases: readonly Lease[], now: number, leaseMs: number): Promise<Lease[]> {
    if (leases.length === 0) return [];
    const held = await this.#reads.platformRows(
      `update tasks t set leased_until = $2 ${OF_LEASES} returning t.token, t.workspace_id, t.run_id, t.id`,
      [leaseCells(leases), now + leaseMs],
    );
    const kept = new Set(held.map((row) => `${row['token']} ${row['workspace_id']} ${row['run_id']} ${row['id']}`));
    return leases.filter(({ task, token }) => !kept.has(`${token} ${task.workspaceId} ${task.runId} ${task.id}`));
  }

  async returnLeases(leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return;
    await this.#reads.platformRows(
      `with given as (update tasks t set token = null, leased_until = null ${OF_LEASES} returning 1)
       select pg_notify('millrun_' || current_schema(), $2 || ' ' || (select position from platform_log_head)) where exists (select 1 from given)`,
      [leaseCells(leases), this.#writer.id],
    );
  }

  async nextTaskDueAt(): Promise<number | null> {
    const [row] = await this.#reads.platformRows(
      'select min(due_at) as at from tasks where leased_until is null and due_at > $1',
      [this.#claimedUntil],
    );
    return row === undefined || row['at'] === null ? null : Number(row['at']);
  }

  async loadRun(workspaceId: string, runId: string) {
    const of = [runId];
    const [run, nodeRuns, iterations, tasks, asked, invoked] = await Promise.all([
      this.getRun(workspaceId, runId),
      this.listNodeRuns(workspaceId, runId, { payloads: true }),
      this.#all(
        workspaceId,
        'select * from iterations where workspace_id = $1 and run_id = $2 order by node_id, iteration',
        of,
        rows.iterationFromRow,
      ),
      this.#all(
        workspaceId,
        'select * from tasks where workspace_id = $1 and run_id = $2 order by id',
        of,
        rows.taskFromRow,
      ),
      this.#all(
        workspaceId,
        "select id, node_id, iteration, created_at from person_requests where workspace_id = $1 and run_id = $2 and status = 'pending' order by id",
        of,
        askedPassFromRow,
      ),
      queries.invokedPasses(this.#reads, workspaceId, runId),
    ]);
    return run === null ? null : { run, invoked, asked, nodeRuns, iterations, tasks };
  }

  getRun(workspaceId: string, runId: string) {
    return queries.getRun(this.#reads, workspaceId, runId);
  }

  lastInvoked(workspaceId: string, runId: string, nodeId: string, iteration: number) {
    return queries.lastInvoked(this.#reads, workspaceId, runId, nodeId, iteration);
  }

  listInvoked(selection: InvokedSelection, page: PageRequest) {
    return queries.listInvoked(this.#reads, selection, page);
  }

  listRunsBelow(workspaceId: string, rootId: string) {
    return this.#all(
      workspaceId,
      'select id from child_runs where workspace_id = $1 and root_run_id = $2',
      [rootId],
      (row) => row['id'] as string,
    );
  }

  listRuns(selection: RunSelection, page: PageRequest, options: { output: boolean }) {
    return queries.listRuns(this.#reads, selection, page, options);
  }

  find<K extends keyof Listed>(
    what: K,
    request: FindRequest,
    options: FindOptions = {},
  ): Promise<KeysetPage<Listed[K]>> {
    return find(this.#reads, what, request, options);
  }

  recordsOfRuns(workspaceId: string, runIds: readonly string[], wanted: RecordsWanted) {
    return queries.recordsOfRuns(this.#reads, workspaceId, runIds, wanted);
  }

  runStats(selection: StatsSelection) {
    return queries.runStats(this.#reads, selection);
  }

  surveyRuns(request: SurveyRequest) {
    return surveys.surveyRuns(this.#reads, request);
  }

  workflowSurveys(request: WorkflowSurveyRequest) {
    return surveys.workflowSurveys(this.#reads, request);
  }

  seenValues(request: SeenRequest) {
    return surveys.seenValues(this.#reads, request);
  }

  evaluationSurvey(request: EvaluationSurveyRequest) {
    return surveys.evaluationSurvey(this.#reads, request);
  }

  listNodeRuns(workspaceId: string, runId: string, options: { payloads: boolean }) {
    return queries.listNodeRuns(this.#reads, workspaceId, runId, options);
  }

  getNodeRun(workspaceId: string, runId: string, nodeId: string) {
    return this.#one(
      workspaceId,
      'select * from node_runs where workspace_id = $1 and run_id = $2 and node_id = $3',
      [runId, nodeId],
      rows.nodeRunFromRow,
    );
  }

  getIteration(workspaceId: string, runId: string, nodeId: string, iteration: number) {
    return this.#one(
      workspaceId,
      'select * from iterations where workspace_id = $1 and run_id = $2 and node_id = $3 and iteration = $4',
      [runId, nodeId, iteration],
      rows.iterationFromRow,
    );
  }

  listIterations(workspaceId: string, runId: string, nodeId: string, page: { from: number; limit: number }) {
    const columns = rows.ITERATION_COLUMNS.slice(0, -2).join(', ');
    return this.#all(
      workspaceId,
      `select ${columns}, null as inputs, null as outputs from iterations
       where workspace_id = $1 and run_id = $2 and node_id = $3 and iteration >= $4 order by iteration limit $5`,
      [runId, nodeId, page.from, page.limit],
      rows.iterationFromRow,
    );
  }

  listRunLogs(workspaceId: string, runId: string, limit: number) {
    return this.#all(
      workspaceId,
      'select * from run_logs where workspace_id = $1 and run_id = $2 order by id limit $3',
      [runId, limit],
      rows.logFromRow,
    );
  }

  listAttempts(workspaceId: string, runId: string) {
    return this.#all(
      workspaceId,
      'select * from run_attempts where workspace_id = $1 and run_id = $2 order by started_at, node_id, iteration, attempt',
      [runId],
      runAttemptFromRow,
    );
  }

  getDebugSession(workspaceId: string, sessionId: string) {
    return this.#one(
      workspaceId,
      'select * from debug_sessions where workspace_id = $1 and id = $2',
      [sessionId],
      debugSessionFromRow,
    );
  }

  async takenTrace(workspaceId: string, traceId: string) {
    const all = 'select run_id, span from otlp_spans where workspace_id = $1 and trace_id = $2';
    return takenTraceOf(await this.#reads.rows(workspaceId, all, [traceId]));
  }

  async pendingTraces(before: number, limit: number): Promise<PendingTrace[]> {
    const found = await this.#reads.platformRows(
      `select workspace_id, trace_id from otlp_spans where run_id is null
       group by workspace_id, trace_id having max(received_at) <= $1 limit $2`,
      [before, limit],
    );
    return found.map((row) => ({ workspaceId: String(row['workspace_id']), traceId: String(row['trace_id']) }));
  }

  listWorkflowLogs(workspaceId: string, workflowId: string, page: PageRequest) {
    return queries.listWorkflowLogs(this.#reads, workspaceId, workflowId, page);
  }

  findRunsBefore(selection: RunsBefore, limit: number) {
    return queries.findRunsBefore(this.#reads, selection, limit);
  }

  async readLog(position: number, limit: number): Promise<RunEvent[]> {
    const found = await this.#reads.platformRows(
      'select * from events where position > $1 order by position limit $2',
      [position, limit],
    );
    return found.map(rows.eventFromRow);
  }

  readRunEvents(workspaceId: string, runId: string, position: number): Promise<RunEvent[]> {
    return this.#all(
      workspaceId,
      'select * from events where workspace_id = $1 and run_id = $2 and position > $3 order by position',
      [runId, position],
      rows.eventFromRow,
    );
  }

  onLog(listener: (lastPosition: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async followerPosition(follower: string): Promise<number> {
    const [row] = await this.#reads.platformRows('select position from platform_followers where name = $1', [follower]);
    return Number(row?.['position'] ?? 0);
  }

  getWorkflow(workspaceId: string, workflowId: string) {
    return this.#one(
      workspaceId,
      'select * from workflows where workspace_id = $1 and id = $2 and deleted_at is null',
      [workflowId],
      rows.workflowFromRow,
    );
  }

  getWorkflowRecord(workspaceId: string, workflowId: string, options: { deleted: boolean } = { deleted: false }) {
    return queries.getWorkflowRecord(this.#reads, workspaceId, workflowId, options);
  }

  listWorkflowsById(workspaceId: string, workflowIds: readonly string[]) {
    return queries.listWorkflowsById(this.#reads, workspaceId, workflowIds);
  }

  findWorkflowByName(workspaceId: string, name: string) {
    return queries.findWorkflowByName(this.#reads, workspaceId, name);
  }

  findWorkflowBySlug(workspaceId: string, kind: WorkflowKind, slug: string) {
    return queries.findWorkflowBySlug(this.#reads, workspaceId, kind, slug);
  }

  listWorkflows(workspaceId: string, page: PageRequest, type: WorkflowType | null) {
    return queries.listWorkflows(this.#reads, workspaceId, page, type);
  }

  getVersion(workspaceId: string, versionId: string) {
    return this.#one(
      workspaceId,
      'select * from workflow_versions where workspace_id = $1 and id = $2',
      [versionId],
      rows.versionFromRow,
    );
  }

  listSavedVersions(workspaceId: string, workflowId: string) {
    return this.#all(
      workspaceId,
      'select * from workflow_versions where workspace_id = $1 and workflow_id = $2 and name is not null order by id desc',
      [workflowId],
      rows.versionFromRow,
    );
  }

  getFile(workspaceId: string, fileId: string) {
    return this.#one(
      workspaceId,
      'select * from files where workspace_id = $1 and id = $2',
      [fileId],
      rows.fileFromRow,
    );
  }

  listSavedViews(workspaceId: string) {
    return this.#all(
      workspaceId,
      'select * from saved_views where workspace_id = $1 order by name, id',
      [],
      savedViewFromRow,
    );
  }

  getPersonRequest(workspaceId: string, requestId: string) {
    return this.#one(
      workspaceId,
      'select * from person_requests where workspace_id = $1 and id = $2',
      [requestId],
      personRequestFromRow,
    );
  }

  getEvaluation(workspaceId: string, evaluationId: string) {
    return this.#one(
      workspaceId,
      'select * from evaluations where workspace_id = $1 and id = $2',
      [evaluationId],
      evaluationFromRow,
    );
  }

  lastEvaluation(workspaceId: string, runId: string) {
    return this.#one(
      workspaceId,
      'select * from evaluations where workspace_id = $1 and run_id = $2 order by attempt desc limit 1',
      [runId],
      evaluationFromRow,
    );
  }

  currentEvaluations(workspaceId: string, runIds: readonly string[]) {
    return this.#all(
      workspaceId,
      `select * from evaluations where workspace_id = $1 and run_id ${among('$2')} and status = 'completed' and superseded_at is null`,
      [JSON.stringify(runIds)],
      evaluationFromRow,
    );
  }

  async listJudges(workspaceId: string, evaluationIds: readonly string[]) {
    const wanted = [JSON.stringify(evaluationIds)];
    const [issues, judges] = await Promise.all([
      this.#reads.rows(
        workspaceId,
        `select * from evaluation_issues where workspace_id = $1 and evaluation_id ${among('$2')} order by evaluation_id, judge_id, position`,
        wanted,
      ),
      this.#reads.rows(
        workspaceId,
        `select * from evaluation_judges where workspace_id = $1 and evaluation_id ${among('$2')} order by evaluation_id, id`,
        wanted,
      ),
    ]);
    const ofJudges = Map.groupBy(issues, (row) => row['judge_id'] as string);
    return judges.map((row) => judgeFromRow(row, (ofJudges.get(row['id'] as string) ?? []).map(issueFromRow)));
  }

  evaluationsJudgedBy(workspaceId: string, runIds: readonly string[]) {
    return this.#all(
      workspaceId,
      `select distinct evaluation_id from evaluation_judges where workspace_id = $1 and run_id ${among('$2')}`,
      [JSON.stringify(runIds)],
      (row) => row['evaluation_id'] as string,
    );
  }

  evaluationPlan(workspaceId: string) {
    return this.#one(
      workspaceId,
      'select plan from evaluation_plans where workspace_id = $1',
      [],
      (row) => JSON.parse(row['plan'] as string) as EvaluationPlan,
    );
  }

  async dueDeliveries(now: number, limit: number) {
    const found = await this.#reads.platformRows(
      'select * from deliveries where next_attempt_at <= $1 order by next_attempt_at limit $2',
      [now, limit],
    );
    return found.map(rows.deliveryFromRow);
  }

  async nextDeliveryAt() {
    const [row] = await this.#reads.platformRows(
      'select min(next_attempt_at) as at from deliveries where next_attempt_at is not null',
    );
    return row === undefined || row['at'] === null ? null : Number(row['at']);
  }

  getBatch(workspaceId: string, batchId: string) {
    return this.#one(workspaceId, 'select * from batches where workspace_id = $1 and id = $2', [batchId], batchFromRow);
  }

  getUpload(workspaceId: string, uploadId: string) {
    return this.#one(
      workspaceId,
      'select * from asset_uploads where workspace_id = $1 and id = $2',
      [uploadId],
      assetUploadFromRow,
    );
  }

  expiredUploads(workspaceId: string, now: number, limit: number) {
    return this.#all(
      workspaceId,
      'select * from asset_uploads where workspace_id = $1 and expires_at < $2 order by id limit $3',
      [now, limit],
      assetUploadFromRow,
    );
  }

  getIdempotentRequest(workspaceId: string, key: string) {
    return this.#one(
      workspaceId,
      'select * from idempotent_requests where workspace_id = $1 and key = $2',
      [key],
      idempotentRequestFromRow,
    );
  }

  async listDeliveries(workspaceId: string, subjectId: string) {
    const of = [subjectId];
    const [deliveries, attempts] = await Promise.all([
      this.#all(
        workspaceId,
        'select * from deliveries where workspace_id = $1 and subject_id = $2 order by id',
        of,
        rows.deliveryFromRow,
      ),
      this.#all(
        workspaceId,
        'select * from delivery_attempts where workspace_id = $1 and subject_id = $2 order by delivery_id, attempt',
        of,
        rows.attemptFromRow,
      ),
    ]);
    return deliveries.map((delivery) => ({
      delivery,
      attempts: attempts.filter((attempt) => attempt.deliveryId === delivery.id),
    }));
  }

  listCallbackSecrets(workspaceId: string) {
    return this.#all(
      workspaceId,
      'select * from callback_secrets where workspace_id = $1 order by id desc',
      [],
      callbackSecretFromRow,
    );
  }

  currentCallbackSecret(workspaceId: string) {
    return this.#one(
      workspaceId,
      'select * from callback_secrets where workspace_id = $1 and is_current = 1',
      [],
      callbackSecretFromRow,
    );
  }

  async findApiKey(digest: string): Promise<ApiKey | null> {
    const [row] = await this.#reads.platformRows(
      'select * from api_keys where digest = $1 or former_digest = $1 limit 1',
      [digest],
    );
    return row === undefined ? null : rows.apiKeyFromRow(row);
  }

  getApiKey(workspaceId: string, keyId: string): Promise<ApiKey | null> {
    return this.#one(
      workspaceId,
      'select * from api_keys where workspace_id = $1 and id = $2',
      [keyId],
      rows.apiKeyFromRow,
    );
  }

  listApiKeys(workspaceId: string): Promise<ApiKey[]> {
    return this.#all(workspaceId, 'select * from api_keys where workspace_id = $1 order by id', [], rows.apiKeyFromRow);
  }

  retention(workspaceId: string): Promise<Retention | null> {
    return this.#one(workspaceId, 'select days from retentions where workspace_id = $1', [], (row) => ({
      days: row['days'] === null ? null : Number(row['days']),
    }));
  }

  async listWorkspaces(): Promise<Workspace[]> {
    return (await this.#reads.platformRows('select * from workspaces order by id')).map(rows.workspaceFromRow);
  }

  async firstWorkspace(): Promise<Workspace | null> {
    const [row] = await this.#reads.platformRows('select * from workspaces order by id limit 1');
    return row === undefined ? null : rows.workspaceFromRow(row);
  }

  listCredentials(workspaceId: string) {
    return this.#all(
      workspaceId,
      'select * from credentials where workspace_id = $1 order by name',
      [],
      credentialFromRow,
    );
  }

  getCredential(workspaceId: string, credentialId: string) {
    return this.#one(
      workspaceId,
      'select * from credentials where workspace_id = $1 and id = $2',
      [credentialId],
      credentialFromRow,
    );
  }

  async hasCredentials() {
    return (await this.#reads.platformRows('select 1 from credentials limit 1')).length > 0;
  }

  modelSettings(workspaceId: string) {
    return this.#one(workspaceId, 'select * from model_settings where workspace_id = $1', [], modelSettingsFromRow);
  }

  async stats() {
    const [counts, [queued], lastPosition] = await Promise.all([
      this.#reads.platformRows('select status, sum(n)::bigint as n from run_counts group by status'),
      this.#reads.platformRows('select count(*) as n from tasks'),
      this.#head(),
    ]);
    return {
      runsByStatus: Object.fromEntries(counts.map((row) => [row['status'] as RunStatus, Number(row['n'])])),
      queuedTasks: Number(queued?.['n']),
      lastPosition,
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    await this.#writer.end();
    await this.#sql.end({ timeout: CLOSE_SECONDS });
  }
}

/** The tasks of leases that still hold, in an update of `tasks t`. */
const OF_LEASES = `from jsonb_array_elements($1::text::jsonb) l
  where t.workspace_id = l.value ->> 0 and t.run_id = l.value ->> 1 and t.id = l.value ->> 2 and t.token = l.value ->> 3`;

const leaseCells = (leases: readonly Lease[]): string =>
  JSON.stringify(leases.map(({ task, token }) => [task.workspaceId, task.runId, task.id, token]));
