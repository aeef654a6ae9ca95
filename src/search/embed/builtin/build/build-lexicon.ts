/**
 * Builds `lexicon.bin`, the word vectors of the built-in embedder, from WordNet and our glossary.
 *
 * Run it with `node src/search/embed/builtin/build/build-lexicon.ts` after a change to the glossary or to the method
 * (two to four minutes, 2 GB). The file it writes is committed, so neither users nor the build need WordNet itself.
 *
 * A word's context is what a short walk over WordNet meets: its senses by how often they are used, the concepts one
 * and two relations away, the words of their glosses, and the concepts whose gloss speaks of the word. Mutual
 * information of word and context, brought down to 256 dimensions by a singular value decomposition, is the vector.
 * `docs/search-embedder.md` compares this with the designs it beat.
 */
import { writeFileSync } from 'node:fs';
import { DIMENSIONS, decodeLexicon, encodeLexicon, LEXICON_FILE, type LexiconWord } from '../lexicon.ts';
import { commonDirection } from '../text-vector.ts';
import { buildMatrix, positiveMutualInformation, type SparseMatrix, singularRows, transpose } from './sparse.ts';
import { contentLemmas, type Dictionary, readDictionary } from './wordnet.ts';

/** How near each relation of WordNet brings two concepts (symbols of wninput(5WN)). */
const RELATION_WEIGHTS: Readonly<Record<string, number>> = {
  '@': 1,
  '@i': 1,
  '~': 0.3,
  '~i': 0.3,
  '+': 0.8,
  '&': 0.8,
  '^': 0.5,
  $: 0.6,
  '*': 0.6,
  '>': 0.6,
  '=': 0.8,
  '\\': 0.9,
  '<': 0.8,
  '!': 0.4,
  '#m': 0.4,
  '#s': 0.4,
  '#p': 0.5,
  '%m': 0.4,
  '%s': 0.4,
  '%p': 0.5,
  ';c': 0.5,
  '-c': 0.15,
  ';r': 0.1,
  '-r': 0.05,
  ';u': 0.05,
  '-u': 0.02,
};

/** Share of the walk that reaches one and two relations away, and how many concepts two away are kept. */
const ONE_STEP = 0.6;
const TWO_STEPS = 0.36;
const TWO_STEP_LIMIT = 60;

/** An example sentence says less of a concept than its definition. */
const EXAMPLE_WEIGHT = 0.5;
const MOST_MENTIONS = 1.5;
const LEMMA_WEIGHT = 0.5;

/** How many contexts of each kind are kept. Half as many cost 0.05 nDCG; twice as many gained nothing. */
const GLOSS_CONTEXTS = 150;
const MENTION_LIMIT = 100;
const WORD_CONTEXTS = 300;

const CONTEXT_SMOOTHING = 0.75;
const LEAST_WORDS_PER_CONTEXT = 4;
const LEAST_MENTIONS = 2;
const SEED = 1;
const SAMPLE_STRIDE = 29;

const dictionary = readDictionary();
const { concepts, senses, senseCount } = dictionary;
const texts = concepts.map(({ gloss }) => {
  const examples = gloss.indexOf('; "');
  const [definition, rest] = examples < 0 ? [gloss, ''] : [gloss.slice(0, examples), gloss.slice(examples)];
  return { definition: contentLemmas(definition, senseCount), examples: contentLemmas(rest, senseCount) };
});

const mentions = new Map<string, number>();
const conceptsMentioning = new Map<string, number>();
for (const { definition, examples } of texts) {
  for (const word of [...definition, ...examples]) mentions.set(word, (mentions.get(word) ?? 0) + 1);
  for (const word of new Set([...definition, ...examples])) {
    conceptsMentioning.set(word, (conceptsMentioning.get(word) ?? 0) + 1);
  }
}

/** Every word a context may be: all lemmas and what glosses mention more than once. */
const contextWords = [
  ...new Set([...senses.keys(), ...[...mentions].filter(([, count]) => count >= LEAST_MENTIONS).map(([word]) => word)]),
].sort();
const wordIndex = new Map(contextWords.map((word, index) => [word, index]));

/** The words that get a vector: single words that people use. The rest of WordNet is mostly Latin names of species. */
const rowWords = contextWords.filter(
  (word) =>
    !word.includes('_') &&
    ((mentions.get(word) ?? 0) >= LEAST_MENTIONS || (senseCount(word) ?? 0) >= 1) &&
    (!/^\d+$/.test(word) || senses.has(word)),
);

function conceptRelations(): SparseMatrix {
  return buildMatrix(
    concepts.length,
    concepts.length,
    (sum, row) => {
      for (const { symbol, target } of concepts[row]!.pointers) sum.add(target, RELATION_WEIGHTS[symbol] ?? 0.2);
    },
    { normalised: true },
  );
}

