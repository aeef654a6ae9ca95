import { isKey } from '../document.ts';
import type { Embedder } from '../embed/embedder.ts';
import { cosine, product, quantise } from '../embed/vector.ts';
import { fold, original } from '../folding.ts';
import { type Evidence, fuse, LEXICAL_WEIGHT } from '../fuse.ts';
import { passagesOf, sentencesOf, termsOf } from '../meaning.ts';
import { SEARCH_FIELDS, type SearchHit, type SearchMatch, type SearchRequest } from '../search.ts';
import { cut, type FoldedSegment } from '../snippet.ts';
import type { SearchIndex } from './search-index.ts';

/** Runs that are looked at more closely, from each of words and vectors: enough for the deepest page, few enough for a few milliseconds. */
const POOL = 200;

/** Runs whose text is embedded for one search at most, where the embedder is not on this thread: some requests to an endpoint. */
const EMBEDDED_RUNS = 40;

/** Runs whose text is read again and embedded by the built-in embedder, at least, where only some fields are searched: 1 ms for each. */
const COMPARED_RUNS = 100;

/** Sentences of a run that are compared with the question, at most: a long document must not take all the time. */
const SENTENCES_COMPARED = 400;

/**
 * Cosine above which a word of a sentence is named as one that carried the match: `parcel` has 0.53 to `package` and `coat` 0.70 to `garment`,
 * while words that have nothing to do with each other stay below 0.3.
 */
const CARRYING = 0.4;

/** Words of a question that the words of a sentence are compared with, at most. */
const QUERY_WORDS_COMPARED = 32;

/** Words named for a match, at most. */
const WORDS_NAMED = 6;

/** What is asked. */
interface Question {
  /** Its vector and the embedder it is of, whose vectors the index has; absent where words have to do. */
  readonly meaning?: { readonly embedder: Embedder; readonly vector: Float32Array };
  /** Compares sentences and words with the question, to show what carried a match. May be the same embedder. */
  readonly highlighter: Embedder;
}

/** What is looked for, and from which similarity on. */
export interface MeaningSearch extends SearchRequest {
  readonly similarityThreshold: number;
}

/** What was found, before the page is cut. */
export interface MeaningResult {
  readonly hits: readonly SearchHit[];
  readonly total: number;
  readonly totalIsLowerBound: boolean;
}

/**
 * Finds runs by what they mean: the runs with the most telling words of the question and those with the nearest passages are ranked together
 * (`fuse.ts`), and each shows the sentences that are nearest to the question. Without a vector the words rank alone.
 */
export async function searchByMeaning(
  index: SearchIndex,
  question: Question,
  request: MeaningSearch,
): Promise<MeaningResult> {
  const { query } = request;
  const { meaning, highlighter } = question;
  const signs = meaning && quantise(meaning.vector);
  const offset = request.offset ?? 0;
  const wanted = request.limit + offset;
  const pool = Math.max(POOL, 2 * wanted);
  const near = signs ? index.byVector(request, signs, pool) : [];
  const byWords = index.byTerms(request, termsOf(query), pool);
  const meant = new Map(near.map(({ document, similarity }) => [document, similarity]));
  const lexical = new Map(byWords.map(({ document, score }) => [document, score]));

  const fields = new Set(request.searchIn ?? SEARCH_FIELDS);
  const isRestricted = SEARCH_FIELDS.some((field) => field !== 'run_id' && !fields.has(field));
  const unknown = [...lexical.keys()].filter((document) => !meant.has(document));
  if (signs) {
    for (const [document, similarity] of index.similarities(unknown, signs)) meant.set(document, similarity);
  }
  const ids = [...new Set([...meant.keys(), ...lexical.keys()])];
  const lexicalWeight = meaning ? LEXICAL_WEIGHT : 1;
  let evidence: Evidence<number>[] = ids.map((id) => ({
    id,
    lexical: lexical.get(id) ?? 0,
    cosine: meant.get(id) ?? 0,
  }));
  if (isRestricted) {
    // Where only some fields count, what the index knows of the whole run is a first choice only.
    const most = meaning && meaning.embedder !== highlighter ? EMBEDDED_RUNS : Math.max(COMPARED_RUNS, 2 * wanted);
    const chosen = fuse(evidence, lexicalWeight).slice(0, most);
    evidence = await compare(
      index,
      question,
      request,
      chosen.map(({ id }) => id),
      fields,
    );
  }
  const ranked = fuse(evidence, lexicalWeight).filter(
    ({ similarity }) => similarity > 0 && similarity >= request.similarityThreshold,
  );
  const page = ranked.slice(offset, offset + request.limit);
  const runs = index.runsOf(page.map(({ id }) => id));
  const texts = new Map(
    index.segments(request.workspaceId, [...runs.values()]).map((run) => [run.runId, run.segments]),
  );
  const asked = await askedWords(highlighter, query);
  const hits: SearchHit[] = [];
  for (const { id, similarity } of page) {
    const runId = runs.get(id);
    // Changed or deleted since it was ranked.
    if (runId === undefined) continue;
    const segments = (texts.get(runId) ?? []).filter((segment) => fields.has(segment.field));
    hits.push({ runId, similarity, matches: await bestSentences(highlighter, asked, segments, request) });
  }
  return {
    hits,
    total: ranked.length,
    totalIsLowerBound: near.length >= pool || byWords.length >= pool || evidence.length < ids.length,
  };
}

