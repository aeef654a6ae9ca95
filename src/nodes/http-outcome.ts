import type { FailureCode } from '../domain/failure.ts';
import { HttpClientError } from '../system/http-client.ts';
import { failed, type Outcome } from './node-type.ts';

/** Statuses after which the same request may succeed later (RFC 9110, RFC 6585); 409 is what model providers answer to a lock. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** True when a remote answer says that trying again makes sense. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status) || status >= 500;
}

const FAILURE_OF: Readonly<Record<HttpClientError['reason'], FailureCode>> = {
  address_refused: 'address_refused',
  network: 'network',
  timeout: 'timeout',
  too_large: 'too_large',
  aborted: 'timeout',
};

/** The outcome when no answer could be had. Whatever else went wrong is not this function's to judge and is thrown on. */
export function failedRequest(error: unknown): Outcome {
  const cause = httpClientError(error);
  if (cause === null) throw error;
  const retryable = cause.reason !== 'address_refused' && cause.reason !== 'too_large';
  return failed({ code: FAILURE_OF[cause.reason], message: cause.message }, retryable);
}

/** The client's error, also where a library has wrapped it. */
export function httpClientError(error: unknown): HttpClientError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof HttpClientError) return cause;
  }
  return null;
}

/** An address for messages and logs: without its query, which may carry keys. */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url.split('?')[0]! : `${parsed.origin}${parsed.pathname}`;
}
