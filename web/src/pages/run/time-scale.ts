/** A stretch of time that a waterfall shows, epoch milliseconds. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Milliseconds that a window spans at least: finer times are not measured. */
const NARROWEST = 5;

/** Nearer by a factor, around a point that stays where it is, and never beyond `whole`. */
export function zoomed(window: Window, whole: Window, factor: number, around: number): Window {
  const span = Math.max(NARROWEST, Math.min(whole.to - whole.from, (window.to - window.from) / factor));
  const share = (around - window.from) / (window.to - window.from);
  return within({ from: around - share * span, to: around + (1 - share) * span }, whole);
}

/** Moved by a part of its own width. */
export function moved(window: Window, whole: Window, share: number): Window {
  const by = (window.to - window.from) * share;
  return within({ from: window.from + by, to: window.to + by }, whole);
}

function within({ from, to }: Window, whole: Window): Window {
  const span = Math.min(to - from, whole.to - whole.from);
  const start = Math.min(Math.max(from, whole.from), whole.to - span);
  return { from: start, to: start + span };
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];
const LONG_STEPS = [60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800].map((s) => s * 1000);

/** Round times since `origin` that lie in the window, about `count` of them. */
export function ticks(window: Window, origin: number, count: number): number[] {
  const wanted = (window.to - window.from) / Math.max(1, count);
  const step = [...STEPS, ...LONG_STEPS].find((one) => one >= wanted) ?? wanted;
  const first = Math.ceil((window.from - origin) / step) * step;
  const found: number[] = [];
  for (let at = first; origin + at <= window.to; at += step) found.push(at);
  return found;
}

/** A round stretch of time as an axis says it: `0`, `200 ms`, `1.5 s`, `2 m`. */
export function tickText(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1000} s`;
  if (ms < 3_600_000)
    return ms % 60_000 === 0 ? `${ms / 60_000} m` : `${Math.floor(ms / 60_000)} m ${(ms % 60_000) / 1000} s`;
  return ms % 3_600_000 === 0
    ? `${ms / 3_600_000} h`
    : `${Math.floor(ms / 3_600_000)} h ${(ms % 3_600_000) / 60_000} m`;
}

/** Puts stretches that overlap into lanes, at most `most` of them. @returns the lane of each, and how many there are */
export function lanesOf(
  spans: readonly { readonly from: number; readonly to: number | null }[],
  most: number,
): { readonly lane: readonly number[]; readonly count: number } {
  const ends: number[] = [];
  const lane = spans.map(({ from, to }) => {
    const end = to ?? Number.POSITIVE_INFINITY;
    const free = ends.findIndex((one) => one <= from);
    if (free >= 0) {
      ends[free] = end;
      return free;
    }
    if (ends.length < most) return ends.push(end) - 1;
    const soonest = ends.indexOf(Math.min(...ends));
    ends[soonest] = Math.max(ends[soonest] as number, end);
    return soonest;
  });
  return { lane, count: Math.max(1, ends.length) };
}
