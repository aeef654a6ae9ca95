import { expect, it } from 'vitest';
import { retryAfterMs } from './retry.ts';

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
