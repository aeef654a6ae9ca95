import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { JsonObject } from '../../domain/json.ts';
import { MODEL_PARTS, type ModelPart } from '../../domain/model.ts';
import { MODEL_PART_VOCABULARIES } from '../../filter/model-part-vocabulary.ts';
import { modelVocabulary } from '../../filter/model-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { LIST_QUERY, type ListKind, type ListQuery, presentList, readList, texts } from './list.ts';
import { ModelBody, ModelPatchBody, modelItemBody } from './model-schemas.ts';
import { MODEL_FIELDS, modelItemFields, presentModel, presentModelItem } from './present-model.ts';

const MODELS: ListKind = { name: 'models', vocabulary: modelVocabulary, fields: MODEL_FIELDS, embeds: [] };

const tags = ['Models'];
const JSON_TYPE = 'application/json; charset=utf-8';
const Query = Type.Object(LIST_QUERY);
const ModelParams = Type.Object({ model: Type.String({ description: 'Id, or slug with or without its owner' }) });
const OfModelParams = Type.Object({ model_id: Type.String({ description: 'Id or slug of a model, or `any`' }) });
const ItemParams = Type.Object({ model_id: Type.String(), id: Type.String() });

/** Models: registry, and the lists that each of them has. */
export function modelRoutes(api: FastifyInstance, { modelRegistry: models, clock }: DialectParts): void {
  api.get(
    '/v1/models',
    { schema: { tags, summary: 'Search models', querystring: Query } },
    async ({ caller, query }, reply) => {
      const list = readList(query as ListQuery, MODELS, [caller.workspaceId], clock());
      reply.type(JSON_TYPE);
      return presentList(await models.find(caller, list), list, (model) => texts(presentModel(model)));
    },
  );
  api.post('/v1/models', { schema: { tags, summary: 'Register a model', body: ModelBody } }, async (request, reply) => {
    reply.code(201);
    return presentModel(await models.create(request.caller, request.body as JsonObject));
  });
  api.get(
    '/v1/models/:model',
    { schema: { tags, summary: 'Get a model', params: ModelParams } },
    async ({ caller, params }) => presentModel(await models.get(caller, pathOf(params))),
  );
  api.patch(
    '/v1/models/:model',
    { schema: { tags, summary: 'Change a model', params: ModelParams, body: ModelPatchBody } },
    async ({ caller, params, body }) =>
      presentModel(await models.update(caller, pathOf(params), (body ?? {}) as JsonObject)),
  );
  api.delete(
    '/v1/models/:model',
    { schema: { tags, summary: 'Remove a model', params: ModelParams } },
    async ({ caller, params }, reply) => {
      await models.delete(caller, pathOf(params));
      return reply.code(204).send();
    },
  );
  for (const part of Object.keys(MODEL_PARTS) as ModelPart[]) itemRoutes(api, { modelRegistry: models, clock }, part);
}

/** The routes of one list that models have. */
function itemRoutes(
  api: FastifyInstance,
  { modelRegistry: models, clock }: Pick<DialectParts, 'modelRegistry' | 'clock'>,
  part: ModelPart,
): void {
  const address = `/v1/models/:model_id/${part.replaceAll('_', '-')}`;
  const name = part.replaceAll('_', ' ');
  const kind: ListKind = {
    name: `model-${part}`,
    vocabulary: MODEL_PART_VOCABULARIES[part],
    fields: modelItemFields(part),
    embeds: [],
  };
  const Body = modelItemBody(part);
  api.get(
    address,
    { schema: { tags, summary: `List the ${name} of a model`, params: OfModelParams, querystring: Query } },
    async ({ caller, params, query }, reply) => {
      const path = parentOf(params);
      const list = readList(query as ListQuery, kind, [caller.workspaceId, path], clock());
      reply.type(JSON_TYPE);
      const page = await models.findItems(caller, path, part, list);
      return presentList(page, list, (item) => texts(presentModelItem(part, item)));
    },
  );
  api.post(
    address,
    { schema: { tags, summary: `Add to the ${name} of a model`, params: OfModelParams, body: Body } },
    async ({ caller, params, body }, reply) => {
      reply.code(201);
      const { model_id: path } = params as Static<typeof OfModelParams>;
      return presentModelItem(part, await models.addItem(caller, path, part, body as JsonObject));
    },
  );
  api.get(
    `${address}/:id`,
    { schema: { tags, summary: `Get one of the ${name} of a model`, params: ItemParams } },
    async ({ caller, params }) =>
      presentModelItem(part, await models.getItem(caller, parentOf(params), part, itemOf(params))),
  );
  api.patch(
    `${address}/:id`,
    { schema: { tags, summary: `Change one of the ${name} of a model`, params: ItemParams, body: Body } },
    async ({ caller, params, body }) => {
      const patch = (body ?? {}) as JsonObject;
      return presentModelItem(part, await models.changeItem(caller, parentOf(params), part, itemOf(params), patch));
    },
  );
  api.delete(
    `${address}/:id`,
    { schema: { tags, summary: `Remove one of the ${name} of a model`, params: ItemParams } },
    async ({ caller, params }, reply) => {
      await models.removeItem(caller, parentOf(params), part, itemOf(params));
      return reply.code(204).send();
    },
  );
}

const pathOf = (params: unknown): string => (params as Static<typeof ModelParams>).model;

const itemOf = (params: unknown): string => (params as Static<typeof ItemParams>).id.toLowerCase();

/** Null for `any`, which means all of them. */
function parentOf(params: unknown): string | null {
  const { model_id: path } = params as Static<typeof OfModelParams>;
  return path === 'any' ? null : path;
}
