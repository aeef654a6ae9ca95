import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { FORM_FIELD_KINDS } from '../../domain/form.ts';
import { PERSON_REQUEST_STATUSES, type PersonRequest } from '../../domain/person-request.ts';
import type { Run } from '../../domain/run.ts';
import type { DialectParts } from '../dialect.ts';
import { within } from '../keyset-list.ts';
import { timeOf } from './present-run.ts';
import { nullable } from './tool.ts';

/** Requests of one run that its facts name. */
const SHOWN_REQUESTS = 20;

/** What a person is asked, with the fields that an answer has. */
export const PersonRequestFacts = Type.Object({
  id: Type.String(),
  run_id: Type.String(),
  workflow_id: Type.String(),
  node_key: Type.String(),
  status_code: Type.Enum([...PERSON_REQUEST_STATUSES], { type: 'string' }),
  title: Type.String(),
  description: Type.String(),
  assignee: nullable(Type.String()),
  due_at: nullable(Type.String()),
  form: Type.Array(
    Type.Object({
      name: Type.String({ description: 'Its key in the answer.' }),
      type: Type.Enum([...FORM_FIELD_KINDS], { type: 'string' }),
      label: Type.String(),
      required: Type.Boolean(),
      initial_value: Type.Unknown(),
      options: Type.Array(Type.String(), { description: 'What a select takes.' }),
    }),
  ),
  answer: nullable(Type.Record(Type.String(), Type.Unknown())),
  settled_by: nullable(Type.String()),
  created_at: Type.String(),
  settled_at: nullable(Type.String()),
});

export function presentPersonRequest(request: PersonRequest): Static<typeof PersonRequestFacts> {
  const time = (at: number | null) => (at === null ? null : timeOf(at));
  return {
    id: request.id,
    run_id: request.runId,
    workflow_id: request.workflowId,
    node_key: request.nodeId,
    status_code: request.status,
    title: request.title,
    description: request.description,
    assignee: request.assignee,
    due_at: time(request.dueAt),
    form: request.form.map(({ name, kind, label, isRequired, initial, options }) => ({
      name,
      type: kind,
      label,
      required: isRequired,
      initial_value: initial,
      options: [...options],
    })),
    answer: request.answer,
    settled_by: request.settledBy,
    created_at: timeOf(request.createdAt),
    settled_at: time(request.settledAt),
  };
}

/** What a run waits for persons to say, as far as the key may read it. */
export async function pendingOf({ personRequests }: Pick<DialectParts, 'personRequests'>, caller: Caller, run: Run) {
  if (run.status !== 'waiting' || !caller.scopes.has('people:read')) return [];
  const filter = within(within(null, 'runId', [run.id]), 'status', ['pending']);
  const page = await personRequests.find(caller, {
    filter,
    sort: [],
    limit: SHOWN_REQUESTS,
    from: null,
    backward: false,
  });
  return page.items.map(presentPersonRequest);
}
