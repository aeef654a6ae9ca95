import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Length of every vector of the built-in embedder. Measured: 128 loses 0.03 nDCG@10, 320 gains nothing. */
export const DIMENSIONS = 256;

/** The committed file that `build/build-lexicon.ts` writes. */
export const LEXICON_FILE = join(import.meta.dirname, 'lexicon.bin');

/** A word as the builder hands it over. */
export interface LexiconWord {
  readonly word: string;
  /** Uses in sense-tagged text; undefined when WordNet has the word in its glosses only. */
  readonly senseCount: number | undefined;
  /** Uses in sense-tagged text and in glosses: what the word's weight in a text comes from. */
  readonly uses: number;
  /** Any length; only the direction is kept. */
  readonly vector: Float32Array;
}

/** Words and their vectors, read-only. */
export interface Lexicon {
  /** Uses of all words together. */
  readonly totalUses: number;
  /** The direction that texts have in common whatever they are about; all zeros when not known. */
  readonly common: Float32Array;
  find(word: string): number | undefined;
  senseCount(word: string): number | undefined;
  uses(index: number): number;
  /** Adds `factor` times the word's vector, brought to unit length, to `target`. */
  addTo(target: Float32Array, index: number, factor: number): void;
}

/*
 * The file: a line of JSON ({@link Header}), padded with spaces to a multiple of four bytes, then in little-endian order
 * the uses (uint32), the sense counts (int32, -1 for none), the common direction (float32), the vectors (int8, each
 * scaled so that its largest component is 127) and the words (UTF-8, one a line).
 */
interface Header {
  readonly words: number;
  readonly dimensions: number;
  readonly totalUses: number;
}

const LARGEST_BYTE = 127;

/** Writes a lexicon in the form that {@link decodeLexicon} reads. */
export function encodeLexicon(words: readonly LexiconWord[], totalUses: number, common: Float32Array): Uint8Array {
  const header: Header = { words: words.length, dimensions: DIMENSIONS, totalUses };
  const line = JSON.stringify(header);
  const vectors = new Int8Array(words.length * DIMENSIONS);
  for (const [index, { vector }] of words.entries()) {
    const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of vector.entries()) {
      vectors[index * DIMENSIONS + i] = Math.round((value / largest) * LARGEST_BYTE);
    }
  }
  return Buffer.concat([
    Buffer.from(`${line.padEnd(Math.ceil((line.length + 1) / 4) * 4 - 1)}\n`),
    Buffer.from(Uint32Array.from(words, ({ uses }) => uses).buffer),
    Buffer.from(Int32Array.from(words, ({ senseCount }) => senseCount ?? -1).buffer),
    Buffer.from(common.slice().buffer),
    Buffer.from(vectors.buffer),
    Buffer.from(words.map(({ word }) => word).join('\n')),
  ]);
}

/**
 * Reads the committed lexicon: some 8 MB from disk, some 20 ms.
 * @throws when the file is missing or was written for another number of dimensions.
 */
export function readLexicon(file = LEXICON_FILE): Lexicon {
  return decodeLexicon(readFileSync(file));
}

/** Reads what {@link encodeLexicon} wrote. */
export function decodeLexicon(file: Uint8Array): Lexicon {
  // A copy of its own: typed arrays need an aligned start, which a pooled Buffer does not promise.
  const bytes = new Uint8Array(file);
  const headerEnd = bytes.indexOf(0x0a) + 1;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, headerEnd))) as Header;
  if (header.dimensions !== DIMENSIONS) {
    throw new Error(
      `The lexicon has ${header.dimensions} dimensions, this version reads ${DIMENSIONS}: run build-lexicon.ts again.`,
    );
  }
  const { words: count, totalUses } = header;
  let offset = headerEnd;
  const section = (length: number) => {
    const start = offset;
    offset += length;
    return start;
  };
  const uses = new Uint32Array(bytes.buffer, section(4 * count), count);
  const senseCounts = new Int32Array(bytes.buffer, section(4 * count), count);
  const common = new Float32Array(bytes.buffer, section(4 * DIMENSIONS), DIMENSIONS);
  const vectors = new Int8Array(bytes.buffer, section(count * DIMENSIONS), count * DIMENSIONS);
  const words = new TextDecoder().decode(bytes.subarray(offset)).split('\n');
  const indexOf = new Map(words.map((word, index) => [word, index]));

  return {
    totalUses,
    common,
    find: (word) => indexOf.get(word),
    senseCount(word) {
      const index = indexOf.get(word);
      const senses = index === undefined ? -1 : senseCounts[index]!;
      return senses < 0 ? undefined : senses;
    },
    uses: (index) => uses[index]!,
    addTo(target, index, factor) {
      const start = index * DIMENSIONS;
      let squares = 0;
      for (let i = start; i < start + DIMENSIONS; i++) squares += vectors[i]! ** 2;
      const scale = factor / Math.sqrt(squares);
      for (let i = 0; i < DIMENSIONS; i++) target[i]! += scale * vectors[start + i]!;
    },
  };
}
