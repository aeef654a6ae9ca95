import { type InvokingNodeType, keyedValues, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';
import { CONCURRENCY_FIELD, failureOfSubflow, outputsOfSubflow, SUBFLOW_FIELD } from './subflow-config.ts';

/** Runs another workflow in the place of a node (noxus-nodes.md section 2). */
export const invokeSubflow: InvokingNodeType = {
  type: 'InvokeSubflowNode',
  title: 'Run a workflow',
  description:
    'Runs another workflow with the connected inputs, each under the name of one of its inputs, and delivers its outputs under their names. A list that arrives at an input for a single value makes it run once per item.',
  category: 'subflows',
  effect: true,
  invokes: true,
  timeoutMs: 0,
  retry: { retries: 0, delayMs: 1_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [
    {
      name: 'inputs',
      label: 'Inputs',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
    },
  ],
  outputs: [
    { name: 'outputs', label: 'Outputs', kind: 'variable_type_size_connector', type: one('Any'), choices: EVERY_TYPE },
  ],
  config: { subflow_id: SUBFLOW_FIELD, concurrency: CONCURRENCY_FIELD },
  begin: (input) => ({ kind: 'invoke', input: keyedValues(input, 'inputs') }),
  next(_input, { subflow }, ended) {
    if (ended.failure !== null || ended.isCanceled) return failureOfSubflow(subflow.name, ended);
    return succeeded(outputsOfSubflow(ended.output));
  },
};
