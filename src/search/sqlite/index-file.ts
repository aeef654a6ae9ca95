import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { GRAM_TOKENIZER, quoteSql } from './grams.ts';

/** The index within a data folder. */
export const INDEX_FILE_NAME = 'search.db';

/** Rises whenever a file written before would be read wrongly: with folding, grams, terms or tables. */
const FORMAT = '3';

/** Runs of 2 KB fill pages of 16 KB to 93 %, and those of 4 KB to 56 %. */
const PAGE_SIZE = 32_768;

/** The tables that `Vectors` needs. */
export const VECTOR_SCHEMA = `
  -- The vectors of a document, 256 bytes for each of its passages; of a long one in several rows.
  CREATE TABLE passages (
    -- Never used again, so that signs in memory cannot be taken for those of other vectors.
    id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, document INTEGER NOT NULL, vectors BLOB NOT NULL
  );
  CREATE INDEX passages_of_document ON passages (document);
`;

const SCHEMA = `
  -- One row for each name: format, position in the event log, counters of changes.
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- Short numbers for the ids of workspaces and workflows.
  CREATE TABLE scope (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
  -- One row for each run. The fields are folded, their segments joined by U+FFFF; outline says where each segment is from
  -- (JSON, deflated where long), and edits how it was written. Ids rise with the ids of runs, but for those in late.
  CREATE TABLE document (
    id INTEGER PRIMARY KEY, workspace INTEGER NOT NULL, run_id TEXT NOT NULL, workflow INTEGER NOT NULL,
    input TEXT NOT NULL, output TEXT NOT NULL, other TEXT NOT NULL, outline NOT NULL, edits BLOB NOT NULL,
    UNIQUE (workspace, run_id)
  );
  -- Documents that came after one of a newer run, with the id of the newest run before them.
  CREATE TABLE late (id INTEGER PRIMARY KEY, newest TEXT NOT NULL);
  CREATE VIRTUAL TABLE grams USING fts5(
    gram, content='', contentless_delete=1, detail=none, tokenize=${quoteSql(GRAM_TOKENIZER)}
  );
  CREATE VIRTUAL TABLE terms USING fts5(
    term, content='', contentless_delete=1, detail=none, tokenize=${quoteSql(GRAM_TOKENIZER)}
  );
  -- Bytes that FTS5 gathers before it writes; its 1 MB makes so many small parts that bulk indexing takes half as long again.
  INSERT INTO grams (grams, rank) VALUES ('hashsize', 8388608);
  INSERT INTO terms (terms, rank) VALUES ('hashsize', 8388608);
  ${VECTOR_SCHEMA}
  -- Documents whose vectors are still to come. A document that changes gets another id, so that vectors of what it said before are refused.
  CREATE TABLE waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL UNIQUE);
`;

/** The file cannot be trusted. Its owner shall remove and rebuild it. */
export class DamagedIndexError extends Error {
  override readonly name = 'DamagedIndexError';
}

/** What was found at a path. */
export type OpenedFile<Index> =
  | { readonly state: 'ready'; readonly index: Index }
  /** There was nothing: everything has yet to be indexed. */
  | { readonly state: 'created'; readonly index: Index }
  /** There is nothing, and a reader begins nothing. */
  | { readonly state: 'absent'; readonly reason: string }
  /** To be removed and rebuilt. */
  | { readonly state: 'damaged' | 'outdated'; readonly reason: string };

/** Who opens the file: its one writer, or somebody who reads beside it and changes nothing, not even by opening. */
export type IndexRole = 'writer' | 'reader';

/**
 * Opens the index file at `path`; a writer begins one where there is none. A file that was cut short, is no database or has
 * another format is reported and not touched.
 *
 * @param meaningVersion the version of what gives terms and passages; a file of another one has another format.
 * @throws when the file cannot be opened for a reason outside of it, such as missing permissions.
 */
