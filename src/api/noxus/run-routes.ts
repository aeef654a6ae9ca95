import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Run } from '../../domain/run.ts';
import { isTerminal } from '../../domain/run.ts';
import type { DialectParts } from '../dialect.ts';
import * as present from './present.ts';
import { readDeletion, readRunRequest, readSearch } from './read.ts';
import { answers, params, ref } from './route-schema.ts';
import { streamRunEvents } from './run-events.ts';
import * as schemas from './schemas.ts';
import { pageOf, sendText } from './send.ts';

const outputQuery = Type.Object({
  output_only: Type.Optional(Type.Boolean({ default: false, description: 'Answer with the output alone.' })),
  use_output_ids: Type.Optional(
    Type.Boolean({ default: false, description: 'Key outputs by node id instead of label.' }),
  ),
});

/** Runs: start, watch, list, search, stop, delete. */
export function runRoutes(api: FastifyInstance, { runs, workflows, search, syncTimeoutMs }: DialectParts): void {
  const tags = ['V1 - Runs'];
  api.post<{ Params: { workflow_id: string }; Body: Static<typeof schemas.CreateRunBody> }>(
    '/v1/workflows/:workflow_id/runs',
    {
      schema: {
        tags,
        summary: 'Create Run With Api Key',
        operationId: 'create_run_with_api_key',
        params: params('workflow_id'),
        body: schemas.CreateRunBody,
        response: answers(ref('SimplifiedRun')),
      },
    },
    async ({ caller, params: { workflow_id: id }, body, headers }, reply) => {
      const run = await runs.create(caller, readRunRequest(id, body, headers));
      return sendRun(reply, run, { progress: true });
    },
  );
  api.post<{
    Params: { workflow_id: string };
    Body: Static<typeof schemas.CreateRunBody>;
    Querystring: { output_only: boolean; use_output_ids: boolean };
  }>(
    '/v1/workflows/:workflow_id/runs/sync',
    {
      schema: {
        tags,
        summary: 'Create Run And Wait',
        operationId: 'create_run_sync',
        params: params('workflow_id'),
        querystring: outputQuery,
        body: schemas.CreateRunBody,
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { workflow_id: id }, body, query, headers }, reply) => {
      const run = await runs.runToEnd(caller, readRunRequest(id, body, headers), syncTimeoutMs);
      return sendSyncResult(reply, run, query);
    },
  );
  api.get<{ Params: { workflow_id: string }; Querystring: Static<typeof schemas.PageQuery> }>(
    '/v1/workflows/:workflow_id/runs',
    {
      schema: {
        tags,
        summary: 'List Runs Of A Workflow',
        params: params('workflow_id'),
        querystring: schemas.PageQuery,
        response: answers(ref('Page_SimplifiedRun_')),
      },
    },
    async ({ caller, params: { workflow_id: id }, query }, reply) => {
      const page = await runs.list(caller, id, pageOf(query), { output: true });
      const items = await Promise.all(
        page.items.map(async (run) => present.presentSimplifiedRun(run, await payloadsOf(run), null)),
      );
      return sendText(reply, present.presentPage(page, items));
    },
  );
  const getOfWorkflow = async (
    request: FastifyRequest<{
      Params: { workflow_id: string; run_id: string };
      Querystring: { output_only: boolean; use_output_ids: boolean };
    }>,
    reply: FastifyReply,
  ) => {
    const run = await runs.getOfWorkflow(request.caller, request.params.workflow_id, request.params.run_id);
    const output = await outputOf(run, request.query.use_output_ids);
    if (request.query.output_only) return sendText(reply, output === null ? 'null' : present.outputText(output));
    const input = await runs.text(run.input);
    return sendText(reply, present.presentSimplifiedRun(run, { input, output }, await runs.progress(run)));
  };
  for (const path of ['/v1/workflows/:workflow_id/runs/:run_id', '/v1/workflows/:workflow_id/run/:run_id']) {
    api.get(
      path,
      {
        schema: {
          tags,
          summary: 'Get Run Of A Workflow',
          params: params('workflow_id', 'run_id'),
          querystring: outputQuery,
          response: answers(ref('SimplifiedRun')),
        },
      },
      getOfWorkflow,
    );
  }
  api.get<{ Querystring: Static<typeof schemas.PageQuery> }>(
    '/v1/runs',
    {
      schema: {
        tags,
        summary: 'Get Paginated Runs',
        operationId: 'get_paginated_runs',
        querystring: schemas.PageQuery,
        response: answers(ref('Page_ListedRun_')),
      },
    },
    async ({ caller, query }, reply) => {
      const page = await runs.list(caller, null, pageOf(query), { output: false });
      const records = new Map<string, string>();
      for (const { workflowId } of page.items) {
        if (records.has(workflowId)) continue;
        const record = await workflows.recordOfRun(caller, workflowId);
        records.set(workflowId, record === null ? 'null' : present.presentWorkflow(record, { definition: false }));
      }
      const items = await Promise.all(
        page.items.map(async (run) =>
          present.presentListedRun(run, await runs.text(run.input), records.get(run.workflowId)!),
        ),
      );
      return sendText(reply, present.presentPage(page, items));
    },
  );
  api.post<{
    Body: Static<typeof schemas.SearchRunRequest>;
    Querystring: { page: number; size: number };
  }>(
    '/v1/runs/search',
    {
      schema: {
        tags,
        summary: 'Search Runs Public',
        operationId: 'search_runs_public',
        querystring: schemas.PageQuery,
        body: schemas.SearchRunRequest,
        response: answers(ref('Page_PublicRunWithSearchData_')),
      },
    },
    async ({ caller, body, query, raw }, reply) => {
      // Only what the address says slices the list: with the default size a limit of 100 would never be reached.
      const isPaged = /[?&](page|size)=/.test(raw.url ?? '');
      const wanted = readSearch(body, isPaged ? query : null, Date.now());
      const found = await search.find(caller, wanted);
      const limit = body.limit ?? 10;
      const listed = Math.min(limit, Math.max(0, found.total - (body.offset ?? 0)));
      const items = await Promise.all(
        found.items.map(async (item) => present.presentFoundRun(item, await payloadsOf(item.run))),
      );
      const page = isPaged ? { ...query, listed } : { page: 1, size: limit, listed };
      return sendText(reply, present.presentFoundPage(found, items, page));
    },
  );
  api.get<{ Params: { run_id: string } }>(
    '/v1/runs/:run_id',
    {
      schema: {
        tags,
        summary: 'Public Get Run By Id',
        operationId: 'public_get_run_by_id',
        params: params('run_id'),
        response: answers(ref('RunNoIO')),
      },
    },
    async ({ caller, params: { run_id: id } }, reply) => {
      const run = await runs.get(caller, id);
      const { document } = await runs.version(run);
      return sendText(reply, present.presentRunNoIo(run, await runs.text(run.input), document));
    },
  );
  api.get<{ Params: { run_id: string }; Querystring: { etag?: string } }>(
    '/v1/runs/:run_id/events',
    {
      schema: {
        tags,
        summary: 'Stream Run Events',
        params: params('run_id'),
        querystring: Type.Object({ etag: Type.Optional(Type.String()) }),
      },
    },
    async (request, reply) => {
      const run = await runs.get(request.caller, request.params.run_id);
      const lastEventId = request.headers['last-event-id'];
      const etag = request.query.etag ?? (typeof lastEventId === 'string' ? lastEventId : undefined);
      await streamRunEvents(runs, request.caller, run, etag, request, reply);
    },
  );
  api.post<{ Params: { run_id: string } }>(
    '/v1/runs/:run_id/stop',
    { schema: { tags, summary: 'Stop Run', params: params('run_id'), response: answers(ref('SimplifiedRun')) } },
    async ({ caller, params: { run_id: id } }, reply) =>
      sendRun(reply, await runs.stop(caller, id), { progress: true }),
  );
  api.get<{ Params: { run_id: string }; Querystring: { fetch_structured_data: boolean } }>(
    '/v1/runs/:run_id/data',
    {
      schema: {
        tags,
        summary: 'Get Run Data',
        params: params('run_id'),
        querystring: Type.Object({ fetch_structured_data: Type.Optional(Type.Boolean({ default: true })) }),
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { run_id: id }, query }, reply) => {
      const run = await runs.get(caller, id);
      const progress = await runs.progress(run);
      const whole = present.presentSimplifiedRun(run, await payloadsOf(run), progress);
      if (!query.fetch_structured_data) return sendText(reply, whole);
      const nodes = (await runs.allNodeIo(run)).map(
        (io) => `${JSON.stringify(io.nodeId)}:${present.presentNodeIo(io)}`,
      );
      return sendText(reply, `${whole.slice(0, -1)},"nodes":{${nodes.join(',')}}}`);
    },
  );
  api.get<{ Params: { run_id: string; node_id: string }; Querystring: { it: number } }>(
    '/v1/runs/:run_id/io/:node_id',
    {
      schema: {
        tags,
        summary: 'Get Inputs And Outputs Of A Node',
        params: params('run_id', 'node_id'),
        querystring: Type.Object({ it: Type.Optional(Type.Integer({ minimum: 0, default: 1 })) }),
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { run_id: id, node_id: nodeId }, query }, reply) =>
      sendText(reply, present.presentNodeIo(await runs.nodeIo(caller, id, nodeId, query.it))),
  );
  api.get<{ Params: { run_id: string; node_id: string }; Querystring: Static<typeof schemas.PageQuery> }>(
    '/v1/runs/:run_id/subflows/:node_id',
    {
      schema: {
        tags,
        summary: 'List Runs That A Node Invoked',
        params: params('run_id', 'node_id'),
        querystring: schemas.PageQuery,
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { run_id: id, node_id: nodeId }, query }, reply) => {
      const page = await runs.listInvoked(caller, id, nodeId, pageOf(query));
      return sendText(reply, present.presentPage(page, page.items.map(present.presentInvokedRun)));
    },
  );
  api.get<{ Params: { run_id: string } }>(
    '/v1/runs/:run_id/callback',
    {
      schema: {
        tags,
        summary: 'List Callback Deliveries',
        params: params('run_id'),
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller, params: { run_id: id } }) => (await runs.deliveries(caller, id)).map(present.presentDelivery),
  );
  api.delete<{ Params: { run_id: string } }>(
    '/v1/runs/:run_id',
    { schema: { tags, summary: 'Delete Run', params: params('run_id'), response: answers(ref('DeletionReport')) } },
    async ({ caller, params: { run_id: id } }) => runs.delete(caller, id),
  );
  api.post<{ Body: Static<typeof schemas.BulkDeleteBody> }>(
    '/v1/runs/bulk/delete',
    {
      schema: {
        tags,
        summary: 'Delete Runs',
        body: schemas.BulkDeleteBody,
        response: answers(ref('DeletionReport')),
      },
    },
    async ({ caller, body }) => runs.deleteMany(caller, readDeletion(body)),
  );

  async function payloadsOf(run: Run): Promise<{ input: string; output: string | null }> {
    return {
      input: await runs.text(run.input),
      output: run.output === null ? null : await runs.text(run.output),
    };
  }

  /** The output by labels, or by ids when asked for. */
  async function outputOf(run: Run, byIds: boolean): Promise<string | null> {
    if (run.output === null) return null;
    return byIds ? JSON.stringify(await runs.outputById(run)) : runs.text(run.output);
  }

  async function sendRun(reply: FastifyReply, run: Run, options: { progress: boolean }): Promise<FastifyReply> {
    const progress = options.progress ? await runs.progress(run) : null;
    return sendText(reply, present.presentSimplifiedRun(run, await payloadsOf(run), progress));
  }

  /**
   * `{id, output}`, or the output alone. A run that failed, was stopped or is not over yet is told with its status, since a bare output would
   * look like success.
   */
  async function sendSyncResult(
    reply: FastifyReply,
    run: Run,
    query: { output_only: boolean; use_output_ids: boolean },
  ): Promise<FastifyReply> {
    if (run.status !== 'succeeded' && run.status !== 'partial') {
      reply.code(isTerminal(run.status) ? 200 : 202);
      return sendText(reply, present.presentSimplifiedRun(run, await payloadsOf(run), await runs.progress(run)));
    }
    const output = present.outputText((await outputOf(run, query.use_output_ids)) ?? '{}');
    return sendText(reply, query.output_only ? output : `{"id":"${run.id}","status":"completed","output":${output}}`);
  }
}
