import type { FastifyInstance, FastifyRequest } from 'fastify';
import { answerError } from './errors.ts';
import { refuseOtherSites } from './origin.ts';
import type { McpParts } from './parts.ts';

const HOW_TO_GIVE_A_KEY = 'Send yours as Authorization: Bearer <key>.';

/**
 * The Model Context Protocol over streamable HTTP (`docs/mcp.md`), without sessions: one address that takes messages and answers each in the answer
 * to its request.
 */
export async function mcp(app: FastifyInstance, parts: McpParts): Promise<void> {
  const stopping = new AbortController();
  app.addHook('preClose', async () => stopping.abort());
  app.setErrorHandler(answerError);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    refuseOtherSites(request, parts.publicUrl);
    const key = /^Bearer +(\S+)$/i.exec(request.headers.authorization?.trim() ?? '')?.[1];
    request.caller = await parts.access.callerOf(key, HOW_TO_GIVE_A_KEY);
  });

  app.post('/mcp', { schema: { hide: true } }, async (request, reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    // The package and what it rests on take 0.2 s and 30 MB, which a server that nobody asks this way never spends.
    const { answerMessages } = await import('./session.ts');
    return answerMessages(parts, {
      caller: request.caller,
      requestId: request.id,
      request: asWebRequest(request),
      body: request.body,
      log: request.log,
      workflowsAreTools: (request.query as { workflows?: string }).workflows === 'tools',
      gone: gone.signal,
      stopping: stopping.signal,
    });
  });

  // Nothing is ever sent that nobody asked for, and there is no session to end (MCP 2025-11-25, "Listening for Messages from the Server").
  app.route({
    method: ['GET', 'DELETE'],
    url: '/mcp',
    schema: { hide: true },
    handler: (request, reply) => {
      const message = `${request.method} means nothing here: this server keeps no sessions. Send messages with POST.`;
      return reply
        .code(405)
        .header('allow', 'POST')
        .send({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null });
    },
  });
}

/** The request as web standards have it, but for its address, which says nothing, and its body, which is read already. */
function asWebRequest({ headers, method }: FastifyRequest): Request {
  const given = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  return new Request('http://millrun/mcp', { method, headers: given });
}
