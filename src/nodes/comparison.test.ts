import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../domain/json.ts';
import { compileTest, type Operator } from './comparison.ts';

function holds(left: JsonValue | undefined, operator: Operator, right?: JsonValue, caseSensitive = true): boolean {
  const compiled = compileTest(operator, right, caseSensitive);
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.test(left);
}

type Row = [JsonValue | undefined, Operator, JsonValue | undefined];

const TRUE: Row[] = [
  ['a', 'equals', 'a'],
  [5, 'equals', '5'],
  ['5.0', 'equals', 5],
  [true, 'equals', 'TRUE'],
  [{ a: [1] }, 'equals', { a: [1] }],
  [null, 'equals', null],
  ['a', 'not_equals', 'b'],
  [undefined, 'not_equals', 'a'],
  [10, 'greater', 9],
  ['10', 'greater', '9'],
  ['b', 'greater', 'a'],
  ['2026-02-01', 'greater', '2026-01-31T23:59:59Z'],
  ['2026-01-31T12:00:00+02:00', 'less', '2026-01-31T11:00:00Z'],
  [5, 'greater_or_equal', 5],
  [5, 'less_or_equal', '5'],
  [-1, 'less', 0],
  ['a needle here', 'contains', 'needle'],
  [['a', 5], 'contains', '5'],
  [{ key: 1 }, 'contains', 'key'],
  [['a'], 'not_contains', 'b'],
  [undefined, 'not_contains', 'b'],
  ['b', 'in', ['a', 'b']],
  ['ell', 'in', 'hello'],
  ['c', 'not_in', ['a', 'b']],
  ['hello', 'starts_with', 'he'],
  ['hello', 'ends_with', 'lo'],
  ['order 66', 'matches', '[0-9]+$'],
  [12, 'matches', '^12$'],
  ...[undefined, null, '', [], {}].map((value): Row => [value, 'is_empty', undefined]),
  ...[0, false, ' ', [0], { a: null }].map((value): Row => [value, 'is_not_empty', undefined]),
  ['true', 'is_true', undefined],
  [false, 'is_false', undefined],
  [0, 'exists', undefined],
  [null, 'not_exists', undefined],
  [undefined, 'not_exists', undefined],
];

const FALSE: Row[] = [
  ['a', 'equals', 'A'],
  ['', 'equals', 0],
  [null, 'equals', 0],
  [undefined, 'equals', null],
  [[1, 2], 'equals', [2, 1]],
  ['10', 'less', '9'],
  ['x', 'greater', 5],
  ['x', 'less', 5],
  [null, 'less_or_equal', 5],
  [[1], 'greater', [0]],
  [5, 'contains', 6],
  ['hello', 'matches', '^ello'],
  [1, 'is_true', undefined],
  [undefined, 'is_false', undefined],
];

describe('a comparison', () => {
  it.each(TRUE)('%j %s %j holds', (left, operator, right) => {
    expect(holds(left, operator, right)).toBe(true);
  });

  it.each(FALSE)('%j %s %j does not hold', (left, operator, right) => {
    expect(holds(left, operator, right)).toBe(false);
  });

  it.each<Row>([
    ['A', 'equals', 'a'],
    ['HELLO', 'contains', 'ell'],
    [['A'], 'contains', 'a'],
    [{ Key: 1 }, 'contains', 'key'],
    ['a', 'in', ['A']],
    ['HELLO', 'starts_with', 'he'],
    ['HELLO', 'matches', '^hello$'],
    ['B', 'greater', 'a'],
  ])('%j %s %j holds when case does not matter', (left, operator, right) => {
    expect(holds(left, operator, right, false)).toBe(true);
    expect(holds('x', operator, 'y', false)).toBe(operator === 'greater' ? false : holds('x', operator, 'y'));
  });

  it('with a pattern that does not compile is refused', () => {
    expect(compileTest('matches', '(', true)).toEqual({ problem: expect.stringContaining('(') });
  });
});
