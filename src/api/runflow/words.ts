import type { BatchStatus } from '../../domain/batch.ts';
import type { NodeStatus } from '../../domain/node-run.ts';
import type { RunStatus } from '../../domain/run.ts';

/** The domain's words in this dialect (runflow-api.md 3.8). */

/** All there are, in the order of a run's life. `dispatching` is never seen here: a run that is taken up is running at once. */
export const RUN_STATUS_CODES = [
  'queued',
  'dispatching',
  'running',
  'succeeded',
  'failed',
  'canceled',
  'partial_succeeded',
] as const;

/** A run that waits for a person is running to the outside. */
export const RUN_STATUS_CODE: Readonly<Record<RunStatus, (typeof RUN_STATUS_CODES)[number]>> = {
  queued: 'queued',
  running: 'running',
  waiting: 'running',
  succeeded: 'succeeded',
  partial: 'partial_succeeded',
  failed: 'failed',
  canceled: 'canceled',
};

/** The statuses as they are looked up, with what each means. */
export const RUN_STATUSES_TOLD: readonly { code: string; name: string; is_terminal: boolean; description: string }[] = [
  { code: 'queued', name: 'Queued', is_terminal: false, description: 'Accepted; waits for its turn.' },
  { code: 'dispatching', name: 'Dispatching', is_terminal: false, description: 'Never seen on this server.' },
  { code: 'running', name: 'Running', is_terminal: false, description: 'Runs, or waits for a person.' },
  { code: 'succeeded', name: 'Succeeded', is_terminal: true, description: 'Ended with its output.' },
  { code: 'failed', name: 'Failed', is_terminal: true, description: 'Ended with a failure: see failure_message.' },
  { code: 'canceled', name: 'Canceled', is_terminal: true, description: 'Was stopped before its end.' },
  {
    code: 'partial_succeeded',
    name: 'Partially succeeded',
    is_terminal: true,
    description: 'Ended with some of its outputs missing.',
  },
];
export const BATCH_STATUS_CODE: Readonly<Record<BatchStatus, string>> = {
  queued: 'queued',
  running: 'running',
  succeeded: 'succeeded',
  partial: 'partial_succeeded',
  failed: 'failed',
  canceled: 'canceled',
};

export const NODE_STATE_CODE: Readonly<Record<NodeStatus, string>> = {
  running: 'running',
  waiting: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  skipped: 'skipped',
  canceled: 'canceled',
  cached: 'cached',
};
