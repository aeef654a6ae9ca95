import type { Embedder } from './embedder.ts';
import { normalise } from './vector.ts';

/** Counts up with every change that makes old vectors incomparable: the numbers, their order, how they are made orthogonal. */
const VERSION = 1;

/** Any number would do; this one makes every installation draw the same directions. */
const SEED = 0x6d_69_6c_6c;

/**
 * An embedder whose vectors have so many dimensions, whatever those of the given one: its own where the number is right, zeros behind
 * shorter ones, and for longer ones their shadow on random directions that are at right angles to each other, drawn from a fixed seed.
 *
 * Cosines stay what they were but for noise (Johnson and Lindenstrauss, 1984; right angles make less of it: Choromanski, Rowland & Weller,
 * "The Unreasonable Effectiveness of Structured Random Orthogonal Embeddings", NeurIPS 2017). `projected.test.ts` holds the measure of it.
 */
export function projected(embedder: Embedder, dimensions: number): Embedder {
  if (embedder.dimensions === dimensions) return embedder;
  const id = `${embedder.id}/projected-${VERSION}-${dimensions}`;
  const rows = embedder.dimensions < dimensions ? undefined : directions(dimensions, embedder.dimensions);
  return {
    id,
    dimensions,
    async embed(texts, purpose) {
      const vectors = await embedder.embed(texts, purpose);
      return vectors.map((vector) => (rows === undefined ? padded(vector, dimensions) : shadow(vector, rows)));
    },
    close: () => embedder.close(),
  };
}

function padded(vector: Float32Array, dimensions: number): Float32Array {
  const longer = new Float32Array(dimensions);
  longer.set(vector);
  return longer;
}

function shadow(vector: Float32Array, rows: readonly Float32Array[]): Float32Array {
  return normalise(Float32Array.from(rows, (row) => dot(row, vector)));
}

/** `count` random directions at right angles to each other: Gram and Schmidt's way, 0.1 s for 256 of 1,536 dimensions. */
function directions(count: number, dimensions: number): Float32Array[] {
  const random = gaussians(SEED);
  const rows: Float32Array[] = [];
  while (rows.length < count) {
    const row = normalise(Float32Array.from({ length: dimensions }, random));
    for (const other of rows) {
      const share = dot(row, other);
      for (let i = 0; i < dimensions; i++) row[i]! -= share * other[i]!;
    }
    rows.push(normalise(row));
  }
  return rows;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Numbers of a normal distribution, as sums of twelve evenly distributed ones: exact to the bit on every machine, unlike logarithms. */
function gaussians(seed: number): () => number {
  const uniform = mulberry32(seed);
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
}

/** Evenly distributed numbers of 0 to 1. Source: Tommy Ettinger's mulberry32, in the public domain. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
