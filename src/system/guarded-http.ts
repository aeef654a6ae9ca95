import type { LookupAddress } from 'node:dns';
import { lookup as resolveName } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { type Duplex, Readable, Transform } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import ipaddr from 'ipaddr.js';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import {
  type HttpAnswer,
  type HttpClient,
  HttpClientError,
  type HttpRequest,
  type OpenWebSocket,
  type WebSocketRequest,
} from './http-client.ts';

/** Redirects followed for one request; browsers allow 20, an API that needs more than a few is in a loop. */
export const MAX_REDIRECTS = 5;

/** Milliseconds for a TCP and TLS connection to be made. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Milliseconds that a `fetch` waits for the first byte and between bytes; its caller's signal may end it sooner. */
const FETCH_IDLE_TIMEOUT_MS = 300_000;

/** Decoded bytes that one `fetch` may give: its users (model and embedding providers) collect answers in memory. */
const MAX_FETCH_BYTES = 64 * 1024 * 1024;

/** Encodings stacked on one body (RFC 9110 8.4 allows any number); more than two is an attempt to make decoding expensive. */
const MAX_ENCODINGS = 2;

/** Headers that are meant for one origin and not sent to another that it redirects to. */
const ORIGIN_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
]);

/** Azure's platform address: public by its number, and an instance's agent by what answers there. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(['168.63.129.16']);

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface GuardOptions {
  /**
   * Addresses that may be called although they are not public: host names, `host:port`, addresses and CIDR ranges; `*` allows all.
   * A name allows whatever address it resolves to.
   */
  readonly allow: readonly string[];
  /** How names are resolved; the system's resolver when left out. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
}

/**
 * An HTTP client that calls public addresses only, so that what users configure cannot reach the network that the server stands in
 * (OWASP, "Server-Side Request Forgery Prevention"). The address that a name resolves to is checked when the connection is made,
 * and exactly that address is used: a name that changes its mind between a check and a call has nothing to win.
 * @throws Error when an entry of `allow` cannot be read.
 */
export function createGuardedHttp(options: GuardOptions): HttpClient {
  const guard = createGuard(options.allow);
  const resolve = options.resolve ?? ((host: string) => resolveName(host, { all: true }));
  let agent: Promise<Agent> | null = null;
  const sockets = new Set<OpenWebSocket>();
  // Loaded at the first request: the library would be a noticeable part of the platform's start.
  const connector = async (): Promise<buildConnector.connector> => {
    const { buildConnector } = await import('undici');
    return (target, callback) => {
      const port = target.port || (target.protocol === 'https:' ? '443' : '80');
      const lookup = guardedLookup(guard, resolve, port);
      buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup })(target, callback);
    };
  };
  const dispatcher = (): Promise<Agent> => {
    agent ??= Promise.all([import('undici'), connector()]).then(([{ Agent }, connect]) => new Agent({ connect }));
    return agent;
  };
  const refusal = (url: string): string | null => refuse(guard, url);
  return {
    request: (request) => exchange({ dispatcher, refusal }, request),
    fetch: async (input, init) => guardedFetch({ dispatcher, refusal }, new Request(input, init)),
    websocket: (request) => openWebSocket({ connector, refusal, sockets }, request),
    refusal,
    close: async () => {
      const opened = agent;
      agent = null;
      for (const socket of sockets) socket.close();
      // Destroyed rather than closed: closing waits for answers, and nobody is left to read them.
      await (await opened)?.destroy();
    },
  };
}

interface Wire {
  dispatcher(): Promise<Agent>;
  refusal(url: string): string | null;
}

/** An entry of the allow list cannot be read. */
class BadAllowList extends Error {
  override readonly name = 'BadAllowList';
}

interface Guard {
  readonly all: boolean;
  readonly names: ReadonlySet<string>;
  readonly ranges: readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number][];
}

function createGuard(allow: readonly string[]): Guard {
  const names = new Set<string>();
  const ranges: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  for (const entry of allow.map((text) => text.trim().toLowerCase())) {
    if (entry.includes('/')) {
      if (!ipaddr.isValidCIDR(entry)) {
        throw new BadAllowList(
          `The allowed address "${entry}" is no CIDR range. Write it like 10.0.0.0/8, or a host name without a path.`,
        );
      }
      ranges.push(ipaddr.parseCIDR(entry));
    } else if (isIP(entry) !== 0)
      ranges.push([ipaddr.process(entry), ipaddr.process(entry).kind() === 'ipv4' ? 32 : 128]);
    else names.add(entry);
  }
  return { all: names.has('*'), names, ranges };
}

