import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkJob, BulkJobAction, BulkJobState } from '../domain/bulk-job.ts';
import type { Caller, Scope } from '../domain/caller.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import type { JudgePlan } from '../domain/evaluation.ts';
import { isTerminal, RUN_STATUSES, type Run, type RunStatus } from '../domain/run.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import { type Evaluations, JUDGE_SOURCE, NO_SUBJECT } from './evaluations.ts';
import type { ReplayRequest, Replays } from './replays.ts';
import type { Runs } from './runs.ts';
import type { Surveys } from './surveys.ts';

/** Runs that one job takes: some minutes of work. More are done by another one, since it takes the newest that are left. */
export const MOST_RUNS = 10_000;

/** Errors and ids of what was made that a job keeps. */
const KEPT_LINES = 1000;

/** Jobs of one workspace that are kept; the oldest that have ended go first. */
const KEPT_JOBS = 200;

/** Jobs of one workspace that go on at a time, over all servers: what they do is done for other callers, too. */
const MOST_AT_WORK = 5;

/** Between two savings of a job: how old what is shown of it may be, and how soon it heeds who asks for its end on another server. */
const SAVE_EVERY_MS = 1000;

/** Without a saving that was kept, after which a process ends a job of its own: soon others take it for dead. */
const LOST_AFTER_MS = 10_000;

/** Unseen, after which a job's process is taken for dead. Longer than the above by what runs in hand take and clocks differ by. */
const GONE_AFTER_MS = 15_000;

/** Looks at a job on another server until it has ended, after who asked for that is answered with the state as it is; and the time between them. */
const CANCEL_LOOKS = 25;
const CANCEL_LOOK_EVERY_MS = 200;

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

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** Why a job ends before it is through: somebody asked for it, the server stops, or it was held up. */
type Cause = 'asked' | 'stopping' | 'lost';

/** A job of this process. */
interface Job {
  readonly workspaceId: string;
  readonly keyId: string;
  readonly state: Changing<BulkJobState> & {
    readonly errors: { runId: string; message: string }[];
    readonly made: string[];
  };
  /** Its reason is a {@link Cause}. */
  readonly ending: AbortController;
  /** Of the last saving that was kept: as others see it, epoch milliseconds. */
  seenAt: number;
  work: Promise<void>;
}

/** What became of one run. */
type Done = { readonly kind: 'succeeded'; readonly made?: string } | { readonly kind: 'skipped' };

/**
 * Does one thing to many runs, one after the other, with the rights of who asked for it. Each run is its own change, so that a server that ends leaves runs
 * that were dealt with and runs that were not. The process that does the work keeps how far it is in the store about once a second, and looks
 * there for who asks for its end: so every server shows a job, and ends it. One that has not been seen for long has failed with its process.
 */
export class BulkJobs {
  readonly #store: Store;
  readonly #runs: Runs;
  readonly #replays: Replays;
  readonly #evaluations: Evaluations;
  readonly #surveys: Surveys;
  readonly #system: System;
  readonly #log: Log;
  readonly #startedAt: number;
  /** Those of this process that have not ended. */
  readonly #jobs = new Map<string, Job>();

