import { FAILURE_CODES, type Failure, type FailureCode } from './failure.ts';
import type { JsonValue } from './json.ts';

/** A kind of failure, or HTTP statuses from `least` to `most`. */
export type RetryCause = { readonly code: FailureCode } | { readonly least: number; readonly most: number };

/** How failed attempts are repeated. Times are milliseconds. */
export interface RetryPolicy {
  /** Tries after the first; 0: none. */
  readonly retries: number;
  readonly delayMs: number;
  /** Each wait is this many times the one before. */
  readonly factor: number;
  readonly maxDelayMs: number;
  /** False: each wait is exactly its step. */
  readonly jitter?: boolean;
  /** Only failures of these causes are tried again, and all of them are; without it those that the node says may pass. */
  readonly on?: readonly RetryCause[];
}

/**
 * Milliseconds to wait before try number `attempt + 1`, after `attempt` tries failed. A step is `factor` times the one before, up to the longest; with "equal
 * jitter" the wait is between half of the step and the whole step, so that many runs that failed together do not come back together (AWS,
 * "Exponential Backoff And Jitter").
 * @param random a number in [0, 1), given so that tests hold it still.
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const step = Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (attempt - 1));
  return Math.round(policy.jitter === false ? step : step / 2 + (step / 2) * random);
}

/**
 * Whether a failure is worth another try, if there is one left.
 * @param retryable what the node says of it
 */
export function isTriedAgain(policy: RetryPolicy, failure: Failure, retryable: boolean): boolean {
  if (policy.on === undefined) return retryable;
  const { code, httpStatus = Number.NaN } = failure;
  return policy.on.some((cause) =>
    'code' in cause ? cause.code === code : cause.least <= httpStatus && httpStatus <= cause.most,
  );
}

/** Reads a failure code, an HTTP status from 100 to 599, or a family of them ("5xx", "50x"); null: it is none of these. */
export function readRetryCause(given: JsonValue): RetryCause | null {
  const text = typeof given === 'number' ? String(given) : typeof given === 'string' ? given.trim().toLowerCase() : '';
  if (/^[1-5](\d\d|\dx|xx)$/.test(text)) {
    return { least: Number(text.replaceAll('x', '0')), most: Number(text.replaceAll('x', '9')) };
  }
  const code = FAILURE_CODES.find((known) => known === text);
  return code === undefined ? null : { code };
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
