import { randomUUID } from 'node:crypto';
import type { Sql } from 'postgres';
import type { ApiKey, Workspace } from '../../domain/caller.ts';
import type { EvaluationPlan } from '../../domain/evaluation.ts';
import type { RunEvent } from '../../domain/event.ts';
import type { KeysetPage } from '../../domain/keyset.ts';
import type { PageRequest } from '../../domain/page.ts';
import type { Retention } from '../../domain/retention.ts';
import type { RunStatus } from '../../domain/run.ts';
import type { SearchMember } from '../../domain/search-member.ts';
import type { PendingTrace } from '../../domain/taken-span.ts';
import type { Lease } from '../../domain/task.ts';
import type { Workflow, WorkflowKind, WorkflowType } from '../../domain/workflow.ts';
import type { Change } from '../change.ts';
import { assetUploadFromRow } from '../sql/asset-upload-rows.ts';
import { runAttemptFromRow } from '../sql/attempt-rows.ts';
import { batchFromRow } from '../sql/batch-rows.ts';
import { bulkJobFromRow } from '../sql/bulk-job-rows.ts';
import { callbackSecretFromRow } from '../sql/callback-secret-rows.ts';
import { credentialFromRow, modelSettingsFromRow } from '../sql/credential-rows.ts';
import { debugSessionFromRow } from '../sql/debug-session-rows.ts';
import { evaluationFromRow, issueFromRow, judgeFromRow } from '../sql/evaluation-rows.ts';
import type { SqlValue } from '../sql/filter-to-sql.ts';
import { idempotentRequestFromRow } from '../sql/idempotent-request-rows.ts';
import { takenTraceOf } from '../sql/otlp-span-rows.ts';
import { personRequestFromRow } from '../sql/person-request-rows.ts';
import * as rows from '../sql/rows.ts';
import { savedViewFromRow } from '../sql/saved-view-rows.ts';
import { ANYTHING_SEALED, triggerEventFromRow, triggerFromRow } from '../sql/trigger-rows.ts';
import type {
  Claim,
  EvaluationSurveyRequest,
  FindOptions,
  FindRequest,
  Hold,
  InvokedSelection,
  Listed,
  LoadedRun,
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
import * as agreed from './agreed.ts';
import { isConnectionTrouble, openConnections, type Reads, readAddress, readsOf, unreachable } from './connection.ts';
import { type Migrated, migrate } from './migrations.ts';
import { find } from './postgres-lists.ts';
import * as queries from './queries.ts';
import { among } from './queries.ts';
import * as searchMembers from './search-members.ts';
import { JoinedReadings, SharedReadings } from './shared-readings.ts';
import * as surveys from './surveys.ts';
import { listTriggerEvents } from './trigger-queries.ts';
import { Writer } from './writer.ts';

/** How often a process looks at the head of the log by itself: what a notification that was lost costs at most. */
const LOOK_MS = 2000;

/**
 * Milliseconds of a lease: what a worker that died had in hand is claimed by others this much later. A worker renews every two seconds, so that one
 * whose processor or network stands still for three keeps its tasks, and clocks of the machines may differ by some hundred milliseconds.
 */
const LEASE_MS = 6000;

/** How long the store may take to say that it is there. */
const REACH_MS = 2000;

/** Groups after which a store is looked at that may be new: a few seconds of a busy one, and enough rows to tell what they are like. */
const GROUPS_OF_NEW = 1000;

/** Runs that are loaded by one statement at most: some of them may be large. */
const LOADED_TOGETHER = 32;

/** Seconds that statements in hand have when the store is closed. */
const CLOSE_SECONDS = 5;

interface StoreSettings {
  /** Runs of one workspace that may be under way at the same time; null: any number. */
  readonly runsPerWorkspace: number | null;
  /** Called when the schema is brought up to date, by this process or by one that it waits for. */
  readonly onMigrating?: () => void;
  /** Called when this process has brought it to a newer step. */
  readonly onMigrated?: (migrated: Migrated) => void;
}

/** What all processes of a store agree on, by name. */
export interface SharedFacts {
  get(name: string): Promise<string | null>;
  /** Keeps a value unless one is kept already. @returns the one that is kept */
  agree(name: string, value: string): Promise<string>;
  /** Puts a value in the place of another. */
  replace(name: string, before: string, value: string): Promise<void>;
}

/** A store that processes share. */
export type SharedStore = Store & { readonly facts: SharedFacts };

/**
 * The store on PostgreSQL 13 or newer, which any number of processes share.
 * @param address a connection string; `?schema=name` says where its tables are, `public` when it is left out
 * @throws NewerSchema when a newer version wrote it
 * @throws HalfMoved, AnotherSchema, ServersInTheWay when it cannot be used, or not yet
 * @throws PlatformError `unavailable` when the server cannot be reached
 * @throws Error when the database is not in UTF-8
 */
export async function openPostgresStore(
  address: string,
  settings: StoreSettings = { runsPerWorkspace: null },
): Promise<SharedStore> {
  const read = readAddress(address);
  // By another name: who starts is no server yet that a step of the schema would have to wait for.
  const starting = openConnections(read, 'millrun start');
  try {
    const [encoding] = await starting.unsafe('show server_encoding');
    if (encoding?.['server_encoding'] !== 'UTF8')
      throw new Error(
        `The store's database is in ${encoding?.['server_encoding']}. Make one in UTF8: create database … encoding 'UTF8' template template0.`,
      );
    const migrated = await migrate(starting, read.schema, { onMigrating: settings.onMigrating });
    if (migrated.to > migrated.from) settings.onMigrated?.(migrated);
  } catch (error) {
    throw isConnectionTrouble(error) ? unreachable(error) : error;
  } finally {
    await starting.end({ timeout: 1 });
  }
  const sql = openConnections(read);
  try {
    return await PostgresStore.open(sql, read.schema, settings);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw isConnectionTrouble(error) ? unreachable(error) : error;
  }
}

class PostgresStore implements Store {
  readonly #sql: Sql;
  readonly #reads: Reads;
  readonly #writer: Writer;
  readonly #runsPerWorkspace: number | null;
  /** Asked for with every request, most of which come with the same key or run the same workflow. */
  readonly #keysByDigest: SharedReadings<ApiKey | null>;
  readonly #workflows: SharedReadings<Workflow | null>;
  /** What a worker claims together it takes up together. */
  readonly #loads: JoinedReadings<LoadedRun>;
  readonly isShared = true;
  readonly leaseMs = LEASE_MS;
  readonly #listeners = new Set<(lastPosition: number) => void>();
  readonly #workListeners = new Set<() => void>();
  readonly #endListeners = new Set<(runIds: readonly string[] | null) => void>();
  readonly #toldListeners = new Set<(text: string) => void>();
  readonly #looking: NodeJS.Timeout;
  #lastPosition = 0;
  /** Groups that this process has committed. */
  #groups = 0;
  /** The workspace that was given a task last: the next claim goes on behind it. */
  #turn = '';
  /** Until when due tasks were claimed: those that were left then wait for a place and not for a time. */
  #claimedUntil = Number.MIN_SAFE_INTEGER;

  private constructor(sql: Sql, { runsPerWorkspace }: StoreSettings) {
    this.#sql = sql;
    this.#reads = readsOf(sql);
    this.#runsPerWorkspace = runsPerWorkspace;
    this.#keysByDigest = new SharedReadings((digest) => queries.findApiKey(this.#reads, digest));
    this.#workflows = new SharedReadings((key) => {
      const [workspaceId, id] = JSON.parse(key) as [string, string];
      return queries.getWorkflow(this.#reads, workspaceId, id);
    });
    this.#loads = new JoinedReadings(LOADED_TOGETHER, (workspaceId, runIds) =>
      queries.loadRuns(this.#reads, workspaceId, runIds),
    );
    this.#writer = new Writer(sql, runsPerWorkspace, ({ lastPosition, hasWork }) => {
      this.#groups += 1;
      if (this.#groups === GROUPS_OF_NEW) void this.#analyzeNew();
      this.#grown(lastPosition);
      if (hasWork) this.#work();
    });
    this.#looking = setInterval(() => void this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  static async open(sql: Sql, schema: string, settings: StoreSettings): Promise<PostgresStore> {
    const store = new PostgresStore(sql, settings);
    try {
      await store.#writer.begin();
      await agreed.clearHolds(store.#reads);
      store.#lastPosition = await store.#head();
      // What comes from this process its listeners have heard already.
      const onListening = () => store.#missed();
      await sql.listen(`millrun_told_${schema}`, (text) => store.#hearTold(text));
      await sql.listen(`millrun_${schema}`, (text) => store.#hear(text), onListening);
    } catch (error) {
      clearInterval(store.#looking);
      throw error;
    }
    return store;
  }

  /** What commits and `returnLeases` tell: who, the position of the log, `w` when there is work, the runs that ended. */
  #hear(text: string): void {
    const [writer, position, work, ended] = text.split(' ');
    if (writer === this.#writer.id) return;
    if (Number(position) > this.#lastPosition) this.#grown(Number(position));
    if (ended) for (const listener of this.#endListeners) listener(ended.split(','));
    if (work === 'w') this.#work();
  }

  #hearTold(text: string): void {
    const writer = text.slice(0, this.#writer.id.length);
    if (writer === this.#writer.id) return;
    for (const listener of this.#toldListeners) listener(text.slice(writer.length));
  }

  /** Whatever was told meanwhile was not heard. */
  #missed(): void {
    for (const listener of this.#endListeners) listener(null);
    this.#work();
  }

  #work(): void {
    for (const listener of this.#workListeners) listener();
  }

  #grown(lastPosition: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, lastPosition);
    for (const listener of this.#listeners) listener(this.#lastPosition);
  }

  /**
   * Has the tables of a store that was just made analyzed. Until autovacuum comes by, after up to a minute, the server goes by plans made for empty tables: with
   * 40,000 runs 200 changes took 0.6 s instead of 0.01.
   */
  async #analyzeNew(): Promise<void> {
    try {
      const [row] = await this.#reads.platformRows(`select reltuples from pg_class where oid = 'runs'::regclass`);
      if (Number(row?.['reltuples']) > 0) return;
      await this.#sql.unsafe('analyze runs, run_payloads, child_runs, node_runs, tasks, events, batches, run_counts');
    } catch {
      // Autovacuum does it later.
    }
  }

  async #head(): Promise<number> {
    const [row] = await this.#reads.platformRows('select position from platform_log_head');
    const position = Number(row?.['position']);
    if (!Number.isSafeInteger(position)) throw new Error('The store has not said how far its log is.');
    return position;
  }

  async #look(): Promise<void> {
    const head = await this.#head().catch(() => this.#lastPosition);
    if (head <= this.#lastPosition) return;
    this.#grown(head);
    this.#missed();
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
    const until = now + leaseMs;
    const held = await this.#reads.platformRows(
      `with free as materialized (select t.workspace_id, t.run_id, t.id from ${OF_LEASES} for update of t skip locked),
         renewed as (update tasks t set leased_until = $2 ${OF_FREE} returning t.workspace_id, t.run_id, t.id)
       select t.token, t.workspace_id, t.run_id, t.id, exists (select 1 from renewed r
         where r.workspace_id = t.workspace_id and r.run_id = t.run_id and r.id = t.id) as is_renewed from ${OF_LEASES}`,
      [leaseCells(leases), until],
    );
    const found = new Map(
      held.map((row) => [leaseName(row['workspace_id'], row['run_id'], row['id'], row['token']), row]),
    );
    const lost: Lease[] = [];
    for (const lease of leases) {
      const row = found.get(leaseName(...leaseCell(lease)));
      if (row?.['is_renewed'] === true) continue;
      if (row === undefined || !(await this.#renewAlone(lease, until))) lost.push(lease);
    }
    return lost;
  }

  /** Renews a lease whose task a commit has locked, once that has ended: who holds one lock at a time makes nobody wait for ever. */
  async #renewAlone({ task, token }: Lease, until: number): Promise<boolean> {
    const renewed = await this.#reads.rows(
      task.workspaceId,
      'update tasks set leased_until = $5 where workspace_id = $1 and run_id = $2 and id = $3 and token = $4 returning 1 as one',
      [task.runId, task.id, token, until],
    );
    return renewed.length > 0;
  }

  async returnLeases(leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return;
    await this.#reads.platformRows(
      `with free as materialized (select t.workspace_id, t.run_id, t.id from ${OF_LEASES} for update of t skip locked),
         given as (update tasks t set token = null, leased_until = null ${OF_FREE} returning 1)
       select pg_notify('millrun_' || current_schema(), $2 || ' ' || (select position from platform_log_head) || ' w ') where exists (select 1 from given)`,
      [leaseCells(leases), this.#writer.id],
    );
    this.#work();
  }

  async nextTaskDueAt(): Promise<number | null> {
    const [row] = await this.#reads.platformRows(
      'select min(due_at) as at from tasks where leased_until is null and due_at > $1',
      [this.#claimedUntil],
    );
    return row === undefined || row['at'] === null ? null : Number(row['at']);
  }

  loadRun(workspaceId: string, runId: string): Promise<LoadedRun | null> {
    return this.#loads.get(workspaceId, runId);
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

  getBulkJob(workspaceId: string, jobId: string) {
    return this.#one(
      workspaceId,
      'select * from bulk_jobs where workspace_id = $1 and id = $2',
      [jobId],
      bulkJobFromRow,
    );
  }

  listBulkJobs(workspaceId: string, keyId: string) {
    return this.#all(
      workspaceId,
      'select * from bulk_jobs where workspace_id = $1 and key_id = $2 order by id desc',
      [keyId],
      bulkJobFromRow,
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

  onWork(listener: () => void): () => void {
    this.#workListeners.add(listener);
    return () => this.#workListeners.delete(listener);
  }

  onEndElsewhere(listener: (runIds: readonly string[] | null) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Without waiting for the disk: nothing of it is kept. */
  tell(text: string): void {
    this.#reads
      .platformRows(
        "select set_config('synchronous_commit', 'off', true), pg_notify('millrun_told_' || current_schema(), $1)",
        [this.#writer.id + text],
      )
      .catch(() => undefined);
  }

  onTold(listener: (text: string) => void): () => void {
    this.#toldListeners.add(listener);
    return () => this.#toldListeners.delete(listener);
  }

  async followerPosition(follower: string): Promise<number> {
    const [row] = await this.#reads.platformRows('select position from platform_followers where name = $1', [follower]);
    return Number(row?.['position'] ?? 0);
  }

  getWorkflow(workspaceId: string, workflowId: string): Promise<Workflow | null> {
    return this.#workflows.get(JSON.stringify([workspaceId, workflowId]));
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

  async claimDeliveries(now: number, limit: number, until: number) {
    const found = await this.#reads.platformRows(
      `with due as materialized (
         select workspace_id, subject_id, id from deliveries
         where next_attempt_at <= $1 and (claimed_until is null or claimed_until <= $1)
         order by next_attempt_at limit $2 for update skip locked
       )
       update deliveries d set claimed_until = $3 from due
       where d.workspace_id = due.workspace_id and d.subject_id = due.subject_id and d.id = due.id returning d.*`,
      [now, limit, until],
    );
    return found.map(rows.deliveryFromRow).toSorted((a, b) => (a.nextAttemptAt ?? 0) - (b.nextAttemptAt ?? 0));
  }

  async nextDeliveryAt() {
    const [row] = await this.#reads.platformRows(
      'select min(greatest(next_attempt_at, claimed_until)) as at from deliveries where next_attempt_at is not null',
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

  findApiKey(digest: string): Promise<ApiKey | null> {
    return this.#keysByDigest.get(digest);
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

  listTriggers(workspaceId: string, workflowId: string | null) {
    return this.#all(
      workspaceId,
      'select * from triggers where workspace_id = $1 and ($2::text is null or workflow_id = $2) order by id',
      [workflowId],
      triggerFromRow,
    );
  }

  getTrigger(workspaceId: string, triggerId: string) {
    return this.#one(
      workspaceId,
      'select * from triggers where workspace_id = $1 and id = $2',
      [triggerId],
      triggerFromRow,
    );
  }

  async findTrigger(triggerId: string) {
    const [row] = await this.#reads.platformRows('select * from triggers where id = $1', [triggerId]);
    return row === undefined ? null : triggerFromRow(row);
  }

  async dueTriggers(now: number, limit: number) {
    const found = await this.#reads.platformRows(
      'select * from triggers where wake_at is not null and wake_at <= $1 order by wake_at, id limit $2',
      [now, limit],
    );
    return found.map(triggerFromRow);
  }

  async nextTriggerAt() {
    const [row] = await this.#reads.platformRows('select min(wake_at) as at from triggers where wake_at is not null');
    return row === undefined || row['at'] === null ? null : Number(row['at']);
  }

  listTriggerEvents(selection: TriggerEventSelection, page: PageRequest) {
    return listTriggerEvents(this.#reads, selection, page);
  }

  findTriggerEvent(workspaceId: string, triggerId: string, key: string) {
    return this.#one(
      workspaceId,
      'select * from trigger_events where workspace_id = $1 and trigger_id = $2 and key = $3',
      [triggerId, key],
      triggerEventFromRow,
    );
  }

  async hasCredentials() {
    return (await this.#reads.platformRows(ANYTHING_SEALED)).length > 0;
  }

  modelSettings(workspaceId: string) {
    return this.#one(workspaceId, 'select * from model_settings where workspace_id = $1', [], modelSettingsFromRow);
  }

  hold(thing: Hold, ms: number): Promise<boolean> {
    return agreed.takeHold(this.#reads, this.#writer.id, thing, ms);
  }

  letGo(thing: Hold): Promise<void> {
    return agreed.endHold(this.#reads, this.#writer.id, thing);
  }

  takeRequest(workspaceId: string, keyId: string, perMinute: number): Promise<number> {
    return agreed.takeRequest(this.#reads, workspaceId, keyId, perMinute);
  }

  credentialsVersion(workspaceId: string): Promise<string> {
    return agreed.credentialsVersion(this.#reads, workspaceId);
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return agreed.alone(this.#reads, this.#writer.id, work);
  }

  get facts(): SharedFacts {
    return {
      get: (name) => agreed.factOf(this.#reads, name),
      agree: (name, value) => agreed.agreedFact(this.#reads, name, value),
      replace: (name, before, value) => agreed.replaceFact(this.#reads, name, before, value),
    };
  }

  announceSearch(member: SearchMember) {
    return searchMembers.announce(this.#reads, member);
  }

  withdrawSearch(memberId: string) {
    return searchMembers.withdraw(this.#reads, memberId);
  }

  searchMembers(withinMs: number) {
    return searchMembers.list(this.#reads, withinMs);
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

  async isReachable(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), REACH_MS);
    const asked = this.#sql.unsafe('select 1').then(
      () => true,
      () => false,
    );
    return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    await this.#writer.end();
    await this.#sql.end({ timeout: CLOSE_SECONDS });
  }
}

/**
 * The tasks of leases that still hold, as `t`. They are changed without waiting for those that a commit has locked: it has several, in an order of its
 * own, and two that wait for each other would not end.
 */
const OF_LEASES = `jsonb_array_elements($1::text::jsonb) l, tasks t
  where t.workspace_id = l.value ->> 0 and t.run_id = l.value ->> 1 and t.id = l.value ->> 2 and t.token = l.value ->> 3`;

/** Those of them that nobody has locked, in an update of `tasks t`. */
const OF_FREE = 'from free where t.workspace_id = free.workspace_id and t.run_id = free.run_id and t.id = free.id';

const leaseCell = ({ task, token }: Lease) => [task.workspaceId, task.runId, task.id, token] as const;

const leaseCells = (leases: readonly Lease[]): string => JSON.stringify(leases.map(leaseCell));

const leaseName = (...cells: readonly unknown[]): string => cells.join(' ');
