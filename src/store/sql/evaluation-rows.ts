import type {
  Evaluation,
  EvaluationAction,
  EvaluationIssue,
  EvaluationStatus,
  Judge,
  ReferenceImage,
} from '../../domain/evaluation.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { WorkflowKind } from '../../domain/workflow.ts';
import { decimalKey } from '../../filter/decimal.ts';
import { feedbackCells, feedbackFromRow, type Row } from './rows.ts';

type Cell = string | number | null;

const text = (row: Row, column: string): string => row[column] as string;
const textOrNull = (row: Row, column: string): string | null => (row[column] as string | null) ?? null;
const numberOrNull = (row: Row, column: string): number | null =>
  row[column] === null || row[column] === undefined ? null : Number(row[column]);
const flagOrNull = (row: Row, column: string): boolean | null => {
  const value = numberOrNull(row, column);
  return value === null ? null : value === 1;
};
const json = <T>(row: Row, column: string): T | null => {
  const value = textOrNull(row, column);
  return value === null ? null : (JSON.parse(value) as T);
};

const flagCell = (flag: boolean | null): Cell => (flag === null ? null : Number(flag));
const jsonCell = (value: object | null): Cell => (value === null ? null : JSON.stringify(value));
/** Empty lists are most of them: null takes no room. */
const listCell = (list: readonly unknown[]): Cell => (list.length === 0 ? null : JSON.stringify(list));
const keyCell = (decimal: string | null): Cell => (decimal === null ? null : decimalKey(decimal));

/** What an evaluation is made with, and never changes. */
const FIXED_COLUMNS = [
  'workspace_id',
  'id',
  'run_id',
  'target_kind',
  'workflow_id',
  'task_type',
  'task_description',
  'prompt',
  'image_url',
  'input_attributes',
  'instructions',
  'reference_images',
  'threshold',
  'client_ref',
  'callback_url',
  'parent_id',
  'attempt',
  'created_at',
] as const;

/** What a change of an evaluation may replace; feedback is set apart. */
export const CHANGING_COLUMNS = [
  'status',
  'revision',
  'passed',
  'pass_rate',
  'pass_rate_key',
  'override_reason',
  'top_issues',
  'top_strengths',
  'checks',
  'next_action',
  'superseded_at',
  'failure',
  'cost',
  'cost_key',
  'updated_at',
  'completed_at',
] as const;

export const EVALUATION_COLUMNS = [
  ...FIXED_COLUMNS,
  ...CHANGING_COLUMNS,
  'feedback_is_positive',
  'feedback_reason',
] as const;

/** The cells of `EVALUATION_COLUMNS`. */
export function evaluationCells(evaluation: Evaluation): Cell[] {
  const { subject } = evaluation;
  return [
    evaluation.workspaceId,
    evaluation.id,
    evaluation.runId,
    evaluation.target?.kind ?? null,
    evaluation.target?.workflowId ?? null,
    subject.taskType,
    subject.taskDescription,
    subject.prompt,
    subject.imageUrl,
    jsonCell(subject.inputAttributes),
    subject.instructions,
    listCell(subject.referenceImages),
    evaluation.threshold,
    evaluation.clientRef,
    evaluation.callbackUrl,
    evaluation.parentId,
    evaluation.attempt,
    evaluation.createdAt,
    ...changingCells(evaluation),
    ...feedbackCells(evaluation.feedback),
  ];
}

/** The cells of `CHANGING_COLUMNS`. */
export function changingCells(evaluation: Evaluation): Cell[] {
  const { passRate } = evaluation;
  return [
    evaluation.status,
    evaluation.revision,
    flagCell(evaluation.passed),
    passRate,
    keyCell(passRate === null ? null : String(passRate)),
    evaluation.overrideReason,
    listCell(evaluation.topIssues),
    listCell(evaluation.topStrengths),
    jsonCell(evaluation.checks),
    evaluation.action,
    evaluation.supersededAt,
    jsonCell(evaluation.failure),
    evaluation.cost,
    keyCell(evaluation.cost),
    evaluation.updatedAt,
    evaluation.completedAt,
  ];
}

