import { type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

/** Where a value leaves the graph and becomes part of the run's output. */
export const outputNode: PureNodeType = {
  type: 'OutputNode',
  title: 'Output',
  description: 'Puts the value that arrives into the run’s output, under its label.',
  category: 'core',
  role: 'output',
  effect: false,
  gathersList: true,
  inputs: [{ name: 'input', label: 'Input', kind: 'variable_type_connector', type: one('str'), choices: EVERY_TYPE }],
  outputs: [{ name: 'output', label: 'Output', kind: 'variable_type_output', type: one('str'), choices: EVERY_TYPE }],
  config: {
    label: {
      type: 'str',
      description: 'Name of the value in the run’s output.',
      optional: true,
      default: null,
    },
  },
  run(input) {
    const value = input.values['input'];
    return succeeded(value === undefined ? {} : { output: value });
  },
};
