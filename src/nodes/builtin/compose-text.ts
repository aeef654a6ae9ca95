import { failed, keyedValues, type PureNodeType, succeeded } from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { one } from '../value-types.ts';

/** Text from a template and values. */
export const composeText: PureNodeType = {
  type: 'ComposeTextNode',
  title: 'Compose text',
  description:
    'Writes text from a template: ((Key)) is replaced by the value connected under that key, objects and lists as JSON.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
  outputs: [{ name: 'output', label: 'Output', kind: 'connector', type: one('str') }],
  config: {
    template: {
      type: 'str',
      description: 'The text, with ((Key)) where a value goes.',
      optional: false,
      default: null,
      display: { type: 'textarea' },
    },
  },
  run(input) {
    const rendered = renderTemplate(input.config['template'] ?? null, keyedValues(input, 'variables'));
    if ('failure' in rendered) return failed(rendered.failure);
    return succeeded({ output: rendered.text }, { warnings: rendered.warnings });
  },
};
