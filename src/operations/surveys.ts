import type { Caller } from '../domain/caller.ts';
import type { EvaluationSurvey, RunSurvey, SeenValues, WorkflowSurvey } from '../domain/run-survey.ts';
import type { CheckedFilter, Target } from '../filter/checked-filter.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand, demandVerdicts } from './access.ts';

/**
 * Milliseconds of work that one survey may take: some 400,000 runs. The thread that does it serves other lists between its steps.
 */
const BUDGET_MS = 500;

/**
 * For how long a survey is given again though runs have changed: ten times as long as it took, and a second at most. What is quick is always true, and what is
 * slow takes a tenth of the thread's time, however many people look.
 */
const TIMES_AS_LONG = 10;
const FRESH_MS = 1000;

/** Surveys that are kept: those of the pages that people have open. Each is some kilobytes. */
const KEPT = 50;

/** Runs whose values are offered for completion: the newest ones, in some milliseconds. */
const SEEN_RUNS = 2000;

/** Runs of one workflow that its figures rest on. */
const RUNS_OF_WORKFLOW = 5000;

/** Which runs a survey is about. Times are epoch milliseconds. */
export interface SurveyWanted {
  readonly filter: CheckedFilter | null;
  readonly from: number | null;
  readonly to: number | null;
  /** About how many buckets of time. */
  readonly buckets: number;
}

interface Kept {
  /** Milliseconds of the clock that only goes forward, until which it is given again. */
  freshUntil: number;
  readonly position: number;
  readonly survey: Promise<RunSurvey>;
}

/** What runs, workflows and evaluations are like together. */
export class Surveys {
  readonly #store: Store;
  readonly #system: System;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: { store: Store; system: System }) {
    this.#store = parts.store;
    this.#system = parts.system;
  }

  /** Verdicts are counted for callers alone that may read evaluations. */
  async runs(caller: Caller, wanted: SurveyWanted): Promise<RunSurvey> {
    demand(caller, 'runs:read');
    demandVerdicts(caller, wanted.filter);
    const survey = await this.#survey(caller.workspaceId, wanted);
    if (caller.scopes.has('evaluations:read')) return survey;
    return { ...survey, facets: { ...survey.facets, verdict: [] } };
  }

  /** The same survey again while nothing has changed, or hardly any time has passed. */
  async #survey(workspaceId: string, wanted: SurveyWanted): Promise<RunSurvey> {
    const key = JSON.stringify([workspaceId, wanted]);
    const { lastPosition: position } = await this.#store.stats();
    const began = this.#system.elapsed();
    const kept = this.#kept.get(key);
    if (kept !== undefined && (kept.position === position || began < kept.freshUntil)) return kept.survey;
    const now = this.#system.now();
    const survey = this.#store.surveyRuns({ workspaceId, ...wanted, now, budgetMs: BUDGET_MS });
    // While it is being made everybody waits for the same one.
    const made: Kept = { freshUntil: Number.POSITIVE_INFINITY, position, survey };
    this.#kept.delete(key);
    this.#kept.set(key, made);
    survey.then(
      () => {
        const ended = this.#system.elapsed();
        made.freshUntil = ended + Math.min(FRESH_MS, (ended - began) * TIMES_AS_LONG);
      },
      () => this.#kept.delete(key),
    );
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return survey;
  }

  /** Values that the newest runs have in one place, among those that begin with a text. */
  async seenValues(
    caller: Caller,
    target: Pick<Target, 'column' | 'path'>,
    prefix: string,
    limit: number,
  ): Promise<SeenValues> {
    demand(caller, 'runs:read');
    if (target.column === 'verdict') demand(caller, 'evaluations:read');
    const { workspaceId } = caller;
    return this.#store.seenValues({ workspaceId, target, prefix, mostRuns: SEEN_RUNS, limit });
  }

  /** How some workflows did since a time, in the order of the ids. Without the right to read runs there is nothing to say. */
  async workflows(caller: Caller, workflowIds: readonly string[], since: number): Promise<readonly WorkflowSurvey[]> {
    if (!caller.scopes.has('runs:read')) return [];
    const { workspaceId } = caller;
    return this.#store.workflowSurveys({ workspaceId, workflowIds, since, mostRuns: RUNS_OF_WORKFLOW });
  }

  async evaluations(
    caller: Caller,
    span: { readonly from: number; readonly to: number; readonly bucketMs: number },
  ): Promise<EvaluationSurvey> {
    demand(caller, 'evaluations:read');
    return this.#store.evaluationSurvey({ workspaceId: caller.workspaceId, ...span });
  }
}
