import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../domain/callback.ts';
import { type AttemptResult, afterAttempt, DELIVERY_RETRY } from './schedule.ts';

const NOW = Date.UTC(2025, 0, 15);

const fresh: Delivery = {
  id: 'd',
  workspaceId: 'w',
  subject: 'run',
  subjectId: 'r',
  dialect: 'noxus',
  isAutomatic: true,
  requestId: null,
  signingSecretId: null,
  url: 'https://example.com/hook',
  body: '{}',
  status: 'pending',
  attemptCount: 0,
  maxAttempts: DELIVERY_RETRY.retries + 1,
  nextAttemptAt: NOW,
  createdAt: NOW,
  finishedAt: null,
};

const answer = (httpStatus: number | null, retryAfter?: number): AttemptResult => ({
  httpStatus,
  error: null,
  response: null,
  retryAfterMs: retryAfter,
});

test.each([200, 201, 204, 299])('an answer of %i ends a delivery as delivered', (status) => {
  expect(afterAttempt(fresh, answer(status), NOW, 0)).toMatchObject({
    status: 'delivered',
    attemptCount: 1,
    nextAttemptAt: null,
    finishedAt: NOW,
  });
});

test('an answer of 410 ends a delivery as failed', () => {
  expect(afterAttempt(fresh, answer(410), NOW, 0)).toMatchObject({
    status: 'failed',
    attemptCount: 1,
    nextAttemptAt: null,
    finishedAt: NOW,
  });
});

test.each([null, 199, 301, 400, 404, 429, 500, 503])('an answer of %s is followed by another try', (status) => {
  expect(afterAttempt(fresh, answer(status), NOW, 0)).toMatchObject({
    status: 'pending',
    attemptCount: 1,
    nextAttemptAt: NOW + 2_500,
    finishedAt: null,
  });
});

test('a receiver that never answers is tried ten times over 12 to 23 hours', () => {
  const hours = (random: number): number => {
    let delivery = fresh;
    let now = NOW;
    while (delivery.status === 'pending') {
      now = delivery.nextAttemptAt ?? now;
      delivery = afterAttempt(delivery, answer(null), now, random);
    }
    expect(delivery).toMatchObject({ status: 'failed', attemptCount: 10, nextAttemptAt: null });
    return (now - NOW) / 3_600_000;
  };
  expect(hours(0)).toBeCloseTo(11.7, 1);
  expect(hours(0.999)).toBeCloseTo(23.4, 1);
});

test('a wait that the receiver asks for is respected up to six hours, and never shortens ours', () => {
  const next = (retryAfter: number) => afterAttempt(fresh, answer(503, retryAfter), NOW, 0).nextAttemptAt;
  expect(next(120_000)).toBe(NOW + 120_000);
  expect(next(1_000)).toBe(NOW + 2_500);
  expect(next(30 * 24 * 3_600_000)).toBe(NOW + 6 * 3_600_000);
});

test('a delivery is either due again later or over, whatever is answered', () => {
  fc.assert(
    fc.property(
      fc.record({
        attemptCount: fc.nat({ max: fresh.maxAttempts - 1 }),
        status: fc.option(fc.integer({ min: 100, max: 599 })),
        retryAfter: fc.option(fc.nat(), { nil: undefined }),
        random: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
      ({ attemptCount, status, retryAfter, random }) => {
        const after = afterAttempt({ ...fresh, attemptCount }, answer(status, retryAfter), NOW, random);
        const isOver = after.nextAttemptAt === null;
        expect(after.attemptCount).toBe(attemptCount + 1);
        expect(after.status === 'pending').toBe(!isOver);
        expect(after.finishedAt === NOW).toBe(isOver);
        if (after.nextAttemptAt !== null) {
          expect(after.nextAttemptAt).toBeGreaterThan(NOW);
          expect(after.nextAttemptAt).toBeLessThanOrEqual(NOW + DELIVERY_RETRY.maxDelayMs);
        }
      },
    ),
  );
});
