import type { Failure, FailureCode } from '../../../../src/domain/failure.ts';

/** What to do about each kind of failure, besides what its message says. */
const NEXT_STEPS: Readonly<Record<FailureCode, string>> = {
  invalid_input: 'Run it again with an edited input.',
  invalid_config: 'Mend the configuration of the node in its workflow, then rerun with the current version.',
  list_lengths_differ:
    'Give the node lists of one length, or merge them before it, then rerun with the current version.',
  timeout:
    'Rerun from the failed node. If it happens again, raise the time limit of the node, or ask whoever runs the service it calls.',
  not_configured: 'Set what is missing in the server’s configuration, then rerun from the failed node.',
  address_refused: 'Call a public address, or let the operator allow this one, then rerun from the failed node.',
  network: 'See whether the service can be reached, then rerun from the failed node.',
  http_status: 'See what the service answered, mend the request or wait, then rerun from the failed node.',
  too_large: 'Give it less at once: split the text or the list before this node.',
  provider: 'See what the provider said. Often waiting helps: rerun from the failed node, or name another model.',
  worker_lost: 'Nothing was wrong with the run: rerun it from the failed node.',
  output_missing: 'See why the branch that makes the output was not taken, or mark the output as optional.',
  request_canceled: 'Somebody called the request off. Rerun from the failed node to ask again.',
  subflow_failed:
    'Open the run that it made: it says what failed. Mend that workflow, then rerun from the failed node.',
  subflow_stopped: 'Somebody stopped the run that it made. Rerun from the failed node to make another.',
  subflow_depth: 'Workflows invoke one another too deep. See whether one of them invokes itself.',
  loop_limit:
    'The condition of the loop was never met. Mend it, or raise the limit of rounds, then rerun with the current version.',
  code_error: 'Mend the code of the node in its workflow, then rerun from the failed node with the current version.',
  internal: 'This is a fault of the server. Its log has it under the run’s id; rerun from the failed node.',
};

/** What to do about a failure, in one sentence; later servers may know codes that this page does not. */
export function nextStep({ code }: Failure): string {
  return NEXT_STEPS[code] ?? 'Rerun from the failed node.';
}
