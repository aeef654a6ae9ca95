import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { TINY_PNG } from '../../../test/support/comfyui-server.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { compatibleProvider, failureOf, issuesOf, outputsOf, runEffect, serve, testContext } from '../test-kit.ts';
import { modelHttp } from './model-http.ts';

interface Got {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function call(
  config: JsonObject,
  inputs: Record<string, JsonValue>,
  answer: (response: ServerResponse, origin: string) => unknown,
  providerAt?: string,
) {
  const got: Got[] = [];
  const origin = await serve(async (request, response) => {
    if (request.url === '/made.png') return response.writeHead(200, { 'content-type': 'image/png' }).end(TINY_PNG);
    const { method, url, headers } = request;
    got.push({ method, url, headers, body: Buffer.concat(await request.toArray()).toString() });
    return answer(response, origin);
  });
  const provider = compatibleProvider({ name: 'lab', baseUrl: providerAt ?? `${origin}/v1`, apiKey: 'sk-1' });
  const context = testContext({ models: { providers: [provider] } });
  const values = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs::${name}`, value]));
  const url = `${origin}${String(config['url'] ?? '/')}`;
  return { outcome: await runEffect(modelHttp, { ...config, url }, values, context), got };
}

const json = (value: JsonValue) => (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

describe('a model at an HTTP address', () => {
  it('gets its inputs in address, headers and body, each in its place', async () => {
    const { got } = await call(
      {
        url: '/v1/{{input.name}}?q={{input.q}}',
        headers: { 'X-Trace': 't {{input.n}}' },
        body: { n: '{{input.n}}', text: 'about {{input.q}}', none: '{{input.none}}' },
      },
      { name: 'a/../b', q: 'x&y', n: 5, none: null },
      json({}),
    );
    expect(got[0]).toMatchObject({
      method: 'POST',
      url: '/v1/a%2F..%2Fb?q=x%26y',
      headers: { 'x-trace': 't 5', 'content-type': 'application/json', 'idempotency-key': 'r1/n1/0' },
      body: '{"n":5,"text":"about x&y"}',
    });
    expect((await call({}, { a: 1, b: null }, json({}))).got[0]?.body).toBe('{"a":1}');
  });

  it('cannot be led to another path by an input', async () => {
    const { outcome, got } = await call({ url: '/v1/{{input.name}}/x' }, { name: '..' }, json({}));
    expect([failureOf(outcome), got]).toEqual([expect.stringContaining('cannot be ".."'), []]);
  });

  it('has its outputs read by path: media are kept, all else is passed on', async () => {
    const { outcome } = await call(
      { output: { film: '$.made[*].url', note: '$.note', count: '$.n' }, types: { film: 'image', note: 'text' } },
      {},
      (response, origin) =>
        json({ made: [{ url: `${origin}/made.png` }, { url: `${origin}/made.png` }], note: 'ok', n: 2 })(response),
    );
    expect(outputsOf(outcome)['outputs']).toMatchObject([
      { type: 'image', name: 'film', url: 'spot://f1', width: 1 },
      { type: 'image', name: 'film', url: 'spot://f2' },
      { type: 'text', name: 'note', text: 'ok' },
      { type: 'json', name: 'count', value: 2 },
    ]);
  });

  it('succeeds in part when some outputs are missing, and fails when all are', async () => {
    const output = { a: '$.a', b: '$.b' };
    const partial = await call({ output }, {}, json({ a: 1 }));
    expect(partial.outcome).toMatchObject({ kind: 'succeeded', warnings: [{ partial: true }] });
    expect(failureOf((await call({ output }, {}, json({}))).outcome)).toContain('(a: $.a, b: $.b)');
  });

  it('may answer with a file or a text', async () => {
    const file = await call({ url: '/made.png' }, {}, json({}));
    expect(outputsOf(file.outcome)['outputs']).toMatchObject([{ type: 'image', filename: 'made.png' }]);
    const text = await call({}, {}, (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('Hi'));
    expect(outputsOf(text.outcome)['outputs']).toMatchObject([{ type: 'text', text: 'Hi' }]);
  });

  it('sends a provider’s key to that provider and nowhere else', async () => {
    const own = await call({ provider: 'lab' }, {}, json({}));
    expect(own.got[0]?.headers['authorization']).toBe('Bearer sk-1');
    const other = await call({ provider: 'lab' }, {}, json({}), 'https://lab.test/v1');
    expect([failureOf(other.outcome), other.got]).toEqual([
      expect.stringContaining('is sent to https://lab.test only'),
      [],
    ]);
    const led = await call({ provider: 'lab' }, {}, (response) => response.writeHead(302, { location: '/else' }).end());
    expect([failureOf(led.outcome), led.got.length]).toEqual([expect.stringContaining('answered 302'), 1]);
    expect(failureOf((await call({ provider: 'x' }, {}, json({}))).outcome)).toContain('Configured are: "lab"');
  });

  it('fails with what the other side said', async () => {
    const { outcome } = await call({}, {}, (response) => response.writeHead(503, { 'retry-after': '3' }).end('Full'));
    expect(failureOf(outcome)).toMatch(/^http_status: POST .+ answered 503. It said: Full$/);
    expect(outcome).toMatchObject({ retryable: true, retryAfterMs: 3000 });
  });
});

describe('the description of such a model', () => {
  const url = 'https://models.test/{{input.x}}';
  it.each<[string, JsonObject, RegExp]>([
    ['a header with a secret', { url, headers: { 'X-Api-Key': 'k' } }, /X-Api-Key.+secret/],
    ['a header that is none', { url, headers: { 'a b': 'k' } }, /no header name/],
    ['a parameter with a secret', { url: 'https://models.test/?token=k' }, /"token" carries a secret/],
    ['a name and password', { url: 'https://me:you@models.test/' }, /name and password/],
    ['a host that is an input', { url: 'https://{{input.x}}.test/' }, /without an input/],
    ['no address', { url: 'models.test' }, /must begin with/],
    ['a path that is none', { url, output: { a: 'result' } }, /JSONPath/],
  ])('with %s is refused', (_, config, message) => {
    expect(issuesOf(modelHttp, config).map((issue) => issue.message)).toEqual([expect.stringMatching(message)]);
  });

  it('may name its own idempotency key and any header without a secret', () => {
    const headers = { 'Idempotency-Key': '{{input.id}}', Accept: 'application/json', 'X-Model-Version': '2' };
    expect(issuesOf(modelHttp, { url, headers })).toEqual([]);
  });
});