  constructor(parts: {
    store: Store;
    runs: Runs;
    replays: Replays;
    evaluations: Evaluations;
    surveys: Surveys;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#runs = parts.runs;
    this.#replays = parts.replays;
    this.#evaluations = parts.evaluations;
    this.#surveys = parts.surveys;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#startedAt = parts.system.now();
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
    const now = this.#system.now();
    const job: Job = {
      workspaceId: caller.workspaceId,
      keyId: caller.keyId,
      ending: new AbortController(),
      seenAt: now,
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
        createdAt: now,
        finishedAt: null,
      },
    };
    const begun = this.#record(job);
    const limits = { seenSince: this.#seenSince(), mostAtWork: MOST_AT_WORK, keep: KEPT_JOBS };
    if ((await this.#store.commit([{ kind: 'startBulkJob', job: begun, ...limits }])) === 'stale') {
      const message = `${MOST_AT_WORK} bulk actions are at work, the most there may be. Wait for one to end, or cancel it.`;
      throw new PlatformError('too_many', message, { retryAfter: 10 });
    }
    this.#jobs.set(job.state.id, job);
    job.work = this.#work(caller, job, wanted);
    return begun.state;
  }

  /** Those of the caller's key, newest first. */
  async list({ workspaceId, keyId }: Caller): Promise<BulkJobState[]> {
    return (await this.#store.listBulkJobs(workspaceId, keyId)).map((job) => this.#shown(job));
  }

  /** @throws PlatformError `not_found`, also for a job of another key */
  async get({ workspaceId, keyId }: Caller, jobId: string): Promise<BulkJobState> {
    const job = await this.#store.getBulkJob(workspaceId, jobId);
    if (job?.keyId !== keyId) throw notFound('bulk action', jobId);
    return this.#shown(job);
  }

  /**
   * Ends a job after the runs in hand; one that has ended stays as it is. One on another server is answered as it is when that takes more than
   * some seconds.
   * @throws PlatformError `not_found`
   */
  async cancel(caller: Caller, jobId: string): Promise<BulkJobState> {
    let state = await this.get(caller, jobId);
    const own = this.#jobs.get(jobId);
    if (own !== undefined) {
      this.#end(own, 'asked');
      await own.work;
      return this.get(caller, jobId);
    }
    if (state.finishedAt !== null) return state;
    const { workspaceId } = caller;
    await this.#store.commit([{ kind: 'askBulkJobToEnd', workspaceId, jobId, at: this.#system.now() }]);
    for (let looked = 0; state.finishedAt === null && looked < CANCEL_LOOKS; looked += 1) {
      await sleep(CANCEL_LOOK_EVERY_MS);
      state = await this.get(caller, jobId);
    }
    return state;
  }

  /** Ends all jobs of this process after the runs in hand. */
  async stop(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    for (const job of jobs) this.#end(job, 'stopping');
    await Promise.all(jobs.map(({ work }) => work));
  }

  #end({ ending }: Job, cause: Cause): void {
    ending.abort(cause);
  }

  /** As a job is shown: one whose process has not been seen for long has failed with it. */
  #shown({ state, seenAt }: BulkJob): BulkJobState {
    if (state.finishedAt !== null || seenAt >= this.#seenSince()) return state;
    return {
      ...state,
      status: 'failed',
      message: leftMessage(state.action, 'died or was cut off'),
      finishedAt: seenAt,
    };
  }

  /** Who is at work was seen then or later. In a store that one process owns, that is this one. */
  #seenSince(): number {
    return this.#store.isShared ? this.#system.now() - GONE_AFTER_MS : this.#startedAt;
  }

  /** What is kept of a job now: it goes on while that is written. */
  #record({ workspaceId, keyId, state }: Job): BulkJob {
    const copied = { ...state, errors: [...state.errors], made: [...state.made] };
    return { workspaceId, keyId, state: copied, seenAt: this.#system.now(), endAskedAt: null };
  }

  async #save(job: Job): Promise<void> {
    this.#endWhenLost(job);
    const record = this.#record(job);
    try {
      await this.#store.commit([{ kind: 'saveBulkJob', job: record }]);
      job.seenAt = record.seenAt;
    } catch (error) {
      this.#log.warn({ err: error, jobId: job.state.id }, 'how far a bulk action is could not be kept');
    }
  }

