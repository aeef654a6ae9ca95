import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { CredentialRecord } from '../../domain/credential.ts';
import {
  CREDENTIAL,
  CREDENTIAL_IS,
  CredentialBody,
  CredentialChange,
  CredentialReseal,
  CredentialTest,
  presentCredential,
} from '../credential.ts';
import type { DialectParts } from '../dialect.ts';
import { answers } from './schemas.ts';

const tags = ['Credentials'];

const Credential = Type.Object({ ...CREDENTIAL, org_id: Type.String({ format: 'uuid' }) }, CREDENTIAL_IS);

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
    async ({ caller }) => ({ items: (await credentials.list(caller)).map(present) }),
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
      return present(await credentials.create(caller, body as Static<typeof CredentialBody>));
    },
  );
  api.post(
    `${list}/reseals`,
    {
      schema: {
        tags,
        summary: 'Seal credentials with the current key',
        response: { ...answers(CredentialReseal), ...unavailable },
      },
    },
    async ({ caller }) => credentials.reseal(caller),
  );
  api.get(
    one,
    { schema: { tags, summary: 'Get a credential', params: Params, response: answers(Credential) } },
    async ({ caller, params }) => present(await credentials.get(caller, idOf(params))),
  );
  api.patch(
    one,
    {
      config: SENT_SECRET,
      schema: {
        tags,
        summary: 'Change a credential',
        params: Params,
        body: CredentialChange,
        response: { ...answers(Credential), ...conflict, ...unavailable },
      },
    },
    async ({ caller, params, body }) =>
      present(await credentials.change(caller, idOf(params), body as Static<typeof CredentialChange>)),
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
        response: { ...answers(CredentialTest), ...unavailable },
      },
    },
    async ({ caller, params }) => credentials.test(caller, idOf(params)),
  );
}

const idOf = (params: unknown): string => (params as Static<typeof Params>).id;

const present = (credential: CredentialRecord): Static<typeof Credential> => ({
  ...presentCredential(credential),
  org_id: credential.workspaceId,
});
