import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runEffect, serve, testContext } from '../test-kit.ts';
import { httpRequest } from './http-request.ts';

/** Answers what it was sent, as JSON. */
async function echo(request: IncomingMessage, answer: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray()).toString();
  answer.setHeader('content-type', 'application/json');
  answer.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
}

const variables = {
  'variables::Id': 'a b/../c?d#e',
  'variables::Data': { n: 1, s: '"x"' },
  'variables::Token': 's3cret',
};

async function sent(
  config: JsonObject,
): Promise<{ method: string; url: string; headers: Record<string, string>; body: string }> {
  const origin = await serve(echo);
  const outcome = await runEffect(
    httpRequest,
    { url: `${origin}/`, ...config },
    { ...variables, 'variables::Origin': origin },
    testContext(),
  );
  return outputsOf(outcome)['body'] as never;
}

describe('an HTTP request', () => {
  it('fills the address in so that a value cannot change which place is called', async () => {
    const { url } = await sent({
      url: '((Origin))/items/((Id))?q=((Id))',
      query: { a: 'x&y', b: ['1', '((Token))'], c: null, d: '((None))' },
    });
    expect(url).toBe('/items/a%20b%2F..%2Fc%3Fd%23e?q=a%20b%2F..%2Fc%3Fd%23e&a=x%26y&b=1&b=s3cret');
  });

  it.each<[string, JsonObject, string, string]>([
    [
      'JSON',
      { body_type: 'json', body: { a: '((Data))', b: 'id ((Id))' } },
      'application/json',
      '{"a":{"n":1,"s":"\\"x\\""},"b":"id a b/../c?d#e"}',
    ],
    [
      'JSON text',
      { body_type: 'json', body: '{"a": "((Data))", "t": "<((Token))>"}' },
      'application/json',
      '{"a":{"n":1,"s":"\\"x\\""},"t":"<s3cret>"}',
    ],
    ['one variable as JSON', { body_type: 'json', body: '((Data))' }, 'application/json', '{"n":1,"s":"\\"x\\""}'],
    ['a JSON list', { body_type: 'json', body: [1, '((Token))'] }, 'application/json', '[1,"s3cret"]'],
    ['text', { body_type: 'text', body: 'Hello ((Token))' }, 'text/plain; charset=utf-8', 'Hello s3cret'],
    [
      'a form',
      { body_type: 'form', body: { a: '((Id))', b: 1 } },
      'application/x-www-form-urlencoded',
      'a=a+b%2F..%2Fc%3Fd%23e&b=1',
    ],
  ])('sends %s', async (_, config, contentType, body) => {
    const received = await sent({ method: 'POST', ...config });
    expect([received.method, received.headers['content-type'], received.body]).toEqual(['POST', contentType, body]);
  });

  it('sends headers, and its own content type when one is given', async () => {
    const { headers } = await sent({
      method: 'PUT',
      headers: { Authorization: 'Bearer ((Token))', 'Content-Type': 'application/merge-patch+json' },
      body_type: 'json',
      body: {},
    });
    expect(headers).toMatchObject({ authorization: 'Bearer s3cret', 'content-type': 'application/merge-patch+json' });
  });

  it('marks what changes something with the key of the run and node', async () => {
    expect((await sent({ method: 'DELETE' })).headers['idempotency-key']).toBe('r1/n1/0');
    expect((await sent({ method: 'POST', headers: { 'Idempotency-Key': 'mine' } })).headers['idempotency-key']).toBe(
      'mine',
    );
    expect((await sent({})).headers['idempotency-key']).toBeUndefined();
  });

  it.each<[string, string, string, JsonObject, JsonValue]>([
    ['JSON as a value', 'application/problem+json', '{"a":1}', {}, { a: 1 }],
    ['text as text', 'text/plain', '{"a":1}', {}, '{"a":1}'],
    ['broken JSON as text', 'application/json', '{"a"', {}, '{"a"'],
    ['JSON by another name', 'text/plain', '{"a":1}', { response: 'json' }, { a: 1 }],
    ['JSON as text', 'application/json', '{"a":1}', { response: 'text' }, '{"a":1}'],
    [
      'an image as a file',
      'image/png',
      'PNG',
      {},
      { uri: 'spot://f1', name: 'x.png', content_type: 'image/png', size: 3 },
    ],
    ['nothing', 'application/json', '', {}, ''],
    [
      'a file',
      'image/png',
      'PNG',
      { response: 'file' },
      { uri: 'spot://f1', name: 'x.png', content_type: 'image/png', size: 3 },
    ],
  ])('reads %s', async (_, contentType, content, config, body) => {
    const origin = await serve((_request, answer) =>
      answer.writeHead(201, { 'content-type': contentType, 'x-a': 'b' }).end(content),
    );
    const outputs = outputsOf(await runEffect(httpRequest, { url: `${origin}/x.png`, ...config }, {}, testContext()));
    expect(outputs).toMatchObject({ body, status: 201, headers: { 'x-a': 'b' } });
  });

  it('fails on an answer that must be JSON and is not', async () => {
    const origin = await serve((_, answer) => answer.end('<html>'));
    expect(failureOf(await runEffect(httpRequest, { url: origin, response: 'json' }, {}, testContext()))).toContain(
      'The answer is not JSON',
    );
  });

  it.each<[number, boolean]>([
    [400, false],
    [404, false],
    [429, true],
    [500, true],
    [503, true],
  ])('answered %i fails; trying again helps: %s', async (status, retryable) => {
    const origin = await serve((_, answer) =>
      answer.writeHead(status, { 'content-type': 'text/plain', 'retry-after': '7' }).end('No such thing'),
    );
    const url = `${origin}/a?key=hidden`;
    expect(await runEffect(httpRequest, { url }, {}, testContext())).toEqual({
      kind: 'failed',
      failure: {
        code: 'http_status',
        httpStatus: status,
        message: `GET ${origin}/a answered ${status}. It said: No such thing`,
      },
      retryable,
      retryAfterMs: 7_000,
    });
    const outputs = outputsOf(await runEffect(httpRequest, { url, fail_on_status: false }, {}, testContext()));
    expect(outputs).toMatchObject({ status, body: 'No such thing' });
  });

  it('fails when the address is refused, nothing answers, or the answer is slow or large', async () => {
    const origin = await serve((request, answer) => {
      if (request.url === '/large') answer.end('x'.repeat(100));
    });
    const run = (config: JsonObject, context = testContext()) => runEffect(httpRequest, config, {}, context);
    expect(await run({ url: origin }, testContext({ allow: [] }))).toMatchObject({
      failure: { code: 'address_refused' },
      retryable: false,
    });
    expect(await run({ url: `${origin}/large`, max_bytes: 99 })).toMatchObject({
      failure: { code: 'too_large' },
      retryable: false,
    });
    expect(await run({ url: origin, timeout_seconds: 0.05 })).toMatchObject({
      failure: { code: 'timeout' },
      retryable: true,
    });
    expect(await run({ url: origin }, testContext({ signal: AbortSignal.abort() }))).toMatchObject({
      failure: { code: 'timeout' },
    });
    expect(await run({ url: 'http://127.0.0.1:1/' })).toMatchObject({ failure: { code: 'network' }, retryable: true });
  });

  it('logs where it called and never with which keys', async () => {
    const origin = await serve((_, answer) => answer.end());
    const context = testContext();
    await runEffect(httpRequest, { url: `${origin}/a?key=s3cret`, headers: { 'X-Api-Key': 's3cret' } }, {}, context);
    expect(context.logged).toEqual([`info GET ${origin}/a answered 200 {"status":200,"bytes":0}`]);
  });

  it.each<[string, JsonObject]>([
    ['an address without a protocol', { url: 'example.com' }],
    ['a header of the client', { url: 'https://example.com', headers: { Host: 'other' } }],
    ['a header name with a space', { url: 'https://example.com', headers: { 'a b': 'c' } }],
    ['a body that is not JSON', { url: 'https://example.com', body_type: 'json', body: '{"a": ((A))}' }],
  ])('with %s is refused when it is saved, and does not run', async (_, config) => {
    expect(issuesOf(httpRequest, config)).toMatchObject([{ severity: 'invalid' }]);
    expect(failureOf(await runEffect(httpRequest, config, {}, testContext()))).toMatch(/^invalid_config/);
  });

  it('does not put a value with line breaks into a header, nor into an error', async () => {
    const outcome = await runEffect(
      httpRequest,
      { url: 'https://example.com', headers: { A: 's3cret\r\nB: c' } },
      {},
      testContext(),
    );
    expect(failureOf(outcome)).toMatch(/^invalid_config: The value of header "A"/);
    expect(failureOf(outcome)).not.toContain('s3cret');
  });
});
