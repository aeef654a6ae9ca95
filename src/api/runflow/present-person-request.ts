import type { PersonRequest } from '../../domain/person-request.ts';
import { presentForm } from '../present-form.ts';

/** A request to a person as this API shows it. */
export function presentPersonRequest(request: PersonRequest): Record<string, unknown> {
  return {
    id: request.id,
    org_id: request.workspaceId,
    workflow_id: request.workflowId,
    run_id: request.runId,
    node_key: request.nodeId,
    iteration: request.iteration,
    status_code: request.status,
    title: request.title,
    description: request.description,
    fields: presentForm(request.form),
    assignee: request.assignee,
    due_at: time(request.dueAt),
    default_answer: request.fallback,
    answer: request.answer,
    settled_by: request.settledBy,
    created_at: time(request.createdAt),
    settled_at: time(request.settledAt),
  };
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
