import { outputNode } from '../builtin/output.ts';
import type { PureNodeType } from '../node-type.ts';

const { role: _, ...plain } = outputNode;

/** Where a value leaves a workflow that a model runs: what the workflow's output node was, before its values are gathered. */
export const modelOutput: PureNodeType = {
  ...plain,
  type: 'ModelOutputNode',
  title: 'Model: output',
  description: 'Stands where a workflow that a model runs has an output, and passes its value on.',
  category: 'models',
};
