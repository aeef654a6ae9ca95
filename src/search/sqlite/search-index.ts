import type { SearchDocument } from '../document.ts';
import type { SearchRequest, SearchResult } from '../search.ts';
import type { FoldedSegment } from '../snippet.ts';
import { Documents, type Meaning, type RunKey, TEXT_FIELDS, type WaitingDocument } from './documents.ts';
import { ExactSearch } from './exact.ts';
import {
  DamagedIndexError,
  type IndexFile,
  type IndexRole,
  type OpenedFile,
  openIndexFile,
  removeIndexFile,
} from './index-file.ts';
import type { TermHit } from './terms.ts';

/** What becomes of the index in one transaction. */
export interface IndexChange {
  /** Runs that are new or say something else now; of several documents of one run, the last counts. */
  readonly put?: readonly SearchDocument[];
  /** Runs that are gone. */
  readonly remove?: readonly RunKey[];
  /** The place in the event log up to which the index is complete with this change. */
  readonly position?: string;
}

/** Which runs a search by meaning may answer. */
export type MeaningRequest = Pick<SearchRequest, 'workspaceId' | 'workflowIds' | 'allowed'>;

/** A document with a passage that is near to what was asked. */
interface NearDocument {
  readonly document: number;
  /** Cosine of its nearest passage, -1 to 1. */
  readonly similarity: number;
}

interface Scope {
  readonly workspace: number;
  readonly workflows: readonly number[] | undefined;
  allows(document: number): boolean;
}

/** The size of an index. */
export interface IndexStats {
  readonly documents: number;
  readonly bytes: number;
  readonly position: string | null;
  /** Documents whose vectors are still to come: search by meaning knows their words only. */
  readonly waiting: number;
}

/**
 * The search index of an installation: one SQLite file, derived from the event log, which may be lost at any time.
 *
 * Synchronous, for one thread. Others may open the same file to search while one of them writes.
 */
export class SearchIndex {
  readonly #file: IndexFile;
  readonly #documents: Documents;
  readonly #exact: ExactSearch;

  /**
   * Opens the index at `path`; a writer begins one where there is none. A file that was cut short, is no database or has another format is
   * reported and not touched.
   *
   * @param meaning gives terms and vectors; without it only exact search is possible.
   * @throws when the file cannot be opened for a reason outside of it, such as missing permissions.
   */
  static open(path: string, meaning?: Meaning, role?: IndexRole): OpenedFile<SearchIndex> {
    const opened = openIndexFile(path, meaning?.version ?? 'none', role);
    if (!('index' in opened)) return opened;
    try {
      return {
        state: opened.state,
        index: opened.index.transaction('read', () => new SearchIndex(opened.index, meaning)),
      };
    } catch (error) {
      opened.index.close();
      if (error instanceof DamagedIndexError) return { state: 'damaged', reason: error.message };
      throw error;
    }
  }

  /** Removes the file of an index that nobody has open, and what belongs to it. */
  static remove(path: string): void {
    removeIndexFile(path);
  }

  private constructor(file: IndexFile, meaning: Meaning | undefined) {
    this.#file = file;
    this.#documents = new Documents(file, meaning);
    this.#exact = new ExactSearch(file, this.#documents);
  }

  /** Where indexing has to go on; null when nothing has been indexed. */
  get position(): string | null {
    return this.#file.fact('position') ?? null;
  }

  /** The embedder whose vectors these are; undefined before the first. */
  get embedder(): string | undefined {
    return this.#file.fact('embedder');
  }

