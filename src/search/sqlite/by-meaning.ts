import { isKey } from '../document.ts';
import type { Embedder } from '../embed/embedder.ts';
import { cosine, quantise } from '../embed/vector.ts';
import { fold, original } from '../folding.ts';
import { type Evidence, fuse } from '../fuse.ts';
import { passagesOf, sentencesOf, termsOf } from '../meaning.ts';
import { SEARCH_FIELDS, type SearchHit, type SearchMatch, type SearchRequest } from '../search.ts';
import { cut, type FoldedSegment } from '../snippet.ts';
import type { SearchIndex } from './search-index.ts';

/** Runs that are looked at more closely, from each of words and vectors: enough for the deepest page, few enough for a few milliseconds. */
const POOL = 200;

/** Runs whose text is read again, at least, where only some fields are searched: 1 ms for each. */
const COMPARED = 100;

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

/** What was found, before the page is cut. */
export interface MeaningResult {
  readonly hits: readonly SearchHit[];
  readonly total: number;
  readonly totalIsLowerBound: boolean;
}

/**
 * Finds runs by what they mean: the runs with the most telling words of the question and those with the nearest passages are ranked together
 * (`fuse.ts`), and each shows the sentences that are nearest to the question.
 */
export async function searchByMeaning(
  index: SearchIndex,
  embedder: Embedder,
  request: SearchRequest & { readonly similarityThreshold: number },
): Promise<MeaningResult> {
  const { query } = request;
  const [vector] = await embedder.embed([query], 'query');
  if (!vector) return { hits: [], total: 0, totalIsLowerBound: false };
  const offset = request.offset ?? 0;
  const pool = Math.max(POOL, 2 * (request.limit + offset));
  const near = index.byVector(request, quantise(vector), pool);
  const byWords = index.byTerms(request, termsOf(query), pool);
  const meant = new Map<string, number>();
  for (const { runId, similarity } of near) meant.set(runId, Math.max(similarity, meant.get(runId) ?? -1));
  const lexical = new Map(byWords.map(({ runId, score }) => [runId, score]));

  const fields = new Set(request.searchIn ?? SEARCH_FIELDS);
  const isRestricted = SEARCH_FIELDS.some((field) => field !== 'run_id' && !fields.has(field));
  const unknown = [...lexical.keys()].filter((runId) => !meant.has(runId));
  const similarities = index.similarities(request.workspaceId, unknown, quantise(vector));
  for (const [runId, similarity] of similarities) meant.set(runId, similarity);
  let evidence: Evidence<string>[] = [...new Set([...meant.keys(), ...lexical.keys()])].map((id) => ({
    id,
    lexical: lexical.get(id) ?? 0,
    cosine: meant.get(id) ?? 0,
  }));
  let isComplete = near.length < pool && byWords.length < pool;
  if (isRestricted) {
    // What the index knows of the whole run is a first choice only.
    const chosen = fuse(evidence).slice(0, Math.max(COMPARED, 2 * (request.limit + offset)));
    isComplete &&= chosen.length === evidence.length;
    const runIds = chosen.map(({ id }) => id);
    evidence = await compare(index, embedder, request, vector, runIds, fields);
  }
  const ranked = fuse(evidence).filter(({ similarity }) => similarity > 0 && similarity >= request.similarityThreshold);
  const page = ranked.slice(offset, offset + request.limit);
  const texts = new Map(
    index
      .segments(
        request.workspaceId,
        page.map(({ id }) => id),
      )
      .map((run) => [run.runId, run.segments]),
  );
  const asked = await askedWords(embedder, query, vector);
  const hits: SearchHit[] = [];
  for (const { id, similarity } of page) {
    const segments = (texts.get(id) ?? []).filter((segment) => fields.has(segment.field));
    hits.push({ runId: id, similarity, matches: await bestSentences(embedder, asked, segments, request) });
  }
  return { hits, total: ranked.length, totalIsLowerBound: !isComplete };
}

/** How near the passages of some runs are, and which of the words they have, in the fields that count. */
async function compare(
  index: SearchIndex,
  embedder: Embedder,
  request: SearchRequest,
  vector: Float32Array,
  runIds: readonly string[],
  fields: ReadonlySet<string>,
): Promise<Evidence<string>[]> {
  const wanted = termsOf(request.query);
  const found = [];
  for (const { runId, segments } of index.segments(request.workspaceId, runIds)) {
    const texts = segments
      .filter((segment) => fields.has(segment.field) && segment.field !== 'run_id')
      .map((segment) => ({ ...segment, field: segment.field as 'input', text: original(segment.folded) }));
    const passages = passagesOf(texts);
    const vectors = await embedder.embed(
      passages.map((passage) => passage.text),
      'document',
    );
    const has = new Set(texts.flatMap((segment) => termsOf(segment.text)));
    found.push({
      id: runId,
      cosine: Math.max(0, ...vectors.map((passage) => cosine(vector, quantise(passage)))),
      lexical: wanted.length === 0 ? 0 : wanted.filter((term) => has.has(term)).length / wanted.length,
    });
  }
  return found;
}

/** What is asked: as a whole, and word by word. */
interface Asked {
  readonly vector: Float32Array;
  readonly terms: ReadonlySet<string>;
  readonly words: readonly Float32Array[];
}

async function askedWords(embedder: Embedder, query: string, vector: Float32Array): Promise<Asked> {
  const words = tellingWords(query).slice(0, QUERY_WORDS_COMPARED);
  return { vector, terms: new Set(termsOf(query)), words: await embedder.embed(words, 'query') };
}

interface Candidate {
  readonly segment: FoldedSegment;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The sentences nearest to the question, each with the words that carried it; texts that a run repeats are shown once. */
async function bestSentences(
  embedder: Embedder,
  asked: Asked,
  segments: readonly FoldedSegment[],
  request: SearchRequest,
): Promise<SearchMatch[]> {
  if (request.maxMatchesPerRun === 0) return [];
  const candidates: Candidate[] = [];
  const seen = new Set<string>();
  for (const segment of segments) {
    const text = original(segment.folded);
    if (isKey({ path: segment.path, text })) continue;
    for (const { start, end } of sentencesOf(text)) {
      const sentence = text.slice(start, end);
      if (candidates.length >= SENTENCES_COMPARED || seen.has(sentence)) continue;
      seen.add(sentence);
      candidates.push({ segment, text: sentence, start, end });
    }
  }
  const vectors = await embedder.embed(
    candidates.map((candidate) => candidate.text),
    'document',
  );
  const best = candidates
    .map((candidate, place) => ({ candidate, near: cosine(asked.vector, quantise(vectors[place]!)) }))
    .sort((a, b) => b.near - a.near)
    .filter(({ near }) => near > 0)
    .slice(0, request.maxMatchesPerRun);
  const matches: SearchMatch[] = [];
  for (const { candidate } of best) {
    const [match] = cut(candidate.segment, [candidate], request.contextSize);
    if (!match) continue;
    const words = await carryingWords(embedder, asked, candidate.text);
    matches.push(words.length === 0 ? match : { ...match, words: words.join(', ') });
  }
  return matches;
}

/** The words of a sentence that are in the question, or near to it or to one of its words. */
async function carryingWords(embedder: Embedder, asked: Asked, sentence: string): Promise<string[]> {
  const words = tellingWords(sentence);
  const vectors = (await embedder.embed(words, 'document')).map(quantise);
  return words
    .map((word, place) => ({
      word,
      near: termsOf(word).some((term) => asked.terms.has(term))
        ? 1
        : Math.max(...[asked.vector, ...asked.words].map((vector) => cosine(vector, vectors[place]!))),
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
