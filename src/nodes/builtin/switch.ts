import { ON_ERROR } from '../../domain/definition.ts';
import { isJsonObject, type JsonValue } from '../../domain/json.ts';
import { compileTest, isBinary, OPERATORS, type Operator, readOperator } from '../comparison.ts';
import { configIssue, holdsToken } from '../config.ts';
import { type ConnectorSpec, failed, type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

const MAX_CASES = 100;
const MAX_NAME_LENGTH = 100;
const DEFAULT_OUTPUT = 'default';

/** Names that would not tell a case's output from others, or not survive in the address `node::connector::key`. */
const TAKEN: ReadonlySet<string> = new Set([DEFAULT_OUTPUT, ON_ERROR]);

const EXAMPLE =
  '[{"name": "urgent", "operator": "contains", "value": "asap"}, {"name": "small", "operator": "less", "value": 10}]';

/** Sends a value down the branch of the first case it fits. */
export const switchNode: PureNodeType = {
  type: 'SwitchNode',
  title: 'Switch',
  description:
    'Compares the value with each case in order and gives it on through the output named like the first case that fits, or through "default".',
  category: 'flow',
  effect: false,
  inputs: [
    {
      name: 'value',
      label: 'Value',
      kind: 'variable_type_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      propagatesList: false,
    },
  ],
  outputs: [output(DEFAULT_OUTPUT, 'Default')],
  config: {
    cases: {
      type: 'list',
      description: `Cases, each {"name", "operator", "value"} or a text that is both name and value. "operator" is "equals" when left out; it may be ${OPERATORS.join(', ')}. Example: ${EXAMPLE}`,
      optional: false,
      default: null,
    },
    case_sensitive: { type: 'bool', description: 'Whether A and a differ.', optional: true, default: true },
  },
  branches: true,
  outputsOf(config) {
    const read = readCases(config['cases'] ?? null);
    return 'problem' in read ? [] : read.cases.map(({ name }) => output(name, name));
  },
  check(node) {
    const cases = node.config['cases'];
    if (cases === undefined || cases === null || typeof cases === 'string') return [];
    const read = readCases(cases);
    return 'problem' in read ? [configIssue(node, 'cases', read.problem, `Write cases like ${EXAMPLE}.`)] : [];
  },
  run(input) {
    const read = readCases(input.config['cases'] ?? null);
    if ('problem' in read) return failed({ code: 'invalid_config', message: read.problem });
    const value = input.values['value'];
    for (const { name, operator, right } of read.cases) {
      const compiled = compileTest(operator, right, input.config['case_sensitive'] !== false);
      if ('problem' in compiled) return failed({ code: 'invalid_config', message: compiled.problem });
      if (compiled.test(value)) return succeeded({ [name]: value ?? null });
    }
    return succeeded({ [DEFAULT_OUTPUT]: value ?? null });
  },
};

interface Case {
  readonly name: string;
  readonly operator: Operator;
  readonly right: JsonValue;
}

function output(name: string, label: string): ConnectorSpec {
  return { name, label, kind: 'variable_type_connector', type: one('Any'), choices: EVERY_TYPE };
}

function readCases(written: JsonValue): { cases: Case[] } | { problem: string } {
  if (!Array.isArray(written) || written.length === 0)
    return { problem: 'There must be a list with at least one case.' };
  if (written.length > MAX_CASES)
    return { problem: `There are ${written.length} cases; at most ${MAX_CASES} are allowed.` };
  const cases: Case[] = [];
  for (const [index, item] of written.entries()) {
    const read = readCase(item);
    if ('problem' in read) return { problem: `Case ${index + 1}: ${read.problem}` };
    if (cases.some(({ name }) => name === read.name)) {
      return { problem: `Case ${index + 1}: another case is already named "${read.name}".` };
    }
    cases.push(read);
  }
  return { cases };
}

function readCase(written: JsonValue): Case | { problem: string } {
  const given = typeof written === 'string' ? { name: written, value: written } : written;
  if (!isJsonObject(given)) return { problem: 'it must be an object with "name", "operator" and "value".' };
  const { name, value } = given;
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.length > MAX_NAME_LENGTH ||
    /::|\./.test(name) ||
    TAKEN.has(name)
  ) {
    return {
      problem: `"name" must be text of 1 to ${MAX_NAME_LENGTH} characters without "::" or ".", other than ${[...TAKEN].join(' and ')}; given was ${JSON.stringify(name ?? null)}.`,
    };
  }
  const operator = readOperator(given['operator'] ?? 'equals');
  if (operator === null) return { problem: `"operator" must be one of ${OPERATORS.join(', ')}.` };
  if (value === undefined && isBinary(operator))
    return { problem: `"value" is missing: "${operator}" compares with one.` };
  if (!holdsToken(value)) {
    const compiled = compileTest(operator, value, true);
    if ('problem' in compiled) return compiled;
  }
  return { name, operator, right: value ?? null };
}
