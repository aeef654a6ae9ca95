import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { invalid, PlatformError } from '../../domain/error.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import {
  TRIGGER_EVENT_KINDS,
  TRIGGER_OUTCOMES,
  TRIGGER_TYPES,
  type Trigger,
  type TriggerEvent,
  type TriggerOutcome,
} from '../../domain/trigger.ts';
import { MAX_TRIGGER_NAME, type NewTrigger } from '../../operations/triggers.ts';
import type { DialectParts } from '../dialect.ts';
import { isoOf, presentDefinition, presentTrigger, snakeOf, TIMES } from './present-trigger.ts';
import { readTime } from './read.ts';
import { answers, params } from './route-schema.ts';
import { PageQuery } from './schemas.ts';
import { pageOf } from './send.ts';

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const word = (values: readonly string[], more: object = {}) => Type.Enum([...values], { type: 'string', ...more });
const time = () => Type.String({ format: 'date-time' });
const object = (options: { description?: string } = {}) => Type.Record(Type.String(), Type.Unknown(), options);
const uuid = () => Type.String({ format: 'uuid' });
const pageSchema = <T extends Type.TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    total: Type.Integer({ minimum: 0 }),
    page: Type.Integer({ minimum: 1 }),
    size: Type.Integer({ minimum: 1 }),
    pages: Type.Integer({ minimum: 0 }),
  });

const Definition = Type.Object(
  { type: word(TRIGGER_TYPES) },
  { additionalProperties: true, description: 'docs/triggers.md lists the fields of each type.' },
);
const Inputs = object({
  description:
    'Values for the workflow’s inputs by name. A text that begins with $ is a JSONPath into what came; ((body.order.id)) stands for a value. Null: inputs are filled by name.',
});
const Name = Type.String({ maxLength: MAX_TRIGGER_NAME });
const Secret = Type.String({ description: 'The sender’s own secret. One is made when it is left out.' });

const CHANGES = {
  workflow_version_id: o(nullable(uuid())),
  name: o(nullable(Name)),
  enabled: o(Type.Boolean()),
  inputs: o(nullable(Inputs)),
};
const CreateBody = Type.Object({ definition: Definition, ...CHANGES, secret: o(nullable(Secret)) });
const ChangeBody = Type.Object({ definition: o(Definition), ...CHANGES });
const FireBody = nullable(Type.Object({ payload: o(object({ description: 'What shall have come, by name.' })) }));
const RotateBody = nullable(Type.Object({ secret: o(nullable(Secret)) }));
const PreviewBody = Type.Object({
  definition: Definition,
  with_items: o(Type.Boolean({ default: false, description: 'Asks the address of a poll for what is there.' })),
});

const TriggerRecord = Type.Object(
  {
    id: uuid(),
    group_id: uuid(),
    workflow_id: uuid(),
    workflow_version_id: nullable(uuid()),
    name: Type.String(),
    enabled: Type.Boolean(),
    definition: Definition,
    inputs: nullable(Inputs),
    url: nullable(Type.String({ description: 'Of a webhook. {secret} stands for the secret where it is part of it.' })),
    secret: o(nullable(Type.String({ description: 'Shown once, when it was made.' }))),
    secret_ending: nullable(Type.String()),
    next_times: Type.Array(time()),
    last_polled_at: nullable(time()),
    failures: Type.Integer({ description: 'Of a poll: looks that failed since the last good one.' }),
    last_error: nullable(Type.String()),
    created_at: time(),
    updated_at: time(),
  },
  { description: 'What starts runs of a workflow by itself. Fields beyond `definition` are additions of Millrun.' },
);

const EventRecord = Type.Object({
  id: uuid(),
  group_id: uuid(),
  trigger_id: uuid(),
  workflow_id: uuid(),
  created_at: time(),
  event_type: word(TRIGGER_EVENT_KINDS),
  outcome: word(TRIGGER_OUTCOMES),
  errored: Type.Boolean(),
  run_id: nullable(uuid()),
  reason: nullable(Type.String()),
  data: object(),
});

const EVENT_FILTERS = {
  ...PageQuery.properties,
  search: o(Type.String({ maxLength: 200 })),
  errored: o(Type.Boolean()),
  event_type: o(word(TRIGGER_EVENT_KINDS)),
  started_run: o(Type.Boolean()),
};
const EventQuery = Type.Object(EVENT_FILTERS);
const AllEventsQuery = Type.Object({ ...EVENT_FILTERS, workflow_id: o(Type.String()), trigger_id: o(Type.String()) });

/** Outcomes that somebody should look at. */
const ERRORED: readonly TriggerOutcome[] = ['refused', 'failed'];

interface OfWorkflow {
  readonly workflow_id: string;
}
interface OfTrigger {
  readonly trigger_id: string;
}

