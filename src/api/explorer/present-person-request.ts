import type { PersonRequest } from '../../domain/person-request.ts';
import { type Names, presentName } from './present-run.ts';
import type { PersonRequestRow } from './wire.ts';

export function presentPersonRequest(request: PersonRequest, names: Names): PersonRequestRow {
  return {
    id: request.id,
    runId: request.runId,
    workflow: presentName(names, request.workflowId, 'flow'),
    nodeId: request.nodeId,
    iteration: request.iteration,
    title: request.title,
    description: request.description,
    form: request.form,
    assignee: request.assignee,
    dueAt: request.dueAt,
    status: request.status,
    answer: request.answer,
    settledBy: request.settledBy,
    createdAt: request.createdAt,
    settledAt: request.settledAt,
  };
}
