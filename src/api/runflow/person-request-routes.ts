import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { JsonObject } from '../../domain/json.ts';
import { PERSON_REQUEST_STATUSES } from '../../domain/person-request.ts';
import { personRequestVocabulary } from '../../filter/person-request-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { LIST_QUERY, type ListKind, listAnswer, presentList, readList, texts, within } from './list.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { answers, fieldsOf, opt } from './schemas.ts';
import { sendText } from './send.ts';

const tags = ['Human requests'];

/** Characters of a name that tells who answered, and of a reason. */
const MAX_NAME = 500;

const REQUESTS: ListKind = {
  name: 'human-requests',
  vocabulary: personRequestVocabulary,
  fields: fieldsOf('HumanRequest'),
  embeds: [],
};

const RequestsQuery = Type.Object({
  ...LIST_QUERY,
  status_code: Type.Optional(
    Type.Enum([...PERSON_REQUEST_STATUSES, 'all'], {
      type: 'string',
      default: 'pending',
      description: 'How they stand.',
    }),
  ),
});
const Params = Type.Object({ id: Type.String() });

const AnswerBody = Type.Object({
  answer: Type.Record(Type.String(), Type.Unknown(), { description: "Values by the names of the form's fields." }),
  answered_by: opt(
    Type.String({
      minLength: 1,
      maxLength: MAX_NAME,
      description: 'Who the answer is from. The name of the key when left out.',
    }),
  ),
});
const CancelBody = Type.Object({ reason: opt(Type.String({ maxLength: MAX_NAME })) });

const ANSWER = Type.Ref('HumanRequest');
const settled = {
  ...answers(ANSWER),
  409: Type.Ref('Error', { description: 'It was answered, canceled or expired before.' }),
};

/** Requests to persons: an addition, at the same addresses as in the other API. */
export function personRequestRoutes(api: FastifyInstance, { personRequests, clock }: DialectParts): void {
  api.get(
    '/v1/human-requests',
    {
      schema: {
        tags,
        summary: 'Search human requests',
        querystring: RequestsQuery,
        response: answers(listAnswer('HumanRequest', 'What runs ask persons, those that wait longest first.')),
      },
    },
    async ({ caller, query }, reply) => {
      const asked = query as Static<typeof RequestsQuery>;
      const status = asked.status_code ?? 'pending';
      const list = readList(asked, REQUESTS, [caller.workspaceId, status], clock());
      const filter = status === 'all' ? list.filter : within(list.filter, 'status', [status]);
      const page = await personRequests.find(caller, { ...list, filter });
      return sendText(
        reply,
        presentList(page, list, (request) => texts(presentPersonRequest(request))),
      );
    },
  );
  const one = '/v1/human-requests/:id';
  api.get(
    one,
    { schema: { tags, summary: 'Get a human request', params: Params, response: answers(ANSWER) } },
    async ({ caller, params }) => presentPersonRequest(await personRequests.get(caller, idOf(params))),
  );
  api.post(
    `${one}/answer`,
    { schema: { tags, summary: 'Answer a human request', params: Params, body: AnswerBody, response: settled } },
    async ({ caller, params, body }) => {
      const { answer, answered_by: by } = body as Static<typeof AnswerBody>;
      return presentPersonRequest(await personRequests.answer(caller, idOf(params), answer as JsonObject, by ?? null));
    },
  );
  api.post(
    `${one}/cancel`,
    { schema: { tags, summary: 'Cancel a human request', params: Params, body: CancelBody, response: settled } },
    async ({ caller, params, body }) => {
      const { reason } = body as Static<typeof CancelBody>;
      return presentPersonRequest(await personRequests.cancel(caller, idOf(params), reason ?? null));
    },
  );
}

const idOf = (params: unknown): string => (params as Static<typeof Params>).id;
