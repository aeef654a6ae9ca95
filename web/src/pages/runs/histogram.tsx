import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState } from 'react';
import type { RunStatus } from '../../../../src/domain/run.ts';
import { costText, countText, durationText, exactTime, shortTime } from '../../components/figures.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { STATUS_WORDS } from '../../components/status.tsx';
import { api, type Histogram as Counts, type HistogramBucket } from '../../explorer-api.ts';
import { timeBounds } from './filter-edit.ts';
import styles from './histogram.module.css';

/** Pixels: of the bars, of the strip of durations below them, and of the axis. */
const BARS = 56;
const STRIP = 26;
const AXIS = 16;
const GAP = 6;

/** Pixels of a bar at most: a few of them shall not look like a wall. */
const MOST_WIDE = 40;

/** Pixels at the right for the scales. */
const SCALES = 64;

/** From the foot of a bar to its top: what is well lies below, what wants attention on top. */
const ORDER: readonly RunStatus[] = ['succeeded', 'canceled', 'queued', 'running', 'waiting', 'partial', 'failed'];

/**
 * Runs over time by status, and below them how long they took, half of them and all but the slowest twentieth. Dragging over it, or Shift with the
 * arrow keys, chooses a stretch of time.
 */
export function Histogram({
  q,
  onRange,
}: {
  readonly q: string;
  readonly onRange: (from: number, to: number) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  // Told in words so that a filter of `now-24h` asks for new bounds only when it changes.
  const [now, setNow] = useState(() => Date.now());
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter begins now
  useEffect(() => setNow(Date.now()), [q]);
  const { from, to } = timeBounds(q, 'created_at', now);
  const { data, error } = useQuery({
    queryKey: ['runs', 'histogram', q],
    queryFn: ({ signal }) =>
      api.runs.histogram(
        { q, buckets: 80, ...(from !== null && { from }), ...(to !== null && { to: Math.min(to, Date.now()) }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <div ref={place} className={styles['place']}>
      {data && width > SCALES ? (
        <Chart counts={data} width={width - SCALES} onRange={onRange} />
      ) : (
        <div className={styles['waiting']}>
          {error ? <span>{error.message}</span> : <Skeleton height={BARS + STRIP + GAP} />}
        </div>
      )}
    </div>
  );
}

function Chart({
  counts,
  width,
  onRange,
}: {
  readonly counts: Counts;
  readonly width: number;
  readonly onRange: (from: number, to: number) => void;
}) {
  const { from, bucketMs, buckets } = counts;
  const slots = Math.max(1, Math.ceil((counts.to - from) / bucketMs));
  const slot = width / slots;
  const bar = Math.max(1, Math.min(MOST_WIDE, slot - Math.min(2, slot / 4)));
  const at = new Map(buckets.map((bucket) => [Math.round((bucket.at - from) / bucketMs), bucket]));
  const most = Math.max(1, ...buckets.map(({ runs }) => runs));
  const slowest = Math.max(1, ...buckets.map(({ duration }) => duration?.p95 ?? 0));
  const quickest = Math.min(
    slowest,
    ...buckets.flatMap(({ duration }) => (duration ? [Math.max(1, duration.p50)] : [])),
  );
  // Durations span orders of magnitude.
  const high = (ms: number) =>
    slowest === quickest ? 0.5 : Math.max(0, Math.log(Math.max(1, ms) / quickest) / Math.log(slowest / quickest));

  /** Begin and end of what is being chosen, in slots; `cursor` is where the keyboard or the pointer is. */
  const [range, setRange] = useState<{ readonly from: number; readonly to: number } | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const [dragging, setDragging] = useState(false);
  const wordsId = useId();
  const slotAt = (event: React.PointerEvent) => {
    const { left } = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(slots - 1, Math.floor((event.clientX - left) / slot)));
  };
  const choose = (chosen: { readonly from: number; readonly to: number }) => {
    const [first, last] = [Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to)];
    onRange(from + first * bucketMs, from + (last + 1) * bucketMs);
    setRange(null);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(slots - 1, (cursor ?? (step > 0 ? -1 : slots)) + step));
      setRange(event.shiftKey ? { from: range?.from ?? cursor ?? next, to: next } : null);
      setCursor(next);
    } else if (event.key === 'Enter' && cursor !== null) {
      event.preventDefault();
      choose(range ?? { from: cursor, to: cursor });
    } else if (event.key === 'Escape' && (range || cursor !== null)) {
      event.stopPropagation();
      setRange(null);
      setCursor(null);
    }
  };
  const pointed = cursor === null ? undefined : at.get(cursor);
  const marked = range && { left: Math.min(range.from, range.to), right: Math.max(range.from, range.to) + 1 };
  const span = counts.to - from;
  return (
    <div className={styles['chart']}>
      <div
        className={styles['brush']}
        role="slider"
        tabIndex={0}
        aria-label="Runs over time. Arrow keys move, Shift chooses, Enter filters by the time."
        aria-valuemin={0}
        aria-valuemax={slots - 1}
        aria-valuenow={cursor ?? slots - 1}
        aria-valuetext={cursor === null ? 'nothing chosen' : wordsOf(pointed, from + cursor * bucketMs)}
        aria-describedby={wordsId}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const here = slotAt(event);
          setDragging(true);
          setRange({ from: here, to: here });
        }}
        onPointerMove={(event) => {
          const here = slotAt(event);
          setCursor(here);
          if (dragging && range) setRange({ from: range.from, to: here });
        }}
        onPointerLeave={() => !dragging && setCursor(null)}
        onPointerUp={() => {
          setDragging(false);
          if (range) choose(range);
        }}
        onPointerCancel={() => {
          setDragging(false);
          setRange(null);
        }}
      >
        <svg width={width} height={BARS + GAP + STRIP} aria-hidden="true">
          <line className={styles['ground']} x1={0} x2={width} y1={BARS - 0.5} y2={BARS - 0.5} />
          {cursor !== null && (
            <rect className={styles['cursor']} x={cursor * slot} y={0} width={slot} height={BARS + GAP + STRIP} />
          )}
          {marked && (
            <rect
              className={styles['range']}
              x={marked.left * slot}
              y={0}
              width={(marked.right - marked.left) * slot}
              height={BARS + GAP + STRIP}
            />
          )}
          {[...at].map(([index, bucket]) => (
            <g key={bucket.at} transform={`translate(${index * slot + (slot - bar) / 2} 0)`}>
              <Bar bucket={bucket} width={bar} most={most} />
              {bucket.duration && <Span width={bar} low={high(bucket.duration.p50)} high={high(bucket.duration.p95)} />}
            </g>
          ))}
        </svg>
        {cursor !== null && (
          <div
            className={styles['words']}
            data-side={cursor + 0.5 > slots / 2 ? 'left' : 'right'}
            style={{ left: (cursor + 0.5) * slot }}
          >
            <Words bucket={pointed} at={from + cursor * bucketMs} />
          </div>
        )}
      </div>
      <div className={styles['axis']} style={{ height: AXIS, width }} aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <span key={share}>{shortTime(from + share * span, span)}</span>
        ))}
      </div>
      <div className={styles['scales']} style={{ width: SCALES - 8 }} aria-hidden="true">
        <span>{buckets.length > 0 && countText(most)}</span>
        {slowest > 1 && (
          <>
            <span style={{ top: BARS + GAP - 3 }}>{durationText(slowest)}</span>
            <span style={{ top: BARS + GAP + STRIP - 14 }}>{quickest < slowest && durationText(quickest)}</span>
          </>
        )}
      </div>
      <p id={wordsId} className="unseen">
        {`${countText(buckets.reduce((sum, { runs }) => sum + runs, 0))} runs from ${exactTime(from)} to ${exactTime(counts.to)}.`}
      </p>
    </div>
  );
}

