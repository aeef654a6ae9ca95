import type { DeliveryAttempt } from '../../domain/callback.ts';
import type { Scope } from '../../domain/caller.ts';
import type { CredentialKind, ProviderProtocol } from '../../domain/credential.ts';
import type { Definition } from '../../domain/definition.ts';
import type { Problem } from '../../domain/error.ts';
import type { EvaluationPlan, EvaluationStatus, EvaluationSubject, Judge, JudgePlan } from '../../domain/evaluation.ts';
import type { Failure } from '../../domain/failure.ts';
import type { FormField } from '../../domain/form.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { ModelPrice } from '../../domain/model-settings.ts';
import type { NodeStatus } from '../../domain/node-run.ts';
import type { PersonRequestStatus } from '../../domain/person-request.ts';
import type { Feedback, RunStatus, Usage } from '../../domain/run.ts';
import type { LogLevel } from '../../domain/run-log.ts';
import type { TriggerDefinition, TriggerEventKind, TriggerOutcome } from '../../domain/trigger.ts';
import type { ValueType } from '../../domain/value.ts';
import type { Warning } from '../../domain/warning.ts';
import type { DefinitionIssue, WorkflowKind, WorkflowType } from '../../domain/workflow.ts';
import type { Diagnostic } from '../../filter/diagnostic.ts';

/**
 * Everything the explorer's API says and takes, under `/explorer/v1`. Words are those of the domain, times are epoch milliseconds, spans are
 * milliseconds, money is a decimal string in US dollars.
 *
 * A call carries the session's cookie and nothing else; one that changes something also carries the header `X-Millrun-Explorer: 1` and comes from
 * the same origin. A refusal is a {@link Refusal} with the status of its kind: invalid 422, unauthenticated 401, forbidden 403, not_found 404,
 * conflict 409, too_large 413, too_many 429, unavailable 503. Paths in the comments are below `/explorer/v1`.
 *
 * Filters (`q`) are written in the filter language with the fields of `filter/explorer-vocabulary.ts`; orders (`sort`) as `created_at:desc`.
 */

/** The body of every answer that is not 2xx. */
export interface Refusal {
  readonly error: {
    readonly kind: string;
    /** For people: what was given, what is allowed, what to do. */
    readonly message: string;
    readonly problems: readonly Problem[];
    /** What the server's log calls this request. */
    readonly requestId: string;
  };
}

/** A page of a list. Cursors go back as `cursor`, with the same `q` and `sort`. Null: there is nothing that way. */
export interface CursorPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** A count that stops somewhere, since nobody reads on. */
export interface Count {
  readonly count: number;
  /** There are more than `count`. */
  readonly isLowerBound: boolean;
}

/* Sessions ------------------------------------------------------------------------------------------------------------------------------- */

/** `POST /session`, which takes no cookie and sets one. Answered with a {@link Session}. */
export interface SignIn {
  readonly key: string;
}

/** `GET /session`: who is signed in; 401 for nobody. `DELETE /session` signs out and answers 204. */
export interface Session {
  readonly keyId: string;
  readonly keyName: string;
  readonly keyPrefix: string;
  readonly workspaceId: string;
  readonly scopes: readonly Scope[];
  /** When the session ends unless it is used before: it is prolonged as it is used. */
  readonly expiresAt: number;
  /** Of the server. */
  readonly version: string;
  /** Now, on the server: what `now` in a filter means. */
  readonly now: number;
}

/* Runs ----------------------------------------------------------------------------------------------------------------------------------- */

/** `GET /runs`. Newest first when `sort` is left out; `back` gives the page before `cursor`. */
export interface RunListQuery {
  readonly q?: string;
  /** Only runs whose current evaluation found an issue of this category, and of this subcategory. */
  readonly category?: string;
  readonly subcategory?: string;
  readonly sort?: string;
  /** 1 to 500; 50 when left out. */
  readonly limit?: number;
  readonly cursor?: string;
  readonly back?: boolean;
}

/** A page of runs, and where the event log stood before it was read: a live view begins there and misses nothing. */
export interface RunPage extends CursorPage<RunRow> {
  readonly position: number;
}

/** A run as lists show it, without its input and output. */
export interface RunRow {
  readonly id: string;
  readonly status: RunStatus;
  readonly workflow: WorkflowName;
  readonly versionId: string;
  readonly source: string;
  /** Settled nodes in percent. */
  readonly progress: number;
  readonly nodesTotal: number;
  readonly nodesCompleted: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly durationMs: number | null;
  readonly cost: string | null;
  readonly failure: Failure | null;
  readonly clientRef: string | null;
  readonly batchId: string | null;
  readonly metadata: JsonObject | null;
  /** The API it was started through. */
  readonly dialect: string;
  readonly feedback: Feedback | null;
  /** The verdict of the current evaluation; null when there is none, or the key may not read evaluations. */
  readonly evaluation: Verdict | null;
}

export interface Verdict {
  readonly id: string;
  readonly passed: boolean | null;
  readonly passRate: number | null;
  readonly topIssues: readonly string[];
}

/** What a run is a run of. The name of a deleted workflow is still there; null when the key may not read it. */
export interface WorkflowName {
  readonly id: string;
  readonly name: string | null;
  readonly slug: string | null;
  readonly kind: WorkflowKind;
  readonly isDeleted: boolean;
}

/** `GET /runs/count?q=`. */
export type RunCount = Count;

/** `POST /runs/search`. */
export interface SearchQuery {
  readonly query: string;
  /** `exact`: the text occurs, newest run first. `meaning`: nearest first. */
  readonly mode: 'exact' | 'meaning';
  /** Only runs that this filter lets through. */
  readonly q?: string;
  /** 1 to 100; 20 when left out. */
  readonly limit?: number;
  /** 0 to 10,000. */
  readonly offset?: number;
  /** Code points on each side of a match; 60 when left out. */
  readonly contextSize?: number;
}

