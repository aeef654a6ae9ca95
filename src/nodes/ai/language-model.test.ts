import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ProviderServer, type Script, startProvider } from '../../../test/support/providers/provider-server.ts';
import { PROVIDER_PROTOCOLS, type ProviderProtocol } from '../../domain/credential.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ModelProvider } from '../node-type.ts';
import { runEffect, testContext } from '../test-kit.ts';
import { embed } from './embed.ts';
import { imageGeneration } from './image-generation.ts';
import { structuredOutput } from './structured-output.ts';
import { textGeneration } from './text-generation.ts';

const servers: ProviderServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  vi.unstubAllEnvs();
});

async function served(protocol: ProviderProtocol, script: Script, given: Partial<ModelProvider> = {}) {
  const server = await startProvider(protocol, script, given);
  servers.push(server);
  const context = testContext({ models: { providers: [server.provider] } });
  return { ...server, context };
}

async function generated(protocol: ProviderProtocol, script: Script, config: JsonObject = {}, given = {}) {
  const { asked, context } = await served(protocol, script, given);
  const outcome = await runEffect(textGeneration, { template: 'Hi', model: ['m'], ...config }, {}, context);
  return { outcome, asked, streamed: context.streamed, logged: context.logged };
}

const hello = { text: ['Hel', 'lo, ', 'Ada.'] };

describe.each(PROVIDER_PROTOCOLS)('a provider that speaks as %s', (protocol) => {
  it('streams text, and tells its tokens', async () => {
    const { outcome, asked, streamed } = await generated(protocol, { m: hello });
    expect(outcome).toEqual({
      kind: 'succeeded',
      outputs: { text_output: 'Hello, Ada.' },
      warnings: [],
      usage: { inputTokens: 1000, outputTokens: 20, cost: null },
    });
    expect(streamed).toEqual(['|Hel', 'lo, ', 'Ada.']);
    expect(asked).toMatchObject([{ isStreamed: true }]);
  });

  it('gets the key that is configured, and no other', async () => {
    for (const name of ['OPENAI', 'ANTHROPIC', 'GOOGLE_GENERATIVE_AI', 'MISTRAL', 'AZURE']) {
      vi.stubEnv(`${name}_API_KEY`, 'key-of-another');
    }
    vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', 'key-of-another');
    const { asked } = await generated(protocol, { m: hello });
    expect(JSON.stringify(asked[0]?.headers)).toContain('key-1');
    const { asked: bare, outcome } = await generated(protocol, { m: hello }, {}, { apiKey: null });
    if (protocol === 'bedrock') expect(outcome).toMatchObject({ failure: { code: 'not_configured' } });
    else expect(outcome).toMatchObject({ kind: 'succeeded' });
    for (const { headers } of bare) {
      expect(Object.keys(headers).filter((name) => /auth|key/.test(name) && name !== 'idempotency-key')).toEqual([]);
    }
  });

  it('fails with what the provider says, and when to come again', async () => {
    const busy = { status: 429, message: 'slow down', headers: { 'retry-after': '12' } };
    const { outcome } = await generated(protocol, { m: busy });
    expect(outcome).toMatchObject({
      retryable: true,
      retryAfterMs: 12_000,
      failure: { code: 'provider', httpStatus: 429, message: expect.stringContaining('slow down') },
    });
    expect((await generated(protocol, { m: { status: 500 } })).outcome).toMatchObject({
      retryable: true,
      failure: { httpStatus: 500, message: expect.stringContaining('no luck: 500') },
    });
    expect((await generated(protocol, { m: { status: 401 } })).outcome).toMatchObject({
      retryable: false,
      failure: { message: expect.stringContaining('API key') },
    });
  });

  it('that stops in the middle gives way to the next model when its time is over', async () => {
    const script = { m: { stalls: true, after: hello }, other: { text: 'Hi.' } } as const;
    const config = { model: ['m', 'other'], timeout_seconds: 0.3 };
    const { outcome, streamed } = await generated(protocol, script, config);
    expect(outcome).toMatchObject({
      outputs: { text_output: 'Hi.' },
      warnings: [{ identifier: 'model_timeout', params: { model: 'm', next: 'other' } }],
    });
    expect(streamed.at(-1)).toBe('|Hi.');
  });

  it.each([
    ['cuts the connection before it answers', { cuts: true }],
    ['cuts the connection in the middle', { cuts: true, after: hello }],
    ['breaks its protocol', { garbles: hello }],
    ['answers with the page of a proxy', { raw: '<html>busy</html>', status: 502, type: 'text/html' }],
    ['ends without a word', { raw: '', type: 'text/event-stream' }],
  ] as const)('that %s gives way to the next model', async (_, behaviour) => {
    const { outcome } = await generated(protocol, { m: behaviour, other: { text: 'Hi.' } }, { model: ['m', 'other'] });
    expect(outcome).toMatchObject({ outputs: { text_output: 'Hi.' }, warnings: [{ identifier: 'model_fallback' }] });
    const alone = await generated(protocol, { m: behaviour });
    expect(alone.outcome).toMatchObject({ kind: 'failed', retryable: true });
  });

  it('that cuts an answer at its limit gives what there is, with a warning', async () => {
    const { outcome } = await generated(protocol, { m: { text: 'Hello, A', finish: 'length' } });
    expect(outcome).toMatchObject({ outputs: { text_output: 'Hello, A' }, warnings: [{ identifier: 'general' }] });
  });

  it('is sent the settings that it knows', async () => {
    const config = { system: 'Be brief.', temperature: 0.2, max_tokens: 50, top_p: 0.9 };
    const { asked } = await generated(protocol, { m: hello }, config);
    const sent = JSON.stringify(asked[0]?.body);
    for (const value of ['Be brief.', '0.2', '50', '0.9']) expect(sent).toContain(value);
  });

  it('is sent pictures', async () => {
    const { asked, context } = await served(protocol, { m: hello });
    const picture = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const file = await context.files.save({ name: 'a.png', contentType: 'image/png', bytes: picture });
    const values = { images: [{ uri: `spot://${file.id}`, name: 'a.png' }] };
    const outcome = await runEffect(textGeneration, { template: 'What?', model: ['m'] }, values, context);
    expect(outcome).toMatchObject({ kind: 'succeeded' });
    expect(JSON.stringify(asked[0]?.body)).toContain(picture.toString('base64'));
  });
});

