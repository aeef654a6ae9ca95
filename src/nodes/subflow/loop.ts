import type { JsonObject } from '../../domain/json.ts';
import type { Warning } from '../../domain/warning.ts';
import { OPERATORS } from '../comparison.ts';
import { CONDITION_EXAMPLE, evaluate, readConditions } from '../condition.ts';
import { configIssue, configNumber } from '../config.ts';
import { type Ended, failed, type InvokingNodeType, keyedValues, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';
import { failureOfSubflow, outputsOfSubflow, SUBFLOW_FIELD } from './subflow-config.ts';

const DEFAULT_ROUNDS = 100;

/** A loop that has not come to its end after that many rounds has lost its way. */
const MAX_ROUNDS = 10_000;

/** Runs a workflow again and again while a condition holds. */
export const loop: InvokingNodeType = {
  type: 'LoopNode',
  title: 'Loop while',
  description:
    'Runs a workflow again and again while a condition holds. Outputs of a round that have the name of an input are that input in the next one; the others stay as connected. The condition is written of inputs and outputs, ((Name)), and of ((round)), the rounds made, and is checked before the first round too unless "check_first" is off.',
  category: 'subflows',
  effect: true,
  invokes: true,
  timeoutMs: 0,
  retry: { retries: 0, delayMs: 1_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [
    {
      name: 'inputs',
      label: 'Inputs of the first round',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [
    {
      name: 'outputs',
      label: 'Outputs of the last round',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
    },
    { name: 'rounds', label: 'Rounds made', kind: 'connector', type: one('number') },
  ],
  config: {
    subflow_id: SUBFLOW_FIELD,
    conditions: {
      type: 'Custom',
      description: `Goes on while this holds. A rule {"left", "operator", "right"}, a list of rules, or a group "all", "any", "not", e.g. ${CONDITION_EXAMPLE}. Operators: ${OPERATORS.join(', ')}.`,
      optional: false,
      default: null,
      display: { type: 'complex_condition' },
    },
    max_iterations: {
      type: 'int',
      description: 'Rounds after which it ends although the condition holds.',
      optional: true,
      default: DEFAULT_ROUNDS,
      minimum: 1,
      maximum: MAX_ROUNDS,
    },
    on_limit: {
      type: 'str',
      description: 'Whether it fails at the last round allowed, or goes on with a warning.',
      optional: true,
      default: 'warn',
      choices: ['warn', 'fail'],
    },
    check_first: {
      type: 'bool',
      description: 'Whether the condition must hold before the first round.',
      optional: true,
      default: true,
    },
  },
  check(node) {
    const conditions = node.config['conditions'];
    if (conditions === undefined || conditions === null || typeof conditions === 'string') return [];
    const read = readConditions(conditions);
    return 'problem' in read
      ? [configIssue(node, 'conditions', read.problem, `Write it like ${CONDITION_EXAMPLE}.`)]
      : [];
  },
  begin(input) {
    const inputs = keyedValues(input, 'inputs');
    if (input.config['check_first'] === false) return { kind: 'invoke', input: inputs };
    const goesOn = holds(input.config, { ...inputs, round: 0 });
    if (typeof goesOn !== 'boolean') return goesOn;
    return goesOn ? { kind: 'invoke', input: inputs } : succeeded({ ...outputsOfSubflow(inputs), rounds: 0 });
  },
  next(input, { subflow }, ended) {
    if (ended.failure !== null || ended.isCanceled) return failureOfSubflow(subflow.name, ended);
    const rounds = ended.ordinal;
    const goesOn = holds(input.config, { ...ended.input, ...ended.output, round: rounds });
    if (typeof goesOn !== 'boolean') return goesOn;
    const delivered = { ...outputsOfSubflow(ended.output), rounds };
    if (!goesOn) return succeeded(delivered);
    const most = configNumber(input.config, 'max_iterations') ?? DEFAULT_ROUNDS;
    if (rounds < most) {
      const carried = Object.entries(ended.output).filter(([name]) => subflow.inputs.includes(name));
      return { kind: 'invoke', input: { ...ended.input, ...Object.fromEntries(carried) } };
    }
    const message = `The condition still holds after ${rounds} rounds, the most that "max_iterations" allows.`;
    if (input.config['on_limit'] === 'fail') return failed({ code: 'loop_limit', message });
    const warning: Warning = { identifier: 'general', detail: message, params: { rounds } };
    return succeeded(delivered, { warnings: [warning] });
  },
};

/** Whether the loop goes on, or why that cannot be said. */
function holds(config: JsonObject, variables: JsonObject): boolean | Ended {
  const read = readConditions(config['conditions'] ?? null);
  if ('problem' in read) return failed({ code: 'invalid_config', message: read.problem });
  const verdict = evaluate(read.condition, variables, true);
  return typeof verdict === 'string' ? failed({ code: 'invalid_config', message: verdict }) : verdict;
}
