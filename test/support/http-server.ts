import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request that a fake server got. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Somebody else's server, as workflows and callbacks meet it. */
export interface OtherServer {
  readonly url: string;
  readonly received: readonly Received[];
  /** Resolves when as many requests have come. */
  got(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server that answers as told. One that never answers keeps its callers waiting until `stop`. */
export async function startOtherServer(
  answer: (request: Received, response: ServerResponse) => unknown,
): Promise<OtherServer> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request: IncomingMessage, response) => {
    const headers = request.headers as Record<string, string>;
    const { method = '', url: path = '' } = request;
    const taken = { method, path, headers, body: await text(request) };
    received.push(taken);
    for (const wake of waiting) wake();
    // Two answers are the same answer, also when a second has passed between them.
    response.sendDate = false;
    answer(taken, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async got(count) {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve);
        });
      }
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
