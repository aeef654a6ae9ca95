import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { ApiKey, Scope } from '../domain/caller.ts';

/** Characters of a key that are kept readable, so that people can tell their keys apart: of a new key, 28 of its 256 bits. */
const PREFIX_LENGTH = 10;

/** Keys begin so: a leaked one is recognised, in logs and by scanners. Letters, digits and underscores only: an official client refuses others. */
const KEY_MARK = 'mr_';

const KEY_BYTES = 32;

/**
 * What a key is kept and looked up by: SHA-256, hex.
 *
 * A lookup by digest needs no comparison in constant time. How long it takes could tell at most how far the digest of a guess agrees with a stored
 * one, and nobody can choose the digest of a guess without trying as many of them. It needs no slow hash either, since new keys are 256 random bits.
 */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The text of a new key. */
export function newKeyText(): string {
  return KEY_MARK + randomBytes(KEY_BYTES).toString('hex');
}

/** The key of the first start. It follows from the secret, so that it can be shown again without being stored. */
export function firstKey(secret: Buffer): string {
  return KEY_MARK + createHmac('sha256', secret).update('first api key').digest('hex');
}

/** What follows from the text of a key. */
export function traceOf(key: string): Pick<ApiKey, 'digest' | 'prefix'> {
  return { digest: digestOf(key), prefix: key.slice(0, PREFIX_LENGTH) };
}

/** The record of a new key with these rights. What is left out does not bound it. */
export function keyRecord(
  key: string,
  about: Pick<ApiKey, 'id' | 'workspaceId' | 'name' | 'createdAt'> & { readonly scopes: readonly Scope[] } & Partial<
      Pick<ApiKey, 'createdBy' | 'expiresAt' | 'rateLimit'>
    >,
): ApiKey {
  return {
    createdBy: null,
    expiresAt: null,
    rateLimit: null,
    ...about,
    ...traceOf(key),
    former: null,
    lastUsedAt: null,
    revokedAt: null,
    revision: 1,
  };
}
