import type { JsonValue } from '../../domain/json.ts';
import { configIssue, configNumber } from '../config.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { many } from '../value-types.ts';

/** Takes a part of a list. */
export const listSlice: PureNodeType = {
  type: 'ListSliceNode',
  title: 'Slice list',
  description:
    'Takes the first or last items of a list, or those from "start" up to but not including "end". Positions count from 0; negative ones from the end.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'list', label: 'List', kind: 'connector', type: many('Any'), propagatesList: false }],
  outputs: [{ name: 'output', label: 'Items', kind: 'connector', type: many('Any') }],
  config: {
    first: {
      type: 'int',
      description: 'Take this many from the beginning.',
      optional: true,
      default: null,
      minimum: 0,
    },
    last: { type: 'int', description: 'Take this many from the end.', optional: true, default: null, minimum: 0 },
    start: { type: 'int', description: 'First position taken.', optional: true, default: null },
    end: { type: 'int', description: 'Position to stop before.', optional: true, default: null },
    step: {
      type: 'int',
      description: 'Take every n-th item; a negative step goes backwards from the end.',
      optional: true,
      default: 1,
      advanced: true,
    },
  },
  check(node) {
    if (node.config['step'] !== 0) return [];
    return [configIssue(node, 'step', 'A step of 0 never ends.', 'Use 1, another number or a negative one.')];
  },
  run(input) {
    const list = input.values['list'] ?? null;
    if (!Array.isArray(list)) {
      return failed({
        code: 'invalid_input',
        message: `"list" takes a list; given was ${typeof list}. Connect a list.`,
      });
    }
    const whole = (name: string): number | null => {
      const number = configNumber(input.config, name);
      return number === null ? null : Math.trunc(number);
    };
    const [first, last] = [whole('first'), whole('last')];
    if (first !== null) return succeeded({ output: list.slice(0, Math.max(first, 0)) });
    if (last !== null) return succeeded({ output: last > 0 ? list.slice(-last) : [] });
    const step = whole('step') ?? 1;
    if (step === 0)
      return failed({ code: 'invalid_config', message: 'A step of 0 never ends. Use 1 or another number.' });
    return succeeded({ output: slice(list, whole('start'), whole('end'), step) });
  },
};

/** The slice selector of RFC 9535, section 2.3.4.2. */
function slice(list: readonly JsonValue[], start: number | null, end: number | null, step: number): JsonValue[] {
  const length = list.length;
  const fromEnd = (position: number): number => (position < 0 ? length + position : position);
  const clamp = (position: number, low: number, high: number): number => Math.min(Math.max(position, low), high);
  const taken: JsonValue[] = [];
  if (step > 0) {
    const upper = clamp(fromEnd(end ?? length), 0, length);
    for (let at = clamp(fromEnd(start ?? 0), 0, length); at < upper; at += step) taken.push(list[at] ?? null);
  } else {
    const lower = end === null ? -1 : clamp(fromEnd(end), -1, length - 1);
    for (let at = clamp(fromEnd(start ?? length - 1), -1, length - 1); at > lower; at += step)
      taken.push(list[at] ?? null);
  }
  return taken;
}
