import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PlatformError } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import { MAX_BODY_BYTES } from '../operations/trigger-definition.ts';
import type { Webhooks } from '../operations/webhooks.ts';
import { answerError } from './noxus/errors.ts';

/** Methods that senders use. Which of them a trigger takes is its own to say. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * The addresses of triggers, `/hooks/<trigger>` and `/hooks/<trigger>/<secret>`: no API key opens them, each has a secret of its own. Bodies are taken
 * as they are, since signatures are of their bytes.
 */
export async function hooks(
  app: FastifyInstance,
  { webhooks, maxBodyBytes }: { readonly webhooks: Webhooks; readonly maxBodyBytes: number },
): Promise<void> {
  // Whoever knows no secret may send as well: no more is read than a trigger may take.
  const bodyLimit = Math.min(maxBodyBytes, MAX_BODY_BYTES);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Error, request, reply) => {
    // The path may end in a secret: no answer repeats it.
    if (error instanceof PlatformError || (error as { statusCode?: number }).statusCode === undefined) {
      return answerError(error, request, reply);
    }
    const { statusCode = 500 } = error as { statusCode?: number };
    const detail = statusCode === 413 ? 'The body is larger than this server takes.' : 'The request cannot be read.';
    return reply.code(statusCode).send({ detail });
  });
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ detail: 'There is no webhook here.' }));
  const receive = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { triggerId, secret = null } = request.params as { triggerId: string; secret?: string };
    const { status, body, headers } = await webhooks.receive({
      triggerId,
      pathSecret: secret,
      method: request.method,
      headers: headersOf(request),
      query: queryOf(request),
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    });
    return reply.code(status).headers(headers).header('content-type', 'application/json; charset=utf-8').send(body);
  };
  for (const url of ['/:triggerId', '/:triggerId/:secret']) {
    app.route({
      method: [...METHODS],
      url,
      bodyLimit,
      exposeHeadRoute: false,
      schema: { hide: true },
      handler: receive,
    });
  }
}

/** Repeated headers are joined, as HTTP has it (RFC 9110 5.3). */
function headersOf({ headers }: FastifyRequest): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  return Object.fromEntries(entries);
}

function queryOf({ query }: FastifyRequest): JsonObject {
  return { ...(query as JsonObject) };
}
