import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type * as schemas from './schemas.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Answers with a JSON text as it is. */
export function sendText(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', JSON_TYPE).send(json);
}

/** The page that a query asks for. */
export function pageOf(query: Static<typeof schemas.PageQuery>): { page: number; size: number } {
  return { page: query.page ?? 1, size: query.size ?? 50 };
}
