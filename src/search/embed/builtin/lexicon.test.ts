import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DIMENSIONS, decodeLexicon, encodeLexicon } from './lexicon.ts';

const word = fc.record({
  word: fc.stringMatching(/^\p{L}{1,12}$/u),
  senseCount: fc.option(fc.nat(1e6), { nil: undefined }),
  uses: fc.nat(1e6),
  vector: fc.float32Array({ minLength: DIMENSIONS, maxLength: DIMENSIONS, min: -1, max: 1, noNaN: true }),
});

it('reads the words, counts and directions that were written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(word, { selector: (item) => item.word, minLength: 1, maxLength: 5 }), (drawn) => {
      const words = drawn.map((item) => ({ ...item, vector: item.vector.with(0, 1) }));
      const lexicon = decodeLexicon(encodeLexicon(words, 12_345, new Float32Array(DIMENSIONS).fill(0.5)));
      expect(lexicon.totalUses).toBe(12_345);
      expect(lexicon.common).toEqual(new Float32Array(DIMENSIONS).fill(0.5));
      for (const { word, senseCount, uses, vector } of words) {
        const index = lexicon.find(word)!;
        expect(lexicon.uses(index)).toBe(uses);
        expect(lexicon.senseCount(word)).toBe(senseCount);
        const read = new Float32Array(DIMENSIONS);
        lexicon.addTo(read, index, 1);
        const length = Math.hypot(...vector);
        expect(read.reduce((sum, value, i) => sum + (value * vector[i]!) / length, 0)).toBeGreaterThan(0.999);
      }
    }),
    { numRuns: 20 },
  );
});

it('refuses a file of other dimensions and says what to do', () => {
  const file = Buffer.from('{"words":0,"dimensions":64,"totalUses":0}\n');
  expect(() => decodeLexicon(file)).toThrow(/64 dimensions.*build-lexicon/);
});
