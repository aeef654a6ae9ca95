import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import type { Log } from '../system/log.ts';
import { serveMetrics, type Vitals } from './metrics.ts';

/** Why a process is not to be sent work or requests. */
export type NotReady = 'starting' | 'migrating' | 'draining' | 'store_unreachable';

export interface HealthParts {
  /** Null: it is ready. */
  readonly readiness: () => Promise<NotReady | null>;
  readonly vitals: () => Promise<Vitals>;
}

/** Seconds after which whoever was sent away may come again. */
const RETRY_SECONDS = 1;

/** What tells whether a process is well: for supervisors, load balancers and Prometheus. Asks for no key. */
export function serveHealth(app: FastifyInstance, parts: HealthParts): void {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'ok' }));
  app.get('/readyz', { schema: { hide: true } }, async (_, reply) => {
    const reason = await parts.readiness();
    if (reason === null) return { status: 'ready' };
    return reply.code(503).header('retry-after', String(RETRY_SECONDS)).send({ status: 'not ready', reason });
  });
  serveMetrics(app, parts.vitals);
}

/** The server of a process that answers nothing else, not listening yet. */
export function createHealthServer(parts: HealthParts & { readonly log: Log }): FastifyInstance {
  const app = fastify({
    loggerInstance: parts.log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: 'idle',
  }) as unknown as FastifyInstance;
  serveHealth(app, parts);
  return app;
}

/** What listens while a process starts. */
export interface Door {
  readonly port: number;
  /** What `/readyz` says from now on. */
  say(reason: NotReady): void;
  /** Frees the port, for the server that takes it next. */
  close(): Promise<void>;
}

/**
 * Listens while a process starts, which may have to wait for its store or for another process that migrates it: it lives, is not ready, says why, and
 * sends requests away with 503 until the server takes its place.
 */
export async function openDoor(at: { readonly host: string; readonly port: number }): Promise<Door> {
  let reason: NotReady = 'starting';
  const server = createServer((request, response) => {
    const isAlive = request.url === '/healthz';
    const body = isAlive ? { status: 'ok' } : { status: 'not ready', reason };
    const headers = { 'content-type': 'application/json', connection: 'close', 'retry-after': String(RETRY_SECONDS) };
    request.resume();
    response.writeHead(isAlive ? 200 : 503, headers).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    say(said) {
      reason = said;
    },
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}
