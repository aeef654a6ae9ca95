import { isJsonObject, type JsonValue } from '../../domain/json.ts';
import { DATA_TYPES, type DataType, valueAsText } from '../../domain/value.ts';
import { configFlag, configText } from '../config.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

/** Characters of a wrong value that an error message repeats. */
const SHOWN_LENGTH = 80;

/** Where a value of the run's input enters the graph. */
export const inputNode: PureNodeType = {
  type: 'InputNode',
  title: 'Input',
  description:
    'Takes one value of the run’s input, under its label, and checks that it has the chosen type. With "fixed value" it gives the configured value instead.',
  category: 'core',
  role: 'input',
  effect: false,
  // A list given to an input is one thing that the caller gave: the nodes behind it iterate, not the input.
  gathersList: true,
  inputs: [
    {
      name: 'input',
      label: 'Input',
      kind: 'variable_type_input',
      type: one('str'),
      choices: EVERY_TYPE,
      optional: true,
    },
  ],
  outputs: [
    { name: 'output', label: 'Output', kind: 'variable_type_connector', type: one('str'), choices: EVERY_TYPE },
  ],
  config: {
    label: {
      type: 'str',
      description: 'Name of the value in the run’s input; the node’s id when left out.',
      optional: true,
      default: null,
    },
    type: { type: 'str', description: 'Type of the value.', optional: true, default: 'str', choices: DATA_TYPES },
    fixed_value: {
      type: 'bool',
      description: 'Use the configured value instead of one given with the run.',
      optional: true,
      default: false,
    },
    value: {
      type: 'Any',
      description: 'The fixed value, or what is used when the run gives none.',
      optional: true,
      default: null,
    },
    optional: {
      type: 'bool',
      description: 'A run may leave it out; the value is null then.',
      optional: true,
      default: false,
      advanced: true,
    },
  },
  run(input) {
    const given = input.values['input'] ?? input.config['value'] ?? undefined;
    const label = configText(input.config, 'label') || input.nodeId;
    if (given === undefined && configFlag(input.config, 'optional')) return succeeded({ output: null });
    if (given === undefined) {
      return failed({
        code: 'invalid_input',
        message: `No value was given for input "${label}". Give one in the run's input under that name, or configure a fixed value.`,
      });
    }
    const type = readType(input.config['type']);
    const value = Array.isArray(given) && !TAKES_LISTS.has(type) ? convertAll(given, type) : convert(given, type);
    if (value !== undefined) return succeeded({ output: value });
    const shown = JSON.stringify(given).slice(0, SHOWN_LENGTH);
    return failed({
      code: 'invalid_input',
      message: `Input "${label}" takes ${WANTED[type]}; given was ${shown}. Give such a value or change the input's type.`,
    });
  },
};

const TAKES_LISTS: ReadonlySet<DataType> = new Set(['list', 'Chat', 'Custom', 'Quote', 'Any']);

const WANTED: Readonly<Record<DataType, string>> = {
  str: 'text',
  number: 'a number',
  bool: 'true or false',
  datetime: 'a date and time as text in ISO 8601, e.g. 2026-01-31T12:00:00Z',
  dict: 'an object',
  list: 'a list',
  Image: 'a file: {"uri": "spot://…"} or a URL',
  Audio: 'a file: {"uri": "spot://…"} or a URL',
  File: 'a file: {"uri": "spot://…"} or a URL',
  Quote: 'any value',
  Custom: 'any value',
  Chat: 'any value',
  Any: 'any value',
};

function readType(configured: JsonValue | undefined): DataType {
  return DATA_TYPES.find((type) => type === configured) ?? 'str';
}

function convertAll(items: JsonValue[], type: DataType): JsonValue | undefined {
  const converted = items.map((item) => convert(item, type));
  return converted.some((item) => item === undefined) ? undefined : (converted as JsonValue[]);
}

/** The value in the form its type has inside a run; undefined when it is of another type. Forms send numbers and flags as text. */
function convert(value: JsonValue, type: DataType): JsonValue | undefined {
  switch (type) {
    case 'str':
      return typeof value === 'object' ? undefined : valueAsText(value);
    case 'number':
      return asNumber(value);
    case 'bool':
      if (value === 'true' || value === 'false') return value === 'true';
      return typeof value === 'boolean' ? value : undefined;
    case 'datetime':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : undefined;
    case 'dict':
      return isJsonObject(value) ? value : undefined;
    case 'list':
      return Array.isArray(value) ? value : undefined;
    case 'Image':
    case 'Audio':
    case 'File':
      if (typeof value === 'string' && value !== '') return { uri: value };
      return isJsonObject(value) && typeof value['uri'] === 'string' ? value : undefined;
    default:
      return value;
  }
}

function asNumber(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
