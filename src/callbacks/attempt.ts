import type { Delivery } from '../domain/callback.ts';
import { retryAfterMs } from '../domain/retry.ts';
import { type HttpClient, HttpClientError } from '../system/http-client.ts';
import type { AttemptResult } from './schedule.ts';
import { type SigningKeys, signedHeaders } from './signing.ts';

/** Characters of an answer that are kept: enough for a receiver's error message, too few to make the store a copy of its pages. */
const RESPONSE_CHARACTERS = 1_000;

/** Bytes of an answer that are read: as many characters take at most, in UTF-8. */
const RESPONSE_BYTES = 4 * RESPONSE_CHARACTERS;

export interface AttemptOptions {
  readonly http: HttpClient;
  readonly userAgent: string;
  readonly keys: SigningKeys;
  /** Epoch milliseconds at which the try begins. */
  readonly at: number;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The header that hands on the trace of the run (W3C Trace Context); null: it has none. */
  readonly traceparent: string | null;
}

/**
 * Posts a delivery once, signed in the way of its API. Whatever goes wrong is a result.
 *
 * The status is all that counts: an answer that is too long or never ends does not undo that the receiver took the delivery.
 */
export async function attemptDelivery(delivery: Delivery, options: AttemptOptions): Promise<AttemptResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  try {
    // Not `request`: that one answers nothing at all when a body is too long.
    const answer = await options.http.fetch(delivery.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': options.userAgent,
        ...(options.traceparent === null ? {} : { traceparent: options.traceparent }),
        ...signedHeaders(delivery, options.at, options.keys),
      },
      body: delivery.body,
      redirect: 'manual',
      signal: AbortSignal.any([timeout, options.signal]),
    });
    return {
      httpStatus: answer.status,
      error: isRedirect(answer.status) ? 'The address redirects, which is not followed. Give the final address.' : null,
      response: await firstCharacters(answer),
      retryAfterMs: retryAfterMs(answer.headers.get('retry-after'), options.at),
    };
  } catch (error) {
    const message = timeout.aborted ? `No answer within ${options.timeoutMs / 1000} s.` : whyNoAnswer(error);
    return { httpStatus: null, error: message, response: null, retryAfterMs: undefined };
  }
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** What the answer says first; null when it says nothing, or breaks off before. */
async function firstCharacters(answer: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body ?? []) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= RESPONSE_BYTES) break;
    }
  } catch {
    // Cut off or out of time: what came so far is kept.
  }
  // PostgreSQL's text holds neither NUL nor half a surrogate pair.
  const text = Buffer.concat(chunks).toString('utf8').replaceAll('\0', '\uFFFD');
  return text === '' ? null : text.slice(0, RESPONSE_CHARACTERS).toWellFormed();
}

function whyNoAnswer(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof HttpClientError ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
