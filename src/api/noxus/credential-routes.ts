import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { CREDENTIAL_KINDS, type CredentialRecord } from '../../domain/credential.ts';
import { MAX_CREDENTIAL_NAME } from '../../operations/credentials.ts';
import type { DialectParts } from '../dialect.ts';
import { answers, params } from './route-schema.ts';

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const texts = (description: string, maxItems: number) => Type.Array(Type.String(), { maxItems, description });

const models = texts('Of a provider: the models it serves. Empty: any that no other provider lists.', 1000);
const hosts = texts('Where it may be sent: host, host:port or *.domain. Empty: anywhere.', 100);
const name = Type.String({ maxLength: MAX_CREDENTIAL_NAME, description: 'One of its kind in the workspace.' });

const CredentialBody = Type.Object({
  name,
  kind: Type.String({ description: CREDENTIAL_KINDS.join(', ') }),
  // Their types are checked where no message repeats a value.
  fields: Type.Record(Type.String(), Type.Unknown(), { description: 'What its kind has: see docs/credentials.md.' }),
  models: o(models),
  hosts: o(hosts),
});

const ChangeBody = Type.Object({
  name: o(name),
  fields: o(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Those that change; null removes one. What is left out stays.',
    }),
  ),
  models: o(models),
  hosts: o(hosts),
});

const time = () => Type.String({ format: 'date-time' });

const Credential = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    group_id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    kind: Type.String(),
    fields: Type.Record(
      Type.String(),
      Type.Object({
        secret: Type.Boolean(),
        value: o(Type.String({ description: 'Of a field that is no secret.' })),
        last_characters: o(nullable(Type.String({ description: 'Of a secret that is long enough.' }))),
      }),
      { description: 'The fields that are set. Secrets are never shown.' },
    ),
    models: Type.Array(Type.String()),
    hosts: Type.Array(Type.String()),
    created_at: time(),
    updated_at: time(),
    last_used_at: nullable(Type.String({ format: 'date-time', description: 'To the minute.' })),
  },
  { description: 'What a workspace reaches a model provider or another service with. An addition of Millrun.' },
);

const Test = Type.Object({
  ok: Type.Boolean(),
  status: nullable(
    Type.Integer({ description: 'The HTTP status of the provider; null when it could not be reached.' }),
  ),
  message: Type.String(),
  models: Type.Array(Type.String()),
});

const Reseal = Type.Object({
  resealed: Type.Array(Type.String()),
  unchanged: Type.Array(Type.String()),
  failed: Type.Record(Type.String(), Type.String(), { description: 'Why, by the name of the credential.' }),
});

interface OfCredential {
  readonly credential_id: string;
}

const conflict = { 409: Type.Ref('PlainError', { description: 'The name is taken.' }) };
const unavailable = {
  503: Type.Ref('PlainError', { description: 'The key that secrets are sealed with is missing.' }),
};

/** Credentials. All of it is an addition: no public endpoint is known, though nodes name credentials (noxus-api.md 2.2, `credential_ids`). */
export function credentialRoutes(api: FastifyInstance, { credentials }: DialectParts): void {
  const tags = ['V1 - Credentials'];
  const list = '/v1/credentials';
  const one = `${list}/:credential_id`;
  api.get(
    list,
    {
      schema: {
        tags,
        summary: 'List Credentials',
        response: answers(Type.Object({ items: Type.Array(Credential) })),
      },
    },
    async ({ caller }) => ({ items: (await credentials.list(caller)).map(presentCredential) }),
  );
  api.post<{ Body: Static<typeof CredentialBody> }>(
    list,
    {
      schema: {
        tags,
        summary: 'Create Credential',
        body: CredentialBody,
        response: { ...answers(Credential), ...conflict, ...unavailable },
      },
    },
    async ({ caller, body }) => presentCredential(await credentials.create(caller, body)),
  );
  api.post(
    `${list}/reseal`,
    {
      schema: {
        tags,
        summary: 'Seal Credentials With The Current Key',
        response: { ...answers(Reseal), ...unavailable },
      },
    },
    async ({ caller }) => credentials.reseal(caller),
  );
  api.get<{ Params: OfCredential }>(
    one,
    { schema: { tags, summary: 'Get Credential', params: params('credential_id'), response: answers(Credential) } },
    async ({ caller, params: { credential_id: id } }) => presentCredential(await credentials.get(caller, id)),
  );
  api.patch<{ Params: OfCredential; Body: Static<typeof ChangeBody> }>(
    one,
    {
      schema: {
        tags,
        summary: 'Update Credential',
        params: params('credential_id'),
        body: ChangeBody,
        response: { ...answers(Credential), ...conflict, ...unavailable },
      },
    },
    async ({ caller, params: { credential_id: id }, body }) =>
      presentCredential(await credentials.change(caller, id, body)),
  );
  api.delete<{ Params: OfCredential }>(
    one,
    {
      schema: {
        tags,
        summary: 'Delete Credential',
        params: params('credential_id'),
        response: answers(Type.Object({ success: Type.Boolean() })),
      },
    },
    async ({ caller, params: { credential_id: id } }) => {
      await credentials.remove(caller, id);
      return { success: true };
    },
  );
  api.post<{ Params: OfCredential }>(
    `${one}/test`,
    {
      schema: {
        tags,
        summary: 'Test Credential',
        params: params('credential_id'),
        response: { ...answers(Test), ...unavailable },
      },
    },
    async ({ caller, params: { credential_id: id } }) => credentials.test(caller, id),
  );
}

function presentCredential(credential: CredentialRecord): Static<typeof Credential> {
  const settings = Object.entries(credential.settings).map(([field, value]) => [field, { secret: false, value }]);
  const secrets = Object.entries(credential.secrets).map(([field, { ending }]) => {
    return [field, { secret: true, last_characters: ending }];
  });
  return {
    id: credential.id,
    group_id: credential.workspaceId,
    name: credential.name,
    kind: credential.kind,
    fields: Object.fromEntries([...settings, ...secrets]),
    models: [...credential.models],
    hosts: [...credential.hosts],
    created_at: new Date(credential.createdAt).toISOString(),
    updated_at: new Date(credential.updatedAt).toISOString(),
    last_used_at: credential.lastUsedAt === null ? null : new Date(credential.lastUsedAt).toISOString(),
  };
}
