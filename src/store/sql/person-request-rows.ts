import type { FormField } from '../../domain/form.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { PersonRequest, PersonRequestStatus } from '../../domain/person-request.ts';
import type { AskedPass } from '../store.ts';
import type { Row } from './rows.ts';

type Cell = string | number | null;

export const PERSON_REQUEST_COLUMNS = [
  'workspace_id',
  'id',
  'run_id',
  'workflow_id',
  'node_id',
  'iteration',
  'title',
  'description',
  'form',
  'assignee',
  'due_at',
  'fallback',
  'status',
  'answer',
  'settled_by',
  'key_id',
  'created_at',
  'settled_at',
  'revision',
] as const;

export function personRequestCells(request: PersonRequest): Cell[] {
  return [
    request.workspaceId,
    request.id,
    request.runId,
    request.workflowId,
    request.nodeId,
    request.iteration,
    request.title,
    request.description,
    JSON.stringify(request.form),
    request.assignee,
    request.dueAt,
    request.fallback === null ? null : JSON.stringify(request.fallback),
    request.status,
    request.answer === null ? null : JSON.stringify(request.answer),
    request.settledBy,
    request.keyId,
    request.createdAt,
    request.settledAt,
    request.revision,
  ];
}

export function personRequestFromRow(row: Row): PersonRequest {
  const object = (column: string) => (row[column] === null ? null : (JSON.parse(row[column] as string) as JsonObject));
  const time = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    workspaceId: row['workspace_id'] as string,
    id: row['id'] as string,
    runId: row['run_id'] as string,
    workflowId: row['workflow_id'] as string,
    nodeId: row['node_id'] as string,
    iteration: Number(row['iteration']),
    title: row['title'] as string,
    description: row['description'] as string,
    form: JSON.parse(row['form'] as string) as FormField[],
    assignee: row['assignee'] as string | null,
    dueAt: time('due_at'),
    fallback: object('fallback'),
    status: row['status'] as PersonRequestStatus,
    answer: object('answer'),
    settledBy: row['settled_by'] as string | null,
    keyId: row['key_id'] as string | null,
    createdAt: Number(row['created_at']),
    settledAt: time('settled_at'),
    revision: Number(row['revision']),
  };
}

export function askedPassFromRow(row: Row): AskedPass {
  return {
    requestId: row['id'] as string,
    nodeId: row['node_id'] as string,
    iteration: Number(row['iteration']),
    createdAt: Number(row['created_at']),
  };
}
