import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Standing, StoreTables, TableProgress, TransferCell, TransferRow, TransferTable } from '../transfer.ts';
import { BUSY_TIMEOUT_MS } from './checkpointer.ts';
import { migrate } from './migrations.ts';
import { MOVE_TABLE } from './move-mark.ts';
import { own } from './owner.ts';

/**
 * The tables of an embedded store that no server uses, brought to the newest schema first.
 * @param make whether the store is made when there is none
 * @returns null when there is no store and none is to be made
 * @throws StoreInUse, NewerSchema
 */
export function openSqliteTables(folder: string, make: boolean): StoreTables | null {
  const path = join(folder, 'millrun.db');
  if (!make && !existsSync(path)) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = own(folder);
  try {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    db.exec(
      'pragma page_size = 4096; pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536;',
    );
    migrate(db, 'moving');
    return new SqliteTables(db, lock, `sqlite:${folder}`);
  } catch (error) {
    lock.close();
    throw error;
  }
}

class SqliteTables implements StoreTables {
  readonly name: string;
  readonly #db: DatabaseSync;
  readonly #lock: DatabaseSync;

  constructor(db: DatabaseSync, lock: DatabaseSync, name: string) {
    this.#db = db;
    this.#lock = lock;
    this.name = name;
  }

  async tables(): Promise<readonly TransferTable[]> {
    const names = this.#db
      .prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> ? order by name",
      )
      .all(MOVE_TABLE)
      .map((row) => String(row['name']));
    return names.map((name) => {
      const columns = this.#columns(name);
      const key = columns.filter(({ place }) => place > 0).sort((a, b) => a.place - b.place);
      return { name, columns: columns.map((column) => column.name).sort(), key: key.map((column) => column.name) };
    });
  }

  async count(table: string): Promise<number> {
    return Number(this.#db.prepare(`select count(*) as n from "${table}"`).get()?.['n']);
  }

  async read({ name, columns, key }: TransferTable, after: readonly TransferCell[] | null, limit: number) {
    const behind = after === null ? '' : `where (${key.join(', ')}) > (${key.map(() => '?').join(', ')})`;
    const text = `select ${columns.join(', ')} from "${name}" ${behind} order by ${key.join(', ')} limit ?`;
    return this.#db.prepare(text).all(...(after ?? []), limit) as TransferRow[];
  }

  async head(): Promise<number> {
    return Number(this.#db.prepare('select coalesce(max(position), 0) as position from events').get()?.['position']);
  }

  async standing(): Promise<Standing> {
    if (this.#db.prepare('select 1 from sqlite_schema where name = ?').get(MOVE_TABLE) !== undefined) {
      const begun = this.#db.prepare(`select source from ${MOVE_TABLE} where table_name = ''`).get();
      return { kind: 'half', from: String(begun?.['source']) };
    }
    for (const { name } of await this.tables()) {
      // Where followers begin is written by the schema itself.
      if (name !== 'followers' && (await this.count(name)) > 0) return { kind: 'used', table: name };
    }
    return { kind: 'empty' };
  }

  async begin(from: string): Promise<void> {
    this.#together(() => {
      this.#db.exec(
        `create table ${MOVE_TABLE} (table_name text primary key, source text, done integer not null, after text) strict, without rowid;
         delete from followers;`,
      );
      this.#db.prepare(`insert into ${MOVE_TABLE} values ('', ?, 0, null)`).run(from);
    });
  }

  async progress(): Promise<ReadonlyMap<string, TableProgress>> {
    const rows = this.#db.prepare(`select * from ${MOVE_TABLE} where table_name <> ''`).all();
    return new Map(
      rows.map((row) => [
        String(row['table_name']),
        { rows: Number(row['done']), after: JSON.parse(String(row['after'])) },
      ]),
    );
  }

  async write({ name, columns }: TransferTable, rows: readonly TransferRow[], progress: TableProgress): Promise<void> {
    const computed = new Set(this.#columns(name).flatMap((column) => (column.isComputed ? [column.name] : [])));
    const written = columns.filter((column) => !computed.has(column));
    const text = `insert into "${name}" (${written.join(', ')}) values (${written.map(() => '?').join(', ')})`;
    this.#together(() => {
      const insert = this.#db.prepare(text);
      for (const row of rows) insert.run(...written.map((column) => row[column] ?? null));
      this.#db
        .prepare(`insert or replace into ${MOVE_TABLE} values (?, null, ?, ?)`)
        .run(name, progress.rows, JSON.stringify(progress.after));
    });
  }

  async finish(): Promise<void> {
    this.#db.exec(`drop table ${MOVE_TABLE}`);
  }

  async close(): Promise<void> {
    this.#db.close();
    this.#lock.close();
  }

  /** `hidden` is 2 for a column that is computed when it is read and 3 for one that is stored (https://sqlite.org/pragma.html#pragma_table_xinfo). */
  #columns(table: string): { name: string; place: number; isComputed: boolean }[] {
    return this.#db
      .prepare(`pragma table_xinfo("${table}")`)
      .all()
      .map((row) => ({
        name: String(row['name']),
        place: Number(row['pk']),
        isComputed: Number(row['hidden']) >= 2,
      }));
  }

  #together(act: () => void): void {
    this.#db.exec('begin immediate');
    try {
      act();
      this.#db.exec('commit');
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }
}
