import { createHash, createHmac } from 'node:crypto';
import { type ApiKey, type Caller, SCOPES, type Scope } from '../domain/caller.ts';
import { PlatformError } from '../domain/error.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';

/** Characters of a key that are kept readable, so that people can tell their keys apart. */
const PREFIX_LENGTH = 10;

/** Keys begin so: a leaked one is recognised, in logs and by scanners. Letters, digits and underscores only: an official client refuses others. */
const KEY_MARK = 'mr_';

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The key of the first start. It follows from the secret, so that it can be shown again without being stored. */
export function firstKey(secret: Buffer): string {
  return KEY_MARK + createHmac('sha256', secret).update('first api key').digest('hex');
}

/** The name of the key that the configuration presets. */
const PRESET = 'preset';

/** The record of a key with these rights. */
export function keyRecord(
  key: string,
  about: { id: string; workspaceId: string; name: string; scopes: readonly Scope[]; createdAt: number },
): ApiKey {
  return { ...about, digest: digestOf(key), prefix: key.slice(0, PREFIX_LENGTH), revokedAt: null };
}

/** Finds out who calls, and refuses what a caller may not do. */
export class Access {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * @param howToGive a sentence that says where this API takes its key
   * @throws PlatformError `unauthenticated`
   */
  async callerOf(key: string | undefined, howToGive = 'Send yours in the header X-API-Key.'): Promise<Caller> {
    if (key === undefined || key === '') {
      throw new PlatformError('unauthenticated', `No API key was given. ${howToGive}`);
    }
    const record = await this.#store.findApiKey(digestOf(key));
    if (record === null || record.revokedAt !== null) {
      throw new PlatformError(
        'unauthenticated',
        'This API key is not known here, or it was revoked. Check the key and the address.',
      );
    }
    return {
      keyId: record.id,
      keyName: record.name,
      keyPrefix: record.prefix,
      workspaceId: record.workspaceId,
      scopes: new Set(record.scopes),
    };
  }
}

/** @throws PlatformError `forbidden` */
export function demand(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return;
  throw new PlatformError('forbidden', `The key "${caller.keyName}" lacks the scope ${scope}. Use a key that has it.`);
}

/** The same caller with further rights, for an operation whose own right has been demanded and that rests on others. */
export function granted(caller: Caller, ...scopes: readonly Scope[]): Caller {
  return { ...caller, scopes: new Set([...caller.scopes, ...scopes]) };
}

/**
 * Makes the first workspace with its key, once. A preset key is added whenever it is not known yet, and the one before it is revoked: changing
 * the setting changes the key.
 * @returns the id of the workspace
 */
export async function ensureFirstKey(
  store: Store,
  system: System,
  keys: { first: string; preset: string | null },
): Promise<string> {
  const now = system.now();
  let workspace = await store.firstWorkspace();
  if (workspace === null) {
    workspace = { id: system.newId(), name: 'default', createdAt: now };
    await store.commit([{ kind: 'createWorkspace', workspace }]);
  }
  for (const key of await store.listApiKeys(workspace.id)) {
    const isOld = key.name === PRESET && (keys.preset === null || key.digest !== digestOf(keys.preset));
    if (isOld && key.revokedAt === null) await store.commit([{ kind: 'putApiKey', key: { ...key, revokedAt: now } }]);
  }
  const wanted = keys.preset === null ? { key: keys.first, name: 'first' } : { key: keys.preset, name: PRESET };
  const known = await store.findApiKey(digestOf(wanted.key));
  if (keys.preset !== null && known?.revokedAt != null)
    await store.commit([{ kind: 'putApiKey', key: { ...known, revokedAt: null } }]);
  if (known === null) {
    const about = { id: system.newId(), workspaceId: workspace.id, name: wanted.name, scopes: SCOPES, createdAt: now };
    await store.commit([{ kind: 'putApiKey', key: keyRecord(wanted.key, about) }]);
  }
  return workspace.id;
}
