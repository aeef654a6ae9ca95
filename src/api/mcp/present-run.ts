import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { RUN_STATUSES, type Run } from '../../domain/run.ts';
import { WORKFLOW_KINDS } from '../../domain/workflow.ts';
import { SCOPE_OF_KIND } from '../../operations/access.ts';
import type { CountedWorkflow } from '../../operations/run-records.ts';
import type { DialectParts } from '../dialect.ts';
import { nullable } from './tool.ts';

/** The facts of a run under the names that a filter has for them, so that what is read can be asked for. */
export const RunFacts = Type.Object({
  id: Type.String(),
  status: Type.Enum([...RUN_STATUSES], { type: 'string' }),
  workflow: nullable(Type.String({ description: 'Its name; null when the key may not read workflows of its kind.' })),
  workflow_id: Type.String(),
  target_type: Type.Enum([...WORKFLOW_KINDS], { type: 'string' }),
  progress: Type.Integer({ description: 'Settled nodes in percent.' }),
  nodes_completed: Type.Integer(),
  nodes_total: Type.Integer(),
  created_at: Type.String(),
  started_at: nullable(Type.String()),
  completed_at: nullable(Type.String()),
  duration_ms: nullable(Type.Integer()),
  cost: nullable(Type.String({ description: 'US dollars.' })),
  source_code: Type.String(),
  client_ref: nullable(Type.String()),
  failure_code: nullable(Type.String()),
  failure_node: nullable(Type.String()),
  failure_message: nullable(Type.String()),
});

/** The names of workflows by id, deleted ones too, as far as the key may read them. */
export type Names = ReadonlyMap<string, CountedWorkflow>;

export function namesOf({ records }: Pick<DialectParts, 'records'>, caller: Caller, ids: readonly string[]) {
  const kinds = new Set(WORKFLOW_KINDS.filter((kind) => caller.scopes.has(SCOPE_OF_KIND[kind])));
  return records.targets(caller, ids, kinds);
}

export function presentRun(run: Run, names: Names): Static<typeof RunFacts> {
  const { startedAt, finishedAt, failure } = run;
  return {
    id: run.id,
    status: run.status,
    workflow: names.get(run.workflowId)?.workflow.name ?? null,
    workflow_id: run.workflowId,
    target_type: run.kind,
    progress: run.progress,
    nodes_completed: run.nodesCompleted,
    nodes_total: run.nodesTotal,
    created_at: timeOf(run.createdAt),
    started_at: startedAt === null ? null : timeOf(startedAt),
    completed_at: finishedAt === null ? null : timeOf(finishedAt),
    duration_ms: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    cost: run.cost,
    source_code: run.source,
    client_ref: run.clientRef,
    failure_code: failure?.code ?? null,
    failure_node: failure?.nodeId ?? null,
    failure_message: failure === null ? null : clipped(failure.message, MESSAGE_LENGTH),
  };
}

/** A time in epoch milliseconds as text, ISO 8601 in UTC. */
export const timeOf = (at: number): string => new Date(at).toISOString();

/** Characters of one message: a log line or a failure may hold a page of somebody's answer. */
export const MESSAGE_LENGTH = 2000;

/** Text of so many UTF-16 units at most; what was cut off leaves an ellipsis. */
export function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
