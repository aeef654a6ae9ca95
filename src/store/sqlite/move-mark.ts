import type { DatabaseSync } from 'node:sqlite';

/** The table that a store has while it is filled from another: `src/store/transfer.ts`. */
export const MOVE_TABLE = 'platform_move';

/** A move into the store was begun and not finished. */
class HalfMoved extends Error {
  override readonly name = 'HalfMoved';
  constructor(from: string) {
    super(
      `This store is half of a move from ${from}. Finish it with the same \`millrun migrate-store\`, or give another store.`,
    );
  }
}

/** @throws HalfMoved */
export function refuseHalf(db: DatabaseSync): void {
  if (db.prepare('select 1 from sqlite_schema where name = ?').get(MOVE_TABLE) === undefined) return;
  const begun = db.prepare(`select source from ${MOVE_TABLE} where table_name = ''`).get();
  throw new HalfMoved(String(begun?.['source']));
}
