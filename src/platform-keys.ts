import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstKey } from './operations/key-record.ts';

/** Beside the platform, since commands that only ask a server need no platform, which takes 0.4 s to load. */

const SECRET_FILE = 'secret.key';

/**
 * 32 random bytes made at the first start; whoever has them can make the first key and callback signatures.
 * The store's lock is held: no other process makes them at the same time.
 */
export function readSecret(folder: string): Buffer {
  const path = join(folder, SECRET_FILE);
  if (!existsSync(path)) {
    // Written whole and then named: half a secret, left by a start that was killed, would keep every later start from beginning.
    const unfinished = `${path}~new`;
    writeFileSync(unfinished, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true });
    renameSync(unfinished, path);
  }
  const secret = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (secret.length !== 32) {
    const message = `${path} is damaged: it must hold 64 hexadecimal digits. Restore it from a backup; a new one would change the first API key.`;
    throw Object.assign(new Error(message), { name: 'DamagedSecret' });
  }
  return secret;
}

/** The key that the owner of a data folder has by owning it; null where there is no folder yet, or the key was preset. */
export function firstKeyOf(folder: string): string | null {
  return existsSync(join(folder, SECRET_FILE)) ? firstKey(readSecret(folder)) : null;
}
