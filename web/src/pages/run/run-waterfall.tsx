import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useMemo, useRef, useState } from 'react';
import { isTerminal } from '../../../../src/domain/run.ts';
import { IconButton } from '../../components/button.tsx';
import { durationText, useNow } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import type { NodeRow, NodeSpan, RunDetail } from '../../explorer-api.ts';
import { type NodeEntry, nodeEntries, nodeLabel, spentMs } from './node-rows.ts';
import { NodeStatusIcon, nodeStatusWord, statusOf } from './node-status.tsx';
import styles from './run-waterfall.module.css';
import { lanesOf, moved, ticks, tickText, type Window, zoomed } from './time-scale.ts';

const ROW = 32;

/** Passes that lie beside one another in the height of a row. */
const MOST_LANES = 4;

/** Steps of a node that are shown without asking: those of an agent that called a few tools. */
const SHOWN_STEPS = 12;

/** Milliseconds of waiting that are drawn: less is the beat of the engine. */
const SHOWN_WAIT = 10;

interface Stretch {
  readonly kind: NodeSpan['kind'] | 'queued';
  readonly from: number;
  readonly to: number | null;
  readonly words: string;
}

/** A line of the waterfall: the run itself, a node, or a step inside a node. */
interface Line {
  readonly id: string | null;
  readonly depth: 0 | 1;
  readonly label: string;
  readonly row: NodeRow | null;
  readonly stretches: readonly Stretch[];
  /** Whether its steps are shown; null: it has none. */
  readonly isOpen: boolean | null;
}

const KIND_WORDS: Readonly<Record<Stretch['kind'], string>> = {
  queued: 'queued',
  running: 'running',
  backoff: 'waits for its next try',
  person: 'waits for a person',
  delay: 'waits on purpose',
};

