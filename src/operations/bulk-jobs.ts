import type { Caller, Scope } from '../domain/caller.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import type { JudgePlan } from '../domain/evaluation.ts';
import { isTerminal, RUN_STATUSES, type Run, type RunStatus } from '../domain/run.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import { type Evaluations, JUDGE_SOURCE, NO_SUBJECT } from './evaluations.ts';
import type { ReplayRequest, Replays } from './replays.ts';
import type { Runs } from './runs.ts';
import type { Surveys } from './surveys.ts';

export const BULK_JOB_ACTIONS = ['stop', 'retry', 'delete', 'evaluate'] as const;
export type BulkJobAction = (typeof BULK_JOB_ACTIONS)[number];

/** Runs that one job takes: some minutes of work. More are done by another one, since it takes the newest that are left. */
export const MOST_RUNS = 10_000;

/** Errors and ids of what was made that a job keeps. */
const KEPT_LINES = 1000;

/** Jobs that are kept; the oldest that have ended go first. */
const KEPT_JOBS = 200;

/** Jobs of one workspace that go on at a time: what they do is done for other callers, too. */
const MOST_AT_WORK = 5;

/** Runs in hand at a time: a commit holds what comes in one turn, and others must have theirs. */
const AT_A_TIME = 8;

/** Runs that are looked up, or deleted, in one go. */
const PAGE = 200;

const SCOPE_OF: Readonly<Record<BulkJobAction, readonly Scope[]>> = {
  stop: ['runs:read', 'runs:stop'],
  retry: ['runs:read', 'runs:create'],
  delete: ['runs:read', 'runs:delete'],
  evaluate: ['runs:read', 'evaluations:create'],
};

/** The runs that a job is about: by id, or what a filter finds. `q` is its text, for people. */
export type BulkChoice =
  | { readonly ids: readonly string[] }
  | { readonly q: string; readonly filter: CheckedFilter | null };

export interface BulkWanted {
  readonly action: BulkJobAction;
  readonly runs: BulkChoice;
  readonly retry: Pick<ReplayRequest, 'from' | 'version'>;
  readonly judges: readonly JudgePlan[] | null;
}

/** What a job would do. */
export interface BulkForecast {
  readonly chosen: number;
  readonly applies: number;
  /** There are more than these. */
  readonly isLowerBound: boolean;
  readonly byStatus: Readonly<Partial<Record<RunStatus, number>>>;
}

/** How far a job is. Times are epoch milliseconds. */
export interface BulkJobState {
  readonly id: string;
  readonly action: BulkJobAction;
  readonly status: 'collecting' | 'running' | 'done' | 'canceled' | 'failed';
  readonly q: string | null;
  readonly total: number;
  readonly succeeded: number;
  readonly skipped: number;
  readonly failed: number;
  readonly errors: readonly { readonly runId: string; readonly message: string }[];
  readonly made: readonly string[];
  readonly message: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

type Changing<T> = { -readonly [K in keyof T]: T[K] };

interface Job {
  readonly workspaceId: string;
  readonly keyId: string;
  readonly state: Changing<BulkJobState> & {
    readonly errors: { runId: string; message: string }[];
    readonly made: string[];
  };
  readonly ending: AbortController;
  work: Promise<void>;
}

/** What became of one run. */
type Done = { readonly kind: 'succeeded'; readonly made?: string } | { readonly kind: 'skipped' };

/**
 * Does one thing to many runs, one after the other, with the rights of who asked for it. Jobs live in memory: each run is its own change, so that a server
 * that ends leaves runs that were dealt with and runs that were not, and the same choice made again takes the rest.
 */
export class BulkJobs {
  readonly #runs: Runs;
  readonly #replays: Replays;
  readonly #evaluations: Evaluations;
  readonly #surveys: Surveys;
  readonly #system: System;
  readonly #log: Log;
  readonly #jobs = new Map<string, Job>();

