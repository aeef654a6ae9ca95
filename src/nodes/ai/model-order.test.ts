import { describe, expect, it } from 'vitest';
import type { Script } from '../../../test/support/providers/provider-server.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ModelAccess } from '../node-type.ts';
import { failureOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { textGeneration } from './text-generation.ts';

const good = { text: 'Hello.' };

async function run(script: Script, config: JsonObject, access: Partial<ModelAccess> = {}) {
  const { context, asked } = await servedModels(script, access);
  const outcome = await runEffect(textGeneration, { template: 'Hi', ...config }, {}, context);
  return { outcome, asked: asked.map(({ model }) => model), requests: asked, context };
}

describe('asking models in order', () => {
  it('puts a preset’s models in the place of its name, each once', async () => {
    const presets = { cheap: ['a', 'b'], best: ['c'] };
    const script = { a: { status: 500 }, b: { status: 500 }, c: good };
    const { outcome, asked } = await run(script, { model: ['preset:cheap', 'a', 'preset:best'] }, { presets });
    expect(outputsOf(outcome)).toEqual({ text_output: 'Hello.' });
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('takes presets as default models too', async () => {
    const access = { presets: { cheap: ['a'] }, defaultModels: ['preset:cheap'] };
    expect((await run({ a: good }, {}, access)).asked).toEqual(['a']);
  });

  it('names the presets there are when one is unknown', async () => {
    const presets = { cheap: ['a'], best: ['b'] };
    const { outcome } = await run({ a: good }, { model: ['preset:cheep'] }, { presets });
    expect(failureOf(outcome)).toBe(
      'not_configured: There is no preset of models "cheep". There are "cheap", "best". Name one of them, or configure this one.',
    );
    const { outcome: none } = await run({ a: good }, { model: ['preset:constructor'] });
    expect(failureOf(none)).toMatch(/There are no presets/);
  });

  it('asks a model again as often as is configured, and sums up what all of it cost', async () => {
    const script = { a: [{ status: 500 }, { text: '', finish: 'filter' }, good], b: good } as const;
    const prices = { a: { input: '1', output: '1' } };
    const { outcome, asked } = await run(script, { model: ['a', 'b'], max_retries_per_model: 2 }, { prices });
    // A filtered answer is not asked for again.
    expect(asked).toEqual(['a', 'a', 'b']);
    expect(outcome).toMatchObject({ usage: { inputTokens: 2000, outputTokens: 40, cost: '0.00102' } });
  });

  it('asks with the same idempotency key each time, and another for each model', async () => {
    const script = { a: [{ status: 500 }, { status: 500 }], b: good } as const;
    const { requests } = await run(script, { model: ['a', 'b'], max_retries_per_model: 1 });
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual(['r1%2Fn1%2F0-a', 'r1%2Fn1%2F0-a', 'r1%2Fn1%2F0-b']);
  });

  it('goes to the next model rather than wait long for one', async () => {
    const script = { a: { status: 429, headers: { 'retry-after': '600' } }, b: good };
    const { asked, outcome } = await run(script, { model: ['a', 'b'], max_retries_per_model: 3 });
    expect(asked).toEqual(['a', 'b']);
    expect(outcome).toMatchObject({ warnings: [{ identifier: 'model_fallback' }] });
  });

  it.each<[JsonObject[string], number, boolean]>([
    [null, 500, true],
    [null, 422, false],
    [[422], 422, true],
    [['422'], 500, false],
    [['50x', 429], 503, true],
    [['5xx'], 529, true],
    [['50x'], 511, false],
  ])('with retry_on_status_codes %j repeats after %i: %s', async (codes, status, retryable) => {
    const { outcome } = await run({ a: { status } }, { retry_on_status_codes: codes });
    expect(outcome).toMatchObject({ kind: 'failed', retryable });
  });

  it('refuses statuses that are none', async () => {
    const { outcome, asked } = await run({ a: good }, { retry_on_status_codes: ['often'] });
    expect(failureOf(outcome)).toMatch(/^invalid_config: .*"often"/);
    expect(asked).toEqual([]);
  });
});