/** How near the passages of some documents are, and which of the words they have, in the fields that count. */
async function compare(
  index: SearchIndex,
  { meaning }: Question,
  request: SearchRequest,
  documents: readonly number[],
  fields: ReadonlySet<string>,
): Promise<Evidence<number>[]> {
  const wanted = termsOf(request.query);
  const documentOf = new Map(Array.from(index.runsOf(documents), ([document, runId]) => [runId, document]));
  const runs = index.segments(request.workspaceId, [...documentOf.keys()]).map(({ runId, segments }) => {
    const texts = segments
      .filter((segment) => fields.has(segment.field) && segment.field !== 'run_id')
      .map((segment) => ({ ...segment, field: segment.field as 'input', text: original(segment.folded) }));
    return { document: documentOf.get(runId)!, texts, passages: meaning ? passagesOf(texts) : [] };
  });
  const passages = runs.flatMap((run) => run.passages);
  const vectors = meaning ? await meaning.embedder.embed(passages, 'document') : [];
  let next = 0;
  return runs.map(({ document, texts, passages: { length } }) => {
    const own = vectors.slice(next, next + length);
    next += length;
    const has = new Set(texts.flatMap((segment) => termsOf(segment.text)));
    return {
      id: document,
      cosine: meaning ? Math.max(0, ...own.map((passage) => cosine(meaning.vector, quantise(passage)))) : 0,
      lexical: wanted.length === 0 ? 0 : wanted.filter((term) => has.has(term)).length / wanted.length,
    };
  });
}

/** What is asked: as a whole, and word by word. */
interface Asked {
  readonly vector: Float32Array;
  readonly terms: ReadonlySet<string>;
  readonly words: readonly Float32Array[];
}

async function askedWords(highlighter: Embedder, query: string): Promise<Asked> {
  const asked = tellingWords(query).slice(0, QUERY_WORDS_COMPARED);
  const [vector, ...words] = await highlighter.embed([query, ...asked], 'query');
  return { vector: vector!, terms: new Set(termsOf(query)), words };
}

interface Candidate {
  readonly segment: FoldedSegment;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The sentences nearest to the question, each with the words that carried it; texts that a run repeats are shown once. */
async function bestSentences(
  highlighter: Embedder,
  asked: Asked,
  segments: readonly FoldedSegment[],
  request: SearchRequest,
): Promise<SearchMatch[]> {
  if (request.maxMatchesPerRun === 0) return [];
  const candidates: Candidate[] = [];
  const seen = new Set<string>();
  for (const segment of segments) {
    if (candidates.length >= SENTENCES_COMPARED) break;
    const text = original(segment.folded);
    // What goes through the nodes of a run is the same text again and again.
    if (seen.has(text) || isKey({ path: segment.path, text })) continue;
    seen.add(text);
    for (const { start, end } of sentencesOf(text)) {
      const sentence = text.slice(start, end);
      if (candidates.length >= SENTENCES_COMPARED) break;
      if (sentence !== text && seen.has(sentence)) continue;
      seen.add(sentence);
      candidates.push({ segment, text: sentence, start, end });
    }
  }
  const vectors = await highlighter.embed(
    candidates.map((candidate) => candidate.text),
    'document',
  );
  const best = candidates
    .map((candidate, place) => ({ candidate, near: product(asked.vector, vectors[place]!) }))
    .sort((a, b) => b.near - a.near)
    .filter(({ near }) => near > 0)
    .slice(0, request.maxMatchesPerRun);
  const matches: SearchMatch[] = [];
  for (const { candidate } of best) {
    const [match] = cut(candidate.segment, [candidate], request.contextSize);
    if (!match) continue;
    const words = await carryingWords(highlighter, asked, candidate.text);
    matches.push(words.length === 0 ? match : { ...match, words: words.join(', ') });
  }
  return matches;
}

/** The words of a sentence that are in the question, or near to it or to one of its words. */
async function carryingWords(highlighter: Embedder, asked: Asked, sentence: string): Promise<string[]> {
  const words = tellingWords(sentence);
  const vectors = await highlighter.embed(words, 'document');
  return words
    .map((word, place) => ({
      word,
      near: termsOf(word).some((term) => asked.terms.has(term))
        ? 1
        : Math.max(...[asked.vector, ...asked.words].map((vector) => product(vector, vectors[place]!))),
    }))
    .filter(({ near }) => near >= CARRYING)
    .sort((a, b) => b.near - a.near)
    .slice(0, WORDS_NAMED)
    .map(({ word }) => word);
}

/** The different words of a text, in lower case, without those that tell nothing. */
function tellingWords(text: string): string[] {
  const words = new Set(fold(text).match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*/gu) ?? []);
  return [...words].filter((word) => termsOf(word).length > 0);
}
