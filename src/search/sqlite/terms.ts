import { labelQuery, termQuery, writeTerms } from './grams.ts';
import type { IndexFile } from './index-file.ts';

/** Of a longer question, the rarest terms count: each term more doubles the sets of them. */
const MAX_TERMS = 6;
/** Sets of terms that are looked for, at most. */
const MAX_SETS = 32;
/** How often a term occurs is counted up to here; more frequent ones tell next to nothing. */
const MAX_COUNTED = 20_000;

/** Terms whose frequency is remembered: those of the questions of a day. */
const COUNTS_KEPT = 10_000;
/** A frequency is counted anew when the index has grown by one of so many documents since: its weight is a logarithm. */
const RECOUNT_SHARE = 16;

/** A document that has some of the terms of a question. */
export interface TermHit {
  readonly document: number;
  /** The weight of the terms that the document has, as a share of the weight of all: 0 to 1. */
  readonly score: number;
}

interface Weighted {
  readonly term: string;
  readonly weight: number;
}

/**
 * Ranks documents by the terms of a question they have: BM25 (Robertson and Zaragoza, 2009) with k1 = 0, where a term counts
 * by its rarity, once however often it occurs.
 *
 * Term frequencies would need FTS5's positions, four times the space, and its own `bm25()` reads the whole list of every term:
 * 0.5 s for common words in a million runs. Here sets of terms are looked for, the weightiest first, until enough documents
 * have been found; each query stops early.
 */
export class Terms {
  readonly #file: IndexFile;
  readonly #counts = new Map<string, { readonly count: number; readonly of: number }>();

  constructor(file: IndexFile) {
    this.#file = file;
  }

  /** Keeps the terms of a new document, as part of a transaction of the caller. */
  put(document: number, terms: Iterable<string>, labels: readonly string[]): void {
    this.#file.run('INSERT INTO terms (rowid, term) VALUES (?, ?)', document, writeTerms(terms, labels));
  }

  /** Removes a document, if it is there. */
  remove(document: number): void {
    this.#file.run('DELETE FROM terms WHERE rowid = ?', document);
  }

  /**
   * The documents that say most of the question; among equals, the newest first.
   *
   * @param labels documents must have one of each of these sets.
   */
  best(
    terms: Iterable<string>,
    wanted: number,
    labels: readonly (readonly string[])[],
    allowed: (document: number) => boolean,
  ): TermHit[] {
    const weighted = this.#weigh([...new Set(terms)]);
    const all = weighted.reduce((sum, { weight }) => sum + weight, 0);
    const restrictions = labels.map((set) => `(${set.map(labelQuery).join(' OR ')})`);
    const hits = new Map<number, TermHit>();
    for (const set of heaviestSets(weighted).slice(0, MAX_SETS)) {
      const query = [...set.terms.map(termQuery), ...restrictions].join(' AND ');
      const rows = this.#file
        .prepared('SELECT rowid AS id FROM terms WHERE terms MATCH ? ORDER BY rowid DESC')
        .iterate(query);
      for (const { id } of rows) {
        const document = Number(id);
        if (!hits.has(document) && allowed(document)) hits.set(document, { document, score: set.weight / all });
        if (hits.size >= wanted) return [...hits.values()];
      }
    }
    return [...hits.values()];
  }

  /** The rarest terms with their weight; those that no document has are left out, but weigh. */
  #weigh(terms: readonly string[]): Weighted[] {
    const documents = Number(this.#file.get('SELECT max(id) AS n FROM document')?.['n'] ?? 0);
    return terms
      .map((term) => {
        const count = this.#frequency(term, documents);
        return { term, weight: Math.log(1 + (documents - count + 0.5) / (count + 0.5)) };
      })
      .sort((a, b) => b.weight - a.weight)
      .slice(0, MAX_TERMS);
  }

  /** In how many of the documents a term is, or was a little earlier: counting a frequent one takes a millisecond. */
  #frequency(term: string, documents: number): number {
    const known = this.#counts.get(term);
    if (known !== undefined && Math.abs(documents - known.of) * RECOUNT_SHARE <= known.of) return known.count;
    const row = this.#file.get(
      'SELECT count(*) AS n FROM (SELECT 1 FROM terms WHERE terms MATCH ? LIMIT ?)',
      termQuery(term),
      MAX_COUNTED,
    );
    const count = Number(row?.['n']);
    if (this.#counts.size >= COUNTS_KEPT) this.#counts.clear();
    this.#counts.set(term, { count, of: documents });
    return count;
  }
}

/** All sets of some terms but the empty one, by falling weight. */
function heaviestSets(weighted: readonly Weighted[]): { terms: string[]; weight: number }[] {
  const sets = Array.from({ length: 2 ** weighted.length - 1 }, (_, index) => {
    const chosen = weighted.filter((_, place) => ((index + 1) >> place) & 1);
    return { terms: chosen.map(({ term }) => term), weight: chosen.reduce((sum, { weight }) => sum + weight, 0) };
  });
  return sets.sort((a, b) => b.weight - a.weight);
}
