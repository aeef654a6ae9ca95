import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/json.ts';
import { failureOf, outputsOf, runPure } from '../test-kit.ts';
import { inputNode } from './input.ts';

const run = (type: string, value: JsonValue) => runPure(inputNode, { label: 'Ticket', type }, { input: value });

describe('an input', () => {
  it.each<[string, JsonValue, JsonValue]>([
    ['str', 'text', 'text'],
    ['str', 5, '5'],
    ['str', true, 'true'],
    ['str', ['a', 1], ['a', '1']],
    ['str', [], []],
    ['number', 1.5, 1.5],
    ['number', '12', 12],
    ['number', [1, '2'], [1, 2]],
    ['bool', false, false],
    ['bool', 'true', true],
    ['datetime', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['dict', { a: 1 }, { a: 1 }],
    ['dict', [{ a: 1 }], [{ a: 1 }]],
    ['list', [1, 'a'], [1, 'a']],
    ['File', 'spot://f1', { uri: 'spot://f1' }],
    ['Image', { uri: 'https://x/y.png', name: 'y' }, { uri: 'https://x/y.png', name: 'y' }],
    ['Any', { anything: [null] }, { anything: [null] }],
  ])('of type %s takes %j', (type, given, output) => {
    expect(outputsOf(run(type, given))).toEqual({ output });
  });

  it.each<[string, JsonValue]>([
    ['str', { a: 1 }],
    ['str', ['a', { b: 1 }]],
    ['number', 'twelve'],
    ['number', ''],
    ['number', true],
    ['bool', 'yes'],
    ['datetime', 'soon'],
    ['datetime', 5],
    ['dict', 'text'],
    ['list', 'text'],
    ['File', { name: 'no uri' }],
    ['File', ''],
  ])('of type %s refuses %j and says what it takes', (type, given) => {
    const failure = failureOf(run(type, given));
    expect(failure).toMatch(/^invalid_input: Input "Ticket" takes .+; given was .+\./);
    expect(failure).toContain(JSON.stringify(given).slice(0, 20));
  });

  it('that may be left out is null then', () => {
    expect(outputsOf(runPure(inputNode, { optional: true }, {}))).toEqual({ output: null });
    expect(outputsOf(runPure(inputNode, { optional: true, value: 'x' }, {}))).toEqual({ output: 'x' });
  });

  it('without a value says under which name to give one', () => {
    expect(failureOf(runPure(inputNode, { label: 'Ticket' }, {}))).toContain('"Ticket"');
    expect(failureOf(runPure(inputNode, {}, {}))).toContain('"n1"');
  });

  it('uses its configured value when the run gives none', () => {
    expect(outputsOf(runPure(inputNode, { type: 'number', value: 3 }, {}))).toEqual({ output: 3 });
  });

  it('repeats only the beginning of a long wrong value', () => {
    expect(failureOf(run('number', 'x'.repeat(10_000))).length).toBeLessThan(300);
  });
});
