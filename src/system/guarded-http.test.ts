import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { acceptWebSocket, type ServerSocket } from '../../test/support/websocket-server.ts';
import { createGuardedHttp, MAX_REDIRECTS } from './guarded-http.ts';
import {
  type HttpClient,
  HttpClientError,
  type HttpRequest,
  type OpenWebSocket,
  type WebSocketRequest,
} from './http-client.ts';

const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(listener: RequestListener): Promise<{ port: number; url: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  opened.push(() => new Promise((closed) => server.close(closed).closeAllConnections()));
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, server };
}

function client(allow: readonly string[], names: Record<string, string> = {}): HttpClient {
  const resolve = async (host: string) => {
    const address = names[host];
    if (address === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return [{ address, family: address.includes(':') ? 6 : 4 }];
  };
  const http = createGuardedHttp({ allow, resolve });
  opened.push(() => http.close());
  return http;
}

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, timeoutMs: 5_000, maxBytes: 1_000_000, ...more };
}

async function reasonOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HttpClientError);
  return (error as HttpClientError).reason;
}

const text = (body: Uint8Array) => Buffer.from(body).toString();

describe('addresses that are not public', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0x7f.0.0.1/',
    'http://0/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/',
    'http://[ff02::1]/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://168.63.129.16/',
    'http://100.100.100.200/',
    'http://192.0.0.192/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    'http://127。0。0。1/',
    'http://①②⑦.⓪.⓪.①/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://user:secret@example.com/',
    'http://user@example.com/',
    'not a url',
    '',
  ])('%s is refused', async (url) => {
    const http = client([]);
    expect(http.refusal(url)).toEqual(expect.any(String));
    expect(await reasonOf(http.request(get(url)))).toBe('address_refused');
  });

  it.each(['https://example.com/', 'http://93.184.216.34/', 'http://[2606:2800:220:1::1]:8080/x'])(
    '%s is public',
    (url) => {
      expect(client([]).refusal(url)).toBeNull();
    },
  );

  it('are refused when a name resolves to them, however public the name looks', async () => {
    const { port } = await serve((_, answer) => answer.end('secret'));
    const http = client([], { 'rebound.example': '127.0.0.1', 'six.example': '::ffff:127.0.0.1' });
    expect(await reasonOf(http.request(get(`http://rebound.example:${port}/`)))).toBe('address_refused');
    expect(await reasonOf(http.request(get(`http://six.example:${port}/`)))).toBe('address_refused');
  });

  it('are never told in the refusal together with a user name or password', () => {
    expect(client([]).refusal('http://user:secret@127.0.0.1/')).not.toContain('secret');
  });
});

describe('what the configuration allows', () => {
  it.each([
    ['a CIDR range', (_port: number) => '127.0.0.0/8'],
    ['an address', () => '127.0.0.1'],
    ['an address and port', (port: number) => `127.0.0.1:${port}`],
    ['everything', () => '*'],
  ])('may be called: %s', async (_, entry) => {
    const { port, url } = await serve((_request, answer) => answer.end('ok'));
    expect(text((await client([entry(port)]).request(get(url))).body)).toBe('ok');
  });

  it('may be called by name, on the port named and no other', async () => {
    const { port } = await serve((_, answer) => answer.end('ok'));
    const names = { 'internal.example': '127.0.0.1' };
    const url = `http://internal.example:${port}/`;
    expect((await client(['Internal.Example'], names).request(get(url))).status).toBe(200);
    expect((await client([`internal.example:${port}`], names).request(get(url))).status).toBe(200);
    expect(await reasonOf(client(['internal.example:1'], names).request(get(url)))).toBe('address_refused');
    expect(await reasonOf(client(['example'], names).request(get(url)))).toBe('address_refused');
  });

  it('is told at once when an entry cannot be read', () => {
    expect(() => createGuardedHttp({ allow: ['10.0.0.0/99'] })).toThrow('10.0.0.0/99');
  });

  it('never includes addresses with credentials or other protocols', () => {
    expect(client(['*']).refusal('http://a:b@example.com/')).not.toBeNull();
    expect(client(['*']).refusal('ftp://example.com/')).not.toBeNull();
  });
});

