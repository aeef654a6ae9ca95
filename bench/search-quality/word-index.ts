import { DatabaseSync } from 'node:sqlite';
import { wordsOf } from '../../src/search/embed/builtin/words.ts';
import { expectedBm25 } from '../../src/search/fuse.ts';
import type { Collection } from './collection.ts';

/** How well a document matches by words. */
export interface WordMatch {
  readonly bm25: number;
  /** BM25 divided by what a document of this length that holds every word once is expected to get. */
  readonly share: number;
}

/** BM25 over stemmed words: SQLite's FTS5 with its Porter stemmer, in memory. */
export interface WordIndex {
  /** Every document that holds a word of the query. */
  search(query: string): Map<string, WordMatch>;
}

/** Indexes the texts of a collection. */
export function indexWords({ documents }: Collection): WordIndex {
  const database = new DatabaseSync(':memory:');
  database.exec(`
    CREATE VIRTUAL TABLE texts USING fts5(id UNINDEXED, text, tokenize = 'porter unicode61');
    CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'row');
    CREATE VIRTUAL TABLE stemmer USING fts5(text, tokenize = 'porter unicode61');
    CREATE VIRTUAL TABLE stems USING fts5vocab(stemmer, 'row');
  `);
  const insert = database.prepare('INSERT INTO texts (id, text) VALUES (?, ?)');
  for (const { id, text } of documents) insert.run(id, text);
  const matching = database.prepare(
    'SELECT id, -bm25(texts) AS score FROM texts WHERE texts MATCH ? ORDER BY score DESC',
  );
  const stem = database.prepare('INSERT INTO stemmer (text) VALUES (?)');
  const frequencies = database.prepare(
    'SELECT coalesce(terms.doc, 0) AS frequency FROM stems LEFT JOIN terms USING (term)',
  );
  const forget = database.prepare('DELETE FROM stemmer');

  const lengths = new Map(documents.map(({ id, text }) => [id, wordsOf(text).length]));
  const averageLength = [...lengths.values()].reduce((sum, length) => sum + length, 0) / documents.length;

  return {
    search(query) {
      const words = [...new Set(wordsOf(query))];
      if (words.length === 0) return new Map();
      stem.run(words.join(' '));
      const counts = frequencies.all().map(({ frequency }) => Number(frequency));
      forget.run();
      const match = words.map((word) => `"${word}"`).join(' OR ');
      return new Map(
        matching.all(match).map((row): [string, WordMatch] => {
          const [id, bm25] = [String(row['id']), Number(row['score'])];
          const lengthRatio = lengths.get(id)! / averageLength;
          return [id, { bm25, share: bm25 / expectedBm25(counts, documents.length, lengthRatio) }];
        }),
      );
    },
  };
}
