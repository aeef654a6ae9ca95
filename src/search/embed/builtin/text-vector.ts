import { normalise } from '../vector.ts';
import { lemmaOf } from './lemma.ts';
import { DIMENSIONS, type Lexicon } from './lexicon.ts';
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
  const vector = wordSum(lexicon, text);
  normalise(vector);
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

function wordSum(lexicon: Lexicon, text: string): Float32Array {
  const sum = new Float32Array(DIMENSIONS);
  const words = wordsOf(text);
  const content = words.filter((word) => !isStopWord(word));
  for (const word of content.length > 0 ? content : words) {
    const lemma = lemmaOf(word, lexicon.senseCount) ?? word;
    const index = lexicon.find(lemma);
    if (index === undefined) addSpelling(sum, word);
    else lexicon.addTo(sum, index, SIF_SHARE / (SIF_SHARE + lexicon.uses(index) / lexicon.totalUses));
  }
  return sum;
}

/** Lengths of the character n-grams that stand for an unknown word, and how many components each sets. */
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;
const COMPONENTS_PER_GRAM = 8;

/**
 * Adds a vector made of the word's character n-grams, so that words spelt alike are near in every language.
 * Each n-gram is a sparse signed random projection of itself, its seed its own hash.
 * Sources: Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017; Li, Hastie & Church,
 * "Very sparse random projections", KDD 2006.
 */
function addSpelling(target: Float32Array, word: string): void {
  const letters = [...`<${word}>`];
  const spelling = new Float32Array(DIMENSIONS);
  for (let length = SHORTEST_GRAM; length <= LONGEST_GRAM; length++) {
    for (let start = 0; start + length <= letters.length; start++) {
      let state = hash(letters.slice(start, start + length).join(''));
      for (let i = 0; i < COMPONENTS_PER_GRAM; i++) {
        state = scramble(state + i);
        spelling[state % DIMENSIONS]! += state & 0x10000 ? 1 : -1;
      }
    }
  }
  normalise(spelling);
  const kind = /\p{N}/u.test(word) ? CODE_WEIGHT : UNKNOWN_WEIGHT;
  const weight = kind * Math.min(1, (letters.length - 2) / FULL_WEIGHT_LENGTH);
  for (let i = 0; i < DIMENSIONS; i++) target[i]! += weight * spelling[i]!;
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function scramble(value: number): number {
  let state = value;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
