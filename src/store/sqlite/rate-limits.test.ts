import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimits } from './rate-limits.ts';

const limit = fc.integer({ min: 1, max: 100_000 });
const gaps = fc.array(fc.double({ min: 0, max: 90_000, noNaN: true }), { maxLength: 200 });

describe('a rate limit', () => {
  it('lets a minute of requests through at once, then one whenever its share of a minute has passed', () => {
    const limits = new RateLimits();
    const take = (at: number) => limits.take('key', 6, at);
    expect(Array.from({ length: 6 }, () => take(0))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(take(0)).toBe(10_000);
    expect(take(4000)).toBe(6000);
    expect(take(10_000)).toBe(0);
    expect(take(10_000)).toBe(10_000);
  });

  it('counts each key for itself', () => {
    const limits = new RateLimits();
    expect([limits.take('a', 1, 0), limits.take('b', 1, 0), limits.take('a', 1, 0)]).toEqual([0, 0, 60_000]);
  });

  it('is full again after a minute without requests, and no fuller', () => {
    const limits = new RateLimits();
    for (const start of [0, 60_000, 10_000_000]) {
      const taken = Array.from({ length: 50 }, () => limits.take('key', 40, start));
      expect(taken.filter((wait) => wait === 0)).toHaveLength(40);
    }
  });

  it('agrees with a bucket that is counted drop by drop', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), gaps, (perMinute, waits) => {
        const limits = new RateLimits();
        let tokens = perMinute;
        let now = 0;
        for (const gap of waits) {
          now += gap;
          tokens = Math.min(perMinute, tokens + (gap * perMinute) / 60_000);
          // Where the two round differently, either answer is right.
          if (Math.abs(tokens - 1) < 1e-6) return;
          const taken = limits.take('key', perMinute, now) === 0;
          expect(taken).toBe(tokens >= 1);
          if (taken) tokens -= 1;
        }
      }),
    );
  });

  it('takes the request of whoever waited as long as told', () => {
    fc.assert(
      fc.property(limit, gaps, (perMinute, waits) => {
        const limits = new RateLimits();
        let now = 0;
        for (const gap of [...waits, 0, 0, 0]) {
          now += gap;
          const wait = limits.take('key', perMinute, now);
          if (wait === 0) continue;
          now += Math.ceil(wait / 1000) * 1000;
          expect(limits.take('key', perMinute, now)).toBe(0);
        }
      }),
    );
  });
});
