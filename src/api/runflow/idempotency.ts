import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IdempotentRequest } from '../../domain/idempotent-request.ts';
import type { Idempotency } from '../../operations/idempotency.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for a request with an `Idempotency-Key` that is being worked on. */
    idempotent: IdempotentRequest | null;
    /** A process died over the first of these requests: what carries its request id is there already. */
    isRepeat: boolean;
  }
  interface FastifyContextConfig {
    /** The answer holds a secret that is shown this once. */
    answersSecret?: true;
  }
}

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Which request made what this one makes: itself, or the one that it repeats because a process died over it. */
export function originOf({ id, idempotent, isRepeat }: FastifyRequest): {
  readonly requestId: string;
  readonly isRepeat: boolean;
} {
  return { requestId: idempotent?.requestId ?? id, isRepeat };
}

/** Honours the header `Idempotency-Key` on every request that changes something (runflow-api.md 1, Idempotency). */
export function honourIdempotencyKeys(api: FastifyInstance, idempotency: Idempotency): void {
  api.decorateRequest('idempotent', null);
  api.decorateRequest('isRepeat', false);
  api.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    // An answer with a secret in it is not kept, and so is not given twice.
    const { answersSecret } = request.routeOptions.config;
    if (typeof key !== 'string' || !METHODS.has(request.method) || answersSecret) return;
    const said = JSON.stringify([request.method, request.url, request.body ?? null]);
    const digest = createHash('sha256').update(said).digest('hex');
    const beginning = await idempotency.begin(request.caller, key, digest, request.id);
    if (beginning.kind === 'replay') {
      reply.code(beginning.status).header('idempotent-replayed', 'true').type('application/json; charset=utf-8');
      return reply.send(beginning.body);
    }
    request.idempotent = beginning.request;
    request.isRepeat = beginning.isRepeat;
    return;
  });
  api.addHook('onSend', async (request, reply, payload) => {
    const { idempotent } = request;
    if (idempotent === null) return payload;
    request.idempotent = null;
    const body = typeof payload === 'string' ? payload : 'null';
    await idempotency.end(idempotent, { status: reply.statusCode, body });
    return payload;
  });
}
