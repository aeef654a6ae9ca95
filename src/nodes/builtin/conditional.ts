import { OPERATORS } from '../comparison.ts';
import { CONDITION_EXAMPLE, evaluate, readConditions } from '../condition.ts';
import { configIssue } from '../config.ts';
import { failed, keyedValues, type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

/** Sends a value down one of two branches. */
export const conditional: PureNodeType = {
  type: 'ConditionalNode',
  title: 'Condition',
  description:
    'Takes one of two branches. Rules compare variables, written ((Key)), with each other or with fixed values; groups "all" and "any" and "not" combine them, e.g. ' +
    `${CONDITION_EXAMPLE}. The branch taken carries the value that arrives at "value", or all variables as an object when nothing is connected there.`,
  category: 'flow',
  effect: false,
  inputs: [
    {
      name: 'variables',
      label: 'Variables',
      kind: 'variable_connector',
      type: one('Any'),
      optional: true,
      propagatesList: false,
    },
    {
      name: 'value',
      label: 'Value',
      kind: 'variable_type_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [
    { name: 'true', label: 'True', kind: 'variable_type_connector', type: one('Any'), choices: EVERY_TYPE },
    { name: 'false', label: 'False', kind: 'variable_type_connector', type: one('Any'), choices: EVERY_TYPE },
  ],
  config: {
    conditions: {
      type: 'Custom',
      description:
        'A rule {"left", "operator", "right"}, a list of rules that must all hold, or a group: {"all": […]}, {"any": […]}, {"not": …}, ' +
        `or {"combinator": "and" | "or", "not": false, "rules": […]}. Operators: ${OPERATORS.join(', ')}.`,
      optional: false,
      default: null,
      display: { type: 'complex_condition' },
    },
    case_sensitive: {
      type: 'bool',
      description: 'Whether A and a differ; a rule may have its own "case_sensitive".',
      optional: true,
      default: true,
    },
  },
  check(node) {
    const conditions = node.config['conditions'];
    if (conditions === undefined || conditions === null || typeof conditions === 'string') return [];
    const read = readConditions(conditions);
    if (!('problem' in read)) return [];
    return [configIssue(node, 'conditions', read.problem, `Write it like ${CONDITION_EXAMPLE}.`)];
  },
  run(input) {
    const read = readConditions(input.config['conditions'] ?? null);
    if ('problem' in read) return failed({ code: 'invalid_config', message: read.problem });
    const variables = keyedValues(input, 'variables');
    const verdict = evaluate(read.condition, variables, input.config['case_sensitive'] !== false);
    if (typeof verdict === 'string') return failed({ code: 'invalid_config', message: verdict });
    const { value } = input.values;
    return succeeded({ [String(verdict)]: value === undefined ? variables : value });
  },
};
