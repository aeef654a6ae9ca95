import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { firstKey } from './operations/key-record.ts';
import type { SharedFacts } from './store/postgres/postgres-store.ts';
import type { Store } from './store/store.ts';
import { type OpenedKeys, openKeys } from './system/encryption-keys.ts';
import { fingerprintOf, readSecretFile } from './system/secret-file.ts';

const SECRET_FILE = 'secret.key';

/** The name under which processes that share a store keep the fingerprint of the secret, and that of the encryption key. */
const SECRET_FACT = 'secret';
const ENCRYPTION_FACT = 'encryption_key';

/** A process that has another secret than the store was begun with: keys and signatures of one would mean nothing to the other. */
class OtherSecret extends Error {
  override readonly name = 'OtherSecret';
}

/**
 * The secret that the first key, callback secrets, sessions and signed addresses follow from: the configured one, else that of the data folder, which
 * is made at the first start. All processes of a shared store must have the same.
 * @param facts of a shared store; null: the data folder holds the store
 * @throws OtherSecret, DamagedSecret
 */
export async function openSecret(
  config: Pick<Config, 'secret'>,
  folder: string,
  facts: SharedFacts | null,
): Promise<Buffer> {
  const file = join(folder, SECRET_FILE);
  const known = (await facts?.get(SECRET_FACT)) ?? null;
  // A file that is made now could only be another one.
  if (known !== null && !hasSecret(config, folder)) throw otherSecret(file);
  const secret = config.secret ?? readSecretFile(file);
  const fingerprint = fingerprintOf(secret, 'secret');
  if (facts !== null && (await facts.agree(SECRET_FACT, fingerprint)) !== fingerprint) throw otherSecret(file);
  return secret;
}

function otherSecret(file: string): OtherSecret {
  return new OtherSecret(
    `This store was begun with another secret than this process has. Give every process that shares it the same as MILLRUN_SECRET (or MILLRUN_SECRET_FILE): the 64 digits in ${SECRET_FILE} of the server that was there first. This one has what MILLRUN_SECRET says, or ${file}. To change the secret of all of them (the first API key, callback secrets and sessions change with it), stop them all, run "delete from platform_facts where name = '${SECRET_FACT}'" in the store's schema, and start them with the new one.`,
  );
}

/**
 * The keys that credentials are sealed with. All processes of a shared store must have the key that is in use, at least as a former one; the first to
 * come with a newer current key makes it the one in use.
 * @throws OtherSecret
 */
export async function openEncryptionKeys(
  config: Pick<Config, 'encryptionKey' | 'formerEncryptionKeys'>,
  folder: string,
  store: Store,
  facts: SharedFacts | null,
): Promise<OpenedKeys> {
  const known = (await facts?.get(ENCRYPTION_FACT)) ?? null;
  const keys = openKeys({
    configured: config.encryptionKey,
    former: config.formerEncryptionKeys ?? [],
    file: join(folder, 'encryption.key'),
    // A file that is made beside a key that others have would only be another one.
    mayMake: known === null && !(await store.hasCredentials()),
  });
  const [current, ...former] = keys.keys.map((key) => fingerprintOf(key, 'encryption key'));
  if (facts === null || current === undefined) {
    if (facts === null || known === null) return keys;
    throw otherEncryptionKey();
  }
  const agreed = await facts.agree(ENCRYPTION_FACT, current);
  if (agreed === current) return keys;
  if (!former.includes(agreed)) throw otherEncryptionKey();
  await facts.replace(ENCRYPTION_FACT, agreed, current);
  return keys;
}

function otherEncryptionKey(): OtherSecret {
  return new OtherSecret(
    `Credentials of this store are sealed with an encryption key that this process does not have. Give every process that shares it the same MILLRUN_ENCRYPTION_KEY (or MILLRUN_ENCRYPTION_KEY_FILE): the 64 digits in encryption.key of the server that was there first; one that was used before goes into MILLRUN_FORMER_ENCRYPTION_KEYS. Where the key is lost, run "delete from platform_facts where name = '${ENCRYPTION_FACT}'" in the store's schema, start with a new one, and set the secrets of each credential again.`,
  );
}

/** Whether a process was given a secret, by its configuration or its data folder. */
export function hasSecret(config: Pick<Config, 'secret'>, folder: string): boolean {
  return config.secret !== null || existsSync(join(folder, SECRET_FILE));
}

/** The key that the owner of a data folder has by owning it; null where there is no folder yet, or the key was preset. */
export function firstKeyOf(folder: string): string | null {
  const file = join(folder, SECRET_FILE);
  return existsSync(file) ? firstKey(readSecretFile(file)) : null;
}
