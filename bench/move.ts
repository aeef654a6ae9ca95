import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { openPostgresTables } from '../src/store/postgres/postgres-tables.ts';
import { openSqliteTables } from '../src/store/sqlite/sqlite-tables.ts';
import { moveStore } from '../src/store/transfer.ts';
import { fillStore } from './filter-store.ts';

/** Tables that are called otherwise, or have columns that the server computes. */
const OTHERWISE: ReadonlySet<string> = new Set(['followers', 'evaluations']);

/** How long does a move to PostgreSQL take? Rows per second moved and verified, beside PostgreSQL copying the same rows from itself. */
export async function bench([address = '', runs = '100000']: readonly string[]): Promise<void> {
  if (!address.startsWith('postgres')) throw new Error('npm run bench -- move postgres://…/empty-database [runs]');
  const folder = mkdtempSync(join(tmpdir(), 'millrun-move-'));
  const sql = postgres(address, { max: 1, onnotice: () => undefined });
  try {
    await fillStore(folder, Number(runs));
    const source = openSqliteTables(folder, false);
    const target = await openPostgresTables(address);
    if (source === null) throw new Error('The store was not made.');
    const start = performance.now();
    let verifying = start;
    const tables = await moveStore(source, target, ({ doing }) => {
      if (doing === 'move') verifying = performance.now();
    });
    const end = performance.now();
    const rows = tables.reduce((sum, one) => sum + one.rows, 0);
    await source.close();
    await target.close();

    const copied = performance.now();
    for (const { table } of tables.filter((one) => one.rows > 0 && !OTHERWISE.has(one.table))) {
      await sql.unsafe(`create temporary table copy_of_${table} (like ${table} including all)`);
      await sql.unsafe(`insert into copy_of_${table} select * from ${table}`);
    }
    const floor = (performance.now() - copied) / 1000;
    const [size] = await sql.unsafe('select pg_database_size(current_database()) as bytes');
    const rate = (milliseconds: number) => Math.round((rows / milliseconds) * 1000);
    console.log(
      '| rows | moved, rows/s | verified, rows/s | both, rows/s | floor: copied inside PostgreSQL, rows/s | database, MB |',
    );
    console.log('|---|---|---|---|---|---|');
    const cells = [rate(verifying - start), rate(end - verifying), rate(end - start), rate(floor * 1000)];
    console.log(`| ${rows} | ${cells.join(' | ')} | ${Math.round(Number(size?.['bytes']) / 1e6)} |`);
  } finally {
    await sql.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
