import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { switchNode } from './switch.ts';

const cases = [
  { name: 'urgent', operator: 'contains', value: 'asap' },
  { name: 'empty', operator: 'is_empty' },
  { name: 'any text', operator: 'matches', value: '.' },
];

describe('a switch', () => {
  it.each<[JsonValue, string]>([
    ['please asap', 'urgent'],
    ['', 'empty'],
    ['hello', 'any text'],
    ['\n', 'default'],
  ])('sends %j to the first case that fits: %s', (value, name) => {
    expect(outputsOf(runPure(switchNode, { cases }, { value }))).toEqual({ [name]: value });
  });

  it('takes texts as cases that are name and value', () => {
    expect(outputsOf(runPure(switchNode, { cases: ['de', 'en'], case_sensitive: false }, { value: 'EN' }))).toEqual({
      en: 'EN',
    });
  });

  it('has an output for each case', () => {
    expect(switchNode.outputsOf?.({ cases }).map(({ name }) => name)).toEqual(['urgent', 'empty', 'any text']);
    expect(switchNode.outputsOf?.({ cases: 'nonsense' })).toEqual([]);
    expect(switchNode.outputsOf?.({})).toEqual([]);
  });

  it.each<[string, JsonValue]>([
    ['no case', []],
    ['a case without a name', [{ value: 1 }]],
    ['a case with an empty name', ['']],
    ['a name twice', ['a', 'a']],
    ['the name of the default', ['default']],
    ['the name of the error output', ['on_error']],
    ['a name that breaks addresses', ['a::b']],
    ['an unknown operator', [{ name: 'a', operator: '~', value: 1 }]],
    ['no value', [{ name: 'a' }]],
    ['a pattern that does not compile', [{ name: 'a', operator: 'matches', value: '(' }]],
    ['no object', [5]],
    ['too many cases', Array.from({ length: 101 }, (_, index) => `c${index}`)],
  ])('with %s is refused when it is saved, and does not run', (_, given) => {
    expect(issuesOf(switchNode, { cases: given })).toMatchObject([{ severity: 'invalid' }]);
    expect(failureOf(runPure(switchNode, { cases: given }, { value: 'a' }))).toMatch(/^invalid_config/);
  });
});
