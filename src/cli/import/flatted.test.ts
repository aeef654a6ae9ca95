import { describe, expect, it } from 'vitest';
import { readFlatted } from './flatted.ts';

describe('the flatted form', () => {
  it('is read as what it stands for', () => {
    expect(readFlatted('[{"a":"1","n":5,"none":null,"list":"2","same":"1"},"text",["1",true,"3"],{}]')).toEqual({
      a: 'text',
      n: 5,
      none: null,
      list: ['text', true, {}],
      same: 'text',
    });
    expect(readFlatted('["only a text"]')).toBe('only a text');
  });

  it('leaves out what leads back to itself', () => {
    expect(readFlatted('[{"self":"0","child":"1"},{"parent":"0","name":"2"},"x"]')).toEqual({ child: { name: 'x' } });
  });

  it.each(['{}', '[]', '[{"a":"7"}]', '[{"a":"b"}]', 'x'])('refuses %s', (text) => {
    expect(() => readFlatted(text)).toThrow(SyntaxError);
  });
});
