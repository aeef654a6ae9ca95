import { WASM_PAGE, wasmFunction } from '../web-assembly.ts';
import type { IndexFile } from './index-file.ts';

/*
 * Search by vectors: int8 vectors on disk, their signs in memory.
 *
 * A scan of the signs (32 bytes for 256 dimensions) finds the nearest by Hamming distance, and the int8 vectors of those few
 * are then compared exactly. Measured on a million vectors of 256 dimensions: 7.7 ms for the scan and 1.7 ms to select, where
 * the scan in JavaScript takes 22 ms and one of all int8 vectors would read 256 MB for each query.
 */

/** Dimensions of every vector: the scan below is made for them. */
export const DIMENSIONS = 256;

const SIGN_BYTES = DIMENSIONS / 8;

/** The nearest by signs that are compared exactly, at least and for each one wanted. */
const MIN_COMPARED = 500;
const COMPARED_FOR_EACH = 8;

/** Part of a segment, and the vector of what it means. */
export interface Passage {
  /** Place of the segment among all of the run. */
  readonly segment: number;
  /** UTF-16 units of the segment before the passage. */
  readonly start: number;
  /** UTF-16 units of the segment up to the end of the passage. */
  readonly end: number;
  /** {@link DIMENSIONS} numbers of -127 to 127, all vectors scaled to nearly the same length. */
  readonly vector: Int8Array;
}

/** A passage that is near to what was asked. */
export interface NearPassage extends Omit<Passage, 'vector'> {
  readonly document: number;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/** The vectors of the index. Signs are read into memory at the first search (3 s for a million) and kept up to date. */
export class Vectors {
  readonly #file: IndexFile;
  readonly #signs = new SignTable();
  #readTo = 0;

  constructor(file: IndexFile) {
    this.#file = file;
  }

  /**
   * Keeps the passages of a document instead of earlier ones, as part of a transaction of the caller.
   * @throws RangeError when a vector has not {@link DIMENSIONS} numbers.
   */
  put(workspace: number, document: number, passages: readonly Passage[]): void {
    this.remove(document);
    for (const { segment, start, end, vector } of passages) {
      if (vector.length !== DIMENSIONS) {
        throw new RangeError(`A vector has ${vector.length} dimensions; the index takes ${DIMENSIONS}.`);
      }
      this.#file.run(
        'INSERT INTO passage (workspace, document, segment, start, "end", vector) VALUES (?, ?, ?, ?, ?, ?)',
        workspace,
        document,
        segment,
        start,
        end,
        vector,
      );
    }
  }

  /** Removes the passages of a document. Their signs stay in memory, but what is found is looked up. */
  remove(document: number): void {
    this.#file.run('DELETE FROM passage WHERE document = ?', document);
  }

