import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import {
  flowNodeVocabulary,
  flowSocketVocabulary,
  flowVersionVocabulary,
  flowVocabulary,
} from '../../filter/flow-vocabulary.ts';
import type { Flow } from '../../operations/flows.ts';
import type { DialectParts } from '../dialect.ts';
import { LIST_QUERY, type ListKind, type ListQuery, presentList, readList, texts } from './list.ts';
import {
  FLOW_FIELDS,
  FLOW_INPUT_FIELDS,
  FLOW_NODE_FIELDS,
  FLOW_OUTPUT_FIELDS,
  FLOW_SUMMARY_FIELDS,
  FLOW_VERSION_FIELDS,
  presentFlow,
  presentFlowInput,
  presentFlowNode,
  presentFlowOutput,
  presentFlowSummary,
  presentFlowVersion,
} from './present-flow.ts';

const FLOWS: ListKind = { name: 'flows', vocabulary: flowVocabulary, fields: FLOW_FIELDS, embeds: [] };
const SUMMARIES: ListKind = { ...FLOWS, name: 'flow-summaries', fields: FLOW_SUMMARY_FIELDS };
const NODES: ListKind = { name: 'flow-nodes', vocabulary: flowNodeVocabulary, fields: FLOW_NODE_FIELDS, embeds: [] };
const INPUTS: ListKind = {
  name: 'flow-inputs',
  vocabulary: flowSocketVocabulary,
  fields: FLOW_INPUT_FIELDS,
  embeds: [],
};
const OUTPUTS: ListKind = { ...INPUTS, name: 'flow-outputs', fields: FLOW_OUTPUT_FIELDS };
const VERSIONS: ListKind = {
  name: 'flow-versions',
  vocabulary: flowVersionVocabulary,
  fields: FLOW_VERSION_FIELDS,
  embeds: [],
};

const tags = ['Flows'];
const JSON_TYPE = 'application/json; charset=utf-8';
const Query = Type.Object(LIST_QUERY);
const FlowParams = Type.Object({ flow: Type.String({ description: 'Id, or slug with or without its owner' }) });
const OfFlowParams = Type.Object({ flow_id: Type.String({ description: 'Id or slug of a flow, or `any`' }) });
const ItemParams = Type.Object({ flow_id: Type.String(), id: Type.String() });

/** Flows: reading them as graphs. They are made and changed through the Noxus API. */
export function flowRoutes(api: FastifyInstance, { flows, clock }: DialectParts): void {
  const whole = (flow: Flow) =>
    presentFlow(flow, {
      nodes: flows.nodesOf(flow),
      inputs: flows.socketsOf(flow, 'input'),
      outputs: flows.socketsOf(flow, 'output'),
    });
  api.get(
    '/v1/flows',
    { schema: { tags, summary: 'Search flows', querystring: Query } },
    async ({ caller, query }, reply) => {
      const list = readList(query as ListQuery, FLOWS, [caller.workspaceId], clock());
      reply.type(JSON_TYPE);
      return presentList(await flows.find(caller, list), list, (flow) => texts(whole(flow)));
    },
  );
  api.get(
    '/v1/flow-summaries',
    { schema: { tags, summary: 'Search flows for an overview', querystring: Query } },
    async ({ caller, query }, reply) => {
      const list = readList(query as ListQuery, SUMMARIES, [caller.workspaceId], clock());
      reply.type(JSON_TYPE);
      return presentList(await flows.find(caller, list), list, (flow) =>
        texts(presentFlowSummary(flow, flows.nodesOf(flow))),
      );
    },
  );
  api.get(
    '/v1/flows/:flow',
    { schema: { tags, summary: 'Get a flow', params: FlowParams } },
    async ({ caller, params }) => whole(await flows.get(caller, (params as Static<typeof FlowParams>).flow)),
  );
  api.get(
    '/v1/flows/:flow_id/nodes',
    { schema: { tags, summary: 'List the nodes of a flow', params: OfFlowParams, querystring: Query } },
    async ({ caller, params, query }, reply) => {
      const path = parentOf(params);
      const list = readList(query as ListQuery, NODES, [caller.workspaceId, path], clock());
      reply.type(JSON_TYPE);
      return presentList(await flows.findNodes(caller, path, list), list, (node) => texts(presentFlowNode(node)));
    },
  );
  api.get(
    '/v1/flows/:flow_id/nodes/:id',
    { schema: { tags, summary: 'Get a node of a flow', params: ItemParams } },
    async ({ caller, params }) => presentFlowNode(await flows.node(caller, parentOf(params), itemOf(params))),
  );
  api.get(
    '/v1/flow-nodes/:id',
    { schema: { tags, summary: 'Get a node of whichever flow', params: Type.Object({ id: Type.String() }) } },
    async ({ caller, params }) => presentFlowNode(await flows.node(caller, null, itemOf(params))),
  );
  for (const side of ['input', 'output'] as const) {
    api.get(
      `/v1/flows/:flow_id/${side}s`,
      { schema: { tags, summary: `List the ${side}s of a flow`, params: OfFlowParams, querystring: Query } },
      async ({ caller, params, query }, reply) => {
        const path = parentOf(params);
        const kind = side === 'input' ? INPUTS : OUTPUTS;
        const list = readList(query as ListQuery, kind, [caller.workspaceId, path], clock());
        reply.type(JSON_TYPE);
        const present = side === 'input' ? presentFlowInput : presentFlowOutput;
        return presentList(await flows.findSockets(caller, path, side, list), list, (socket) => texts(present(socket)));
      },
    );
  }
  api.get(
    '/v1/flows/:flow_id/versions',
    { schema: { tags, summary: 'List the versions of a flow', params: OfFlowParams, querystring: Query } },
    async ({ caller, params, query }, reply) => {
      const path = parentOf(params);
      const list = readList(query as ListQuery, VERSIONS, [caller.workspaceId, path], clock());
      reply.type(JSON_TYPE);
      const page = await flows.findVersions(caller, path, list);
      return presentList(page, list, (version) => texts(presentFlowVersion(version)));
    },
  );
  api.get(
    '/v1/flows/:flow_id/versions/:id',
    { schema: { tags, summary: 'Get a version of a flow', params: ItemParams } },
    async ({ caller, params }) => presentFlowVersion(await flows.version(caller, parentOf(params), itemOf(params))),
  );
}

const itemOf = (params: unknown): string => (params as Static<typeof ItemParams>).id;

/** Null for `any`, which means all of them. */
function parentOf(params: unknown): string | null {
  const { flow_id: path } = params as Static<typeof OfFlowParams>;
  return path === 'any' ? null : path;
}
