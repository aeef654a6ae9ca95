import { describe, expect, it } from 'vitest';
import { readDeclaredInput } from '../domain/declared-input.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { checkInput } from './declared-inputs.ts';

const declared = (type: string, attrs: JsonObject = {}, more: JsonObject = {}) =>
  readDeclaredInput({ name: 'x', variable_type_code: type, validator_attrs: attrs, ...more });

const check = (type: string, attrs: JsonObject, value: JsonValue) =>
  checkInput([declared(type, attrs)], { x: value }).problems.map((problem) => problem.type);

describe('a declared input', () => {
  it.each<[string, JsonObject, JsonValue]>([
    ['string', {}, 'text'],
    ['STRING', { min_length: 2, max_length: 2 }, '👩👩'],
    ['text', { pattern: '^[a-z]+$' }, 'abc'],
    ['text', { options: ['a', 'b'] }, 'b'],
    ['integer', { min: 1, max: 3 }, 3],
    ['INT', { minimum: '1', maximum: '3' }, 2.0],
    ['float', { multiple_of: 0.1 }, 0.3],
    ['FLOAT', { multiple_of: 8 }, 1024],
    ['number', {}, 1e300],
    ['boolean', {}, false],
    ['BOOLEAN', {}, true],
    ['image', {}, 'https://x.test/a.png'],
    ['IMAGE', {}, 'data:image/png;base64,AA=='],
    ['video', {}, 'runflow://assets/5f0c'],
    ['audio', {}, { uri: 'spot://f1' }],
    ['FILE', {}, { url: 'https://x.test/a' }],
    ['json', {}, { a: 1 }],
    ['array', { min_items: 1, max_items: 2, items: 'image' }, ['https://x.test/a.png']],
    ['array', { options: ['a', 'b'] }, ['a', 'a']],
    ['enum', { choices: [{ label: 'One', value: 1 }, 'two'] }, 1],
    ['something_else', {}, [null]],
  ])('of type %s with %j takes %j', (type, attrs, value) => {
    expect(check(type, attrs, value)).toEqual([]);
  });

  it.each<[string, JsonObject, JsonValue, string]>([
    ['string', {}, 5, 'type'],
    ['string', { min_length: 2 }, '👩', 'min_length'],
    ['string', { max_length: 2 }, 'abc', 'max_length'],
    ['string', { regex: '^a+$' }, 'b', 'pattern'],
    ['string', { enum: ['a'] }, 'b', 'options'],
    ['integer', {}, 1.5, 'type'],
    ['integer', {}, '1', 'type'],
    ['integer', {}, 2 ** 53, 'type'],
    ['integer', { min: 1 }, 0, 'minimum'],
    ['number', { max: 1 }, 1.1, 'maximum'],
    ['number', { multiple_of: 8 }, 1020, 'multiple_of'],
    ['number', { multiple_of: 0.1 }, 0.35, 'multiple_of'],
    ['boolean', {}, 'true', 'type'],
    ['image', {}, 'a.png', 'type'],
    ['image', {}, { name: 'a.png' }, 'type'],
    ['image', {}, ['https://x.test/a.png'], 'type'],
    ['json', {}, [1], 'type'],
    ['array', {}, 'a', 'type'],
    ['array', { min_items: 1 }, [], 'min_items'],
    ['array', { max_items: 1 }, [1, 2], 'max_items'],
    ['array', { items: 'image' }, ['a'], 'type'],
    ['array', { options: ['a'] }, ['b'], 'options'],
    ['enum', { options: [1] }, '1', 'options'],
    ['enum', {}, {}, 'type'],
  ])('of type %s with %j refuses %j', (type, attrs, value, problem) => {
    expect(check(type, attrs, value)).toEqual([problem]);
  });
});

describe('an input', () => {
  const inputs = [
    declared('text', {}, { name: 'prompt', is_required: true }),
    declared('integer', {}, { name: 'seed', default_value: 7 }),
    declared('boolean', {}, { name: 'fast', default_value: false }),
    declared('text', {}, { name: 'note' }),
  ];

  it('gets the defaults of what it leaves out, and null is left out', () => {
    const { input, problems } = checkInput(inputs, { prompt: 'x', seed: null, note: null });
    expect([input, problems]).toEqual([{ prompt: 'x', seed: 7, fast: false }, []]);
  });

  it('is told everything that is wrong, with the nearest name for one that is not known', () => {
    const { problems } = checkInput(inputs, { Prompt: 'x', seed: 'y', zzz: 1 }, ['body', 'input', 3]);
    expect(problems).toMatchObject([
      { at: ['body', 'input', 3, 'prompt'], type: 'missing' },
      { at: ['body', 'input', 3, 'seed'], type: 'type', message: '"seed" takes a whole number; given was "y".' },
      { at: ['body', 'input', 3, 'Prompt'], type: 'unknown_input', hint: 'Did you mean "prompt"?' },
      { at: ['body', 'input', 3, 'zzz'], hint: 'The inputs are "prompt", "seed", "fast", "note".' },
    ]);
  });

  it('may not name what every object has', () => {
    const { input, problems } = checkInput([declared('text', {}, { name: 'toString' })], {});
    expect([input, problems]).toEqual([{}, []]);
    expect(checkInput([], { constructor: 1 }).problems).toMatchObject([{ hint: 'It takes no input.' }]);
  });
});