export interface SearchPage {
  readonly items: readonly FoundRunRow[];
  readonly total: number;
  readonly totalIsLowerBound: boolean;
  /** By meaning: why words alone were compared. */
  readonly degraded: string | null;
  readonly runsWithoutVectors: number;
  /** Set while the index is being built: older runs may be missing. */
  readonly rebuild: { readonly indexedRuns: number; readonly totalRuns?: number } | null;
}

export interface FoundRunRow {
  readonly run: RunRow;
  /** 0 to 1; 1 for every exact match. */
  readonly similarity: number;
  readonly matches: readonly Snippet[];
}

export interface Snippet {
  readonly field: 'input' | 'output' | 'other' | 'run_id';
  /** JSON path within the field: `$.messages[0].text`. */
  readonly path: string;
  readonly nodeId: string | null;
  readonly before: string;
  readonly match: string;
  readonly after: string;
  /** Code points of the text at `path` before the match, and up to its end. */
  readonly start: number;
  readonly end: number;
  /** By meaning: the words that carried it. */
  readonly words: readonly string[];
}

/** What facets are counted by: the fields of the filter that hold one of few values. */
export const FACETS = [
  'status',
  'workflow_id',
  'source_code',
  'target_type',
  'target_version',
  'failure_code',
  'verdict',
] as const;
export type FacetField = (typeof FACETS)[number];

/** `GET /runs/facets?q=&fields=status,workflow_id`. All fields when `fields` is left out. */
export interface Facets {
  readonly facets: readonly Facet[];
  readonly scanned: Scanned;
}

export interface Facet {
  readonly field: FacetField;
  /** Most runs first, 50 at most. */
  readonly values: readonly FacetValue[];
  /** Values beyond those. */
  readonly more: number;
}

export interface FacetValue {
  /** As a filter takes it; null: runs without one. */
  readonly value: string | null;
  /** For people: the name of a workflow in place of its id. */
  readonly label: string;
  readonly count: number;
}

/** How much of what a filter finds an answer rests on. */
export interface Scanned {
  /** Runs that were looked at and fit. */
  readonly runs: number;
  /** Not all were: counts are those of the newest `runs`. */
  readonly isPartial: boolean;
  /** Where that ended: older runs were not looked at. Null when all were. */
  readonly oldest: number | null;
}

/** `GET /runs/histogram`. Without bounds: from the oldest run that fits to now. */
export interface HistogramQuery {
  readonly q?: string;
  readonly from?: number;
  readonly to?: number;
  /** About how many are wanted, 2 to 200; 60 when left out. Widths are round spans of time. */
  readonly buckets?: number;
}

export interface Histogram {
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  /** Oldest first; those without runs are left out. */
  readonly buckets: readonly HistogramBucket[];
  readonly scanned: Scanned;
}

export interface HistogramBucket {
  /** Its begin; it has the runs that were created up to `bucketMs` later. */
  readonly at: number;
  readonly runs: number;
  readonly byStatus: Readonly<Partial<Record<RunStatus, number>>>;
  /** Of the runs of it that ended; null when none has. */
  readonly duration: { readonly p50: number; readonly p95: number; readonly max: number } | null;
  readonly cost: string;
}

/** `GET /filter/values?field=&prefix=&limit=`: values seen for a field of the filter, most frequent among the newest runs first. */
export interface SeenValues {
  readonly field: string;
  /** `text` is what goes into the filter, quoted where it must be. */
  readonly values: readonly {
    readonly value: string;
    readonly text: string;
    readonly label: string;
    readonly count: number;
  }[];
  readonly scanned: Scanned;
}

/** `GET /filter/check?q=&sort=`. */
export interface FilterCheck {
  readonly diagnostics: readonly Diagnostic[];
  readonly sortDiagnostics: readonly Diagnostic[];
  /** The filter as the language writes it; null when it cannot be read. */
  readonly canonical: string | null;
}

/**
 * `GET /runs/live?q=&position=`: server-sent events. The id of each is a position of the log, so that a client that comes back with
 * `Last-Event-ID` (or `position`) misses nothing. What happens to one run within a moment comes as one event.
 */
export type RunsLiveEvent =
  | { readonly event: 'run'; readonly data: LiveRun }
  /** More happened than is sent one by one, or too long ago: read the list anew. */
  | { readonly event: 'reset'; readonly data: { readonly position: number } };

/** `fits`: whether the filter lets it through now; a run that does not fit any more comes with `row`, too. Null: it was deleted. */
export interface LiveRun {
  readonly id: string;
  readonly fits: boolean;
  readonly isNew: boolean;
  readonly row: RunRow | null;
}

/* One run -------------------------------------------------------------------------------------------------------------------------------- */

/** `GET /runs/{id}`. */
export interface RunDetail {
  readonly run: RunRow;
  /** Where the log stood before this was read. */
  readonly position: number;
  readonly context: JsonObject | null;
  readonly costBreakdown: JsonObject | null;
  readonly requestId: string | null;
  /** The OpenTelemetry trace that it is part of, and where that is shown. */
  readonly trace: { readonly id: string; readonly href: string | null } | null;
  readonly callbackUrl: string | null;
  /** The key that started it. */
  readonly startedBy: { readonly keyId: string; readonly name: string | null } | null;
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
  readonly versionPinned: boolean;
  readonly input: PayloadPart;
  readonly output: PayloadPart | null;
  readonly version: RunVersion;
  readonly nodes: readonly NodeRow[];
  readonly edges: readonly EdgeRow[];
  readonly usage: Usage | null;
  readonly requests: readonly PersonRequestRow[];
  readonly deliveries: readonly DeliveryRow[];
  /** Runs that nodes of this one invoked: the first 20 of each node. `GET /runs/{id}/children` has all. */
  readonly children: readonly ChildRun[];
  /** What invoked this run; runs with a parent are in no list. */
  readonly parent: RunParent | null;
  /** The run that this one repeats. Those that repeat it: `GET /runs/{id}/retries`, `{items: RunRow[]}`, newest first, 50 at most. */
  readonly retryOf: string | null;
  readonly actions: RunActions;
}

