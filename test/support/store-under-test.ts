import { createHash } from 'node:crypto';
import { inject } from 'vitest';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The cluster that a run on PostgreSQL has started (`postgres-run.ts`); null where PostgreSQL is missing. */
    readonly cluster: string | null | undefined;
  }
}

/**
 * The address of the store that belongs to a data folder: a schema of the cluster in a run on PostgreSQL, one and the same for the same folder;
 * null where the folder itself holds the store.
 */
export function storeAddressOf(folder: string): string | null {
  const cluster = inject('cluster') ?? null;
  if (cluster === null) return null;
  return `${cluster}?schema=test_${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`;
}

/** The same as an environment of the product. */
export function storeEnvironment(folder: string): Readonly<Record<string, string>> {
  const address = storeAddressOf(folder);
  return address === null ? {} : { MILLRUN_STORE: address };
}

/** Opens the store that belongs to a data folder, which no server has open. */
export async function openStoreOf(folder: string): Promise<Store> {
  const address = storeAddressOf(folder);
  return address === null ? openSqliteStore(folder) : await openPostgresStore(address);
}
