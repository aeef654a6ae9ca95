import { expect, it } from 'vitest';
import { HttpClientError } from '../system/http-client.ts';
import { failedRequest, httpClientError, isRetryableStatus, shownUrl } from './http-outcome.ts';

it('tries again after answers that may change', () => {
  expect([408, 409, 425, 429, 500, 503, 599].every(isRetryableStatus)).toBe(true);
  expect([200, 302, 400, 401, 403, 404, 422].some(isRetryableStatus)).toBe(false);
});

it('tells refusals, which stay, from failures that may pass', () => {
  const outcome = (reason: HttpClientError['reason']) => failedRequest(new HttpClientError(reason, 'why'));
  expect(outcome('address_refused')).toMatchObject({
    retryable: false,
    failure: { code: 'address_refused', message: 'why' },
  });
  expect(outcome('too_large')).toMatchObject({ retryable: false, failure: { code: 'too_large' } });
  expect(outcome('network')).toMatchObject({ retryable: true, failure: { code: 'network' } });
  expect(outcome('timeout')).toMatchObject({ retryable: true, failure: { code: 'timeout' } });
  expect(() => failedRequest(new RangeError('a mistake of ours'))).toThrow('a mistake of ours');
});

it('finds the client’s error where libraries have wrapped it', () => {
  const error = new HttpClientError('network', 'why');
  expect(httpClientError(new Error('a', { cause: new TypeError('b', { cause: error }) }))).toBe(error);
  expect(httpClientError(new Error('a', { cause: 'text' }))).toBeNull();
});

it('shows addresses without what may be secret', () => {
  expect(shownUrl('https://user:pw@example.com/a?key=secret#part')).toBe('https://example.com/a');
  expect(shownUrl('nonsense?key=secret')).toBe('nonsense');
});
