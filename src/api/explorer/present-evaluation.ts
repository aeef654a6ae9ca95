import type { Evaluation } from '../../domain/evaluation.ts';
import type { JudgedEvaluation } from '../../operations/evaluations.ts';
import { type Names, presentName } from './present-run.ts';
import type { EvaluationDetail, EvaluationRow } from './wire.ts';

export function presentEvaluation(evaluation: Evaluation, names: Names): EvaluationRow {
  const { target } = evaluation;
  return {
    id: evaluation.id,
    runId: evaluation.runId,
    workflow: target === null ? null : presentName(names, target.workflowId, target.kind),
    status: evaluation.status,
    passed: evaluation.passed,
    passRate: evaluation.passRate,
    threshold: evaluation.threshold,
    overrideReason: evaluation.overrideReason,
    topIssues: evaluation.topIssues,
    topStrengths: evaluation.topStrengths,
    action: evaluation.action,
    attempt: evaluation.attempt,
    isCurrent: evaluation.status === 'completed' && evaluation.supersededAt === null,
    failure: evaluation.failure,
    cost: evaluation.cost,
    createdAt: evaluation.createdAt,
    completedAt: evaluation.completedAt,
  };
}

export function presentEvaluationDetail({ evaluation, judges }: JudgedEvaluation, names: Names): EvaluationDetail {
  const { subject, feedback } = evaluation;
  return { ...presentEvaluation(evaluation, names), subject, feedback, judges };
}