/** What the key may do to the run as it stands; a sentence says why not. */
export interface RunActions {
  readonly stop: string | null;
  readonly retry: string | null;
  readonly retryFailed: string | null;
  readonly rerun: string | null;
  readonly delete: string | null;
  readonly evaluate: string | null;
  readonly redeliver: string | null;
}

/** JSON, whole when it is small; otherwise its beginning as text, and `GET` of `href` streams all of it. */
export interface PayloadPart {
  readonly bytes: number;
  readonly value?: JsonValue;
  readonly beginning?: string;
  /** The path, from the root of the server. */
  readonly href: string;
}

/** The frozen definition a run executes. */
export interface RunVersion {
  readonly id: string;
  readonly name: string | null;
  readonly createdAt: number;
  readonly isCurrent: boolean;
  /** As the engine has it: what graphs are drawn from. */
  readonly definition: Definition;
  /** As it was saved: places of nodes are in `nodes[].display.position`. */
  readonly document: JsonObject;
}

/** A node in a run; one that was not reached has the state `pending`. Steps inside a node are `<node id>/<step>`. */
export interface NodeRow {
  readonly nodeId: string;
  readonly name: string;
  readonly type: string | null;
  readonly status: NodeStatus | 'pending';
  readonly currentIteration: number;
  readonly totalIterations: number;
  readonly iterates: boolean;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly failure: Failure | null;
  readonly warnings: readonly Warning[];
  readonly usage: Usage | null;
  /** Stretches of its time, oldest first, for a waterfall. They do not overlap for a node that runs once. */
  readonly spans: readonly NodeSpan[];
}

/**
 * `running`: due or at work, which are not told apart; `backoff`: between two attempts; `person`: waits for somebody; `delay`: waits on purpose.
 * The time before the run itself began is that between `createdAt` and `startedAt` of the run.
 */
export interface NodeSpan {
  readonly kind: 'running' | 'backoff' | 'person' | 'delay';
  readonly from: number;
  /** Null: goes on. */
  readonly to: number | null;
  readonly attempt: number;
  readonly iteration: number;
}

export interface EdgeRow {
  readonly id: string;
  /** `active`: its source is at work; `completed`: a value went through it; `skipped`: the branch was not taken. */
  readonly status: 'pending' | 'active' | 'skipped' | 'completed';
}

/** A run within a run. */
export interface ChildRun {
  readonly run: RunRow;
  /** The node that invoked it, the pass (0 for a node that does not iterate), its try, and the place among the runs of that try. */
  readonly nodeId: string;
  readonly iteration: number;
  readonly attempt: number;
  readonly ordinal: number;
}

export interface RunParent extends Omit<ChildRun, 'run'> {
  readonly runId: string;
  /** The run that somebody started. */
  readonly rootId: string;
}

/**
 * `GET /runs/{id}/children?node=&iteration=&page=&size=`: runs that a node invoked, in the order of its passes; only those of one pass where `iteration` is
 * given. Pages count from 1; 50 runs when `size` is left out.
 */
