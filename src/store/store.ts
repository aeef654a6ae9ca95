import type { AssetUpload } from '../domain/asset-upload.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { Batch, BatchItem } from '../domain/batch.ts';
import type { BulkJob } from '../domain/bulk-job.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import type { CallbackSecret } from '../domain/callback-secret.ts';
import type { ApiKey, Workspace } from '../domain/caller.ts';
import type { CredentialRecord } from '../domain/credential.ts';
import type { DebugSession } from '../domain/debug-session.ts';
import type { Evaluation, EvaluationPlan, Judge } from '../domain/evaluation.ts';
import type { RunEvent } from '../domain/event.ts';
import type { IdempotentRequest } from '../domain/idempotent-request.ts';
import type { KeysetPage, KeysetRequest } from '../domain/keyset.ts';
import type { ModelSettings } from '../domain/model-settings.ts';
import type { Iteration, NodeRun } from '../domain/node-run.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { PersonRequest } from '../domain/person-request.ts';
import type { Retention } from '../domain/retention.ts';
import type { Run, RunStatus } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { EvaluationSurvey, RunSurvey, SeenValues, WorkflowSurvey } from '../domain/run-survey.ts';
import type { SavedView } from '../domain/saved-view.ts';
import type { SearchMember } from '../domain/search-member.ts';
import type { StoredFile } from '../domain/stored-file.ts';
import type { PendingTrace, TakenSpan } from '../domain/taken-span.ts';
import type { Lease, Task } from '../domain/task.ts';
import type { Trigger, TriggerEvent, TriggerEventKind, TriggerOutcome } from '../domain/trigger.ts';
import type { Workflow, WorkflowKind, WorkflowRecord, WorkflowType, WorkflowVersion } from '../domain/workflow.ts';
import type { CheckedFilter, Target } from '../filter/checked-filter.ts';
import type { SortKey } from '../filter/sort.ts';
import type { Change } from './change.ts';

/** What a worker asks for. */
export interface Claim {
  /** Tasks at most: the places that the worker has free. */
  readonly limit: number;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly leaseMs: number;
  /** Of the worker's places, those that only a workspace of which it holds nothing may take; 0 when left out. */
  readonly reserved?: number;
  /** Tasks that the worker holds, by workspace. */
  readonly held?: ReadonlyMap<string, number>;
}

/** Everything the engine needs to go on with a run. */
export interface LoadedRun {
  readonly run: Run;
  readonly nodeRuns: readonly NodeRun[];
  readonly iterations: readonly Iteration[];
  readonly tasks: readonly Task[];
  /** Pending requests to persons. */
  readonly asked: readonly AskedPass[];
  /** Passes that wait for a run that they invoked, or whose run has ended and is still to be looked at. */
  readonly invoked: readonly InvokedPass[];
}

/** A pass of a node that has invoked a run, and how that run stands. */
export interface InvokedPass {
  readonly runId: string;
  readonly nodeId: string;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  /** The try of the pass, from 1. */
  readonly attempt: number;
  /** Its place among the runs of that try, from 1. */
  readonly ordinal: number;
  readonly status: RunStatus;
}

/** Which runs that a run invoked are read. */
export interface InvokedSelection {
  readonly workspaceId: string;
  readonly runId: string;
  readonly nodeId: string;
  /** Only those of this pass: 0 for a node that does not iterate. */
  readonly iteration?: number;
}