describe('redirects', () => {
  it('are followed, and the last address is told', async () => {
    const { url } = await serve((request, answer) => {
      if (request.url === '/a') answer.writeHead(302, { location: '/b?x=1' }).end('moved');
      else answer.end(request.url);
    });
    const answer = await client(['127.0.0.1']).request(get(`${url}/a`));
    expect([text(answer.body), answer.url]).toEqual(['/b?x=1', `${url}/b?x=1`]);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://localhost:22/',
    'file:///etc/passwd',
    'http://inside.example/',
  ])('to %s are refused', async (location) => {
    const { url } = await serve((_, answer) => answer.writeHead(302, { location }).end());
    const http = client([new URL(url).host], { 'inside.example': '10.0.0.1' });
    expect(await reasonOf(http.request(get(url)))).toBe('address_refused');
    await expect(http.fetch(url)).rejects.toMatchObject({ cause: { reason: 'address_refused' } });
  });

  it('end after a number of hops', async () => {
    let calls = 0;
    const { url } = await serve((_, answer) => {
      calls++;
      answer.writeHead(307, { location: '/again' }).end();
    });
    expect(await reasonOf(client(['*']).request(get(url)))).toBe('network');
    expect(calls).toBe(MAX_REDIRECTS + 1);
  });

  it('take credentials along within an origin and not to another', async () => {
    const seen: unknown[][] = [];
    const target = await serve((request, answer) => {
      seen.push([request.headers.authorization, request.headers.cookie, request.headers['x-other']]);
      answer.end();
    });
    const source = await serve((request, answer) => {
      const location = request.url === '/same' ? '/cross' : target.url;
      if (request.url === '/cross') seen.push([request.headers.authorization]);
      answer.writeHead(302, { location }).end();
    });
    await client(['*']).request(
      get(`${source.url}/same`, { headers: { Authorization: 'secret', Cookie: 'c', 'X-Other': 'o' } }),
    );
    expect(seen).toEqual([['secret'], [undefined, undefined, 'o']]);
  });

  it.each([
    [303, 'PUT', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [307, 'POST', 'POST', 'body'],
    [308, 'PUT', 'PUT', 'body'],
  ])('with status %i turn %s into %s', async (status, method, then, body) => {
    const { url } = await serve(async (request, answer) => {
      if (request.url === '/') return answer.writeHead(status, { location: '/next' }).end();
      return answer.end(
        `${request.method} ${Buffer.concat(await request.toArray())} ${request.headers['content-type'] ?? ''}`,
      );
    });
    const answer = await client(['*']).request(
      get(url, { method, body: 'body', headers: { 'content-type': 'text/x' } }),
    );
    expect(text(answer.body)).toBe(`${then} ${body} ${body === '' ? '' : 'text/x'}`);
  });

  it('are given back when they are not to be followed', async () => {
    const { url } = await serve((_, answer) => answer.writeHead(302, { location: '/b' }).end());
    const http = client(['*']);
    const answer = await http.request(get(url, { followRedirects: false }));
    expect([answer.status, answer.headers['location']]).toEqual([302, '/b']);
    expect((await http.fetch(url, { redirect: 'manual' })).status).toBe(302);
  });
});

describe('answers', () => {
  it('of any status are given, with headers in lower case and joined', async () => {
    const { url } = await serve((_, answer) => {
      answer.writeHead(503, [
        ['X-A', '1'],
        ['X-A', '2'],
      ]);
      answer.end('busy');
    });
    const answer = await client(['*']).request(get(url));
    expect([answer.status, answer.headers['x-a'], text(answer.body)]).toEqual([503, '1, 2', 'busy']);
  });

  it.each([
    ['gzip', gzipSync('plain text')],
    ['deflate', deflateSync('plain text')],
    ['br', brotliCompressSync('plain text')],
    ['gzip, br', brotliCompressSync(gzipSync('plain text'))],
    ['identity', Buffer.from('plain text')],
  ])('with encoding %s are decoded', async (encoding, bytes) => {
    const { url } = await serve((_, answer) => answer.writeHead(200, { 'content-encoding': encoding }).end(bytes));
    const http = client(['*']);
    expect(text((await http.request(get(url))).body)).toBe('plain text');
    expect(await (await http.fetch(url)).text()).toBe('plain text');
  });

  it.each([
    ['an encoding that is not known', 'zstd', Buffer.from('x')],
    ['a stack of encodings', 'gzip, gzip, gzip', Buffer.from('x')],
    ['bytes that are not what the encoding says', 'gzip', Buffer.from('plain')],
    ['bytes that end too soon', 'gzip', gzipSync('a longer text that is cut').subarray(0, 20)],
  ])('with %s are a network error', async (_, encoding, bytes) => {
    const { url } = await serve((_request, answer) =>
      answer.writeHead(200, { 'content-encoding': encoding }).end(bytes),
    );
    expect(await reasonOf(client(['*']).request(get(url)))).toBe('network');
  });

  it('without a body are read whatever their headers claim', async () => {
    const { url } = await serve((_, answer) =>
      answer.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 99 }).end(),
    );
    const answer = await client(['*']).request(get(url, { method: 'HEAD' }));
    expect([answer.status, answer.body.byteLength]).toEqual([200, 0]);
  });

  it('are read up to the limit and no further', async () => {
    const { url } = await serve((_, answer) => answer.end('x'.repeat(1_000)));
    const http = client(['*']);
    expect((await http.request(get(url, { maxBytes: 1_000 }))).body).toHaveLength(1_000);
    expect(await reasonOf(http.request(get(url, { maxBytes: 999 })))).toBe('too_large');
  });

  it('without an end are given up at the limit, and the connection with them', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { url } = await serve((_, answer) => {
      const pour = () => {
        while (!answer.destroyed && answer.write(Buffer.alloc(16_384))) {}
      };
      answer.on('drain', pour).on('close', () => closed());
      pour();
    });
    expect(await reasonOf(client(['*']).request(get(url)))).toBe('too_large');
    await gone;
  });

  it('that decode to far more than they weigh are given up at the limit', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(50_000_000)));
    expect(bomb.length).toBeLessThan(5_000);
    const { url } = await serve((_, answer) => answer.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(bomb));
    expect(await reasonOf(client(['*']).request(get(url)))).toBe('too_large');
  });
});