export interface ChildrenPage {
  readonly items: readonly ChildRun[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
}

/** `GET /runs/{id}/node?node=&iteration=`: what went through one pass of a node. `iteration` is 1-based. */
export interface NodeDetail {
  readonly nodeId: string;
  readonly status: NodeStatus;
  readonly iteration: number;
  readonly totalIterations: number;
  readonly inputs: PayloadPart | null;
  readonly outputs: PayloadPart | null;
  readonly failure: string | null;
  readonly config: JsonObject | null;
}

/** `GET /runs/{id}/iterations?node=&from=&limit=`: passes of a node that iterates, from number `from` (1-based) on. */
export interface IterationPage {
  readonly nodeId: string;
  readonly total: number;
  readonly items: readonly IterationRow[];
  /** The number to ask for next; null: that was the last. */
  readonly next: number | null;
}

export interface IterationRow {
  readonly iteration: number;
  /** `unrecorded`: a pass of a pure node, which keeps its lists alone; `pending`: not made yet. */
  readonly status: 'succeeded' | 'failed' | 'unrecorded' | 'pending';
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly failure: Failure | null;
}

/** `GET /runs/{id}/payload?part=&node=&iteration=`: JSON, streamed. `GET /files/{id}` gives a stored file (`spot://{id}`). */
export type PayloadKind = 'input' | 'output' | 'node-inputs' | 'node-outputs';

/** `GET /runs/{id}/logs`, oldest first; `search` finds text whatever its case. */
export interface LogQuery {
  readonly search?: string;
  /** Names by commas; all when left out. */
  readonly levels?: string;
  readonly node?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly back?: boolean;
  /** Begin with the line of this id, for a link to it. */
  readonly at?: string;
}

export interface LogPage extends CursorPage<LogRow> {
  /** How many there are of each level, whatever `search` and `levels` say, in the first 10,000 lines. */
  readonly levels: Readonly<Partial<Record<LogLevel, number>>>;
}

export interface LogRow {
  readonly id: string;
  readonly nodeId: string | null;
  readonly iteration: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly at: number;
  readonly meta: JsonObject | null;
}

/**
 * `GET /runs/{id}/live?position=`: server-sent events until the run ends. Each `state` is the run as it is now; `logs` brings new lines; `end` is
 * the last one.
 */
export type RunLiveEvent =
  | { readonly event: 'state'; readonly data: RunState }
  | { readonly event: 'logs'; readonly data: { readonly lines: readonly LogRow[] } }
  /** Text that a node is making. `offset`: characters that came before it; 0: what came before is void. */
  | { readonly event: 'content'; readonly data: ContentPiece }
  | { readonly event: 'end'; readonly data: { readonly status: RunStatus | 'deleted' } };

export interface ContentPiece {
  readonly nodeId: string;
  readonly iteration: number;
  readonly text: string;
  readonly offset: number;
}

export interface RunState {
  readonly run: RunRow;
  readonly position: number;
  readonly nodes: readonly NodeRow[];
  readonly edges: readonly EdgeRow[];
  readonly requests: readonly PersonRequestRow[];
}

/* Acting on runs ------------------------------------------------------------------------------------------------------------------------- */

/** `POST /runs`: starts a run, or runs one again with another input. Answered with {@link StartedRun}. */
export interface StartRun {
  readonly workflowId: string;
  /** The current version when left out. */
  readonly versionId?: string;
  readonly input: JsonObject;
  /** Only this node, with these values for its inputs. */
  readonly singleNodeId?: string;
  readonly metadata?: JsonObject;
  readonly clientRef?: string;
  /** The run that this one repeats: kept in its context. */
  readonly retryOf?: string;
  /** The session of a debugger that it is held by: `docs/debugger.md`. */
  readonly debugger?: string;
}

export interface StartedRun {
  readonly runId: string;
}

/** `POST /runs/{id}/stop`; answered with the {@link RunRow}. */
export interface StopRun {
  readonly reason?: string;
}

/**
 * `POST /runs/{id}/retry`; answered with {@link StartedRun}. `failed_node` takes over what succeeded; a list of node ids everything but these and
 * what comes after them.
 */
export interface RetryRun {
  readonly from?: 'start' | 'failed_node' | readonly string[];
  readonly version?: 'original' | 'current';
  /** In place of the input that the run had. */
  readonly input?: JsonObject;
  /** Values that replace those of the input, by its keys. */
  readonly overrides?: JsonObject;
}

/** `GET /runs/{id}/diff?with=`: what is different in the run `with`, which is `after`. */
export interface RunComparison {
  readonly runs: Sides<RunRow>;
  readonly isSameWorkflow: boolean;
  readonly isSameVersion: boolean;
  /** Nodes that do something else, or get something else: `added`, or how they differ. */
  readonly definition: readonly { readonly nodeId: string; readonly kind: string }[];
  readonly input: PayloadDifference;
  readonly output: PayloadDifference;
  readonly nodes: readonly NodeComparison[];
  readonly totals: Sides<Figures> & { readonly change: FigureChange };
}

export interface Sides<T> {
  readonly before: T;
  readonly after: T;
}

export interface PayloadDifference {
  readonly differs: boolean;
  /** 500 at most; `cut` names the sides whose value is only its beginning. */
  readonly differences: readonly {
    readonly kind: string;
    /** JSON Pointer (RFC 6901): `/messages/0/text`. */
    readonly path: string;
    readonly cut: readonly ('before' | 'after')[];
    readonly before?: JsonValue;
    readonly after?: JsonValue;
  }[];
  readonly isCut: boolean;
}

/** Null where it is not known. */
export interface Figures {
  readonly queueMs: number | null;
  readonly durationMs: number | null;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: string | null;
  readonly warnings: number;
}

/** `after` less `before`. */
export type FigureChange = { readonly [K in keyof Figures]: Figures[K] | null };

/** One node in both runs; a side is null where the run has no record of it. */
export interface NodeComparison extends Sides<NodeFacts | null> {
  readonly nodeId: string;
  readonly inputsDiffer: boolean;
  readonly outputsDiffer: boolean;
  readonly change: FigureChange | null;
}

export interface NodeFacts {
  readonly status: NodeStatus;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly iterates: boolean;
  readonly currentIteration: number;
  readonly totalIterations: number;
  readonly figures: Figures;
  readonly warnings: readonly Warning[];
  readonly failure: string | null;
  /** The run that it really ran in, when its record was taken over. */
  readonly takenOverFrom: string | null;
}

/** `POST /runs/{id}/evaluate`; answered with an {@link EvaluationRow}. */
export interface EvaluateRun {
  readonly judges?: readonly JudgePlan[];
  readonly threshold?: number;
}

/** `PATCH /runs/{id}/feedback`; answered with the {@link RunRow}. */
export type GiveFeedback = Partial<Feedback>;

/* `DELETE /runs/{id}` answers 204. `POST /runs/{id}/redeliver` tells the callback address again and answers a `DeliveryRow`. */

/** Runs by id, or all that a filter lets through. */
export type RunsChosen = { readonly ids: readonly string[] } | { readonly q: string };

export const BULK_ACTIONS = ['stop', 'retry', 'delete', 'evaluate'] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

/** `POST /bulk/preview`; answered with {@link BulkPreview}. */
export interface BulkAsked {
  readonly action: BulkAction;
  readonly runs: RunsChosen;
  /** Of retries. */
  readonly from?: 'start' | 'failed_node';
  readonly version?: 'original' | 'current';
}

export interface BulkPreview {
  /** Runs that were chosen. */
  readonly chosen: Count;
  /** Those among them that the action applies to: running ones for `stop`, ended ones for the others. */
  readonly applies: Count;
  readonly byStatus: Readonly<Partial<Record<RunStatus, number>>>;
  /** More than one job may have; it would take the newest of them. */
  readonly limit: number;
}

/** `POST /bulk`, answered with a {@link BulkJob}. `expectedCount` is `applies.count` of the preview; another one conflicts. */
export interface BulkStart extends BulkAsked {
  readonly expectedCount?: number;
}

/**
 * `GET /bulk/{id}`; `GET /bulk` answers `{items: BulkJob[]}`, those of the session's key, newest first; `POST /bulk/{id}/cancel` ends it after the run
 * in hand. Every server knows a job, and how far it was a second ago. It ends with the server that does it, and says in its message what to do then.
 */
export interface BulkJob {
  readonly id: string;
  readonly action: BulkAction;
  /** `collecting`: the runs are being looked up. */
  readonly status: 'collecting' | 'running' | 'done' | 'canceled' | 'failed';
  /** What the runs were chosen by; null: by id. */
  readonly q: string | null;
  readonly total: number;
  readonly succeeded: number;
  /** Runs that needed nothing, such as one that had ended before it was stopped. */
  readonly skipped: number;
  readonly failed: number;
  /** The first 1,000. */
  readonly errors: readonly { readonly runId: string; readonly message: string }[];
  /** Runs or evaluations that it made: the first 1,000. */
  readonly made: readonly string[];
  readonly message: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

/**
 * `GET /runs/export?format=&q=&sort=&ids=&columns=`: a download, streamed. `columns` are fields of {@link EXPORT_COLUMNS}, by commas; `ids` are ids by commas, in
 * place of `q`.
 */
export const EXPORT_COLUMNS = [
  'id',
  'status',
  'workflow_id',
  'workflow',
  'target_type',
  'version',
  'source',
  'created_at',
  'started_at',
  'finished_at',
  'duration_ms',
  'cost',
  'failure_code',
  'failure_message',
  'client_ref',
  'batch_id',
  'metadata',
  'input',
  'output',
] as const;
export type ExportColumn = (typeof EXPORT_COLUMNS)[number];

/* Saved views ---------------------------------------------------------------------------------------------------------------------------- */

/** `GET /views` answers `{items: SavedView[]}`, by name. All keys of the workspace see them. */
export interface SavedView {
  readonly id: string;
  readonly name: string;
  readonly q: string;
  readonly sort: string;
  readonly columns: readonly string[];
  /** What else the page keeps with it: given back as it is, 4,000 characters of JSON at most. */
  readonly extra: JsonObject;
  readonly createdBy: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** `POST /views` and `PUT /views/{id}`, answered with the {@link SavedView}; `DELETE /views/{id}` answers 204. */
export interface SaveView {
  readonly name: string;
  readonly q: string;
  readonly sort?: string;
  readonly columns?: readonly string[];
  readonly extra?: JsonObject;
}

/* Workflows ------------------------------------------------------------------------------------------------------------------------------ */

/** `GET /workflows?search=&kind=&cursor=&limit=&back=`: last changed first. `kind` is `flow` when left out; `model` and `comfyui_workflow` take their own right to read. */
export type WorkflowPage = CursorPage<WorkflowRow>;

export interface WorkflowRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly kind: WorkflowKind;
  readonly type: WorkflowType;
  readonly description: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly authorName: string | null;
  readonly runsCount: number;
  readonly lastRunAt: number | null;
  /** What keeps it from running. */
  readonly issues: number;
  /** Of the last `stats.days` days. */
  readonly stats: WorkflowStats;
}

export interface WorkflowStats {
  readonly days: number;
  /** Runs by day, oldest first, one entry for each day. */
  readonly sparkline: readonly { readonly at: number; readonly runs: number; readonly failed: number }[];
  readonly runs: number;
  /** Succeeded (also in part) of those that succeeded or failed, 0 to 1; null when none has. */
  readonly successRate: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly cost: string;
  readonly isPartial: boolean;
}

/** `GET /workflows/{id}`; answer of every save. */
export interface WorkflowDetail {
  readonly workflow: WorkflowRow;
  readonly versionId: string;
  /** Goes back with a save, so that nobody writes over what somebody else saved meanwhile. */
  readonly hash: string;
  readonly document: JsonObject;
  readonly definition: Definition;
  readonly issues: readonly DefinitionIssue[];
  /** What a run is asked for. */
  readonly inputs: readonly WorkflowInput[];
  readonly settings: JsonObject;
  readonly meta: JsonObject;
  readonly errorHandlerId: string | null;
}

/** An input of a workflow as a form shows it. */
export interface WorkflowInput {
  /** Its key in the input of a run. */
  readonly name: string;
  readonly nodeId: string;
  readonly type: ValueType;
  readonly isRequired: boolean;
  readonly description: string | null;
}

/** `POST /workflows` creates (`name` and `document` are required then), `PATCH /workflows/{id}` changes what is given; `DELETE` answers 204. */
export interface SaveWorkflow {
  readonly name?: string;
  readonly type?: WorkflowType;
  readonly description?: string | null;
  /** A definition in the form of the Noxus API, V1 or V2. */
  readonly document?: JsonObject;
  readonly settings?: JsonObject;
  readonly meta?: JsonObject;
  readonly errorHandlerId?: string | null;
  /** The hash the author started from; another one conflicts unless `force`. */
  readonly basedOnHash?: string;
  readonly force?: boolean;
}

/** `POST /workflows/validate` with `{document}`: saved nowhere. */
export interface Validation {
  readonly issues: readonly DefinitionIssue[];
  readonly definition: Definition;
  readonly inputs: readonly WorkflowInput[];
  /** Whether runs could use it. */
  readonly isRunnable: boolean;
}

/** `POST /workflows/{id}/try`: runs a definition that is not saved as the current one. Answered with {@link StartedRun}. */
export interface TryWorkflow {
  readonly document: JsonObject;
  readonly input: JsonObject;
  /** Only this node. */
  readonly singleNodeId?: string;
  /** The session of a debugger that it is held by. */
  readonly debugger?: string;
}

/** `PUT /debug-sessions/{id}`, answered with a {@link DebugSessionState}; in the words of both dialects that have it (`docs/debugger.md`). */
export interface SetDebugSession {
  readonly breakpoints?: readonly { readonly node_id: string; readonly when?: 'before' | 'after' }[];
  readonly mode?: 'run' | 'step';
}

/** `GET /debug-sessions/{id}`; also what `POST …/continue`, `…/step` and `…/edit` answer. */
export interface DebugSessionState {
  readonly id: string;
  readonly run_id: string | null;
  readonly run_status: string | null;
  readonly mode: 'run' | 'step';
  readonly breakpoints: readonly { readonly node_id: string; readonly when: 'before' | 'after' }[];
  /** Null: it is not held. */
  readonly paused: {
    readonly node_id: string;
    readonly when: 'before' | 'after';
    readonly inputs: JsonObject | null;
    readonly outputs: JsonObject | null;
  } | null;
}

/** `POST /debug-sessions/{id}/edit`: values by socket of the node that the run is held at. */
export interface EditHeldNode {
  readonly node_id: string;
  readonly values: JsonObject;
}

/** `GET /workflows/{id}/versions?all=true&cursor=&limit=`: with `all` every definition that was ever saved, otherwise those with names. */
export type VersionPage = CursorPage<VersionRow>;

export interface VersionRow {
  readonly id: string;
  readonly number: number;
  readonly name: string | null;
  readonly description: string | null;
  readonly createdAt: number;
  readonly createdBy: string | null;
  readonly hash: string;
  readonly isCurrent: boolean;
  readonly issues: number;
}

/** `GET /workflows/{id}/versions/{versionId}`. */
export interface VersionDetail extends VersionRow {
  readonly document: JsonObject;
  readonly definition: Definition;
  readonly validation: readonly DefinitionIssue[];
}

/** `POST /workflows/{id}/versions` names the current definition, or `document`; answered with the {@link VersionDetail}. `PATCH …/{versionId}` takes it, too. */
export interface SaveVersion {
  readonly name: string;
  readonly description?: string | null;
  readonly document?: JsonObject;
}

/** `GET /catalogue`: what nodes there are. */
export interface CataloguePage {
  readonly items: readonly CatalogueEntry[];
  /** Models that model nodes may name. */
  readonly models: readonly string[];
}

export interface CatalogueEntry {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly category: string;
  readonly purity: 'pure' | 'effect';
  readonly role: 'input' | 'output' | null;
  readonly inputs: readonly CatalogueSocket[];
  readonly outputs: readonly CatalogueSocket[];
  /** Whether its configuration makes further outputs. */
  readonly hasOwnOutputs: boolean;
  readonly gathersList: boolean;
  readonly config: Readonly<Record<string, CatalogueField>>;
}

export interface CatalogueSocket {
  readonly name: string;
  readonly label: string;
  /** `connector`, or one with keys that the author names. */
  readonly kind: string;
  readonly type: ValueType;
  readonly optional: boolean;
  readonly propagatesList: boolean;
  readonly choices: readonly ValueType[];
}

export interface CatalogueField {
  readonly type: string;
  readonly description: string;
  readonly optional: boolean;
  readonly default: JsonValue;
  readonly choices: readonly JsonValue[] | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly advanced: boolean;
  /** The editor widget it asks for; null: what its type suggests. */
  readonly display: JsonValue;
}

/* People --------------------------------------------------------------------------------------------------------------------------------- */

/** `GET /requests?status=pending&q=&cursor=&limit=&back=`; `status` is `pending` when left out, `all` for every one. Those that wait longest first. */
export type PersonRequestPage = CursorPage<PersonRequestRow>;

/** `GET /requests/{id}`; answer of `POST /requests/{id}/answer` ({@link AnswerRequest}) and `POST /requests/{id}/cancel` (`{reason?}`). */
export interface PersonRequestRow {
  readonly id: string;
  readonly runId: string;
  readonly workflow: WorkflowName;
  readonly nodeId: string;
  readonly iteration: number;
  readonly title: string;
  readonly description: string;
  readonly form: readonly FormField[];
  readonly assignee: string | null;
  readonly dueAt: number | null;
  readonly status: PersonRequestStatus;
  readonly answer: JsonObject | null;
  readonly settledBy: string | null;
  readonly createdAt: number;
  readonly settledAt: number | null;
}

/** `GET /requests/live`: server-sent events; how many are pending, at once and whenever others are than before. */
export interface RequestsLiveEvent {
  readonly event: 'pending';
  readonly data: Count;
}

export interface AnswerRequest {
  readonly answer: JsonObject;
  readonly answeredBy?: string;
}

/** `POST /files` (multipart, one part named `file`) for answers and inputs. */
export interface UploadedFile {
  readonly id: string;
  /** `spot://{id}`: what an answer or an input names it by. */
  readonly uri: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
}

/* Evaluations ---------------------------------------------------------------------------------------------------------------------------- */

/** `GET /evaluations?q=&sort=&cursor=&limit=&back=`, newest first; `q` has the fields of `filter/evaluation-vocabulary.ts`. */
export type EvaluationPage = CursorPage<EvaluationRow>;

export interface EvaluationRow {
  readonly id: string;
  readonly runId: string | null;
  readonly workflow: WorkflowName | null;
  readonly status: EvaluationStatus;
  readonly passed: boolean | null;
  readonly passRate: number | null;
  readonly threshold: number;
  readonly overrideReason: string | null;
  readonly topIssues: readonly string[];
  readonly topStrengths: readonly string[];
  readonly action: string | null;
  readonly attempt: number;
  readonly isCurrent: boolean;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly cost: string | null;
  readonly createdAt: number;
  readonly completedAt: number | null;
}

/** `GET /evaluations/{id}`; answer of `PATCH /evaluations/{id}/feedback` ({@link GiveFeedback}); `GET /runs/{id}/evaluations` answers `{items: EvaluationDetail[]}`, newest first. */
export interface EvaluationDetail extends EvaluationRow {
  readonly subject: EvaluationSubject;
  readonly feedback: Feedback | null;
  readonly judges: readonly Judge[];
}

/** `GET /evaluations/trends?from=&to=&buckets=`: of current evaluations, by the time they were made. */
export interface EvaluationTrends {
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  readonly buckets: readonly EvaluationBucket[];
  /** Most frequent first. */
  readonly categories: readonly IssueCategory[];
}

export interface EvaluationBucket {
  readonly at: number;
  readonly passed: number;
  readonly failed: number;
  readonly withoutVerdict: number;
  readonly issues: Readonly<Record<string, number>>;
}

export interface IssueCategory {
  readonly category: string;
  readonly evaluations: number;
  readonly subcategories: readonly { readonly subcategory: string | null; readonly evaluations: number }[];
}

/* Models, ComfyUI ------------------------------------------------------------------------------------------------------------------------ */

/* `GET /models` and `GET /comfyui-workflows` (`search`, `cursor`, `limit`, `back`) answer a `WorkflowPage`; `GET …/{id}` a `TargetDetail`; `DELETE …/{id}` 204. */

export interface TargetDetail {
  readonly workflow: WorkflowRow;
  /** What its kind says of itself: a model's inputs, prices and texts, a ComfyUI workflow's environment. */
  readonly profile: JsonObject;
  readonly definition: Definition;
  readonly inputs: readonly WorkflowInput[];
  readonly issues: readonly DefinitionIssue[];
}

/* Keys, secrets, settings ---------------------------------------------------------------------------------------------------------------- */

/** `GET /keys?ended=true` answers `{items: KeyRow[]}`; `DELETE /keys/{id}?force=true` revokes one and answers the {@link KeyRow}. */
export interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly state: 'valid' | 'expired' | 'revoked';
  /** The session's own. */
  readonly isOwn: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
  /** Requests a minute; null: no limit. */
  readonly rateLimit: number | null;
}

/** `POST /keys`; answered with {@link ShownKey}. */
export interface CreateKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: number | null;
  readonly rateLimit?: number | null;
}

