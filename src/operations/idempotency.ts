import type { Caller } from '../domain/caller.ts';
import { invalid, PlatformError } from '../domain/error.ts';
import type { IdempotentRequest } from '../domain/idempotent-request.ts';
import type { Hold, Store } from '../store/store.ts';
import type { System } from '../system/system.ts';

/** Milliseconds that an answer is kept: a sender that gives up and comes back the next day still gets it. */
const KEPT_MS = 24 * 3_600_000;

/** Characters of a key at most: the limit of other APIs that take such keys. */
const MAX_KEY_LENGTH = 255;

/** Milliseconds that other processes take a request for being worked on after its process was last heard of: what a dead one costs its sender. */
const HOLD_MS = 30_000;

/** Three times before another process would take a request over. */
const RENEW_MS = HOLD_MS / 3;

/** Seconds after which a sender whose first request is still worked on may ask again. */
const BUSY_RETRY_S = 1;

/** What is to become of a request with a key. */
export type Beginning =
  | { readonly kind: 'replay'; readonly status: number; readonly body: string }
  /** `isRepeat`: a process died over the same request; what it made carries `requestId`, and is not made again. */
  | { readonly kind: 'go'; readonly request: IdempotentRequest; readonly isRepeat: boolean };

/** Gives a request that is repeated the answer that it had. */
export class Idempotency {
  readonly #store: Store;
  readonly #system: System;
  /** Requests that this process works on, by workspace and key. */
  readonly #busy = new Map<string, Hold>();
  #renewing: NodeJS.Timeout | undefined;

  constructor(parts: { store: Store; system: System }) {
    this.#store = parts.store;
    this.#system = parts.system;
  }

  /**
   * @param digest of method, address and body
   * @throws PlatformError `invalid` for a key that cannot be one; `conflict` for one that came with another request, or whose first request is
   *   still worked on
   */
  async begin(caller: Caller, key: string, digest: string, requestId: string): Promise<Beginning> {
    if (key === '' || key.length > MAX_KEY_LENGTH) {
      const message = `Idempotency-Key has ${key.length} characters; 1 to ${MAX_KEY_LENGTH} are allowed.`;
      throw invalid([{ at: ['header', 'idempotency-key'], message, type: 'length' }]);
    }
    const { workspaceId } = caller;
    const now = this.#system.now();
    const name = nameOf({ workspaceId, key });
    if (this.#busy.has(name)) throw stillBusy(key);
    this.#busy.set(name, { workspaceId, name: `request ${key}` });
    try {
      if (!(await this.#store.hold({ workspaceId, name: `request ${key}` }, HOLD_MS))) throw stillBusy(key);
      this.#renew();
      const request = { workspaceId, key, digest, requestId, answer: null, createdAt: now };
      const keepFrom = now - KEPT_MS;
      if ((await this.#store.commit([{ kind: 'claimRequest', request, keepFrom }])) === 'kept') {
        return { kind: 'go', request, isRepeat: false };
      }
      const first = await this.#store.getIdempotentRequest(workspaceId, key);
      if (first === null) throw stillBusy(key);
      if (first.digest !== digest) {
        throw new PlatformError(
          'conflict',
          `The Idempotency-Key "${key}" came with another request before. Use a new key for a new request.`,
        );
      }
      if (first.answer === null) return { kind: 'go', request: first, isRepeat: true };
      await this.#letGo(name);
      return { kind: 'replay', ...first.answer };
    } catch (error) {
      await this.#letGo(name);
      throw error;
    }
  }

  /** Has other processes know that this one is still at work, for as long as it has any request in hand. */
  #renew(): void {
    this.#renewing ??= setInterval(() => {
      // One that could not be renewed is held for some time still; the next round comes before it ends.
      for (const hold of this.#busy.values()) this.#store.hold(hold, HOLD_MS).catch(() => undefined);
    }, RENEW_MS).unref();
  }

  async #letGo(name: string): Promise<void> {
    const hold = this.#busy.get(name);
    this.#busy.delete(name);
    if (this.#busy.size === 0) {
      clearInterval(this.#renewing);
      this.#renewing = undefined;
    }
    // What is not let go ends by itself, and the answer is worth more.
    if (hold !== undefined) await this.#store.letGo(hold).catch(() => undefined);
  }

  /** Keeps the answer of a request that was begun; one that failed is forgotten, so that it can be tried again. */
  async end(request: IdempotentRequest, answer: { readonly status: number; readonly body: string }): Promise<void> {
    try {
      if (answer.status < 300) await this.#store.commit([{ kind: 'answerRequest', request: { ...request, answer } }]);
      else await this.#store.commit([{ kind: 'forgetRequest', workspaceId: request.workspaceId, key: request.key }]);
    } finally {
      await this.#letGo(nameOf(request));
    }
  }
}

const nameOf = ({ workspaceId, key }: { workspaceId: string; key: string }): string => `${workspaceId} ${key}`;

function stillBusy(key: string): PlatformError {
  const message = `The first request with the Idempotency-Key "${key}" is still worked on. Ask again in a moment.`;
  return new PlatformError('conflict', message, { retryAfter: BUSY_RETRY_S });
}