  /**
   * The passages of a workspace nearest to a vector, the nearest first.
   *
   * @param wanted how many.
   * @param allowed tells whether passages of a document may be answered.
   */
  nearest(workspace: number, query: Int8Array, wanted: number, allowed: (document: number) => boolean): NearPassage[] {
    this.#readNewSigns();
    const ids = this.#signs.nearest(workspace, query, Math.max(MIN_COMPARED, wanted * COMPARED_FOR_EACH), allowed);
    const near = ids.flatMap((id) => {
      const similarity = this.#similarity(query, id);
      return similarity === undefined ? [] : [{ id, similarity }];
    });
    if (near.length < ids.length / 2) {
      // Most of what was read is gone by now.
      this.#signs.clear();
      this.#readTo = 0;
      return this.nearest(workspace, query, wanted, allowed);
    }
    const nearest = near.sort((a, b) => b.similarity - a.similarity).slice(0, wanted);
    return nearest.map(({ id, similarity }) => ({ ...this.#place(id), similarity }));
  }

  /** How near the nearest passage of a document is; undefined when it has none. */
  similarity(document: number, query: Int8Array): number | undefined {
    const rows = this.#file.prepared('SELECT vector FROM passage WHERE document = ?').all(document);
    const near = rows.flatMap(({ vector }) => (vector instanceof Uint8Array ? cosine(query, numbersOf(vector)) : []));
    return near.length === 0 ? undefined : Math.max(...near);
  }

  #similarity(query: Int8Array, id: number): number | undefined {
    const vector = this.#file.get('SELECT vector FROM passage WHERE id = ?', id)?.['vector'];
    if (!(vector instanceof Uint8Array)) return undefined;
    return cosine(query, numbersOf(vector));
  }

  #place(id: number): Omit<NearPassage, 'similarity'> {
    const row = this.#file.get('SELECT document, segment, start, "end" FROM passage WHERE id = ?', id);
    return {
      document: Number(row?.['document']),
      segment: Number(row?.['segment']),
      start: Number(row?.['start']),
      end: Number(row?.['end']),
    };
  }

  /** Ids only rise, so that everything new is beyond what was read; what was rolled back was never read. */
  #readNewSigns(): void {
    const rows = this.#file
      .prepared('SELECT id, workspace, document, vector FROM passage WHERE id > ? ORDER BY id')
      .iterate(this.#readTo);
    for (const { id, workspace, document, vector } of rows) {
      if (!(vector instanceof Uint8Array)) continue;
      this.#signs.add(Number(id), Number(workspace), Number(document), vector);
      this.#readTo = Number(id);
    }
  }
}

/** The cosine of two vectors. */
export function cosine(a: Int8Array, b: Int8Array): number {
  let product = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let place = 0; place < a.length; place++) {
    const x = a[place] ?? 0;
    const y = b[place] ?? 0;
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return product === 0 ? 0 : product / Math.sqrt(lengthA * lengthB);
}

/**
 * WebAssembly, as JavaScript has no way to count the bits of 128 at once. In its text form:
 *
 *     (module
 *       (import "e" "m" (memory 1))
 *       (func (export "d") (param $v i32) (param $end i32) (param $q i32) (param $out i32)
 *         (local $a v128) (local $b v128)
 *         (local.set $a (v128.load (local.get $q)))
 *         (local.set $b (v128.load offset=16 (local.get $q)))
 *         (block $done (loop $next
 *           (br_if $done (i32.ge_u (local.get $v) (local.get $end)))
 *           (i32.store16 (local.get $out) (i32.add (i32.const 0) (call $sum (i16x8.extadd_pairwise_i8x16_u (i8x16.add
 *             (i8x16.popcnt (v128.xor (v128.load (local.get $v)) (local.get $a)))
 *             (i8x16.popcnt (v128.xor (v128.load offset=16 (local.get $v)) (local.get $b))))))))
 *           (local.set $v (i32.add (local.get $v) (i32.const 32)))
 *           (local.set $out (i32.add (local.get $out) (i32.const 2)))
 *           (br $next))))
 *       (func $sum (param $x v128) (result i32)
 *         (local.set $x (i32x4.extadd_pairwise_i16x8_u (local.get $x)))
 *         (local.set $x (i32x4.add (local.get $x)
 *           (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))
 *         (i32.add (i32x4.extract_lane 0 (local.get $x)) (i32x4.extract_lane 1 (local.get $x)))))
 */
const HAMMING = Buffer.from(
  'AGFzbQEAAAABDQJgBH9/f38AYAF7AX8CCAEBZQFtAgABAwMCAAEHBQEBZAAACooBAlcBAnsgAv0ABAAhBCAC/QAEECEFAkADQCAAIAFPDQEgA0EAIAD9AAQA' +
    'IAT9Uf1iIAD9AAQQIAX9Uf1i/W79fRABajsBACAAQSBqIQAgA0ECaiEDDAALCwswACAA/X8hACAAIAAgAP0NCAkKCwwNDg8AAQIDBAUGB/2uASEAIAD9GwAg' +
    'AP0bAWoL',
  'base64',
);

/** Where the signs begin; before them is the query. */
const SIGNS_AT = SIGN_BYTES;

/**
 * The signs of vectors in memory. The signs of {@link #capacity} vectors lie one after the other, and behind them room for a
 * distance of two bytes each.
 */
class SignTable {
  readonly #wasm = wasmFunction(HAMMING, 'd');
  #capacity = 0;
  #count = 0;
  #ids = new Float64Array(0);
  #workspaces = new Float64Array(0);
  #documents = new Float64Array(0);

