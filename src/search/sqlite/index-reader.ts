import { statSync } from 'node:fs';
import type { RunReader } from '../../store/store.ts';
import type { Embedder } from '../embed/embedder.ts';
import { termsOf } from '../meaning.ts';
import type { RunFilter, RunSearchRequest, SearchRequest, SearchResult } from '../search.ts';
import { searchByMeaning } from './by-meaning.ts';
import { DamagedIndexError } from './index-file.ts';
import { meaningVersion } from './index-writer.ts';
import { SearchIndex } from './search-index.ts';

/** Answers searches from an index that somebody else writes. */
export class IndexReader {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #embedder: Embedder;
  #opened: { readonly index: SearchIndex; readonly inode: number; size: number } | undefined;

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
    this.#opened?.index.close();
    this.#opened = undefined;
  }

  #open(): SearchIndex | null {
    this.#assertStillThere();
    if (this.#opened) return this.#opened.index;
    const meaning = { version: meaningVersion(this.#embedder), terms: termsOf, passages: () => [] };
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
