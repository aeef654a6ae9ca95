import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Bytes of the secret that keys, signatures and sessions follow from. */
const SECRET_BYTES = 32;

/**
 * The secret in a file, which is made where it is missing. Whoever has it can make the first key and callback signatures.
 * The store is held, or shared with a secret that all agree on: no other process makes the file at the same time.
 * @throws Error `DamagedSecret` when the file holds something else
 */
export function readSecretFile(path: string): Buffer {
  if (!existsSync(path)) {
    // Written whole and then named: half a secret, left by a start that was killed, would keep every later start from beginning.
    const unfinished = `${path}~new`;
    writeFileSync(unfinished, `${randomBytes(SECRET_BYTES).toString('hex')}\n`, { mode: 0o600, flush: true });
    renameSync(unfinished, path);
  }
  const secret = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (secret.length !== SECRET_BYTES) {
    const message = `${path} is damaged: it must hold 64 hexadecimal digits. Restore it from a backup; a new one would change the first API key.`;
    throw Object.assign(new Error(message), { name: 'DamagedSecret' });
  }
  return secret;
}

/** By which processes tell whether they have the same secret: nothing leads from it to the secret, or from one purpose's to another's. */
export function fingerprintOf(secret: Buffer, purpose: string): string {
  return createHmac('sha256', secret).update(`millrun fingerprint of the ${purpose}`).digest('hex');
}
