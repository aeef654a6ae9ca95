import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { notFound } from '../../domain/error.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { KeysetPage } from '../../domain/keyset.ts';
import { WORKFLOW_KINDS, WORKFLOW_TYPES, type WorkflowKind, type WorkflowRecord } from '../../domain/workflow.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { literalPattern } from '../../filter/text.ts';
import { demand, granted, SCOPE_OF_KIND } from '../../operations/access.ts';
import { exactly, PAGE_QUERY, pageOf, readPage } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { presentNodeType } from './present-catalogue.ts';
import { presentInputs, presentVersion, presentVersionDetail, presentWorkflows } from './present-workflow.ts';
import type * as wire from './wire.ts';

const Search = { search: Type.Optional(Type.String({ maxLength: 200 })), ...PAGE_QUERY };
const TargetsQuery = exactly(Search);
const ListQuery = exactly({ ...Search, kind: Type.Optional(Type.Enum([...WORKFLOW_KINDS])) });
const VersionsQuery = exactly({ all: Type.Optional(Type.Boolean()), ...PAGE_QUERY });

const AnyObject = Type.Record(Type.String(), Type.Unknown());
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const ABOUT = {
  type: Type.Optional(Type.Enum([...WORKFLOW_TYPES])),
  description: Type.Optional(nullable(Type.String({ maxLength: 10_000 }))),
  settings: Type.Optional(AnyObject),
  meta: Type.Optional(AnyObject),
  errorHandlerId: Type.Optional(nullable(Type.String())),
};
const Name = Type.String({ minLength: 1, maxLength: 500 });
const CreateBody = exactly({ ...ABOUT, name: Name, document: AnyObject });
const PatchBody = exactly({
  ...ABOUT,
  name: Type.Optional(Name),
  document: Type.Optional(AnyObject),
  basedOnHash: Type.Optional(Type.String()),
  force: Type.Optional(Type.Boolean()),
});
const ValidateBody = exactly({ document: AnyObject });
const TryBody = exactly({
  document: AnyObject,
  input: AnyObject,
  singleNodeId: Type.Optional(Type.String()),
  debugger: Type.Optional(Type.String({ maxLength: 200 })),
});
const VERSION = {
  description: Type.Optional(nullable(Type.String({ maxLength: 10_000 }))),
  document: Type.Optional(AnyObject),
};
const VersionBody = exactly({ ...VERSION, name: Name });
const VersionPatchBody = exactly({ ...VERSION, name: Type.Optional(Name) });

const idOf = (params: unknown): string => (params as { id: string }).id;

const LAST_CHANGED = [{ column: 'updatedAt', direction: 'desc' }] as const;

/** Runs that try a definition say so. */
const TRIED = 'explorer';

