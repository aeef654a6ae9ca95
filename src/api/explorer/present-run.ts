import type { Caller } from '../../domain/caller.ts';
import type { Evaluation } from '../../domain/evaluation.ts';
import type { Run } from '../../domain/run.ts';
import { WORKFLOW_KINDS, type WorkflowKind } from '../../domain/workflow.ts';
import { SCOPE_OF_KIND } from '../../operations/access.ts';
import type { CountedWorkflow } from '../../operations/run-records.ts';
import type { DialectParts } from '../dialect.ts';
import type { RunRow, Verdict, WorkflowName } from './wire.ts';

type Parts = Pick<DialectParts, 'records' | 'evaluations'>;

/** Runs as lists show them, with the names of their workflows and their verdicts as far as the key may read those. */
export async function presentRows(parts: Parts, caller: Caller, runs: readonly Run[]): Promise<RunRow[]> {
  const [names, verdicts] = await Promise.all([
    namesOf(
      parts,
      caller,
      runs.map(({ workflowId }) => workflowId),
    ),
    caller.scopes.has('evaluations:read')
      ? parts.evaluations.currentOf(
          caller,
          runs.map(({ id }) => id),
        )
      : new Map<string, Evaluation>(),
  ]);
  return runs.map((run) => presentRow(run, names, verdicts.get(run.id) ?? null));
}

export async function presentOneRow(parts: Parts, caller: Caller, run: Run): Promise<RunRow> {
  const [row] = await presentRows(parts, caller, [run]);
  return row!;
}

/** Finds the names of workflows, deleted ones too. */
export type Names = ReadonlyMap<string, CountedWorkflow>;

export function namesOf({ records }: Pick<Parts, 'records'>, caller: Caller, ids: readonly string[]): Promise<Names> {
  const kinds = new Set(WORKFLOW_KINDS.filter((kind) => caller.scopes.has(SCOPE_OF_KIND[kind])));
  return records.targets(caller, ids, kinds);
}

export function presentName(names: Names, id: string, kind: WorkflowKind): WorkflowName {
  const workflow = names.get(id)?.workflow;
  return {
    id,
    name: workflow?.name ?? null,
    slug: workflow?.slug ?? null,
    kind: workflow?.kind ?? kind,
    isDeleted: workflow !== undefined && workflow.deletedAt !== null,
  };
}

function presentRow(run: Run, names: Names, evaluation: Evaluation | null): RunRow {
  const { startedAt, finishedAt } = run;
  return {
    id: run.id,
    status: run.status,
    workflow: presentName(names, run.workflowId, run.kind),
    versionId: run.workflowVersionId,
    source: run.source,
    progress: run.progress,
    nodesTotal: run.nodesTotal,
    nodesCompleted: run.nodesCompleted,
    createdAt: run.createdAt,
    startedAt,
    finishedAt,
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    cost: run.cost,
    failure: run.failure,
    clientRef: run.clientRef,
    batchId: run.batchId,
    metadata: run.meta,
    dialect: run.dialect,
    feedback: run.feedback,
    evaluation: evaluation === null ? null : presentVerdict(evaluation),
  };
}

function presentVerdict({ id, passed, passRate, topIssues }: Evaluation): Verdict {
  return { id, passed, passRate, topIssues };
}