/** Why the URL may not be called, as far as it shows by itself. The URL class has already read 0x7f.1 and 2130706433 as 127.0.0.1. */
function refuse(guard: Guard, url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed === null) return 'The address cannot be read. Give it whole, e.g. https://example.com/path.';
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    return `Only http and https addresses can be called; given was ${parsed.protocol}`;
  }
  if (parsed.username !== '' || parsed.password !== '') {
    return 'The address carries a user name or password. Send them in an Authorization header.';
  }
  const host = hostOf(parsed);
  if (isAllowedName(guard, host, portOf(parsed))) return null;
  const literal = parsed.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) return refuseAddress(guard, literal, host);
  if (host === 'localhost' || host.endsWith('.localhost')) return notPublic(host, 'this machine');
  return null;
}

function refuseAddress(guard: Guard, address: string, host: string): string | null {
  if (guard.all) return null;
  const parsed = ipaddr.process(address);
  const inRange = guard.ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits));
  if (inRange || isPublic(parsed)) return null;
  return notPublic(host, address);
}

/** Public unicast only. Of IPv6 just 2000::/3 is given out (RFC 4291 2.4); the rest of the ranges hide IPv4 addresses or are special. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast' || METADATA_ADDRESSES.has(address.toString())) return false;
  return address instanceof ipaddr.IPv4 || (address.parts[0]! & 0xe000) === 0x2000;
}

function notPublic(host: string, address: string): string {
  const where = host === address || host === `[${address}]` ? host : `${host} (${address})`;
  return `${where} is not a public address. To allow it, add it to the allowed addresses in the server's configuration.`;
}

function isAllowedName(guard: Guard, host: string, port: string): boolean {
  return guard.all || guard.names.has(host) || guard.names.has(`${host}:${port}`);
}

/** The host in lower case without the dot of the root, which `localhost.` would pass checks by name with. */
function hostOf(url: URL): string {
  return url.hostname.replace(/\.$/, '');
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}

