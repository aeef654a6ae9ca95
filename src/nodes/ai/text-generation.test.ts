import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { chatCompletions } from '../../../test/support/providers/chat-completions.ts';
import type { JsonObject } from '../../domain/json.ts';
import {
  compatibleProvider,
  failureOf,
  issuesOf,
  outputsOf,
  runEffect,
  serve,
  servedModels,
  testContext,
} from '../test-kit.ts';
import { textGeneration } from './text-generation.ts';

interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { role: string; content: string }[];
  readonly temperature?: number;
  readonly max_tokens?: number;
}

/** How the endpoint treats a model, by its name. */
type Script = Readonly<Record<string, (answer: ServerResponse, request: ChatRequest) => void>>;

function completion(
  content: string,
  finish = 'stop',
  usage: object | null = { prompt_tokens: 1000, completion_tokens: 20, total_tokens: 1020 },
) {
  return {
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
    ...(usage === null ? {} : { usage }),
  };
}

const says =
  (body: object | string, status = 200, headers: Record<string, string> = {}) =>
  (answer: ServerResponse) => {
    answer.writeHead(status, { 'content-type': 'application/json', ...headers });
    answer.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

const fails = (status: number, headers = {}) => says({ error: { message: `no luck: ${status}` } }, status, headers);

const stalls = () => {};

/** An endpoint that speaks the chat-completions protocol, and what it was asked. */
async function endpoint(script: Script) {
  const asked: ChatRequest[] = [];
  const keys: (string | undefined)[] = [];
  const origin = await serve(async (request: IncomingMessage, answer: ServerResponse) => {
    const body: ChatRequest = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (request.url !== '/v1/chat/completions') return answer.writeHead(404).end();
    asked.push(body);
    keys.push(request.headers.authorization);
    return (script[body.model] ?? fails(404))(answer, body);
  });
  const provider = compatibleProvider({ name: 'local', baseUrl: `${origin}/v1`, apiKey: 'key-1' });
  return { asked, keys, provider };
}

async function run(
  script: Script,
  config: JsonObject,
  given: { attempt?: number; signal?: AbortSignal; allow?: string[] } = {},
) {
  const { asked, keys, provider } = await endpoint(script);
  const prices = { good: { input: '0.15', output: '0.60' }, dear: { input: '3', output: '15' } };
  const context = testContext({ ...given, models: { providers: [provider], prices, defaultModels: ['good'] } });
  const outcome = await runEffect(
    textGeneration,
    { template: 'Hi ((Name))', ...config },
    { 'variables::Name': 'Ada' },
    context,
  );
  return { outcome, asked, keys, logged: context.logged };
}

const good = says(completion('Hello, Ada.'));

describe('generating text', () => {
  it('asks the model with the filled-in prompts and gives its text, tokens and cost', async () => {
    const { outcome, asked, keys } = await run(
      { good },
      { system: 'You know ((Name)).', model: ['good'], temperature: 0.2, max_tokens: 50 },
    );
    expect(outcome).toEqual({
      kind: 'succeeded',
      outputs: { text_output: 'Hello, Ada.' },
      warnings: [],
      usage: { inputTokens: 1000, outputTokens: 20, cost: '0.000162' },
    });
    expect(asked).toMatchObject([{ model: 'good', temperature: 0.2, max_tokens: 50 }]);
    expect(asked[0]?.messages).toEqual([
      { role: 'system', content: 'You know Ada.' },
      { role: 'user', content: 'Hi Ada' },
    ]);
    expect(keys).toEqual(['Bearer key-1']);
  });

  it('uses the default models, and leaves to them what is not configured', async () => {
    const { asked } = await run({ good }, {});
    expect(asked).toMatchObject([{ model: 'good' }]);
    expect(asked[0]).not.toHaveProperty('temperature');
    expect(asked[0]).not.toHaveProperty('max_tokens');
  });

  it('knows no cost without a price, and no tokens when none are told', async () => {
    const { outcome } = await run({ free: says(completion('x', 'stop', null)) }, { model: 'free' });
    expect(outcome).toMatchObject({ kind: 'succeeded', usage: { inputTokens: 0, outputTokens: 0, cost: null } });
  });

  it('asks the next model when one fails, and says so', async () => {
    const { outcome, asked, logged } = await run({ bad: fails(500), good }, { model: ['bad', 'missing', 'good'] });
    expect(outcome).toMatchObject({
      outputs: { text_output: 'Hello, Ada.' },
      warnings: [
        { identifier: 'model_fallback', params: { model: 'bad', next: 'missing' } },
        { identifier: 'model_fallback', params: { model: 'missing', next: 'good' } },
      ],
    });
    expect(asked.map(({ model }) => model)).toEqual(['bad', 'missing', 'good']);
    expect(logged).toHaveLength(2);
  });

  it('asks the next model when one takes too long', async () => {
    const { outcome } = await run({ slow: stalls, good }, { model: ['slow', 'good'], timeout_seconds: 0.4 });
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      warnings: [{ identifier: 'model_timeout', params: { model: 'slow' } }],
    });
  });

  it.each<[string, Script[string], object]>([
    [
      '429 with a wait',
      fails(429, { 'retry-after': '12' }),
      { retryable: true, retryAfterMs: 12_000, failure: { code: 'provider', httpStatus: 429 } },
    ],
    [
      '500',
      fails(500),
      {
        retryable: true,
        failure: { code: 'provider', httpStatus: 500, message: expect.stringContaining('no luck: 500') },
      },
    ],
    [
      '401',
      fails(401),
      { retryable: false, failure: { code: 'provider', httpStatus: 401, message: expect.stringContaining('API key') } },
    ],
    [
      '404',
      fails(404),
      { retryable: false, failure: { httpStatus: 404, message: expect.stringContaining('model name') } },
    ],
    [
      'a page of a proxy',
      says('<html>busy</html>', 502),
      { retryable: true, failure: { code: 'provider', httpStatus: 502 } },
    ],
    [
      'JSON cut off',
      says('{"id": "c1", "choi'),
      { retryable: true, failure: { code: 'provider', message: expect.stringContaining('cannot be read') } },
    ],
    ['JSON of another kind', says({ hello: 'world' }), { retryable: true, failure: { code: 'provider' } }],
    ['a dropped connection', (answer) => answer.destroy(), { retryable: true, failure: { code: 'network' } }],
    ['nothing in time', stalls, { retryable: true, failure: { code: 'timeout' } }],
    [
      'a filtered answer',
      says(completion('', 'content_filter')),
      { retryable: false, failure: { code: 'provider' }, usage: { inputTokens: 1000 } },
    ],
  ])('fails on %s', async (_, answer, expected) => {
    const { outcome, asked } = await run(
      { m: answer! },
      { model: ['m'], timeout_seconds: answer === stalls ? 0.1 : 30 },
    );
    expect(outcome).toMatchObject({ kind: 'failed', ...expected });
    expect(asked).toHaveLength(1);
  });

  it('that fails with every model waits for the one that is ready first', async () => {
    const script = { a: fails(429, { 'retry-after': '60' }), b: fails(429, { 'retry-after': '5' }), c: fails(401) };
    const { outcome } = await run(script, { model: ['a', 'b', 'c'] });
    expect(outcome).toMatchObject({ retryable: true, retryAfterMs: 5_000 });
    expect(failureOf(outcome)).toMatch(/No model answered\..*429.*429.*401/);
  });

  it('stops when the run is stopped, without asking further models', async () => {
    const stop = new AbortController();
    const { outcome, asked } = await run(
      { slow: () => stop.abort(), good },
      { model: ['slow', 'good'] },
      { signal: stop.signal },
    );
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'timeout' } });
    expect(asked).toHaveLength(1);
  });

  it('warns when an answer was cut', async () => {
    const { outcome } = await run({ good: says(completion('Hello, A', 'length')) }, {});
    expect(outcome).toMatchObject({ outputs: { text_output: 'Hello, A' }, warnings: [{ identifier: 'general' }] });
  });

  it('adds up what several models have cost', async () => {
    const { outcome } = await run({ dear: says(completion('', 'content_filter')), good }, { model: ['dear', 'good'] });
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      usage: { inputTokens: 2000, outputTokens: 40, cost: '0.003462' },
    });
  });

  it('asks the provider that lists the model', async () => {
    const [first, second] = [await endpoint({ x: good }), await endpoint({ x: good, y: good })];
    const providers = [first.provider, { ...second.provider, name: 'other', apiKey: null, models: ['y'] }];
    const context = testContext({ models: { providers } });
    for (const model of ['x', 'y']) await runEffect(textGeneration, { template: 'a', model: [model] }, {}, context);
    expect([first.asked.length, second.asked.length, second.keys]).toEqual([1, 1, [undefined]]);
    const only = testContext({ models: { providers: [providers[1]!] } });
    expect(failureOf(await runEffect(textGeneration, { template: 'a', model: ['x'] }, {}, only))).toMatch(
      /^not_configured: .*model x/,
    );
  });

  it('without a provider says how to configure one', async () => {
    const failure = failureOf(await runEffect(textGeneration, { template: 'a' }, {}, testContext()));
    expect(failure).toMatch(/^not_configured/);
    expect(failure).toContain('OPENAI_BASE_URL');
    expect(failure).toContain('OPENAI_API_KEY');
  });

  it('without a model says where to name one', async () => {
    const { provider } = await endpoint({});
    const context = testContext({ models: { providers: [provider] } });
    expect(failureOf(await runEffect(textGeneration, { template: 'a' }, {}, context))).toMatch(
      /^not_configured: No model is named/,
    );
  });

  it('refuses a provider at a private address', async () => {
    const { outcome, asked } = await run({ good }, {}, { allow: [] });
    expect(outcome).toMatchObject({ failure: { code: 'address_refused' }, retryable: false });
    expect(asked).toEqual([]);
  });
});