/** A pass of a node that waits for a person. */
export interface AskedPass {
  readonly requestId: string;
  readonly nodeId: string;
  /** 0 for a node that does not iterate, else the 1-based item. */
  readonly iteration: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Which events of triggers a list shows; what is left out does not matter. */
export interface TriggerEventSelection {
  readonly workspaceId: string;
  readonly triggerId?: string;
  readonly workflowId?: string;
  readonly kind?: TriggerEventKind;
  readonly outcomes?: readonly TriggerOutcome[];
  readonly startedRun?: boolean;
  /** Text in what came, in the reason or the run's id; letters of A to Z in any case. */
  readonly search?: string;
}

/** Which runs a list shows. */
export interface RunSelection {
  readonly workspaceId: string;
  readonly workflowId?: string;
}

/** Which finished runs a bulk deletion is about. */
export interface RunsBefore {
  readonly workspaceId: string;
  readonly workflowId?: string;
  /** Created before; epoch milliseconds. */
  readonly before: number;
  /** Finished before, too; epoch milliseconds. */
  readonly finishedBefore?: number;
}

/** A list that is asked for, in the words of the domain. */
export interface FindRequest extends KeysetRequest {
  readonly workspaceId: string;
  /** Its columns are those of the vocabulary of that list. */
  readonly filter: CheckedFilter | null;
  /** Empty: the list's own order. What makes the order total is added by the store. */
  readonly sort: readonly SortKey[];
}

export interface FindOptions {
  /** Of runs and node runs: whether inputs and outputs are read; without it they are. */
  readonly payloads?: boolean;
  /** Of workflows: whether their current versions are read; without it they are not. */
  readonly definitions?: boolean;
  /** Of runs: what their current evaluation must be like. */
  readonly evaluation?: EvaluationCondition;
}

/**
 * A condition on the current evaluation of a run: the completed one that no other has superseded. Null: anything goes.
 * `not_evaluated`: there is none, or it came to no verdict. With both a category and a subcategory, one issue has both.
 */
export interface EvaluationCondition {
  readonly verdict: 'passed' | 'failed' | 'not_evaluated' | null;
  readonly category: string | null;
  readonly subcategory: string | null;
}

export interface FoundRun {
  readonly run: Run;
  readonly hasLogs: boolean;
  readonly hasNodeRuns: boolean;
}

export interface FoundNodeRun {
  readonly runId: string;
  readonly kind: WorkflowKind;
  readonly workflowId: string;
  /** Epoch milliseconds. */
  readonly runCreatedAt: number;
  readonly nodeRun: NodeRun;
}

export type FoundLog = RunLog;

/** A workflow that is not deleted. */
export interface FoundWorkflow {
  readonly workflow: Workflow;
  /** The current version; null when definitions are not asked for. */
  readonly version: WorkflowVersion | null;
  /** Its place among the versions of the workflow, from 1. */
  readonly versionNumber: number;
  readonly runsCount: number;
}

export interface FoundVersion {
  readonly version: WorkflowVersion;
  /** Its place among the versions of its workflow, from 1. */
  readonly number: number;
}

export interface FoundBatchItem extends FoundRun {
  readonly item: BatchItem;
}

/** What can be listed by filter, sort order and boundary. */
export interface Listed {
  readonly runs: FoundRun;
  readonly nodeRuns: FoundNodeRun;
  readonly logs: FoundLog;
  /** Of every kind. */
  readonly workflows: FoundWorkflow;
  /** Of workflows that are not deleted. */
  readonly versions: FoundVersion;
  readonly batches: Batch;
  readonly batchItems: FoundBatchItem;
  readonly evaluations: Evaluation;
  readonly personRequests: PersonRequest;
}

/** What runs recorded while they executed, by run id; a run without any is not in it. */
export interface RecordsOfRuns {
  /** In the order in which they began. */
  readonly nodeRuns: ReadonlyMap<string, readonly NodeRun[]>;
  /** Oldest first. */
  readonly logs: ReadonlyMap<string, readonly RunLog[]>;
}

/** How many records of each run are read, at most; 0: none. */
export interface RecordsWanted {
  readonly nodeRuns: number;
  readonly logs: number;
}

/** A workflow and how many runs of it there are. */
export interface CountedWorkflow {
  readonly workflow: Workflow;
  readonly runsCount: number;
}

/** Which runs statistics are about. Bounds are inclusive, in epoch milliseconds. */
export interface StatsSelection {
  readonly workspaceId: string;
  readonly from: number | null;
  readonly to: number | null;
  /** The kinds of workflow that may be named. */
  readonly kinds: readonly WorkflowKind[];
  /** Workflows that are named, at most. */
  readonly workflows: number;
}

/** Runs by day, by workflow and by source. Money is a decimal string in US dollars. */
export interface RunStats {
  /** Oldest first; `day` is a date in UTC. Days without runs are left out. */
  readonly days: readonly { readonly day: string; readonly runs: number; readonly spend: string }[];
  /** Those with most runs first. */
  readonly workflows: readonly {
    readonly id: string;
    readonly kind: WorkflowKind;
    readonly slug: string;
    readonly name: string;
    readonly runs: number;
    readonly spend: string;
    /** Milliseconds; null when none has ended. */
    readonly averageMs: number | null;
  }[];
  /** Those with most runs first. */
  readonly sources: readonly { readonly source: string; readonly runs: number }[];
}

/** Which runs a survey is about, and how long it may take. Times are epoch milliseconds. */
export interface SurveyRequest {
  readonly workspaceId: string;
  /** Its columns are those of `filter/explorer-vocabulary.ts`. */
  readonly filter: CheckedFilter | null;
  /** Created at or after. */
  readonly from: number | null;
  /** Created before. */
  readonly to: number | null;
  /** About how many buckets of time. */
  readonly buckets: number;
  readonly now: number;
  /** Milliseconds of work, after which the rest is left out. */
  readonly budgetMs: number;
}

/** Which workflows are surveyed, over the newest `mostRuns` of each that were created since a time (epoch milliseconds). */
export interface WorkflowSurveyRequest {
  readonly workspaceId: string;
  readonly workflowIds: readonly string[];
  readonly since: number;
  readonly mostRuns: number;
}

/** Values of one place in the newest `mostRuns` runs that begin with a text, whatever the case of A to Z. */
export interface SeenRequest {
  readonly workspaceId: string;
  readonly target: Pick<Target, 'column' | 'path'>;
  readonly prefix: string;
  readonly mostRuns: number;
  readonly limit: number;
}

/** Current evaluations that were made from a time on and before another, in epoch milliseconds. */
export interface EvaluationSurveyRequest {
  readonly workspaceId: string;
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
}

/** Something that one process at a time has in hand. */
export interface Hold {
  readonly workspaceId: string;
  /** Unique in the workspace: what kind of thing, and which. */
  readonly name: string;
}

/** Counts for operators. */
export interface StoreStats {
  readonly runsByStatus: Readonly<Partial<Record<RunStatus, number>>>;
  readonly queuedTasks: number;
  readonly lastPosition: number;
}

/**
 * Where truth is kept. Implementations pass `store.conformance.ts`.
 *
 * Every read is bound by a workspace, but for the few that serve the platform itself (claims, the log, keys by digest).
 */
export interface Store {
  /** Whether other processes may have the store as well. */
  readonly isShared: boolean;
  /**
   * Milliseconds that a claim lasts without being renewed; whoever has one renews it at a third of them. Long where one process has the store, which
   * knows at its start that nobody else can have a task; short where others wait for those of one that died.
   */
  readonly leaseMs: number;

