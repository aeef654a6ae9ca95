import type { RunReader } from '../../store/store.ts';
import { type Embedder, EmbeddingError } from '../embed/embedder.ts';
import type { EmbedderOnDemand } from '../embed/on-demand.ts';
import { MEANING_VERSION, termsOf } from '../meaning.ts';
import type { RunFilter, RunSearchRequest, SearchRequest, SearchResult } from '../search.ts';
import { type MeaningResult, type MeaningSearch, searchByMeaning } from './by-meaning.ts';
import { SearchIndex } from './search-index.ts';

/** Answers searches from an index that somebody else writes. */
export class IndexReader {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: EmbedderOnDemand;
  readonly #highlighter: Embedder;
  #index: SearchIndex | undefined;

  constructor(parts: {
    path: string;
    reader: RunReader;
    embedder: EmbedderOnDemand;
    /** Finds the sentences to show: hundreds of texts for each search, so one that takes no time worth mentioning. */
    highlighter: Embedder;
  }) {
    this.#path = parts.path;
    this.#reader = parts.reader;
    this.#embedder = parts.embedder;
    this.#highlighter = parts.highlighter;
  }

  /**
   * @throws DamagedIndexError
   * @throws RangeError when the query is empty
   */
  async search(request: RunSearchRequest): Promise<SearchResult> {
    const index = this.#open();
    if (index === null) return { hits: [], total: 0, totalIsLowerBound: true, position: null };
    const { filter, ...rest } = request;
    const allowed: RunFilter | undefined =
      filter && ((runIds) => new Set(this.#reader.filter(request.workspaceId, runIds, filter)));
    const inner: SearchRequest = { ...rest, ...(allowed ? { allowed } : {}) };
    if (request.exact) return index.search(inner);
    const { position } = index;
    const { degraded, ...found } = await this.#byMeaning(index, {
      ...inner,
      similarityThreshold: request.similarityThreshold,
    });
    const { waiting } = index.stats();
    return { ...found, position, ...(degraded && { degraded }), ...(waiting > 0 && { runsWithoutVectors: waiting }) };
  }

  /** By words alone, and saying why, where the embedder is away or the index has no vectors of it yet. */
  async #byMeaning(index: SearchIndex, request: MeaningSearch): Promise<MeaningResult & { degraded?: string }> {
    const highlighter = this.#highlighter;
    try {
      return await this.#embedder.use(async (embedder) => {
        if (index.embedder !== embedder.id) {
          const degraded = `The index has no vectors of the embedder ${embedder.id} yet.`;
          return { ...(await searchByMeaning(index, { highlighter }, request)), degraded };
        }
        const [vector] = await embedder.embed([request.query], 'query');
        return searchByMeaning(index, { highlighter, meaning: { embedder, vector: vector! } }, request);
      });
    } catch (error) {
      if (!(error instanceof EmbeddingError)) throw error;
      return { ...(await searchByMeaning(index, { highlighter }, request)), degraded: error.message };
    }
  }

  /** Lets go of the file: its writer removes it, or it was found damaged. The next search opens what is there then. */
  forget(): void {
    this.#index?.close();
    this.#index = undefined;
  }

  #open(): SearchIndex | null {
    if (this.#index) return this.#index;
    const meaning = { version: MEANING_VERSION, terms: termsOf, passages: () => undefined };
    const opened = SearchIndex.open(this.#path, meaning);
    if (!('index' in opened)) return null;
    this.#index = opened.index;
    return opened.index;
  }
}
