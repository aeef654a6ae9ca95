import type { JsonValue } from '../../domain/json.ts';
import { configFlag, configIssue, configText, holdsToken } from '../config.ts';
import { compileJsonPath, MAX_MATCHES } from '../json-path.ts';
import { parseJson } from '../json-text.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { many, one } from '../value-types.ts';

const MODES = ['first', 'all'];

/** Picks values out of JSON. */
export const jsonPath: PureNodeType = {
  type: 'JsonPathNode',
  title: 'JSON path',
  description:
    'Finds values in JSON with a JSONPath query (RFC 9535). "output" carries the first match, or the list of all; "items" carries the same when it is a list, for nodes that take one item at a time.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'json', label: 'JSON', kind: 'connector', type: one('Any') }],
  outputs: [
    { name: 'output', label: 'Output', kind: 'connector', type: one('Any') },
    { name: 'items', label: 'Items', kind: 'connector', type: many('Any'), optional: true },
  ],
  config: {
    path: { type: 'str', description: 'The query, e.g. $.items[?@.price < 10].name', optional: false, default: null },
    mode: {
      type: 'str',
      description: 'Give the first match, or a list of all.',
      optional: true,
      default: 'first',
      choices: MODES,
    },
    required: {
      type: 'bool',
      description: 'Fail when nothing matches; otherwise "first" gives null.',
      optional: true,
      default: true,
    },
  },
  check(node) {
    const path = node.config['path'];
    if (typeof path !== 'string' || holdsToken(path)) return [];
    const compiled = compileJsonPath(path);
    return 'problem' in compiled ? [configIssue(node, 'path', compiled.problem, 'Correct the path.')] : [];
  },
  run(input) {
    const path = configText(input.config, 'path');
    const compiled = compileJsonPath(path);
    if ('problem' in compiled) return failed({ code: 'invalid_config', message: compiled.problem });
    const document = readDocument(input.values['json'] ?? null);
    if ('problem' in document)
      return failed({ code: 'invalid_input', message: `The text at "json" cannot be read. ${document.problem}` });
    const all = input.config['mode'] === 'all';
    const found = compiled.path.find(document.value, all ? MAX_MATCHES : 1);
    if ('problem' in found) return failed({ code: 'too_large', message: found.problem });
    if (found.values.length === 0 && configFlag(input.config, 'required')) {
      return failed({
        code: 'invalid_input',
        message: `Nothing in the JSON matches ${path}. Correct the path, or set "required" to false.`,
      });
    }
    const output = all ? found.values : (found.values[0] ?? null);
    return succeeded(Array.isArray(output) ? { output, items: output } : { output });
  },
};

function readDocument(given: JsonValue): { value: JsonValue } | { problem: string } {
  return typeof given === 'string' ? parseJson(given) : { value: given };
}
