import { describe, expect, it } from 'vitest';
import type { ScheduleDefinition } from '../domain/trigger.ts';
import { firingOf, jitterOf, MAX_MADE_UP, nextTime, nextTimes, scheduleProblem } from './schedule.ts';

const at = (text: string): number => Date.parse(text);
const iso = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString());
const schedule = (cron: string, set: Partial<ScheduleDefinition> = {}): ScheduleDefinition => ({
  ...{ type: 'schedule', cron, timezone: 'UTC', startAt: null, endAt: null, missed: 'once', jitterSeconds: 0 },
  ...set,
});

describe('the times of a schedule', () => {
  it.each<[string, string, string, string, string[]]>([
    [
      'go over a gap right after it, where there is one a day',
      ...['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z'],
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    ] as [string, string, string, string, string[]],
    [
      'come once in the hour that comes twice, where there is one a day',
      ...['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z'],
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ] as [string, string, string, string, string[]],
    [
      'come each hour that passes, where there is one an hour',
      ...['0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z'],
      ['2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z'],
    ] as [string, string, string, string, string[]],
    [
      'follow clocks that change by half an hour',
      ...['0 * * * *', 'Australia/Lord_Howe', '2026-04-04T13:30:00Z'],
      ['2026-04-04T14:00:00.000Z', '2026-04-04T15:30:00.000Z'],
    ] as [string, string, string, string, string[]],
    [
      'take seconds where there are six fields',
      ...['*/20 30 2 * * *', 'UTC', '2026-01-01T02:30:10Z'],
      ['2026-01-01T02:30:20.000Z', '2026-01-01T02:30:40.000Z', '2026-01-02T02:30:00.000Z'],
    ] as [string, string, string, string, string[]],
  ])('%s', (_, cron, timezone, from, expected) => {
    const times = nextTimes(schedule(cron, { timezone }), at(from));
    expect(times).toHaveLength(5);
    expect(iso(times).slice(0, expected.length)).toEqual(expected);
  });

  it('begin and end where it says, both included', () => {
    const bounded = schedule('0 * * * *', { startAt: at('2026-01-02T00:00:00Z'), endAt: at('2026-01-02T02:00:00Z') });
    expect(iso(nextTimes(bounded, at('2026-01-01T00:00:00Z')))).toEqual([
      '2026-01-02T00:00:00.000Z',
      '2026-01-02T01:00:00.000Z',
      '2026-01-02T02:00:00.000Z',
    ]);
    expect(nextTime(bounded, at('2026-01-02T02:00:00Z'))).toBeNull();
  });

  it('are after a moment, also one within a second', () => {
    const each = schedule('* * * * * *');
    expect(nextTime(each, 5000)).toBe(6000);
    expect(nextTime(each, 5999)).toBe(6000);
  });

  it.each([
    ['61 * * * *', 'UTC', /minute/],
    ['* * * *', 'UTC', /parts/],
    ['* * * * * * *', 'UTC', /7 parts/],
    ['* * * * *', 'Mars/Olympus', /Mars/],
    ['0 0 30 2 *', 'UTC', /never fire/],
  ])('of %s in %s are none, and it says why', (cron, timezone, why) => {
    expect(scheduleProblem({ cron, timezone, startAt: null, endAt: null }, 0)).toMatch(why);
  });

  it('are none when its end is past', () => {
    expect(scheduleProblem(schedule('* * * * *', { endAt: 5 }), 10)).toMatch(/end .* past/);
    expect(scheduleProblem(schedule('* * * * *'), 10)).toBeNull();
  });
});

describe('what fires', () => {
  const hourly = (missed: ScheduleDefinition['missed'], set: object = {}) => schedule('0 * * * *', { missed, ...set });
  const due = at('2026-01-01T00:00:00Z');

  it.each(['skip', 'once', 'all'] as const)('on time is that time, with the rule %s', (missed) => {
    expect(firingOf(hourly(missed), due, due + 5)).toEqual({ fire: [due], passed: 0, passedMore: false });
  });

  it('after a night is nothing, one or each of them, as the rule says', () => {
    const now = at('2026-01-01T03:30:00Z');
    const four = [0, 1, 2, 3].map((hour) => due + hour * 3_600_000);
    expect(firingOf(hourly('skip'), due, now)).toEqual({ fire: [], passed: 4, passedMore: false });
    expect(firingOf(hourly('once'), due, now)).toEqual({ fire: [four[3]], passed: 3, passedMore: false });
    expect(firingOf(hourly('all'), due, now)).toEqual({ fire: four, passed: 0, passedMore: false });
  });

  it('at the very time that a night ends with is that time, whatever was missed', () => {
    const now = at('2026-01-01T03:00:00Z');
    expect(firingOf(hourly('skip'), due, now)).toMatchObject({ fire: [now], passed: 3 });
  });

  it('after a very long time is no more than a limit, and it says that there were more', () => {
    const now = due + 1000 * 3_600_000;
    const all = firingOf(hourly('all'), due, now);
    expect(all.fire).toHaveLength(MAX_MADE_UP);
    expect(all.fire.at(-1)).toBe(now);
    expect(all).toMatchObject({ passed: 0, passedMore: true });
    expect(firingOf(hourly('once'), due, now)).toMatchObject({
      fire: [now],
      passed: MAX_MADE_UP - 1,
      passedMore: true,
    });
  });

  it('is nothing beyond the end', () => {
    const ends = hourly('all', { endAt: due + 3_600_000 });
    expect(firingOf(ends, due, due + 9 * 3_600_000).fire).toEqual([due, due + 3_600_000]);
  });
});

it('triggers of one time are spread, each by a span of its own that stays', () => {
  const ids = Array.from({ length: 50 }, (_, n) => `0190-${(n * 2_654_435_761).toString(16).padStart(12, '0')}`);
  const spans = ids.map((id) => jitterOf(id, 60));
  expect(spans.every((span) => span >= 0 && span < 60_000)).toBe(true);
  expect(new Set(spans).size).toBeGreaterThan(25);
  expect(spans).toEqual(ids.map((id) => jitterOf(id, 60)));
  expect(jitterOf(ids[1]!, 0)).toBe(0);
});
