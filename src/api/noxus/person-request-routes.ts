import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { FORM_FIELD_KINDS } from '../../domain/form.ts';
import type { JsonObject } from '../../domain/json.ts';
import { PERSON_REQUEST_STATUSES } from '../../domain/person-request.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import type { DialectParts } from '../dialect.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { answers, params } from './route-schema.ts';

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const word = (values: readonly string[], more: object = {}) => Type.Enum([...values], { type: 'string', ...more });
const time = () => nullable(Type.String({ format: 'date-time' }));
const object = () => Type.Record(Type.String(), Type.Unknown());

/** Characters of a name that tells who answered, and of a reason. */
const MAX_NAME = 500;

const ListQuery = Type.Object({
  status: o(word([...PERSON_REQUEST_STATUSES, 'all'], { default: 'pending' })),
  run_id: o(Type.String()),
  workflow_id: o(Type.String()),
  node_id: o(Type.String()),
  assignee: o(Type.String()),
  size: o(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  after: o(Type.String({ description: 'Begin behind the request of this id: `next` of the page before.' })),
});

const AnswerBody = Type.Object({
  answer: Type.Record(Type.String(), Type.Unknown(), { description: 'Values by the names of the form’s fields.' }),
  answered_by: o(
    nullable(
      Type.String({
        minLength: 1,
        maxLength: MAX_NAME,
        description: 'Who the answer is from. The name of the key when left out.',
      }),
    ),
  ),
});

const CancelBody = nullable(Type.Object({ reason: o(nullable(Type.String({ maxLength: MAX_NAME }))) }));

const HumanRequest = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    group_id: Type.String(),
    workflow_id: Type.String(),
    run_id: Type.String(),
    node_id: Type.String(),
    it: Type.Integer({ description: 'The item that the node asks about, from 1; 0 where it asks once.' }),
    status: word(PERSON_REQUEST_STATUSES),
    title: Type.String(),
    description: Type.String(),
    fields: Type.Array(
      Type.Object({
        name: Type.String(),
        type: word(FORM_FIELD_KINDS),
        label: Type.String(),
        required: Type.Boolean(),
        initial_value: Type.Unknown(),
        options: o(Type.Array(Type.String())),
      }),
    ),
    assignee: nullable(Type.String()),
    due_at: time(),
    default_answer: nullable(object()),
    answer: nullable(object()),
    settled_by: nullable(Type.String()),
    created_at: Type.String({ format: 'date-time' }),
    settled_at: time(),
  },
  { description: 'What a run asks a person. An addition of Millrun.' },
);

const settled = {
  ...answers(HumanRequest),
  409: Type.Ref('PlainError', { description: 'It was answered, canceled or expired before.' }),
};

interface OfRequest {
  readonly request_id: string;
}

/** Requests to persons. All of it is an addition: no public endpoint is known (noxus-api.md 1.2). */
export function personRequestRoutes(api: FastifyInstance, { personRequests }: DialectParts): void {
  const tags = ['V1 - Human requests'];
  api.get<{ Querystring: Static<typeof ListQuery> }>(
    '/v1/human-requests',
    {
      schema: {
        tags,
        summary: 'List Human Requests',
        querystring: ListQuery,
        response: answers(
          Type.Object({
            items: Type.Array(HumanRequest),
            next: nullable(Type.String({ description: 'What `after` takes for the next page; null: there is none.' })),
          }),
        ),
      },
    },
    async ({ caller, query }) => {
      const page = await personRequests.find(caller, {
        filter: filterOf(query),
        sort: [{ column: 'id', direction: 'asc' }],
        limit: query.size ?? 50,
        from: null,
        backward: false,
      });
      return {
        items: page.items.map(presentPersonRequest),
        next: page.next === null ? null : (page.items.at(-1)?.id ?? null),
      };
    },
  );
  const one = '/v1/human-requests/:request_id';
  api.get<{ Params: OfRequest }>(
    one,
    { schema: { tags, summary: 'Get Human Request', params: params('request_id'), response: answers(HumanRequest) } },
    async ({ caller, params: { request_id: id } }) => presentPersonRequest(await personRequests.get(caller, id)),
  );
  api.post<{ Params: OfRequest; Body: Static<typeof AnswerBody> }>(
    `${one}/answer`,
    {
      schema: {
        tags,
        summary: 'Answer Human Request',
        params: params('request_id'),
        body: AnswerBody,
        response: settled,
      },
    },
    async ({ caller, params: { request_id: id }, body }) =>
      presentPersonRequest(
        await personRequests.answer(caller, id, body.answer as JsonObject, body.answered_by ?? null),
      ),
  );
  api.post<{ Params: OfRequest; Body: Static<typeof CancelBody> }>(
    `${one}/cancel`,
    {
      schema: {
        tags,
        summary: 'Cancel Human Request',
        params: params('request_id'),
        body: CancelBody,
        response: settled,
      },
    },
    async ({ caller, params: { request_id: id }, body }) =>
      presentPersonRequest(await personRequests.cancel(caller, id, body?.reason ?? null)),
  );
}

function filterOf(query: Static<typeof ListQuery>): CheckedFilter {
  const terms: CheckedFilter[] = [];
  const test = (column: string, value: string | undefined) => {
    if (value === undefined) return;
    terms.push({ kind: 'in', target: { column, kind: 'text', path: [] }, values: [value] });
  };
  const status = query.status ?? 'pending';
  test('status', status === 'all' ? undefined : status);
  test('runId', query.run_id);
  test('workflowId', query.workflow_id);
  test('nodeId', query.node_id);
  test('assignee', query.assignee);
  if (query.after !== undefined) {
    // Ids grow with time, so that those behind one are those that were asked later.
    terms.push({ kind: 'order', target: { column: 'id', kind: 'text', path: [] }, order: 'gt', value: query.after });
  }
  return { kind: 'and', terms };
}