function glossWords(): SparseMatrix {
  return buildMatrix(concepts.length, contextWords.length, (sum, row) => {
    const counts = new Map<string, number>();
    const { definition, examples } = texts[row]!;
    for (const word of definition) counts.set(word, (counts.get(word) ?? 0) + 1);
    for (const word of examples) counts.set(word, (counts.get(word) ?? 0) + EXAMPLE_WEIGHT);
    for (const [word, count] of counts) {
      const index = wordIndex.get(word);
      const rarity = Math.log(concepts.length / conceptsMentioning.get(word)!);
      if (index !== undefined) sum.add(index, Math.min(count, MOST_MENTIONS) * rarity);
    }
  });
}

/** The same matrix with every row summing to 1. */
function normalised(matrix: SparseMatrix): SparseMatrix {
  return buildMatrix(matrix.rows, matrix.width, (sum, row) => sum.addRow(matrix, row), { normalised: true });
}

/** Word by context: columns are first all concepts, then all context words. */
function wordContexts(): SparseMatrix {
  const width = concepts.length + contextWords.length;
  const relations = conceptRelations();
  const glosses = glossWords();
  const mentioned = transpose(glosses);
  const definitions = normalised(glosses);

  const twoSteps = buildMatrix(
    concepts.length,
    concepts.length,
    (sum, row) => {
      for (let k = relations.starts[row]!; k < relations.starts[row + 1]!; k++) {
        sum.addRow(relations, relations.columns[k]!, relations.values[k]);
      }
    },
    { limit: TWO_STEP_LIMIT },
  );
  const near = buildMatrix(concepts.length, concepts.length, (sum, row) => {
    sum.add(row, 1);
    sum.addRow(relations, row, ONE_STEP);
    sum.addRow(twoSteps, row, TWO_STEPS);
  });
  const wordsOfConcept = buildMatrix(concepts.length, contextWords.length, (sum, row) => {
    sum.addRow(definitions, row);
    const { lemmas } = concepts[row]!;
    for (const lemma of lemmas) sum.add(wordIndex.get(lemma)!, LEMMA_WEIGHT / lemmas.length);
  });
  const wordsAround = (source: SparseMatrix) =>
    buildMatrix(
      source.rows,
      contextWords.length,
      (sum, row) => {
        for (let k = source.starts[row]!; k < source.starts[row + 1]!; k++) {
          sum.addRow(wordsOfConcept, source.columns[k]!, source.values[k]);
        }
      },
      { limit: GLOSS_CONTEXTS },
    );
  const wordsNear = wordsAround(near);
  const mentioning = buildMatrix(
    rowWords.length,
    concepts.length,
    (sum, row) => {
      const word = wordIndex.get(rowWords[row]!)!;
      let total = 0;
      for (let k = mentioned.starts[word]!; k < mentioned.starts[word + 1]!; k++) total += mentioned.values[k]!;
      if (total > 0) sum.addRow(mentioned, word, 1 / total);
    },
    { limit: MENTION_LIMIT },
  );
  const wordsMentioning = wordsAround(mentioning);

  return buildMatrix(
    rowWords.length,
    width,
    (sum, row) => {
      for (const [concept, share] of senseShares(dictionary, rowWords[row]!)) {
        sum.addRow(near, concept, share);
        sum.addRow(wordsNear, concept, share, concepts.length);
      }
      sum.addRow(mentioning, row);
      sum.addRow(wordsMentioning, row, 1, concepts.length);
    },
    { limit: WORD_CONTEXTS },
  );
}

/** The concepts of a word with the share of its uses that mean each. */
function senseShares({ senses }: Dictionary, word: string): [number, number][] {
  const list = senses.get(word) ?? [];
  const weights = list.map(({ count, rank }) => count + 0.5 / rank);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return list.map(({ concept }, i) => [concept, weights[i]! / total]);
}

const vectors = singularRows(
  positiveMutualInformation(wordContexts(), CONTEXT_SMOOTHING, LEAST_WORDS_PER_CONTEXT),
  DIMENSIONS,
  SEED,
);
const words: LexiconWord[] = rowWords.map((word, row) => ({
  word,
  senseCount: senses.has(word) ? (senseCount(word) ?? 0) : undefined,
  uses: (mentions.get(word) ?? 0) + (senseCount(word) ?? 0),
  vector: vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS),
}));
const totalUses =
  [...mentions.values()].reduce((sum, count) => sum + count, 0) +
  [...senses.keys()].reduce((sum, lemma) => sum + (senseCount(lemma) ?? 0), 0);
const sample = concepts.filter((_, i) => i % SAMPLE_STRIDE === 0).map(({ gloss }) => gloss);
const undirected = encodeLexicon(words, totalUses, new Float32Array(DIMENSIONS));
writeFileSync(LEXICON_FILE, encodeLexicon(words, totalUses, commonDirection(decodeLexicon(undirected), sample)));