  /**
   * Applies a change, all of it or none; when it resolves with `kept` it is on disk.
   * `stale`: something the change rests on no longer holds; nothing was written.
   * Changes given one after the other are applied in that order.
   * @throws when the store cannot write (disk full, connection lost); nothing was written then.
   */
  commit(change: Change): Promise<'kept' | 'stale'>;

  /**
   * Hands out due tasks. A lease that is not ended or renewed in time is given out again.
   *
   * Fairness: workspaces with something due take turns, one task a turn, so that 10,000 tasks of one do not delay another's first; within a workspace the
   * longest due comes first. Turns alone do not help where tasks take minutes and one workspace holds every place of a worker. So a workspace of which the
   * worker holds a task already is given another only while more than `reserved` places are free. Where the store knows of one workspace only, there
   * is nobody to keep places for, and `reserved` means nothing.
   *
   * Limits: a task with `startOf` is given out only while fewer runs than allowed are under way of its workflow (`runLimit`) and of its workspace (the
   * store's setting). Under way are runs that are `running` and `takesPlace`, and starts that are claimed. Starts that wait come in the order in which they
   * are due, and at once when a place is free: what frees it is a commit, which `onLog` tells of, or a lease that ran out.
   */
  claimTasks(claim: Claim): Promise<Lease[]>;
  /** Prolongs leases that are still valid; returns those that no longer are. */
  renewLeases(leases: readonly Lease[], now: number, leaseMs: number): Promise<Lease[]>;
  /** Gives claimed tasks back, due at once: a worker that stops does not finish them. */
  returnLeases(leases: readonly Lease[]): Promise<void>;
  /** Epoch milliseconds at which there is more to claim, as far as time decides: what is due and waits for a place counts no more. Null: never. */
  nextTaskDueAt(): Promise<number | null>;

