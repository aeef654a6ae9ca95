import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { IndexFile, VECTOR_SCHEMA } from './index-file.ts';
import { cosine, DIMENSIONS, Vectors } from './vectors.ts';

let file: IndexFile;
let vectors: Vectors;

beforeEach(() => {
  const db = new DatabaseSync(':memory:');
  db.exec(VECTOR_SCHEMA);
  file = new IndexFile(db);
  vectors = new Vectors(file);
  return () => file.close();
});

const random = (() => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
})();

/** Numbers of a normal distribution around those of another vector. */
function near(center: Int8Array, spread: number): Int8Array {
  return center.map((number) => {
    const noise = Array.from({ length: 6 }, random).reduce((sum, part) => sum + part, -3);
    return Math.max(-127, Math.min(127, Math.round(number + noise * spread)));
  });
}

const ZERO = new Int8Array(DIMENSIONS);
const everything = () => true;

function put(document: number, vector: Int8Array): void {
  vectors.put(1, document, [vector]);
}

test('up to 500 documents are ranked exactly', () => {
  const known = Array.from({ length: 500 }, () => near(ZERO, 30));
  for (const [document, vector] of known.entries()) put(document, vector);
  const query = near(ZERO, 30);
  const exact = known
    .map((vector, document) => ({ document, similarity: cosine(query, vector) }))
    .sort((a, b) => b.similarity - a.similarity);
  expect(vectors.nearest(1, query, 500, everything)).toEqual(exact);
  expect(vectors.nearest(1, query, 3, everything)).toEqual(exact.slice(0, 3));
});

test('of many passages about many subjects, at least 95 of 100 of the nearest ten are found', () => {
  const subjects = Array.from({ length: 80 }, () => near(ZERO, 30));
  const known = Array.from({ length: 4000 }, (_, document) => near(subjects[document % 80] ?? ZERO, 25));
  for (const [document, vector] of known.entries()) put(document, vector);
  let found = 0;
  for (let asked = 0; asked < 20; asked++) {
    const query = near(subjects[asked] ?? ZERO, 25);
    const exact = known
      .map((vector, document) => ({ document, similarity: cosine(query, vector) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, 10);
    const documents = new Set(vectors.nearest(1, query, 10, everything).map(({ document }) => document));
    found += exact.filter(({ document }) => documents.has(document)).length;
  }
  expect(found).toBeGreaterThanOrEqual(190);
});

test('only allowed documents of the workspace are answered, however few they are', () => {
  for (let document = 0; document < 3000; document++) put(document, near(ZERO, 30));
  vectors.put(2, 9007, [near(ZERO, 30)]);
  const near10 = vectors.nearest(1, near(ZERO, 30), 10, (document) => document % 1000 === 7);
  expect(near10.map(({ document }) => document).sort()).toEqual([1007, 2007, 7]);
});

test('replaced and removed passages are not found, new ones are', () => {
  const [first, second] = [near(ZERO, 30), near(ZERO, 30)];
  for (let document = 0; document < 20; document++) put(document, first);
  expect(vectors.nearest(1, first, 100, everything)).toHaveLength(20);
  for (let document = 0; document < 19; document++) vectors.remove(document);
  put(19, second);
  expect(vectors.nearest(1, second, 100, everything)).toMatchObject([{ document: 19, similarity: 1 }]);
});

test('a document is as near as the nearest of its vectors, however many they are', () => {
  const [first, second] = [near(ZERO, 30), near(ZERO, 30)];
  vectors.put(1, 1, [...Array.from({ length: 100 }, () => near(ZERO, 30)), first]);
  vectors.put(1, 2, [second]);
  vectors.put(1, 3, []);
  expect(vectors.nearest(1, first, 10, everything)[0]).toEqual({ document: 1, similarity: 1 });
  expect(vectors.nearest(1, second, 10, everything)[0]).toEqual({ document: 2, similarity: 1 });
  const similarities = vectors.similarities([1, 2, 3, 4], first);
  expect([...similarities.keys()].sort()).toEqual([1, 2]);
  expect(similarities.get(1)).toBe(1);
  expect(similarities.get(2)).toBe(cosine(first, second));
  vectors.remove(1);
  expect([...vectors.similarities([1, 2], first).keys()]).toEqual([2]);
});

test('a vector of another length is refused', () => {
  expect(() => put(1, new Int8Array(384))).toThrow('A vector has 384 dimensions; the index takes 256.');
});
