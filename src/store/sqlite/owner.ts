import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process has the store open. */
class StoreInUse extends Error {
  constructor(folder: string) {
    super(`Another millrun process owns ${folder}. Stop it, or give this one a data folder of its own (MILLRUN_DATA).`);
    this.name = 'StoreInUse';
  }
}

/**
 * Takes the folder for this process. The operating system lets go of the lock when the process dies, however it dies.
 * @throws StoreInUse
 */
export function own(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, 'owner.lock'));
  try {
    lock.exec(
      'pragma locking_mode = exclusive; begin exclusive; create table if not exists owner (pid integer); commit;',
    );
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) throw new StoreInUse(folder);
    throw error;
  }
  return lock;
}