  loadRun(workspaceId: string, runId: string): Promise<LoadedRun | null>;
  /** Also one that another run invoked. */
  getRun(workspaceId: string, runId: string): Promise<Run | null>;
  /** The run that a pass of a node invoked last. */
  lastInvoked(workspaceId: string, runId: string, nodeId: string, iteration: number): Promise<Run | null>;
  /** Runs that a node of a run invoked, without their payloads, in the order of its passes. */
  listInvoked(selection: InvokedSelection, page: PageRequest): Promise<Page<Run>>;
  /** Ids of all runs below a run, whatever invoked them. */
  listRunsBelow(workspaceId: string, rootId: string): Promise<string[]>;
  /** Newest first. `output` says whether outputs are read; otherwise they are null. */
  listRuns(selection: RunSelection, page: PageRequest, options: { output: boolean }): Promise<Page<Run>>;
  /**
   * One page of a list that a filter lets through: see `domain/keyset.ts`. Nulls come last in ascending order, first in descending.
   * What takes long is read beside the event loop.
   */
  find<K extends keyof Listed>(what: K, request: FindRequest, options?: FindOptions): Promise<KeysetPage<Listed[K]>>;
  /** What several runs recorded, read at once beside the event loop. */
  recordsOfRuns(workspaceId: string, runIds: readonly string[], wanted: RecordsWanted): Promise<RecordsOfRuns>;
  /** Read beside the event loop. */
  runStats(selection: StatsSelection): Promise<RunStats>;
  /** What the runs that a filter finds are like together. Read beside the event loop. */
  surveyRuns(request: SurveyRequest): Promise<RunSurvey>;
  /** In the order of the ids. Read beside the event loop. */
  workflowSurveys(request: WorkflowSurveyRequest): Promise<WorkflowSurvey[]>;
  /** Read beside the event loop. */
  seenValues(request: SeenRequest): Promise<SeenValues>;
  /** Read beside the event loop. */
  evaluationSurvey(request: EvaluationSurveyRequest): Promise<EvaluationSurvey>;
  /** Without `payloads`, inputs and outputs are not read and come as null. */
  listNodeRuns(workspaceId: string, runId: string, options: { payloads: boolean }): Promise<NodeRun[]>;
  getNodeRun(workspaceId: string, runId: string, nodeId: string): Promise<NodeRun | null>;
  getIteration(workspaceId: string, runId: string, nodeId: string, iteration: number): Promise<Iteration | null>;
  /** Those that are recorded from number `from` on (1-based), in order, without inputs and outputs. */
  listIterations(
    workspaceId: string,
    runId: string,
    nodeId: string,
    page: { from: number; limit: number },
  ): Promise<Iteration[]>;
  listRunLogs(workspaceId: string, runId: string, limit: number): Promise<RunLog[]>;
  /** The tries that are kept of a run, in the order in which they began. */
  listAttempts(workspaceId: string, runId: string): Promise<Attempt[]>;
  /** The spans that were taken in of a trace, in the order in which they began, and the run that they were made into; null: none yet. */
  takenTrace(workspaceId: string, traceId: string): Promise<{ spans: TakenSpan[]; runId: string | null }>;
  /** Traces of which nothing has come in since a time (epoch milliseconds), and that are no runs yet. */
  pendingTraces(before: number, limit: number): Promise<PendingTrace[]>;
  /** Newest first, over the runs of one workflow. */
  listWorkflowLogs(workspaceId: string, workflowId: string, page: PageRequest): Promise<Page<RunLog>>;
  /** Finished runs made before a time, oldest first, up to `limit`; `total` counts all that match. */
  findRunsBefore(selection: RunsBefore, limit: number): Promise<{ runIds: string[]; total: number }>;

  /** Events after `position`, oldest first. */
  readLog(position: number, limit: number): Promise<RunEvent[]>;
  readRunEvents(workspaceId: string, runId: string, position: number): Promise<RunEvent[]>;
  /** Called after each group of kept changes with the new last position. Returns the way to stop it. */
  onLog(listener: (lastPosition: number) => void): () => void;
  /** Called when there may be more to claim than there was, whoever made it due. What becomes due with time is not told. Returns the way to stop it. */
  onWork(listener: () => void): () => void;
  /**
   * Called with the runs that another process has ended, those below others too. Null: some may have ended unheard, since the connection was broken.
   * Returns the way to stop it.
   */
  onEndElsewhere(listener: (runIds: readonly string[] | null) => void): () => void;
  /**
   * Has every other process on the store hear a text of at most 7,500 bytes now, as far as it is reached: nothing is kept, and what is lost is lost. Where one
   * process has the store, nobody hears it.
   */
  tell(text: string): void;
  /** Called with what other processes tell. Returns the way to stop it. */
  onTold(listener: (text: string) => void): () => void;
  followerPosition(follower: string): Promise<number>;