export function evaluationFromRow(row: Row): Evaluation {
  const kind = textOrNull(row, 'target_kind') as WorkflowKind | null;
  return {
    workspaceId: text(row, 'workspace_id'),
    id: text(row, 'id'),
    runId: textOrNull(row, 'run_id'),
    target: kind === null ? null : { kind, workflowId: text(row, 'workflow_id') },
    status: text(row, 'status') as EvaluationStatus,
    revision: Number(row['revision']),
    subject: {
      taskType: textOrNull(row, 'task_type'),
      taskDescription: textOrNull(row, 'task_description'),
      prompt: textOrNull(row, 'prompt'),
      imageUrl: textOrNull(row, 'image_url'),
      inputAttributes: json<JsonObject>(row, 'input_attributes'),
      instructions: textOrNull(row, 'instructions'),
      referenceImages: json<ReferenceImage[]>(row, 'reference_images') ?? [],
    },
    threshold: Number(row['threshold']),
    clientRef: textOrNull(row, 'client_ref'),
    callbackUrl: textOrNull(row, 'callback_url'),
    passed: flagOrNull(row, 'passed'),
    passRate: numberOrNull(row, 'pass_rate'),
    overrideReason: textOrNull(row, 'override_reason'),
    topIssues: json<string[]>(row, 'top_issues') ?? [],
    topStrengths: json<string[]>(row, 'top_strengths') ?? [],
    checks: json(row, 'checks'),
    action: textOrNull(row, 'next_action') as EvaluationAction | null,
    parentId: textOrNull(row, 'parent_id'),
    attempt: Number(row['attempt']),
    supersededAt: numberOrNull(row, 'superseded_at'),
    feedback: feedbackFromRow(row),
    failure: json(row, 'failure'),
    cost: textOrNull(row, 'cost'),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    completedAt: numberOrNull(row, 'completed_at'),
  };
}

export const JUDGE_COLUMNS = [
  'workspace_id',
  'evaluation_id',
  'id',
  'workflow_id',
  'name',
  'description',
  'category',
  'weight',
  'gate',
  'run_id',
  'status',
  'passed',
  'confidence',
  'reasoning',
  'evidence',
  'strengths',
  'sub_points',
  'created_at',
] as const;

export function judgeCells(workspaceId: string, judge: Judge): Cell[] {
  return [
    workspaceId,
    judge.evaluationId,
    judge.id,
    judge.workflowId,
    judge.name,
    judge.description,
    judge.category,
    judge.weight,
    flagCell(judge.gate),
    judge.runId,
    judge.status,
    flagCell(judge.passed),
    judge.confidence,
    judge.reasoning,
    listCell(judge.evidence),
    listCell(judge.strengths),
    jsonCell(judge.subPoints),
    judge.createdAt,
  ];
}

export function judgeFromRow(row: Row, issues: readonly EvaluationIssue[]): Judge {
  return {
    evaluationId: text(row, 'evaluation_id'),
    id: text(row, 'id'),
    workflowId: text(row, 'workflow_id'),
    name: text(row, 'name'),
    description: textOrNull(row, 'description'),
    category: textOrNull(row, 'category'),
    weight: Number(row['weight']),
    gate: row['gate'] === 1,
    runId: textOrNull(row, 'run_id'),
    status: text(row, 'status') as Judge['status'],
    passed: flagOrNull(row, 'passed'),
    confidence: numberOrNull(row, 'confidence'),
    reasoning: textOrNull(row, 'reasoning'),
    evidence: json<string[]>(row, 'evidence') ?? [],
    strengths: json<string[]>(row, 'strengths') ?? [],
    subPoints: json<JsonObject>(row, 'sub_points'),
    issues,
    createdAt: Number(row['created_at']),
  };
}

export const ISSUE_COLUMNS = [
  'workspace_id',
  'evaluation_id',
  'judge_id',
  'position',
  'id',
  'run_id',
  'is_current',
  'category',
  'subcategory',
  'detail',
] as const;

/** @param runId the run that is judged */
export function issueCells(
  workspaceId: string,
  runId: string | null,
  judge: Judge,
  issue: EvaluationIssue,
  position: number,
): Cell[] {
  const { id, category, subcategory, detail } = issue;
  return [workspaceId, judge.evaluationId, judge.id, position, id, runId, 0, category, subcategory, detail];
}

export function issueFromRow(row: Row): EvaluationIssue {
  return {
    id: text(row, 'id'),
    category: text(row, 'category'),
    subcategory: textOrNull(row, 'subcategory'),
    detail: textOrNull(row, 'detail'),
  };
}
