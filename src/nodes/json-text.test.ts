import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_JSON_DEPTH, parseJson } from './json-text.ts';

it('gives back every JSON value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'small' }), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
    }),
  );
});

it.each([
  ['{"a":}', 'line 1, column 6: found "}"'],
  ['hello', 'line 1, column 1: found "hello"'],
  ['["say", y]', 'line 1, column 9: found "y]"'],
  ['{\n  "a": 1,\n}', 'line 3, column 1: found "}"'],
  ['[1,2', 'line 1, column 5: found the end of the text'],
  ['', 'line 1, column 1: found the end of the text'],
  ['{"a":1} and more', 'line 1, column 9: found "and more"'],
  ['nul', 'line 1, column 4: found the end of the text'],
  ["{'a': 1}", 'line 1, column 2: found "\'a\': 1}"'],
])('says where %j stops being JSON', (text, where) => {
  expect(parseJson(text)).toEqual({ problem: `Not JSON at ${where}.` });
});

it('refuses nesting that would exhaust the stack, and not brackets in text', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(parseJson(nested(MAX_JSON_DEPTH))).toHaveProperty('value');
  expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toHaveProperty('problem');
  expect(parseJson(nested(1_000_000))).toHaveProperty('problem');
  expect(parseJson(JSON.stringify('\\"['.repeat(500)))).toHaveProperty('value');
});