  getWorkflow(workspaceId: string, workflowId: string): Promise<Workflow | null>;
  /** With `deleted`, also one that was deleted. */
  getWorkflowRecord(
    workspaceId: string,
    workflowId: string,
    options?: { deleted: boolean },
  ): Promise<WorkflowRecord | null>;
  /** Those of these ids, also those that were deleted. */
  listWorkflowsById(workspaceId: string, workflowIds: readonly string[]): Promise<CountedWorkflow[]>;
  /** The last changed of that name. */
  findWorkflowByName(workspaceId: string, name: string): Promise<WorkflowRecord | null>;
  findWorkflowBySlug(workspaceId: string, kind: WorkflowKind, slug: string): Promise<WorkflowRecord | null>;
  /** Flows, last changed first. */
  listWorkflows(workspaceId: string, page: PageRequest, type: WorkflowType | null): Promise<Page<WorkflowRecord>>;
  getVersion(workspaceId: string, versionId: string): Promise<WorkflowVersion | null>;
  /** Those that a person saved, newest first. */
  listSavedVersions(workspaceId: string, workflowId: string): Promise<WorkflowVersion[]>;

  getFile(workspaceId: string, fileId: string): Promise<StoredFile | null>;

  /** By name. */
  listSavedViews(workspaceId: string): Promise<SavedView[]>;

  getDebugSession(workspaceId: string, sessionId: string): Promise<DebugSession | null>;

  getBulkJob(workspaceId: string, jobId: string): Promise<BulkJob | null>;
  /** Those that a key began, newest first. */
  listBulkJobs(workspaceId: string, keyId: string): Promise<BulkJob[]>;

  getPersonRequest(workspaceId: string, requestId: string): Promise<PersonRequest | null>;

  getEvaluation(workspaceId: string, evaluationId: string): Promise<Evaluation | null>;
  /** The one that was made last for a run. */
  lastEvaluation(workspaceId: string, runId: string): Promise<Evaluation | null>;
  /** The current evaluations of some runs: completed and not superseded, one a run at most. */
  currentEvaluations(workspaceId: string, runIds: readonly string[]): Promise<Evaluation[]>;
  /** Judges with their issues, those of one evaluation in the order they were given. */
  listJudges(workspaceId: string, evaluationIds: readonly string[]): Promise<Judge[]>;
  /** The evaluations that some runs judge for. */
  evaluationsJudgedBy(workspaceId: string, runIds: readonly string[]): Promise<string[]>;
  evaluationPlan(workspaceId: string): Promise<EvaluationPlan | null>;
  /** How long a workspace keeps its finished runs; null: it says nothing. */
  retention(workspaceId: string): Promise<Retention | null>;

  /**
   * Deliveries whose next attempt is due, to be made by the caller: nobody is given them again before `until` (epoch milliseconds), or before an attempt
   * was recorded.
   */
  claimDeliveries(now: number, limit: number, until: number): Promise<Delivery[]>;
  /** Epoch milliseconds at which there is a delivery to claim; null: never. */
  nextDeliveryAt(): Promise<number | null>;
  getBatch(workspaceId: string, batchId: string): Promise<Batch | null>;
  getUpload(workspaceId: string, uploadId: string): Promise<AssetUpload | null>;
  /** Uploads that nobody confirmed in time, oldest first. */
  expiredUploads(workspaceId: string, now: number, limit: number): Promise<AssetUpload[]>;
  getIdempotentRequest(workspaceId: string, key: string): Promise<IdempotentRequest | null>;
  /** Of a run or a batch, oldest first. */
  listDeliveries(
    workspaceId: string,
    subjectId: string,
  ): Promise<{ delivery: Delivery; attempts: DeliveryAttempt[] }[]>;
  /** Newest first. */
  listCallbackSecrets(workspaceId: string): Promise<CallbackSecret[]>;
  currentCallbackSecret(workspaceId: string): Promise<CallbackSecret | null>;

