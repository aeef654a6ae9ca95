import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorKind, PlatformError } from '../../domain/error.ts';

/** What a refused call is to do, where the message does not say it. */
const ADVICE: Readonly<Record<ErrorKind, string>> = {
  invalid: 'Correct the arguments and call again.',
  unauthenticated: '',
  forbidden: '',
  not_found: 'Ids come from list_runs, search_runs, list_workflows and list_person_requests.',
  conflict: 'Read how it stands now before you try again.',
  too_many: '',
  too_large: '',
  unavailable: 'Try again in a moment.',
};

/** A refusal as a model reads it: what was wrong, each mistake with its place, and what to do. */
export function explained({ kind, message, problems, retryAfter }: PlatformError): string {
  const lines = problems.map(({ at, message: said, hint, span }) => {
    const place = at.slice(1).join('.');
    const where = span === undefined ? place : `${place}, characters ${span.from} to ${span.to}`;
    return `- ${where === '' ? '' : `${where}: `}${said}${hint === undefined ? '' : ` ${hint}`}`;
  });
  const wait = retryAfter === undefined ? '' : `Try again in ${retryAfter} s.`;
  const advice = kind === 'too_many' ? '' : wait || ADVICE[kind];
  return [...(lines.length === 0 ? [message] : lines), advice].filter((line) => line !== '').join('\n');
}

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_many: 429,
  too_large: 413,
  unavailable: 503,
};

/** JSON-RPC's code of an error of the server's own choosing, as the official servers use it. */
const REFUSED = -32_000;

/** Answers a request that never became a message: as a JSON-RPC error without an id, with the HTTP status that says the same. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof PlatformError) {
    if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
    if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
    return reply.code(STATUS[error.kind]).send(bodyOf(error.message));
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) return reply.code(status).send(bodyOf(error.message));
  request.log.error({ err: error, requestId: request.id }, 'a request failed');
  return reply.code(500).send(bodyOf(`${FAULT} ${request.id}.`));
}

/** What is said of a fault of ours, before the id of the request. */
export const FAULT = 'The server failed on this request. Its log has the cause under request id';

const bodyOf = (message: string) => ({ jsonrpc: '2.0', error: { code: REFUSED, message }, id: null });
