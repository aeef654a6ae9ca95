import type { RunReader } from '../../store/store.ts';
import type { Embedder } from '../embed/embedder.ts';
import { termsOf } from '../meaning.ts';
import type { RunFilter, RunSearchRequest, SearchRequest, SearchResult } from '../search.ts';
import { searchByMeaning } from './by-meaning.ts';
import { meaningVersion } from './index-writer.ts';
import { SearchIndex } from './search-index.ts';

/** Answers searches from an index that somebody else writes. */
export class IndexReader {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: Embedder;
  #index: SearchIndex | undefined;

  constructor(parts: { path: string; reader: RunReader; embedder: Embedder }) {
    this.#path = parts.path;
    this.#reader = parts.reader;
    this.#embedder = parts.embedder;
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
    const found = await searchByMeaning(index, this.#embedder, {
      ...inner,
      similarityThreshold: request.similarityThreshold,
    });
    return { ...found, position };
  }

  /** Lets go of the file: its writer removes it, or it was found damaged. The next search opens what is there then. */
  forget(): void {
    this.#index?.close();
    this.#index = undefined;
  }

  #open(): SearchIndex | null {
    if (this.#index) return this.#index;
    const meaning = { version: meaningVersion(this.#embedder), terms: termsOf, passages: () => [] };
    const opened = SearchIndex.open(this.#path, meaning);
    if (!('index' in opened)) return null;
    this.#index = opened.index;
    return opened.index;
  }
}