describe('requests', () => {
  it('carry method, headers and body', async () => {
    const { url } = await serve(async (request, answer) => {
      answer.end(`${request.method} ${request.headers['x-a']} ${Buffer.concat(await request.toArray())}`);
    });
    const http = client(['*']);
    const sent = { method: 'POST', headers: { 'X-A': 'a' } };
    expect(text((await http.request(get(url, { ...sent, body: 'text' }))).body)).toBe('POST a text');
    expect(text((await http.request(get(url, { ...sent, body: Buffer.from('bytes') }))).body)).toBe('POST a bytes');
    expect(await (await http.fetch(url, { ...sent, body: 'fetched' })).text()).toBe('POST a fetched');
  });

  it.each([
    ['no answer comes', (_: unknown, _answer: unknown) => {}],
    [
      'the body stalls',
      (_: unknown, answer: Parameters<RequestListener>[1]) => void answer.writeHead(200).write('begin'),
    ],
  ])('end at their time limit when %s', async (_, listener) => {
    const { url } = await serve(listener as RequestListener);
    expect(await reasonOf(client(['*']).request(get(url, { timeoutMs: 50 })))).toBe('timeout');
  });

  it('end when they are aborted, before and while the answer comes', async () => {
    const { url } = await serve((_, answer) => void answer.writeHead(200).write('begin'));
    const http = client(['*']);
    const later = new AbortController();
    const pending = reasonOf(http.request(get(url, { signal: later.signal })));
    setTimeout(() => later.abort(), 20);
    expect(await pending).toBe('aborted');
    expect(await reasonOf(http.request(get(url, { signal: AbortSignal.abort() })))).toBe('aborted');
  });

  it('say what is wrong when nothing answers', async () => {
    const { url, server } = await serve((_, answer) => answer.end());
    await new Promise((closed) => server.close(closed));
    const http = client(['*']);
    await expect(http.request(get(url))).rejects.toThrow(/cannot be reached: ECONNREFUSED/);
    await expect(http.request(get('http://nowhere.example/'))).rejects.toThrow(/cannot be reached: ENOTFOUND/);
  });

  it('work again after the client was closed', async () => {
    const { url } = await serve((_, answer) => answer.end('ok'));
    const http = client(['*']);
    await http.request(get(url));
    await http.close();
    expect((await http.request(get(url))).status).toBe(200);
  });
});

