import Type from 'typebox';
import { CREDENTIAL_KINDS, type CredentialRecord } from '../domain/credential.ts';
import { MAX_CREDENTIAL_NAME } from '../operations/credentials.ts';

/** Credentials on the wire: the same in both dialects, since neither has an endpoint for them. No answer holds a secret. */

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const texts = (description: string, maxItems: number) => Type.Array(Type.String(), { maxItems, description });

const models = texts('Of a provider: the models it serves. Empty: any that no other provider lists.', 1000);
const hosts = texts('Where it may be sent: host, host:port or *.domain. Empty: anywhere.', 100);
const name = Type.String({ maxLength: MAX_CREDENTIAL_NAME, description: 'One of its kind in the workspace.' });

/** The body that makes one. */
export const CredentialBody = Type.Object({
  name,
  kind: Type.String({ description: CREDENTIAL_KINDS.join(', ') }),
  // Their types are checked where no message repeats a value.
  fields: Type.Record(Type.String(), Type.Unknown(), { description: 'What its kind has: see docs/credentials.md.' }),
  models: o(models),
  hosts: o(hosts),
});

/** The body that changes one. */
export const CredentialChange = Type.Object({
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

/** The answer, but for the name of the workspace, for which each dialect has a word. */
export const CREDENTIAL = {
  id: Type.String({ format: 'uuid' }),
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
};

/** What it is, for the documents of the APIs. */
export const CREDENTIAL_IS = {
  description: 'What a workspace reaches a model provider or another service with. An addition of Millrun.',
};

/** The answer to a test: what the provider said. */
export const CredentialTest = Type.Object({
  ok: Type.Boolean(),
  status: nullable(
    Type.Integer({ description: 'The HTTP status of the provider; null when it could not be reached.' }),
  ),
  message: Type.String(),
  models: Type.Array(Type.String()),
});

/** The answer to sealing all of them anew. */
export const CredentialReseal = Type.Object({
  resealed: Type.Array(Type.String()),
  unchanged: Type.Array(Type.String()),
  failed: Type.Record(Type.String(), Type.String(), { description: 'Why, by the name of the credential.' }),
});

/** A credential without its secrets. */
export function presentCredential(credential: CredentialRecord) {
  const settings = Object.entries(credential.settings).map(([field, value]) => [field, { secret: false, value }]);
  const secrets = Object.entries(credential.secrets).map(([field, { ending }]) => {
    return [field, { secret: true, last_characters: ending }];
  });
  return {
    id: credential.id,
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