  add(id: number, workspace: number, document: number, vector: Uint8Array): void {
    if (this.#count === this.#capacity) this.#grow();
    writeSigns(vector, new Uint8Array(this.#wasm.memory.buffer, SIGNS_AT + this.#count * SIGN_BYTES, SIGN_BYTES));
    this.#ids[this.#count] = id;
    this.#workspaces[this.#count] = workspace;
    this.#documents[this.#count] = document;
    this.#count++;
  }

  /** Forgets everything. */
  clear(): void {
    this.#count = 0;
  }

  /** Ids of vectors whose signs are the most like those of `query`: `wanted`, and those as near as the last of them. */
  nearest(workspace: number, query: Int8Array, wanted: number, allowed: (document: number) => boolean): number[] {
    writeSigns(asBytes(query), new Uint8Array(this.#wasm.memory.buffer, 0, SIGN_BYTES));
    const distancesAt = SIGNS_AT + this.#capacity * SIGN_BYTES;
    this.#wasm.call(SIGNS_AT, SIGNS_AT + this.#count * SIGN_BYTES, 0, distancesAt);
    const distances = new Uint16Array(this.#wasm.memory.buffer, distancesAt, this.#count);
    // Where few are allowed, more have to be looked at.
    for (let considered = wanted; ; considered *= 8) {
      const limit = distanceOf(distances, considered);
      const found: number[] = [];
      for (let place = 0; place < this.#count; place++) {
        if ((distances[place] ?? 0) > limit || this.#workspaces[place] !== workspace) continue;
        if (allowed(this.#documents[place] ?? 0)) found.push(this.#ids[place] ?? 0);
      }
      if (found.length >= wanted || considered >= this.#count) return found;
    }
  }

  #grow(): void {
    this.#capacity = Math.max(1024, this.#capacity * 2);
    const bytes = SIGNS_AT + this.#capacity * (SIGN_BYTES + Uint16Array.BYTES_PER_ELEMENT);
    const missing = Math.ceil(bytes / WASM_PAGE) - this.#wasm.memory.buffer.byteLength / WASM_PAGE;
    if (missing > 0) this.#wasm.memory.grow(missing);
    this.#ids = grown(this.#ids, this.#capacity);
    this.#workspaces = grown(this.#workspaces, this.#capacity);
    this.#documents = grown(this.#documents, this.#capacity);
  }
}

function grown(numbers: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(numbers);
  return larger;
}

/** The distance of the `wanted`th nearest. */
function distanceOf(distances: Uint16Array, wanted: number): number {
  const histogram = new Uint32Array(DIMENSIONS + 1);
  for (let place = 0; place < distances.length; place++) {
    const distance = distances[place] ?? 0;
    histogram[distance] = (histogram[distance] ?? 0) + 1;
  }
  let nearer = 0;
  let limit = 0;
  while (limit < DIMENSIONS && nearer + (histogram[limit] ?? 0) < wanted) nearer += histogram[limit++] ?? 0;
  return limit;
}

/** Writes one bit for each number, set where it is negative. */
function writeSigns(vector: Uint8Array, signs: Uint8Array): void {
  for (let byte = 0; byte < signs.length; byte++) {
    let bits = 0;
    for (let bit = 0; bit < 8; bit++) bits = (bits << 1) | ((vector[byte * 8 + bit] ?? 0) >> 7);
    signs[byte] = bits;
  }
}

function numbersOf(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(numbers: Int8Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.length);
}
