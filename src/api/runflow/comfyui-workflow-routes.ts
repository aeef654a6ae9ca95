import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { COMFYUI_PARTS, COMFYUI_PROPERTIES, type ComfyuiPart } from '../../domain/comfyui-workflow.ts';
import type { JsonObject } from '../../domain/json.ts';
import { COMFYUI_PART_VOCABULARIES, comfyuiWorkflowVocabulary } from '../../filter/comfyui-workflow-vocabulary.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import {
  FIELDS_QUERY,
  LIST_QUERY,
  type ListKind,
  type ListQuery,
  listAnswer,
  parentId,
  presentList,
  projected,
  readList,
  readProjection,
} from './list.ts';
import { propertiesOf } from './model-schemas.ts';
import { COMFYUI_PART_COMPONENTS, presentComfyuiItem, presentComfyuiWorkflow } from './present-comfyui-workflow.ts';
import { payloadsFor } from './present-run.ts';
import { answers, fieldsOf, opt } from './schemas.ts';
import { sendText } from './send.ts';

const WORKFLOWS: ListKind = {
  name: 'comfyui-workflows',
  vocabulary: comfyuiWorkflowVocabulary,
  fields: fieldsOf('ComfyUIWorkflow'),
  embeds: [],
};

/** What stands for each list in addresses. */
const SEGMENTS: Readonly<Record<ComfyuiPart, string>> = {
  inputs: 'inputs',
  outputs: 'outputs',
  gpu_explicit_models: 'gpu-models',
};

const itemBody = (part: ComfyuiPart) => Type.Object(propertiesOf(COMFYUI_PARTS[part]));
const itemsBody = (part: ComfyuiPart, description: string) =>
  opt(Type.Array(Type.Object({ id: opt(Type.String()), ...propertiesOf(COMFYUI_PARTS[part]) }), { description }));

const FROM_GRAPH = 'Takes the place of the whole list. Left out: what the Runflow nodes of workflow_json declare.';

const body = {
  slug: opt(Type.String({ description: 'Its name in addresses; made of the name when left out.' })),
  description: opt(Type.String()),
  ...propertiesOf(COMFYUI_PROPERTIES),
  inputs: itemsBody('inputs', FROM_GRAPH),
  outputs: itemsBody('outputs', FROM_GRAPH),
  gpu_explicit_models: opt(
    Type.Array(Type.Union([Type.String(), itemBody('gpu_explicit_models')]), {
      description: 'GPUs that it is pinned to.',
    }),
  ),
};
const Name = Type.String({ minLength: 1, maxLength: 200 });
const PostBody = Type.Object({
  name: Name,
  ...body,
  workflow_json: Type.Record(Type.String(), Type.Unknown(), { description: 'The graph in API format.' }),
});
const PatchBody = Type.Object({ name: Type.Optional(Name), ...body });

const Query = Type.Object(LIST_QUERY);
const OneQuery = Type.Object(FIELDS_QUERY);
const Params = Type.Object({ workflow: Type.String({ description: 'Id, or slug with or without its owner' }) });
const ParentParams = Type.Object({
  comfyui_workflow_id: Type.String({ description: 'Id or slug of a ComfyUI workflow, or `any`' }),
});
const ItemParams = Type.Object({ ...ParentParams.properties, id: Type.String() });

const tags = ['ComfyUI'];

/** ComfyUI workflows: deploying graphs, and the lists that each of them has. Their runs are started by `dispatch-routes.ts`. */
export function comfyuiWorkflowRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { comfyuiWorkflows: workflows, clock } = parts;
  api.get(
    '/v1/comfyui-workflows',
    {
      schema: {
        tags,
        summary: 'Search ComfyUI workflows',
        operationId: 'search_comfyui_workflows',
        querystring: Query,
        response: answers(listAnswer('ComfyUIWorkflow', 'Paginated list of ComfyUI workflows.')),
      },
    },
    async (request, reply) => {
      const { caller, query } = request;
      const list = readList(query as ListQuery, WORKFLOWS, [caller.workspaceId], clock());
      const page = await workflows.find(caller, list);
      const show = payloadsFor(request, parts);
      return sendText(
        reply,
        presentList(page, list, (workflow) => presentComfyuiWorkflow(workflow, show)),
      );
    },
  );
  api.post(
    '/v1/comfyui-workflows',
    {
      schema: {
        tags,
        summary: 'Deploy a ComfyUI workflow',
        operationId: 'create_comfyui_workflow',
        body: PostBody,
        response: answers(Type.Ref('ComfyUIWorkflow'), 201),
      },
    },
    async (request, reply) => {
      const workflow = await workflows.create(request.caller, request.body as JsonObject);
      reply.code(201);
      return sendText(reply, objectText(presentComfyuiWorkflow(workflow, payloadsFor(request, parts))));
    },
  );
  api.get(
    '/v1/comfyui-workflows/:workflow',
    {
      schema: {
        tags,
        summary: 'Get a ComfyUI workflow',
        operationId: 'get_comfyui_workflow',
        params: Params,
        querystring: OneQuery,
        response: answers(Type.Ref('ComfyUIWorkflow')),
      },
    },
    async (request, reply) => {
      const projection = readProjection(request.query as Static<typeof OneQuery>, WORKFLOWS);
      const workflow = await workflows.get(request.caller, pathOf(request.params));
      const shown = presentComfyuiWorkflow(workflow, payloadsFor(request, parts));
      return sendText(reply, objectText(projected(shown, projection)));
    },
  );
  api.patch(
    '/v1/comfyui-workflows/:workflow',
    {
      schema: {
        tags,
        summary: 'Change a ComfyUI workflow',
        description: 'Another graph is a new version; runs in flight go on with the one they began with.',
        operationId: 'update_comfyui_workflow',
        params: Params,
        body: PatchBody,
        response: answers(Type.Ref('ComfyUIWorkflow')),
      },
    },
    async (request, reply) => {
      const { caller, params, body: patch } = request;
      const workflow = await workflows.update(caller, pathOf(params), patch as JsonObject);
      return sendText(reply, objectText(presentComfyuiWorkflow(workflow, payloadsFor(request, parts))));
    },
  );
  api.delete(
    '/v1/comfyui-workflows/:workflow',
    {
      schema: {
        tags,
        summary: 'Remove a ComfyUI workflow',
        description: 'Its runs stay readable, and its slug is free again.',
        operationId: 'delete_comfyui_workflow',
        params: Params,
        response: answers(Type.Null(), 204),
      },
    },
    async ({ caller, params }, reply) => {
      await workflows.delete(caller, pathOf(params));
      return reply.code(204).send();
    },
  );
  for (const part of Object.keys(COMFYUI_PARTS) as ComfyuiPart[]) itemRoutes(api, parts, part);
}

