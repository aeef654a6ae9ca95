import { expect, it } from 'vitest';
import { compilePattern, MAX_PATTERN_LENGTH, MAX_SUBJECT_LENGTH } from './pattern.ts';

function compiled(pattern: string, options = {}) {
  const result = compilePattern(pattern, { caseSensitive: true, ...options });
  if ('problem' in result) throw new Error(result.problem);
  return result.pattern;
}

it('honours its options', () => {
  expect(compiled('abc').test('xABCx')).toBe(false);
  expect(compiled('abc', { caseSensitive: false }).test('xABCx')).toBe(true);
  expect(compiled('^b$', { multiline: true }).test('a\nb\nc')).toBe(true);
  expect(compiled('a.b', { dotAll: true }).test('a\nb')).toBe(true);
});

it.each([
  '(',
  '[z-a]',
  '(a)\\1',
  '(?=a)',
  'a**',
  'x'.repeat(MAX_PATTERN_LENGTH + 1),
  '((a{100}){100}){10}',
  `${'[a-z]{900}'.repeat(6)}`,
])('%s is refused with a reason', (pattern) => {
  expect(compilePattern(pattern, { caseSensitive: true })).toEqual({ problem: expect.any(String) });
});

it.each(['(a+)+$', '(a|aa)+$', '(.*)*x', '(a?){50}a{50}b'])('%s ends on the longest text there may be', (pattern) => {
  expect(compiled(pattern).test('a'.repeat(MAX_SUBJECT_LENGTH))).toBe(pattern.endsWith('$'));
});
