import type { NodeStatus } from '../../../src/domain/node-run.ts';
import type { RunStatus } from '../../../src/domain/run.ts';
import styles from './status.module.css';

/** What a run or a node can be in. */
export type Status = RunStatus | NodeStatus;

/** One word for people. */
export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  queued: 'Queued',
  running: 'Running',
  waiting: 'Waiting',
  succeeded: 'Succeeded',
  partial: 'Partial',
  failed: 'Failed',
  canceled: 'Canceled',
  skipped: 'Skipped',
  cached: 'Cached',
};

/** Each status has a shape of its own, so that it is told apart without its colour. */
const SHAPES: Readonly<Record<Status, React.ReactNode>> = {
  queued: <circle cx="8" cy="8" r="5.5" strokeDasharray="2.3 2.3" />,
  running: (
    <>
      <circle cx="8" cy="8" r="5.5" opacity="0.3" />
      <path className={styles['turning']} d="M8 2.5A5.5 5.5 0 0 1 13.5 8" />
    </>
  ),
  waiting: (
    <path d="M8 7.25a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM3.5 13.25c.3-2.4 2-3.75 4.5-3.75s4.2 1.35 4.5 3.75Z" />
  ),
  succeeded: (
    <>
      <circle cx="8" cy="8" r="6.25" className={styles['filled']} />
      <path className={styles['cut']} d="m5.25 8.25 1.9 1.9 3.6-4" />
    </>
  ),
  partial: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path className={styles['filled']} d="M8 2.5a5.5 5.5 0 0 0 0 11Z" />
    </>
  ),
  failed: (
    <>
      <path className={styles['filled']} d="M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4Z" />
      <path className={styles['cut']} d="m5.9 5.9 4.2 4.2M10.1 5.9l-4.2 4.2" />
    </>
  ),
  canceled: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="m4.25 11.75 7.5-7.5" />
    </>
  ),
  skipped: <path d="m3 4 4 4-4 4M8.5 4l4 4-4 4" />,
  cached: <path d="M8.75 2 4 8.75h3.5L7.25 14 12 7.25H8.5Z" />,
};

/** The shape of a status, with its word for screen readers unless the word stands beside it. */
export function StatusIcon({
  status,
  worded = false,
  size = 16,
}: {
  readonly status: Status;
  readonly worded?: boolean;
  readonly size?: 14 | 16 | 20;
}) {
  const attributes = {
    className: styles['icon'],
    'data-status': status,
    width: size,
    height: size,
    viewBox: '0 0 16 16',
    focusable: false,
  };
  if (worded) {
    return (
      <svg aria-hidden="true" {...attributes}>
        {SHAPES[status]}
      </svg>
    );
  }
  return (
    <svg role="img" aria-label={STATUS_WORDS[status]} {...attributes}>
      {SHAPES[status]}
    </svg>
  );
}

/** A status as a pill: shape, colour and word. */
export function StatusPill({ status }: { readonly status: Status }) {
  return (
    <span className={styles['pill']} data-status={status}>
      <StatusIcon status={status} worded size={14} />
      {STATUS_WORDS[status]}
    </span>
  );
}
