import type { Evaluation, EvaluationIssue, EvaluationPlan, Judge } from '../../domain/evaluation.ts';
import { evaluationFromRow, issueFromRow, judgeFromRow } from '../sql/evaluation-rows.ts';
import type { Connection } from './connection.ts';

/** See `Store.getEvaluation`. */
export function getEvaluation(on: Connection, workspaceId: string, evaluationId: string): Evaluation | null {
  const row = on.prepared('select * from evaluations where workspace_id = ? and id = ?').get(workspaceId, evaluationId);
  return row === undefined ? null : evaluationFromRow(row);
}

/** See `Store.lastEvaluation`. */
export function lastEvaluation(on: Connection, workspaceId: string, runId: string): Evaluation | null {
  const row = on
    .prepared('select * from evaluations where workspace_id = ? and run_id = ? order by attempt desc limit 1')
    .get(workspaceId, runId);
  return row === undefined ? null : evaluationFromRow(row);
}

/** See `Store.currentEvaluations`. */
export function currentEvaluations(on: Connection, workspaceId: string, runIds: readonly string[]): Evaluation[] {
  return on
    .prepared(
      `select e.* from json_each(?) wanted cross join evaluations e on e.workspace_id = ? and e.run_id = wanted.value
       where e.status = 'completed' and e.superseded_at is null`,
    )
    .all(JSON.stringify(runIds), workspaceId)
    .map(evaluationFromRow);
}

/** See `Store.listJudges`. */
export function listJudges(on: Connection, workspaceId: string, evaluationIds: readonly string[]): Judge[] {
  const wanted = JSON.stringify(evaluationIds);
  const issues = Map.groupBy(
    on
      .prepared(
        `select i.* from json_each(?) wanted
         cross join evaluation_issues i on i.workspace_id = ? and i.evaluation_id = wanted.value
         order by i.evaluation_id, i.judge_id, i.position`,
      )
      .all(wanted, workspaceId),
    (row) => row['judge_id'] as string,
  );
  const issuesOf = (judgeId: unknown): EvaluationIssue[] => (issues.get(judgeId as string) ?? []).map(issueFromRow);
  return on
    .prepared(
      `select j.* from json_each(?) wanted
       cross join evaluation_judges j on j.workspace_id = ? and j.evaluation_id = wanted.value
       order by j.evaluation_id, j.id`,
    )
    .all(wanted, workspaceId)
    .map((row) => judgeFromRow(row, issuesOf(row['id'])));
}

/** See `Store.evaluationsJudgedBy`. */
export function evaluationsJudgedBy(on: Connection, workspaceId: string, runIds: readonly string[]): string[] {
  return on
    .prepared(
      `select distinct j.evaluation_id from json_each(?) wanted
       cross join evaluation_judges j on j.workspace_id = ? and j.run_id = wanted.value`,
    )
    .all(JSON.stringify(runIds), workspaceId)
    .map((row) => row['evaluation_id'] as string);
}

/** See `Store.evaluationPlan`. */
export function evaluationPlan(on: Connection, workspaceId: string): EvaluationPlan | null {
  const row = on.prepared('select plan from evaluation_plans where workspace_id = ?').get(workspaceId);
  return row === undefined ? null : (JSON.parse(row['plan'] as string) as EvaluationPlan);
}