/** `POST /keys/{id}/rotate` with `{graceMs?}` gives a key a new text. The text is shown this once. */
export interface ShownKey {
  readonly key: KeyRow;
  readonly text: string;
}

/** `GET /callback-secrets` answers `{items: CallbackSecretRow[]}`; `DELETE /callback-secrets/{id}` disables one and answers it. */
export interface CallbackSecretRow {
  readonly id: string;
  readonly label: string | null;
  readonly prefix: string;
  readonly isCurrent: boolean;
  readonly createdAt: number;
  readonly disabledAt: number | null;
  readonly lastUsedAt: number | null;
}

/** `POST /callback-secrets` with `{label?}`. The text is shown this once. */
export interface ShownCallbackSecret {
  readonly secret: CallbackSecretRow;
  readonly text: string;
}

/**
 * `GET /credentials` answers `{items: CredentialRow[]}`, by name; `DELETE /credentials/{id}` answers 204, `POST /credentials/{id}/test` a
 * {@link CredentialTest}. Secrets go in and never come out.
 */
export interface CredentialRow {
  readonly id: string;
  readonly name: string;
  readonly kind: CredentialKind;
  /** Its fields that are no secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Its secrets by field, with their last characters where they are long enough to show some. */
  readonly secrets: Readonly<Record<string, { readonly ending: string | null }>>;
  /** Of a provider: the models it serves; empty: any that no other provider lists. */
  readonly models: readonly string[];
  /** Where it may be sent; empty: anywhere. */
  readonly hosts: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastUsedAt: number | null;
}

