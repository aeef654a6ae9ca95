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

/** Fastify's own refusals whose message does not say what to do. */
const REFUSALS: Readonly<Record<string, (request: FastifyRequest) => string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ({ headers }) =>
    `A body of type "${headers['content-type']}" is not read here. Send JSON with Content-Type: application/json; files go to POST /v1/file as multipart/form-data.`,
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    'The body is larger than this server takes (MILLRUN_MAX_BODY_BYTES). Send large data as a file to POST /v1/file.',
  FST_ERR_BAD_URL: (request) =>
    `The address ${pathOf(request).slice(0, SHOWN_PATH)} cannot be read. Write % itself as %25, and other characters in UTF-8.`,
  FST_ERR_MAX_PARAM_LENGTH: (request) =>
    `The address ${pathOf(request).slice(0, SHOWN_PATH)}… has an id that is too long to be one of this server.`,
};

/** Characters of an address that a refusal repeats. */
const SHOWN_PATH = 80;

const isAboutPath = (error: FastifyError): boolean => error.code === 'FST_ERR_BAD_URL';

/** The path as the caller wrote it, without the query: that may carry secrets. */
const pathOf = (request: FastifyRequest): string => (request.originalUrl ?? request.url).split('?')[0]!;

/** Answers an error in this dialect's form: 422 with a list of details, anything else with one text. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PlatformError) return answerPlatformError(error, reply);
  const status = (error as FastifyError).statusCode ?? 500;
  // Fastify's own refusals (broken JSON, a body that is too large) have a message for the caller; a fault of ours has none.
  if (status < 500) {
    const detail = REFUSALS[(error as FastifyError).code]?.(request) ?? error.message;
    if (status !== 400 || isAboutPath(error as FastifyError)) return reply.code(status).send({ detail });
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
    detail: `There is no ${request.method} ${pathOf(request)}. /noxus/openapi.json lists what there is.`,
  });
}
