import type { HttpClient } from '../system/http-client.ts';

/** Characters of an address: the documented limit of `callback_url`, the longest that browsers used to take. */
const MAX_CALLBACK_URL = 2083;

/** What is wrong with an address to be called back at, for the one who gave it; null when nothing is. */
export function callbackUrlProblem(url: string, http: HttpClient): string | null {
  if (url.length === 0) return 'callback_url is empty. Give an http or https address, or leave it out.';
  if (url.length > MAX_CALLBACK_URL) {
    return `callback_url has ${url.length} characters; at most ${MAX_CALLBACK_URL} are allowed.`;
  }
  const refusal = http.refusal(url);
  return refusal === null ? null : `callback_url cannot be called: ${refusal}`;
}
