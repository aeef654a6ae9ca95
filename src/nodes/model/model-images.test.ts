import { describe, expect, it } from 'vitest';
import { TINY_PNG } from '../../../test/support/comfyui-server.ts';
import type { JsonObject } from '../../domain/json.ts';
import { compatibleProvider, failureOf, outputsOf, runEffect, serve, testContext } from '../test-kit.ts';
import { modelImages } from './model-images.ts';

async function paint(answer: (origin: string) => object, inputs: JsonObject = { prompt: 'A cat' }) {
  const got: JsonObject[] = [];
  const origin = await serve(async (request, response) => {
    if (request.url === '/made.webp') return response.writeHead(404).end();
    if (request.url === '/made.png') return response.writeHead(200, { 'content-type': 'image/png' }).end(TINY_PNG);
    got.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    return response.end(JSON.stringify(answer(origin)));
  });
  const context = testContext({
    models: { providers: [compatibleProvider({ name: 'p', baseUrl: origin, apiKey: null })] },
  });
  const values = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs::${name}`, value]));
  return { outcome: await runEffect(modelImages, { model: 'm' }, values, context), got, saved: context.saved };
}

describe('a model of pictures', () => {
  it('has what it makes kept, with type, size and measure', async () => {
    const { outcome, got, saved } = await paint(
      (origin) => ({ data: [{ b64_json: TINY_PNG.toString('base64') }, { url: `${origin}/made.png` }] }),
      { prompt: 'A cat', size: '64x64', n: null },
    );
    expect(got).toEqual([{ model: 'm', prompt: 'A cat', size: '64x64' }]);
    const entry = {
      type: 'image',
      name: 'image',
      mime_type: 'image/png',
      size_bytes: TINY_PNG.length,
      width: 1,
      height: 1,
    };
    expect(outputsOf(outcome)['outputs']).toEqual([
      { ...entry, url: 'spot://f1', filename: 'image-1.png' },
      { ...entry, url: 'spot://f2', filename: 'made.png' },
    ]);
    expect(saved.get('f1')?.bytes).toEqual(TINY_PNG);
  });

  it('whose picture cannot be fetched gives its address, with a warning', async () => {
    const { outcome } = await paint((origin) => ({ data: [{ url: `${origin}/made.webp` }] }));
    expect(outputsOf(outcome)['outputs']).toEqual([
      { type: 'image', name: 'image', url: expect.stringMatching(/\/made\.webp$/) },
    ]);
    expect(outcome).toMatchObject({ warnings: [{ detail: expect.stringContaining('could not be fetched') }] });
  });

  it('fails when it gives none, or is not told what is to be seen', async () => {
    expect(failureOf((await paint(() => ({ data: [] }))).outcome)).toContain('gave no picture');
    expect(failureOf((await paint(() => ({}), {})).outcome)).toContain('"prompt"');
  });
});
