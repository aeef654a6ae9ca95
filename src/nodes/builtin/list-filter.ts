import type { JsonValue } from '../../domain/json.ts';
import { compileTest, isBinary, OPERATORS, readOperator } from '../comparison.ts';
import { configIssue, configText, holdsToken } from '../config.ts';
import { compileJsonPath, type JsonPath } from '../json-path.ts';
import { failed, keyedValues, type PureNodeType, succeeded } from '../node-type.ts';
import { resolveReferences } from '../template.ts';
import { many, one } from '../value-types.ts';

/** Comparisons of one pass; only looking up every item in a long list comes near (about a second of work). */
const MAX_COMPARISONS = 5_000_000;

/** Keeps the items of a list that fit. */
export const listFilter: PureNodeType = {
  type: 'ListFilterNode',
  title: 'Filter list',
  description:
    'Keeps the items for which the comparison holds; "rest" carries the others. With a path, the value found there in the item is compared.',
  category: 'data_ops',
  effect: false,
  inputs: [
    { name: 'list', label: 'List', kind: 'connector', type: many('Any'), propagatesList: false },
    {
      name: 'variables',
      label: 'Variables',
      kind: 'variable_connector',
      type: one('Any'),
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [
    { name: 'output', label: 'Kept items', kind: 'connector', type: many('Any') },
    { name: 'rest', label: 'Other items', kind: 'connector', type: many('Any') },
  ],
  config: {
    path: {
      type: 'str',
      description: 'JSONPath of the value within the item, e.g. $.price; the item itself when left out.',
      optional: true,
      default: null,
    },
    operator: {
      type: 'str',
      description: 'How the item is compared.',
      optional: true,
      default: 'is_not_empty',
      choices: OPERATORS,
    },
    value: {
      type: 'Any',
      description: 'What it is compared with; ((Key)) is a connected variable.',
      optional: true,
      default: null,
    },
    case_sensitive: { type: 'bool', description: 'Whether A and a differ.', optional: true, default: true },
  },
  check(node) {
    const { path, operator: name, value } = node.config;
    const operator = readOperator(name ?? 'is_not_empty');
    if (operator === null) {
      if (holdsToken(name)) return [];
      return [
        configIssue(
          node,
          'operator',
          `There is no operator ${JSON.stringify(name)}.`,
          `Use one of ${OPERATORS.join(', ')}.`,
        ),
      ];
    }
    if (isBinary(operator) && value === undefined) {
      return [configIssue(node, 'value', `It is missing: "${operator}" compares with a value.`, 'Give one.')];
    }
    const compiledPath = typeof path === 'string' && path !== '' && !holdsToken(path) ? compileJsonPath(path) : null;
    if (compiledPath !== null && 'problem' in compiledPath) {
      return [configIssue(node, 'path', compiledPath.problem, 'Correct the path.')];
    }
    if (operator !== 'matches' || holdsToken(value) || JSON.stringify(value).includes('((')) return [];
    const compiled = compileTest(operator, value, true);
    return 'problem' in compiled ? [configIssue(node, 'value', compiled.problem, 'Correct the pattern.')] : [];
  },
  run(input) {
    const list = input.values['list'] ?? null;
    if (!Array.isArray(list)) {
      return failed({
        code: 'invalid_input',
        message: `"list" takes a list; given was ${typeof list}. Connect a list.`,
      });
    }
    const operator = readOperator(input.config['operator'] ?? 'is_not_empty');
    if (operator === null) {
      return failed({ code: 'invalid_config', message: `"operator" must be one of ${OPERATORS.join(', ')}.` });
    }
    const right = resolveReferences(input.config['value'] ?? null, keyedValues(input, 'variables'));
    if (Array.isArray(right) && right.length * list.length > MAX_COMPARISONS) {
      return failed({
        code: 'too_large',
        message: `Comparing ${list.length} items with a list of ${right.length} takes too long. Shorten one of them.`,
      });
    }
    const compiled = compileTest(operator, right, input.config['case_sensitive'] !== false);
    if ('problem' in compiled) return failed({ code: 'invalid_config', message: compiled.problem });
    const path = configText(input.config, 'path');
    const compiledPath = path === '' ? null : compileJsonPath(path);
    if (compiledPath !== null && 'problem' in compiledPath) {
      return failed({ code: 'invalid_config', message: compiledPath.problem });
    }
    const output: JsonValue[] = [];
    const rest: JsonValue[] = [];
    for (const item of list) {
      const left = compiledPath === null ? item : valueAt(compiledPath.path, item);
      (compiled.test(left) ? output : rest).push(item);
    }
    return succeeded({ output, rest });
  },
};

function valueAt(path: JsonPath, item: JsonValue): JsonValue | undefined {
  const found = path.find(item, 1);
  return 'problem' in found ? undefined : found.values[0];
}