/**
 * Triggers (noxus-api.md 2.1). Lists, create, change, events and delete are as the newer SDK calls them; what else there is, and the fields of
 * definitions, are additions of Millrun, since no public page says them.
 */
export function triggerRoutes(api: FastifyInstance, { triggers, addresses }: DialectParts): void {
  const tags = ['V1 - Triggers'];
  const ofWorkflow = '/v1/workflows/:workflow_id/triggers';
  const one = '/v1/triggers/:trigger_id';
  const present = (request: FastifyRequest, trigger: Trigger, secret: string | null = null) => ({
    ...presentTrigger(trigger, {
      nextTimes: triggers.nextTimes(trigger),
      url: addresses.webhook(request, trigger, secret),
    }),
    ...(secret !== null && { secret }),
  });
  const list = async (request: FastifyRequest, workflowId: string | null, query: Static<typeof PageQuery>) => {
    const { page, size } = pageOf(query);
    const all = await triggers.list(request.caller, workflowId);
    const items = all.slice((page - 1) * size, page * size).map((trigger) => present(request, trigger));
    return { items, total: all.length, page, size, pages: Math.ceil(all.length / size) };
  };

  api.get<{ Params: OfWorkflow; Querystring: Static<typeof PageQuery> }>(
    ofWorkflow,
    {
      schema: {
        tags,
        summary: 'List Triggers Of Workflow',
        params: params('workflow_id'),
        querystring: PageQuery,
        response: answers(pageSchema(TriggerRecord)),
      },
    },
    async (request) => list(request, request.params.workflow_id, request.query),
  );
  api.post<{ Params: OfWorkflow; Body: Static<typeof CreateBody> }>(
    ofWorkflow,
    {
      config: { answersSecret: true },
      schema: {
        tags,
        summary: 'Create Trigger',
        params: params('workflow_id'),
        body: CreateBody,
        response: answers(TriggerRecord),
      },
    },
    async (request) => {
      const { body } = request;
      const wanted = { ...readChange(body), definition: readDefinition(body.definition), secret: body.secret ?? null };
      const made = await inOurWords(triggers.create(request.caller, request.params.workflow_id, wanted));
      return present(request, made.trigger, made.secret);
    },
  );
  api.patch<{ Params: OfWorkflow & OfTrigger; Body: Static<typeof ChangeBody> }>(
    `${ofWorkflow}/:trigger_id`,
    {
      config: { answersSecret: true },
      schema: {
        tags,
        summary: 'Update Trigger',
        params: params('workflow_id', 'trigger_id'),
        body: ChangeBody,
        response: answers(TriggerRecord),
      },
    },
    async (request) => {
      const { workflow_id: workflowId, trigger_id: id } = request.params;
      const made = await inOurWords(triggers.change(request.caller, id, readChange(request.body), workflowId));
      return present(request, made.trigger, made.secret);
    },
  );
  api.get<{ Params: OfWorkflow & OfTrigger; Querystring: Static<typeof EventQuery> }>(
    `${ofWorkflow}/:trigger_id/events`,
    {
      schema: {
        tags,
        summary: 'List Events Of Trigger',
        params: params('workflow_id', 'trigger_id'),
        querystring: EventQuery,
        response: answers(pageSchema(EventRecord)),
      },
    },
    async ({ caller, params: { workflow_id: workflowId, trigger_id: triggerId }, query }) =>
      presentEvents(await triggers.events(caller, { ...filterOf(query), workflowId, triggerId }, pageOf(query))),
  );
  api.get<{ Querystring: Static<typeof PageQuery> & { workflow_id?: string } }>(
    '/v1/triggers',
    {
      schema: {
        tags,
        summary: 'List Triggers',
        querystring: Type.Object({ ...PageQuery.properties, workflow_id: o(Type.String()) }),
        response: answers(pageSchema(TriggerRecord)),
      },
    },
    async (request) => list(request, request.query.workflow_id ?? null, request.query),
  );
  api.get<{ Querystring: Static<typeof AllEventsQuery> }>(
    '/v1/triggers/events',
    {
      schema: {
        tags,
        summary: 'List Trigger Events',
        querystring: AllEventsQuery,
        response: answers(pageSchema(EventRecord)),
      },
    },
    async ({ caller, query }) => {
      const { workflow_id: workflowId, trigger_id: triggerId } = query;
      const selection = {
        ...filterOf(query),
        ...(workflowId !== undefined && { workflowId }),
        ...(triggerId !== undefined && { triggerId }),
      };
      return presentEvents(await triggers.events(caller, selection, pageOf(query)));
    },
  );
  api.post<{ Body: Static<typeof PreviewBody> }>(
    '/v1/triggers/preview',
    {
      schema: {
        tags,
        summary: 'Preview Trigger',
        body: PreviewBody,
        response: answers(
          Type.Object({
            definition: Definition,
            next_times: Type.Array(time()),
            items: Type.Array(Type.Unknown()),
            problem: nullable(Type.String()),
          }),
        ),
      },
    },
    async ({ caller, body }) => {
      const shown = await inOurWords(
        triggers.preview(caller, readDefinition(body.definition), body.with_items ?? false),
      );
      const { definition, nextTimes, items, problem } = shown;
      return { definition: presentDefinition(definition), next_times: nextTimes.map(isoOf), items, problem };
    },
  );
  api.get<{ Params: OfTrigger }>(
    one,
    { schema: { tags, summary: 'Get Trigger', params: params('trigger_id'), response: answers(TriggerRecord) } },
    async (request) => present(request, await triggers.get(request.caller, request.params.trigger_id)),
  );
  api.post<{ Params: OfTrigger; Body: Static<typeof FireBody> }>(
    `${one}/fire`,
    {
      schema: {
        tags,
        summary: 'Fire Trigger',
        params: params('trigger_id'),
        body: FireBody,
        response: answers(EventRecord),
      },
    },
    async ({ caller, params: { trigger_id: id }, body }) =>
      presentEvent(await triggers.fire(caller, id, (body?.payload ?? {}) as JsonObject)),
  );
  api.post<{ Params: OfTrigger; Body: Static<typeof RotateBody> }>(
    `${one}/rotate-secret`,
    {
      config: { answersSecret: true },
      schema: {
        tags,
        summary: 'Rotate Secret Of Trigger',
        params: params('trigger_id'),
        body: RotateBody,
        response: answers(TriggerRecord),
      },
    },
    async (request) => {
      const { body } = request;
      const made = await triggers.rotateSecret(request.caller, request.params.trigger_id, body?.secret ?? null);
      return present(request, made.trigger, made.secret);
    },
  );
  api.delete<{ Params: OfTrigger }>(
    one,
    {
      schema: {
        tags,
        summary: 'Delete Trigger',
        params: params('trigger_id'),
        response: answers(Type.Object({ success: Type.Boolean() })),
      },
    },
    async ({ caller, params: { trigger_id: id } }) => {
      await triggers.remove(caller, id);
      return { success: true };
    },
  );
}

