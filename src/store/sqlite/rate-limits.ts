const MINUTE_MS = 60_000;

/** Milliseconds by which sums of fractions may miss a whole number: far more than they do, far less than anyone waits. */
const ROUNDING_MS = 0.001;

/**
 * How often each key may ask: a bucket that holds a minute's requests, full at first, into which one drops every `60 / limit` seconds.
 *
 * Kept as one number a key, the time at which its bucket will be full again (the generic cell rate algorithm, ITU-T I.371): what drops in needs no
 * timer. In memory: a restart fills the buckets.
 */
export class RateLimits {
  readonly #fullAt = new Map<string, number>();

  /**
   * Takes a request out of a key's bucket.
   * @param perMinute the key's limit
   * @param elapsed milliseconds by a clock that only goes forward
   * @returns 0, or the milliseconds after which the next request is taken; refused ones cost nothing
   */
  take(keyId: string, perMinute: number, elapsed: number): number {
    const interval = MINUTE_MS / perMinute;
    const fullAt = Math.max(this.#fullAt.get(keyId) ?? 0, elapsed) + interval;
    const wait = fullAt - elapsed - MINUTE_MS;
    if (wait > ROUNDING_MS) return wait;
    this.#fullAt.set(keyId, fullAt);
    return 0;
  }
}
