import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { keyedValues, type PureNodeType, succeeded } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';
import { fileEntry, OUTPUTS, valueEntry } from './output-entry.ts';

/** What a workflow made, in the form in which models give it. */
export const modelOutputs: PureNodeType = {
  type: 'ModelOutputsNode',
  title: 'Model: outputs',
  description:
    'Gathers named values into the list of outputs that a model gives: files, texts and other values, each with its name.',
  category: 'models',
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
  outputs: [OUTPUTS],
  config: {},
  run(input) {
    const entries = Object.entries(keyedValues(input, 'values')).flatMap(([name, value]) => entriesOf(name, value));
    return succeeded({ outputs: entries });
  },
};

/** A list of files is that many entries, a list of entries stays what it is; another list is one value. */
function entriesOf(name: string, value: JsonValue): JsonObject[] {
  if (value === null) return [];
  if (Array.isArray(value) && value.length > 0 && value.every(isEntry)) return value;
  const files = [value].flat().map((item) => fileEntry(name, item));
  return files.length > 0 && !files.includes(null)
    ? files.filter((entry) => entry !== null)
    : [valueEntry(name, value)];
}

/** An output in the form of models, as a ComfyUI workflow gives it. */
function isEntry(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && typeof value['type'] === 'string' && typeof value['url'] === 'string';
}
