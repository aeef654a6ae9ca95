import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectedBm25, fuse, fuseRanks } from './fuse.ts';

const evidence = fc.record({
  id: fc.nat(),
  lexical: fc.double({ min: 0, max: 3, noNaN: true }),
  cosine: fc.double({ min: -1, max: 1, noNaN: true }),
});

it('answers similarities of 0 to 1, best first', () => {
  fc.assert(
    fc.property(fc.array(evidence), (items) => {
      const similarities = fuse(items).map(({ similarity }) => similarity);
      expect(similarities.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
    }),
  );
});

it('never ranks a document lower for matching more words or meaning more of the same', () => {
  fc.assert(
    fc.property(evidence, evidence, (a, b) => {
      const better = { id: 1, lexical: Math.max(a.lexical, b.lexical), cosine: Math.max(a.cosine, b.cosine) };
      const [first] = fuse([
        { ...better, id: 1 },
        { ...a, id: 2 },
      ]);
      expect(first?.id).toBe(1);
    }),
  );
});

it('puts the document with the exact term first, unless another means far more of the query', () => {
  const exact = { id: 'exact', lexical: 1, cosine: 0 };
  expect(fuse([{ id: 'near', lexical: 0, cosine: 0.6 }, exact])[0]?.id).toBe('exact');
});

it('expects of a document that holds every word the sum of their rarity', () => {
  expect(expectedBm25([], 100)).toBe(0);
  expect(expectedBm25([1], 100)).toBeCloseTo(Math.log(99.5 / 1.5));
  expect(expectedBm25([1, 0], 100)).toBeGreaterThan(expectedBm25([1], 100));
  expect(expectedBm25([100], 100)).toBeGreaterThan(0);
});

it('gives the first of every list a similarity of 1', () => {
  const [first, second] = fuseRanks([
    { ids: ['a', 'b'], weight: 1 },
    { ids: ['a', 'c', 'b'], weight: 3 },
  ]);
  expect(first).toEqual({ id: 'a', similarity: 1 });
  expect(second?.id).toBe('b');
});
