import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { JsonObject } from '../../domain/json.ts';
import type { Trigger, TriggerEvent } from '../../domain/trigger.ts';
import { MAX_TRIGGER_NAME, type NewTrigger } from '../../operations/triggers.ts';
import { exactly } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

/** Things at an address that a preview shows. */
const SHOWN_ITEMS = 3;

const o = Type.Optional;
const JsonRecord = Type.Record(Type.String(), Type.Unknown());
const CHANGES = {
  name: o(Type.String({ maxLength: MAX_TRIGGER_NAME })),
  enabled: o(Type.Boolean()),
  inputs: o(Type.Union([JsonRecord, Type.Null()])),
};
const Secret = o(Type.Union([Type.String(), Type.Null()]));
const CreateBody = exactly({ workflowId: Type.String(), definition: JsonRecord, ...CHANGES, secret: Secret });
const ChangeBody = exactly({ definition: o(JsonRecord), ...CHANGES });
const PreviewBody = exactly({ definition: JsonRecord, withItems: o(Type.Boolean()) });
const FireBody = exactly({ payload: o(JsonRecord) });
const SecretBody = exactly({ secret: Secret });
const EventQuery = exactly({
  page: o(Type.Integer({ minimum: 1 })),
  size: o(Type.Integer({ minimum: 1, maximum: 200 })),
  errored: o(Type.Boolean()),
});

const idOf = (params: unknown): string => (params as { id: string }).id;

/** What starts runs by itself. Secrets are in the answers that make them and in no other. */
export function triggerRoutes(api: FastifyInstance, { triggers, addresses }: ExplorerParts): void {
  const rowsOf = async (request: FastifyRequest, found: readonly Trigger[]): Promise<wire.TriggerRow[]> => {
    const [last, names] = await Promise.all([
      triggers.lastEvents(request.caller, found),
      triggers.workflowNames(request.caller, found),
    ]);
    return found.map((trigger) => ({
      ...presentTrigger(trigger),
      workflowName: names.get(trigger.workflowId) ?? null,
      url: addresses.webhook(request, trigger, null),
      nextTimes: triggers.nextTimes(trigger),
      lastEvent: presentEvent(last.get(trigger.id) ?? null),
    }));
  };
  const rowOf = async (request: FastifyRequest, trigger: Trigger) => (await rowsOf(request, [trigger]))[0]!;

  api.get('/v1/triggers', async (request) => ({
    items: await rowsOf(request, await triggers.list(request.caller, null)),
  }));
  api.post(
    '/v1/triggers',
    { config: { answersSecret: true }, schema: { body: CreateBody } },
    async (request, reply): Promise<wire.MadeTrigger> => {
      const { workflowId, ...wanted } = request.body as Static<typeof CreateBody>;
      const made = await triggers.create(request.caller, workflowId, wanted as NewTrigger);
      reply.code(201);
      return { trigger: await rowOf(request, made.trigger), secret: made.secret };
    },
  );
  api.post('/v1/triggers/preview', { schema: { body: PreviewBody } }, async ({ caller, body }) => {
    const { definition, withItems = false } = body as Static<typeof PreviewBody>;
    const { nextTimes, items, problem } = await triggers.preview(caller, definition as JsonObject, withItems);
    return { nextTimes, items: items.slice(0, SHOWN_ITEMS), problem } satisfies wire.TriggerPreview;
  });
  api.get('/v1/triggers/:id', async (request) =>
    rowOf(request, await triggers.get(request.caller, idOf(request.params))),
  );
  api.patch(
    '/v1/triggers/:id',
    { config: { answersSecret: true }, schema: { body: ChangeBody } },
    async (request): Promise<wire.MadeTrigger> => {
      const change = request.body as Partial<NewTrigger>;
      const made = await triggers.change(request.caller, idOf(request.params), change);
      return { trigger: await rowOf(request, made.trigger), secret: made.secret };
    },
  );
  api.delete('/v1/triggers/:id', async ({ caller, params }, reply) => {
    await triggers.remove(caller, idOf(params));
    return reply.code(204).send();
  });
  api.post('/v1/triggers/:id/fire', { schema: { body: FireBody } }, async ({ caller, params, body }) => {
    const { payload = {} } = body as { payload?: JsonObject };
    return presentEvent(await triggers.fire(caller, idOf(params), payload));
  });
  api.post(
    '/v1/triggers/:id/secret',
    { config: { answersSecret: true }, schema: { body: SecretBody } },
    async (request): Promise<wire.MadeTrigger> => {
      const { secret = null } = request.body as Static<typeof SecretBody>;
      const made = await triggers.rotateSecret(request.caller, idOf(request.params), secret);
      return { trigger: await rowOf(request, made.trigger), secret: made.secret };
    },
  );
  api.get('/v1/triggers/:id/events', { schema: { querystring: EventQuery } }, async ({ caller, params, query }) => {
    const { page = 1, size = 50, errored } = query as Static<typeof EventQuery>;
    const selection = {
      triggerId: idOf(params),
      ...(errored === true && { outcomes: ['refused', 'failed'] as const }),
    };
    const found = await triggers.events(caller, selection, { page, size });
    return { ...found, items: found.items.map(presentEvent) };
  });
}

function presentTrigger({ id, name, enabled, workflowId, versionId, definition, inputs, ...rest }: Trigger) {
  const { secret, createdAt, updatedAt, state } = rest;
  return {
    ...{ id, name, enabled, workflowId, versionId, definition, inputs },
    secretEnding: secret?.ending ?? null,
    ...{ createdAt, updatedAt },
    lastPolledAt: state?.lastPolledAt ?? null,
    failures: state?.failures ?? 0,
    lastError: state?.lastError ?? null,
  };
}

function presentEvent(event: TriggerEvent): wire.TriggerEventRow;
function presentEvent(event: TriggerEvent | null): wire.TriggerEventRow | null;
function presentEvent(event: TriggerEvent | null): wire.TriggerEventRow | null {
  if (event === null) return null;
  const { id, triggerId, at, kind, outcome, runId, reason, data } = event;
  return { id, triggerId, at, kind, outcome, runId, reason, data };
}
