import { type ApiKey, type Caller, keyState, SCOPE_ALIASES, SCOPES, type Scope } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import { nearest } from '../domain/nearest.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { demand, isPreset } from './access.ts';
import { keyRecord, newKeyText, traceOf } from './key-record.ts';

/** A key to be made, within the limits below. */
export interface NewKey {
  readonly name: string;
  /** Scopes, or what Runflow calls them (`SCOPE_ALIASES`). */
  readonly scopes: readonly string[];
  /** Epoch milliseconds; null: it lasts until it is revoked. */
  readonly expiresAt: number | null;
  /** Requests a minute; null: no limit. */
  readonly rateLimit: number | null;
}

/** A key with its text, which is shown this once. */
export interface ShownKey {
  readonly key: ApiKey;
  readonly text: string;
}

/** Characters of a key's name. */
export const MAX_KEY_NAME = 255;

/** Requests a minute that a rate limit may allow at most: far more than one process answers. */
export const MAX_RATE_LIMIT = 1_000_000;

/** Milliseconds for which a former text may be taken after a rotation: 30 days, the longest that anybody takes to change all who use it. */
export const MAX_GRACE_MS = 30 * 86_400_000;

/** What to do about the preset key, which would be there again at the next start. */
const PRESET_ADVICE = 'It is what the setting apiKey says (MILLRUN_API_KEY): change the setting and start again.';

/** Tries of a change that other changes of the same key get in the way of. */
const CHANGE_TRIES = 5;

/** Scopes by every word for them. */
const SCOPE_BY_WORD: ReadonlyMap<string, Scope> = new Map([
  ...SCOPES.map((scope) => [scope, scope] as const),
  ...Object.entries(SCOPE_ALIASES),
]);

/** Makes, shows, rotates and revokes the keys of a workspace, for callers with the scope `admin`. */
export class Keys {
  readonly #store: Store;
  readonly #system: System;
  readonly #log: Log;

  constructor(parts: { store: Store; system: System; log: Log }) {
    this.#store = parts.store;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /**
   * Makes a key for the caller's workspace.
   * @throws PlatformError `invalid` with every mistake; `forbidden` for a scope that the caller lacks itself
   */
  async create(caller: Caller, wanted: NewKey): Promise<ShownKey> {
    demand(caller, 'admin');
    const now = this.#system.now();
    const { scopes, problems } = readScopes(wanted.scopes);
    if (wanted.name.trim() === '') {
      const message = 'The name is empty. Say what the key is for: people tell keys apart by their names.';
      problems.push({ at: ['body', 'name'], message, type: 'missing' });
    }
    if (wanted.expiresAt !== null && wanted.expiresAt <= now) {
      const given = new Date(wanted.expiresAt).toISOString();
      const message = `The key would expire at ${given}, which has passed. Give a later time, or none for a key that lasts until it is revoked.`;
      problems.push({ at: ['body', 'expires_at'], message, type: 'past' });
    }
    if (problems.length > 0) throw invalid(problems);
    refuseMore(caller, scopes, 'give them to another');
    const text = newKeyText();
    const key = keyRecord(text, {
      id: this.#system.newId(),
      workspaceId: caller.workspaceId,
      name: wanted.name.trim(),
      scopes,
      createdAt: now,
      createdBy: caller.keyId,
      expiresAt: wanted.expiresAt,
      rateLimit: wanted.rateLimit,
    });
    await this.#store.commit([{ kind: 'putApiKey', key }]);
    this.#log.info({ keyId: key.id, prefix: key.prefix, by: caller.keyId }, 'an API key was made');
    return { key, text };
  }

  /** Oldest first. Without `ended`, only keys that open something. */
  async list(caller: Caller, options: { ended: boolean }): Promise<ApiKey[]> {
    demand(caller, 'admin');
    const keys = await this.#store.listApiKeys(caller.workspaceId);
    return options.ended ? keys : keys.filter((key) => keyState(key, this.#system.now()) === 'valid');
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, keyId: string): Promise<ApiKey> {
    demand(caller, 'admin');
    const key = await this.#store.getApiKey(caller.workspaceId, keyId);
    if (key === null) throw notFound('API key', keyId);
    return key;
  }

  /** The name of a key of the caller's workspace, for whoever sees what was done with it; null: there is none. */
  async nameOf(caller: Caller, keyId: string): Promise<string | null> {
    return (await this.#store.getApiKey(caller.workspaceId, keyId))?.name ?? null;
  }

  /**
   * Gives a key a new text. The one before is taken for `graceMs` more, so that what uses it can be changed without a gap; a text before that one
   * ends at once.
   * @throws PlatformError `not_found`; `conflict` for a key that has ended, or whose text the platform does not choose; `forbidden` when the
   * key has scopes that the caller lacks, who would gain them with the new text
   */
  async rotate(caller: Caller, keyId: string, options: { graceMs: number }): Promise<ShownKey> {
    const text = newKeyText();
    const key = await this.#change(caller, keyId, (before) => {
      refuseMore(caller, before.scopes, 'hold the new text of a key that has them');
      if (before.createdBy === null) {
        const advice = isPreset(before)
          ? PRESET_ADVICE
          : 'It follows from the secret of the data folder: make another key and revoke this one.';
        throw new PlatformError('conflict', `The key "${before.name}" cannot be rotated. ${advice}`);
      }
      const now = this.#system.now();
      const state = keyState(before, now);
      if (state !== 'valid') {
        throw new PlatformError(
          'conflict',
          `The key "${before.name}" is ${state} and cannot be rotated. Make a new one.`,
        );
      }
      const { graceMs } = options;
      const former = graceMs > 0 ? { digest: before.digest, validUntil: now + graceMs } : null;
      return { ...before, ...traceOf(text), former };
    });
    this.#log.info({ keyId, prefix: key.prefix, by: caller.keyId }, 'an API key was rotated');
    return { key, text };
  }

  /**
   * Ends a key for good; one that was revoked stays as it is.
   * @throws PlatformError `not_found`; `conflict` for the preset key, and without `force` for the last key that can make others
   */
  async revoke(caller: Caller, keyId: string, options: { force: boolean }): Promise<ApiKey> {
    const key = await this.#change(caller, keyId, async (before) => {
      if (before.revokedAt !== null) return before;
      if (isPreset(before)) {
        throw new PlatformError('conflict', `The key "${before.name}" cannot be revoked. ${PRESET_ADVICE}`);
      }
      // Whoever revokes a key has a key with the scope admin: the last of them can be lost by its own hand alone.
      if (before.id === caller.keyId && !options.force) await this.#refuseLast(before);
      return { ...before, former: null, revokedAt: this.#system.now() };
    });
    this.#log.info({ keyId, prefix: key.prefix, by: caller.keyId }, 'an API key was revoked');
    return key;
  }

  /** @throws PlatformError `conflict` when no other key has the scope `admin` */
  async #refuseLast(key: ApiKey): Promise<void> {
    const now = this.#system.now();
    const others = (await this.#store.listApiKeys(key.workspaceId)).filter(
      (other) => other.id !== key.id && other.scopes.includes('admin') && keyState(other, now) === 'valid',
    );
    if (others.length > 0) return;
    const message = `The key "${key.name}" is the last one with the scope admin: without it nobody can make or revoke keys here. Make another first, or force it (force=true).`;
    throw new PlatformError('conflict', message);
  }

