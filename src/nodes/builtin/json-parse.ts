import { valueAsText } from '../../domain/value.ts';
import { parseJson } from '../json-text.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { many, one } from '../value-types.ts';

const FENCE = '```';

/** How language models like to begin JSON; some words may stand before it. */
const OPENING_FENCE = /```(?:json)?/i;

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
    const whole = parseJson(text);
    const parsed = 'problem' in whole ? (parseFenced(text) ?? whole) : whole;
    if ('problem' in parsed) {
      const where = parsed === whole ? '' : ' (counted from the fence)';
      return failed({ code: 'invalid_input', message: `The text is not JSON. ${parsed.problem}${where}` });
    }
    const output = parsed.value;
    return succeeded(Array.isArray(output) ? { output, items: output } : { output });
  },
};

/** The JSON between the first fence and the next, or the last when the JSON itself has fences in its texts. Null: no fences. */
function parseFenced(text: string): ReturnType<typeof parseJson> | null {
  const opening = OPENING_FENCE.exec(text);
  if (opening === null) return null;
  const start = opening.index + opening[0].length;
  const [next, last] = [text.indexOf(FENCE, start), text.lastIndexOf(FENCE)];
  if (next < 0) return parseJson(text.slice(start));
  const parsed = parseJson(text.slice(start, next));
  return 'problem' in parsed && last > next ? parseJson(text.slice(start, last)) : parsed;
}
