import type { JsonObject } from './json.ts';
import type { Feedback } from './run.ts';
import type { WorkflowKind } from './workflow.ts';

export const EVALUATION_STATUSES = ['pending', 'running', 'completed', 'failed'] as const;

/** `pending`: no judge has begun. The last two never change again. */
export type EvaluationStatus = (typeof EVALUATION_STATUSES)[number];

/** True for a status that never changes again. */
export function isConcluded(status: EvaluationStatus): boolean {
  return status === 'completed' || status === 'failed';
}

/** Share of the judges' weight that must have passed when nobody says otherwise: a tie passes. */
export const DEFAULT_THRESHOLD = 0.5;

/** What is judged: the result of a run, or a picture from anywhere. Texts are null when nothing is known. */
export interface EvaluationSubject {
  readonly taskType: string | null;
  readonly taskDescription: string | null;
  readonly prompt: string | null;
  readonly imageUrl: string | null;
  readonly inputAttributes: JsonObject | null;
  /** What the judges are to look at. */
  readonly instructions: string | null;
  readonly referenceImages: readonly ReferenceImage[];
}

export interface ReferenceImage {
  readonly url: string;
  readonly kind: string | null;
  readonly description: string | null;
}

/** A judgement of a run or a picture. At most one of a run is current: completed and not superseded. Times are epoch milliseconds. */
export interface Evaluation {
  readonly id: string;
  readonly workspaceId: string;
  readonly runId: string | null;
  /** What was run. */
  readonly target: { readonly kind: WorkflowKind; readonly workflowId: string } | null;
  readonly status: EvaluationStatus;
  /** Grows by one at each kept change; a change decided on an older revision is stale. */
  readonly revision: number;
  readonly subject: EvaluationSubject;
  /** Share of the weight, 0 to 1, that must have passed. */
  readonly threshold: number;
  readonly clientRef: string | null;
  readonly callbackUrl: string | null;
  /** Null: not concluded, or no judge came to a verdict. */
  readonly passed: boolean | null;
  /** Weight of the judges that passed over the weight of those with a verdict, 0 to 1. */
  readonly passRate: number | null;
  /** Why the verdict is another one than the pass rate says. */
  readonly overrideReason: string | null;
  /** Subcategories, or categories, of the most frequent issues. */
  readonly topIssues: readonly string[];
  readonly topStrengths: readonly string[];
  readonly checks: JudgeCounts | null;
  readonly action: EvaluationAction | null;
  /** The evaluation of the same run before this one. */
  readonly parentId: string | null;
  /** 1 for the first of a run. */
  readonly attempt: number;
  readonly supersededAt: number | null;
  readonly feedback: Feedback | null;
  readonly failure: EvaluationFailure | null;
  /** What the judges' runs were charged: a decimal string in US dollars; null until known. */
  readonly cost: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly completedAt: number | null;
}

/** How many judges there were, and what they said. */
export interface JudgeCounts {
  readonly judges: number;
  readonly passed: number;
  readonly failed: number;
  readonly withoutVerdict: number;
}

/** What to do with the result: keep it, make it anew, let a person look. */
export type EvaluationAction = 'accept' | 'retry' | 'review';

/** `no_judge`: none could be started. `judges_failed`: no judge's run succeeded. */
export interface EvaluationFailure {
  readonly code: 'no_judge' | 'judges_failed';
  readonly message: string;
}

/** A judge as it is asked for: a workflow, and how much its verdict counts. */
export interface JudgePlan {
  readonly workflowId: string;
  readonly name: string | null;
  readonly category: string | null;
  /** More than 0. */
  readonly weight: number;
  /** When it fails, so does the evaluation, whatever the others say. */
  readonly gate: boolean;
}

/** Who judges, and what it takes to pass. */
export interface EvaluationPlan {
  readonly judges: readonly JudgePlan[];
  readonly threshold: number;
}

