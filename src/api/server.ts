import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import type { Log } from '../system/log.ts';
import type { DialectParts } from './dialect.ts';
import { serveMetrics, type Vitals } from './metrics.ts';
import { noxus } from './noxus/noxus.ts';
import { endEventStreams } from './sse.ts';
import { validatorCompiler } from './validation.ts';

export interface ServerParts extends DialectParts {
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly vitals: () => Promise<Vitals>;
  /** Whether requests are welcome: false while starting and draining. */
  readonly ready: () => boolean;
}

/**
 * Two APIs own `/v1`: each is mounted under its prefix, and at the root the credential tells which one is meant. Requests without a credential go
 * to Noxus, whose refusal says how to give one.
 */
function rewriteUrl(request: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const url = request.url ?? '/';
  if (!url.startsWith('/v1/')) return url;
  return `/noxus${url}`;
}

/** The HTTP server with every dialect, not listening yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: parts.log,
    // A line per request says little that metrics do not say, and at 2,500 requests a second it is most of the log. Failures are logged.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: parts.maxBodyBytes,
    rewriteUrl,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 500 },
    genReqId: (() => {
      let n = 0;
      return () => `req-${process.pid}-${(++n).toString(36)}`;
    })(),
  }) as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler as never);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  // Clients send an empty body with a JSON content type on requests that need none.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    try {
      done(null, JSON.parse(body as string));
    } catch (error) {
      const message = `The body is not JSON: ${(error as Error).message}`;
      done(Object.assign(new Error(message), { statusCode: 400 }), undefined);
    }
  });
  app.addHook('preClose', async () => endEventStreams(app.server));

  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }));
  app.get('/readyz', { schema: { hide: true } }, async (_, reply) => {
    if (parts.ready()) return { status: 'ready' };
    return reply.code(503).send({ status: 'starting or draining' });
  });
  serveMetrics(app, parts.vitals);
  await app.register((scope) => noxus(scope, parts), { prefix: '/noxus' });
  return app;
}
