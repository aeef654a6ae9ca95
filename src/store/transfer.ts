import { createHash } from 'node:crypto';

/** A cell as every SQL store has it. */
export type TransferCell = string | number | null;

export type TransferRow = Readonly<Record<string, TransferCell>>;

/** A table as both stores have it: what is of one store alone stays out. */
export interface TransferTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns that order its rows and that no two rows share. */
  readonly key: readonly string[];
}

/** Rows of a table that have been moved. */
export interface TableProgress {
  readonly rows: number;
  /** The key of the last of them. */
  readonly after: readonly TransferCell[];
}

/** Whether a store may be moved into. */
export type Standing =
  | { readonly kind: 'empty' }
  /** A move into it has begun. @param from the name of the store that is moved */
  | { readonly kind: 'half'; readonly from: string }
  /** It has rows of its own. */
  | { readonly kind: 'used'; readonly table: string };

/** The tables of a store, to be read or filled as they are: nothing of the product is at work in between. */
export interface StoreTables {
  /** What it is called in messages and by a move that is resumed: without a password. */
  readonly name: string;
  tables(): Promise<readonly TransferTable[]>;
  count(table: string): Promise<number>;
  /** Rows in the order of the key, by code point, behind `after`. */
  read(table: TransferTable, after: readonly TransferCell[] | null, limit: number): Promise<readonly TransferRow[]>;
  /** The last position of the log that was given out. */
  head(): Promise<number>;
  standing(): Promise<Standing>;
  /** Marks an empty store as half moved: until `finish` no server opens it. */
  begin(from: string): Promise<void>;
  progress(): Promise<ReadonlyMap<string, TableProgress>>;
  /** Adds rows and keeps how far the table is, both or neither. */
  write(table: TransferTable, rows: readonly TransferRow[], progress: TableProgress): Promise<void>;
  /** Takes the mark away: from here on it is a store like any other. @param head the last position of the log */
  finish(head: number): Promise<void>;
  close(): Promise<void>;
}

/** How far a move is. */
export interface TransferStep {
  readonly doing: 'move' | 'verify';
  readonly table: string;
  readonly rows: number;
  readonly total: number;
}

/** What a table had when it was verified. */
export interface VerifiedTable {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 over its rows in the order of the key, hexadecimal. */
  readonly checksum: string;
}

/** Bytes that are read at a time, about: rows of payloads are large, those of tasks small. */
const BATCH_CHARACTERS = 4_000_000;

/** Rows that are read at a time: at the beginning, while nothing is known of their size, and at most. */
const BATCH_ROWS = { first: 64, most: 2_000 };

/** The move cannot be begun, or what was moved is not what was there. */
export class TransferRefused extends Error {
  override readonly name = 'TransferRefused';
}

/**
 * Moves everything from one store to another. A move that was broken off goes on where it was; the last position of the log is set at the end, so
 * that followers go on from the positions that they had.
 * @throws TransferRefused when the target is neither empty nor half of this move, or when it does not hold the same in the end
 */
export async function moveStore(
  source: StoreTables,
  target: StoreTables,
  tell: (step: TransferStep) => void,
): Promise<readonly VerifiedTable[]> {
  await prepare(source, target);
  const tables = await commonTables(source, target);
  const progress = await target.progress();
  for (const table of tables) {
    const total = await source.count(table.name);
    let done = progress.get(table.name) ?? null;
    tell({ doing: 'move', table: table.name, rows: done?.rows ?? 0, total });
    for await (const rows of batches(source, table, done?.after ?? null)) {
      done = { rows: (done?.rows ?? 0) + rows.length, after: keyOf(table, rows.at(-1)!) };
      await target.write(table, rows, done);
      tell({ doing: 'move', table: table.name, rows: done.rows, total });
    }
  }
  const verified: VerifiedTable[] = [];
  for (const table of tables) {
    const total = await source.count(table.name);
    const [there, here] = await Promise.all([
      digest(source, table, (rows) => tell({ doing: 'verify', table: table.name, rows, total })),
      digest(target, table),
    ]);
    if (there.rows !== here.rows || there.checksum !== here.checksum) {
      throw new TransferRefused(
        `Table ${table.name} has ${there.rows} rows with checksum ${there.checksum.slice(0, 12)} in ${source.name}, and ${here.rows} rows with checksum ${here.checksum.slice(0, 12)} in ${target.name}. ${source.name} was written to during the move. Keep servers from it, empty ${target.name} and begin again.`,
      );
    }
    verified.push(here);
  }
  await target.finish(await source.head());
  return verified;
}

async function prepare(source: StoreTables, target: StoreTables): Promise<void> {
  const [there, here] = [await source.standing(), await target.standing()];
  if (there.kind === 'half') {
    throw new TransferRefused(`${source.name} is half of a move from ${there.from}: finish that one first.`);
  }
  if (here.kind === 'used') {
    throw new TransferRefused(
      `${target.name} is not empty: there are rows in ${here.table}. Give a database, a schema or a folder that nobody has used.`,
    );
  }
  if (here.kind === 'half' && here.from !== source.name) {
    throw new TransferRefused(
      `${target.name} is half of a move from ${here.from}, not from ${source.name}. Finish that one, or give an empty store.`,
    );
  }
  if (here.kind === 'empty') await target.begin(source.name);
}

/** What is moved: everything of the source, in the columns that both have. @throws TransferRefused when the target has no place for something */
async function commonTables(source: StoreTables, target: StoreTables): Promise<TransferTable[]> {
  const places = new Map((await target.tables()).map((table) => [table.name, new Set(table.columns)]));
  return (await source.tables()).map((table) => {
    const place = places.get(table.name);
    const lost = table.columns.filter((column) => !place?.has(column));
    if (lost.length > 0) {
      throw new TransferRefused(
        `${target.name} has no place for ${lost.map((one) => `${table.name}.${one}`).join(', ')}.`,
      );
    }
    return table;
  });
}

const keyOf = (table: TransferTable, row: TransferRow): TransferCell[] =>
  table.key.map((column) => row[column] ?? null);

/** The rows of a table from a key on, some megabytes at a time. */
async function* batches(
  store: StoreTables,
  table: TransferTable,
  from: readonly TransferCell[] | null,
): AsyncGenerator<readonly TransferRow[]> {
  let after = from;
  let limit = BATCH_ROWS.first;
  for (;;) {
    const rows = await store.read(table, after, limit);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    if (rows.length < limit) return;
    after = keyOf(table, last);
    const characters = rows.reduce((sum, row) => sum + sizeOf(row), 0);
    limit = Math.max(1, Math.min(BATCH_ROWS.most, Math.floor((BATCH_CHARACTERS / characters) * rows.length)));
  }
}

const sizeOf = (row: TransferRow): number =>
  Object.values(row).reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 8), 0);

async function digest(
  store: StoreTables,
  table: TransferTable,
  tell: (rows: number) => void = () => undefined,
): Promise<VerifiedTable> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const rows of batches(store, table, null)) {
    for (const row of rows)
      hash.update(`${JSON.stringify(table.columns.map((column) => storable(row[column] ?? null)))}\n`);
    count += rows.length;
    tell(count);
  }
  return { table: table.name, rows: count, checksum: hash.digest('hex') };
}

/** A cell as every store can keep it: PostgreSQL's text has no NUL, which becomes the replacement character. */
export function storable(cell: TransferCell): TransferCell {
  return typeof cell === 'string' && cell.includes('\0') ? cell.replaceAll('\0', '\ufffd') : cell;
}
