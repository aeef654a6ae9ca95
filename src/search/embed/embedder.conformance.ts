import { describe, expect, it, onTestFinished } from 'vitest';
import { type Embedder, EmbeddingError } from './embedder.ts';

/** What every embedder must keep to. `open` makes a fresh one. */
export function embedderConformance(name: string, open: () => Promise<Embedder>): void {
  const opened = async () => {
    const embedder = await open();
    onTestFinished(() => embedder.close());
    return embedder;
  };

  describe(`${name} as an embedder`, () => {
    it('answers one unit vector of the promised length for each text, in their order', async () => {
      const embedder = await opened();
      const texts = ['the invoice is overdue', 'a red fox in the snow', 'the invoice is overdue'];
      const [first, second, again, ...rest] = await embedder.embed(texts, 'document');
      expect(rest).toEqual([]);
      for (const vector of [first!, second!]) {
        expect(vector).toBeInstanceOf(Float32Array);
        expect(vector).toHaveLength(embedder.dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
      }
      expect(again).toEqual(first);
      expect(second).not.toEqual(first);
    });

    it('answers the same vector whatever other texts are asked with it', async () => {
      const embedder = await opened();
      const [alone] = await embedder.embed(['the parcel is lost'], 'document');
      const many = await embedder.embed(['one', 'two', 'the parcel is lost', 'three'], 'document');
      expect(cosineOf(alone!, many[2]!)).toBeCloseTo(1, 4);
    });

    it('answers no vectors for no texts', async () => {
      const embedder = await opened();
      expect(await embedder.embed([], 'query')).toEqual([]);
    });

    it('answers a finite vector for texts without words, of odd characters and of great length', async () => {
      const embedder = await opened();
      const odd = ['', '   \n', '\u0000', '\ud800', '🦊🦊', 'ß'.repeat(3), 'long '.repeat(2_000), '{"a":[1,2.5e-9]}'];
      for (const vector of await embedder.embed(odd, 'document')) {
        expect(vector).toHaveLength(embedder.dimensions);
        expect(vector.every(Number.isFinite)).toBe(true);
      }
    });

    it('has the same id and dimensions whenever it is opened with the same configuration', async () => {
      const [one, two] = [await opened(), await opened()];
      expect(one.id).toBe(two.id);
      expect(one.id).not.toBe('');
      expect(one.dimensions).toBe(two.dimensions);
    });

    it('refuses to embed once closed, and may be closed twice', async () => {
      const embedder = await opened();
      await embedder.close();
      await embedder.close();
      await expect(embedder.embed(['late'], 'query')).rejects.toThrow(EmbeddingError);
    });
  });
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
