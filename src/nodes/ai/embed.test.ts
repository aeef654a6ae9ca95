import { describe, expect, it } from 'vitest';
import type { Body } from '../../../test/support/providers/wire.ts';
import { failureOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { embed } from './embed.ts';

/** A vector of each text's length. */
const gives = ({ input }: Body) => ({
  object: 'list',
  model: 'm',
  data: input.map((text: string, index: number) => ({ object: 'embedding', index, embedding: [text.length, 0.5] })),
  usage: { prompt_tokens: 1_000_000, total_tokens: 1_000_000 },
});

describe('embedding', () => {
  it('gives the vector of a text, and what it cost', async () => {
    const prices = { m: { input: '0.02', output: '0' } };
    const { context, asked } = await servedModels({ m: { gives } }, { prices });
    const outcome = await runEffect(embed, { model: ['m'], dimensions: 2 }, { text: 'abc' }, context);
    expect(outcome).toMatchObject({
      outputs: { vector: [3, 0.5], vectors: [[3, 0.5]] },
      usage: { inputTokens: 1_000_000, outputTokens: 0, cost: '0.02' },
    });
    expect(asked[0]).toMatchObject({ path: '/v1/embeddings', body: { dimensions: 2 } });
  });

  it('gives one for each of a list, in its order', async () => {
    const { context } = await servedModels({ m: { gives } });
    const outcome = await runEffect(embed, { model: ['m'] }, { text: ['a', 'bb', 'ccc'] }, context);
    expect(outputsOf(outcome)).toEqual({
      vectors: [
        [1, 0.5],
        [2, 0.5],
        [3, 0.5],
      ],
    });
    expect(outputsOf(await runEffect(embed, { model: ['m'] }, { text: [] }, context))).toEqual({ vectors: [] });
  });

  it('asks the next model when one fails', async () => {
    const { context } = await servedModels({ bad: { status: 503 }, m: { gives } });
    const outcome = await runEffect(embed, { model: ['bad', 'm'] }, { text: 'a' }, context);
    expect(outcome).toMatchObject({ kind: 'succeeded', warnings: [{ identifier: 'model_fallback' }] });
  });

  it.each<[string, string[] | string, string[]]>([
    ['invalid_config: No model is named', 'a', []],
    ['invalid_input: Text 2 of 2 is empty', ['a', ' '], ['m']],
    ['too_large: 1001 texts', Array.from({ length: 1001 }, () => 'a'), ['m']],
  ])('fails with "%s"', async (failure, text, model) => {
    const { context, asked } = await servedModels({ m: { gives } });
    expect(failureOf(await runEffect(embed, { model }, { text }, context))).toContain(failure);
    expect(asked).toEqual([]);
  });
});
