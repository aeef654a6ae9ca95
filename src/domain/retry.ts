/** How failed attempts are repeated. Times are milliseconds. */
export interface RetryPolicy {
  /** Tries after the first; 0: none. */
  readonly retries: number;
  readonly delayMs: number;
  /** Each wait is this many times the one before. */
  readonly factor: number;
  readonly maxDelayMs: number;
}

/**
 * Milliseconds to wait before try number `attempt + 1`, after `attempt` tries failed. Exponential with "equal jitter": between half of the
 * step and the whole step, so that many runs that failed together do not come back together (AWS, "Exponential Backoff And Jitter").
 * @param random a number in [0, 1), given so that tests hold it still.
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const step = Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (attempt - 1));
  return Math.round(step / 2 + (step / 2) * random);
}

/**
 * The wait that a `Retry-After` header asks for (RFC 9110 10.2.3: seconds, or a date), in milliseconds.
 * @param now epoch milliseconds
 */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, Math.round(seconds * 1_000));
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
