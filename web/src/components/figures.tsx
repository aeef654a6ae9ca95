import { useSyncExternalStore } from 'react';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** All relative times of the page move together, so that a table is not redrawn row by row. Seconds are told for a minute; then minutes suffice. */
const TICK = 5 * SECOND;

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, epoch milliseconds, to within {@link TICK}. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const tell of listeners) tell();
    }, TICK);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** A point in time as people say it, "3 min ago"; the exact one when it is pointed at. */
export function Time({ at, exact = false }: { readonly at: number; readonly exact?: boolean }) {
  const moment = useNow();
  const words = exactTime(at);
  return (
    <time dateTime={new Date(at).toISOString()} title={words} className="figures">
      {exact ? words : relativeTime(at, Math.max(moment, at))}
    </time>
  );
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const CLOCK_WITH_SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DATE = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const DATE_OF_YEAR = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const EXACT = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  fractionalSecondDigits: 3,
  timeZoneName: 'short',
});

/** With date, milliseconds and zone. */
export function exactTime(at: number): string {
  return EXACT.format(at);
}

/** A moment as finely as a span needs it: with seconds, the hour and minute, or the day. */
export function shortTime(at: number, span: number): string {
  if (span < 10 * MINUTE) return CLOCK_WITH_SECONDS.format(at);
  if (span < DAY) return CLOCK.format(at);
  return span < 4 * DAY ? `${DATE.format(at)}, ${CLOCK.format(at)}` : DATE.format(at);
}

function relativeTime(at: number, moment: number): string {
  const age = moment - at;
  if (age < 5 * SECOND) return 'just now';
  if (age < MINUTE) return `${Math.floor(age / SECOND / 5) * 5} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  if (age < 7 * DAY) return `${Math.floor(age / DAY)} d ago`;
  return new Date(at).getFullYear() === new Date(moment).getFullYear() ? DATE.format(at) : DATE_OF_YEAR.format(at);
}

/** A stretch of time with the two units that matter: `320 ms`, `3.1 s`, `2 m 05 s`. */
export function durationText(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  // 59.96 s would read "60.0 s".
  if (ms < 59_950) return `${(ms / SECOND).toFixed(ms < 10 * SECOND ? 2 : 1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  return `${Math.floor(minutes / 60 / 24)} d ${Math.floor(minutes / 60) % 24} h`;
}

function two(count: number): string {
  return String(count).padStart(2, '0');
}

/** A stretch of time; `since` for one that goes on. */
export function Duration({ ms, since }: { readonly ms: number | null; readonly since?: number | null }) {
  const moment = useNow();
  if (ms === null && (since === undefined || since === null)) return <Nothing />;
  const span = ms ?? Math.max(0, moment - (since ?? moment));
  return (
    <span className="figures" title={ms === null ? undefined : `${ms.toLocaleString()} ms`}>
      {durationText(span)}
    </span>
  );
}

/** Money as the server says it, a decimal string in US dollars, cut to what can be read and never rounded to nothing. */
export function Cost({ amount }: { readonly amount: string | null }) {
  if (amount === null) return <Nothing />;
  return (
    <span className="figures" title={`US$ ${amount}`}>
      {costText(amount)}
    </span>
  );
}

/** `12.5` is `$12.50`; below a cent the first two figures that are not zero: `$0.00042`. */
export function costText(amount: string): string {
  const [whole = '0', fraction = ''] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const leading = /^0*/.exec(fraction)?.[0].length ?? 0;
  const isSmall = /^-?0*$/.test(whole) && leading < fraction.length;
  const places = isSmall ? Math.max(2, leading + 2) : 2;
  return `$${grouped}.${fraction.slice(0, places).padEnd(2, '0')}`;
}

/** In place of a value that is not there. */
export function Nothing() {
  return (
    <span className="nothing">
      <span aria-hidden="true">–</span>
      <span className="unseen">none</span>
    </span>
  );
}

/** A count as people write it, `≥ 10,000` when counting stopped there. */
export function countText(count: number, isLowerBound = false): string {
  return `${isLowerBound ? '≥ ' : ''}${count.toLocaleString('en-US')}`;
}

/** Bytes in the unit that leaves one to three figures. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const size = bytes / 1000 ** power;
  return `${power === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[power]}`;
}
