import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RENDERED_LENGTH, renderTemplate, resolveReferences } from './template.ts';

const render = (template: Parameters<typeof renderTemplate>[0], values: Parameters<typeof renderTemplate>[1]) => {
  const rendered = renderTemplate(template, values);
  return 'failure' in rendered ? rendered.failure.code : rendered.text;
};

describe('a template', () => {
  it.each([
    ['Hello ((Name))!', { Name: 'Ada' }, 'Hello Ada!'],
    ['((a))((b))((a))', { a: '1', b: '2' }, '121'],
    [
      '((n)) ((t)) ((z)) ((o)) ((l))',
      { n: 1.5, t: true, z: null, o: { a: 1 }, l: ['x', 2] },
      '1.5 true  {"a":1} ["x",2]',
    ],
    ['((Name (short))) and ((Name))', { Name: 'long', 'Name (short)': 'short' }, 'short and long'],
    ['(((a))) f(( a )) ((', { a: '1' }, '(1) f(( a )) (('],
    ['$& $1 ((a))', { a: '$& $1' }, '$& $1 $& $1'],
    ['', { a: '1' }, ''],
    [null, {}, ''],
  ])('%s with %j gives %s', (template, values, text) => {
    expect(render(template, values)).toBe(text);
  });

  it('that is rich text is joined first, so that a reference may span its parts', () => {
    expect(render([{ text: 'Hello ((Na' }, { text: 'me))' }, { text: '!' }, {}], { Name: 'Ada' })).toBe('Hello Ada!');
  });

  it('never reads what a value says as a reference', () => {
    expect(render('((a)) ((b))', { a: '((b))', b: '((a))' })).toBe('((b)) ((a))');
  });

  it('leaves keys without a value as they are, and warns of them once', () => {
    expect(renderTemplate('((x)) ((a)) ((x)) ((y))', { a: 'A' })).toEqual({
      text: '((x)) A ((x)) ((y))',
      warnings: [
        { identifier: 'general', detail: expect.stringContaining('((x)), ((y))'), params: { keys: ['x', 'y'] } },
      ],
    });
  });

  it('does not take names from the language it is written in', () => {
    expect(render('((constructor)) ((__proto__))', {})).toBe('((constructor)) ((__proto__))');
  });

  it('that grows beyond what a process can hold is refused', () => {
    expect(render('((a))'.repeat(20), { a: 'x'.repeat(MAX_RENDERED_LENGTH / 10) })).toBe('too_large');
  });

  it('without double parentheses is its own text, whatever the values', () => {
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.string()), (text, values) => {
        const plain = text.replaceAll('((', '(');
        expect(render(plain, values)).toBe(plain);
      }),
    );
  });

  it('puts every value in unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(render('<((v))>', { v: value })).toBe(`<${value}>`);
      }),
    );
  });
});

describe('a configured value', () => {
  it('that is one reference becomes the value itself', () => {
    expect(resolveReferences('((a))', { a: [1, { b: 2 }] })).toEqual([1, { b: 2 }]);
    expect(resolveReferences('((a))', {})).toBeUndefined();
  });

  it('is filled in deeply', () => {
    expect(resolveReferences({ a: ['((x))', '<((x))>'], n: 1, missing: '((y))' }, { x: 5 })).toEqual({
      a: [5, '<5>'],
      n: 1,
      missing: null,
    });
  });
});
