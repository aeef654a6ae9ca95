import { valueAsText } from '../../domain/value.ts';
import { parseJson } from '../json-text.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { many, one } from '../value-types.ts';

/** JSON between fences, as language models like to write it; the opening fence may stand behind some words. */
const FENCED = /```[ \t]*(?:json[5c]?)?[ \t]*\r?\n(.*?)\r?\n?[ \t]*```/is;

/** Reads JSON text. */
export const jsonParse: PureNodeType = {
  type: 'JsonParseNode',
  title: 'Read JSON',
  description:
    'Reads JSON text into a value; text around a ```json fence is passed over. "items" carries the value when it is a list, for nodes that take one item at a time.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'text', label: 'Text', kind: 'connector', type: one('str') }],
  outputs: [
    { name: 'output', label: 'Output', kind: 'connector', type: one('Any') },
    { name: 'items', label: 'Items', kind: 'connector', type: many('Any'), optional: true },
  ],
  config: {},
  run(input) {
    const text = valueAsText(input.values['text'] ?? null);
    const fenced = text.includes('```') ? FENCED.exec(text)?.[1] : undefined;
    let parsed = parseJson(text);
    if ('problem' in parsed && fenced !== undefined) parsed = parseJson(fenced);
    if ('problem' in parsed) {
      const where = fenced === undefined ? '' : ' (counted from the fence)';
      return failed({ code: 'invalid_input', message: `The text is not JSON. ${parsed.problem}${where}` });
    }
    const output = parsed.value;
    return succeeded(Array.isArray(output) ? { output, items: output } : { output });
  },
};
