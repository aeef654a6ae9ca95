import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { CREDENTIAL_KINDS, type CredentialRecord } from '../../domain/credential.ts';
import { MAX_CREDENTIAL_NAME } from '../../operations/credentials.ts';
import type { DialectParts } from '../dialect.ts';
import { answers, nullable, opt } from './schemas.ts';

const tags = ['Credentials'];

const texts = (description: string, maxItems: number) => Type.Array(Type.String(), { maxItems, description });

const models = texts('Of a provider: the models it serves. Empty: any that no other provider lists.', 1000);
const hosts = texts('Where it may be sent: host, host:port or *.domain. Empty: anywhere.', 100);
const name = Type.String({ maxLength: MAX_CREDENTIAL_NAME, description: 'One of its kind in the workspace.' });

const CredentialBody = Type.Object({
  name,
  kind: Type.String({ description: CREDENTIAL_KINDS.join(', ') }),
  // Their types are checked where no message repeats a value.
  fields: Type.Record(Type.String(), Type.Unknown(), { description: 'What its kind has: see docs/credentials.md.' }),
  models: Type.Optional(models),
  hosts: Type.Optional(hosts),
});

const ChangeBody = Type.Object({
  name: Type.Optional(name),
  fields: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Those that change; null removes one. What is left out stays.',
    }),
  ),
  models: Type.Optional(models),
  hosts: Type.Optional(hosts),
});

const time = () => Type.String({ format: 'date-time' });

const Credential = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    org_id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    kind: Type.String(),
    fields: Type.Record(
      Type.String(),
      Type.Object({
        secret: Type.Boolean(),
        value: opt(Type.String({ description: 'Of a field that is no secret.' })),
        last_characters: opt(Type.String({ description: 'Of a secret that is long enough.' })),
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

const Params = Type.Object({ id: Type.String() });

const conflict = { 409: Type.Ref('Error', { description: 'The name is taken.' }) };
const unavailable = { 503: Type.Ref('Error', { description: 'The key that secrets are sealed with is missing.' }) };

/** Requests that carry a secret leave nothing behind that could be compared with a guess, as the digest of a repeated request would be. */
const SENT_SECRET = { answersSecret: true } as const;

/** Credentials of the organization: an addition of Millrun. */
export function credentialRoutes(api: FastifyInstance, { credentials }: DialectParts): void {
  const list = '/v1/credentials';
  const one = `${list}/:id`;
  api.get(
    list,
    {
      schema: {
        tags,
        summary: 'List credentials',
        response: answers(Type.Object({ items: Type.Array(Credential) })),
      },
    },
    async ({ caller }) => ({ items: (await credentials.list(caller)).map(presentCredential) }),
  );
  api.post(
    list,
    {
      config: SENT_SECRET,
      schema: {
        tags,
        summary: 'Make a credential',
        body: CredentialBody,
        response: { ...answers(Credential, 201), ...conflict, ...unavailable },
      },
    },
    async ({ caller, body }, reply) => {
      reply.code(201);
      return presentCredential(await credentials.create(caller, body as Static<typeof CredentialBody>));
    },
  );
  api.post(
    `${list}/reseals`,
    {
      schema: {
        tags,
        summary: 'Seal credentials with the current key',
        response: { ...answers(Reseal), ...unavailable },
      },
    },
    async ({ caller }) => credentials.reseal(caller),
  );
  api.get(
    one,
    { schema: { tags, summary: 'Get a credential', params: Params, response: answers(Credential) } },
    async ({ caller, params }) => presentCredential(await credentials.get(caller, idOf(params))),
  );
  api.patch(
    one,
    {
      config: SENT_SECRET,
      schema: {
        tags,
        summary: 'Change a credential',
        params: Params,
        body: ChangeBody,
        response: { ...answers(Credential), ...conflict, ...unavailable },
      },
    },
    async ({ caller, params, body }) =>
      presentCredential(await credentials.change(caller, idOf(params), body as Static<typeof ChangeBody>)),
  );
  api.delete(
    one,
    {
      schema: {
        tags,
        summary: 'Delete a credential',
        params: Params,
        response: answers(Type.Null(), 204),
      },
    },
    async ({ caller, params }, reply) => {
      await credentials.remove(caller, idOf(params));
      return reply.code(204).send();
    },
  );
  api.post(
    `${one}/tests`,
    {
      schema: {
        tags,
        summary: 'Test a credential',
        params: Params,
        response: { ...answers(Test), ...unavailable },
      },
    },
    async ({ caller, params }) => credentials.test(caller, idOf(params)),
  );
}

const idOf = (params: unknown): string => (params as Static<typeof Params>).id;

function presentCredential(credential: CredentialRecord): Static<typeof Credential> {
  const settings = Object.entries(credential.settings).map(([field, value]) => [field, { secret: false, value }]);
  const secrets = Object.entries(credential.secrets).map(([field, { ending }]) => {
    return [field, { secret: true, last_characters: ending }];
  });
  return {
    id: credential.id,
    org_id: credential.workspaceId,
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
