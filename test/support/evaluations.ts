import { type Evaluation, type EvaluationIssue, type Judge, NO_VERDICT } from '../../src/domain/evaluation.ts';
import type { System } from '../../src/system/system.ts';

/** An evaluation that was just made, the first of its run. */
export function pendingEvaluation(
  owner: { readonly workspaceId: string; readonly runId: string | null },
  system: System,
  set: Partial<Evaluation> = {},
): Evaluation {
  const now = system.now();
  return {
    id: system.newId(),
    ...owner,
    target: null,
    status: 'pending',
    revision: 1,
    subject: {
      taskType: 'headshot',
      taskDescription: null,
      prompt: null,
      imageUrl: null,
      inputAttributes: null,
      instructions: null,
      referenceImages: [],
    },
    threshold: 0.5,
    clientRef: null,
    callbackUrl: null,
    passed: null,
    passRate: null,
    overrideReason: null,
    topIssues: [],
    topStrengths: [],
    checks: null,
    action: null,
    parentId: null,
    attempt: 1,
    supersededAt: null,
    feedback: null,
    failure: null,
    cost: null,
    createdAt: now,
    updatedAt: now,
    completedAt: null,
    ...set,
  };
}

/** The evaluation as it is when it has come to this verdict. */
export function completed(evaluation: Evaluation, passed: boolean | null, at: number): Evaluation {
  const passRate = passed === null ? null : Number(passed);
  const { revision } = evaluation;
  return {
    ...evaluation,
    status: 'completed',
    revision: revision + 1,
    passed,
    passRate,
    updatedAt: at,
    completedAt: at,
  };
}

/** A judge that has not spoken yet. */
export function pendingJudge(evaluation: Evaluation, system: System, set: Partial<Judge> = {}): Judge {
  return {
    ...NO_VERDICT,
    id: system.newId(),
    evaluationId: evaluation.id,
    workflowId: 'judge-workflow',
    name: 'A judge',
    description: null,
    category: null,
    weight: 1,
    gate: false,
    runId: system.newId(),
    status: 'pending',
    createdAt: system.now(),
    ...set,
  };
}

/** A fault in a category, written `category` or `category/subcategory`. */
export function issueOf(written: string, system: System): EvaluationIssue {
  const [category = '', subcategory = null] = written.split('/');
  return { id: system.newId(), category, subcategory, detail: `about ${written}` };
}
