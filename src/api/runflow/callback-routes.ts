import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { v5 } from 'uuid';
import type { CallbackSecret } from '../../domain/callback-secret.ts';
import type { ToldDelivery } from '../../operations/deliveries.ts';
import type { DialectParts } from '../dialect.ts';

const RunParams = Type.Object({ run_id: Type.String() });
const SecretParams = Type.Object({ id: Type.String() });

const SecretBody = Type.Object({
  label: Type.Optional(
    Type.Union([Type.String({ maxLength: 255 }), Type.Null()], {
      description: 'A name for people; 255 characters at most.',
    }),
  ),
});

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** Callbacks of runs, and the secrets that they are signed with (runflow-api.md 4). */
export function callbackRoutes(api: FastifyInstance, { deliveries }: DialectParts): void {
  api.get(
    '/v1/runs/:run_id/callback',
    { schema: { tags: ['Webhooks'], summary: 'List the callback deliveries of a run', params: RunParams } },
    async ({ caller, params }) =>
      (await deliveries.ofRun(caller, (params as Static<typeof RunParams>).run_id)).map(presentDelivery),
  );
  api.post(
    '/v1/runs/:run_id/callback-redeliveries',
    { schema: { tags: ['Webhooks'], summary: 'Deliver the callback of a run again', params: RunParams } },
    async ({ caller, params }, reply) => {
      reply.code(201);
      return presentDelivery(await deliveries.redeliverRun(caller, (params as Static<typeof RunParams>).run_id));
    },
  );
  api.get(
    '/v1/callback-secrets',
    { schema: { tags: ['Webhooks'], summary: 'List callback secrets' } },
    async ({ caller }) => ({ items: (await deliveries.secrets(caller)).map((secret) => presentSecret(secret, null)) }),
  );
  api.post(
    '/v1/callback-secrets',
    {
      config: { answersSecret: true },
      schema: { tags: ['Webhooks'], summary: 'Make a callback secret', body: SecretBody },
    },
    async ({ caller, body }, reply) => {
      const { secret, text } = await deliveries.createSecret(caller, (body as Static<typeof SecretBody>).label ?? null);
      reply.code(201);
      return presentSecret(secret, text);
    },
  );
  api.delete(
    '/v1/callback-secrets/:id',
    { schema: { tags: ['Webhooks'], summary: 'Disable a callback secret', params: SecretParams } },
    async ({ caller, params }) =>
      presentSecret(await deliveries.disableSecret(caller, (params as Static<typeof SecretParams>).id), null),
  );
}

/** @param text shown once, when the secret is made */
function presentSecret(secret: CallbackSecret, text: string | null): object {
  return {
    id: secret.id,
    org_id: secret.workspaceId,
    label: secret.label,
    key_prefix: secret.prefix,
    is_current: secret.isCurrent,
    disabled_at: time(secret.disabledAt),
    last_used_at: time(secret.lastUsedAt),
    created_at: time(secret.createdAt),
    updated_at: time(secret.updatedAt),
    ...(text === null ? {} : { plain_secret: text }),
  };
}

/** A delivery with its tries (runflow-fields.md, CallbackDelivery). */
export function presentDelivery({ delivery, attempts }: ToldDelivery): object {
  const last = attempts.at(-1);
  const failed = delivery.status === 'failed';
  return {
    id: delivery.id,
    run_id: delivery.subject === 'run' ? delivery.subjectId : null,
    batch_id: delivery.subject === 'batch' ? delivery.subjectId : null,
    ...(delivery.subject === 'evaluation' && { evaluation_id: delivery.subjectId }),
    callback_url: delivery.url,
    payload_bytes: delivery.body,
    payload: JSON.parse(delivery.body) as unknown,
    signing_secret_id: delivery.signingSecretId,
    is_automatic: delivery.isAutomatic,
    status_code: delivery.status === 'delivered' ? 'succeeded' : delivery.status,
    failure_reason_code: failed ? (last?.httpStatus === null ? 'no_response' : 'http_status') : null,
    failure_detail: failed ? (last?.error ?? (last ? `The receiver answered ${last.httpStatus}.` : null)) : null,
    attempt_count: delivery.attemptCount,
    max_attempts: delivery.maxAttempts,
    next_attempt_at: time(delivery.nextAttemptAt),
    created_at: time(delivery.createdAt),
    updated_at: time(last === undefined ? delivery.createdAt : last.at + last.durationMs),
    completed_at: time(delivery.finishedAt),
    attempts: attempts.map((attempt) => ({
      id: v5(String(attempt.attempt), delivery.id),
      delivery_id: delivery.id,
      attempt_number: attempt.attempt,
      status_code: attempt.httpStatus,
      response_body: attempt.response,
      response_time_ms: attempt.durationMs,
      error_message: attempt.error,
      created_at: time(attempt.at),
    })),
  };
}