const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

describe('generated text', () => {
  it('is handed on as it comes, and begins anew when another model takes over', async () => {
    const script = { a: { cuts: true, after: { text: ['He', 'llo'] } }, b: { text: ['Hi', '.'] } } as const;
    const { context } = await servedModels(script);
    const outcome = await runEffect(textGeneration, { template: 'x', model: ['a', 'b'] }, {}, context);
    expect(outcome).toMatchObject({ outputs: { text_output: 'Hi.' }, warnings: [{ identifier: 'model_fallback' }] });
    expect(context.streamed.join('')).toMatch(/^\|He(llo)?\|Hi\.$/);
  });

  it('is chosen by the settings of the node, in the words of the provider', async () => {
    const config = {
      ...{ temperature: 0.2, top_p: 0.9, top_k: 40, max_tokens: 50, presence_penalty: 0.3, frequency_penalty: 0.6 },
      ...{ stop_sequences: ['END'], enable_reasoning: true, reasoning_effort: 'Low' },
    };
    const { context, asked } = await servedModels({ m: { text: 'x' } });
    await runEffect(textGeneration, { template: 'x', ...config }, {}, context);
    expect(asked[0]?.body).toMatchObject({
      ...{ temperature: 0.2, top_p: 0.9, top_k: 40, max_tokens: 50, presence_penalty: 0.3, frequency_penalty: 0.6 },
      ...{ stop: ['END'], reasoning_effort: 'low', stream: true, stream_options: { include_usage: true } },
    });
    const mistral = await servedModels({ m: { text: 'x' } }, { protocol: 'mistral' });
    const outcome = await runEffect(textGeneration, { template: 'x', top_k: 40 }, {}, mistral.context);
    expect(outcome).toMatchObject({ kind: 'succeeded' });
    expect(mistral.context.logged).toEqual([expect.stringContaining('does not support topK')]);
  });

  it('of a model that must not think is asked for without it', async () => {
    const { context, asked } = await servedModels({ m: { text: 'x' } });
    await runEffect(textGeneration, { template: 'x', enable_reasoning: false, reasoning_effort: 'high' }, {}, context);
    expect(asked[0]?.body['reasoning_effort']).toBe('none');
  });

  it('is about pictures: stored ones and data addresses go as bytes, others by their address', async () => {
    const { context, asked } = await servedModels({ m: { text: 'A cat.' } });
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const file = await context.files.save({ name: 'a.png', contentType: 'image/png', bytes: png });
    const data = `data:image/png;base64,${png.toString('base64')}`;
    const images = [{ uri: `spot://${file.id}`, name: 'a.png' }, 'https://example.com/b.jpg', data];
    await runEffect(textGeneration, { template: 'What is it?' }, { images }, context);
    expect(asked[0]?.body['messages'][0].content).toEqual([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: data } },
      { type: 'image_url', image_url: { url: 'https://example.com/b.jpg' } },
      { type: 'image_url', image_url: { url: data } },
    ]);
  });

  it('is about pictures that are fetched for a provider that fetches none, and never from a private address', async () => {
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const origin = await serve((_, answer) => answer.writeHead(200, { 'content-type': 'image/png' }).end(png));
    const { context, asked } = await servedModels({ m: { text: 'A cat.' } }, { protocol: 'bedrock' });
    const outcome = await runEffect(textGeneration, { template: 'x' }, { images: `${origin}/a.png` }, context);
    expect(outcome).toMatchObject({ kind: 'succeeded' });
    expect(JSON.stringify(asked[0]?.body)).toContain(png.toString('base64'));
    const guarded = testContext({
      models: context.models,
      allow: [new URL(context.models.providers[0]!.baseUrl).host],
    });
    const refused = await runEffect(textGeneration, { template: 'x' }, { images: `${origin}/a.png` }, guarded);
    expect(refused).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('not a public') } });
    const missing = await serve((_, answer) => answer.writeHead(404).end());
    const failed = await runEffect(textGeneration, { template: 'x' }, { images: missing }, context);
    expect(failureOf(failed)).toMatch(/^invalid_input: .*404 came back/);
  });

  it.each<[string, JsonObject[string]]>([
    ['a text', 'cat'],
    ['a file that is gone', 'spot://none'],
    ['a file that is no picture', 'data:text/plain,hello'],
    ['too many pictures', Array.from({ length: 51 }, () => 'https://example.com/b.jpg')],
  ])('is not about %s', async (_, images) => {
    const { context, asked } = await servedModels({ m: { text: 'x' } });
    expect(failureOf(await runEffect(textGeneration, { template: 'x' }, { images }, context))).toMatch(
      /^invalid_input/,
    );
    expect(asked).toEqual([]);
  });

  it('that a content filter ends early is given with a warning', async () => {
    const { context } = await servedModels({ m: { text: 'First,', finish: 'filter' } });
    expect(await runEffect(textGeneration, { template: 'x' }, {}, context)).toMatchObject({
      outputs: { text_output: 'First,' },
      warnings: [{ identifier: 'general', detail: expect.stringContaining('content filter') }],
    });
  });

  it('of a schema is given as text and parsed', async () => {
    const { context, asked } = await servedModels({ m: { text: ['{"name": ', '"Ada"}'] } });
    const config = { template: 'Who?', output_schema: schema };
    const outcome = await runEffect(textGeneration, config, {}, context);
    expect(outputsOf(outcome)).toEqual({ text_output: '{"name": "Ada"}', parsed: { name: 'Ada' } });
    expect(asked[0]?.body['response_format']).toMatchObject({ type: 'json_schema' });
    expect(textGeneration.outputsOf?.(config).map(({ name }) => name)).toEqual(['parsed']);
    expect(textGeneration.outputsOf?.({})).toEqual([]);
  });

  it('that does not fit its schema fails, and says what does not fit', async () => {
    const { context } = await servedModels({ m: { text: '{"name": 7}' }, cut: { text: '{"na', finish: 'length' } });
    const config = { template: 'Who?', output_schema: schema };
    expect(failureOf(await runEffect(textGeneration, config, {}, context))).toBe(
      'provider: Model m: The answer does not fit the schema: /name must be string. It says: {"name": 7}',
    );
    const cut = await runEffect(textGeneration, { ...config, model: ['cut'] }, {}, context);
    expect(failureOf(cut)).toMatch(/no JSON.*cut at its limit of tokens/);
  });

  it('of a schema that is none is refused when the node is saved', () => {
    const bad = { output_schema: [1] };
    expect(issuesOf(textGeneration, bad)).toMatchObject([{ severity: 'invalid' }]);
    expect(issuesOf(textGeneration, { output_schema: schema })).toEqual([]);
    expect(issuesOf(textGeneration, { output_schema: ':var[a.output]' })).toEqual([]);
  });

  it('comes from a server that answers at once although it was asked to stream', async () => {
    const whole = JSON.stringify(chatCompletions.whole({ text: 'Hello.' }, {}));
    const { context } = await servedModels({ m: { raw: whole } });
    expect(outputsOf(await runEffect(textGeneration, { template: 'x' }, {}, context))).toEqual({
      text_output: 'Hello.',
    });
    expect(context.streamed).toEqual(['|Hello.']);
  });
});
