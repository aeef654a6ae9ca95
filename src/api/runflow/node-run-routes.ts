import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { nodeRunVocabulary } from '../../filter/node-run-vocabulary.ts';
import type { FoundNodeRun } from '../../operations/run-records.ts';
import type { DialectParts } from '../dialect.ts';
import { objectText } from '../json-text.ts';
import {
  FIELDS_QUERY,
  LIST_QUERY,
  type ListKind,
  listAnswer,
  type Projection,
  parentId,
  presentList,
  projected,
  readList,
  readProjection,
  wants,
} from './list.ts';
import { NODE_RUN_FIELDS, NODE_RUN_PAYLOAD_FIELDS, presentNodeRun, type ShownNodeRun } from './present-node-run.ts';
import { payloadsFor } from './present-run.ts';
import { withPayloads } from './run-embeds.ts';
import { answers } from './schemas.ts';
import { sendText } from './send.ts';

const NODE_RUNS: ListKind = { name: 'node_runs', vocabulary: nodeRunVocabulary, fields: NODE_RUN_FIELDS, embeds: [] };

const ListQuery = Type.Object(LIST_QUERY);
const OneQuery = Type.Object(FIELDS_QUERY);
const ListParams = Type.Object({ run_id: Type.String() });
const OneParams = Type.Object({ run_id: Type.String(), id: Type.String() });

/** What the nodes of a run did; with `any` for the run, those of all runs. */
export function nodeRunRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { runs, records, clock } = parts;

  api.get(
    '/v1/runs/:run_id/node-runs',
    {
      schema: {
        tags: ['Runs'],
        summary: 'List node runs',
        operationId: 'list_node_runs',
        params: ListParams,
        querystring: ListQuery,
        response: answers(listAnswer('NodeRun', 'Paginated list response.')),
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request;
      const runId = parentId((params as Static<typeof ListParams>).run_id);
      const list = readList(query as Static<typeof ListQuery>, NODE_RUNS, [caller.workspaceId, runId], clock());
      const page = await records.findNodeRuns(caller, runId, list, { payloads: wantsPayloads(list) });
      const items = await Promise.all(page.items.map((found) => shown(found, list)));
      const show = payloadsFor(request, parts);
      return sendText(
        reply,
        presentList({ ...page, items }, list, (item) => presentNodeRun(item, show)),
      );
    },
  );

  api.get(
    '/v1/runs/:run_id/node-runs/:id',
    {
      schema: {
        tags: ['Runs'],
        summary: 'Get node run',
        operationId: 'get_node_run',
        params: OneParams,
        querystring: OneQuery,
        response: answers(Type.Ref('NodeRun')),
      },
    },
    async (request, reply) => {
      const { caller, params, query } = request;
      const { run_id: runId, id } = params as Static<typeof OneParams>;
      const projection = readProjection(query as Static<typeof OneQuery>, NODE_RUNS);
      const found = await records.getNodeRun(caller, parentId(runId), id);
      const item = presentNodeRun(await shown(found, projection), payloadsFor(request, parts));
      return sendText(reply, objectText(projected(item, projection)));
    },
  );

  const shown = async (found: FoundNodeRun, projection: Projection): Promise<ShownNodeRun> =>
    wantsPayloads(projection) ? withPayloads(runs, found) : { found, inputs: null, outputs: null };
}

const wantsPayloads = (projection: Projection): boolean => wants(projection, ...NODE_RUN_PAYLOAD_FIELDS);
