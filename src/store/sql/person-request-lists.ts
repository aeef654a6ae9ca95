import { PERSON_REQUEST_STATUSES } from '../../domain/person-request.ts';
import type { Listed } from '../store.ts';
import type { ListSource } from './keyset.ts';
import { personRequestFromRow } from './person-request-rows.ts';

/** The source of `Store.find('personRequests')`: who waits longest comes first. */
export function personRequests(): ListSource<Listed['personRequests']> {
  return {
    select: 'q.*',
    table: 'person_requests q',
    joins: [],
    workspace: 'q.workspace_id',
    columns: {
      id: 'q.id',
      status: 'q.status',
      runId: 'q.run_id',
      workflowId: 'q.workflow_id',
      nodeId: 'q.node_id',
      iteration: 'q.iteration',
      title: 'q.title',
      description: 'q.description',
      assignee: 'q.assignee',
      dueAt: 'q.due_at',
      answer: 'q.answer',
      settledBy: 'q.settled_by',
      createdAt: 'q.created_at',
      settledAt: 'q.settled_at',
    },
    notNull: new Set([
      'id',
      'status',
      'runId',
      'workflowId',
      'nodeId',
      'iteration',
      'title',
      'description',
      'createdAt',
    ]),
    key: ['id'],
    indexes: [
      { name: 'sqlite_autoindex_person_requests_1', columns: ['id'] },
      { name: 'person_requests_by_run', columns: ['runId', 'status', 'id'] },
      { name: 'person_requests_by_status', columns: ['status', 'createdAt', 'id'] },
    ],
    values: { status: PERSON_REQUEST_STATUSES },
    defaultSort: [{ column: 'createdAt', direction: 'asc' }],
    item: personRequestFromRow,
  };
}
