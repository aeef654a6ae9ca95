import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorKind, PlatformError } from '../../domain/error.ts';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_many: 429,
  too_large: 413,
  unavailable: 503,
};

/** Answers an error in this dialect's form: 422 with a list of details, anything else with one text. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PlatformError) return answerPlatformError(error, reply);
  const status = (error as FastifyError).statusCode ?? 500;
  // Fastify's own refusals (broken JSON, a body that is too large) have a message for the caller; a fault of ours has none.
  if (status < 500) {
    if (status !== 400) return reply.code(status).send({ detail: error.message });
    return reply.code(422).send({ detail: [{ loc: ['body'], msg: error.message, type: 'json_invalid' }] });
  }
  request.log.error({ err: error, requestId: request.id }, 'a request failed');
  return reply.code(500).send({
    detail: `The server failed on this request. Its log has the cause under request id ${request.id}.`,
  });
}

function answerPlatformError(error: PlatformError, reply: FastifyReply): FastifyReply {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'ApiKey');
  reply.code(STATUS[error.kind]);
  if (error.kind !== 'invalid') return reply.send({ detail: error.message });
  return reply.send({
    detail: error.problems.map((problem) => ({
      loc: problem.at,
      msg: problem.message,
      type: problem.type,
      ...(problem.nodeId === undefined ? {} : { node_id: problem.nodeId }),
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    })),
  });
}

/** Answers a path that does not exist. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(404).send({
    detail: `There is no ${request.method} ${request.url.split('?')[0]}. /noxus/openapi.json lists what there is.`,
  });
}
