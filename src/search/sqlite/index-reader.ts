import { statSync } from 'node:fs';
import { type SearchShare, WHOLE_SHARE } from '../../domain/search-share.ts';
import type { RunReader } from '../../store/store.ts';
import { type Embedder, EmbeddingError } from '../embed/embedder.ts';
import type { EmbedderOnDemand } from '../embed/on-demand.ts';
import { termsOf } from '../meaning.ts';
import type { RunFilter, RunSearchRequest, SearchRequest, SearchResult } from '../search.ts';
import { type MeaningResult, type MeaningSearch, searchByMeaning } from './by-meaning.ts';
import { DamagedIndexError } from './index-file.ts';
import { indexVersion } from './index-version.ts';
import { SearchIndex } from './search-index.ts';

/**
 * Milliseconds that one search counts on after the first 10,000 candidates: others wait behind it, and its page is ready. Too short
 * only where tens of thousands of runs have the grams of a needle and few the needle, such as `this is a`.
 */
export const COUNT_FOR_MS = 40;

/** Answers searches from an index that somebody else writes. */
export class IndexReader {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: EmbedderOnDemand;
  readonly #highlighter: Embedder;
  readonly #share: SearchShare;
  #opened: { readonly index: SearchIndex; readonly inode: number; size: number } | undefined;

  constructor(parts: {
    path: string;
    reader: RunReader;
    embedder: EmbedderOnDemand;
    /** Finds the sentences to show: hundreds of texts for each search, so one that takes no time worth mentioning. */
    highlighter: Embedder;
    /** The workspaces whose runs are in the index; all when left out. */
    share?: SearchShare;
  }) {
    this.#path = parts.path;
    this.#reader = parts.reader;
    this.#embedder = parts.embedder;
    this.#highlighter = parts.highlighter;
    this.#share = parts.share ?? WHOLE_SHARE;
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
    if (request.exact) return index.search({ ...inner, countForMs: COUNT_FOR_MS });
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
    this.#opened?.index.close();
    this.#opened = undefined;
  }

  #open(): SearchIndex | null {
    this.#assertStillThere();
    if (this.#opened) return this.#opened.index;
    const meaning = { version: indexVersion(this.#share), terms: termsOf, vectors: () => undefined };
    const opened = SearchIndex.open(this.#path, meaning, 'reader');
    if (opened.state === 'damaged') throw new DamagedIndexError(opened.reason);
    // Of an absent or outdated file its writer makes a new one.
    if (!('index' in opened)) return null;
    const { ino, size } = statSync(this.#path);
    this.#opened = { index: opened.index, inode: ino, size };
    return opened.index;
  }

  /**
   * SQLite notices neither that a file was removed nor, while its cache has the pages, that it was cut short; the index never gets
   * shorter by itself. One look costs 3 µs.
   * @throws DamagedIndexError
   */
  #assertStillThere(): void {
    const opened = this.#opened;
    if (!opened) return;
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now === undefined) throw new DamagedIndexError('The search index was removed while it was in use.');
    if (now.ino !== opened.inode) this.forget();
    else if (now.size < opened.size) throw new DamagedIndexError('The search index was cut short while it was in use.');
    else opened.size = now.size;
  }
}