  /** By the digest of its text, or of the text before its last rotation. */
  findApiKey(digest: string): Promise<ApiKey | null>;
  getApiKey(workspaceId: string, keyId: string): Promise<ApiKey | null>;
  /** Oldest first. */
  listApiKeys(workspaceId: string): Promise<ApiKey[]>;
  firstWorkspace(): Promise<Workspace | null>;
  /** Oldest first. */
  listWorkspaces(): Promise<Workspace[]>;

  /** By name. */
  listCredentials(workspaceId: string): Promise<CredentialRecord[]>;
  getCredential(workspaceId: string, credentialId: string): Promise<CredentialRecord | null>;
  /** Whether any workspace has credentials, or triggers with a secret: whether there is anything sealed. */
  hasCredentials(): Promise<boolean>;
  modelSettings(workspaceId: string): Promise<ModelSettings | null>;

  /**
   * Takes hold of something for this process, for so many milliseconds, or keeps what it holds already. False: another process that shares the store
   * has it. What a process holds that died is free when its time is over. A store that one process owns has nobody to ask.
   */
  hold(thing: Hold, ms: number): Promise<boolean>;
  letGo(thing: Hold): Promise<void>;
  /**
   * Takes a request out of the bucket of a key, which holds a minute's requests; one drops in every `60 / perMinute` seconds. All processes that share
   * the store take out of the same one.
   * @param elapsed milliseconds by a clock that only goes forward; a store that processes share goes by its own
   * @returns 0, or the milliseconds after which the next request is taken; refused ones cost nothing
   */
  takeRequest(workspaceId: string, keyId: string, perMinute: number, elapsed: number): Promise<number>;
  /**
   * A text that differs after another process has changed the credentials or model settings of a workspace: what was read of them before is no
   * longer true then. Always the same where one process owns the store, since it knows what it changes.
   */
  credentialsVersion(workspaceId: string): Promise<string>;
  /** Does something that no two processes may do at once, such as what only the first start does. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Oldest first; with a workflow, those of it. */
  listTriggers(workspaceId: string, workflowId: string | null): Promise<Trigger[]>;
  getTrigger(workspaceId: string, triggerId: string): Promise<Trigger | null>;
  /** A trigger by its id alone, for a request that says nothing else. */
  findTrigger(triggerId: string): Promise<Trigger | null>;
  /** Triggers of all workspaces that have to be looked at by a time (epoch milliseconds), those that have waited longest first. */
  dueTriggers(now: number, limit: number): Promise<Trigger[]>;
  /** Epoch milliseconds; null: never. */
  nextTriggerAt(): Promise<number | null>;
  /** Newest first. */
  listTriggerEvents(selection: TriggerEventSelection, page: PageRequest): Promise<Page<TriggerEvent>>;
  /** The event of a trigger that has this key. */
  findTriggerEvent(workspaceId: string, triggerId: string, key: string): Promise<TriggerEvent | null>;
  /** A process that answers searches says that it is there, and how it stands. To be said again every few seconds. */
  announceSearch(member: SearchMember): Promise<void>;
  withdrawSearch(memberId: string): Promise<void>;
  /** Those that have said so within so many milliseconds, by the store's own clock; in the order of their ids. */
  searchMembers(withinMs: number): Promise<SearchMember[]>;

  stats(): Promise<StoreStats>;
  /** Whether the store answers now. */
  isReachable(): Promise<boolean>;
  /** Waits for what is being written and lets go of the files. */
  close(): Promise<void>;
}

/** Everything of a run that a person may remember it by. */
export interface RunRecords {
  readonly run: Run;
  readonly workflowName: string;
  readonly nodeRuns: readonly NodeRun[];
  readonly logs: readonly RunLog[];
}

/** A store as a thread reads it that follows the log on its own: synchronously, beside the writer, and without ever writing. */
export interface RunReader {
  /** Events after `position`, oldest first. */
  readLog(position: number, limit: number): RunEvent[];
  lastPosition(): number;
  /** How many runs there are, by workspace. */
  runsByWorkspace(): ReadonlyMap<string, number>;
  records(workspaceId: string, runId: string): RunRecords | null;
  /** Those of some runs that a filter lets through. Its columns are those of `filter/noxus-vocabulary.ts` and `filter/explorer-vocabulary.ts`. */
  filter(workspaceId: string, runIds: readonly string[], filter: CheckedFilter): string[];
  close(): void;
}