function Bar({
  bucket,
  width,
  most,
}: {
  readonly bucket: HistogramBucket;
  readonly width: number;
  readonly most: number;
}) {
  let foot = BARS;
  return ORDER.map((status) => {
    const count = bucket.byStatus[status] ?? 0;
    if (count === 0) return null;
    // A single failure among thousands must not vanish.
    const height = Math.max(2, (count / most) * (BARS - 4));
    foot -= height;
    return (
      <rect
        key={status}
        data-status={status}
        className={styles['bar']}
        x={0}
        y={Math.max(0, foot)}
        width={width}
        height={height}
      />
    );
  });
}

/** From the median to the 95th percentile. */
function Span({ width, low, high }: { readonly width: number; readonly low: number; readonly high: number }) {
  const y = (share: number) => BARS + GAP + (STRIP - 3) * (1 - share);
  return (
    <>
      <rect
        className={styles['span']}
        x={0}
        y={y(high)}
        width={width}
        height={Math.max(2, y(low) - y(high) + 2)}
        rx={1}
      />
      <rect className={styles['median']} x={0} y={y(low)} width={width} height={2} />
    </>
  );
}

function wordsOf(bucket: HistogramBucket | undefined, at: number): string {
  const counts = ORDER.toReversed().flatMap((status) => {
    const count = bucket?.byStatus[status] ?? 0;
    return count === 0 ? [] : [`${count} ${STATUS_WORDS[status].toLowerCase()}`];
  });
  return `${exactTime(at)}: ${counts.join(', ') || 'no runs'}`;
}

function Words({ bucket, at }: { readonly bucket: HistogramBucket | undefined; readonly at: number }) {
  return (
    <>
      <b>{exactTime(at).replace(/[.,]000/, '')}</b>
      {bucket === undefined && <span className={styles['line']}>No runs</span>}
      {bucket &&
        ORDER.toReversed().map((status) => {
          const count = bucket.byStatus[status] ?? 0;
          return count === 0 ? null : (
            <span key={status} className={styles['line']}>
              <i data-status={status} />
              {STATUS_WORDS[status]}
              <b>{countText(count)}</b>
            </span>
          );
        })}
      {bucket?.duration && (
        <span className={styles['line']}>
          p50, p95
          <b>{`${durationText(bucket.duration.p50)}, ${durationText(bucket.duration.p95)}`}</b>
        </span>
      )}
      {bucket && bucket.cost !== '0' && (
        <span className={styles['line']}>
          Cost<b>{costText(bucket.cost)}</b>
        </span>
      )}
    </>
  );
}

/** Pixels that an element is wide; 0 until it is known. */
function useWidth(place: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  return width;
}