/** `POST /credentials`; answered with the {@link CredentialRow}. */
export interface CreateCredential {
  readonly name: string;
  readonly kind: CredentialKind;
  readonly fields: Readonly<Record<string, string>>;
  readonly models?: readonly string[];
  readonly hosts?: readonly string[];
}

/** `PATCH /credentials/{id}`: what is left out stays, a field that is null is removed. */
export interface ChangeCredential {
  readonly name?: string;
  readonly fields?: Readonly<Record<string, string | null>>;
  readonly models?: readonly string[];
  readonly hosts?: readonly string[];
}

export interface CredentialTest {
  readonly ok: boolean;
  /** The HTTP status of the provider; null when it could not be reached. */
  readonly status: number | null;
  readonly message: string;
  readonly models: readonly string[];
}

/** `GET /settings/models`; `PUT` takes a {@link SaveModelSettings}, which replaces all that the workspace says, and answers the new state. */
export interface ModelSettingsState {
  readonly own: SaveModelSettings;
  /** Null: the workspace says nothing. */
  readonly updatedAt: number | null;
  /** What holds together with what the operator configured. */
  readonly effective: SaveModelSettings & {
    readonly providers: readonly {
      readonly name: string;
      readonly protocol: ProviderProtocol;
      readonly models: readonly string[];
    }[];
  };
}