/** The `lookup` of one connection: it gives only addresses that may be called on that port. */
function guardedLookup(guard: Guard, resolve: NonNullable<GuardOptions['resolve']>, port: string): LookupFunction {
  return (hostname, options, callback) => {
    const host = hostname.toLowerCase().replace(/\.$/, '');
    const refusalOf = (address: string): string | null =>
      isAllowedName(guard, host, port) ? null : refuseAddress(guard, address, host);
    resolve(hostname).then(
      (found) => {
        const usable = found.filter(({ address }) => refusalOf(address) === null);
        const [first] = usable;
        if (first === undefined) callback(noAddress(host, found[0] && refusalOf(found[0].address)), '');
        else if (options.all) callback(null, usable);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

function noAddress(host: string, refusal: string | null | undefined): Error {
  return refusal
    ? new HttpClientError('address_refused', refusal)
    : new HttpClientError('network', `${host} has no address.`);
}

/** One hop's request, as it changes from redirect to redirect. */
interface Hop {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  /** Besides `ORIGIN_HEADERS`. */
  readonly originHeaders: readonly string[];
}

interface FinalAnswer {
  readonly answer: Dispatcher.ResponseData;
  readonly url: string;
}

async function exchange(wire: Wire, request: HttpRequest): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  const hop: Hop = {
    url: request.url,
    method: request.method,
    headers: { 'accept-encoding': 'gzip, deflate, br', ...lowerCase(request.headers ?? {}) },
    body: request.body ?? null,
    originHeaders: request.originHeaders ?? [],
  };
  try {
    const { answer, url } = await follow(wire, hop, request.followRedirects ?? true, signal);
    const body = await readable(answer, hop.method, request.maxBytes).toArray();
    return { status: answer.statusCode, headers: joined(answer.headers), body: Buffer.concat(body), url };
  } catch (error) {
    throw asClientError(error, request, timeout);
  }
}

/** Sends the request, and again where redirects point, each checked like the first (RFC 9110 15.4). */
async function follow(
  wire: Wire,
  first: Hop,
  followRedirects: boolean,
  signal: AbortSignal,
  idleTimeout = 0,
): Promise<FinalAnswer> {
  let hop = first;
  for (let redirects = 0; ; redirects++) {
    const refusal = wire.refusal(hop.url);
    if (refusal !== null) throw new HttpClientError('address_refused', refusal);
    const url = new URL(hop.url);
    const agent = await wire.dispatcher();
    const answer = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: hop.method as Dispatcher.HttpMethod,
      headers: hop.headers,
      body: hop.body,
      signal,
      // 0 switches the library's own timers off where one signal measures the whole exchange.
      headersTimeout: idleTimeout,
      bodyTimeout: idleTimeout,
    });
    const location = joined(answer.headers)['location'];
    if (!followRedirects || !REDIRECTS.has(answer.statusCode) || location === undefined)
      return { answer, url: url.href };
    discard(answer);
    if (redirects >= MAX_REDIRECTS) {
      throw new HttpClientError(
        'network',
        `${url.origin} redirects more than ${MAX_REDIRECTS} times. Use the final address.`,
      );
    }
    hop = redirected(hop, url, location, answer.statusCode);
  }
}

function redirected(hop: Hop, from: URL, location: string, status: number): Hop {
  const to = URL.parse(location, from.href);
  if (to === null) throw new HttpClientError('network', `${from.origin} redirects to an address that cannot be read.`);
  const becomesGet =
    (status === 303 && hop.method !== 'HEAD') || ((status === 301 || status === 302) && hop.method === 'POST');
  const headers = Object.entries(hop.headers).filter(([name]) => {
    if (to.origin !== from.origin && (ORIGIN_HEADERS.has(name) || hop.originHeaders.includes(name))) return false;
    return !(becomesGet && name.startsWith('content-'));
  });
  return {
    url: to.href,
    method: becomesGet ? 'GET' : hop.method,
    headers: Object.fromEntries(headers),
    body: becomesGet ? null : hop.body,
    originHeaders: hop.originHeaders,
  };
}

/** The body without its content encodings, ending in an error at more than `maxBytes`: what comes out is counted before more is let in. */
function readable(answer: Dispatcher.ResponseData, method: string, maxBytes: number): Readable {
  try {
    const decoders = isBodiless(answer, method) ? [] : encodings(answer).reverse().map(decoder);
    return [...decoders, limiter(maxBytes)].reduce<Readable>(chain, answer.body);
  } catch (error) {
    discard(answer);
    throw error;
  }
}

/** True for answers that end with their headers, whatever those say of a body (RFC 9112 6.3). */
function isBodiless(answer: Dispatcher.ResponseData, method: string): boolean {
  return method === 'HEAD' || [204, 205, 304].includes(answer.statusCode);
}

function encodings(answer: Dispatcher.ResponseData): string[] {
  const named = (joined(answer.headers)['content-encoding'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  const applied = named.filter((name) => name !== '' && name !== 'identity');
  if (applied.length <= MAX_ENCODINGS) return applied;
  throw new HttpClientError(
    'network',
    `The answer is encoded ${applied.length} times; at most ${MAX_ENCODINGS} are decoded.`,
  );
}

function decoder(encoding: string): Duplex {
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip();
  if (encoding === 'deflate') return createInflate();
  if (encoding === 'br') return createBrotliDecompress();
  throw new HttpClientError('network', `The answer has the encoding "${encoding}", which is not understood.`);
}

function limiter(maxBytes: number): Duplex {
  let size = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      size += chunk.byteLength;
      if (size <= maxBytes) done(null, chunk);
      else
        done(
          new HttpClientError(
            'too_large',
            `The answer is larger than ${maxBytes} bytes. Ask for less, or raise the limit.`,
          ),
        );
    },
  });
}

/** Like `pipe`, and an error or the end of either side ends the other: no half-read socket stays behind. */
function chain(source: Readable, sink: Duplex): Readable {
  source.on('error', (error) => sink.destroy(error));
  sink.on('close', () => source.destroy());
  return source.pipe(sink);
}

/** Gives an answer up unread. */
function discard(answer: Dispatcher.ResponseData): void {
  answer.body.on('error', () => {}).destroy();
}

function asClientError(error: unknown, request: HttpRequest, timeout: AbortSignal): HttpClientError {
  const origin = URL.parse(request.url)?.origin ?? 'the address';
  if (error instanceof HttpClientError) return error;
  if (request.signal?.aborted)
    return new HttpClientError('aborted', `The request to ${origin} was stopped.`, { cause: error });
  if (timeout.aborted) {
    return new HttpClientError('timeout', `${origin} did not answer within ${request.timeoutMs} ms.`, { cause: error });
  }
  return networkError(error, origin);
}

function networkError(error: unknown, origin: string): HttpClientError {
  const known = causeIn(error);
  if (known !== null) return known;
  const detail = error instanceof Error ? ('code' in error && String(error.code)) || error.message : String(error);
  const reason = /TIMEOUT|ETIMEDOUT/.test(detail) ? 'timeout' : 'network';
  return new HttpClientError(reason, `${origin} cannot be reached: ${detail}.`, { cause: error });
}

/** Our own refusal, where the connector or an AggregateError of several addresses carries it. */
function causeIn(error: unknown): HttpClientError | null {
  if (error instanceof HttpClientError) return error;
  if (error instanceof AggregateError) return error.errors.map(causeIn).find((found) => found !== null) ?? null;
  return error instanceof Error && error.cause !== undefined ? causeIn(error.cause) : null;
}

