import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import { invalid, type PlatformError } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Webhooks } from '../operations/webhooks.ts';
import type { Log } from '../system/log.ts';
import type { DialectParts } from './dialect.ts';
import { explorer } from './explorer/explorer.ts';
import type { ExplorerOwnParts } from './explorer/parts.ts';
import { WebPages } from './explorer/web-pages.ts';
import { type HealthParts, serveHealth } from './health.ts';
import { hooks } from './hooks.ts';
import { nestsDeeper } from './json-text.ts';
import { mcp } from './mcp/mcp.ts';
import { readDefinition } from './noxus/definition.ts';
import { answerError, answerNotFound } from './noxus/errors.ts';
import { noxus } from './noxus/noxus.ts';
import { otlp } from './otlp/otlp.ts';
import { runflow } from './runflow/runflow.ts';
import { withPathInOneSegment } from './runflow/slug-paths.ts';
import { endEventStreams } from './sse.ts';
import { validatorCompiler } from './validation.ts';

export interface ServerParts extends DialectParts, HealthParts {
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly explorer: ExplorerOwnParts;
  readonly webhooks: Webhooks;
  /** The folder that the page of the explorer was built into; it need not be there. */
  readonly webFolder: string;
}

/** Levels of lists and objects in a JSON body. Recursion over a value must never reach the end of the call stack, some 7,000 levels. */
const MAX_JSON_DEPTH = 500;

/** Characters of an id in a path. Node ids are free texts; ours are 36 characters long. */
const MAX_PARAM_LENGTH = 500;

/**
 * Two APIs own `/v1`: each is mounted under its prefix, and at the root the credential tells which one is meant. Requests without a credential go
 * to Noxus, whose refusal says how to give one.
 */
function rewriteUrl(request: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const url = request.url ?? '/';
  if (!url.startsWith('/v1/')) return withPathInOneSegment(url);
  // Only one of them says whether it is well, and it asks for no key.
  if (url.startsWith('/v1/health')) return `/runflow${url}`;
  const isRunflow = request.headers.authorization !== undefined && request.headers['x-api-key'] === undefined;
  return isRunflow ? withPathInOneSegment(`/runflow${url}`) : `/noxus${url}`;
}

/** The HTTP server with every dialect, not listening yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: parts.log,
    // A line per request says little that metrics do not say, and at 2,500 requests a second it is most of the log. Failures are logged.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: parts.maxBodyBytes,
    rewriteUrl,
    // An address that cannot be read finds no dialect.
    frameworkErrors: (error, request, reply) => answerError(error, request as never, reply as never),
    // Given here, so that Fastify's own compilers are never made.
    schemaController: {
      compilersFactory: {
        buildValidator: () => validatorCompiler as never,
        buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
      },
    },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // Runs and kept answers carry it: unique for ever, not only within a process.
    genReqId: () => randomUUID(),
  }) as unknown as FastifyInstance;
  // Clients send an empty body with a JSON content type on requests that need none.
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    if (nestsDeeper(body as string, MAX_JSON_DEPTH)) return done(tooDeep(), undefined);
    try {
      done(null, JSON.parse(body as string));
    } catch (error) {
      const message = `The body is not JSON: ${(error as Error).message}`;
      done(Object.assign(new Error(message), { statusCode: 400 }), undefined);
    }
  });
  const pages = new WebPages(parts.webFolder);
  pages.serve(app);
  // No prefix and no key say which dialect is meant: those without either are taken for Noxus.
  app.setNotFoundHandler((request, reply) => {
    if (!pages.answer(request, reply)) answerNotFound(request, reply);
  });
  app.setErrorHandler(answerError);
  app.addHook('preClose', async () => endEventStreams(app.server));

  serveHealth(app, parts);
  await app.register((scope) => hooks(scope, parts), { prefix: '/hooks' });
  await app.register((scope) => noxus(scope, parts), { prefix: '/noxus' });
  await app.register((scope) => runflow(scope, parts), { prefix: '/runflow' });
  await app.register((scope) => otlp(scope, parts), { prefix: '/otlp' });
  // Workflows are kept in the form of Noxus, which the editor of the explorer writes.
  const readDocument = (document: JsonObject) => readDefinition(document, parts.catalogue);
  await app.register((scope) => explorer(scope, { ...parts, ...parts.explorer, readDocument }), {
    prefix: '/explorer',
  });
  const { version, publicUrl } = parts.explorer;
  await app.register((scope) => mcp(scope, { ...parts, version, publicUrl }));
  return app;
}

function tooDeep(): PlatformError {
  const message = `The body nests lists and objects more than ${MAX_JSON_DEPTH} levels deep. Send flatter JSON, or deep data as text.`;
  return invalid([{ at: ['body'], message, type: 'too_deep' }]);
}
