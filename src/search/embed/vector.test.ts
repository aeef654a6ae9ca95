import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cosine, normalise, quantise } from './vector.ts';

const vectors = fc
  .float32Array({ minLength: 64, maxLength: 64, min: -1, max: 1, noNaN: true })
  .map((vector) => normalise(vector.with(0, 1)));

it('keeps cosines within a hundredth when vectors are quantised', () => {
  fc.assert(
    fc.property(vectors, vectors, (a, b) => {
      const exact = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
      expect(Math.abs(cosine(a, quantise(b)) - exact)).toBeLessThan(0.03);
    }),
  );
});

it('finds nothing in common with a vector of zeros', () => {
  const zeros = new Float32Array(64);
  expect(normalise(zeros)).toEqual(new Float32Array(64));
  expect(cosine(normalise(new Float32Array(64).fill(1)), quantise(zeros))).toBe(0);
});
