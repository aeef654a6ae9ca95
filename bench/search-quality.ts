/**
 * How well the right run is found: `npm run bench -- search-quality`.
 *
 * Prints nDCG@10 and recall@10 of words alone (BM25), meaning alone (vectors) and both (hybrid), by kind of query, for the
 * built-in embedder and for those configured by the environment:
 *   MILLRUN_BENCH_OPENAI=http://127.0.0.1:11434/v1 MILLRUN_BENCH_OPENAI_MODEL=…
 *   MILLRUN_BENCH_OPENAI_KEY=… MILLRUN_BENCH_OPENAI_DIMENSIONS=…   (when the endpoint wants one, and the model can shorten its vectors)
 *   MILLRUN_BENCH_LOCAL=<models directory> MILLRUN_BENCH_LOCAL_MODEL=…
 */
import { openBuiltinEmbedder } from '../src/search/embed/builtin/builtin.ts';
import type { Embedder } from '../src/search/embed/embedder.ts';
import { openLocalEmbedder } from '../src/search/embed/local.ts';
import { openOpenAiEmbedder } from '../src/search/embed/openai.ts';
import { cosine, quantise } from '../src/search/embed/vector.ts';
import { type Evidence, fuse, fuseRanks } from '../src/search/fuse.ts';
import { type Collection, readCollection, withLongTexts } from './search-quality/collection.ts';
import { compareDesigns } from './search-quality/designs.ts';
import { measure, type Ranking } from './search-quality/measure.ts';
import { indexWords } from './search-quality/word-index.ts';

const SHORT = [readCollection('search-eval', '../search-eval'), readCollection('cross-check', 'cross-check')];

const COLLECTIONS = [...SHORT, withLongTexts('some texts long', SHORT.at(-1)!)];

const { env } = process;

async function embedders(): Promise<Embedder[]> {
  const opened = [openBuiltinEmbedder()];
  const { MILLRUN_BENCH_OPENAI: baseUrl, MILLRUN_BENCH_LOCAL: modelsDirectory } = env;
  if (baseUrl !== undefined) {
    const { MILLRUN_BENCH_OPENAI_KEY: apiKey, MILLRUN_BENCH_OPENAI_DIMENSIONS: dimensions } = env;
    opened.push(
      await openOpenAiEmbedder({
        baseUrl,
        model: env['MILLRUN_BENCH_OPENAI_MODEL'] ?? 'text-embedding-3-small',
        ...(dimensions === undefined ? {} : { dimensions: Number(dimensions), shorten: true }),
        ...(apiKey === undefined ? {} : { apiKey }),
      }),
    );
  }
  if (modelsDirectory !== undefined) {
    const model = env['MILLRUN_BENCH_LOCAL_MODEL'] ?? 'Xenova/all-MiniLM-L6-v2';
    opened.push(await openLocalEmbedder({ modelsDirectory, model }));
  }
  return opened;
}

/** What words and meaning say of one document; `bm25` is as the index gave it. */
interface Judged extends Evidence<string> {
  readonly bm25: number;
}

/** Judges every document of a collection for a query. */
async function judgeOf(collection: Collection, embedder: Embedder): Promise<(query: string) => Promise<Judged[]>> {
  const words = indexWords(collection);
  const ids = collection.documents.map(({ id }) => id);
  const vectors = await embedder.embed(
    collection.documents.map(({ text }) => text),
    'document',
  );
  const stored = vectors.map(quantise);
  return async (query) => {
    const [vector] = await embedder.embed([query], 'query');
    const matches = words.search(query);
    return ids.map((id, i) => {
      const { bm25, share } = matches.get(id) ?? { bm25: 0, share: 0 };
      return { id, bm25, lexical: share, cosine: cosine(vector!, stored[i]!) };
    });
  };
}

function byWords(judged: readonly Judged[]): string[] {
  const matching = judged.filter(({ bm25 }) => bm25 > 0);
  return matching.sort((a, b) => b.bm25 - a.bm25).map(({ id }) => id);
}

function byMeaning(judged: readonly Judged[]): string[] {
  return fuse(judged, 0).map(({ id }) => id);
}

function byRanks(judged: readonly Judged[], weight: number): string[] {
  return fuseRanks([
    { ids: byWords(judged), weight: 1 },
    { ids: byMeaning(judged), weight },
  ]).map(({ id }) => id);
}

const WAYS: Readonly<Record<string, (judged: readonly Judged[]) => string[]>> = {
  'words (BM25)': byWords,
  'meaning (vectors)': byMeaning,
  'reciprocal ranks, 1:1': (judged) => byRanks(judged, 1),
  'reciprocal ranks, 1:3': (judged) => byRanks(judged, 3),
  hybrid: (judged) => fuse(judged).map(({ id }) => id),
};

/** `npm run bench -- search-quality` for the product's search, `… search-quality designs` for the designs it was chosen from. */
export async function bench([what]: readonly string[]): Promise<void> {
  if (what === 'designs') return compareDesigns();
  for (const embedder of await embedders()) {
    const rows: Record<string, Record<string, string | number>> = {};
    for (const collection of COLLECTIONS) {
      const judge = await judgeOf(collection, embedder);
      for (const [way, rank] of Object.entries(WAYS)) {
        const ranking: Ranking = async (query) => rank(await judge(query));
        for (const [kind, { queries, ndcg, recall }] of await measure(collection, ranking)) {
          rows[`${collection.name}, ${kind} (${queries}): ${way}`] = {
            'nDCG@10': ndcg.toFixed(3),
            'recall@10': recall.toFixed(3),
          };
        }
      }
    }
    console.log(embedder.id);
    console.table(rows);
    await embedder.close();
  }
}