/**
 * `fetch` with the same guard. Request bodies may be text, bytes, forms or blobs and are read before they are sent; answers stream.
 * Rejects like `fetch`: a `TypeError` whose cause is the `HttpClientError`, or the signal's reason.
 */
async function guardedFetch(wire: Wire, request: Request): Promise<Response> {
  const { signal } = request;
  const hop: Hop = {
    url: request.url,
    method: request.method,
    headers: { 'accept-encoding': 'gzip, deflate, br', accept: '*/*', ...Object.fromEntries(request.headers) },
    body: request.body === null ? null : await request.bytes(),
    originHeaders: [],
  };
  try {
    const { answer, url } = await follow(wire, hop, request.redirect === 'follow', signal, FETCH_IDLE_TIMEOUT_MS);
    return response(answer, request.method, url);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new TypeError('fetch failed', {
      cause: networkError(error, URL.parse(request.url)?.origin ?? 'the address'),
    });
  }
}

function response(answer: Dispatcher.ResponseData, method: string, url: string): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const item of Array.isArray(value) ? value : [value ?? '']) headers.append(name, item);
  }
  // They describe the bytes on the wire, and the reader gets the decoded ones.
  if (headers.has('content-encoding')) {
    headers.delete('content-encoding');
    headers.delete('content-length');
  }
  let stream: ReadableStream<Uint8Array> | null = null;
  if (isBodiless(answer, method)) {
    answer.body.on('error', () => {}).resume();
  } else {
    const body = readable(answer, method, MAX_FETCH_BYTES);
    stream = Readable.toWeb(body) as WebStream<Uint8Array> as ReadableStream<Uint8Array>;
  }
  const result = new Response(stream, { status: answer.statusCode, headers });
  Object.defineProperty(result, 'url', { value: url });
  return result;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joined(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}

interface SocketWire {
  connector(): Promise<buildConnector.connector>;
  refusal(url: string): string | null;
  /** Those that are being opened or are open. */
  readonly sockets: Set<OpenWebSocket>;
}

/** A websocket on a connection of its own, which is cut when it ends: the library's closing handshake waits for a peer that may be gone. */
async function openWebSocket(wire: SocketWire, request: WebSocketRequest): Promise<OpenWebSocket> {
  const httpUrl = request.url.replace(/^ws/i, 'http');
  const refusal = /^wss?:/i.test(request.url)
    ? wire.refusal(httpUrl)
    : 'A websocket address begins with ws:// or wss://.';
  if (refusal !== null) throw new HttpClientError('address_refused', refusal);
  const { origin } = new URL(httpUrl);
  const [{ Client, WebSocket }, connect] = await Promise.all([import('undici'), wire.connector()]);
  let connection: Socket | null = null;
  let reason: unknown = new Error('it opened no websocket. Check the address and the credentials');
  const client = new Client(origin, {
    allowH2: false,
    webSocket: { maxPayloadSize: request.maxBytes },
    connect: (target, callback) =>
      connect(target, (...[error, socket]) => {
        connection = socket;
        if (error === null) callback(null, socket);
        else {
          reason = error;
          callback(error, null);
        }
      }),
  });
  const opened = Promise.withResolvers<OpenWebSocket>();
  const websocket = new WebSocket(request.url, { dispatcher: client, headers: request.headers ?? {} });
  websocket.binaryType = 'arraybuffer';
  const handle: OpenWebSocket = {
    close() {
      websocket.close();
      connection?.destroySoon();
      void client.destroy();
    },
  };
  const giveUp = (error: HttpClientError): void => {
    reason = error;
    handle.close();
  };
  const onAbort = () => giveUp(new HttpClientError('aborted', `The websocket to ${origin} was stopped.`));
  const timer = setTimeout(() => {
    giveUp(new HttpClientError('timeout', `${origin} opened no websocket within ${request.timeoutMs} ms.`));
  }, request.timeoutMs);
  let isOpen = false;
  wire.sockets.add(handle);
  request.signal?.addEventListener('abort', onAbort, { once: true });
  websocket.addEventListener('open', () => {
    isOpen = true;
    clearTimeout(timer);
    opened.resolve(handle);
  });
  websocket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') request.onText(data);
  });
  websocket.addEventListener('close', () => {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', onAbort);
    wire.sockets.delete(handle);
    void client.destroy();
    if (isOpen) request.onClose();
    else opened.reject(networkError(reason, origin));
  });
  if (request.signal?.aborted) onAbort();
  return opened.promise;
}