/** A judge of one evaluation, and what came of its run. */
export interface Judge extends JudgeVerdict {
  readonly id: string;
  readonly evaluationId: string;
  readonly workflowId: string;
  readonly name: string;
  readonly description: string | null;
  readonly category: string | null;
  readonly weight: number;
  readonly gate: boolean;
  /** The run that judges; null when none could be started. */
  readonly runId: string | null;
  /** `failed`: its run did not succeed, and so it says nothing. */
  readonly status: 'pending' | 'ended' | 'failed';
  readonly createdAt: number;
}

/** What a judge says. */
export interface JudgeVerdict {
  readonly passed: boolean | null;
  /** 0 to 1. */
  readonly confidence: number | null;
  readonly reasoning: string | null;
  readonly evidence: readonly string[];
  readonly strengths: readonly string[];
  readonly subPoints: JsonObject | null;
  readonly issues: readonly EvaluationIssue[];
}

/** A fault that a judge found. */
export interface EvaluationIssue {
  readonly id: string;
  readonly category: string;
  readonly subcategory: string | null;
  readonly detail: string | null;
}

/** What a judge says that has not spoken, or cannot. */
export const NO_VERDICT: JudgeVerdict = {
  passed: null,
  confidence: null,
  reasoning: null,
  evidence: [],
  strengths: [],
  subPoints: null,
  issues: [],
};

/** Issues and strengths that an evaluation names at its head. */
const TOP = 5;

/** Digits of a pass rate behind the point: its text then has no exponent, and a filter can name it. */
const RATE_DIGITS = 6;

/** What the judges' verdicts amount to. */
export type Conclusion = Pick<
  Evaluation,
  'passed' | 'passRate' | 'overrideReason' | 'topIssues' | 'topStrengths' | 'checks' | 'action'
>;

/**
 * The law of evaluations: passed when the weighted pass rate reaches the threshold and no gate failed. Judges without a verdict count neither way;
 * with no verdict at all there is none.
 */
export function conclude(judges: readonly Judge[], threshold: number): Conclusion {
  const passed = judges.filter((judge) => judge.passed === true);
  const failed = judges.filter((judge) => judge.passed === false);
  const weight = (some: readonly Judge[]) => some.reduce((sum, judge) => sum + judge.weight, 0);
  const hasVerdict = passed.length + failed.length > 0;
  const exactRate = hasVerdict ? weight(passed) / (weight(passed) + weight(failed)) : null;
  const gates = gateFailures(judges);
  const isEnough = exactRate !== null && exactRate >= threshold;
  const verdict = hasVerdict ? isEnough && gates.length === 0 : null;
  return {
    passed: verdict,
    passRate: exactRate === null ? null : Number(exactRate.toFixed(RATE_DIGITS)),
    overrideReason: isEnough && gates.length > 0 ? gateReason(gates) : null,
    topIssues: mostFrequent(judges.flatMap(({ issues }) => issues.map((issue) => issue.subcategory ?? issue.category))),
    topStrengths: mostFrequent(judges.flatMap(({ strengths }) => strengths)),
    checks: {
      judges: judges.length,
      passed: passed.length,
      failed: failed.length,
      withoutVerdict: judges.length - passed.length - failed.length,
    },
    action: verdict === null ? 'review' : verdict ? 'accept' : 'retry',
  };
}

/** The gates that did not let the result through. */
export function gateFailures(judges: readonly Judge[]): Judge[] {
  return judges.filter((judge) => judge.gate && judge.passed === false);
}

function gateReason(gates: readonly Judge[]): string {
  const names = gates.map(({ name }) => `"${name}"`).join(', ');
  return `${gates.length === 1 ? 'The gate' : 'The gates'} ${names} failed.`;
}

function mostFrequent(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const inOrder = [...counts].sort(([, a], [, b]) => b - a);
  return inOrder.slice(0, TOP).map(([word]) => word);
}
