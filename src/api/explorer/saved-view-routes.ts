import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { invalid } from '../../domain/error.ts';
import type { SavedView } from '../../domain/saved-view.ts';
import { MAX_FILTER_LENGTH } from '../../filter/limits.ts';
import type { ViewText } from '../../operations/saved-views.ts';
import { exactly } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

/** Characters of JSON that a page may keep with a view. */
const EXTRA_LENGTH = 4000;

const ViewBody = exactly({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  q: Type.String({ maxLength: MAX_FILTER_LENGTH }),
  sort: Type.Optional(Type.String({ maxLength: 1000 })),
  columns: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 50 })),
  extra: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** Views of the list of runs that a workspace keeps. A filter with a mistake may be kept: who opens it sees what is wrong. */
export function savedViewRoutes(api: FastifyInstance, { savedViews }: ExplorerParts): void {
  api.get('/v1/views', async ({ caller }) => ({ items: (await savedViews.list(caller)).map(presentView) }));
  api.post('/v1/views', { schema: { body: ViewBody } }, async ({ caller, body }, reply) => {
    return reply.code(201).send(presentView(await savedViews.create(caller, readView(body))));
  });
  api.put('/v1/views/:id', { schema: { body: ViewBody } }, async ({ caller, params, body }) => {
    return presentView(await savedViews.replace(caller, (params as { id: string }).id, readView(body)));
  });
  api.delete('/v1/views/:id', async ({ caller, params }, reply) => {
    await savedViews.delete(caller, (params as { id: string }).id);
    return reply.code(204).send();
  });
}

function readView(body: unknown): ViewText {
  const { name, q, sort = '', columns = [], extra = {} }: wire.SaveView = body as wire.SaveView;
  if (JSON.stringify(extra).length > EXTRA_LENGTH) {
    const message = `"extra" may have ${EXTRA_LENGTH} characters of JSON, given were ${JSON.stringify(extra).length}.`;
    throw invalid([{ at: ['body', 'extra'], message, type: 'too_long' }]);
  }
  return { name: name.trim(), q, sort, columns, extra };
}

function presentView({ workspaceId: _, ...view }: SavedView): wire.SavedView {
  return view;
}
