import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorKind, PlatformError } from '../../domain/error.ts';

/** Status and code of each kind of refusal (runflow-api.md 1.2). */
const ANSWERS: Readonly<Record<ErrorKind, readonly [status: number, code: string]>> = {
  invalid: [422, 'VALIDATION_ERROR'],
  unauthenticated: [401, 'UNAUTHORIZED'],
  forbidden: [403, 'PERMISSION_DENIED'],
  not_found: [404, 'NOT_FOUND'],
  conflict: [409, 'CONFLICT'],
  too_many: [429, 'RATE_LIMITED'],
  too_large: [413, 'PAYLOAD_TOO_LARGE'],
  unavailable: [503, 'UNAVAILABLE'],
};

/** Codes of Fastify's own refusals by status; their message is for the caller. */
const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Answers an error in this dialect's form: a code for programs, a message for people, and the list of what is wrong. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PlatformError) return answerPlatformError(error, reply);
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) {
    return reply.code(status).send(bodyOf(CODE_OF_STATUS[status] ?? 'BAD_REQUEST', error.message));
  }
  request.log.error({ err: error, requestId: request.id }, 'a request failed');
  const message = `The server failed on this request. Its log has the cause under request id ${request.id}.`;
  return reply.code(500).send(bodyOf('INTERNAL_ERROR', message));
}

function answerPlatformError(error: PlatformError, reply: FastifyReply): FastifyReply {
  const [status, code] = ANSWERS[error.kind];
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  const problems = error.problems.map((problem) => ({
    loc: problem.at,
    msg: problem.message,
    type: problem.type,
    ...(problem.span === undefined ? {} : { position: problem.span.from, end: problem.span.to }),
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(problem.nodeId === undefined ? {} : { node_id: problem.nodeId }),
  }));
  const named = error.noun === undefined ? code : `${error.noun.toUpperCase().replaceAll(/\W+/g, '_')}_${code}`;
  return reply.code(status).send(bodyOf(named, error.message, problems.length === 0 ? null : problems));
}

/** Answers a path that does not exist. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.originalUrl ?? request.url).split('?')[0]!;
  const message = `There is no ${request.method} ${path}. /runflow/openapi.json lists what there is.`;
  return reply.code(404).send(bodyOf('NOT_FOUND', message));
}

const bodyOf = (code: string, message: string, errors: readonly object[] | null = null) => ({ code, message, errors });
