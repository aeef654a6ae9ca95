import { WASM_PAGE, wasmFunction } from '../../web-assembly.ts';
import { quantise } from '../vector.ts';
import { DIMENSIONS } from './lexicon.ts';

/** What a word adds to a text that it is in. */
export interface Word {
  readonly isStopWord: boolean;
  /** Where its vector is in the table, and what to multiply it by. */
  readonly at: number;
  readonly scale: number;
}

/** Words that are remembered from one text to the next, some 400 bytes each. */
const WORDS_KEPT = 32_768;

/** Words that are summed up by one call. */
const LIST_LENGTH = 1024;
const LIST_AT = DIMENSIONS * Float32Array.BYTES_PER_ELEMENT;
const VECTORS_AT = LIST_AT + LIST_LENGTH * 8;

/**
 * Adds int8 vectors of 256 dimensions, times a number each, to a vector of float32. WebAssembly, as JavaScript has no way to compute with
 * four numbers at once: a word takes 0.05 µs instead of 0.5. In its text form:
 *
 *     (module
 *       (import "e" "m" (memory 1))
 *       (func (export "a") (param $list i32) (param $end i32) (param $out i32)
 *         (local $v i32) (local $o i32) (local $stop i32) (local $scale v128) (local $half v128)
 *         (block $done (loop $next
 *           (br_if $done (i32.ge_u (local.get $list) (local.get $end)))
 *           (local.set $v (i32.load (local.get $list)))
 *           (local.set $scale (v128.load32_splat offset=4 (local.get $list)))
 *           (local.set $stop (i32.add (local.get $v) (i32.const 256)))
 *           (local.set $o (local.get $out))
 *           (loop $block
 *             (local.set $half (v128.load8x8_s (local.get $v)))
 *             (v128.store (local.get $o) (f32x4.add (v128.load (local.get $o))
 *               (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $half))))))
 *             (v128.store offset=16 (local.get $o) (f32x4.add (v128.load offset=16 (local.get $o))
 *               (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $half))))))
 *             (local.set $o (i32.add (local.get $o) (i32.const 32)))
 *             (br_if $block (i32.lt_u (local.tee $v (i32.add (local.get $v) (i32.const 8))) (local.get $stop))))
 *           (local.set $list (i32.add (local.get $list) (i32.const 8)))
 *           (br $next)))))
 */
const WEIGHTED_SUM = Buffer.from(
  'AGFzbQEAAAABBwFgA39/fwACCAEBZQFtAgABAwIBAAcFAQFhAAAKkAEBjQECA38CewJAA0AgACABTw0BIAAoAgAhAyAA/QkCBCEGIANBgAJqIQUgAiEEA0AgA/0B' +
    'AwAhByAEIAT9AAQAIAYgB/2nAf36Af3mAf3kAf0LBAAgBCAE/QAEECAGIAf9qAH9+gH95gH95AH9CwQQIARBIGohBCADQQhqIgMgBUkNAAsgAEEIaiEADAALCws=',
  'base64',
);

/**
 * Words with their vectors, remembered as they come, where they can be summed up fast. In its memory: the sum, the list of what to add
 * (place and factor of each word), and the vectors.
 */
export class WordTable {
  readonly #wasm = wasmFunction(WEIGHTED_SUM, 'a');
  readonly #words = new Map<string, Word>();
  #sum = new Float32Array(this.#wasm.memory.buffer, 0, DIMENSIONS);
  #places = new Int32Array(this.#wasm.memory.buffer, LIST_AT, LIST_LENGTH * 2);
  #factors = new Float32Array(this.#wasm.memory.buffer, LIST_AT, LIST_LENGTH * 2);

  find(text: string): Word | undefined {
    return this.#words.get(text);
  }

  /** Forgets all words if there are too many. Words found before must not be summed up any more: to be done between two texts. */
  trim(): void {
    if (this.#words.size > WORDS_KEPT) this.#words.clear();
  }

  /** @param vector what the word adds to a text */
  put(text: string, isStopWord: boolean, vector: Float32Array): Word {
    const at = VECTORS_AT + this.#words.size * DIMENSIONS;
    this.#makeRoom(at + DIMENSIONS);
    const bytes = new Int8Array(this.#wasm.memory.buffer, at, DIMENSIONS);
    bytes.set(quantise(vector));
    const length = lengthOf(bytes);
    const word = { isStopWord, at, scale: length === 0 ? 0 : lengthOf(vector) / length };
    this.#words.set(text, word);
    return word;
  }

  /** The sum of what some words add. The answer is overwritten by the next call. */
  sum(words: readonly Word[]): Float32Array {
    this.#sum.fill(0);
    for (let start = 0; start < words.length; start += LIST_LENGTH) {
      const count = Math.min(LIST_LENGTH, words.length - start);
      for (let place = 0; place < count; place++) {
        const { at, scale } = words[start + place]!;
        this.#places[2 * place] = at;
        this.#factors[2 * place + 1] = scale;
      }
      this.#wasm.call(LIST_AT, LIST_AT + count * 8, 0);
    }
    return this.#sum;
  }

  #makeRoom(bytes: number): void {
    const { memory } = this.#wasm;
    if (bytes <= memory.buffer.byteLength) return;
    memory.grow(Math.max(1, Math.floor(memory.buffer.byteLength / WASM_PAGE / 2)));
    this.#sum = new Float32Array(memory.buffer, 0, DIMENSIONS);
    this.#places = new Int32Array(memory.buffer, LIST_AT, LIST_LENGTH * 2);
    this.#factors = new Float32Array(memory.buffer, LIST_AT, LIST_LENGTH * 2);
  }
}

function lengthOf(vector: Int8Array | Float32Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
