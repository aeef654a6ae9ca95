import { describe, expect, it } from 'vitest';
import { readCondition, writeCondition } from './condition.ts';

const RULE = { left: '((A))', operator: 'equals', right: 1 };

describe('a condition', () => {
  it.each([
    ['a rule', RULE, { all: [RULE] }],
    ['a list', [RULE, RULE], { all: [RULE, RULE] }],
    ['any of some', { any: [RULE, { all: [RULE] }] }, { any: [RULE, { all: [RULE] }] }],
    ['what must not hold', { not: { any: [RULE] } }, { not: { any: [RULE] } }],
    ['what must not not hold', { not: { not: { any: [RULE] } } }, { any: [RULE] }],
    ['a group with a combinator', { combinator: 'or', not: true, rules: [RULE] }, { not: { any: [RULE] } }],
    ['a rule with a say of its own', { ...RULE, case_sensitive: false }, { all: [{ ...RULE, case_sensitive: false }] }],
    [
      'a rule about one value',
      { left: '((A))', operator: 'is_empty' },
      { all: [{ left: '((A))', operator: 'is_empty' }] },
    ],
  ])('is read and written as a group: %s', (_, written, expected) => {
    expect(writeCondition(readCondition(written)!)).toEqual(expected);
  });

  it('in a form of its own is left to be edited as JSON', () => {
    expect(readCondition({ left: 'a', operator: 'resembles', right: 'b' })).toBe(null);
    expect(readCondition(':var[x]')).toBe(null);
  });

  it('without rules is no value', () => {
    expect(writeCondition(readCondition(undefined)!)).toBe(null);
  });
});
