import { normalise } from '../vector.ts';
import { lemmaOf } from './lemma.ts';
import { DIMENSIONS, type Lexicon } from './lexicon.ts';
import { type Word, WordTable } from './word-table.ts';
import { isStopWord, wordsOf } from './words.ts';

/**
 * A word used more often than this share of all words counts less than half.
 * Source: Arora, Liang & Ma, "A simple but tough-to-beat baseline for sentence embeddings" (SIF), ICLR 2017.
 */
const SIF_SHARE = 1e-3;

/** What an unknown word weighs against a rare known one: its vector tells spelling, not meaning. */
const UNKNOWN_WEIGHT = 0.5;

/** Numbers and codes are for the exact search; here they are mostly noise. */
const CODE_WEIGHT = 0.25;

/** In any language the short words are the frequent ones (Zipf's law of abbreviation). */
const FULL_WEIGHT_LENGTH = 6;

/**
 * The vector of a text: the mean of its words, rare words weighing more, less what all texts have in common.
 * Unit length; all zeros for a text without words.
 */
export function textVector(lexicon: Lexicon, text: string): Float32Array {
  const vector = normalise(wordSum(lexicon, text).slice());
  const { common } = lexicon;
  let overlap = 0;
  for (let i = 0; i < DIMENSIONS; i++) overlap += vector[i]! * common[i]!;
  for (let i = 0; i < DIMENSIONS; i++) vector[i]! -= overlap * common[i]!;
  return normalise(vector);
}

/** The direction (unit length) along which the vectors of `texts` lie on the whole: their first principal component. */
export function commonDirection(lexicon: Lexicon, texts: readonly string[]): Float32Array {
  const vectors = texts.map((text) => textVector(lexicon, text));
  let direction = new Float32Array(DIMENSIONS).fill(1);
  const POWER_ROUNDS = 30;
  for (let round = 0; round < POWER_ROUNDS; round++) {
    const next = new Float32Array(DIMENSIONS);
    for (const vector of vectors) {
      let overlap = 0;
      for (let i = 0; i < DIMENSIONS; i++) overlap += vector[i]! * direction[i]!;
      for (let i = 0; i < DIMENSIONS; i++) next[i]! += overlap * vector[i]!;
    }
    direction = normalise(next);
  }
  return direction;
}

const tables = new WeakMap<Lexicon, WordTable>();

function tableOf(lexicon: Lexicon): WordTable {
  let table = tables.get(lexicon);
  if (table === undefined) {
    table = new WordTable();
    tables.set(lexicon, table);
  }
  return table;
}

function wordSum(lexicon: Lexicon, text: string): Float32Array {
  const table = tableOf(lexicon);
  table.trim();
  const words = wordsOf(text).map((word) => table.find(word) ?? learn(lexicon, table, word));
  const content = words.filter(({ isStopWord }) => !isStopWord);
  return table.sum(content.length > 0 ? content : words);
}

function learn(lexicon: Lexicon, table: WordTable, word: string): Word {
  const index = lexicon.find(lemmaOf(word, lexicon.senseCount) ?? word);
  let vector: Float32Array;
  if (index === undefined) vector = spellingOf(word);
  else {
    vector = new Float32Array(DIMENSIONS);
    lexicon.addTo(vector, index, SIF_SHARE / (SIF_SHARE + lexicon.uses(index) / lexicon.totalUses));
  }
  return table.put(word, isStopWord(word), vector);
}

/** Lengths of the character n-grams that stand for an unknown word, and how many components each sets. */
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;
const COMPONENTS_PER_GRAM = 8;

/**
 * A vector made of a word's character n-grams, so that words spelt alike are near in every language; its length is what the word weighs.
 * Each n-gram is a sparse signed random projection of itself, its seed its own hash.
 * Sources: Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017; Li, Hastie & Church,
 * "Very sparse random projections", KDD 2006.
 */
function spellingOf(word: string): Float32Array {
  const letters = [...`<${word}>`];
  const spelling = new Float32Array(DIMENSIONS);
  for (let start = 0; start + SHORTEST_GRAM <= letters.length; start++) {
    let gram = FNV_OFFSET;
    for (let length = 1; length <= LONGEST_GRAM && start + length <= letters.length; length++) {
      gram = hashOn(gram, letters[start + length - 1]!);
      if (length < SHORTEST_GRAM) continue;
      let state = gram >>> 0;
      for (let i = 0; i < COMPONENTS_PER_GRAM; i++) {
        state = scramble(state + i);
        spelling[state % DIMENSIONS]! += state & 0x10000 ? 1 : -1;
      }
    }
  }
  normalise(spelling);
  const kind = /\p{N}/u.test(word) ? CODE_WEIGHT : UNKNOWN_WEIGHT;
  const weight = kind * Math.min(1, (letters.length - 2) / FULL_WEIGHT_LENGTH);
  for (let i = 0; i < DIMENSIONS; i++) spelling[i]! *= weight;
  return spelling;
}

const FNV_OFFSET = 0x811c9dc5;

/** FNV-1a, 32 bits, over UTF-16 units: goes on with one more letter. */
function hashOn(state: number, letter: string): number {
  let next = state;
  for (let i = 0; i < letter.length; i++) next = Math.imul(next ^ letter.charCodeAt(i), 0x01000193);
  return next;
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function scramble(value: number): number {
  let state = value;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
