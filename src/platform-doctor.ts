import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import { blobSettings, openBlobs } from './platform-blobs.ts';
import { SCHEMA_STEPS as SQLITE_STEPS } from './store/sqlite/migrations.ts';

/** What is found out about a store without opening it for work: nothing is written and nothing is migrated. */
export interface StoreFacts {
  readonly kind: 'sqlite' | 'postgres';
  /** Null: there is no store yet. */
  readonly step: number | null;
  /** Steps that this version knows. */
  readonly knownSteps: number;
  /** What is wrong with what it holds; null: nothing was found. */
  readonly damage: string | null;
  /** Whether another process has it open. Several may share a PostgreSQL. */
  readonly isInUse: boolean;
  /** Of PostgreSQL, e.g. `15.4`. */
  readonly version: string | null;
  /** Whether what one connection says reaches another that listens, as it does not behind a pooler in transaction mode. */
  readonly hearsNotices: boolean | null;
  /** Milliseconds by which the clock of the database is ahead of this machine's. */
  readonly clockAhead: number | null;
}

/** Oldest version of PostgreSQL that the store works on. */
export const OLDEST_POSTGRES = 13;

/** Milliseconds to wait for a notice. */
const NOTICE_MS = 2000;

/** Where blobs are; opens them as a server would, and closes them. @throws BlobsUnusable */
export async function inspectBlobs(config: Config): Promise<string> {
  const settings = blobSettings(config);
  const { close } = await openBlobs(settings, config.data);
  close();
  return settings === null ? 'in the data folder' : `in the bucket ${settings.bucket}, which can be listed`;
}

/** Looks at the embedded store of a data folder. @throws Error when it cannot be read */
export function inspectSqlite(folder: string): StoreFacts {
  const path = join(folder, 'millrun.db');
  const none = {
    kind: 'sqlite',
    knownSteps: SQLITE_STEPS,
    version: null,
    hearsNotices: null,
    clockAhead: null,
  } as const;
  if (!existsSync(path)) return { ...none, step: null, damage: null, isInUse: false };
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    const step = Number(db.prepare('pragma user_version').get()?.['user_version'] ?? 0);
    // It reads every page: some seconds for a gigabyte.
    const found = db
      .prepare('pragma quick_check(3)')
      .all()
      .map((row) => String(Object.values(row)[0]));
    const damage = found.length === 1 && found[0] === 'ok' ? null : found.join('; ');
    return { ...none, step, damage, isInUse: isOwned(folder) };
  } finally {
    db.close();
  }
}

/** Whether a process holds the lock of a data folder. */
function isOwned(folder: string): boolean {
  const path = join(folder, 'owner.lock');
  if (!existsSync(path)) return false;
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec('begin exclusive; rollback');
    return false;
  } catch {
    return true;
  } finally {
    lock.close();
  }
}

/** Looks at a store on PostgreSQL. @throws Error when it cannot be reached */
export async function inspectPostgres(address: string): Promise<StoreFacts> {
  const { openConnections, readAddress } = await import('./store/postgres/connection.ts');
  const { SCHEMA_STEPS } = await import('./store/postgres/migrations.ts');
  const read = readAddress(address);
  const sql = openConnections(read);
  try {
    const [about] =
      await sql`select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now`;
    const clockAhead = Number(about?.['now']) - Date.now();
    const [table] = await sql`select to_regclass(${`"${read.schema}".platform_schema`}) is not null as there`;
    const [row] = table?.['there'] ? await sql`select max(step) as step from platform_schema` : [];
    return {
      kind: 'postgres',
      step: row?.['step'] === undefined || row['step'] === null ? null : Number(row['step']),
      knownSteps: SCHEMA_STEPS,
      damage: null,
      isInUse: false,
      version: String(about?.['version']),
      hearsNotices: await hears(sql),
      clockAhead,
    };
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function hears(
  sql: Awaited<ReturnType<typeof import('./store/postgres/connection.ts')['openConnections']>>,
): Promise<boolean> {
  const channel = `millrun_doctor_${process.pid}`;
  const heard = Promise.withResolvers<boolean>();
  const listening = await sql.listen(channel, () => heard.resolve(true));
  try {
    await sql.notify(channel, 'x');
    const late = new AbortController();
    const isHeard = await Promise.race([heard.promise, sleep(NOTICE_MS, false, { signal: late.signal })]);
    late.abort();
    return isHeard;
  } catch {
    return false;
  } finally {
    await listening.unlisten().catch(() => undefined);
  }
}

/** How many bytes the key files of a data folder hold, by name; a file that is not there is null. @throws Error when one cannot be read */
export function keyFiles(folder: string): Readonly<Record<string, number | null>> {
  const names = ['secret.key', 'encryption.key'];
  return Object.fromEntries(
    names.map((name) => [name, existsSync(join(folder, name)) ? readFileSync(join(folder, name)).length : null]),
  );
}
