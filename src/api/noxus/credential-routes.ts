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
import { answers, params } from './route-schema.ts';

const Credential = Type.Object({ ...CREDENTIAL, group_id: Type.String({ format: 'uuid' }) }, CREDENTIAL_IS);

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
    async ({ caller }) => ({ items: (await credentials.list(caller)).map(present) }),
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
    async ({ caller, body }) => present(await credentials.create(caller, body)),
  );
  api.post(
    `${list}/reseal`,
    {
      schema: {
        tags,
        summary: 'Seal Credentials With The Current Key',
        response: { ...answers(CredentialReseal), ...unavailable },
      },
    },
    async ({ caller }) => credentials.reseal(caller),
  );
  api.get<{ Params: OfCredential }>(
    one,
    { schema: { tags, summary: 'Get Credential', params: params('credential_id'), response: answers(Credential) } },
    async ({ caller, params: { credential_id: id } }) => present(await credentials.get(caller, id)),
  );
  api.patch<{ Params: OfCredential; Body: Static<typeof CredentialChange> }>(
    one,
    {
      schema: {
        tags,
        summary: 'Update Credential',
        params: params('credential_id'),
        body: CredentialChange,
        response: { ...answers(Credential), ...conflict, ...unavailable },
      },
    },
    async ({ caller, params: { credential_id: id }, body }) => present(await credentials.change(caller, id, body)),
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
        response: { ...answers(CredentialTest), ...unavailable },
      },
    },
    async ({ caller, params: { credential_id: id } }) => credentials.test(caller, id),
  );
}

const present = (credential: CredentialRecord): Static<typeof Credential> => ({
  ...presentCredential(credential),
  group_id: credential.workspaceId,
});
