import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { CallbackSecret } from '../../domain/callback-secret.ts';
import { type ApiKey, type Caller, keyState, SCOPES } from '../../domain/caller.ts';
import { MAX_RETENTION_DAYS } from '../../domain/retention.ts';
import { MAX_GRACE_MS, MAX_KEY_NAME, MAX_RATE_LIMIT } from '../../operations/keys.ts';
import { exactly } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const KeysQuery = exactly({ ended: Type.Optional(Type.Boolean()) });
const KeyBody = exactly({
  name: Type.String({ maxLength: MAX_KEY_NAME }),
  scopes: Type.Array(Type.String(), { maxItems: 100 }),
  expiresAt: Type.Optional(nullable(Type.Integer({ minimum: 0 }))),
  rateLimit: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: MAX_RATE_LIMIT }))),
});
const RotateBody = exactly({ graceMs: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_GRACE_MS })) });
const RevokeQuery = exactly({ force: Type.Optional(Type.Boolean()) });
const Days = Type.Integer({ minimum: 1, maximum: MAX_RETENTION_DAYS });
const RetentionBody = exactly({ own: nullable(exactly({ days: nullable(Days) })) });
const DaysQuery = exactly({ days: Days });
const SecretBody = exactly({ label: Type.Optional(nullable(Type.String({ maxLength: 200 }))) });

const idOf = (params: unknown): string => (params as { id: string }).id;

/** Keys, secrets of callbacks, settings, and how the installation does. */
export function accountRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { keys, deliveries, evaluations, retentions, installation, clock, publicUrl, maxFileBytes, version } = parts;
  const startedAt = clock();
  const present = (caller: Caller, key: ApiKey): wire.KeyRow => presentKey(key, caller, clock());

  api.get('/v1/keys', { schema: { querystring: KeysQuery } }, async ({ caller, query }) => {
    const { ended = false } = query as Static<typeof KeysQuery>;
    return { items: (await keys.list(caller, { ended })).map((key) => present(caller, key)) };
  });
  api.post(
    '/v1/keys',
    { config: { answersSecret: true }, schema: { body: KeyBody } },
    async ({ caller, body }, reply) => {
      const { name, scopes, expiresAt = null, rateLimit = null }: wire.CreateKey = body as Static<typeof KeyBody>;
      const { key, text } = await keys.create(caller, { name, scopes, expiresAt, rateLimit });
      const shown: wire.ShownKey = { key: present(caller, key), text };
      return reply.code(201).send(shown);
    },
  );
  api.post(
    '/v1/keys/:id/rotate',
    { config: { answersSecret: true }, schema: { body: RotateBody } },
    async ({ caller, params, body }) => {
      const { graceMs = 0 } = body as Static<typeof RotateBody>;
      const { key, text } = await keys.rotate(caller, idOf(params), { graceMs });
      const shown: wire.ShownKey = { key: present(caller, key), text };
      return shown;
    },
  );
  api.delete('/v1/keys/:id', { schema: { querystring: RevokeQuery } }, async ({ caller, params, query }) => {
    const { force = false } = query as Static<typeof RevokeQuery>;
    return present(caller, await keys.revoke(caller, idOf(params), { force }));
  });

  api.get('/v1/callback-secrets', async ({ caller }) => ({
    items: (await deliveries.secrets(caller)).map(presentSecret),
  }));
  api.post(
    '/v1/callback-secrets',
    { config: { answersSecret: true }, schema: { body: SecretBody } },
    async ({ caller, body }, reply) => {
      const { label = null } = body as Static<typeof SecretBody>;
      const { secret, text } = await deliveries.createSecret(caller, label);
      const shown: wire.ShownCallbackSecret = { secret: presentSecret(secret), text };
      return reply.code(201).send(shown);
    },
  );
  api.delete('/v1/callback-secrets/:id', async ({ caller, params }) => {
    return presentSecret(await deliveries.disableSecret(caller, idOf(params)));
  });

  api.get(
    '/v1/settings',
    async ({ caller }): Promise<wire.Settings> => ({
      evaluation: caller.scopes.has('evaluations:read') ? await evaluations.plan(caller) : null,
      scopes: SCOPES,
      publicUrl,
      maxFileBytes,
    }),
  );

  api.get('/v1/settings/retention', async ({ caller }): Promise<wire.RetentionState> => retentions.get(caller));
  api.put('/v1/settings/retention', { schema: { body: RetentionBody } }, async ({ caller, body }) => {
    const { own }: wire.SaveRetention = body as Static<typeof RetentionBody>;
    const state: wire.RetentionState = await retentions.set(caller, own);
    return state;
  });
  api.get('/v1/settings/retention/preview', { schema: { querystring: DaysQuery } }, async ({ caller, query }) => {
    const { days } = query as Static<typeof DaysQuery>;
    const preview: wire.RetentionPreview = { runs: await retentions.preview(caller, days) };
    return preview;
  });

  api.get('/v1/system', async ({ caller }): Promise<wire.SystemState> => {
    const { stats, search, busyWorkers, concurrency, disk } = await installation.state(caller);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      version,
      startedAt,
      runsByStatus: stats.runsByStatus,
      queue: { tasks: stats.queuedTasks, busy: busyWorkers, concurrency },
      log: { position: stats.lastPosition },
      search: {
        position: search.position,
        indexedRuns: search.indexedRuns,
        totalRuns: search.totalRuns,
        rebuilding: search.rebuilding,
        runsWithoutVectors: search.runsWithoutVectors,
        trouble: search.trouble,
        machines: (search.machines ?? []).map(({ url, share, position, indexedRuns, rebuilding, trouble }) => ({
          url,
          partition: share,
          position,
          indexedRuns,
          rebuilding,
          trouble,
        })),
      },
      storage: disk,
      memory: { rss, heapUsed },
    };
  });
  api.post('/v1/system/search/rebuild', async ({ caller }, reply) => {
    await installation.rebuildSearch(caller);
    return reply.code(204).send();
  });
}

function presentKey(key: ApiKey, caller: Caller, now: number): wire.KeyRow {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    scopes: key.scopes,
    state: keyState(key, now),
    isOwn: key.id === caller.keyId,
    createdAt: key.createdAt,
    expiresAt: key.expiresAt,
    revokedAt: key.revokedAt,
    lastUsedAt: key.lastUsedAt,
    rateLimit: key.rateLimit,
  };
}

function presentSecret({
  id,
  label,
  prefix,
  isCurrent,
  createdAt,
  disabledAt,
  lastUsedAt,
}: CallbackSecret): wire.CallbackSecretRow {
  return { id, label, prefix, isCurrent, createdAt, disabledAt, lastUsedAt };
}
