import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf } from './text-parts.ts';

describe('the parts of a text', () => {
  it('are no longer than asked for, and together the text', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '. ', '\n\n', '😀'), maxLength: 200 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 40 }), (text, size) => {
        const parts = partsOf(text, size);
        expect(parts.join('')).toBe(text);
        expect(parts.filter((part) => part.length > size || part === '' || !part.isWellFormed())).toEqual([]);
      }),
    );
  });

  it('are cut between paragraphs where that is possible', () => {
    expect(partsOf('One. Two.\n\nThree.\n\nFour is long.', 20)).toEqual(['One. Two.\n\nThree.\n\n', 'Four is long.']);
    expect(partsOf('', 5)).toEqual([]);
  });
});
