import { type ApiKey, type Caller, keyState, SCOPES, type Scope } from '../domain/caller.ts';
import { PlatformError } from '../domain/error.ts';
import type { WorkflowKind } from '../domain/workflow.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import type { SortKey } from '../filter/sort.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { digestOf, keyRecord } from './key-record.ts';

/** The name of the key that the configuration presets. */
const PRESET = 'preset';

/** Milliseconds between two records of a key's use: people ask whether a key is still in use, not for the second. */
const TOUCH_MS = 60_000;

/** Finds out who calls, and refuses what a caller may not do. */
export class Access {
  readonly #store: Store;
  readonly #system: System;
  readonly #log: Log;
  /** When each key's use was recorded last, by the clock that only goes forward. */
  readonly #touched = new Map<string, number>();

  constructor(parts: { store: Store; system: System; log: Log }) {
    this.#store = parts.store;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /**
   * @param howToGive a sentence that says where this API takes its key
   * @throws PlatformError `unauthenticated`; `too_many` when the key has used up its rate limit
   */
  async callerOf(key: string | undefined, howToGive = 'Send yours in the header X-API-Key.'): Promise<Caller> {
    if (key === undefined || key === '') {
      throw new PlatformError('unauthenticated', `No API key was given. ${howToGive}`);
    }
    return this.callerOfDigest(digestOf(key));
  }

  /** The caller whose key has this digest. @throws as `callerOf` */
  async callerOfDigest(digest: string): Promise<Caller> {
    const record = await this.#store.findApiKey(digest);
    if (record === null) throw new PlatformError('unauthenticated', UNKNOWN);
    refuseEnded(record, digest, this.#system.now());
    await this.#limit(record);
    this.#touch(record);
    return {
      keyId: record.id,
      keyName: record.name,
      keyPrefix: record.prefix,
      workspaceId: record.workspaceId,
      scopes: new Set(record.scopes),
    };
  }

  /** @throws PlatformError `too_many` */
  async #limit({ id, workspaceId, name, rateLimit }: ApiKey): Promise<void> {
    if (rateLimit === null) return;
    const wait = await this.#store.takeRequest(workspaceId, id, rateLimit, this.#system.elapsed());
    if (wait === 0) return;
    const retryAfter = Math.ceil(wait / 1000);
    const allowed = rateLimit === 1 ? 'one request a minute' : `${rateLimit} requests a minute`;
    const message = `The key "${name}" may make ${allowed} and has made them. Try again in ${retryAfter} s, or use a key with a higher limit.`;
    throw new PlatformError('too_many', message, { retryAfter });
  }

  /** Nobody waits for this: a use that is not recorded is worth less than an answer that comes late. */
  #touch({ id: keyId, workspaceId }: ApiKey): void {
    const elapsed = this.#system.elapsed();
    if (elapsed - (this.#touched.get(keyId) ?? Number.NEGATIVE_INFINITY) < TOUCH_MS) return;
    this.#touched.set(keyId, elapsed);
    const at = this.#system.now();
    this.#store.commit([{ kind: 'touchKey', workspaceId, keyId, at }]).catch((err: unknown) => {
      this.#log.error({ err, keyId }, 'the use of an API key could not be recorded');
    });
  }
}

const UNKNOWN = 'This API key is not known here, or it was revoked. Check the key and the address.';

/** @throws PlatformError `unauthenticated` when the key that has this digest opens nothing any more */
function refuseEnded(key: ApiKey, digest: string, now: number): void {
  const state = keyState(key, now);
  if (state === 'revoked') throw new PlatformError('unauthenticated', UNKNOWN);
  if (state === 'expired') {
    const since = new Date(key.expiresAt ?? now).toISOString();
    throw new PlatformError('unauthenticated', `The API key "${key.name}" expired at ${since}. Ask for a new one.`);
  }
  if (key.digest !== digest && (key.former?.validUntil ?? 0) <= now)
    throw new PlatformError('unauthenticated', `The API key "${key.name}" was rotated. Use its new text.`);
}

/** What it takes to read the workflows of a kind. */
export const SCOPE_OF_KIND: Readonly<Record<WorkflowKind, Scope>> = {
  flow: 'workflows:read',
  model: 'models:read',
  comfyui_workflow: 'comfyui-workflows:read',
};

/** @throws PlatformError `forbidden` */
export function demand(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return;
  throw new PlatformError('forbidden', `The key "${caller.keyName}" lacks the scope ${scope}. Use a key that has it.`);
}

/**
 * Refuses a list of runs that is filtered or ordered by their verdicts to whoever may not read evaluations: they could be read off it.
 * @throws PlatformError `forbidden`
 */
export function demandVerdicts(caller: Caller, filter: CheckedFilter | null, sort: readonly SortKey[] = []): void {
  if (mentions(filter, 'verdict') || sort.some(({ column }) => column === 'verdict'))
    demand(caller, 'evaluations:read');
}

function mentions(filter: CheckedFilter | null, column: string): boolean {
  if (filter === null) return false;
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.some((term) => mentions(term, column));
    case 'not':
      return mentions(filter.term, column);
    default:
      return filter.target.column === column;
  }
}

/** The same caller with further rights, for an operation whose own right has been demanded and that rests on others. */
export function granted(caller: Caller, ...scopes: readonly Scope[]): Caller {
  return { ...caller, scopes: new Set([...caller.scopes, ...scopes]) };
}

/** Whether a key that the platform made itself, at its start, is the preset one: what becomes of it is the configuration's to say. */
export function isPreset(key: ApiKey): boolean {
  return key.createdBy === null && key.name === PRESET;
}

/**
 * Makes the first workspace with its key, once. A preset key is added whenever it is not known yet, and the one before it is revoked: changing
 * the setting changes the key. Either has all scopes, those too that came after it was made.
 * @returns the id of the workspace
 */
export async function ensureFirstKey(
  store: Store,
  system: System,
  keys: { first: string; preset: string | null },
): Promise<string> {
  const now = system.now();
  const put = (key: ApiKey) => store.commit([{ kind: 'putApiKey', key }]);
  let workspace = await store.firstWorkspace();
  if (workspace === null) {
    workspace = { id: system.newId(), name: 'default', createdAt: now };
    await store.commit([{ kind: 'createWorkspace', workspace }]);
  }
  const wanted = keys.preset === null ? { text: keys.first, name: 'first' } : { text: keys.preset, name: PRESET };
  const digest = digestOf(wanted.text);
  for (const key of await store.listApiKeys(workspace.id)) {
    if (isPreset(key) && key.digest !== digest && key.revokedAt === null)
      await put({ ...key, revokedAt: now, revision: key.revision + 1 });
  }
  const known = await store.findApiKey(digest);
  if (known === null) {
    const about = { id: system.newId(), workspaceId: workspace.id, name: wanted.name, scopes: SCOPES, createdAt: now };
    await put(keyRecord(wanted.text, about));
    return workspace.id;
  }
  // A key that was revoked through the API stays so; only the preset one is what the setting says.
  const revokedAt = keys.preset === null ? known.revokedAt : null;
  const isComplete = SCOPES.every((scope) => known.scopes.includes(scope));
  if (revokedAt !== known.revokedAt || !isComplete)
    await put({ ...known, revokedAt, scopes: SCOPES, revision: known.revision + 1 });
  return workspace.id;
}

/** Whether a key that was never rotated opens anything now. */
export async function isValidKey(store: Store, system: System, key: string): Promise<boolean> {
  const record = await store.findApiKey(digestOf(key));
  return record !== null && keyState(record, system.now()) === 'valid';
}
