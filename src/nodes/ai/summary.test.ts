import { describe, expect, it } from 'vitest';
import { failureOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { summary } from './summary.ts';

describe('summarizing', () => {
  it('asks for the format and the topic', async () => {
    const { context, asked } = await servedModels({ m: { text: [' Sho', 'rt. '] } });
    const config = { summary_format: 'Bullet points', summary_topic: 'money' };
    const outcome = await runEffect(summary, config, { text: 'Long.' }, context);
    expect(outputsOf(outcome)).toEqual({ summary: 'Short.' });
    expect(asked[0]?.body['messages'][0].content).toMatch(/begins with "- "[\s\S]*topic only: money/);
    expect(context.streamed).toEqual(['| Sho', 'rt. ']);
  });

  it('summarises a long text in parts, then the summaries, and counts all of it', async () => {
    const { context, asked } = await servedModels({ m: { text: 'Short.', usage: { input: 10, output: 1 } } });
    const text = Array.from({ length: 30 }, (_, at) => `Paragraph ${at} ${'x'.repeat(80)}`).join('\n\n');
    const outcome = await runEffect(summary, { part_size: 1000 }, { text }, context);
    expect(outputsOf(outcome)).toEqual({ summary: 'Short.' });
    expect(asked).toHaveLength(4);
    expect(outcome).toMatchObject({ usage: { inputTokens: 40, outputTokens: 4 } });
    expect(asked.at(-1)?.body['messages'][0].content).toContain('row of summaries');
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(4);
    expect(context.streamed).toEqual(['|Short.']);
  });

  it('fails with the first part that fails, and says once what happened to several', async () => {
    const text = 'word '.repeat(900);
    const { context } = await servedModels({ bad: { status: 500 }, m: { text: 'Short.' } });
    const outcome = await runEffect(summary, { part_size: 1000, model: ['bad', 'm'] }, { text }, context);
    expect(outcome).toMatchObject({ kind: 'succeeded', warnings: [{ identifier: 'model_fallback' }, {}] });
    const alone = await runEffect(summary, { part_size: 1000, model: ['bad'] }, { text }, context);
    expect(alone).toMatchObject({ kind: 'failed', retryable: true, failure: { httpStatus: 500 } });
  });

  it('gives up on a text that does not shrink', async () => {
    const { context } = await servedModels({ m: { text: 'x'.repeat(900) } });
    const outcome = await runEffect(summary, { part_size: 1000 }, { text: 'word '.repeat(500) }, context);
    expect(failureOf(outcome)).toMatch(/^too_large: .*rounds/);
    expect(outcome).toMatchObject({ usage: { cost: null } });
  });

  it('refuses a text of too many parts before any of them is paid for', async () => {
    const { context, asked } = await servedModels({ m: { text: 'x' } });
    const outcome = await runEffect(summary, { part_size: 1000 }, { text: 'x'.repeat(201_000) }, context);
    expect(failureOf(outcome)).toMatch(/^too_large: .*201000 characters/);
    expect(asked).toEqual([]);
  });
});
