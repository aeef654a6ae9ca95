import type { Server } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Milliseconds between two signs of life. Clients and proxies give a silent connection up after 60 s and more. */
const HEARTBEAT_MS = 15_000;

/** Bytes that wait for one client before what is not essential is left out: they are held in memory. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** A server-sent event stream (WHATWG HTML, "Server-sent events"). */
export interface EventStream {
  /** Sends one event. `data` is one line of text, JSON usually. */
  send(event: string, data: string, id?: string): void;
  /** Resolves when the client is gone or the stream was ended. */
  readonly closed: Promise<void>;
  /** Whether the client reads so slowly that what may be left out should be. */
  readonly isBehind: boolean;
  end(): void;
}

/** Streams that are open, by the server they belong to: a server that closes must end them, or it would wait for ever. */
const openStreams = new WeakMap<Server, Set<EventStream>>();

/** Ends every stream of a server. Clients come back with the id of the last event they saw. */
export function endEventStreams(server: Server): void {
  for (const stream of openStreams.get(server) ?? []) stream.end();
}

/** Takes over the answer and opens a stream on it. */
export function openEventStream(request: FastifyRequest, reply: FastifyReply): EventStream {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    connection: 'keep-alive',
    // Proxies of the nginx family hold back a stream unless told otherwise.
    'x-accel-buffering': 'no',
  });
  raw.write(': stream open\n\n');
  const heartbeat = setInterval(() => raw.write(': alive\n\n'), HEARTBEAT_MS);
  const closed = Promise.withResolvers<void>();
  const close = () => {
    clearInterval(heartbeat);
    streams.delete(stream);
    closed.resolve();
  };
  raw.on('close', close);
  request.raw.on('error', close);
  const stream: EventStream = {
    send(event, data, id) {
      raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
    },
    closed: closed.promise,
    get isBehind() {
      return raw.writableLength > MAX_UNREAD_BYTES;
    },
    end() {
      close();
      raw.end();
    },
  };
  const { server } = request.server;
  const streams = openStreams.get(server) ?? new Set();
  openStreams.set(server, streams);
  streams.add(stream);
  return stream;
}