  async #change(caller: Caller, keyId: string, next: (before: ApiKey) => ApiKey | Promise<ApiKey>): Promise<ApiKey> {
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const before = await this.get(caller, keyId);
      const changed = await next(before);
      if (changed === before) return before;
      const key = { ...changed, revision: before.revision + 1 };
      if ((await this.#store.commit([{ kind: 'putApiKey', key }])) === 'kept') return key;
    }
    throw new PlatformError('conflict', `The key ${keyId} is being changed by others. Look at it and try again.`);
  }
}

/** Scopes by their words, each once and in the order of the list of scopes, with a problem for every word that is none. */
function readScopes(words: readonly string[]): { scopes: Scope[]; problems: Problem[] } {
  const problems: Problem[] = words.flatMap((word, index) => {
    if (SCOPE_BY_WORD.has(word)) return [];
    const guess = nearest(word, SCOPE_BY_WORD.keys());
    const advice =
      guess === undefined ? `There are ${[...SCOPE_BY_WORD.keys()].join(', ')}.` : `Did you mean "${guess}"?`;
    const message = `There is no scope ${JSON.stringify(word.slice(0, 80))}. ${advice}`;
    return [{ at: ['body', 'scopes', index], message, type: 'unknown_scope' }];
  });
  if (words.length === 0) {
    const message = `A key without scopes opens nothing. Give at least one of ${SCOPES.join(', ')}.`;
    problems.push({ at: ['body', 'scopes'], message, type: 'missing' });
  }
  const wanted = new Set(words.map((word) => SCOPE_BY_WORD.get(word)));
  return { scopes: SCOPES.filter((scope) => wanted.has(scope)), problems };
}

/** @throws PlatformError `forbidden` when there are scopes that the caller lacks */
function refuseMore(caller: Caller, scopes: readonly Scope[], what: string): void {
  const lacking = scopes.filter((scope) => !caller.scopes.has(scope));
  if (lacking.length === 0) return;
  const message = `The key "${caller.keyName}" lacks ${lacking.join(', ')} and cannot ${what}. Use a key that has them.`;
  throw new PlatformError('forbidden', message);
}
