import { describe, expect, it } from 'vitest';
import type { Said } from '../../../test/support/providers/wire.ts';
import type { ProviderProtocol } from '../../domain/credential.ts';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { categorizer } from './categorizer.ts';

const labels = [{ name: 'billing', description: 'Invoices' }, 'praise'];

/** The answer as the model wrote it: half sure of each of the two tokens of the label. */
const billing: Said = {
  text: '{"label":"billing"}',
  tokens: [
    { token: '{"label":"', logprob: 0 },
    { token: 'bill', logprob: Math.log(0.5) },
    { token: 'ing', logprob: Math.log(0.5) },
    { token: '"}', logprob: 0 },
  ],
};

async function run(said: Said, config: JsonObject = {}, protocol: ProviderProtocol = 'openai-compatible') {
  const { context, asked } = await servedModels({ m: said }, { protocol });
  const outcome = await runEffect(categorizer, { labels, ...config }, { text: 'I paid twice.' }, context);
  return { outcome, asked };
}

describe('categorizing', () => {
  it('gives the label, how sure the model is, and the text through the label’s output', async () => {
    const { outcome, asked } = await run(billing);
    expect(outputsOf(outcome)).toEqual({ label: 'billing', confidence: 0.25, billing: 'I paid twice.' });
    const { messages, logprobs } = asked[0]!.body;
    expect(messages[0].content).toContain('- billing: Invoices\n- praise');
    expect(logprobs).toBe(true);
  });

  it.each(['openai', 'azure'] as const)('knows how sure the model is from %s', async (protocol) => {
    expect(outputsOf((await run(billing, {}, protocol)).outcome)).toMatchObject({ confidence: 0.25 });
  });

  it('has an output for each label', () => {
    expect(categorizer.outputsOf?.({ labels }).map(({ name }) => name)).toEqual(['billing', 'praise']);
  });

  it('sends what it is less sure of through "uncertain"', async () => {
    const { outcome } = await run(billing, { threshold: 0.3 });
    expect(outputsOf(outcome)).toEqual({ label: 'billing', confidence: 0.25, uncertain: 'I paid twice.' });
    expect(outcome).toMatchObject({ warnings: [{ identifier: 'low_confidence', params: { confidence: 0.25 } }] });
    expect((await run(billing, { threshold: 0.25 })).outcome).toMatchObject({ outputs: { billing: 'I paid twice.' } });
  });

  it('knows no confidence where the provider tells none, and says that a threshold was not applied', async () => {
    const { outcome } = await run({ text: billing.text }, { threshold: 0.3 }, 'anthropic');
    expect(outputsOf(outcome)).toEqual({ label: 'billing', confidence: null, billing: 'I paid twice.' });
    expect(outcome).toMatchObject({
      warnings: [{ identifier: 'general', detail: expect.stringContaining('threshold') }],
    });
  });

  it('asks without log-probabilities where a model refuses them', async () => {
    const refused = { status: 403, message: 'You are not allowed to request logprobs from this model' };
    const { context, asked } = await servedModels({ m: [refused, { text: billing.text }] });
    const outcome = await runEffect(categorizer, { labels }, { text: 'I paid twice.' }, context);
    expect(outputsOf(outcome)).toMatchObject({ label: 'billing', confidence: null });
    expect(asked.map(({ body }) => body['logprobs'])).toEqual([true, undefined]);
  });

  it('fails when the model makes a label up', async () => {
    expect(failureOf((await run({ text: '{"label":"spam"}' })).outcome)).toMatch(/"billing","praise"/);
  });

  it.each<[string, JsonObject[string]]>([
    ['at least one', []],
    ['there twice', ['a', 'a']],
    ['another output', ['label']],
    ['another output', ['on_error']],
    ['"::" or "."', ['a.b']],
    ['its name must be', [{ description: 'x' }]],
  ])('refuses labels: %s', async (reason, bad) => {
    expect(issuesOf(categorizer, { labels: bad })).toMatchObject([{ message: expect.stringContaining(reason) }]);
    expect(failureOf((await run(billing, { labels: bad })).outcome)).toMatch(/^invalid_config/);
  });
});
