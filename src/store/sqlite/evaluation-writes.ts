import type { StatementSync } from 'node:sqlite';
import { type Evaluation, type EvaluationStatus, isConcluded, type Judge } from '../../domain/evaluation.ts';
import type { Write } from '../change.ts';
import * as rows from '../sql/evaluation-rows.ts';
import { feedbackCells } from '../sql/rows.ts';

/** The statement of a text, prepared once. */
type Prepared = (sql: string) => StatementSync;

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

const insert = (table: string, columns: readonly string[]): string =>
  `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;

const INSERT = {
  evaluations: insert('evaluations', rows.EVALUATION_COLUMNS),
  judges: insert('evaluation_judges', rows.JUDGE_COLUMNS).replace('insert', 'insert or replace'),
  issues: insert('evaluation_issues', rows.ISSUE_COLUMNS),
} as const;

const UPDATE = `update evaluations set ${rows.CHANGING_COLUMNS.map((column) => `${column} = ?`).join(', ')}
  where workspace_id = ? and id = ?`;

const OF_RUN = '(select id from evaluations where workspace_id = ?1 and run_id = ?2)';

/** What removes the evaluations of a run, given workspace and run. */
export const REMOVE_EVALUATIONS: readonly string[] = [
  `delete from evaluation_issues where workspace_id = ?1 and evaluation_id in ${OF_RUN}`,
  `delete from evaluation_judges where workspace_id = ?1 and evaluation_id in ${OF_RUN}`,
  `delete from deliveries where workspace_id = ?1 and subject_id in ${OF_RUN}`,
  `delete from delivery_attempts where workspace_id = ?1 and subject_id in ${OF_RUN}`,
  'delete from evaluations where workspace_id = ?1 and run_id = ?2',
];

/** Whether what a write rests on still holds. */
export function evaluationHolds(
  write: Of<'createEvaluation' | 'updateEvaluation' | 'completeEvaluation'>,
  prepared: Prepared,
): boolean {
  const { evaluation } = write;
  const { workspaceId, id } = evaluation;
  if (write.kind === 'createEvaluation') return parentHolds(evaluation, prepared);
  const row = prepared('select revision, status from evaluations where workspace_id = ? and id = ?').get(
    workspaceId,
    id,
  );
  if (row === undefined || row['revision'] !== evaluation.revision - 1) return false;
  return write.kind === 'updateEvaluation' || !isConcluded(row['status'] as EvaluationStatus);
}

function parentHolds({ workspaceId, runId, parentId }: Evaluation, prepared: Prepared): boolean {
  if (runId === null) {
    const parent = 'select 1 from evaluations where workspace_id = ? and id = ?';
    return parentId === null || prepared(parent).get(workspaceId, parentId) !== undefined;
  }
  const run = prepared('select 1 from runs where workspace_id = ? and id = ?').get(workspaceId, runId);
  const last = prepared(
    'select id from evaluations where workspace_id = ? and run_id = ? order by attempt desc limit 1',
  ).get(workspaceId, runId);
  return run !== undefined && (last?.['id'] ?? null) === parentId;
}

/** Writes what a write says. */
export function applyEvaluation(
  write: Of<
    'createEvaluation' | 'updateEvaluation' | 'completeEvaluation' | 'setEvaluationFeedback' | 'setEvaluationPlan'
  >,
  prepared: Prepared,
): void {
  switch (write.kind) {
    case 'createEvaluation':
      prepared(INSERT.evaluations).run(...rows.evaluationCells(write.evaluation));
      putJudges(write.evaluation, write.judges, prepared);
      return;
    case 'updateEvaluation':
      update(write.evaluation, write.judges, prepared);
      return;
    case 'completeEvaluation':
      complete(write.evaluation, write.judges, prepared);
      return;
    case 'setEvaluationFeedback':
      prepared(
        `update evaluations set feedback_is_positive = ?, feedback_reason = ?, updated_at = ?, revision = revision + 1
         where workspace_id = ? and id = ?`,
      ).run(...feedbackCells(write.feedback), write.at, write.workspaceId, write.evaluationId);
      return;
    case 'setEvaluationPlan':
      if (write.plan === null) {
        prepared('delete from evaluation_plans where workspace_id = ?').run(write.workspaceId);
        return;
      }
      prepared('insert or replace into evaluation_plans (workspace_id, plan) values (?, ?)').run(
        write.workspaceId,
        JSON.stringify(write.plan),
      );
      return;
  }
}

function update(evaluation: Evaluation, judges: readonly Judge[], prepared: Prepared): void {
  prepared(UPDATE).run(...rows.changingCells(evaluation), evaluation.workspaceId, evaluation.id);
  putJudges(evaluation, judges, prepared);
}

/** The order of attempts decides, not that of completion: a slow older judgement does not take the place of a newer one. */
function complete(evaluation: Evaluation, judges: readonly Judge[], prepared: Prepared): void {
  const { workspaceId, id, runId, parentId, attempt } = evaluation;
  const at = evaluation.completedAt ?? evaluation.updatedAt;
  const before =
    runId === null
      ? prepared(
          `select id, attempt from evaluations where workspace_id = ? and id = ? and status = 'completed' and superseded_at is null`,
        ).get(workspaceId, parentId)
      : prepared(
          `select id, attempt from evaluations where workspace_id = ? and run_id = ? and status = 'completed' and superseded_at is null`,
        ).get(workspaceId, runId);
  const isLate = before !== undefined && Number(before['attempt']) > attempt;
  if (before !== undefined && !isLate) {
    prepared('update evaluations set superseded_at = ?, updated_at = ? where workspace_id = ? and id = ?').run(
      at,
      at,
      workspaceId,
      before['id'] as string,
    );
    setCurrent(workspaceId, before['id'] as string, false, prepared);
  }
  update(isLate ? { ...evaluation, supersededAt: at } : evaluation, judges, prepared);
  setCurrent(workspaceId, id, !isLate, prepared);
}

function setCurrent(workspaceId: string, evaluationId: string, isCurrent: boolean, prepared: Prepared): void {
  prepared('update evaluation_issues set is_current = ? where workspace_id = ? and evaluation_id = ?').run(
    Number(isCurrent),
    workspaceId,
    evaluationId,
  );
}

function putJudges({ workspaceId, runId }: Evaluation, judges: readonly Judge[], prepared: Prepared): void {
  for (const judge of judges) {
    prepared(INSERT.judges).run(...rows.judgeCells(workspaceId, judge));
    prepared('delete from evaluation_issues where workspace_id = ? and evaluation_id = ? and judge_id = ?').run(
      workspaceId,
      judge.evaluationId,
      judge.id,
    );
    for (const [position, issue] of judge.issues.entries()) {
      prepared(INSERT.issues).run(...rows.issueCells(workspaceId, runId, judge, issue, position));
    }
  }
}
