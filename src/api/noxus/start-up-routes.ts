import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { demand } from '../../operations/access.ts';
import type { DialectParts } from '../dialect.ts';
import { presentCatalogueEntry } from './catalogue-entry.ts';
import { V2_ALIASES } from './definition-v2.ts';
import { answers } from './route-schema.ts';
import { sendText } from './send.ts';

/** What clients ask for at their start: node types, the key, models; and how the search index stands. */
export function startUpRoutes(api: FastifyInstance, parts: DialectParts): void {
  const { catalogue, search, workspaceModels, deriveSecret } = parts;
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
      return { secret: deriveSecret(caller.workspaceId) };
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
        ...(status.machines && {
          machines: status.machines.map(({ url, share, ...machine }) => ({
            url,
            partition: share,
            position: machine.position,
            indexed_runs: machine.indexedRuns,
            total_runs: machine.rebuilding ? machine.totalRuns : null,
            rebuilding: machine.rebuilding,
            runs_without_vectors: machine.runsWithoutVectors,
            trouble: machine.trouble,
          })),
        }),
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
    async ({ caller }) => {
      const { defaultModels, providers } = await workspaceModels.modelsOf(caller);
      const names = new Set([...defaultModels, ...providers.flatMap((provider) => provider.models)]);
      return [...names].map((name) => ({ name, display_name: name, active: providers.length > 0 }));
    },
  );
  api.get(
    '/v1/models/llms/presets',
    { schema: { tags: ['V1 - Models'], summary: 'List Presets', response: answers(Type.Array(Type.Unknown())) } },
    async ({ caller }) => {
      const { presets } = await workspaceModels.modelsOf(caller);
      return Object.entries(presets).map(([name, models]) => ({ name, models }));
    },
  );
}
