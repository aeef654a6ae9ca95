import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { type ConfigField, type Ended, type EndedInvocation, failed } from '../node-type.ts';

/** Runs of one node that go on at the same time, at most: more would let one run take every worker. */
const MAX_CONCURRENCY = 100;

/** Which workflow a node invokes. */
export const SUBFLOW_FIELD: ConfigField = {
  type: 'str',
  description:
    'Id of the workflow that is run. It runs as it was when the run of this workflow was started, however long that takes.',
  optional: false,
  default: null,
  display: { type: 'workflow' },
};

/** How many of its runs go on at the same time. */
export const CONCURRENCY_FIELD: ConfigField = {
  type: 'int',
  description: 'Items that are worked on at the same time.',
  optional: true,
  default: 8,
  minimum: 1,
  maximum: MAX_CONCURRENCY,
};

/** What a workflow delivers as outputs of the node that invoked it: each under its name, and all of them as an object. */
export function outputsOfSubflow(output: JsonObject): Record<string, JsonValue> {
  const named = Object.entries(output).map(([name, value]) => [`outputs::${name}`, value] as const);
  return { outputs: output, ...Object.fromEntries(named) };
}

/** The failure of a pass whose run did not succeed. A run that failed may be tried again; one that somebody stopped is not. */
export function failureOfSubflow(name: string, { runId, failure, isCanceled }: EndedInvocation): Ended {
  if (isCanceled) {
    return failed({ code: 'subflow_stopped', message: `The run ${runId} of "${name}" was stopped.` });
  }
  const code = failure?.code === 'timeout' ? 'timeout' : 'subflow_failed';
  const why = failure?.message ?? 'It gave no reason.';
  return failed({ code, message: `The run ${runId} of "${name}" failed: ${why}` }, true);
}