  constructor(parts: {
    runs: Runs;
    replays: Replays;
    evaluations: Evaluations;
    surveys: Surveys;
    system: System;
    log: Log;
  }) {
    this.#runs = parts.runs;
    this.#replays = parts.replays;
    this.#evaluations = parts.evaluations;
    this.#surveys = parts.surveys;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** How many runs are chosen, and to how many of them the action applies. */
  async preview(caller: Caller, { action, runs }: Pick<BulkWanted, 'action' | 'runs'>): Promise<BulkForecast> {
    for (const scope of SCOPE_OF[action]) demand(caller, scope);
    const byStatus: Partial<Record<RunStatus, number>> = {};
    let isLowerBound = false;
    if ('ids' in runs) {
      for (const { status } of await this.#named(caller, runs.ids)) byStatus[status] = (byStatus[status] ?? 0) + 1;
    } else {
      const survey = await this.#surveys.runs(caller, { filter: runs.filter, from: null, to: null, buckets: 60 });
      for (const [status, count] of survey.facets.status) byStatus[status as RunStatus] = count;
      isLowerBound = survey.scanned.isPartial;
    }
    const sum = (statuses: readonly RunStatus[]) => statuses.reduce((all, status) => all + (byStatus[status] ?? 0), 0);
    return { chosen: sum(RUN_STATUSES), applies: sum(statusesFor(action)), isLowerBound, byStatus };
  }

  /**
   * Begins a job.
   * @throws PlatformError `conflict` when `expectedCount` is another number than the runs that the action applies to; `too_many` beside too many others
   */
  async start(caller: Caller, wanted: BulkWanted, expectedCount: number | null): Promise<BulkJobState> {
    const { applies } = await this.preview(caller, wanted);
    if (expectedCount !== null && expectedCount !== applies) {
      const message = `The action applies to ${applies} runs now, ${expectedCount} were expected. Nothing was done; look again and send the new count.`;
      throw new PlatformError('conflict', message);
    }
    const atWork = [...this.#jobs.values()].filter(
      ({ workspaceId, state }) => workspaceId === caller.workspaceId && state.finishedAt === null,
    );
    if (atWork.length >= MOST_AT_WORK) {
      const message = `${atWork.length} bulk actions are at work, the most there may be. Wait for one to end, or cancel it.`;
      throw new PlatformError('too_many', message, { retryAfter: 10 });
    }
    const job: Job = {
      workspaceId: caller.workspaceId,
      keyId: caller.keyId,
      ending: new AbortController(),
      work: Promise.resolve(),
      state: {
        id: this.#system.newId(),
        action: wanted.action,
        status: 'collecting',
        q: 'q' in wanted.runs ? wanted.runs.q : null,
        total: 0,
        succeeded: 0,
        skipped: 0,
        failed: 0,
        errors: [],
        made: [],
        message: null,
        createdAt: this.#system.now(),
        finishedAt: null,
      },
    };
    this.#keep(job);
    job.work = this.#work(caller, job, wanted);
    return job.state;
  }

  /** Those of the caller's key, newest first. */
  list(caller: Caller): BulkJobState[] {
    const own = [...this.#jobs.values()].filter((job) => isOwn(job, caller));
    return own.map(({ state }) => state).toReversed();
  }

  /** @throws PlatformError `not_found`, also for a job of another key */
  get(caller: Caller, jobId: string): BulkJobState {
    return this.#job(caller, jobId).state;
  }

  /** Ends a job after the runs in hand; one that has ended stays as it is. @throws PlatformError `not_found` */
  async cancel(caller: Caller, jobId: string): Promise<BulkJobState> {
    const job = this.#job(caller, jobId);
    job.ending.abort();
    await job.work;
    return job.state;
  }

  /** Ends all jobs after the runs in hand. */
  async stop(): Promise<void> {
    for (const job of this.#jobs.values()) job.ending.abort();
    await Promise.all([...this.#jobs.values()].map(({ work }) => work));
  }

  #job(caller: Caller, jobId: string): Job {
    const job = this.#jobs.get(jobId);
    if (job === undefined || !isOwn(job, caller)) throw notFound('bulk action', jobId);
    return job;
  }

  #keep(job: Job): void {
    this.#jobs.set(job.state.id, job);
    for (const [id, { state }] of this.#jobs) {
      if (this.#jobs.size <= KEPT_JOBS) return;
      if (state.finishedAt !== null) this.#jobs.delete(id);
    }
  }

  async #work(caller: Caller, job: Job, wanted: BulkWanted): Promise<void> {
    const { state } = job;
    const { signal } = job.ending;
    try {
      const ids = await this.#collect(caller, wanted, signal);
      state.total = ids.length;
      state.status = 'running';
      if (wanted.action === 'delete') await this.#deleteAll(caller, job, ids);
      else {
        const rest = ids[Symbol.iterator]();
        const take = async () => {
          // One iterator for all who take from it.
          for (const runId of rest) {
            if (signal.aborted) return;
            await this.#one(job, runId, () => this.#act(caller, wanted, runId));
          }
        };
        await Promise.all(Array.from({ length: AT_A_TIME }, take));
      }
      state.status = signal.aborted ? 'canceled' : 'done';
    } catch (error) {
      state.status = 'failed';
      state.message = error instanceof PlatformError ? error.message : 'The server failed; its log has the cause.';
      if (!(error instanceof PlatformError)) this.#log.error({ err: error, jobId: state.id }, 'a bulk action failed');
    }
    state.finishedAt = this.#system.now();
  }

  /** The runs that the action applies to, newest first. */
  async #collect(caller: Caller, { action, runs }: BulkWanted, signal: AbortSignal): Promise<string[]> {
    const statuses = statusesFor(action);
    if ('ids' in runs) {
      const named = await this.#named(caller, runs.ids);
      return named.filter(({ status }) => statuses.includes(status)).map(({ id }) => id);
    }
    const terms: CheckedFilter[] = [isOneOf('status', statuses), ...(runs.filter === null ? [] : [runs.filter])];
    if (action === 'evaluate') terms.push({ kind: 'not', term: isOneOf('source', [JUDGE_SOURCE]) });
    const ids: string[] = [];
    const request = { filter: { kind: 'and', terms }, sort: [], limit: PAGE, backward: false } as const;
    let from: Awaited<ReturnType<Runs['find']>>['next'] = null;
    do {
      const page = await this.#runs.find(caller, { ...request, from }, { payloads: false });
      ids.push(...page.items.map(({ run }) => run.id));
      from = page.next;
    } while (from !== null && ids.length < MOST_RUNS && !signal.aborted);
    return ids.slice(0, MOST_RUNS);
  }

  /** Those of some runs that there are. */
  async #named(caller: Caller, ids: readonly string[]): Promise<Run[]> {
    const found: Run[] = [];
    for (let at = 0; at < ids.length; at += PAGE) {
      const filter = isOneOf('id', ids.slice(at, at + PAGE));
      const page = { filter, sort: [], limit: PAGE, from: null, backward: false };
      found.push(...(await this.#runs.find(caller, page, { payloads: false })).items.map(({ run }) => run));
    }
    return found;
  }

  async #one(job: Job, runId: string, act: () => Promise<Done>): Promise<void> {
    const { state } = job;
    try {
      const done = await act();
      state[done.kind] += 1;
      if ('made' in done && done.made !== undefined && state.made.length < KEPT_LINES) state.made.push(done.made);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.#failed(state, runId, error.message);
    }
  }

  #failed(state: Job['state'], runId: string, message: string): void {
    state.failed += 1;
    if (state.errors.length < KEPT_LINES) state.errors.push({ runId, message });
  }

  async #act(caller: Caller, { action, retry, judges }: BulkWanted, runId: string): Promise<Done> {
    if (action === 'stop') {
      const { stopped } = await this.#runs.cancel(caller, runId, null);
      return { kind: stopped ? 'succeeded' : 'skipped' };
    }
    if (action === 'retry') {
      const asked = { ...retry, input: null, overrides: {}, requestId: null, dialect: 'noxus' } as const;
      const run = await this.#replays.replay(caller, runId, asked);
      return { kind: 'succeeded', made: run.id };
    }
    const { id } = await this.#evaluations.create(caller, {
      ...{ runId, subject: NO_SUBJECT, judges, threshold: null, parentId: null, clientRef: null, callbackUrl: null },
      ...{ requestId: null, isRepeat: false },
    });
    return { kind: 'succeeded', made: id };
  }

  /** Many at a time: the answer to each deletion waits for the search index. */
  async #deleteAll(caller: Caller, { state, ending }: Job, ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length && !ending.signal.aborted; at += PAGE) {
      const runIds = ids.slice(at, at + PAGE);
      const report = await this.#runs.deleteMany(caller, { dryRun: false, expectedCount: null, runIds });
      state.succeeded += report.succeeded;
      for (const [runId, message] of Object.entries(report.errors)) this.#failed(state, runId, message);
    }
  }
}

const isOwn = ({ workspaceId, keyId }: Job, caller: Caller): boolean =>
  workspaceId === caller.workspaceId && keyId === caller.keyId;

/** Runs in flight can be stopped; everything else is done to runs that have ended. */
function statusesFor(action: BulkJobAction): RunStatus[] {
  return RUN_STATUSES.filter((status) => isTerminal(status) !== (action === 'stop'));
}

function isOneOf(column: string, values: readonly string[]): CheckedFilter {
  return { kind: 'in', target: { column, kind: 'text', path: [] }, values };
}
