import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import { PlatformError } from '../domain/error.ts';
import type { System } from '../system/system.ts';
import type { Access } from './access.ts';
import { digestOf } from './key-record.ts';

/** How long a session lasts that nobody uses. */
export const SESSION_MS = 30 * 86_400_000;

/** A session that is used is prolonged once it is so old: not with every request, each of which would then set a cookie. */
const RENEWED_AFTER_MS = 86_400_000;

/** The first byte of a seal: how the rest is read. */
const FORM = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Who is signed in, and until when (epoch milliseconds). */
export interface Session {
  readonly caller: Caller;
  readonly expiresAt: number;
  /** The seal that takes the place of the one that was given; null: that one stays. */
  readonly renewed: string | null;
}

/**
 * Sessions that are kept by those who hold them: a seal carries the digest of the key that was signed in with and the time it ends, encrypted and
 * authenticated (AES-256-GCM) with a key that is derived from the installation's secret. Nothing of it is stored, and what the digest opens is
 * looked up with each request, so that a key that is revoked ends its sessions at once.
 */
export class Sessions {
  readonly #access: Access;
  readonly #system: System;
  readonly #key: Buffer;

  /** @param parts `secret`: the installation's */
  constructor(parts: { access: Access; system: System; secret: Buffer }) {
    this.#access = parts.access;
    this.#system = parts.system;
    this.#key = Buffer.from(hkdfSync('sha256', parts.secret, '', 'millrun explorer session', 32));
  }

  /** Signs in with a key. @throws PlatformError `unauthenticated` */
  async open(key: string): Promise<Session & { readonly renewed: string }> {
    const caller = await this.#access.callerOf(key, 'Paste an API key; `millrun keys` makes one.');
    const expiresAt = this.#system.now() + SESSION_MS;
    return { caller, expiresAt, renewed: this.#seal(digestOf(key), expiresAt) };
  }

  /** @throws PlatformError `unauthenticated` without a seal, or with one that opens nothing (any more) */
  async callerOf(seal: string | undefined): Promise<Session> {
    if (seal === undefined || seal === '') throw new PlatformError('unauthenticated', `You are not signed in. ${HOW}`);
    const opened = this.#open(seal);
    const now = this.#system.now();
    if (opened === null || opened.expiresAt <= now) {
      throw new PlatformError('unauthenticated', `The session has ended. ${HOW}`);
    }
    const caller = await this.#access.callerOfDigest(opened.digest);
    const isOld = opened.expiresAt - now < SESSION_MS - RENEWED_AFTER_MS;
    const expiresAt = isOld ? now + SESSION_MS : opened.expiresAt;
    return { caller, expiresAt, renewed: isOld ? this.#seal(opened.digest, expiresAt) : null };
  }

  #seal(digest: string, expiresAt: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    const text = Buffer.concat([cipher.update(JSON.stringify([digest, expiresAt]), 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.from([FORM]), iv, cipher.getAuthTag(), text]).toString('base64url');
  }

  /** Null for what this server did not seal. */
  #open(seal: string): { digest: string; expiresAt: number } | null {
    const bytes = Buffer.from(seal, 'base64url');
    if (bytes[0] !== FORM || bytes.length <= 1 + IV_BYTES + TAG_BYTES) return null;
    const iv = bytes.subarray(1, 1 + IV_BYTES);
    const tag = bytes.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES);
    try {
      const cipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: TAG_BYTES }).setAuthTag(tag);
      const text = Buffer.concat([cipher.update(bytes.subarray(1 + IV_BYTES + TAG_BYTES)), cipher.final()]);
      const [digest, expiresAt] = JSON.parse(text.toString('utf8')) as [string, number];
      return { digest, expiresAt };
    } catch {
      return null;
    }
  }
}

const HOW = 'Sign in with an API key.';