/** Workflows, models and ComfyUI workflows; editing, checking and trying definitions. */
export function workflowRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { workflows, flows, modelRegistry, comfyuiWorkflows, runs, catalogue, workspaceModels, readDocument } = parts;

  const FIND: Readonly<
    Record<
      WorkflowKind,
      (caller: Caller, request: Parameters<typeof flows.find>[1]) => Promise<KeysetPage<{ id: string }>>
    >
  > = {
    flow: async (caller, request) => {
      const page = await flows.find(caller, request);
      return { ...page, items: page.items.map(({ workflow }) => workflow) };
    },
    model: (caller, request) => modelRegistry.find(caller, request),
    comfyui_workflow: (caller, request) => comfyuiWorkflows.find(caller, request),
  };

  api.get('/v1/workflows', { schema: { querystring: ListQuery } }, async ({ caller, query }) => {
    const { kind = 'flow', ...given } = query as Static<typeof ListQuery>;
    return listed(caller, kind, given);
  });

  api.post('/v1/workflows', { schema: { body: CreateBody } }, async ({ caller, body }, reply) => {
    const {
      name,
      type = 'flow',
      description = null,
      document,
      settings,
      meta,
      errorHandlerId = null,
    } = body as Static<typeof CreateBody>;
    const record = await workflows.create(caller, {
      ...{ name, type, description, errorHandlerId },
      given: readDocument(document as JsonObject),
      settings: (settings ?? {}) as JsonObject,
      meta: (meta ?? {}) as JsonObject,
    });
    return reply.code(201).send(await detailOf(caller, record));
  });

  api.post(
    '/v1/workflows/validate',
    { schema: { body: ValidateBody } },
    async ({ caller, body }): Promise<wire.Validation> => {
      demand(caller, 'workflows:read');
      const given = readDocument((body as Static<typeof ValidateBody>).document as JsonObject);
      const issues = workflows.check(given);
      return {
        issues,
        definition: given.definition,
        inputs: presentInputs(given.definition, catalogue),
        isRunnable: issues.length === 0,
      };
    },
  );

  api.get('/v1/workflows/:id', async ({ caller, params }) => detailOf(caller, await get(caller, 'flow', idOf(params))));

  api.patch('/v1/workflows/:id', { schema: { body: PatchBody } }, async ({ caller, params, body }) => {
    const { document, basedOnHash, force = false, settings, meta, ...about } = body as wire.SaveWorkflow;
    const record = await workflows.update(
      caller,
      idOf(params),
      {
        ...about,
        ...(document ? { given: readDocument(document) } : {}),
        ...(settings ? { settings } : {}),
        ...(meta ? { meta } : {}),
        ...(basedOnHash === undefined ? {} : { basedOnHash }),
      },
      force,
    );
    return detailOf(caller, record);
  });

  api.delete('/v1/workflows/:id', async ({ caller, params }, reply) => {
    await workflows.delete(caller, idOf(params));
    return reply.code(204).send();
  });

  api.post(
    '/v1/workflows/:id/try',
    { schema: { body: TryBody } },
    async ({ caller, params, body, id: requestId }): Promise<wire.StartedRun> => {
      const { document, input, singleNodeId = null, debugger: session = null } = body as wire.TryWorkflow;
      demand(caller, 'runs:create');
      const id = idOf(params);
      const version = await workflows.draft(caller, id, readDocument(document));
      const run = await runs.create(caller, {
        ...{ workflowId: id, versionId: version.id, workspaceId: null, input, nodeIds: null },
        ...{ singleNodeId, callbackUrl: null, tracing: false, debugger: session, source: TRIED, requestId },
      });
      return { runId: run.id };
    },
  );

  api.get(
    '/v1/workflows/:id/versions',
    { schema: { querystring: VersionsQuery } },
    async ({ caller, params, query }): Promise<wire.VersionPage> => {
      const id = idOf(params);
      const { all = false, ...given } = query as Static<typeof VersionsQuery>;
      const list = readPage(given, ['versions', caller.workspaceId, id, String(all)]);
      const { workflow } = await get(caller, 'flow', id);
      const page = await flows.findVersions(caller, id, { ...list, filter: all ? null : HAS_NAME, sort: [] });
      const items = page.items.map((found) => presentVersion(found, workflow.currentVersionId));
      return pageOf(page, list.digest, items);
    },
  );

  api.post('/v1/workflows/:id/versions', { schema: { body: VersionBody } }, async ({ caller, params, body }, reply) => {
    const { name, description = null, document } = body as wire.SaveVersion;
    const given = document === undefined ? null : readDocument(document);
    const { id } = await workflows.createVersion(caller, idOf(params), { name, description, given });
    return reply.code(201).send(await versionOf(caller, idOf(params), id));
  });

  api.get('/v1/workflows/:id/versions/:versionId', async ({ caller, params }) => {
    const { id, versionId } = params as { id: string; versionId: string };
    return versionOf(caller, id, versionId);
  });

  api.patch(
    '/v1/workflows/:id/versions/:versionId',
    { schema: { body: VersionPatchBody } },
    async ({ caller, params, body }) => {
      const { id, versionId } = params as { id: string; versionId: string };
      const { name, description, document } = body as Partial<wire.SaveVersion>;
      await get(caller, 'flow', id);
      const version = await workflows.updateVersion(caller, id, versionId, {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(document === undefined ? {} : { given: readDocument(document) }),
      });
      return versionOf(caller, id, version.id);
    },
  );

  for (const [path, kind] of [
    ['/v1/models', 'model'],
    ['/v1/comfyui-workflows', 'comfyui_workflow'],
  ] as const) {
    api.get(path, { schema: { querystring: TargetsQuery } }, async ({ caller, query }) => {
      return listed(caller, kind, query as Static<typeof TargetsQuery>);
    });
    api.get(`${path}/:id`, async ({ caller, params }): Promise<wire.TargetDetail> => {
      const record = await get(caller, kind, idOf(params));
      const [row] = await presentWorkflows(parts, caller, [record]);
      const { definition, validation } = record.version;
      const { profile } = record.workflow;
      return { workflow: row!, profile, definition, inputs: presentInputs(definition, catalogue), issues: validation };
    });
    api.delete(`${path}/:id`, async ({ caller, params }, reply) => {
      await (kind === 'model' ? modelRegistry : comfyuiWorkflows).delete(caller, idOf(params));
      return reply.code(204).send();
    });
  }

  api.get('/v1/catalogue', async ({ caller }): Promise<wire.CataloguePage> => {
    const { defaultModels, providers } = await workspaceModels.modelsOf(caller);
    return {
      items: catalogue.types.map((type) => presentNodeType(type, catalogue.fieldsOf(type))),
      models: [...new Set([...defaultModels, ...providers.flatMap((provider) => provider.models)])],
    };
  });

  async function listed(
    caller: Caller,
    kind: WorkflowKind,
    { search = '', ...given }: Static<typeof TargetsQuery>,
  ): Promise<wire.WorkflowPage> {
    const list = readPage(given, ['workflows', caller.workspaceId, kind, search]);
    const filter = search === '' ? null : nameHas(search);
    const page = await FIND[kind](caller, { ...list, filter, sort: LAST_CHANGED });
    const reader = granted(caller, 'workflows:read');
    const records = await Promise.all(page.items.map(({ id }) => workflows.get(reader, id)));
    return pageOf(page, list.digest, await presentWorkflows(parts, caller, records));
  }

  /** @throws PlatformError `not_found`, also for one of another kind, which takes another right */
  async function get(caller: Caller, kind: WorkflowKind, id: string): Promise<WorkflowRecord> {
    demand(caller, SCOPE_OF_KIND[kind]);
    const record = await workflows.get(granted(caller, 'workflows:read'), id);
    if (record.workflow.kind !== kind) throw notFound(kind.replace('_', ' '), id);
    return record;
  }

  async function detailOf(caller: Caller, record: WorkflowRecord): Promise<wire.WorkflowDetail> {
    const { workflow, version } = record;
    const [row] = await presentWorkflows(parts, caller, [record]);
    return {
      workflow: row!,
      versionId: version.id,
      hash: version.hash,
      document: JSON.parse(version.document),
      definition: version.definition,
      issues: version.validation,
      inputs: presentInputs(version.definition, catalogue),
      settings: workflow.settings,
      meta: workflow.meta,
      errorHandlerId: workflow.errorHandlerId,
    };
  }

  async function versionOf(caller: Caller, id: string, versionId: string): Promise<wire.VersionDetail> {
    const { workflow } = await get(caller, 'flow', id);
    return presentVersionDetail(await flows.version(caller, id, versionId), workflow.currentVersionId);
  }
}

const HAS_NAME: CheckedFilter = {
  kind: 'not',
  term: { kind: 'null', target: { column: 'name', kind: 'text', path: [] } },
};

function nameHas(text: string): CheckedFilter {
  const like = (column: string): CheckedFilter => ({
    kind: 'like',
    target: { column, kind: 'text', path: [] },
    pattern: `%${literalPattern(text)}%`,
    ignoreCase: true,
  });
  return { kind: 'or', terms: [like('name'), like('slug'), like('description')] };
}
