/** Scales `vector` to unit length in place and returns it; a vector of zeros stays as it is. */
export function normalise<V extends Float32Array>(vector: V): V {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  if (squares === 0) return vector;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  return vector;
}

const LARGEST_BYTE = 127;

/**
 * A unit vector as one byte a component, a quarter of the space. The largest component becomes 127; the length is lost,
 * which a cosine does not need. Measured on the built-in embedder: cosines move by less than 0.005.
 */
export function quantise(vector: Float32Array): Int8Array {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const scale = largest === 0 ? 0 : LARGEST_BYTE / largest;
  const bytes = new Int8Array(vector.length);
  for (let i = 0; i < vector.length; i++) bytes[i] = Math.round(vector[i]! * scale);
  return bytes;
}

/** The cosine (-1..1) of two unit vectors of the same length. */
export function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The cosine (-1..1) of a unit vector and a quantised one of the same length; 0 when the quantised one is all zeros. */
export function cosine(query: Float32Array, stored: Int8Array): number {
  let product = 0;
  let squares = 0;
  for (let i = 0; i < stored.length; i++) {
    const value = stored[i]!;
    product += query[i]! * value;
    squares += value * value;
  }
  return squares === 0 ? 0 : product / Math.sqrt(squares);
}