/** Prices are US dollars for a million tokens, decimal numbers as text, by model. */
export interface SaveModelSettings {
  readonly prices: Readonly<Record<string, ModelPrice>>;
  readonly presets: Readonly<Record<string, readonly string[]>>;
  readonly defaultModels: readonly string[];
}

export interface DeliveryRow {
  readonly id: string;
  readonly url: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly isAutomatic: boolean;
  readonly attemptCount: number;
  readonly maxAttempts: number;
  readonly nextAttemptAt: number | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  readonly body: string;
  readonly attempts: readonly Omit<DeliveryAttempt, 'deliveryId'>[];
}

/** `GET /settings`. `PUT /settings/evaluation` takes and answers an {@link EvaluationPlan}, or null for the built-in judges. */
export interface Settings {
  readonly evaluation: EvaluationPlan | null;
  readonly scopes: readonly Scope[];
  /** What there is at the address of the server; null: whatever address is used. */
  readonly publicUrl: string | null;
  readonly maxFileBytes: number;
}

/** `GET /settings/retention`: how long finished runs are kept. `own` null: as the server says; days null: for ever. */
export interface RetentionState {
  readonly own: { readonly days: number | null } | null;
  readonly serverDays: number | null;
}

/** `PUT /settings/retention`: asks for the scope `runs:delete`, answers {@link RetentionState}. Runs go within an hour. */
export type SaveRetention = Pick<RetentionState, 'own'>;

