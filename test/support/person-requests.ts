import type { PersonRequest } from '../../src/domain/person-request.ts';
import type { Run } from '../../src/domain/run.ts';
import type { System } from '../../src/system/system.ts';

/** A question that was just asked in a run: a checkbox, due never. */
export function pendingPersonRequest(
  run: Pick<Run, 'id' | 'workspaceId' | 'workflowId'>,
  system: System,
  set: Partial<PersonRequest> = {},
): PersonRequest {
  return {
    id: system.newId(),
    workspaceId: run.workspaceId,
    runId: run.id,
    workflowId: run.workflowId,
    nodeId: 'ask',
    iteration: 0,
    title: 'Publish?',
    description: 'The text is ready.',
    form: [{ name: 'approved', kind: 'checkbox', label: 'Approve', isRequired: true, initial: null, options: [] }],
    assignee: null,
    dueAt: null,
    fallback: null,
    status: 'pending',
    answer: null,
    settledBy: null,
    keyId: null,
    createdAt: system.now(),
    settledAt: null,
    revision: 1,
    ...set,
  };
}