/** When what happened: each node a line, its tries and waits as stretches of it. */
export function RunWaterfall({
  detail,
  chosen,
  onChoose,
}: {
  readonly detail: RunDetail;
  readonly chosen: string | null;
  readonly onChoose: (nodeId: string | null) => void;
}) {
  const clock = useNow();
  const { run } = detail;
  const isGoing = !isTerminal(run.status);
  const latest = Math.max(
    run.createdAt,
    ...detail.nodes.map(({ startedAt, finishedAt }) => finishedAt ?? startedAt ?? 0),
  );
  const now = isGoing ? Math.max(clock, latest) : (run.finishedAt ?? latest);
  const [folds, setFolds] = useState<ReadonlyMap<string, boolean>>(new Map());
  const lines = useMemo(() => linesOf(detail, folds, now), [detail, folds, now]);
  const whole = useMemo((): Window => {
    const span = Math.max(10, now - run.createdAt);
    // Some room behind the last bar for its words.
    return { from: run.createdAt, to: run.createdAt + span * 1.08 };
  }, [run.createdAt, now]);
  const [part, setPart] = useState<Window | null>(null);
  const window = part ?? whole;
  const [band, setBand] = useState<{ readonly from: number; readonly to: number } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });

  const chosenAt = lines.findIndex(({ id }) => id === chosen);
  useEffect(() => {
    if (chosen !== null && chosenAt >= 0) virtual.scrollToIndex(chosenAt);
  }, [chosen, chosenAt, virtual]);

  const zoom = (factor: number, around = (window.from + window.to) / 2) => {
    const next = zoomed(window, whole, factor, around);
    setPart(next.to - next.from >= whole.to - whole.from ? null : next);
  };
  const timeAt = (clientX: number): number => {
    const box = axis.current?.getBoundingClientRect();
    if (!box) return window.from;
    const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    return window.from + share * (window.to - window.from);
  };
  const onWheel = useRef<(event: WheelEvent) => void>(() => {});
  onWheel.current = (event) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, timeAt(event.clientX));
  };
  useEffect(() => {
    const box = scroller.current;
    // Not through React, which listens passively: the browser would zoom the page.
    const listener = (event: WheelEvent) => onWheel.current(event);
    box?.addEventListener('wheel', listener, { passive: false });
    return () => box?.removeEventListener('wheel', listener);
  }, []);

  const focusLine = (index: number) => {
    const at = Math.max(0, Math.min(lines.length - 1, index));
    virtual.scrollToIndex(at);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-line="${at}"]`)?.focus());
  };
  const fold = (line: Line, open: boolean) => line.id !== null && setFolds(new Map(folds).set(line.id, open));
  const onKeyDown = (event: React.KeyboardEvent, line: Line, index: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => focusLine(index + 1),
      ArrowUp: () => focusLine(index - 1),
      Home: () => focusLine(0),
      End: () => focusLine(lines.length - 1),
      ArrowRight: () => (line.isOpen === false ? fold(line, true) : setPart(moved(window, whole, 0.2))),
      ArrowLeft: () => (line.isOpen === true ? fold(line, false) : setPart(moved(window, whole, -0.2))),
      '+': () => zoom(1.5),
      '=': () => zoom(1.5),
      '-': () => zoom(1 / 1.5),
      '0': () => setPart(null),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };

  const span = window.to - window.from;
  const share = (at: number) => (100 * (at - window.from)) / span;
  return (
    <div className={styles['waterfall']}>
      <div className={styles['head']}>
        <div className={styles['tools']}>
          <IconButton icon="plus" label="Zoom in" keys="+" onClick={() => zoom(1.5)} />
          <IconButton icon="minus" label="Zoom out" keys="-" onClick={() => zoom(1 / 1.5)} />
          <IconButton icon="fit" label="Show all of it" keys="0" onClick={() => setPart(null)} />
        </div>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons beside it and the keys do the same */}
        <div
          ref={axis}
          className={styles['axis']}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            const at = timeAt(event.clientX);
            setBand({ from: at, to: at });
          }}
          onPointerMove={(event) => band && setBand({ ...band, to: timeAt(event.clientX) })}
          onPointerUp={() => {
            if (!band) return;
            const [from, to] = [Math.min(band.from, band.to), Math.max(band.from, band.to)];
            setBand(null);
            if (share(to) - share(from) > 1) setPart({ from, to: Math.max(to, from + 5) });
          }}
          onDoubleClick={() => setPart(null)}
        >
          {ticks(window, whole.from, 7).map((ms) => (
            <span key={ms} className={styles['tick']} style={{ left: `${share(whole.from + ms)}%` }}>
              {tickText(ms)}
            </span>
          ))}
          {band && (
            <span
              className={styles['band']}
              style={{
                left: `${share(Math.min(band.from, band.to))}%`,
                width: `${Math.abs(share(band.to) - share(band.from))}%`,
              }}
            />
          )}
        </div>
      </div>
      <div ref={scroller} className={styles['scroller']}>
        <ul className={styles['lines']} style={{ height: virtual.getTotalSize() }} aria-label="Waterfall of the run">
          {virtual.getVirtualItems().map(({ index, start }) => {
            const line = lines[index];
            if (!line) return null;
            return (
              <li key={line.id ?? 'run'} className={styles['item']} style={{ transform: `translateY(${start}px)` }}>
                {line.isOpen !== null && (
                  <button
                    type="button"
                    className={styles['fold']}
                    aria-expanded={line.isOpen}
                    aria-label={`Steps of ${line.label}`}
                    tabIndex={-1}
                    onClick={() => fold(line, !line.isOpen)}
                  >
                    <Icon name={line.isOpen ? 'chevron-down' : 'chevron-right'} size={12} />
                  </button>
                )}
                <button
                  type="button"
                  className={styles['line']}
                  data-line={index}
                  data-depth={line.depth}
                  data-folds={line.isOpen !== null || undefined}
                  aria-current={line.id === chosen || undefined}
                  tabIndex={index === Math.max(0, chosenAt) ? 0 : -1}
                  onClick={() => onChoose(line.id)}
                  onKeyDown={(event) => onKeyDown(event, line, index)}
                >
                  <span className={styles['label']}>
                    {line.row ? <NodeStatusIcon status={line.row.status} size={14} /> : <Icon name="runs" size={14} />}
                    <span className={styles['name']}>{line.label}</span>
                    <span className="unseen">{wordsOf(line, now)}</span>
                  </span>
                  <span className={styles['track']} aria-hidden="true">
                    <Bars line={line} now={now} window={window} />
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
        <div className={styles['grid']} aria-hidden="true">
          {ticks(window, whole.from, 7).map((ms) => (
            <span key={ms} style={{ left: `${share(whole.from + ms)}%` }} />
          ))}
        </div>
      </div>
      <p className={styles['legend']}>
        {(['queued', 'running', 'backoff', 'person', 'delay'] as const).map((kind) => (
          <span key={kind} className={styles['kind']}>
            <span className={styles['sample']} data-kind={kind} />
            {LEGEND[kind]}
          </span>
        ))}
      </p>
    </div>
  );
}

const LEGEND: Readonly<Record<Stretch['kind'], string>> = {
  queued: 'queued',
  running: 'at work',
  backoff: 'before another try',
  person: 'for a person',
  delay: 'on purpose',
};

function Bars({ line, now, window }: { readonly line: Line; readonly now: number; readonly window: Window }) {
  const { lane, count } = useMemo(() => lanesOf(line.stretches, MOST_LANES), [line.stretches]);
  const span = window.to - window.from;
  const height = Math.floor((18 - (count - 1)) / count);
  const last = Math.max(...line.stretches.map(({ to }) => to ?? now));
  const status = line.row === null ? undefined : statusOf(line.row.status);
  const spent = line.row === null ? last - (line.stretches[0]?.from ?? last) : spentMs(line.row, now);
  if (line.stretches.length === 0) return null;
  const endShare = (100 * (last - window.from)) / span;
  const beginShare = (100 * (Math.max(window.from, line.stretches[0]?.from ?? last) - window.from)) / span;
  // At the edge the words stand in the bar where it is long enough, and before it where it is not.
  const place = endShare <= 88 ? 'after' : endShare - beginShare > 16 ? 'in' : 'before';
  return (
    <>
      {line.stretches.map(({ kind, from, to, words }, index) => {
        const [begin, end] = [Math.max(from, window.from), Math.min(to ?? now, window.to)];
        if (end < window.from || begin > window.to) return null;
        const box: CSSProperties = {
          left: `${(100 * (begin - window.from)) / span}%`,
          width: `${(100 * (end - begin)) / span}%`,
          top: 7 + (lane[index] ?? 0) * (height + 1),
          height,
        };
        return (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: stretches are in the order of time and only grow
            key={index}
            className={styles['bar']}
            data-kind={kind}
            data-status={status}
            style={box}
            title={words}
          />
        );
      })}
      {spent !== null && endShare >= 0 && endShare <= 100 && (
        <span
          className={styles['spent']}
          data-place={place}
          style={{ left: `${place === 'before' ? beginShare : endShare}%` }}
        >
          {durationText(spent)}
        </span>
      )}
    </>
  );
}

function linesOf(detail: RunDetail, folds: ReadonlyMap<string, boolean>, now: number): Line[] {
  const { run } = detail;
  const began = run.startedAt;
  const whole: Stretch[] = [stretch('queued', run.createdAt, began ?? run.finishedAt, now)];
  if (began !== null) whole.push(stretch('running', began, run.finishedAt, now));
  return [
    { id: null, depth: 0, label: 'The run', row: null, stretches: whole, isOpen: null },
    ...nodeEntries(detail).flatMap((entry): Line[] => {
      const { node, steps } = entry;
      const isOpen = steps.length === 0 ? null : (folds.get(node.nodeId) ?? steps.length <= SHOWN_STEPS);
      const own: Line = {
        ...{ id: node.nodeId, depth: 0, label: nodeLabel(node), row: node, isOpen },
        stretches: stretchesOf(entry, now),
      };
      if (!isOpen) return [own];
      return [
        own,
        ...steps.map((step): Line => {
          const stretches = step.startedAt === null ? [] : [stretch('running', step.startedAt, step.finishedAt, now)];
          return { id: step.nodeId, depth: 1, label: nodeLabel(step), row: step, stretches, isOpen: null };
        }),
      ];
    }),
  ];
}

function stretchesOf({ node, readyAt }: NodeEntry, now: number): Stretch[] {
  const { startedAt, finishedAt, spans } = node;
  if (startedAt === null) return [];
  const waited =
    readyAt !== null && startedAt - readyAt >= SHOWN_WAIT ? [stretch('queued', readyAt, startedAt, now)] : [];
  if (spans.length === 0) return [...waited, stretch('running', startedAt, finishedAt, now)];
  return [
    ...waited,
    ...spans.map(({ kind, from, to, attempt, iteration }) => {
      const which = iteration > 0 ? `item ${iteration}, ` : '';
      return stretch(kind, from, to, now, `${which}${node.attempts > 1 && iteration === 0 ? `try ${attempt}, ` : ''}`);
    }),
  ];
}

function stretch(kind: Stretch['kind'], from: number, to: number | null, now: number, which = ''): Stretch {
  return { kind, from, to, words: `${which}${KIND_WORDS[kind]}: ${durationText(Math.max(0, (to ?? now) - from))}` };
}

function wordsOf({ row, stretches }: Line, now: number): string {
  const waits = stretches.filter(({ kind }) => kind !== 'running').map(({ words }) => words);
  if (row === null) return waits.join(', ');
  const spent = spentMs(row, now);
  return [nodeStatusWord(row.status), spent === null ? '' : durationText(spent), ...waits].filter(Boolean).join(', ');
}