export function openIndexFile(path: string, meaningVersion: string, role: IndexRole = 'writer'): OpenedFile<IndexFile> {
  const wanted = indexFormat(meaningVersion);
  const absent = { state: 'absent', reason: `There is no search index at ${path} yet.` } as const;
  if (role === 'reader' && !existsSync(path)) return absent;
  let db: DatabaseSync | undefined;
  try {
    assertNotCutShort(path);
    db = new DatabaseSync(path, { readOnly: role === 'reader', timeout: 5000 });
    // This is derived data: a power failure may cost the last moments, which are indexed again. And no memory map: the
    // process would not survive a file that gets shorter.
    if (role === 'writer') {
      db.exec(`PRAGMA page_size = ${PAGE_SIZE}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`);
    }
    db.exec('PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY');
    const index = new IndexFile(db);
    if (index.get('SELECT 1 FROM sqlite_schema') === undefined) {
      if (role === 'reader') {
        db.close();
        return absent;
      }
      db.exec(`BEGIN IMMEDIATE; ${SCHEMA}; INSERT INTO fact VALUES ('format', ${quoteSql(wanted)}); COMMIT`);
      return { state: 'created', index };
    }
    const hasFacts = index.get(`SELECT 1 FROM sqlite_schema WHERE name = 'fact'`) !== undefined;
    const format = hasFacts ? index.fact('format') : undefined;
    if (format === wanted) return { state: 'ready', index };
    db.close();
    return {
      state: 'outdated',
      reason: `The index has format ${format ?? 'unknown'}; this version reads format ${wanted}.`,
    };
  } catch (error) {
    if (db?.isOpen) db.close();
    const damage = damageIn(error);
    if (damage === undefined) throw error;
    return { state: 'damaged', reason: damage.message };
  }
}

/** What a file says of itself that this version reads. */
export function indexFormat(meaningVersion: string): string {
  return `${FORMAT}/${meaningVersion}`;
}

/** Removes an index that nobody has open. */
export function removeIndexFile(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}

/** An open index file: statements, prepared once, and transactions. */
export class IndexFile {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  get(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
    return this.prepared(sql).get(...values);
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.prepared(sql).run(...values);
  }

  prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  fact(name: string): string | undefined {
    const value = this.get('SELECT value FROM fact WHERE name = ?', name)?.['value'];
    return value === undefined ? undefined : String(value);
  }

  setFact(name: string, value: string): void {
    this.run('INSERT INTO fact VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', name, value);
  }

  /**
   * What `work` returns, seen or done in one transaction.
   * @throws DamagedIndexError when SQLite finds the file damaged.
   */
  transaction<T>(kind: 'read' | 'write', work: () => T): T {
    try {
      this.db.exec(kind === 'read' ? 'BEGIN' : 'BEGIN IMMEDIATE');
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw damageIn(error) ?? error;
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.db.isOpen) this.db.close();
  }
}

/** SQLITE_CORRUPT with all its kinds, and SQLITE_NOTADB. */
const DAMAGE_CODES: readonly number[] = [11, 26];
const IOERR_SHORT_READ = 522;

function damageIn(error: unknown): DamagedIndexError | undefined {
  if (error instanceof DamagedIndexError) return error;
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  const damaged = DAMAGE_CODES.includes(error.errcode & 0xff) || error.errcode === IOERR_SHORT_READ;
  return damaged
    ? new DamagedIndexError(`The search index is damaged: ${error.message}.`, { cause: error })
    : undefined;
}

/**
 * SQLite does not look at the length of a file until it misses a page, and FTS5 may then answer with less instead of failing.
 * Pages may rightly be missing when the process was killed while it copied them from the write-ahead log.
 *
 * Layout of both files: https://www.sqlite.org/fileformat2.html
 */
function assertNotCutShort(path: string): void {
  if (!existsSync(path)) return;
  const size = statSync(path).size;
  const header = readBytes(path, 0, 100);
  if (size === 0 || header.length < 100 || header.toString('latin1', 0, 15) !== 'SQLite format 3') return;
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const pages = header.readUInt32BE(28);
  const whole = Math.floor(size / pageSize);
  if (whole >= pages) return;
  const logged = pagesInLog(`${path}-wal`, pageSize);
  for (let page = whole + 1; page <= pages; page++) {
    if (logged.has(page)) continue;
    throw new DamagedIndexError(`The search index has ${whole} of ${pages} pages: it was cut short.`);
  }
}

function pagesInLog(path: string, pageSize: number): ReadonlySet<number> {
  const pages = new Set<number>();
  if (!existsSync(path)) return pages;
  const salt = readBytes(path, 16, 8);
  for (let at = 32; ; at += 24 + pageSize) {
    const frame = readBytes(path, at, 24);
    if (frame.length < 24 || !frame.subarray(8, 16).equals(salt)) return pages;
    pages.add(frame.readUInt32BE(0));
  }
}

function readBytes(path: string, position: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, position));
  } finally {
    closeSync(file);
  }
}
