import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/json.ts';
import { fillIn, fillText, referencesIn } from './input-template.ts';

const input = { text: 'a {{input.n}} "b"', n: 5, list: [1, null], flag: false, 'My Input': 'x', nothing: null };

describe('a template', () => {
  it.each<[JsonValue, JsonValue | undefined]>([
    ['{{input.n}}', 5],
    [' {{ input.list }} ', [1, null]],
    ['{{input.flag}}', false],
    ['{{input.My Input}}', 'x'],
    ['n is {{input.n}}, list is {{input.list}}', 'n is 5, list is [1,null]'],
    ['{{input.text}}!', 'a {{input.n}} "b"!'],
    ['{{input.none}}', undefined],
    ['{{input.constructor}}', undefined],
    ['<{{input.none}}>', '<>'],
    ['{{other.n}} {input.n}', '{{other.n}} {input.n}'],
    [
      { a: ['{{input.n}}', '{{input.nothing}}'], b: { c: '{{input.none}}', d: 1 } },
      { a: [5], b: { d: 1 } },
    ],
    [7, 7],
  ])('%j becomes %j', (template, filled) => {
    expect(fillIn(template, input)).toEqual(filled);
  });

  it('passes each value through an encoding, and leaves its own text alone', () => {
    expect(fillText('/a b/{{input.text}}', input, encodeURIComponent)).toBe('/a b/a%20%7B%7Binput.n%7D%7D%20%22b%22');
  });

  it('says which inputs it refers to', () => {
    expect(referencesIn({ a: ['{{input.x}} {{ input.y z }}'], b: '{{input.x}}', c: 1 })).toEqual(['x', 'y z', 'x']);
  });
});
