import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { type ApiKey, type Caller, SCOPES } from '../../domain/caller.ts';
import { invalid, notFound } from '../../domain/error.ts';
import {
  type Keys,
  MAX_GRACE_MS,
  MAX_KEY_NAME,
  MAX_RATE_LIMIT,
  type NewKey,
  type ShownKey,
} from '../../operations/keys.ts';
import { readTime } from './read.ts';
import { answers, params } from './route-schema.ts';

const o = Type.Optional;
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** What a client sends: `name` and `tenant_admin` (noxus-endpoints.md, "Files, admin"). The others are additions. */
const KeyBody = Type.Object({
  name: Type.String({ maxLength: MAX_KEY_NAME, description: 'What the key is for.' }),
  tenant_admin: o(
    nullable(
      Type.Boolean({ description: 'Without scopes: whether the key gets all scopes of its maker, or all but admin.' }),
    ),
  ),
  scopes: o(nullable(Type.Array(Type.String(), { maxItems: 100, description: SCOPES.join(', ') }))),
  expires_at: o(nullable(Type.String({ description: 'ISO 8601; without a zone it is UTC. Null: never.' }))),
  rate_limit: o(
    nullable(Type.Integer({ minimum: 1, maximum: MAX_RATE_LIMIT, description: 'Requests a minute; null: no limit.' })),
  ),
});

const RotationBody = nullable(
  Type.Object({
    grace_seconds: o(
      Type.Integer({
        minimum: 0,
        maximum: MAX_GRACE_MS / 1000,
        default: 0,
        description: 'How long the key before is still taken.',
      }),
    ),
  }),
);

const KeyRecord = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    group_id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    tenant_admin: Type.Boolean(),
    value: Type.String({ description: 'The key when it was just made or rotated; else its first characters.' }),
    prefix: Type.String(),
    scopes: Type.Array(Type.String()),
    created_at: Type.String({ format: 'date-time' }),
    created_by: nullable(Type.String({ format: 'uuid' })),
    last_used_at: nullable(Type.String({ format: 'date-time', description: 'To the minute.' })),
    expires_at: nullable(Type.String({ format: 'date-time' })),
    rate_limit: nullable(Type.Integer()),
    revoked_at: nullable(Type.String({ format: 'date-time' })),
    former_valid_until: nullable(
      Type.String({ format: 'date-time', description: 'Until when the key before the last rotation is taken.' }),
    ),
  },
  { description: 'An API key. All but id, name, tenant_admin and value are additions of Millrun.' },
);

const LIST = '/v1/admin/groups/:group_id/api-keys';
const ONE = `${LIST}/:key_id`;

interface OfGroup {
  readonly group_id: string;
}
interface OfKey extends OfGroup {
  readonly key_id: string;
}

/** The keys of a workspace. Clients know how to make one (noxus-endpoints.md, "Files, admin"); what else there is to do stands at the same place. */
export function keyRoutes(api: FastifyInstance, keys: Keys): void {
  const tags = ['V1 - Admin'];
  api.get<{ Params: OfGroup; Querystring: { ended: boolean } }>(
    LIST,
    {
      schema: {
        tags,
        summary: 'List API Keys',
        params: params('group_id'),
        querystring: Type.Object({
          ended: o(Type.Boolean({ default: false, description: 'Also keys that were revoked or have expired.' })),
        }),
        response: answers(Type.Array(KeyRecord)),
      },
    },
    async ({ caller, params: { group_id: group }, query }) => {
      refuseForeign(caller, group);
      return (await keys.list(caller, { ended: query.ended })).map(presentKey);
    },
  );
  api.post<{ Params: OfGroup; Body: Static<typeof KeyBody> }>(
    LIST,
    {
      schema: {
        tags,
        summary: 'Create API Key',
        params: params('group_id'),
        body: KeyBody,
        response: answers(KeyRecord),
      },
    },
    async ({ caller, params: { group_id: group }, body }) => {
      refuseForeign(caller, group);
      return presentShown(await keys.create(caller, readKey(caller, body)));
    },
  );
  api.get<{ Params: OfKey }>(
    ONE,
    { schema: { tags, summary: 'Get API Key', params: params('group_id', 'key_id'), response: answers(KeyRecord) } },
    async ({ caller, params: { group_id: group, key_id: id } }) => {
      refuseForeign(caller, group);
      return presentKey(await keys.get(caller, id));
    },
  );
  api.post<{ Params: OfKey; Body: Static<typeof RotationBody> | undefined }>(
    `${ONE}/rotate`,
    {
      schema: {
        tags,
        summary: 'Rotate API Key',
        params: params('group_id', 'key_id'),
        body: RotationBody,
        response: answers(KeyRecord),
      },
    },
    async ({ caller, params: { group_id: group, key_id: id }, body }) => {
      refuseForeign(caller, group);
      return presentShown(await keys.rotate(caller, id, { graceMs: (body?.grace_seconds ?? 0) * 1000 }));
    },
  );
  api.delete<{ Params: OfKey; Querystring: { force: boolean } }>(
    ONE,
    {
      schema: {
        tags,
        summary: 'Revoke API Key',
        params: params('group_id', 'key_id'),
        querystring: Type.Object({
          force: o(Type.Boolean({ default: false, description: 'Also the last key that can make others.' })),
        }),
        response: answers(KeyRecord),
      },
    },
    async ({ caller, params: { group_id: group, key_id: id }, query }) => {
      refuseForeign(caller, group);
      return presentKey(await keys.revoke(caller, id, { force: query.force }));
    },
  );
}

/** A key reaches its own workspace only. @throws PlatformError `not_found` */
function refuseForeign(caller: Caller, group: string): void {
  if (group !== caller.workspaceId) throw notFound('group', group);
}

/** @throws PlatformError `invalid` */
function readKey(caller: Caller, body: Static<typeof KeyBody>): NewKey {
  const { scopes, tenant_admin: isAdmin } = body;
  if (scopes && typeof isAdmin === 'boolean' && isAdmin !== scopes.includes('admin')) {
    const message = `tenant_admin says that the key ${isAdmin ? 'has' : 'lacks'} the scope admin, and scopes says otherwise. Give scopes alone.`;
    throw invalid([{ at: ['body', 'tenant_admin'], message, type: 'exclusive' }]);
  }
  return {
    name: body.name,
    scopes: scopes ?? [...caller.scopes].filter((scope) => isAdmin === true || scope !== 'admin'),
    expiresAt: typeof body.expires_at === 'string' ? readTime(body.expires_at, ['body', 'expires_at']) : null,
    rateLimit: body.rate_limit ?? null,
  };
}

function presentKey(key: ApiKey): Static<typeof KeyRecord> {
  return {
    id: key.id,
    group_id: key.workspaceId,
    name: key.name,
    tenant_admin: key.scopes.includes('admin'),
    // Keys are not stored; clients want a text here.
    value: `${key.prefix}…`,
    prefix: key.prefix,
    scopes: [...key.scopes],
    created_at: time(key.createdAt),
    created_by: key.createdBy,
    last_used_at: timeOrNull(key.lastUsedAt),
    expires_at: timeOrNull(key.expiresAt),
    rate_limit: key.rateLimit,
    revoked_at: timeOrNull(key.revokedAt),
    former_valid_until: timeOrNull(key.former?.validUntil ?? null),
  };
}

function presentShown({ key, text }: ShownKey): Static<typeof KeyRecord> {
  return { ...presentKey(key), value: text };
}

const time = (at: number): string => new Date(at).toISOString();
const timeOrNull = (at: number | null): string | null => (at === null ? null : time(at));