// Mistral's protocol has no such end.
describe.each(PROVIDER_PROTOCOLS.filter((name) => name !== 'mistral'))('an answer that %s withholds', (protocol) => {
  it('fails, and is not asked again', async () => {
    const { outcome } = await generated(protocol, { m: { text: '', finish: 'filter' } });
    expect(outcome).toMatchObject({
      retryable: false,
      failure: { message: expect.stringContaining('content filter') },
    });
  });
});

describe.each(PROVIDER_PROTOCOLS)('a schema, to a provider that speaks as %s', (protocol) => {
  it('is asked for of the next model when one stalls, breaks off or garbles its answer', async () => {
    const good = { text: '{"age": 7}' };
    const { context } = await served(protocol, {
      a: { stalls: true },
      b: { cuts: true },
      c: { garbles: good },
      d: good,
    });
    const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] };
    const config = { schema, model: ['a', 'b', 'c', 'd'], timeout_seconds: 0.3 };
    const outcome = await runEffect(structuredOutput, config, { text: 'I am seven.' }, context);
    expect(outcome).toMatchObject({
      outputs: { age: 7 },
      warnings: [{ identifier: 'model_timeout' }, { identifier: 'model_fallback' }, { identifier: 'model_fallback' }],
    });
  });

  it('goes with the question, and the answer comes parsed', async () => {
    const { asked, context } = await served(protocol, { m: { text: '{"age": 7}' } });
    const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] };
    const outcome = await runEffect(structuredOutput, { schema, model: ['m'] }, { text: 'I am seven.' }, context);
    expect(outcome).toMatchObject({ outputs: { output: { age: 7 }, age: 7 } });
    expect(JSON.stringify(asked[0]?.body)).toMatch(/"age":\{"type":"(integer|INTEGER)"/);
  });
});

