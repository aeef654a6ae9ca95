import { describe, expect, it } from 'vitest';
import { type FormField, readAnswer } from './form.ts';
import type { JsonValue } from './json.ts';

const field = (name: string, kind: FormField['kind'], set: Partial<FormField> = {}): FormField => ({
  ...{ name, kind, label: name, isRequired: true, initial: null, options: kind === 'select' ? ['dry', 'warm'] : [] },
  ...set,
});

const FORM = [field('ok', 'checkbox'), field('tone', 'select'), field('why', 'text'), field('sum', 'number')];
const ANSWER = { ok: false, tone: 'dry', why: 'Because.', sum: 0 };

const taken = (kind: FormField['kind'], value: JsonValue) => {
  const read = readAnswer([field('it', kind)], { it: value });
  return 'answer' in read ? read.answer['it'] : read.problems[0]?.type;
};

describe('an answer to a form', () => {
  it('has a value for every field', () => {
    expect(readAnswer(FORM, ANSWER)).toEqual({ answer: ANSWER });
    expect(readAnswer([], {})).toEqual({ answer: {} });
    const optional = FORM.map((each) => ({ ...each, isRequired: false }));
    expect(readAnswer(optional, {})).toEqual({ answer: { ok: false, tone: null, why: null, sum: null } });
    expect(readAnswer([field('why', 'text', { initial: 'So.' })], { why: '' })).toEqual({ answer: { why: 'So.' } });
  });

  it('that is wrong is told every mistake at once', () => {
    const read = readAnswer(FORM, { ok: 'yes', tone: 'loud', why: ' '.repeat(100_001), sun: 1 });
    const problems = 'problems' in read ? read.problems : [];
    expect(problems.map(({ field: name, type }) => `${name} ${type}`)).toEqual([
      'sun unknown_field',
      'ok wrong_value',
      'tone wrong_value',
      'why wrong_value',
      'sum missing',
    ]);
    expect(problems[0]?.message).toContain('Did you mean sum?');
    expect(problems[2]?.message).toContain('one of "dry", "warm"');
  });

  it('is taken in the type that a field has', () => {
    expect(taken('checkbox', true)).toBe(true);
    expect(taken('checkbox', 1)).toBe('wrong_value');
    expect(taken('number', '1')).toBe('wrong_value');
    expect(taken('text', '')).toBe('missing');
    expect(taken('file', 'spot://abc')).toEqual({ uri: 'spot://abc' });
    expect(taken('file', { uri: 'https://example.com/a.png', name: 'a.png' })).toMatchObject({ name: 'a.png' });
    expect(taken('file', 'a.png')).toBe('wrong_value');
    expect(taken('file', { url: 'https://example.com' })).toBe('wrong_value');
  });
});
