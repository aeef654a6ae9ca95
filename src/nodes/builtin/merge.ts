import type { JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import { configText } from '../config.ts';
import { keyedValues, type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, many, one } from '../value-types.ts';

const MODES = ['list', 'text', 'object', 'first'];

/** Brings several values, or branches, together. */
export const merge: PureNodeType = {
  type: 'MergeNode',
  title: 'Merge',
  description:
    'Gathers the values connected under its keys: to one list (lists among them are joined end to end), to one text, to an object by key, or to the first one that arrived, which brings branches together again. Values that did not arrive are left out.',
  category: 'flow',
  effect: false,
  gathersList: true,
  inputs: [
    {
      name: 'values',
      label: 'Values',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
    },
  ],
  outputs: [
    // Typed as a list so that what comes out as one is taken item by item behind; other values pass as they are.
    { name: 'output', label: 'Output', kind: 'variable_type_connector', type: many('Any'), choices: EVERY_TYPE },
  ],
  config: {
    mode: { type: 'str', description: 'What to make of the values.', optional: true, default: 'list', choices: MODES },
    separator: { type: 'str', description: 'Put between texts.', optional: true, default: '\n' },
  },
  run(input) {
    const values = keyedValues(input, 'values');
    const items: JsonValue[] = Object.values(values).flat(1);
    switch (input.config['mode']) {
      case 'text':
        return succeeded({ output: items.map(valueAsText).join(configText(input.config, 'separator')) });
      case 'object':
        return succeeded({ output: values });
      case 'first':
        return succeeded({ output: Object.values(values)[0] ?? null });
      default:
        return succeeded({ output: items });
    }
  },
};
