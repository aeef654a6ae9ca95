import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import { isTerminal } from '../../domain/run.ts';
import type { WorkflowType } from '../../domain/workflow.ts';
import { WORKFLOW_TYPES } from '../../domain/workflow.ts';
import { demand } from '../../operations/access.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import type { DialectParts } from '../dialect.ts';
import { describeApi } from '../openapi.ts';
import { presentCatalogueEntry } from './catalogue-entry.ts';
import { readDefinition } from './definition.ts';
import { V2_ALIASES } from './definition-v2.ts';
import { answerError, answerNotFound } from './errors.ts';
import { keyRoutes } from './key-routes.ts';
import { exportBundle, readBundle } from './portable.ts';
import * as present from './present.ts';
import { readDeletion, readRunRequest, readSearch } from './read.ts';
import { answers, params, ref } from './route-schema.ts';
import { streamRunEvents } from './run-events.ts';
import * as schemas from './schemas.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set before any handler of a dialect runs. */
    caller: Caller;
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Names of the columns of a workflow's log table. */
const LOG_COLUMNS = ['timestamp', 'run_id', 'level', 'node_id', 'iteration', 'message'];

/** The Noxus API (`docs/dialects/noxus.md`): one plugin with its own authentication, errors and 404. */
export async function noxus(app: FastifyInstance, parts: DialectParts): Promise<void> {
  const { access, workflows, runs, search, files, catalogue, models } = parts;
  for (const component of schemas.COMPONENTS) app.addSchema(component);
  await describeApi(app, {
    title: 'Millrun: Noxus runs API',
    prefix: '/noxus',
    security: { APIKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
  });
  await app.register(multipart, {
    // A byte more than is taken: a file that was cut off at this limit is told from one that just fits.
    limits: { fileSize: parts.maxFileBytes + 1, files: 1 },
    throwFileSizeLimit: false,
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.decorateRequest('caller');

  await app.register(async (api) => {
    api.addHook('onRequest', async (request) => {
      const header = request.headers['x-api-key'];
      request.caller = await access.callerOf(Array.isArray(header) ? header[0] : header);
    });
    startUpRoutes(api);
    workflowRoutes(api);
    runRoutes(api);
    fileRoutes(api);
    keyRoutes(api, parts.keys);
  });

  function startUpRoutes(api: FastifyInstance): void {
    const entries = catalogue.types.map((type) => presentCatalogueEntry(type, catalogue.fieldsOf(type)));
    // Clients refuse to list workflows with a node type that the catalogue lacks, and V2 definitions name these.
    const aliases = [...V2_ALIASES].map(([alias, { type: name }]) => {
      const type = catalogue.find(name)!;
      return { ...presentCatalogueEntry(type, catalogue.fieldsOf(type)), type: alias, v2_ready: true };
    });
    const list = JSON.stringify([...entries, ...aliases]);
    api.get(
      '/v1/nodes',
      { schema: { tags: ['V1 - Nodes'], summary: 'List Node Types', response: answers(Type.Array(Type.Unknown())) } },
      (_, reply) => sendText(reply, list),
    );
    api.get(
      '/v1/admin/me',
      { schema: { tags: ['V1 - Admin'], summary: 'Describe The Key', response: answers(Type.Unknown()) } },
      async ({ caller }) => ({
        id: caller.keyId,
        name: caller.keyName,
        tenant_admin: caller.scopes.has('admin'),
        // Keys are not stored; clients want a text here.
        value: `${caller.keyPrefix}…`,
        group_id: caller.workspaceId,
        permissions: [...caller.scopes],
      }),
    );
    api.get(
      '/v1/admin/callback-secret',
      {
        schema: { tags: ['V1 - Admin'], summary: 'Get The Callback Signing Secret', response: answers(Type.Unknown()) },
      },
      async ({ caller }) => {
        demand(caller, 'admin');
        return { secret: parts.deriveSecret(caller.workspaceId) };
      },
    );
    api.get(
      '/v1/admin/search',
      {
        schema: {
          tags: ['V1 - Admin'],
          summary: 'Tell How The Search Index Stands',
          response: answers(Type.Unknown()),
        },
      },
      async ({ caller }) => {
        const status = await search.status(caller);
        return {
          position: status.position,
          log_position: status.lastPosition,
          indexed_runs: status.indexedRuns,
          total_runs: status.rebuilding ? status.totalRuns : null,
          rebuilding: status.rebuilding,
          runs_without_vectors: status.runsWithoutVectors,
          trouble: status.trouble,
        };
      },
    );
    api.post(
      '/v1/admin/search/rebuild',
      { schema: { tags: ['V1 - Admin'], summary: 'Rebuild The Search Index', response: answers(Type.Unknown()) } },
      async ({ caller }) => {
        await search.rebuild(caller);
        return { rebuilding: true };
      },
    );
    api.get(
      '/v1/models/llms',
      { schema: { tags: ['V1 - Models'], summary: 'List Models', response: answers(Type.Array(Type.Unknown())) } },
      async () => {
        const names = new Set([...models.defaultModels, ...models.providers.flatMap((provider) => provider.models)]);
        return [...names].map((name) => ({ name, display_name: name, active: models.providers.length > 0 }));
      },
    );
    api.get(
      '/v1/models/llms/presets',
      { schema: { tags: ['V1 - Models'], summary: 'List Presets', response: answers(Type.Array(Type.Unknown())) } },
      async () => [],
    );
  }

  function workflowRoutes(api: FastifyInstance): void {
    const tags = ['V1 - Workflows'];
    const listQuery = Type.Object({
      ...schemas.PageQuery.properties,
      type: Type.Optional(Type.Enum([...WORKFLOW_TYPES], { type: 'string' })),
    });
    api.get<{ Querystring: Static<typeof schemas.PageQuery> & { type?: WorkflowType } }>(
      '/v1/workflows',
      {
        schema: {
          tags,
          summary: 'List Workflows',
          querystring: listQuery,
          response: answers(ref('Page_WorkflowRecord_')),
        },
      },
      async ({ caller, query }, reply) => {
        const page = await workflows.list(caller, pageOf(query), query.type ?? null);
        return sendText(
          reply,
          present.presentPage(
            page,
            page.items.map((item) => present.presentWorkflow(item)),
          ),
        );
      },
    );
    api.post<{ Body: Static<typeof schemas.WorkflowBody> }>(
      '/v1/workflows',
      {
        schema: {
          tags,
          summary: 'Create Workflow',
          body: schemas.WorkflowBody,
          response: answers(ref('WorkflowRecord')),
        },
      },
      async ({ caller, body }, reply) => {
        const record = await workflows.create(caller, {
          name: body.name,
          type: (body.type ?? 'flow') as WorkflowType,
          description: body.description ?? null,
          given: readDefinition(body.definition as JsonObject, catalogue),
          errorHandlerId: body.error_handler ?? null,
          settings: (body.settings ?? {}) as JsonObject,
          meta: (body.meta ?? {}) as JsonObject,
        });
        return sendText(reply, present.presentWorkflow(record));
      },
    );
    api.get<{ Params: { workflow_id: string } }>(
      '/v1/workflows/:workflow_id',
      {
        schema: {
          tags,
          summary: 'Get Workflow',
          params: params('workflow_id'),
          response: answers(ref('WorkflowRecord')),
        },
      },
      async ({ caller, params: { workflow_id: id } }, reply) =>
        sendText(reply, present.presentWorkflow(await workflows.get(caller, id))),
    );
    api.patch<{
      Params: { workflow_id: string };
      Body: Static<typeof schemas.WorkflowPatchBody>;
      Querystring: { force: boolean };
    }>(
      '/v1/workflows/:workflow_id',
      {
        schema: {
          tags,
          summary: 'Update Workflow',
          params: params('workflow_id'),
          querystring: Type.Object({ force: Type.Optional(Type.Boolean({ default: false })) }),
          body: schemas.WorkflowPatchBody,
          response: answers(ref('WorkflowRecord')),
        },
      },
      async ({ caller, params: { workflow_id: id }, body, query }, reply) => {
        const record = await workflows.update(
          caller,
          id,
          {
            ...(body.name === undefined ? {} : { name: body.name }),
            ...(body.type === undefined ? {} : { type: body.type as WorkflowType }),
            ...(body.description === undefined ? {} : { description: body.description }),
            ...(body.definition ? { given: await readChanged(caller, id, body.definition as JsonObject) } : {}),
            ...(body.error_handler === undefined ? {} : { errorHandlerId: body.error_handler }),
            ...(body.settings ? { settings: body.settings as JsonObject } : {}),
            ...(body.meta ? { meta: body.meta as JsonObject } : {}),
            ...(body.workflow_hash ? { basedOnHash: body.workflow_hash } : {}),
          },
          query.force,
        );
        return sendText(reply, present.presentWorkflow(record));
      },
    );
    api.delete<{ Params: { workflow_id: string } }>(
      '/v1/workflows/:workflow_id',
      {
        schema: { tags, summary: 'Delete Workflow', params: params('workflow_id'), response: answers(Type.Unknown()) },
      },
      async ({ caller, params: { workflow_id: id } }) => {
        await workflows.delete(caller, id);
        // Clients parse the answer as JSON and drop it.
        return { success: true };
      },
    );
    api.get<{ Params: { workflow_id: string } }>(
      '/v1/workflows/:workflow_id/versions',
      {
        schema: {
          tags,
          summary: 'List Versions',
          params: params('workflow_id'),
          response: answers(Type.Array(ref('VersionRecord'))),
        },
      },
      async ({ caller, params: { workflow_id: id } }, reply) => {
        const versions = await workflows.listVersions(caller, id);
        return sendText(reply, `[${versions.map(present.presentVersion).join(',')}]`);
      },
    );
    api.post<{ Params: { workflow_id: string }; Body: Static<typeof schemas.VersionBody> }>(
      '/v1/workflows/:workflow_id/versions',
      {
        schema: {
          tags,
          summary: 'Save Version',
          params: params('workflow_id'),
          body: schemas.VersionBody,
          response: answers(ref('VersionRecord')),
        },
      },
      async ({ caller, params: { workflow_id: id }, body }, reply) => {
        const version = await workflows.createVersion(caller, id, {
          name: body.name,
          description: body.description ?? null,
          given: body.definition ? await readChanged(caller, id, body.definition as JsonObject) : null,
        });
        return sendText(reply, present.presentVersion(version));
      },
    );
    api.patch<{
      Params: { workflow_id: string; version_id: string };
      Body: Static<typeof schemas.VersionPatchBody>;
    }>(
      '/v1/workflows/:workflow_id/versions/:version_id',
      {
        schema: {
          tags,
          summary: 'Update Version',
          params: params('workflow_id', 'version_id'),
          body: schemas.VersionPatchBody,
          response: answers(ref('VersionRecord')),
        },
      },
      async ({ caller, params: { workflow_id: id, version_id: versionId }, body }, reply) => {
        const version = await workflows.updateVersion(caller, id, versionId, {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.definition ? { given: await readChanged(caller, id, body.definition as JsonObject) } : {}),
        });
        return sendText(reply, present.presentVersion(version));
      },
    );
    api.post<{ Params: { workflow_id: string }; Querystring: { version_id?: string } }>(
      '/v1/workflows/:workflow_id/export',
      {
        schema: {
          tags,
          summary: 'Export Workflow',
          params: params('workflow_id'),
          querystring: Type.Object({ version_id: Type.Optional(Type.String()) }),
          response: answers(Type.Unknown()),
        },
      },
      async ({ caller, params: { workflow_id: id }, query }, reply) => {
        const bundle = await bundleOf(caller, id, query.version_id);
        reply.header('content-disposition', `attachment; filename="${id}.millrun.json"`);
        return sendText(reply, JSON.stringify(bundle, null, 2));
      },
    );
    api.get<{ Params: { workflow_id: string } }>(
      '/v1/workflows/:workflow_id/export/preview',
      { schema: { tags, summary: 'Preview Export', params: params('workflow_id'), response: answers(Type.Unknown()) } },
      async ({ caller, params: { workflow_id: id } }) => bundleOf(caller, id, undefined),
    );
    const importQuery = Type.Object({
      mode: Type.Optional(Type.Enum(['clone', 'version', 'replace'], { type: 'string', default: 'clone' })),
      activate: Type.Optional(Type.Boolean({ default: true })),
      dry_run: Type.Optional(Type.Boolean({ default: false })),
      workflow_id: Type.Optional(
        Type.String({ description: 'The workflow that mode version or replace is about; otherwise found by name.' }),
      ),
    });
    api.post<{ Body: Static<typeof schemas.ImportBody>; Querystring: Static<typeof importQuery> }>(
      '/v1/workflows/import',
      {
        schema: {
          tags,
          summary: 'Import Workflows',
          querystring: importQuery,
          body: schemas.ImportBody,
          response: answers(Type.Array(Type.Unknown())),
        },
      },
      async ({ caller, body, query }, reply) =>
        sendText(reply, `[${(await importAll(caller, body.definition, query)).join(',')}]`),
    );
    api.get<{ Params: { workflow_id: string }; Querystring: Static<typeof schemas.PageQuery> }>(
      '/v1/workflows/:workflow_id/logs',
      {
        schema: {
          tags,
          summary: 'List Log Lines',
          params: params('workflow_id'),
          querystring: schemas.PageQuery,
          response: answers(Type.Unknown()),
        },
      },
      async ({ caller, params: { workflow_id: id }, query }) => {
        const page = await runs.workflowLogs(caller, id, pageOf(query));
        const items = page.items.map((log) => ({ id: log.id, run_id: log.runId, ...present.presentLog(log) }));
        return { items, total: page.total, page: page.page, size: page.size, pages: Math.ceil(page.total / page.size) };
      },
    );
    api.get<{ Params: { workflow_id: string } }>(
      '/v1/workflows/:workflow_id/logs/columns',
      {
        schema: {
          tags,
          summary: 'List Log Columns',
          params: params('workflow_id'),
          response: answers(Type.Array(Type.String())),
        },
      },
      async ({ caller, params: { workflow_id: id } }) => {
        await workflows.get(caller, id);
        return LOG_COLUMNS;
      },
    );
  }

  function runRoutes(api: FastifyInstance): void {
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
      async ({ caller, params: { workflow_id: id }, body }, reply) => {
        const run = await runs.create(caller, readRunRequest(id, body));
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
      async ({ caller, params: { workflow_id: id }, body, query }, reply) => {
        const run = await runs.runToEnd(caller, readRunRequest(id, body), parts.syncTimeoutMs);
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
  }

  function fileRoutes(api: FastifyInstance): void {
    const tags = ['V1 - Files'];
    api.post(
      '/v1/file',
      {
        schema: {
          tags,
          summary: 'Upload File',
          consumes: ['multipart/form-data'],
          response: answers(ref('FileRecord')),
        },
      },
      async (request) => {
        const part = request.isMultipart() ? await request.file() : undefined;
        if (!part) {
          const message =
            'No file was given. Send it as multipart/form-data in a part named "file" that has a filename.';
          throw invalid([{ at: ['body', 'file'], message, type: 'missing' }]);
        }
        const file = await files.save(request.caller, {
          name: part.filename || 'file',
          contentType: part.mimetype,
          bytes: part.file,
        });
        return present.presentFile(file);
      },
    );
    api.get<{ Params: { file_id: string } }>(
      '/v1/file/:file_id',
      { schema: { tags, summary: 'Download File', params: params('file_id') } },
      async ({ caller, params: { file_id: id } }, reply) => {
        const { file, stream, size } = await files.open(caller, id);
        return (
          reply
            .header('content-type', file.contentType)
            .header('content-length', size)
            // What users upload is never shown as a page of this server.
            .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`)
            .header('x-content-type-options', 'nosniff')
            .send(stream)
        );
      },
    );
  }

  /**
   * A definition for a workflow that there is already. An older client drops `flow_version` on its way; without it a V2 definition would
   * silently become a V1 definition without edges.
   */
  async function readChanged(caller: Caller, workflowId: string, definition: JsonObject): Promise<GivenDefinition> {
    if (definition['flow_version'] !== undefined) return readDefinition(definition, catalogue);
    const { version } = await workflows.get(caller, workflowId);
    return readDefinition({ ...definition, flow_version: present.flowVersion(version) }, catalogue);
  }

  async function bundleOf(caller: Caller, workflowId: string, versionId: string | undefined): Promise<JsonObject> {
    const record = await workflows.get(caller, workflowId);
    const version =
      versionId === undefined ? record.version : await workflows.getVersion(caller, workflowId, versionId);
    return exportBundle(record, version.document);
  }

  async function importAll(
    caller: Caller,
    given: unknown,
    query: { mode?: string; activate?: boolean; dry_run?: boolean; workflow_id?: string },
  ): Promise<string[]> {
    demand(caller, 'workflows:write');
    const bundle = readBundle(given).map(({ definition, ...about }) => ({
      about,
      read: readDefinition(definition, catalogue),
    }));
    if (query.dry_run) {
      return bundle.map(({ about, read }) =>
        JSON.stringify({
          name: about.name,
          type: about.type,
          validation: workflows.check(read).map(present.presentIssue),
        }),
      );
    }
    // All are looked at before the first is saved: a bundle with a mistake leaves nothing behind.
    workflows.refuseMeaningless(bundle.map(({ read }) => read));
    const answered: string[] = [];
    for (const { about, read } of bundle) {
      const target =
        query.mode === 'clone' || query.mode === undefined
          ? null
          : await workflows.importTarget(caller, query.workflow_id ?? null, about.name);
      if (target === null) {
        const record = await workflows.create(caller, { ...about, given: read, errorHandlerId: null });
        answered.push(present.presentWorkflow(record));
      } else if (query.mode === 'version') {
        const named = { name: 'imported', description: null, given: read };
        const version = await workflows.createVersion(caller, target.workflow.id, named);
        if (query.activate) await workflows.update(caller, target.workflow.id, { given: read }, true);
        answered.push(present.presentVersion(version));
      } else {
        const { type: _, ...rest } = about;
        answered.push(
          present.presentWorkflow(await workflows.update(caller, target.workflow.id, { ...rest, given: read }, true)),
        );
      }
    }
    return answered;
  }

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
    if (run.status !== 'succeeded') {
      reply.code(isTerminal(run.status) ? 200 : 202);
      return sendText(reply, present.presentSimplifiedRun(run, await payloadsOf(run), await runs.progress(run)));
    }
    const output = present.outputText((await outputOf(run, query.use_output_ids)) ?? '{}');
    return sendText(reply, query.output_only ? output : `{"id":"${run.id}","status":"completed","output":${output}}`);
  }
}

const outputQuery = Type.Object({
  output_only: Type.Optional(Type.Boolean({ default: false, description: 'Answer with the output alone.' })),
  use_output_ids: Type.Optional(
    Type.Boolean({ default: false, description: 'Key outputs by node id instead of label.' }),
  ),
});

function sendText(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(json);
}

function pageOf(query: Static<typeof schemas.PageQuery>): { page: number; size: number } {
  return { page: query.page ?? 1, size: query.size ?? 50 };
}
