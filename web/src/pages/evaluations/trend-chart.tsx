import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { exactTime, shortTime } from '../../components/figures.tsx';
import type { EvaluationTrends } from '../../explorer-api.ts';
import { useTheme } from '../../theme.ts';
import styles from './evaluations-page.module.css';

/** Pixels that the chart is high. */
const HEIGHT = 200;

const DAY = 86_400_000;

/** Seconds between two marks of the axis where they are days: none is named twice. */
const DAYS = [1, 2, 7, 14, 30].map((days) => (days * DAY) / 1000);

/** Passed and failed evaluations as bars on each other, and the pass rate as a line. The same is below as a table for whoever reads it otherwise. */
export default function TrendChart({ trends }: { readonly trends: EvaluationTrends }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const systemTheme = useSystemTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the theme
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const chart = new UPlot(optionsOf(trends, element), dataOf(trends), element);
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0) chart.setSize({ width, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [trends, theme, systemTheme]);
  return (
    <>
      <div ref={place} className={styles['canvas']} aria-hidden="true" style={{ height: HEIGHT }} />
      <table className="unseen">
        <caption>Verdicts over time</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Passed</th>
            <th scope="col">Failed</th>
          </tr>
        </thead>
        <tbody>
          {trends.buckets
            .filter(({ passed, failed }) => passed + failed > 0)
            .map(({ at, passed, failed }) => (
              <tr key={at}>
                <th scope="row">{exactTime(at)}</th>
                <td>{passed}</td>
                <td>{failed}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </>
  );
}

/** Every stretch of time with its counts, those without evaluations too; times in seconds, as uPlot wants them. */
function dataOf({ from, to, bucketMs, buckets }: EvaluationTrends): UPlot.AlignedData {
  const at = new Map(buckets.map((bucket) => [bucket.at, bucket]));
  const slots = Array.from({ length: Math.round((to - from) / bucketMs) }, (_, slot) => from + slot * bucketMs);
  const counts = slots.map((begin) => at.get(begin) ?? { passed: 0, failed: 0 });
  return [
    slots.map((begin) => (begin + bucketMs / 2) / 1000),
    counts.map(({ passed, failed }) => passed + failed),
    counts.map(({ passed }) => passed),
    counts.map(({ passed, failed }) => (passed + failed === 0 ? null : (passed / (passed + failed)) * 100)),
  ];
}

function optionsOf({ from, to }: EvaluationTrends, element: HTMLElement): UPlot.Options {
  const colour = (name: string) => resolved(element, name);
  const bars = UPlot.paths.bars?.({ size: [0.7, 28], align: 0 });
  const axis = {
    stroke: colour('--text-3'),
    font: '11px Inter, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const points = { show: false };
  const drawn = bars ? { paths: bars, points } : { points };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: [from / 1000, to / 1000] },
      y: { range: (_, __, most) => [0, Math.max(4, most * 1.1)] },
      rate: { range: [0, 110] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 72,
        ...(to - from > 4 * DAY && { incrs: DAYS }),
        grid: { show: false },
        values: (_, marks) => marks.map((mark) => shortTime(mark * 1000, to - from)),
      },
      { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
      {
        ...axis,
        scale: 'rate',
        side: 1,
        size: 48,
        grid: { show: false },
        splits: [0, 50, 100],
        values: (_, marks) => marks.map((mark) => `${mark} %`),
      },
    ],
    series: [
      {},
      { label: 'Failed', fill: colour('--failed-bar'), width: 0, ...drawn },
      { label: 'Passed', fill: colour('--succeeded-bar'), width: 0, ...drawn },
      {
        label: 'Pass rate',
        scale: 'rate',
        stroke: colour('--accent'),
        width: 2,
        spanGaps: true,
        points: { show: true, size: 6, fill: colour('--surface'), stroke: colour('--accent') },
      },
    ],
  };
}

/** A colour of the theme as a canvas takes it: `light-dark()` and references are the style sheet's alone. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Whether the system wants it dark: the theme follows it unless one was chosen. */
function useSystemTheme(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const onChange = () => setDark(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isDark;
}
