import { type Evaluation, type EvaluationAction, gateFailures, type Judge } from '../../domain/evaluation.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { JudgedEvaluation } from '../../operations/evaluations.ts';

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** The only class of evaluation there is. */
export const JOB_CLASS = 'standard';

/** What each action asks for. */
const ACTION: Readonly<Record<EvaluationAction, string>> = {
  accept: 'The result does what was asked for.',
  retry: 'The result has faults: make it anew.',
  review: 'No judge came to a verdict: a person should look.',
};

/** The relations of an evaluation that can be embedded. */
export const EVALUATION_EMBEDS = ['judges', 'action', 'gate_failures'] as const;

/** The properties of an evaluation (runflow-fields.md), with `failure_message` and the threshold that it was held against. */
export const EVALUATION_FIELDS = [
  'id',
  'org_id',
  'run_id',
  'target_type_code',
  'model_id',
  'flow_id',
  'comfyui_workflow_id',
  'task_type',
  'task_description',
  'generation_prompt',
  'generated_image_url',
  'input_attributes',
  'evaluation_instructions',
  'reference_images',
  'status_code',
  'job_class_code',
  'overall_passed',
  'weighted_pass_rate',
  'pass_threshold',
  'override_reason',
  'top_issues',
  'top_strengths',
  'check_summary',
  'analysis_modules_executed',
  'primary_action_code',
  'parent_evaluation_id',
  'attempt_number',
  'superseded_at',
  'eval_duration_ms',
  'feedback_is_positive',
  'feedback_reason',
  'created_at',
  'updated_at',
  'client_ref',
  'submitted_at',
  'completed_at',
  'callback_url',
  'cost',
  'links',
  'failure_code',
  'failure_message',
] as const;

/** An evaluation with the relations that are wanted. */
export function presentEvaluation(
  { evaluation, judges }: JudgedEvaluation,
  embeds: ReadonlySet<string>,
): Record<(typeof EVALUATION_FIELDS)[number], JsonValue> & JsonObject {
  const { subject, checks, target, feedback } = evaluation;
  const idOf = (kind: string) => (target?.kind === kind ? target.workflowId : null);
  const self = `/v1/evaluations/${evaluation.id}`;
  return {
    id: evaluation.id,
    org_id: evaluation.workspaceId,
    run_id: evaluation.runId,
    target_type_code: target?.kind ?? null,
    model_id: idOf('model'),
    flow_id: idOf('flow'),
    comfyui_workflow_id: idOf('comfyui_workflow'),
    task_type: subject.taskType,
    task_description: subject.taskDescription,
    generation_prompt: subject.prompt,
    generated_image_url: subject.imageUrl,
    input_attributes: subject.inputAttributes,
    evaluation_instructions: subject.instructions,
    reference_images: subject.referenceImages.map((image) => ({ ...image })),
    status_code: evaluation.status,
    job_class_code: JOB_CLASS,
    overall_passed: evaluation.passed,
    weighted_pass_rate: evaluation.passRate,
    pass_threshold: evaluation.threshold,
    override_reason: evaluation.overrideReason,
    top_issues: [...evaluation.topIssues],
    top_strengths: [...evaluation.topStrengths],
    check_summary:
      checks === null
        ? null
        : {
            judges: checks.judges,
            passed: checks.passed,
            failed: checks.failed,
            without_verdict: checks.withoutVerdict,
          },
    analysis_modules_executed: checks?.judges ?? null,
    primary_action_code: evaluation.action,
    parent_evaluation_id: evaluation.parentId,
    attempt_number: evaluation.attempt,
    superseded_at: time(evaluation.supersededAt),
    eval_duration_ms: evaluation.completedAt === null ? null : evaluation.completedAt - evaluation.createdAt,
    feedback_is_positive: feedback?.isPositive ?? null,
    feedback_reason: feedback?.reason ?? null,
    created_at: time(evaluation.createdAt),
    updated_at: time(evaluation.updatedAt),
    client_ref: evaluation.clientRef,
    submitted_at: time(evaluation.createdAt),
    completed_at: time(evaluation.completedAt),
    callback_url: evaluation.callbackUrl,
    cost: evaluation.cost,
    links: {
      self,
      feedback: `${self}/feedback`,
      callback: `${self}/callback`,
      run: evaluation.runId === null ? null : `/v1/runs/${evaluation.runId}`,
    },
    failure_code: evaluation.failure?.code ?? null,
    failure_message: evaluation.failure?.message ?? null,
    ...(embeds.has('judges') && { judges: judges.map(presentJudge) }),
    ...(embeds.has('action') && { action: presentAction(evaluation) }),
    ...(embeds.has('gate_failures') && { gate_failures: gateFailures(judges).map(presentGateFailure) }),
  };
}

function presentJudge(judge: Judge): JsonObject {
  const evaluation = { evaluation_id: judge.evaluationId, evaluation_judge_id: judge.id };
  return {
    id: judge.id,
    evaluation_id: judge.evaluationId,
    name: judge.name,
    description: judge.description,
    category: judge.category,
    workflow_id: judge.workflowId,
    run_id: judge.runId,
    status_code: judge.status,
    is_gate: judge.gate,
    passed: judge.passed,
    confidence: judge.confidence,
    weight: judge.weight,
    reasoning: judge.reasoning,
    evidence: [...judge.evidence],
    strengths: [...judge.strengths],
    sub_point_results: judge.subPoints,
    sub_points_evaluated: Object.keys(judge.subPoints ?? {}).length,
    created_at: time(judge.createdAt),
    issues: judge.issues.map((issue) => ({ ...issue, ...evaluation })),
  };
}

function presentAction({ action }: Evaluation): JsonObject | null {
  return action === null ? null : { code: action, description: ACTION[action] };
}

function presentGateFailure({ id, name, category, reasoning }: Judge): JsonObject {
  return { evaluation_judge_id: id, name, category, reasoning };
}

/** The body of the callback of an evaluation that was concluded, as JSON text: as a run's (runflow-api.md 4), with the verdict as output. */
export function presentEvaluationCallbackBody(evaluation: Evaluation): string {
  const { status, failure } = evaluation;
  const output =
    failure === null
      ? {
          overall_passed: evaluation.passed,
          weighted_pass_rate: evaluation.passRate,
          top_issues: evaluation.topIssues,
          primary_action_code: evaluation.action,
        }
      : { error: failure };
  return JSON.stringify({
    event: `evaluation.${status}`,
    evaluation_id: evaluation.id,
    run_id: evaluation.runId,
    status,
    output,
    duration_ms: evaluation.completedAt === null ? null : evaluation.completedAt - evaluation.createdAt,
    created_at: time(evaluation.createdAt),
    completed_at: time(evaluation.completedAt),
    client_ref: evaluation.clientRef,
  });
}
