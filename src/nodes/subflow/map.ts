import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { type Ended, failed, type InvokingNodeType, keyedValues, type NodeInput, succeeded } from '../node-type.ts';
import { EVERY_TYPE, many, one } from '../value-types.ts';
import { CONCURRENCY_FIELD, failureOfSubflow, SUBFLOW_FIELD } from './subflow-config.ts';

const ON_ITEM_ERROR = ['fail', 'null', 'drop'] as const;

/** Runs a workflow once for each item of a list. */
export const map: InvokingNodeType = {
  type: 'MapNode',
  title: 'For each item',
  description:
    'Runs a workflow once for each item of a list and gathers the results in the order of the items. An item goes to the input named by "item_input"; without it, to the only input that nothing else feeds, or an object’s properties go to the inputs of their names. Values connected to "inputs" are given to every item.',
  category: 'subflows',
  effect: true,
  invokes: true,
  eachOf: 'items',
  eachTo: 'results',
  timeoutMs: 0,
  retry: { retries: 0, delayMs: 1_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [
    { name: 'items', label: 'Items', kind: 'connector', type: many('Any') },
    {
      name: 'inputs',
      label: 'Inputs of every item',
      kind: 'variable_type_size_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [
    { name: 'results', label: 'Results', kind: 'connector', type: many('Any') },
    { name: 'errors', label: 'Errors', kind: 'connector', type: many('dict') },
  ],
  config: {
    subflow_id: SUBFLOW_FIELD,
    item_input: {
      type: 'str',
      description: 'The workflow’s input that takes the item.',
      optional: true,
      default: null,
    },
    index_input: {
      type: 'str',
      description: 'An input of the workflow that takes the place of the item in the list, from 0.',
      optional: true,
      default: null,
      advanced: true,
    },
    result_output: {
      type: 'str',
      description:
        'The workflow’s output that is the result of an item. Left out: its only output, or all of them as an object.',
      optional: true,
      default: null,
    },
    on_item_error: {
      type: 'str',
      description:
        'What an item does whose run fails: "fail" fails the node, "null" leaves null in its place, "drop" leaves it out. Both of the latter tell of it in "errors".',
      optional: true,
      default: 'fail',
      choices: ON_ITEM_ERROR,
    },
    concurrency: CONCURRENCY_FIELD,
  },
  begin(input, { iteration, subflow }) {
    if (iteration === 0) {
      const given = JSON.stringify(input.values['items'] ?? null).slice(0, 80);
      return failed({ code: 'invalid_input', message: `"items" takes a list; given was ${given}.` });
    }
    const given = itemInputs(input, subflow.inputs);
    if ('kind' in given) return given;
    const index = input.config['index_input'];
    const place = typeof index === 'string' && index !== '' ? { [index]: iteration - 1 } : {};
    return { kind: 'invoke', input: { ...keyedValues(input, 'inputs'), ...given.inputs, ...place } };
  },
  next(input, { subflow }, ended) {
    if (ended.failure !== null || ended.isCanceled) return failureOfSubflow(subflow.name, ended);
    return resultOf(input.config['result_output'] ?? null, ended.output);
  },
  outputsOfFailedPass(config, failure, iteration) {
    const errors = { index: iteration - 1, code: failure.code, message: failure.message };
    switch (config['on_item_error']) {
      case 'null':
        return { results: null, errors };
      case 'drop':
        return { errors };
      default:
        return null;
    }
  },
};

/** Where an item goes. */
function itemInputs(input: NodeInput, names: readonly string[]): { inputs: JsonObject } | Ended {
  const { item_input: named, index_input: index } = input.config;
  const item = input.values['items'] ?? null;
  if (typeof named === 'string' && named !== '') return { inputs: { [named]: item } };
  const others = new Set([...Object.keys(keyedValues(input, 'inputs')), index]);
  const free = names.filter((name) => !others.has(name));
  if (free.length === 1) return { inputs: { [free[0]!]: item } };
  if (isJsonObject(item)) return { inputs: item };
  const choice = free.length === 0 ? 'has no input left for it' : `could go to ${free.join(', ')}`;
  return failed({
    code: 'invalid_config',
    message: `An item that is no object ${choice}. Name its input under "item_input".`,
  });
}

function resultOf(named: JsonValue, output: JsonObject): Ended {
  const names = Object.keys(output);
  if (typeof named === 'string' && named !== '') {
    if (Object.hasOwn(output, named)) return succeeded({ results: output[named] ?? null });
    const there = names.length === 0 ? 'It has none.' : `It gave ${names.map((name) => `"${name}"`).join(', ')}.`;
    return failed({ code: 'invalid_config', message: `The workflow gave no output "${named}". ${there}` });
  }
  return succeeded({ results: names.length === 1 ? (output[names[0]!] ?? null) : output });
}
