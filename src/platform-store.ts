import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Door } from './api/health.ts';
import { PlatformError } from './domain/error.ts';
import type { SharedStore } from './store/postgres/postgres-store.ts';
import type { Store } from './store/store.ts';
import type { Log } from './system/log.ts';

/** Milliseconds between two tries to reach a store that is not there yet. */
const STORE_RETRY_MS = 1000;

/** Hears why a process that starts is not ready. */
export type Say = Door['say'];

/**
 * Opens a store that is elsewhere, however long it takes to come: what is started at once by a supervisor starts in any order. The folder holds what is
 * this process's own. The driver is read when it is needed.
 * @throws NewerSchema, HalfMoved, AnotherSchema, ServersInTheWay
 */
export async function openSharedStore(
  address: string,
  folder: string,
  limits: { runsPerWorkspace: number | null },
  { log, say }: { log: Log; say: Say },
): Promise<SharedStore> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { openPostgresStore } = await import('./store/postgres/postgres-store.ts');
  for (;;) {
    try {
      return await openPostgresStore(address, {
        ...limits,
        onMigrating: () => say('migrating'),
        onMigrated: (steps) => log.info(steps, 'store: the schema was brought to a newer step'),
      });
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      log.warn({ err: error.message }, 'the store is not there yet; trying again');
      say('store_unreachable');
      await sleep(STORE_RETRY_MS);
    }
  }
}

/** Reads a secret, one process at a time. A store that this one must not use is let go of. */
export async function rightfully<T>(store: Store, read: () => Promise<T>): Promise<T> {
  try {
    return await store.alone(read);
  } catch (error) {
    await store.close();
    throw error;
  }
}