/** Names as the domain has them. */
const camelOf = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** @throws PlatformError `invalid` for a time that is none */
function readDefinition(given: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(
    Object.entries(given as JsonObject).map(([name, value]) => {
      const at = ['body', 'definition', name];
      if (snakeOf(name) !== name) {
        const message = `There is no "${name}". Names are written like ${snakeOf(name)}.`;
        throw invalid([{ at, message, type: 'extra_forbidden' }]);
      }
      return [camelOf(name), TIMES.has(name) && typeof value === 'string' ? readTime(value, at) : value];
    }),
  );
}

/** Passes refusals on with the names of fields as this dialect writes them. */
async function inOurWords<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind !== 'invalid') throw error;
    throw invalid(
      error.problems.map((problem) => {
        const [where, what, field, ...more] = problem.at;
        if (what !== 'definition' || typeof field !== 'string') return problem;
        const message = problem.message.replaceAll(`"${field}"`, `"${snakeOf(field)}"`);
        return { ...problem, at: [where ?? 'body', what, snakeOf(field), ...more], message };
      }),
    );
  }
}

function readChange(body: Static<typeof ChangeBody>): Partial<Omit<NewTrigger, 'secret'>> {
  return {
    ...(body.definition !== undefined && { definition: readDefinition(body.definition) }),
    ...(body.workflow_version_id !== undefined && { versionId: body.workflow_version_id }),
    ...(body.name !== undefined && { name: body.name }),
    ...(body.enabled !== undefined && { enabled: body.enabled }),
    ...(body.inputs !== undefined && { inputs: body.inputs as JsonValue }),
  };
}

function filterOf({ search, errored, event_type: kind, started_run: startedRun }: Static<typeof EventQuery>) {
  const outcomes = errored ? ERRORED : TRIGGER_OUTCOMES.filter((outcome) => !ERRORED.includes(outcome));
  return {
    ...(search !== undefined && search !== '' && { search }),
    ...(errored !== undefined && { outcomes }),
    ...(kind !== undefined && { kind: kind as TriggerEvent['kind'] }),
    ...(startedRun !== undefined && { startedRun }),
  };
}

function presentEvent(event: TriggerEvent): Static<typeof EventRecord> {
  const { id, workspaceId, triggerId, workflowId, at, kind, outcome, runId, reason, data } = event;
  return {
    ...{ id, group_id: workspaceId, trigger_id: triggerId, workflow_id: workflowId, created_at: isoOf(at) },
    ...{ event_type: kind, outcome, errored: ERRORED.includes(outcome), run_id: runId, reason, data },
  };
}

function presentEvents({ items, total, page, size }: Awaited<ReturnType<DialectParts['triggers']['events']>>) {
  return { items: items.map(presentEvent), total, page, size, pages: Math.ceil(total / size) };
}
