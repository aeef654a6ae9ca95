import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runEffect, servedModels } from '../test-kit.ts';
import { imageGeneration } from './image-generation.ts';

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d494844520000000200000003', 'hex'), Buffer.alloc(8)]);

const gives = ({ n }: JsonObject) => ({
  created: 1,
  data: Array.from({ length: Number(n) }, () => ({ b64_json: png.toString('base64') })),
});

describe('generating images', () => {
  it('keeps them as files, and says how large they are', async () => {
    const { context, asked } = await servedModels({ m: { gives } });
    const config = { model: ['m'], template: 'A ((What))', size: '1024x1536', n: 2 };
    const outputs = outputsOf(await runEffect(imageGeneration, config, { 'variables::What': 'cat' }, context));
    const image = {
      uri: 'spot://f1',
      name: 'image-1.png',
      content_type: 'image/png',
      size: png.length,
      width: 2,
      height: 3,
    };
    expect(outputs).toEqual({ image, images: [image, { ...image, uri: 'spot://f2', name: 'image-2.png' }] });
    expect(asked[0]?.body).toMatchObject({ prompt: 'A cat', size: '1024x1536', n: 2 });
    expect(context.saved.get('f2')?.bytes).toEqual(png);
  });

  it('asks the next model when one refuses', async () => {
    const { context } = await servedModels({ bad: { status: 400, message: 'not that' }, m: { gives } });
    const outcome = await runEffect(imageGeneration, { model: ['bad', 'm'], template: 'A cat' }, {}, context);
    expect(outcome).toMatchObject({
      warnings: [{ identifier: 'model_fallback', detail: expect.stringContaining('not that') }],
    });
  });

  it('fails when no picture comes', async () => {
    const { context } = await servedModels({ m: { gives: () => ({ created: 1, data: [] }) } });
    const outcome = await runEffect(imageGeneration, { model: ['m'], template: 'A cat' }, {}, context);
    expect(outcome).toMatchObject({ kind: 'failed', retryable: true, failure: { code: 'provider' } });
  });

  it.each<[string, JsonObject]>([
    ['invalid_config: No model is named', { template: 'A cat', model: [] }],
    ['invalid_config: "size"', { template: 'A cat', model: ['m'], size: 'large' }],
    ['invalid_input: The prompt is empty', { template: ' ', model: ['m'] }],
  ])('fails with %s', async (failure, config) => {
    const { context, asked } = await servedModels({ m: { gives } });
    expect(failureOf(await runEffect(imageGeneration, config, {}, context))).toContain(failure);
    expect(asked).toEqual([]);
  });

  it('refuses a size that is none when it is saved', () => {
    expect(issuesOf(imageGeneration, { size: 'large' })).toHaveLength(1);
    expect(issuesOf(imageGeneration, { size: '512x512' })).toEqual([]);
  });
});
