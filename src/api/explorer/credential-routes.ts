import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { CredentialRecord } from '../../domain/credential.ts';
import { MAX_CREDENTIAL_NAME } from '../../operations/credentials.ts';
import type { ShownModelSettings } from '../../operations/model-settings.ts';
import { exactly } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

const texts = (maxItems: number) => Type.Optional(Type.Array(Type.String(), { maxItems }));
const Name = Type.String({ maxLength: MAX_CREDENTIAL_NAME });
// What is wrong with a field is said where no message repeats a value.
const Fields = Type.Record(Type.String(), Type.Unknown());
const LISTS = { models: texts(1000), hosts: texts(100) };
const CreateBody = exactly({ name: Name, kind: Type.String(), fields: Fields, ...LISTS });
const ChangeBody = exactly({ name: Type.Optional(Name), fields: Type.Optional(Fields), ...LISTS });

const Price = exactly({ input: Type.String(), output: Type.String(), cachedInput: Type.Optional(Type.String()) });
const ModelsBody = exactly({
  prices: Type.Record(Type.String(), Price),
  presets: Type.Record(Type.String(), Type.Array(Type.String())),
  defaultModels: Type.Array(Type.String()),
});

const idOf = (params: unknown): string => (params as { id: string }).id;

/** Credentials, and what the workspace says of models. No answer holds a secret. */
export function credentialRoutes(api: FastifyInstance, { credentials, workspaceModels }: ExplorerParts): void {
  api.get('/v1/credentials', async ({ caller }) => ({
    items: (await credentials.list(caller)).map(presentCredential),
  }));
  api.post(
    '/v1/credentials',
    { config: { answersSecret: true }, schema: { body: CreateBody } },
    async ({ caller, body }, reply) => {
      reply.code(201);
      return presentCredential(await credentials.create(caller, body as Static<typeof CreateBody>));
    },
  );
  api.patch(
    '/v1/credentials/:id',
    { config: { answersSecret: true }, schema: { body: ChangeBody } },
    async ({ caller, params, body }) =>
      presentCredential(await credentials.change(caller, idOf(params), body as Static<typeof ChangeBody>)),
  );
  api.delete('/v1/credentials/:id', async ({ caller, params }, reply) => {
    await credentials.remove(caller, idOf(params));
    return reply.code(204).send();
  });
  api.post('/v1/credentials/:id/test', async ({ caller, params }): Promise<wire.CredentialTest> => {
    return credentials.test(caller, idOf(params));
  });

  api.get('/v1/settings/models', async ({ caller }) => presentModels(await workspaceModels.get(caller)));
  api.put('/v1/settings/models', { schema: { body: ModelsBody } }, async ({ caller, body }) =>
    presentModels(await workspaceModels.put(caller, body as wire.SaveModelSettings)),
  );
}

function presentCredential(credential: CredentialRecord): wire.CredentialRow {
  const { id, name, kind, settings, secrets, models, hosts, createdAt, updatedAt, lastUsedAt } = credential;
  return {
    ...{ id, name, kind, settings },
    secrets: Object.fromEntries(Object.entries(secrets).map(([field, { ending }]) => [field, { ending }])),
    ...{ models, hosts, createdAt, updatedAt, lastUsedAt },
  };
}

function presentModels({ own, effective }: ShownModelSettings): wire.ModelSettingsState {
  return {
    own: { prices: own?.prices ?? {}, presets: own?.presets ?? {}, defaultModels: own?.defaultModels ?? [] },
    updatedAt: own?.updatedAt ?? null,
    effective: {
      prices: effective.prices,
      presets: effective.presets,
      defaultModels: effective.defaultModels,
      // Of a provider its name and protocol alone: the rest of it is for the calls it is made for.
      providers: effective.providers.map(({ name, protocol, models }) => ({ name, protocol, models })),
    },
  };
}
