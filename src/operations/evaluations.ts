import Big from 'big.js';
import { BlobMissing } from '../blobs/blobs.ts';
import { callbackUrlProblem } from '../callbacks/callback-url.ts';
import { type Callbacks, newDelivery } from '../callbacks/callbacks.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import {
  conclude,
  DEFAULT_THRESHOLD,
  type Evaluation,
  type EvaluationPlan,
  type EvaluationSubject,
  isConcluded,
  type Judge,
  type JudgePlan,
  NO_VERDICT,
} from '../domain/evaluation.ts';
import type { JsonObject } from '../domain/json.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import { type Feedback, isTerminal, type Run } from '../domain/run.ts';
import type { Engine, NewRun } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import { resolveInput } from '../engine/run-input.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { Change, Write } from '../store/change.ts';
import type { FindRequest, FoundRun, Store } from '../store/store.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { BuiltInJudges } from './built-in-judges.ts';
import type { ToldDelivery } from './deliveries.ts';
import { factsOf, judgeInput, type ReadRun, subjectOf } from './evaluation-facts.ts';
import { readEvaluationSettings } from './evaluation-settings.ts';
import { readVerdict } from './judge-verdict.ts';
import type { Workflows } from './workflows.ts';

/** What a run that judges comes from; such runs are never judged by themselves. */
export const JUDGE_SOURCE = 'evaluation';

/** Judges of one evaluation: each is a run. */
export const MAX_JUDGES = 20;

/** Evaluations that one bulk call begins, and runs that it counts: both some seconds of work. */
export const BULK_LIMIT = 1_000;
const BULK_COUNTED = 10_000;

/** Runs of one page of a bulk call's search. */
const BULK_PAGE = 500;

/** Tries to begin an evaluation that other evaluations of the same run get in the way of. Each round one of them wins. */
const BEGIN_TRIES = 20;

/** The category of an issue when neither it nor its judge names one. */
const NO_CATEGORY = 'other';

/** An evaluation as it is asked for. What is null is taken from the run, its workflow's settings, or the workspace. */
export interface EvaluationRequest {
  readonly runId: string | null;
  readonly subject: EvaluationSubject;
  readonly judges: readonly JudgePlan[] | null;
  readonly threshold: number | null;
  /** For a picture without a run: the evaluation that this one follows. */
  readonly parentId: string | null;
  readonly clientRef: string | null;
  readonly callbackUrl: string | null;
  readonly requestId: string | null;
  /** A process died over the first of these requests: what carries its request id is there already. */
  readonly isRepeat: boolean;
}

/** Which finished runs a bulk call judges. */
export interface BulkRequest {
  readonly filter: CheckedFilter | null;
  /** The newest so many. */
  readonly limit: number;
  readonly judges: readonly JudgePlan[] | null;
  readonly threshold: number | null;
  /** The number of matches that the caller believes in; another one conflicts. */
  readonly expectedCount: number | null;
  readonly dryRun: boolean;
  readonly requestId: string | null;
  /** As in `EvaluationRequest`. */
  readonly isRepeat: boolean;
}

export interface BulkReport {
  /** Runs that match, counted up to some thousand. */
  readonly matched: number;
  readonly evaluationIds: readonly string[];
  /** Reasons by the id of a run that could not be judged. */
  readonly errors: Readonly<Record<string, string>>;
}

/** An evaluation with its judges. */
export interface JudgedEvaluation {
  readonly evaluation: Evaluation;
  readonly judges: readonly Judge[];
}

/** What an evaluation begins with, whoever asked for it. */
interface Beginning {
  readonly workspaceId: string;
  readonly of: ReadRun | null;
  readonly request: Omit<EvaluationRequest, 'runId' | 'judges' | 'threshold' | 'isRepeat'>;
  readonly plan: EvaluationPlan;
  readonly apiKeyId: string | null;
}

/** A judge that can begin, or why it cannot. */
type Ready = { readonly plan: JudgePlan; readonly name: string; readonly description: string | null } & (
  | { readonly run: Omit<NewRun, 'context'> }
  | { readonly problems: readonly Problem[] }
);

export class Evaluations {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #payloads: Payloads;
  readonly #http: HttpClient;
  readonly #system: System;
  readonly #builtIn: BuiltInJudges;
  readonly #callbacks: Callbacks;
  readonly #presentCallback: (evaluation: Evaluation) => string;