describe('the addresses that are called', () => {
  it.each<[ProviderProtocol, Partial<ModelProvider>, string]>([
    ['openai', {}, '/v1/responses'],
    ['openai', { settings: { api: 'chat' } }, '/v1/chat/completions'],
    ['azure', {}, '/openai/responses'],
    [
      'azure',
      { settings: { api_version: '2024-10-21' } },
      '/openai/deployments/m/chat/completions?api-version=2024-10-21',
    ],
    ['bedrock', {}, '/model/m/converse-stream'],
    ['google', {}, '/v1beta/models/m:streamGenerateContent?alt=sse'],
    ['anthropic', {}, '/v1/messages'],
    ['mistral', {}, '/v1/chat/completions'],
  ])('of %s with %o', async (protocol, given, path) => {
    const { outcome, asked } = await generated(protocol, { m: hello }, {}, given);
    expect(outcome).toMatchObject({ kind: 'succeeded' });
    expect(asked.map((one) => one.path)).toEqual([path]);
  });

  it('are signed for Amazon when it is an account that pays', async () => {
    const settings = {
      region: 'eu-west-1',
      access_key_id: 'AKID',
      secret_access_key: 'secret',
      session_token: 'session',
    };
    const { outcome, asked } = await generated('bedrock', { m: hello }, {}, { apiKey: null, settings });
    expect(outcome).toMatchObject({ kind: 'succeeded' });
    expect(asked[0]?.headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d+\/eu-west-1\/bedrock/);
    expect(asked[0]?.headers['x-amz-security-token']).toBe('session');
  });
});

describe('answers of newer APIs of OpenAI', () => {
  it('are not left with the provider', async () => {
    const { asked } = await generated('openai', { m: hello });
    expect(asked[0]?.body).toMatchObject({ store: false });
  });
});

describe('vectors', () => {
  const gives = () => ({
    object: 'list',
    model: 'm',
    data: [
      { object: 'embedding', index: 0, embedding: [0.1, 0.2] },
      { object: 'embedding', index: 1, embedding: [0.3, 0.4] },
    ],
    usage: { prompt_tokens: 8, total_tokens: 8 },
  });

  it.each(['openai-compatible', 'openai', 'azure', 'mistral'] as const)('come from %s', async (protocol) => {
    const { context, asked } = await served(protocol, { m: { gives } });
    const outcome = await runEffect(embed, { model: ['m'] }, { text: ['a', 'b'] }, context);
    expect(outcome).toMatchObject({
      outputs: {
        vectors: [
          [0.1, 0.2],
          [0.3, 0.4],
        ],
      },
      usage: { inputTokens: 8 },
    });
    expect(asked[0]?.body['input']).toEqual(['a', 'b']);
  });

  it('come from google', async () => {
    const { context } = await served('google', {
      m: { gives: () => ({ embeddings: [{ values: [0.1] }, { values: [0.2] }] }) },
    });
    const outcome = await runEffect(embed, { model: ['m'] }, { text: ['a', 'b'] }, context);
    expect(outcome).toMatchObject({ outputs: { vectors: [[0.1], [0.2]] } });
  });

  it('do not come from Anthropic, which the failure says', async () => {
    const { context } = await served('anthropic', {});
    const outcome = await runEffect(embed, { model: ['m'] }, { text: 'a' }, context);
    expect(outcome).toMatchObject({
      failure: { code: 'not_configured', message: expect.stringContaining('embeddings') },
    });
  });
});

describe('pictures', () => {
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d494844520000000200000003', 'hex'), Buffer.alloc(8)]);

  it.each(['openai-compatible', 'openai', 'azure'] as const)('come from %s', async (protocol) => {
    const gives = () => ({ created: 1, data: [{ b64_json: png.toString('base64') }] });
    const { context } = await served(protocol, { m: { gives } });
    const outcome = await runEffect(imageGeneration, { model: ['m'], template: 'A cat' }, {}, context);
    expect(outcome).toMatchObject({
      outputs: { image: { uri: 'spot://f1', content_type: 'image/png', width: 2, height: 3 } },
    });
    expect(context.saved.get('f1')?.bytes).toEqual(png);
  });

  it('do not come from Mistral, which the failure says', async () => {
    const { context } = await served('mistral', {});
    const outcome = await runEffect(imageGeneration, { model: ['m'], template: 'A cat' }, {}, context);
    expect(outcome).toMatchObject({
      failure: { code: 'not_configured', message: expect.stringContaining('pictures') },
    });
  });
});