/** `GET /settings/retention/preview?days=`: how many runs would go now. */
export interface RetentionPreview {
  readonly runs: number;
}

/** `GET /system`: asks for the scope `admin`. `POST /system/search/rebuild` builds the index anew and answers 204. */
export interface SystemState {
  readonly version: string;
  readonly startedAt: number;
  readonly runsByStatus: Readonly<Partial<Record<RunStatus, number>>>;
  readonly queue: { readonly tasks: number; readonly busy: number; readonly concurrency: number };
  readonly log: { readonly position: number };
  readonly search: {
    readonly position: number;
    readonly indexedRuns: number;
    readonly totalRuns: number;
    readonly rebuilding: boolean;
    readonly runsWithoutVectors: number;
    readonly trouble: string | null;
    /** Machines that answer searches; none where the server has the index itself. */
    readonly machines: readonly {
      readonly url: string;
      /** As `1-4/16`. */
      readonly partition: string;
      readonly position: number;
      readonly indexedRuns: number;
      readonly rebuilding: boolean;
      readonly trouble: string | null;
    }[];
  };
  /** Bytes on disk. */
  readonly storage: { readonly store: number; readonly searchIndex: number; readonly blobs: number | null };
  readonly memory: { readonly rss: number; readonly heapUsed: number };
}

/* Triggers ------------------------------------------------------------------------------------------------------------------------------- */

/** `GET /triggers` answers `{items: TriggerRow[]}`, oldest first; `GET /triggers/{id}` one. `DELETE /triggers/{id}` answers 204. */
export interface TriggerRow {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly workflowId: string;
  /** Null: the workflow was deleted. */
  readonly workflowName: string | null;
  /** Null: whatever version is current. */
  readonly versionId: string | null;
  readonly definition: TriggerDefinition;
  /** Null: inputs are filled by name. */
  readonly inputs: JsonObject | null;
  /** Of a webhook; `{secret}` stands for the secret where it is part of it. */
  readonly url: string | null;
  readonly secretEnding: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The next times at which it fires; empty: it is switched off, or waits for requests. */
  readonly nextTimes: readonly number[];
  /** Of a poll. */
  readonly lastPolledAt: number | null;
  readonly failures: number;
  readonly lastError: string | null;
  readonly lastEvent: TriggerEventRow | null;
}

/** One time that a trigger fired, or would have. */
export interface TriggerEventRow {
  readonly id: string;
  readonly triggerId: string;
  readonly at: number;
  readonly kind: TriggerEventKind;
  readonly outcome: TriggerOutcome;
  readonly runId: string | null;
  /** Why no run was started. */
  readonly reason: string | null;
  /** What came, in short. */
  readonly data: JsonObject;
}

/** `POST /triggers`; answered with a {@link MadeTrigger}. Fields of the definition that are left out have their defaults. */
export interface CreateTrigger {
  readonly workflowId: string;
  readonly name?: string;
  readonly enabled?: boolean;
  readonly definition: Partial<TriggerDefinition> & Pick<TriggerDefinition, 'type'>;
  readonly inputs?: JsonObject | null;
  /** Of a webhook: the sender's own; without it one is made. */
  readonly secret?: string | null;
}

/** `PATCH /triggers/{id}`: what is left out stays; a definition replaces the one before. Answered with a {@link MadeTrigger}. */
export type ChangeTrigger = Partial<Omit<CreateTrigger, 'workflowId' | 'secret'>>;

/** A trigger that was made or changed, and its secret where there is a new one: it is never shown again. `POST /triggers/{id}/secret` makes one. */
export interface MadeTrigger {
  readonly trigger: TriggerRow;
  readonly secret: string | null;
}

/** `POST /triggers/preview`: what a definition would be and do. With `withItems` the address of a poll is asked. */
export interface PreviewTrigger {
  readonly definition: CreateTrigger['definition'];
  readonly withItems?: boolean;
}

export interface TriggerPreview {
  readonly nextTimes: readonly number[];
  /** Of a poll: the first things there. */
  readonly items: readonly JsonValue[];
  /** Of a poll: why nothing could be read. */
  readonly problem: string | null;
}

/** `POST /triggers/{id}/fire` as if this had come; answered with the {@link TriggerEventRow}. */
export interface FireTrigger {
  readonly payload?: JsonObject;
}

/** `GET /triggers/{id}/events?page=&size=&errored=`, newest first. */
export interface TriggerEventPage {
  readonly items: readonly TriggerEventRow[];
  readonly total: number;
  /** From 1. */
  readonly page: number;
  readonly size: number;
}
