import type { NodeStatus } from '../../domain/node-run.ts';
import type { RunStatus } from '../../domain/run.ts';

/** The domain's words in this dialect. */

export const RUN_STATUS_WORDS = [
  'queued',
  'running',
  'failed',
  'completed',
  'stopped',
  'awaiting_human_feedback',
] as const;

export type RunStatusWord = (typeof RUN_STATUS_WORDS)[number];

export const RUN_STATUS_WORD: Readonly<Record<RunStatus, RunStatusWord>> = {
  queued: 'queued',
  running: 'running',
  waiting: 'awaiting_human_feedback',
  succeeded: 'completed',
  partial: 'completed',
  failed: 'failed',
  canceled: 'stopped',
};

/** This dialect has no word for a node that a stop cut off: to its clients it was skipped. */
export const NODE_STATUS_WORD: Readonly<Record<NodeStatus, string>> = {
  running: 'running',
  waiting: 'awaiting_human_feedback',
  succeeded: 'succeeded',
  failed: 'errored',
  skipped: 'skipped',
  canceled: 'skipped',
  cached: 'succeeded',
};
