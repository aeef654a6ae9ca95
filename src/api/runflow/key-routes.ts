import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { type ApiKey, SCOPES } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import { MAX_GRACE_MS, MAX_KEY_NAME, MAX_RATE_LIMIT, type ShownKey } from '../../operations/keys.ts';
import type { DialectParts } from '../dialect.ts';

const tags = ['Account'];

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const KeyBody = Type.Object({
  name: Type.String({ maxLength: MAX_KEY_NAME, description: 'What the key is for.' }),
  scopes: Type.Array(Type.String(), { maxItems: 100, description: SCOPES.join(', ') }),
  expires_at: Type.Optional(
    nullable(Type.String({ description: 'ISO 8601 with a zone, e.g. 2026-12-31T00:00:00Z. Null: never.' })),
  ),
  rate_limit: Type.Optional(
    nullable(Type.Integer({ minimum: 1, maximum: MAX_RATE_LIMIT, description: 'Requests a minute; null: no limit.' })),
  ),
});

const RotationBody = Type.Optional(
  nullable(
    Type.Object({
      grace_seconds: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: MAX_GRACE_MS / 1000,
          default: 0,
          description: 'How long the key before is still taken.',
        }),
      ),
    }),
  ),
);

const KeysQuery = Type.Object({
  ended: Type.Optional(Type.Boolean({ default: false, description: 'Also keys that were revoked or have expired.' })),
});
const RevokeQuery = Type.Object({
  force: Type.Optional(Type.Boolean({ default: false, description: 'Also the last key that can make others.' })),
});
const KeyParams = Type.Object({ id: Type.String() });

/** The keys of the organization: an addition of Millrun, since the hosted service has a page for it. */
export function keyRoutes(api: FastifyInstance, { keys }: DialectParts): void {
  api.get(
    '/v1/api-keys',
    { schema: { tags, summary: 'List API keys', querystring: KeysQuery } },
    async ({ caller, query }) => {
      const { ended = false } = query as Static<typeof KeysQuery>;
      return { items: (await keys.list(caller, { ended })).map(presentKey) };
    },
  );
  api.post(
    '/v1/api-keys',
    { config: { answersSecret: true }, schema: { tags, summary: 'Make an API key', body: KeyBody } },
    async ({ caller, body }, reply) => {
      const { name, scopes, expires_at, rate_limit } = body as Static<typeof KeyBody>;
      const expiresAt = expires_at == null ? null : readTime(expires_at);
      reply.code(201);
      return presentShown(await keys.create(caller, { name, scopes, expiresAt, rateLimit: rate_limit ?? null }));
    },
  );
  api.get(
    '/v1/api-keys/:id',
    { schema: { tags, summary: 'Get an API key', params: KeyParams } },
    async ({ caller, params }) => presentKey(await keys.get(caller, idOf(params))),
  );
  api.post(
    '/v1/api-keys/:id/rotations',
    {
      config: { answersSecret: true },
      schema: { tags, summary: 'Give an API key a new text', params: KeyParams, body: RotationBody },
    },
    async ({ caller, params, body }, reply) => {
      const graceMs = ((body as Static<typeof RotationBody>)?.grace_seconds ?? 0) * 1000;
      reply.code(201);
      return presentShown(await keys.rotate(caller, idOf(params), { graceMs }));
    },
  );
  api.delete(
    '/v1/api-keys/:id',
    { schema: { tags, summary: 'Revoke an API key', params: KeyParams, querystring: RevokeQuery } },
    async ({ caller, params, query }) => {
      const { force = false } = query as Static<typeof RevokeQuery>;
      return presentKey(await keys.revoke(caller, idOf(params), { force }));
    },
  );
}

const idOf = (params: unknown): string => (params as Static<typeof KeyParams>).id;

function readTime(given: string): number {
  const at = Date.parse(given);
  if (!Number.isNaN(at) && /(Z|[+-]\d\d:?\d\d)$/i.test(given)) return at;
  const message = `Given was ${JSON.stringify(given.slice(0, 80))}, but it must be a time in ISO 8601 with a zone, e.g. 2026-12-31T00:00:00Z.`;
  throw invalid([{ at: ['body', 'expires_at'], message, type: 'format' }]);
}

/** The text of a key is shown this once. */
const presentShown = ({ key, text }: ShownKey): object => ({ ...presentKey(key), plain_key: text });

function presentKey(key: ApiKey): object {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return {
    id: key.id,
    org_id: key.workspaceId,
    name: key.name,
    key_prefix: key.prefix,
    scopes: key.scopes,
    rate_limit: key.rateLimit,
    created_by: key.createdBy,
    created_at: time(key.createdAt),
    last_used_at: time(key.lastUsedAt),
    expires_at: time(key.expiresAt),
    disabled_at: time(key.revokedAt),
    former_valid_until: time(key.former?.validUntil ?? null),
  };
}
