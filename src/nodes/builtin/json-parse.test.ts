import { describe, expect, it } from 'vitest';
import { failureOf, outputsOf, runPure } from '../test-kit.ts';
import { jsonParse } from './json-parse.ts';

const run = (text: string) => runPure(jsonParse, {}, { text });

describe('reading JSON', () => {
  it.each([
    ['{"a": [1, null]}', { a: [1, null] }],
    [' "text" ', 'text'],
    ['```json\n{"a": 1}\n```', { a: 1 }],
    ['```\n{"a": 1}\n```\n', { a: 1 }],
    ['Here you are:\r\n```JSON\r\n{"a": 1}\r\n```\r\nAnything else?', { a: 1 }],
    ['{"code": "```js\\nx\\n```"}', { code: '```js\nx\n```' }],
  ])('of %j gives the value', (text, output) => {
    expect(outputsOf(run(text))).toEqual({ output });
  });

  it('gives a list also as items', () => {
    expect(outputsOf(run('[1, 2]'))).toEqual({ output: [1, 2], items: [1, 2] });
  });

  it('that fails says where', () => {
    expect(failureOf(run('{"a": 1,}'))).toBe(
      'invalid_input: The text is not JSON. Not JSON at line 1, column 9: found "}".',
    );
    expect(failureOf(run('Sorry:\n```json\n{"a"}\n```'))).toContain(
      'line 1, column 5: found "}". (counted from the fence)',
    );
    expect(failureOf(run(''))).toMatch(/^invalid_input/);
  });
});
