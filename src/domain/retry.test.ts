import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FAILURE_CODES, type Failure } from './failure.ts';
import { isTriedAgain, type RetryPolicy, readRetryCause, retryAfterMs, retryDelay } from './retry.ts';

const RUNS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 20_000 : 500;

const NOW = Date.UTC(2025, 0, 15);

it.each([
  ['120', 120_000],
  ['0.5', 500],
  ['0', 0],
  ['-5', 0],
  ['Wed, 15 Jan 2025 00:01:00 GMT', 60_000],
  ['Tue, 14 Jan 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [undefined, undefined],
])('a Retry-After header of %j means a wait of %j milliseconds', (header, expected) => {
  expect(retryAfterMs(header, NOW)).toBe(expected);
});

const NONE: RetryPolicy = { retries: 3, delayMs: 1_000, factor: 2, maxDelayMs: 10_000 };

it.each<[string, Partial<RetryPolicy>, number[]]>([
  ['exponential waits', { jitter: false }, [1_000, 2_000, 4_000, 8_000, 10_000]],
  ['fixed waits', { jitter: false, factor: 1 }, [1_000, 1_000, 1_000, 1_000, 1_000]],
  ['exponential waits with jitter, in the middle', {}, [750, 1_500, 3_000, 6_000, 7_500]],
  ['no waits', { jitter: false, delayMs: 0 }, [0, 0, 0, 0, 0]],
])('%s are as long as they say', (_, set, expected) => {
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelay({ ...NONE, ...set }, attempt, 0.5))).toEqual(expected);
});

it('a wait is between half of its step and the step, never longer than the longest, and no shorter than the one before when chance is the same', () => {
  const policy = fc.record({
    retries: fc.nat(100),
    delayMs: fc.nat(86_400_000),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    maxDelayMs: fc.nat(86_400_000),
    jitter: fc.boolean(),
  });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(policy, fc.integer({ min: 1, max: 100 }), chance, (given, attempt, random) => {
      const step = retryDelay({ ...given, jitter: false }, attempt, random);
      const wait = retryDelay(given, attempt, random);
      expect(Number.isInteger(wait)).toBe(true);
      expect(wait).toBeLessThanOrEqual(given.maxDelayMs);
      expect(wait).toBeLessThanOrEqual(step);
      expect(wait).toBeGreaterThanOrEqual(given.jitter ? Math.floor(step / 2) : step);
      expect(retryDelay(given, attempt + 1, random)).toBeGreaterThanOrEqual(wait);
    }),
    { numRuns: RUNS },
  );
});

it.each<[string | number, Partial<Failure>, boolean]>([
  ['timeout', { code: 'timeout' }, true],
  ['timeout', { code: 'network' }, false],
  [429, { code: 'http_status', httpStatus: 429 }, true],
  ['429', { code: 'provider', httpStatus: 429 }, true],
  [429, { code: 'http_status', httpStatus: 428 }, false],
  ['5xx', { code: 'http_status', httpStatus: 599 }, true],
  ['5XX', { code: 'http_status', httpStatus: 499 }, false],
  ['50x', { code: 'http_status', httpStatus: 509 }, true],
  ['50x', { code: 'http_status', httpStatus: 510 }, false],
  ['http_status', { code: 'http_status', httpStatus: 404 }, true],
  [500, { code: 'internal' }, false],
])('a list of %j alone tries again a failure %j: %s, whatever its node says', (cause, failure, expected) => {
  const policy = { ...NONE, on: [readRetryCause(cause)!] };
  for (const retryable of [true, false]) {
    expect(isTriedAgain(policy, { code: 'internal', message: '', ...failure }, retryable)).toBe(expected);
    expect(isTriedAgain(NONE, { code: 'internal', message: '', ...failure }, retryable)).toBe(retryable);
  }
});

it('a cause is a failure code, an HTTP status or a family of them, and nothing else', () => {
  for (const code of FAILURE_CODES) expect(readRetryCause(code)).toEqual({ code });
  for (const wrong of ['', 'time_out', '99', '600', '5x0', 'x5x', '5', 4.5, 99, 600, null, true, [], {}]) {
    expect(readRetryCause(wrong as string)).toBeNull();
  }
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
      expect(readRetryCause(status)).toEqual({ least: status, most: status });
    }),
  );
});
