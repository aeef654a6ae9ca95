import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorKind, PlatformError, type Problem } from '../../domain/error.ts';
import type { Refusal } from './wire.ts';

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

/** Answers an error in this dialect's form. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PlatformError) {
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    return reply.code(STATUS[error.kind]).send(refusal(request, error.kind, error.message, error.problems));
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) return reply.code(status).send(refusal(request, 'invalid', error.message));
  request.log.error({ err: error, requestId: request.id }, 'a request failed');
  const message = `The server failed on this request. Its log has the cause under request id ${request.id}.`;
  return reply.code(500).send(refusal(request, 'internal', message));
}

/** Answers a path that does not exist. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.originalUrl ?? request.url).split('?')[0]!;
  return reply.code(404).send(refusal(request, 'not_found', `There is no ${request.method} ${path}.`));
}

function refusal(request: FastifyRequest, kind: string, message: string, problems: readonly Problem[] = []): Refusal {
  return { error: { kind, message, problems, requestId: request.id } };
}
