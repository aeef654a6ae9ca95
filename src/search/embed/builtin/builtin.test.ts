import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { embedderConformance } from '../embedder.conformance.ts';
import { cosine, quantise } from '../vector.ts';
import { openBuiltinEmbedder } from './builtin.ts';

embedderConformance('the built-in lexicon', async () => openBuiltinEmbedder());

const embedder = openBuiltinEmbedder();

async function similarity(a: string, b: string): Promise<number> {
  const [first, second] = await embedder.embed([a, b], 'document');
  return cosine(first!, quantise(second!));
}

describe('the built-in embedder', () => {
  it('is named by its version and dimensions', () => {
    expect(embedder.id).toBe('builtin-1/256');
  });

  it.each([
    ['a physician examines a sick child', 'the doctor looked at an ill boy', 'the truck crossed a bridge'],
    ['buying a car', 'purchase of an automobile', 'the weather was rainy'],
    ['the airline cancelled my flight', 'our plane did not take off', 'a recipe for apple cake'],
    ['timeout while connecting to postgres', 'the database did not answer', 'a painting of flowers'],
  ])('brings "%s" nearer to "%s" than to "%s"', async (text, near, far) => {
    expect(await similarity(text, near)).toBeGreaterThan((await similarity(text, far)) + 0.15);
  });

  it('brings forms of an unknown word together, in any language', async () => {
    expect(await similarity('Rechnungen', 'Rechnung')).toBeGreaterThan(0.5);
    expect(await similarity('ラーメンを食べる', '東京でラーメンを食べました')).toBeGreaterThan(0.3);
    expect(await similarity('Rechnungen', 'Wetterbericht')).toBeLessThan(0.3);
  });

  it('takes a text of function words by those words', async () => {
    expect(await similarity('who are they', 'who are they')).toBeCloseTo(1, 2);
  });

  it('answers unit length or nothing for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        const [vector] = await embedder.embed([text], 'query');
        const length = Math.hypot(...vector!);
        expect(Math.min(length, Math.abs(length - 1))).toBeCloseTo(0, 4);
      }),
    );
  });

  it('gives a text the same vector whatever it has read before', async () => {
    const text = 'The tenant painted the flat, said qwrtz-4711.';
    const [before] = await embedder.embed([text], 'document');
    const words = Array.from({ length: 40_000 }, (_, number) => `w${number.toString(36)}`);
    const [whole] = await embedder.embed([words.join(' ')], 'document');
    const [after, again] = await embedder.embed([text, words.join(' ')], 'document');
    expect(after).toEqual(before);
    expect(again).toEqual(whole);
  });
});