/** The routes of one list that ComfyUI workflows have. */
function itemRoutes(api: FastifyInstance, parts: DialectParts, part: ComfyuiPart): void {
  const { comfyuiWorkflows: workflows, clock } = parts;
  const address = `/v1/comfyui-workflows/:comfyui_workflow_id/${SEGMENTS[part]}`;
  const name = part.replaceAll('_', ' ');
  const component = COMFYUI_PART_COMPONENTS[part];
  const kind: ListKind = {
    name: `comfyui-workflow-${part}`,
    vocabulary: COMFYUI_PART_VOCABULARIES[part],
    fields: fieldsOf(component),
    embeds: [],
  };
  const response = answers(Type.Ref(component));
  api.get(
    address,
    {
      schema: {
        tags,
        summary: `List the ${name} of a ComfyUI workflow`,
        params: ParentParams,
        querystring: Query,
        response: answers(listAnswer(component, `Paginated list of ${name}.`)),
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request;
      const parent = parentOf(params);
      const list = readList(query as ListQuery, kind, [caller.workspaceId, parent], clock());
      const page = await workflows.findItems(caller, parent, part, list);
      const show = payloadsFor(request, parts);
      return sendText(
        reply,
        presentList(page, list, (item) => presentComfyuiItem(part, item, show)),
      );
    },
  );
  api.post(
    address,
    {
      schema: {
        tags,
        summary: `Add to the ${name} of a ComfyUI workflow`,
        params: ParentParams,
        body: itemBody(part),
        response: answers(Type.Ref(component), 201),
      },
    },
    async (request, reply) => {
      const { comfyui_workflow_id: path } = request.params as Static<typeof ParentParams>;
      const item = await workflows.addItem(request.caller, path, part, request.body as JsonObject);
      reply.code(201);
      return sendText(reply, objectText(presentComfyuiItem(part, item, payloadsFor(request, parts))));
    },
  );
  api.get(
    `${address}/:id`,
    { schema: { tags, summary: `Get one of the ${name} of a ComfyUI workflow`, params: ItemParams, response } },
    async (request, reply) => {
      const item = await workflows.getItem(request.caller, parentOf(request.params), part, itemOf(request.params));
      return sendText(reply, objectText(presentComfyuiItem(part, item, payloadsFor(request, parts))));
    },
  );
  api.patch(
    `${address}/:id`,
    {
      schema: {
        tags,
        summary: `Change one of the ${name} of a ComfyUI workflow`,
        params: ItemParams,
        body: itemBody(part),
        response,
      },
    },
    async (request, reply) => {
      const { caller, params } = request;
      const patch = request.body as JsonObject;
      const item = await workflows.changeItem(caller, parentOf(params), part, itemOf(params), patch);
      return sendText(reply, objectText(presentComfyuiItem(part, item, payloadsFor(request, parts))));
    },
  );
  api.delete(
    `${address}/:id`,
    {
      schema: {
        tags,
        summary: `Remove one of the ${name} of a ComfyUI workflow`,
        params: ItemParams,
        response: answers(Type.Null(), 204),
      },
    },
    async ({ caller, params }, reply) => {
      await workflows.removeItem(caller, parentOf(params), part, itemOf(params));
      return reply.code(204).send();
    },
  );
}

const pathOf = (params: unknown): string => (params as Static<typeof Params>).workflow;

const itemOf = (params: unknown): string => (params as Static<typeof ItemParams>).id.toLowerCase();

const parentOf = (params: unknown): string | null =>
  parentId((params as Static<typeof ParentParams>).comfyui_workflow_id);
