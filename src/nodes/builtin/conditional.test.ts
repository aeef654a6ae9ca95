import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { conditional } from './conditional.ts';

const variables = { Score: 7, Name: 'Ada', Tags: ['new', 'urgent'] };
const connected = Object.fromEntries(Object.entries(variables).map(([key, value]) => [`variables::${key}`, value]));

function taken(conditions: JsonValue, more: JsonObject = {}): string {
  return Object.keys(outputsOf(runPure(conditional, { conditions, ...more }, connected))).join();
}

const yes = { left: 1, operator: 'equals', right: 1 };
const no = { left: 1, operator: 'equals', right: 2 };

describe('a condition', () => {
  it.each<[string, JsonValue, boolean]>([
    ['a rule', { left: '((Score))', operator: 'greater', right: 5 }, true],
    ['a rule between variables', { left: '((Name))', operator: 'in', right: '((Tags))' }, false],
    ['a rule with text around a variable', { left: '<((Name))>', operator: 'equals', right: '<Ada>' }, true],
    ['a rule on a list', { left: '((Tags))', operator: 'contains', right: 'urgent' }, true],
    ['a rule on what is not connected', { left: '((Missing))', operator: 'exists' }, false],
    ['a rule with a pattern', { left: '((Name))', operator: 'matches', right: '^A' }, true],
    ['a list of rules', [yes, no], false],
    ['all', { all: [yes, yes] }, true],
    ['any', { any: [no, yes] }, true],
    ['not', { not: yes }, false],
    ['not of a list', { not: [yes, no] }, true],
    ['and', { combinator: 'and', rules: [yes, no] }, false],
    ['or', { combinator: 'or', rules: [no, yes] }, true],
    ['a negated group', { combinator: 'or', not: true, rules: [no, no] }, true],
    ['a group without a combinator', { rules: [yes, yes] }, true],
    ['groups in groups', { all: [yes, { any: [no, { not: [no] }] }] }, true],
  ])('may be %s', (_, conditions, result) => {
    expect(issuesOf(conditional, { conditions })).toEqual([]);
    expect(taken(conditions)).toBe(String(result));
  });

  it('counts case unless it is told not to, for all rules or for one', () => {
    const rule = { left: '((Name))', operator: 'equals', right: 'ADA' };
    expect(taken(rule)).toBe('false');
    expect(taken(rule, { case_sensitive: false })).toBe('true');
    expect(taken({ ...rule, case_sensitive: false })).toBe('true');
    expect(taken({ ...rule, case_sensitive: true }, { case_sensitive: false })).toBe('false');
  });

  it('sends the connected value down the branch it takes, or else the variables', () => {
    expect(outputsOf(runPure(conditional, { conditions: yes }, { ...connected, value: [1] }))).toEqual({ true: [1] });
    expect(outputsOf(runPure(conditional, { conditions: no }, connected))).toEqual({ false: variables });
    expect(outputsOf(runPure(conditional, { conditions: no }, { value: null }))).toEqual({ false: null });
  });

  it.each<[string, JsonValue, string]>([
    ['no object', 5, 'conditions must be a rule'],
    ['an empty list', [], 'at least one rule'],
    ['an unknown operator', { left: 1, operator: '=', right: 1 }, 'unknown: "="'],
    ['no operator', { all: [yes, { left: 1, right: 1 }] }, 'conditions.all[1].operator is missing'],
    ['no left side', { operator: 'equals', right: 1 }, 'conditions.left is missing'],
    ['no right side', { any: [{ left: 1, operator: 'equals' }] }, 'conditions.any[0].right is missing'],
    ['a pattern that does not compile', { left: 1, operator: 'matches', right: '(' }, 'conditions.right'],
    ['another combinator', { combinator: 'xor', rules: [yes] }, '"xor"'],
    ['too many rules', Array.from({ length: 201 }, () => yes), 'more than 200 rules'],
    [
      'groups too deep',
      Array.from({ length: 11 }).reduce<JsonValue>((inner) => ({ not: inner }), yes),
      'deeper than 10',
    ],
  ])('with %s is refused when it is saved, and does not run', (_, conditions, message) => {
    expect(issuesOf(conditional, { conditions })).toMatchObject([
      { severity: 'invalid', message: expect.stringContaining(message) },
    ]);
    expect(failureOf(runPure(conditional, { conditions }, {}))).toContain(`invalid_config: `);
  });

  it('fails when a variable brings a pattern that does not compile', () => {
    const conditions = { left: 'x', operator: 'matches', right: '((Pattern))' };
    expect(issuesOf(conditional, { conditions })).toEqual([]);
    expect(failureOf(runPure(conditional, { conditions }, { 'variables::Pattern': '(' }))).toMatch(/^invalid_config/);
  });
});
