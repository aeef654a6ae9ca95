import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { compatibleProvider, failureOf, outputsOf, runEffect, serve, testContext } from '../test-kit.ts';
import { modelChat } from './model-chat.ts';

/** Asks a provider that gives this answer. @returns the outcome and what the provider was sent */
async function ask(config: JsonObject, inputs: Record<string, JsonValue>, answer: object, status = 200) {
  const got: { headers: Record<string, unknown>; body: JsonObject; url: string }[] = [];
  const origin = await serve(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    got.push({ headers: request.headers, body, url: request.url ?? '' });
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' }).end(JSON.stringify(answer));
  });
  const providers = [compatibleProvider({ name: 'local', baseUrl: `${origin}/v1/`, apiKey: 'sk-1' })];
  const context = testContext({ models: { providers, prices: { m: { input: '2', output: '4' } } } });
  context.saved.set('f9', {
    file: { id: 'f9', workspaceId: 'w1', name: 'a.png', contentType: 'image/png', size: 2, blobId: 'f9', createdAt: 0 },
    bytes: Buffer.from('hi'),
  });
  const values = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs::${name}`, value]));
  return { outcome: await runEffect(modelChat, { model: 'm', ...config }, values, context), got };
}

const says = (content: unknown, more: object = {}) => ({
  choices: [{ message: { content }, finish_reason: 'stop', ...more }],
  usage: { prompt_tokens: 10, completion_tokens: 5 },
});

describe('a chat model', () => {
  it('gets the prompt, the instructions and the other inputs as parameters, under the provider’s key', async () => {
    const { outcome, got } = await ask(
      { system: 'Speak {{input.language}}.', output: 'reply' },
      { prompt: 'Hello', language: 'Greek', top_p: 0.5, seed: null },
      says('Geia'),
    );
    expect(outputsOf(outcome)).toEqual({
      outputs: [{ type: 'text', name: 'reply', text: 'Geia', mime_type: 'text/plain' }],
    });
    expect(outcome).toMatchObject({ usage: { inputTokens: 10, outputTokens: 5, cost: '0.00004' } });
    expect(got[0]).toMatchObject({
      url: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-1', 'idempotency-key': 'r1/n1/0' },
    });
    expect(got[0]?.body).toEqual({
      model: 'm',
      language: 'Greek',
      top_p: 0.5,
      messages: [
        { role: 'system', content: 'Speak Greek.' },
        { role: 'user', content: 'Hello' },
      ],
    });
  });

  it('gets files that are kept here as data, and others by their address', async () => {
    const inputs = { prompt: 'What is it?', picture: { uri: 'spot://f9' }, more: ['https://x.test/a.png'] };
    const { got } = await ask({ media_inputs: ['picture', 'more'] }, inputs, says('A cat'));
    expect(got[0]?.body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'image_url', image_url: { url: 'https://x.test/a.png' } },
        ],
      },
    ]);
  });

  it('that is busy is asked again later, and one that refuses is not', async () => {
    const busy = await ask({}, { prompt: 'x' }, { error: { message: 'Slow down' } }, 429);
    expect(busy.outcome).toMatchObject({ kind: 'failed', retryable: true, retryAfterMs: 7000 });
    const refused = await ask({}, { prompt: 'x' }, { error: 'Bad' }, 401);
    expect(failureOf(refused.outcome)).toBe(
      'provider: Provider "local" answered 401 for model m: Bad Check the API key of the provider.',
    );
    expect(refused.outcome).toMatchObject({ retryable: false });
  });

  it('that is cut short says so, and one that gives nothing fails with what it used', async () => {
    const cut = await ask({}, { prompt: 'x' }, says('Half', { finish_reason: 'length' }));
    expect(cut.outcome).toMatchObject({ warnings: [{ detail: expect.stringContaining('cut at its limit') }] });
    const none = await ask({}, { prompt: 'x' }, says(null));
    expect(none.outcome).toMatchObject({ kind: 'failed', failure: { stage: 'output' }, usage: { inputTokens: 10 } });
  });

  it('is not asked of a provider whose addresses are of another form', async () => {
    const provider = compatibleProvider({ name: 'claude', baseUrl: 'https://api.anthropic.com/v1', apiKey: 'sk-1' });
    const context = testContext({ models: { providers: [{ ...provider, protocol: 'anthropic' }] } });
    const outcome = await runEffect(modelChat, { model: 'm' }, { 'inputs::prompt': 'x' }, context);
    expect(failureOf(outcome)).toMatch(/^not_configured: Provider "claude" speaks the protocol anthropic/);
  });

  it('needs a prompt and a provider', async () => {
    expect(failureOf((await ask({}, { question: 'x' }, says('y'))).outcome)).toContain('"prompt"');
    expect(failureOf((await ask({ provider: 'other' }, { prompt: 'x' }, says('y'))).outcome)).toContain('"local"');
    const none = await runEffect(modelChat, { model: 'm' }, { 'inputs::prompt': 'x' }, testContext());
    expect(failureOf(none)).toContain('OPENAI_BASE_URL');
  });
});
