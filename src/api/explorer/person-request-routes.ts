import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import { PERSON_REQUEST_STATUSES, type PersonRequest } from '../../domain/person-request.ts';
import { storedFileUri } from '../../domain/stored-file.ts';
import { personRequestVocabulary } from '../../filter/person-request-vocabulary.ts';
import { within } from '../keyset-list.ts';
import { exactly, LIST_QUERY, pageOf, readList } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { presentPersonRequest } from './present-person-request.ts';
import { namesOf } from './present-run.ts';
import type * as wire from './wire.ts';

const ListQuery = exactly({
  ...LIST_QUERY,
  status: Type.Optional(Type.Enum([...PERSON_REQUEST_STATUSES, 'all'])),
});
const AnswerBody = exactly({
  answer: Type.Record(Type.String(), Type.Unknown()),
  answeredBy: Type.Optional(Type.String({ maxLength: 200 })),
});
const CancelBody = exactly({ reason: Type.Optional(Type.String({ maxLength: 500 })) });

const idOf = (params: unknown): string => (params as { id: string }).id;

/** Types that browsers show without running anything in them; all others are downloads. */
const SHOWN = /^(image\/(png|jpeg|webp|gif|avif)|video\/|audio\/|text\/plain)/;

/** What runs ask persons, and the files that go with answers and results. */
export function personRequestRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { personRequests, files, clock } = parts;

  api.get(
    '/v1/requests',
    { schema: { querystring: ListQuery } },
    async ({ caller, query }): Promise<wire.PersonRequestPage> => {
      const { status = 'pending', ...given } = query as Static<typeof ListQuery>;
      const list = readList(given, personRequestVocabulary, ['requests', caller.workspaceId, status], clock());
      const filter = status === 'all' ? list.filter : within(list.filter, 'status', [status]);
      const page = await personRequests.find(caller, { ...list, filter });
      const names = await namesOf(
        parts,
        caller,
        page.items.map(({ workflowId }) => workflowId),
      );
      const items = page.items.map((request) => presentPersonRequest(request, names));
      return pageOf(page, list.digest, items);
    },
  );

  api.get('/v1/requests/:id', async ({ caller, params }) => {
    return present(caller, await personRequests.get(caller, idOf(params)));
  });

  api.post('/v1/requests/:id/answer', { schema: { body: AnswerBody } }, async ({ caller, params, body }) => {
    const { answer, answeredBy = null } = body as wire.AnswerRequest;
    return present(caller, await personRequests.answer(caller, idOf(params), answer, answeredBy));
  });

  api.post('/v1/requests/:id/cancel', { schema: { body: CancelBody } }, async ({ caller, params, body }) => {
    const { reason = null } = body as Static<typeof CancelBody>;
    return present(caller, await personRequests.cancel(caller, idOf(params), reason));
  });

  api.post('/v1/files', async (request, reply) => {
    const part = request.isMultipart() ? await request.file() : undefined;
    if (!part) {
      const message = 'No file was given. Send it as multipart/form-data in a part named "file" that has a filename.';
      throw invalid([{ at: ['body', 'file'], message, type: 'missing' }]);
    }
    const given = { name: part.filename || 'file', contentType: part.mimetype, bytes: part.file };
    const { id, name, contentType, size } = await files.save(request.caller, given);
    const uploaded: wire.UploadedFile = { id, uri: storedFileUri(id), name, contentType, size };
    return reply.code(201).send(uploaded);
  });

  api.get('/v1/files/:id', async ({ caller, params }, reply) => {
    const { file, stream, size } = await files.open(caller, idOf(params));
    const disposition = SHOWN.test(file.contentType) ? 'inline' : 'attachment';
    return (
      reply
        .header('content-type', file.contentType)
        .header('content-length', size)
        .header('content-disposition', `${disposition}; filename*=UTF-8''${encodeURIComponent(file.name)}`)
        // What users upload never runs as a page of this server.
        .header('content-security-policy', "sandbox; default-src 'none'")
        .header('cache-control', 'private, max-age=3600')
        .send(stream)
    );
  });

  async function present(caller: Caller, request: PersonRequest): Promise<wire.PersonRequestRow> {
    return presentPersonRequest(request, await namesOf(parts, caller, [request.workflowId]));
  }
}
