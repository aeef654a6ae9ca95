import { Cron } from 'croner';
import type { ScheduleDefinition } from '../domain/trigger.ts';

/** Times of a schedule that a person is shown. */
const SHOWN_TIMES = 5;

/** Milliseconds a firing may come late and still count as on time: a start of the server, or a machine that was busy. */
const GRACE_MS = 60_000;

/** Runs that `all` makes up for at once. Of a schedule by the minute that is the last hour and a half; older ones are told of and not made. */
export const MAX_MADE_UP = 100;

type Times = Pick<ScheduleDefinition, 'cron' | 'timezone' | 'startAt' | 'endAt'>;

/** What a schedule's times come to at a moment. Times are epoch milliseconds. */
export interface Firing {
  /** Times that start a run each, oldest first. */
  readonly fire: readonly number[];
  /** Times that went by and start none. */
  readonly passed: number;
  /** There were more of them than were counted. */
  readonly passedMore: boolean;
}

/**
 * What is wrong with a schedule; null when nothing is. The clocks that a schedule goes by are those of its zone: a time that a change of the clocks
 * leaves out is made up for right after the gap when the schedule has one time a day, one that comes twice counts once then; schedules by the hour or
 * the minute follow time itself. docs/triggers.md says it with examples.
 */
export function scheduleProblem(times: Times, now: number): string | null {
  try {
    // The library looks at the zone when it is asked for a time.
    cronOf(times).nextRun(new Date(now));
  } catch (error) {
    return (error as Error).message.replace(/^Cron\w+: /, '');
  }
  if (nextTime(times, now) !== null) return null;
  if (times.endAt !== null && times.endAt <= now)
    return 'The end of the schedule is past, so that it would never fire.';
  return 'There is no such time: the schedule would never fire.';
}

/** The first time after a moment; null: there is none. */
export function nextTime(times: Times, after: number): number | null {
  const from = times.startAt === null ? after : Math.max(after, times.startAt - 1);
  // The library takes whole seconds: what is after their end is not after their beginning.
  const next = cronOf(times).nextRun(new Date(Math.floor(from / 1000) * 1000));
  if (next === null || (times.endAt !== null && next.getTime() > times.endAt)) return null;
  return next.getTime();
}

/** The next times after a moment, as a person is shown them. */
export function nextTimes(times: Times, after: number): number[] {
  const found: number[] = [];
  for (let at = nextTime(times, after); at !== null && found.length < SHOWN_TIMES; at = nextTime(times, at)) {
    found.push(at);
  }
  return found;
}

/** Which times fire now, of those from `due` on that are not in the future. */
export function firingOf(definition: ScheduleDefinition, due: number, now: number): Firing {
  const next = nextTime(definition, due);
  if (next === null || next > now) return withPolicy(definition.missed, [due], now, false);
  // A millisecond more, since times earlier in the second of a reference are before it.
  const latest = cronOf(definition).previousRuns(MAX_MADE_UP + 1, new Date(now + 1));
  const times = latest
    .map((time) => time.getTime())
    .filter((time) => time >= due && time <= (definition.endAt ?? time));
  const isMore = times.length > MAX_MADE_UP;
  return withPolicy(definition.missed, times.slice(0, MAX_MADE_UP).reverse(), now, isMore);
}

/** @param times oldest first @param isMore there were others before them */
function withPolicy(
  policy: ScheduleDefinition['missed'],
  times: readonly number[],
  now: number,
  isMore: boolean,
): Firing {
  const latest = times.at(-1);
  const isOnTime = latest !== undefined && now - latest <= GRACE_MS;
  const fire = policy === 'all' ? times : policy === 'once' || isOnTime ? times.slice(-1) : [];
  return { fire, passed: times.length - fire.length, passedMore: isMore };
}

/**
 * Milliseconds by which a trigger starts after its times: the same for all of them, and different from trigger to trigger, so that what many people
 * set to the full hour does not come at once.
 */
export function jitterOf(triggerId: string, jitterSeconds: number): number {
  if (jitterSeconds === 0) return 0;
  // The last digits of an id are chance.
  return Number.parseInt(triggerId.replaceAll('-', '').slice(-8), 16) % (jitterSeconds * 1000);
}

function cronOf({ cron, timezone }: Times): Cron {
  return new Cron(cron, { timezone, paused: true, mode: '5-or-6-parts' });
}
