import { describe, expect, it } from 'vitest';
import { failureOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { translate } from './translate.ts';

describe('translating', () => {
  it('asks for the language, and keeps the white space around a text', async () => {
    const { context, asked } = await servedModels({ m: { text: 'Hallo' } });
    const config = { target_language: 'German', source_language: 'English', instructions: 'Say du.' };
    const outcome = await runEffect(translate, config, { text: '\n\n  Hello\n' }, context);
    expect(outputsOf(outcome)).toEqual({ translation: '\n\n  Hallo\n' });
    expect(asked[0]?.body['messages'][0].content).toMatch(/from English to German[\s\S]*Say du\./);
    expect(context.streamed).toEqual(['|Hallo']);
  });

  it('translates a long text in parts, and puts them together in their order', async () => {
    const { context, asked } = await servedModels({ m: { text: 'X' } });
    const text = `${'a '.repeat(200).trim()}\n\n${'b '.repeat(200).trim()}\n\n\n\n`;
    const outcome = await runEffect(translate, { target_language: 'German', part_size: 500 }, { text }, context);
    expect(outputsOf(outcome)).toEqual({ translation: 'X\n\nX\n\n\n\n' });
    expect(asked).toHaveLength(2);
    expect(context.streamed).toEqual([]);
  });

  it('needs a language', async () => {
    const { context } = await servedModels({ m: { text: 'X' } });
    const outcome = await runEffect(translate, { target_language: ' ' }, { text: 'a' }, context);
    expect(failureOf(outcome)).toMatch(/^invalid_config: "target_language"/);
  });
});