  async #saveWhile(job: Job, working: AbortSignal): Promise<void> {
    for (;;) {
      const isOver = await sleep(SAVE_EVERY_MS, false, { signal: working }).catch(() => true);
      if (isOver) return;
      await this.#save(job);
      const kept = await this.#store.getBulkJob(job.workspaceId, job.state.id).catch(() => null);
      if (kept !== null && kept.endAskedAt !== null) this.#end(job, 'asked');
    }
  }

  /** Whether a job may take more runs in hand. */
  #goesOn(job: Job): boolean {
    this.#endWhenLost(job);
    return !job.ending.signal.aborted;
  }

  /** What was held up for so long may have been given up by others, and done again: it does not go on by being seen once more. */
  #endWhenLost(job: Job): void {
    if (this.#store.isShared && this.#system.now() - job.seenAt > LOST_AFTER_MS) this.#end(job, 'lost');
  }

  async #work(caller: Caller, job: Job, wanted: BulkWanted): Promise<void> {
    const { state } = job;
    const working = new AbortController();
    const saving = this.#saveWhile(job, working.signal);
    try {
      const ids = await this.#collect(caller, job, wanted);
      state.total = ids.length;
      state.status = 'running';
      if (wanted.action === 'delete') await this.#deleteAll(caller, job, ids);
      else {
        const rest = ids[Symbol.iterator]();
        const take = async () => {
          // One iterator for all who take from it.
          for (const runId of rest) {
            if (!this.#goesOn(job)) return;
            await this.#one(job, runId, () => this.#act(caller, wanted, runId));
          }
        };
        await Promise.all(Array.from({ length: AT_A_TIME }, take));
      }
      this.#conclude(job);
    } catch (error) {
      state.status = 'failed';
      state.message = error instanceof PlatformError ? error.message : 'The server failed; its log has the cause.';
      if (!(error instanceof PlatformError)) this.#log.error({ err: error, jobId: state.id }, 'a bulk action failed');
    }
    state.finishedAt = this.#system.now();
    working.abort();
    await saving;
    await this.#save(job);
    this.#jobs.delete(state.id);
  }

  #conclude({ state, ending }: Job): void {
    const cause = ending.signal.aborted ? (ending.signal.reason as Cause) : null;
    state.status = cause === null ? 'done' : cause === 'lost' ? 'failed' : 'canceled';
    if (cause === 'lost') state.message = leftMessage(state.action, 'was held up for too long');
    if (cause === 'stopping') state.message = leftMessage(state.action, 'was stopped');
  }

  /** The runs that the action applies to, newest first. */
  async #collect(caller: Caller, job: Job, { action, runs }: BulkWanted): Promise<string[]> {
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
    } while (from !== null && ids.length < MOST_RUNS && this.#goesOn(job));
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
  async #deleteAll(caller: Caller, job: Job, ids: readonly string[]): Promise<void> {
    const { state } = job;
    for (let at = 0; at < ids.length && this.#goesOn(job); at += PAGE) {
      const runIds = ids.slice(at, at + PAGE);
      const report = await this.#runs.deleteMany(caller, { dryRun: false, expectedCount: null, runIds });
      state.succeeded += report.succeeded;
      for (const [runId, message] of Object.entries(report.errors)) this.#failed(state, runId, message);
    }
  }
}

/** What is said of a job that its server left. A run that was stopped or deleted is not taken again, one that was repeated or evaluated is. */
function leftMessage(
  action: BulkJobAction,
  what: 'died or was cut off' | 'was held up for too long' | 'was stopped',
): string {
  const rest =
    action === 'stop' || action === 'delete'
      ? 'The same choice made again takes the rest.'
      : 'Choose the runs that are left: the same choice made again takes all of them once more.';
  return `The server that did this ${what} before it was through. What was done stays done. ${rest}`;
}

/** Runs in flight can be stopped; everything else is done to runs that have ended. */
function statusesFor(action: BulkJobAction): RunStatus[] {
  return RUN_STATUSES.filter((status) => isTerminal(status) !== (action === 'stop'));
}

function isOneOf(column: string, values: readonly string[]): CheckedFilter {
  return { kind: 'in', target: { column, kind: 'text', path: [] }, values };
}
