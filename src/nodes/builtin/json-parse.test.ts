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
    ['```json {"a": 1}```', { a: 1 }],
    ['```json\n{"md": "```x```"}\n```', { md: '```x```' }],
    ['```json\n{"a": 1}', { a: 1 }],
    ['{"code": "```js\\nx\\n```"}', { code: '```js\nx\n```' }],
  ])('of %j gives the value', (text, output) => {
    expect(outputsOf(run(text))).toEqual({ output });
  });

  it('gives a list also as items', () => {
    expect(outputsOf(run('[1, 2]'))).toEqual({ output: [1, 2], items: [1, 2] });
  });

  it('ends soon on text made to take for ever', () => {
    for (const text of [`\`\`\`${' '.repeat(1_000_000)}`, '```'.repeat(300_000), '['.repeat(1_000_000)]) {
      expect(failureOf(run(text))).toMatch(/^invalid_input/);
    }
  });

  it('that fails says where', () => {
    expect(failureOf(run('{"a": 1,}'))).toBe(
      'invalid_input: The text is not JSON. Not JSON at line 1, column 9: found "}".',
    );
    expect(failureOf(run('Sorry:\n```json\n{"a"}\n```'))).toContain(
      'line 2, column 5: found "}\\n". (counted from the fence)',
    );
    expect(failureOf(run(''))).toMatch(/^invalid_input/);
  });
});
