import type { Delivery } from '../domain/callback.ts';
import { type RetryPolicy, retryDelay } from '../domain/retry.ts';

const HOUR_MS = 3_600_000;

/**
 * When a delivery is tried again: after some 5 s, 25 s, 2 min, 10 min, 50 min, 4 h, and then every 6 h. Ten attempts take 12 to 23 hours, so that
 * a receiver that is down overnight still hears of everything (Standard Webhooks, "Deliverability and reliability").
 */
export const DELIVERY_RETRY: RetryPolicy = { retries: 9, delayMs: 5_000, factor: 5, maxDelayMs: 6 * HOUR_MS };

/** The receiver says that it wants nothing more at this address (Standard Webhooks). */
const GONE = 410;

/** What came of one try. */
export interface AttemptResult {
  /** Null when no answer came. */
  readonly httpStatus: number | null;
  /** Why there is no answer, or why the one that came does not count. */
  readonly error: string | null;
  /** The first characters of the answer's body. */
  readonly response: string | null;
  /** Milliseconds that the receiver asks to be left alone for. */
  readonly retryAfterMs: number | undefined;
}

/**
 * The delivery after one more try.
 * @param now epoch milliseconds at which the try ended
 * @param random a number in [0, 1)
 */
export function afterAttempt(delivery: Delivery, result: AttemptResult, now: number, random: number): Delivery {
  const attemptCount = delivery.attemptCount + 1;
  const { httpStatus } = result;
  if (httpStatus !== null && httpStatus >= 200 && httpStatus < 300) {
    return { ...delivery, attemptCount, status: 'delivered', nextAttemptAt: null, finishedAt: now };
  }
  if (httpStatus === GONE || attemptCount >= delivery.maxAttempts) {
    return { ...delivery, attemptCount, status: 'failed', nextAttemptAt: null, finishedAt: now };
  }
  // A receiver may ask for more patience, though not for so much that the attempts left would never be made.
  const asked = Math.min(result.retryAfterMs ?? 0, DELIVERY_RETRY.maxDelayMs);
  const delay = Math.max(retryDelay(DELIVERY_RETRY, attemptCount, random), asked);
  return { ...delivery, attemptCount, nextAttemptAt: now + delay };
}