  constructor(parts: {
    store: Store;
    engine: Engine;
    workflows: Workflows;
    payloads: Payloads;
    http: HttpClient;
    system: System;
    builtIn: BuiltInJudges;
    callbacks: Callbacks;
    /** The body of the callback of a concluded evaluation, as JSON text. */
    presentCallback: (evaluation: Evaluation) => string;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#payloads = parts.payloads;
    this.#http = parts.http;
    this.#system = parts.system;
    this.#builtIn = parts.builtIn;
    this.#callbacks = parts.callbacks;
    this.#presentCallback = parts.presentCallback;
  }

  /**
   * Begins an evaluation: it is on disk with the runs of its judges when this resolves.
   * @throws PlatformError `not_found` for the run; `conflict` for one that has not ended; `invalid` with every judge that cannot judge
   */
  async create(caller: Caller, request: EvaluationRequest): Promise<Evaluation> {
    demand(caller, 'evaluations:create');
    const { workspaceId } = caller;
    const [made] = request.isRepeat ? await this.#madeBy(workspaceId, request.requestId) : [];
    if (made !== undefined) return made;
    const problem = request.callbackUrl === null ? null : callbackUrlProblem(request.callbackUrl, this.#http);
    if (problem !== null) throw invalid([{ at: ['body', 'callback_url'], message: problem, type: 'callback_url' }]);
    const of = request.runId === null ? null : await this.#readRun(workspaceId, request.runId);
    if (request.runId !== null && of === null) throw notFound('run', request.runId);
    if (of !== null && !isTerminal(of.run.status)) {
      const message = `The run is ${of.run.status}; what it makes can be judged when it has ended.`;
      throw new PlatformError('conflict', message);
    }
    const plan = await this.#planOf(workspaceId, of?.run ?? null, request);
    const beginning = { workspaceId, of, request, plan, apiKeyId: caller.keyId };
    const ready = await this.#readyJudges(beginning);
    const problems = ready.flatMap((judge) => ('problems' in judge ? judge.problems : []));
    if (problems.length > 0) throw invalid(problems);
    for (let tries = 0; tries < BEGIN_TRIES; tries += 1) {
      const evaluation = await this.#begin(beginning, ready, []);
      if (evaluation !== null) return evaluation;
    }
    const message = 'Other evaluations of this run are being made all the time. Try again.';
    throw new PlatformError('conflict', message);
  }

  /**
   * Begins the automatic evaluation of a run that has ended, in one write with `also`. One that no judge can judge is kept as failed.
   * Null: there is no such run, or something that the write rests on changed; nothing was written.
   */
  async beginAutomatic(workspaceId: string, runId: string, also: Change): Promise<Evaluation | null> {
    const of = await this.#readRun(workspaceId, runId);
    if (of === null) return null;
    const plan = await this.#planOf(workspaceId, of.run, { judges: null, threshold: null });
    const request = { subject: NO_SUBJECT, parentId: null, clientRef: null, callbackUrl: null, requestId: null };
    const beginning = { workspaceId, of, request, plan, apiKeyId: of.run.apiKeyId };
    return this.#begin(beginning, await this.#readyJudges(beginning), also);
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, evaluationId: string): Promise<JudgedEvaluation> {
    demand(caller, 'evaluations:read');
    const evaluation = await this.#store.getEvaluation(caller.workspaceId, evaluationId);
    if (evaluation === null) throw notFound('evaluation', evaluationId);
    return { evaluation, judges: await this.#store.listJudges(caller.workspaceId, [evaluationId]) };
  }

  /** One page of evaluations that a filter lets through, with their judges when they are wanted. */
  async find(
    caller: Caller,
    request: Omit<FindRequest, 'workspaceId'>,
    options: { judges: boolean },
  ): Promise<KeysetPage<JudgedEvaluation>> {
    demand(caller, 'evaluations:read');
    const page = await this.#store.find('evaluations', { ...request, workspaceId: caller.workspaceId });
    const ids = page.items.map(({ id }) => id);
    const judges = options.judges ? await this.#store.listJudges(caller.workspaceId, ids) : [];
    const byEvaluation = Map.groupBy(judges, (judge) => judge.evaluationId);
    const items = page.items.map((evaluation) => ({ evaluation, judges: byEvaluation.get(evaluation.id) ?? [] }));
    return { ...page, items };
  }

  /** The current evaluations of some runs: completed and not superseded, one a run at most. */
  async currentOf(caller: Caller, runIds: readonly string[]): Promise<ReadonlyMap<string, Evaluation>> {
    demand(caller, 'evaluations:read');
    const found = await this.#store.currentEvaluations(caller.workspaceId, runIds);
    return new Map(found.map((evaluation) => [evaluation.runId ?? '', evaluation]));
  }

  /** Deliveries of an evaluation's callback with every attempt, oldest first. @throws PlatformError `not_found` */
  async deliveries(caller: Caller, evaluationId: string): Promise<ToldDelivery[]> {
    await this.get(caller, evaluationId);
    return this.#store.listDeliveries(caller.workspaceId, evaluationId);
  }

  /** Keeps what a person thinks of an evaluation: what is left out stays, null takes it back. @throws PlatformError `not_found` */
  async setFeedback(caller: Caller, evaluationId: string, given: Partial<Feedback>): Promise<JudgedEvaluation> {
    demand(caller, 'evaluations:edit');
    const { workspaceId } = caller;
    const before = await this.#store.getEvaluation(workspaceId, evaluationId);
    if (before === null) throw notFound('evaluation', evaluationId);
    const feedback = { isPositive: null, reason: null, ...before.feedback, ...given };
    const at = this.#system.now();
    await this.#store.commit([{ kind: 'setEvaluationFeedback', workspaceId, evaluationId, feedback, at }]);
    const evaluation = await this.#store.getEvaluation(workspaceId, evaluationId);
    if (evaluation === null) throw notFound('evaluation', evaluationId);
    return { evaluation, judges: await this.#store.listJudges(workspaceId, [evaluationId]) };
  }

  /** Who judges in this workspace when nobody says otherwise; null: the built-in judges. */
  async plan(caller: Caller): Promise<EvaluationPlan | null> {
    demand(caller, 'evaluations:read');
    return this.#store.evaluationPlan(caller.workspaceId);
  }

  /** @throws PlatformError `invalid` with every judge that is no workflow of this workspace */
  async setPlan(caller: Caller, plan: EvaluationPlan | null): Promise<void> {
    demand(caller, 'evaluations:edit');
    const { workspaceId } = caller;
    const problems: Problem[] = [];
    for (const [index, { workflowId }] of (plan?.judges ?? []).entries()) {
      if ((await this.#store.getWorkflow(workspaceId, workflowId)) === null)
        problems.push(noWorkflow(index, workflowId));
    }
    if (problems.length > 0) throw invalid(problems);
    await this.#store.commit([{ kind: 'setEvaluationPlan', workspaceId, plan }]);
  }

  /**
   * Begins an evaluation of each of the newest finished runs that a filter lets through; runs that judge are left out.
   * @throws PlatformError `conflict` when `expectedCount` differs
   */
  async createMany(caller: Caller, request: BulkRequest): Promise<BulkReport> {
    demand(caller, 'evaluations:create');
    demand(caller, 'runs:read');
    const runIds = await this.#judgeable(caller.workspaceId, request.filter);
    const matched = runIds.length;
    if (request.expectedCount !== null && request.expectedCount !== matched) {
      throw new PlatformError(
        'conflict',
        `${matched} runs match, ${request.expectedCount} were expected. Nothing was begun; look again and send the new count.`,
      );
    }
    const { judges, threshold, requestId } = request;
    const made = request.isRepeat ? await this.#madeBy(caller.workspaceId, requestId) : [];
    const madeOf = new Map(made.map((evaluation) => [evaluation.runId, evaluation.id]));
    const evaluationIds: string[] = [];
    const errors: Record<string, string> = {};
    const asked = { subject: NO_SUBJECT, parentId: null, clientRef: null, callbackUrl: null, isRepeat: false };
    for (const runId of request.dryRun ? [] : runIds.slice(0, request.limit)) {
      try {
        const id = madeOf.get(runId);
        evaluationIds.push(id ?? (await this.create(caller, { ...asked, judges, threshold, requestId, runId })).id);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        errors[runId] = error.message;
      }
    }
    return { matched, evaluationIds, errors };
  }

  /**
   * Takes in what the runs of an evaluation's judges have come to, and concludes it when all have ended. Made again, it changes nothing: it rests on
   * the evaluation as it was read.
   */
  async settle(workspaceId: string, evaluationId: string): Promise<void> {
    for (;;) {
      const evaluation = await this.#store.getEvaluation(workspaceId, evaluationId);
      if (evaluation === null || isConcluded(evaluation.status)) return;
      const judges = await this.#store.listJudges(workspaceId, [evaluationId]);
      const runs = await Promise.all(
        judges.map(({ runId }) => (runId === null ? null : this.#store.getRun(workspaceId, runId))),
      );
      const heard = await Promise.all(judges.map((judge, index) => this.#hear(judge, runs[index] ?? null)));
      const write = this.#next(evaluation, judges, heard, runs);
      if (write === null) return;
      const change = [write, ...this.#told(write.evaluation)];
      if ((await this.#store.commit(change)) === 'stale') continue;
      if (change.length > 1) this.#callbacks.wake();
      return;
    }
  }

  /** The delivery to the callback address of an evaluation that is concluded now: in the same write, so that it is made once. */
  #told(evaluation: Evaluation): Write[] {
    if (evaluation.callbackUrl === null || !isConcluded(evaluation.status)) return [];
    const body = this.#presentCallback(evaluation);
    const of = { ...evaluation, requestId: null };
    return [{ kind: 'createDelivery', delivery: newDelivery(of, 'evaluation', 'runflow', body, this.#system, true) }];
  }

  /** What is to be written of an evaluation whose judges have come so far; null: nothing. */
  #next(
    evaluation: Evaluation,
    before: readonly Judge[],
    heard: readonly Judge[],
    runs: readonly (Run | null)[],
  ): Extract<Write, { kind: 'updateEvaluation' | 'completeEvaluation' }> | null {
    const changed = heard.filter((judge, index) => judge !== before[index]);
    const now = this.#system.now();
    const next = { ...evaluation, revision: evaluation.revision + 1, updatedAt: now };
    if (heard.some(({ status }) => status === 'pending')) {
      const hasBegun = changed.length > 0 || runs.some((run) => run !== null && run.status !== 'queued');
      if (changed.length === 0 && (evaluation.status === 'running' || !hasBegun)) return null;
      return { kind: 'updateEvaluation', evaluation: { ...next, status: 'running' }, judges: changed };
    }
    const concluded = { ...next, ...conclude(heard, evaluation.threshold), cost: costOf(runs), completedAt: now };
    if (heard.some(({ status }) => status === 'ended')) {
      return { kind: 'completeEvaluation', evaluation: { ...concluded, status: 'completed' }, judges: changed };
    }
    const failure = { code: 'judges_failed', message: whyNone(heard) } as const;
    return { kind: 'updateEvaluation', evaluation: { ...concluded, status: 'failed', failure }, judges: changed };
  }

  /** The judge with what its run says; the same one while that run has not ended. */
  async #hear(judge: Judge, run: Run | null): Promise<Judge> {
    if (judge.status !== 'pending') return judge;
    if (run === null) return { ...judge, status: 'failed', reasoning: 'Its run was deleted before it had ended.' };
    if (!isTerminal(run.status)) return judge;
    if (run.status === 'failed' || run.status === 'canceled') {
      const why = run.failure === null ? '' : ` ${run.failure.message}`;
      return { ...judge, status: 'failed', reasoning: `Its run was ${run.status}, not succeeded.${why}` };
    }
    const output = await this.#objectOf(run.output);
    const verdict = readVerdict(output, judge.category ?? NO_CATEGORY, () => this.#system.newId());
    return { ...judge, ...verdict, status: 'ended' };
  }

  /** Null: there is no such run. */
  async #readRun(workspaceId: string, runId: string): Promise<ReadRun | null> {
    const run = await this.#store.getRun(workspaceId, runId);
    if (run === null) return null;
    const [input, output] = await Promise.all([this.#objectOf(run.input), this.#objectOf(run.output)]);
    return { run, input, output };
  }

  /** A payload whose bytes are lost is judged as an empty one. */
  async #objectOf(payload: string | null): Promise<JsonObject> {
    try {
      return (await this.#payloads.parse(payload)) ?? {};
    } catch (error) {
      if (error instanceof BlobMissing) return {};
      throw error;
    }
  }

  /** Judges and threshold, each from the first that names it: the request, the settings of the run's workflow, the workspace, the platform. */
  async #planOf(
    workspaceId: string,
    run: Run | null,
    request: Pick<EvaluationRequest, 'judges' | 'threshold'>,
  ): Promise<EvaluationPlan> {
    const workflow = run === null ? null : await this.#store.getWorkflow(workspaceId, run.workflowId);
    const settings = readEvaluationSettings(workflow?.settings ?? {});
    const ofWorkspace = await this.#store.evaluationPlan(workspaceId);
    const judges = [request.judges, settings.judges, ofWorkspace?.judges].find((some) => some && some.length > 0);
    return {
      judges: judges ?? (await this.#builtIn.plans(workspaceId)),
      threshold: request.threshold ?? settings.threshold ?? ofWorkspace?.threshold ?? DEFAULT_THRESHOLD,
    };
  }

  #readyJudges(beginning: Beginning): Promise<Ready[]> {
    const facts = factsOf(beginning.request.subject, beginning.of);
    return Promise.all(beginning.plan.judges.map((judge, index) => this.#readyJudge(beginning, judge, index, facts)));
  }

  async #readyJudge(
    { workspaceId, request, apiKeyId }: Beginning,
    plan: JudgePlan,
    index: number,
    facts: JsonObject,
  ): Promise<Ready> {
    const unable = (problems: readonly Problem[]): Ready => {
      const name = plan.name ?? `Judge ${index + 1}`;
      return { plan, name, description: null, problems };
    };
    try {
      const { workflow, version } = await this.#workflows.runnable({ workspaceId }, plan.workflowId, null);
      const graph = this.#engine.graphOf(version);
      const input = judgeInput(graph, facts);
      const { problems } = resolveInput(graph, { nodeIds: null, singleNodeId: null }, input);
      if (problems.length > 0)
        return unable(problems.map((problem) => wantsMore(index, workflow.name, problem, facts)));
      return {
        plan,
        name: plan.name ?? workflow.name,
        description: workflow.description,
        run: {
          kind: workflow.kind,
          version,
          versionPinned: false,
          input,
          nodeIds: null,
          singleNodeId: null,
          source: JUDGE_SOURCE,
          meta: null,
          clientRef: null,
          batchId: null,
          requestId: request.requestId,
          dialect: 'runflow',
          callbackUrl: null,
          apiKeyId,
          tracing: false,
          debugger: null,
        },
      };
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (error.kind === 'not_found') return unable([noWorkflow(index, plan.workflowId)]);
      return unable(error.problems.map((problem) => ({ ...problem, at: ['body', 'judges', index, ...problem.at] })));
    }
  }

  /** Writes an evaluation with the runs of its judges, and `also`. Null: something that it rests on changed. */
  async #begin(beginning: Beginning, ready: readonly Ready[], also: Change): Promise<Evaluation | null> {
    const { workspaceId, of, request, plan } = beginning;
    const id = this.#system.newId();
    const now = this.#system.now();
    const parent = await this.#parentOf(beginning);
    const able = ready.filter((judge) => 'run' in judge);
    const problems = ready.flatMap((judge) => ('problems' in judge ? judge.problems : []));
    const evaluation: Evaluation = {
      id,
      workspaceId,
      runId: of?.run.id ?? null,
      target: of === null ? null : { kind: of.run.kind, workflowId: of.run.workflowId },
      status: able.length > 0 ? 'pending' : 'failed',
      revision: 1,
      subject: subjectOf(request.subject, of),
      threshold: plan.threshold,
      clientRef: request.clientRef,
      callbackUrl: request.callbackUrl,
      passed: null,
      passRate: null,
      overrideReason: null,
      topIssues: [],
      topStrengths: [],
      checks: null,
      action: null,
      parentId: parent?.id ?? null,
      attempt: (parent?.attempt ?? 0) + 1,
      supersededAt: null,
      feedback: null,
      failure: able.length > 0 ? null : { code: 'no_judge', message: problems[0]?.message ?? 'There is no judge.' },
      cost: null,
      createdAt: now,
      updatedAt: now,
      completedAt: able.length > 0 ? null : now,
    };
    const judgeIds = new Map(ready.map((judge) => [judge, this.#system.newId()]));
    const newRuns = able.map((judge) => ({
      ...judge.run,
      context: { evaluation_id: id, judge_id: judgeIds.get(judge) ?? null },
    }));
    const kept = await this.#engine.enqueueAll(newRuns, (runs) => {
      const judges = ready.map((judge) => {
        const run = 'run' in judge ? (runs[able.indexOf(judge)] ?? null) : null;
        return judgeOf(evaluation, judge, judgeIds.get(judge) ?? '', run);
      });
      return [{ kind: 'createEvaluation', evaluation, judges }, ...also];
    });
    return kept === null ? null : evaluation;
  }

  /** @throws PlatformError `invalid` when the parent that is asked for cannot be one */
  async #parentOf({ workspaceId, of, request }: Beginning): Promise<Evaluation | null> {
    if (of !== null) return this.#store.lastEvaluation(workspaceId, of.run.id);
    if (request.parentId === null) return null;
    const parent = await this.#store.getEvaluation(workspaceId, request.parentId);
    if (parent !== null && parent.runId === null) return parent;
    const message = `There is no evaluation ${request.parentId} of a picture without a run. Those of a run are joined by themselves: give run_id.`;
    throw invalid([{ at: ['body', 'parent_evaluation_id'], message, type: 'unknown_evaluation' }]);
  }

  /** The finished runs, newest first, that a filter lets through and that are not themselves judges. */
  async #judgeable(workspaceId: string, filter: CheckedFilter | null): Promise<string[]> {
    const ended = isOneOf('status', ['succeeded', 'partial', 'failed', 'canceled']);
    const terms: CheckedFilter[] = [ended, { kind: 'not', term: isOneOf('source', [JUDGE_SOURCE]) }];
    const found = await this.#runs(workspaceId, filter === null ? terms : [...terms, filter]);
    return found.map(({ id }) => id);
  }

  /** The evaluations that a request made whose answer was lost with a process: the runs of their judges carry its id. */
  async #madeBy(workspaceId: string, requestId: string | null): Promise<Evaluation[]> {
    if (requestId === null) return [];
    const judging = await this.#runs(workspaceId, [
      isOneOf('requestId', [requestId]),
      isOneOf('source', [JUDGE_SOURCE]),
    ]);
    const ids = new Set(judging.map(({ context }) => String(context?.['evaluation_id'])));
    const made = await Promise.all([...ids].map((id) => this.#store.getEvaluation(workspaceId, id)));
    return made.filter((evaluation) => evaluation !== null);
  }

  /** The newest runs that fit all of some tests, without their payloads. */
  async #runs(workspaceId: string, terms: readonly CheckedFilter[]): Promise<Run[]> {
    const runs: Run[] = [];
    let from: FindRequest['from'] = null;
    do {
      const filter: CheckedFilter = { kind: 'and', terms };
      const request: FindRequest = { workspaceId, filter, sort: [], limit: BULK_PAGE, from, backward: false };
      const page: KeysetPage<FoundRun> = await this.#store.find('runs', request, { payloads: false });
      runs.push(...page.items.map(({ run }) => run));
      from = page.next;
    } while (from !== null && runs.length < BULK_COUNTED);
    return runs;
  }
}

function isOneOf(column: string, values: readonly string[]): CheckedFilter {
  return { kind: 'in', target: { column, kind: 'text', path: [] }, values };
}

/** What a run tells by itself is enough. */
export const NO_SUBJECT: EvaluationSubject = {
  taskType: null,
  taskDescription: null,
  prompt: null,
  imageUrl: null,
  inputAttributes: null,
  instructions: null,
  referenceImages: [],
};

function judgeOf(evaluation: Evaluation, ready: Ready, id: string, run: Run | null): Judge {
  const { plan, name, description } = ready;
  return {
    ...NO_VERDICT,
    id,
    evaluationId: evaluation.id,
    workflowId: plan.workflowId,
    name,
    description,
    category: plan.category,
    weight: plan.weight,
    gate: plan.gate,
    runId: run?.id ?? null,
    status: run === null ? 'failed' : 'pending',
    reasoning: 'problems' in ready ? ready.problems.map(({ message }) => message).join(' ') : null,
    createdAt: evaluation.createdAt,
  };
}

function noWorkflow(index: number, workflowId: string): Problem {
  const message = `${JSON.stringify(workflowId)} is no workflow of this workspace. Name one under workflow_id, or leave the judge out.`;
  return { at: ['body', 'judges', index, 'workflow_id'], message, type: 'unknown_workflow' };
}

function wantsMore(index: number, workflow: string, problem: Problem, facts: JsonObject): Problem {
  const label = String(problem.at.at(-1));
  const message = `The judge "${workflow}" wants a value for its input "${label}", which no evaluation has. Judges are told ${Object.keys(facts).join(', ')}; give the input one of these labels, or a fixed value.`;
  return { at: ['body', 'judges', index], message, type: problem.type };
}

function costOf(runs: readonly (Run | null)[]): string | null {
  const costs = runs.flatMap((run) => run?.cost ?? []);
  return costs.length === 0 ? null : costs.reduce((sum, cost) => sum.plus(cost), new Big(0)).toFixed();
}

function whyNone(judges: readonly Judge[]): string {
  const [first] = judges;
  return `No judge came to an end. "${first?.name}": ${first?.reasoning}`;
}