describe('fetch', () => {
  it('streams answers', async () => {
    let finish = () => {};
    const { url } = await serve((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('first');
      finish = () => answer.end('last');
    });
    const answer = await client(['*']).fetch(url);
    const reader = answer.body!.getReader();
    expect(text((await reader.read()).value!)).toBe('first');
    finish();
    expect(text((await reader.read()).value!)).toBe('last');
    expect((await reader.read()).done).toBe(true);
    expect([answer.url, answer.headers.get('content-type')]).toEqual([`${url}/`, 'text/event-stream']);
  });

  it('rejects with the reason of its signal, before and while the body streams', async () => {
    const { url } = await serve((_, answer) => void answer.writeHead(200).write('begin'));
    const http = client(['*']);
    await expect(http.fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    const later = new AbortController();
    const answer = await http.fetch(url, { signal: later.signal });
    const body = answer.text();
    later.abort();
    await expect(body).rejects.toThrow(/abort/);
  });

  it('frees the connection when the reader has had enough', async () => {
    let closed = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { url } = await serve((_, answer) => void answer.on('close', closed).writeHead(200).write('begin'));
    const answer = await client(['*']).fetch(url);
    await answer.body!.cancel();
    await gone;
  });

  it('rejects like the platform’s fetch, with our refusal as the cause', async () => {
    const error = await client([])
      .fetch('http://127.0.0.1/')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).cause).toMatchObject({ reason: 'address_refused' });
  });

  it('gives answers that have no body', async () => {
    const { url } = await serve((_, answer) => answer.writeHead(204).end());
    const answer = await client(['*']).fetch(url, { method: 'DELETE' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
  });
});

describe('a websocket', () => {
  /** A server that opens websockets and says `hello` at once. */
  async function socketServer(onSocket: (socket: ServerSocket, request: IncomingMessage) => void = () => {}) {
    const started = await serve((_, answer) => answer.writeHead(404).end());
    started.server.on('upgrade', (request, connection) => {
      const socket = acceptWebSocket(request, connection);
      opened.push(async () => socket.drop());
      socket.text('hello');
      onSocket(socket, request);
    });
    return { ...started, url: started.url.replace('http', 'ws') };
  }

  /** Opens one, and gives what it says until it ends. */
  async function listen(http: HttpClient, url: string, more: Partial<WebSocketRequest> = {}) {
    const said: string[] = [];
    const closed = Promise.withResolvers<void>();
    let closes = 0;
    const socket: OpenWebSocket = await http.websocket({
      url,
      timeoutMs: 5_000,
      maxBytes: 1_000_000,
      onText: (message) => said.push(message),
      onClose: () => {
        closes++;
        closed.resolve();
      },
      ...more,
    });
    return { socket, said, closed: closed.promise, closes: () => closes };
  }

  const refused = (http: HttpClient, url: string, more: Partial<WebSocketRequest> = {}) =>
    reasonOf(listen(http, url, more));

  it('gives text messages in order, whole and of any length, and skips binary ones', async () => {
    const long = 'ü'.repeat(70_000);
    const { url } = await socketServer((socket) => {
      socket.binary(Buffer.alloc(200));
      socket.ping();
      socket.text('in three parts', 3);
      socket.text(long);
      socket.close();
    });
    const { said, closed } = await listen(client(['127.0.0.1']), url);
    await closed;
    expect(said).toEqual(['hello', 'in three parts', long]);
  });

  it('sends the headers that were given', async () => {
    const seen: unknown[] = [];
    const { url } = await socketServer((_, request) => seen.push(request.headers.authorization, request.url));
    const { socket, closed } = await listen(client(['127.0.0.1']), `${url}/ws?clientId=a`, {
      headers: { Authorization: 'Bearer secret' },
    });
    socket.close();
    await closed;
    expect(seen).toEqual(['Bearer secret', '/ws?clientId=a']);
  });

  it('says once that it has ended, when its server drops it, when it is closed and when its client is', async () => {
    const { url } = await socketServer((socket, request) => {
      if (request.url === '/drop') socket.drop();
    });
    const http = client(['127.0.0.1']);
    const dropped = await listen(http, `${url}/drop`);
    await dropped.closed;
    const closed = await listen(http, url);
    closed.socket.close();
    closed.socket.close();
    await closed.closed;
    const left = await listen(http, url);
    await http.close();
    await left.closed;
    expect([dropped.closes(), closed.closes(), left.closes()]).toEqual([1, 1, 1]);
  });

  it('is not opened to addresses that are not public, by number, by name or after a redirect', async () => {
    const { port, url } = await socketServer();
    const http = client([], { 'rebound.example': '127.0.0.1' });
    expect(await refused(http, url)).toBe('address_refused');
    expect(await refused(http, `ws://rebound.example:${port}/`)).toBe('address_refused');
    expect(await refused(client(['*']), 'http://example.com/')).toBe('address_refused');
    expect(await refused(client(['*']), 'ws://user:secret@example.com/')).toBe('address_refused');
    const { port: from } = await serve((_, answer) => answer.writeHead(302, { location: url }).end());
    expect(await refused(client([`127.0.0.1:${from}`]), `ws://127.0.0.1:${from}/`)).toBe('network');
  });

  it('that cannot be opened says why', async () => {
    const { server, port } = await serve((_, answer) => answer.writeHead(401).end());
    const http = client(['127.0.0.1']);
    await expect(listen(http, `ws://127.0.0.1:${port}/`)).rejects.toThrow(
      `http://127.0.0.1:${port} cannot be reached: it opened no websocket. Check the address and the credentials.`,
    );
    server.close();
    server.closeAllConnections();
    await expect(listen(http, `ws://127.0.0.1:${port}/`)).rejects.toThrow('ECONNREFUSED');
  });

  it('ends at its time limit, and when it is stopped while it is opened or open', async () => {
    const silent = await serve(() => {});
    silent.server.on('upgrade', (_, connection) => opened.push(async () => connection.destroy()));
    const http = client(['127.0.0.1']);
    const wait = silent.url.replace('http', 'ws');
    expect(await refused(http, wait, { timeoutMs: 20 })).toBe('timeout');
    expect(await refused(http, wait, { signal: AbortSignal.timeout(20) })).toBe('aborted');
    expect(await refused(http, wait, { signal: AbortSignal.abort() })).toBe('aborted');
    const { url } = await socketServer();
    const abort = new AbortController();
    const { closed } = await listen(http, url, { signal: abort.signal });
    abort.abort();
    await closed;
  });

  it('ends at a message that is too large', async () => {
    const { url } = await socketServer((socket) => socket.text('x'.repeat(200)));
    const { said, closed } = await listen(client(['127.0.0.1']), url, { maxBytes: 100 });
    await closed;
    expect(said).toEqual(['hello']);
  });
});
