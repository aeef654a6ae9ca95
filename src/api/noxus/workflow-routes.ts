import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { WorkflowRecord, WorkflowType } from '../../domain/workflow.ts';
import { WORKFLOW_TYPES } from '../../domain/workflow.ts';
import { demand } from '../../operations/access.ts';
import type { GivenDefinition } from '../../operations/workflows.ts';
import type { DialectParts } from '../dialect.ts';
import { readDefinition } from './definition.ts';
import { exportBundle, readBundle } from './portable.ts';
import * as present from './present.ts';
import { presentTrigger } from './present-trigger.ts';
import { answers, params, ref } from './route-schema.ts';
import * as schemas from './schemas.ts';
import { pageOf, sendText } from './send.ts';

/** Names of the columns of a workflow's log table. */
const LOG_COLUMNS = ['timestamp', 'run_id', 'level', 'node_id', 'iteration', 'message'];

/** Workflows, their versions, and workflows on their way between servers. */
export function workflowRoutes(
  api: FastifyInstance,
  { workflows, runs, triggers, addresses, catalogue }: DialectParts,
): void {
  const tags = ['V1 - Workflows'];
  const withTriggers = async (request: FastifyRequest, records: readonly WorkflowRecord[]): Promise<string[]> => {
    const ids = records.map(({ workflow }) => workflow.id);
    const found = await triggers.ofWorkflows(request.caller, ids);
    return records.map((record) => {
      const own = (found.get(record.workflow.id) ?? []).map((trigger) =>
        presentTrigger(trigger, {
          nextTimes: triggers.nextTimes(trigger),
          url: addresses.webhook(request, trigger, null),
        }),
      );
      return present.presentWorkflow(record, { triggers: JSON.stringify(own) });
    });
  };
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
    async (request, reply) => {
      const { caller, query } = request;
      const page = await workflows.list(caller, pageOf(query), query.type ?? null);
      return sendText(reply, present.presentPage(page, await withTriggers(request, page.items)));
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
    async (request, reply) => {
      const record = await workflows.get(request.caller, request.params.workflow_id);
      const [json = ''] = await withTriggers(request, [record]);
      return sendText(reply, json);
    },
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
}