  /**
   * Makes the index one for vectors of an embedder. Those of another one are removed in the same transaction, so that no search ever sees
   * both, and their documents wait for new ones; searching for text does not notice.
   * @throws DamagedIndexError
   */
  useEmbedder(id: string): void {
    if (this.embedder === id) return;
    this.#file.transaction('write', () => {
      if (this.embedder !== undefined) this.#documents.dropVectors();
      this.#file.setFact('embedder', id);
    });
  }

  /** Some of the documents whose vectors are still to come, the newest first. @throws DamagedIndexError */
  waiting(limit: number): WaitingDocument[] {
    return this.#file.transaction('read', () => this.#documents.waiting(limit));
  }

  /** Keeps vectors that came. @param vectors by the id of the waiting document @throws DamagedIndexError */
  putVectors(vectors: ReadonlyMap<number, readonly Int8Array[]>): void {
    this.#file.transaction('write', () => {
      for (const [id, own] of vectors) this.#documents.putVectors(id, own);
    });
  }

  /**
   * Applies a change, all of it or none; what is removed first, then what is put.
   * @throws DamagedIndexError
   */
  apply({ put = [], remove = [], position }: IndexChange): void {
    const last = new Map(put.map((document) => [`${document.workspaceId}/${document.runId}`, document]));
    try {
      this.#file.transaction('write', () => {
        const removed = remove.filter((key) => this.#documents.remove(key)).length;
        const replaced = this.#documents.put([...last.values()]);
        this.#raise('changes', 1);
        this.#raise('removals', removed + replaced);
        if (position !== undefined) this.#file.setFact('position', position);
      });
    } catch (error) {
      this.#documents.forgetUnwritten();
      throw error;
    }
  }

  #raise(fact: string, by: number): void {
    this.#file.setFact(fact, String(Number(this.#file.fact(fact) ?? 0) + by));
  }

  /**
   * Runs that contain the query, whatever its case, the newest first.
   *
   * @throws RangeError when the query is empty.
   * @throws DamagedIndexError
   */
  search(request: SearchRequest): SearchResult {
    return this.#file.transaction('read', () => {
      this.#documents.sampleIfGrown();
      return { ...this.#exact.search(request), position: this.position };
    });
  }

  /**
   * Documents that have the most telling of some terms, the best first; `score` is 0 to 1. `runsOf` tells whose they are: of the hundreds that are
   * ranked, some ten are asked for.
   * @throws DamagedIndexError
   */
  byTerms(request: MeaningRequest, terms: Iterable<string>, wanted: number): TermHit[] {
    return this.#file.transaction('read', () => {
      const scope = this.#scopeOf(request);
      if (scope === undefined) return [];
      const labels = [[String(scope.workspace)], ...(scope.workflows ? [scope.workflows.map(String)] : [])];
      return this.#documents.terms.best(terms, wanted, labels, (document) => scope.allows(document));
    });
  }

  /**
   * Documents with the passages nearest to a vector, the nearest first.
   * @throws DamagedIndexError
   */
  byVector(request: MeaningRequest, vector: Int8Array, wanted: number): NearDocument[] {
    return this.#file.transaction('read', () => {
      const scope = this.#scopeOf(request);
      if (scope === undefined) return [];
      return this.#documents.vectors.nearest(scope.workspace, vector, wanted, (document) => scope.allows(document));
    });
  }

  /**
   * How near some documents are by their nearest passage; those without vectors are left out.
   * @throws DamagedIndexError
   */
  similarities(documents: readonly number[], vector: Int8Array): Map<number, number> {
    return this.#file.transaction('read', () => this.#documents.vectors.similarities(documents, vector));
  }

  /**
   * The runs of some documents; those that are gone by now are left out.
   * @throws DamagedIndexError
   */
  runsOf(documents: readonly number[]): Map<number, string> {
    return this.#file.transaction('read', () => this.#documents.runsOf(documents));
  }

  #scopeOf({ workspaceId, workflowIds, allowed }: MeaningRequest): Scope | undefined {
    const workspace = this.#documents.scope('workspace', workspaceId);
    const workflows = workflowIds?.flatMap((id) => this.#documents.scope('workflow', id) ?? []);
    if (workspace === undefined || workflows?.length === 0) return undefined;
    const allows = (document: number): boolean => {
      if (workflows === undefined && allowed === undefined) return true;
      const place = this.#documents.place(document);
      if (place === undefined || workflows?.includes(place.workflow) === false) return false;
      return allowed === undefined || allowed([place.runId]).has(place.runId);
    };
    return { workspace, workflows, allows };
  }

  /** What some runs of a workspace say; runs that are not in the index are left out. */
  segments(workspaceId: string, runIds: readonly string[]): { runId: string; segments: FoldedSegment[] }[] {
    return this.#file.transaction('read', () => {
      const workspace = this.#documents.scope('workspace', workspaceId);
      if (workspace === undefined) return [];
      return runIds.flatMap((runId) => {
        const segments = this.#documents.segments(workspace, runId, TEXT_FIELDS);
        return segments === undefined ? [] : [{ runId, segments }];
      });
    });
  }

  stats(): IndexStats {
    const documents = this.#file.get('SELECT count(*) AS n FROM document')?.['n'];
    const bytes = this.#file.get('SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size')?.['n'];
    const waiting = this.#file.get('SELECT count(*) AS n FROM waiting')?.['n'];
    return { documents: Number(documents), bytes: Number(bytes), position: this.position, waiting: Number(waiting) };
  }

  /**
   * Reads the whole file for damage that opening it does not show; takes seconds for each gigabyte.
   * @throws DamagedIndexError
   */
  check(): void {
    this.#file.transaction('write', () => {
      const problem = this.#file.get('PRAGMA quick_check(1)')?.['quick_check'];
      if (problem !== 'ok') throw new DamagedIndexError(`The search index is damaged: ${problem}.`);
      this.#file.run(`INSERT INTO grams (grams) VALUES ('integrity-check')`);
      this.#file.run(`INSERT INTO terms (terms) VALUES ('integrity-check')`);
      const stray = this.#file.get(
        'SELECT (SELECT count(*) FROM grams_docsize) - (SELECT count(*) FROM document) AS n',
      )?.['n'];
      if (stray !== 0)
        throw new DamagedIndexError(`The search index is damaged: ${stray} documents too many have grams.`);
    });
  }

  /** Merges what indexing left in parts, in 1 s for 30,000 runs. After a rebuild: searches take 1.5 ms instead of 2.4 then. */
  optimize(): void {
    this.#file.transaction('write', () => this.#file.run(`INSERT INTO grams (grams) VALUES ('optimize')`));
    this.#documents.sampleAnew();
  }

  close(): void {
    this.#file.close();
  }
}
