import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listText, nestsDeeper, objectText } from './json-text.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

it('the depth of a JSON text is that of its value, whatever its strings hold', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 8 }), (value, limit) => {
      // Padding, since short texts are not looked at.
      const text = JSON.stringify(['[{"\\'.repeat(4), value]);
      expect(nestsDeeper(text, limit)).toBe(depthOf(['', value]) > limit);
    }),
  );
});

it('texts that cannot be as deep are not looked at', () => {
  expect(nestsDeeper('[[[', 2)).toBe(false);
});

it('objects and lists are made of JSON texts', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z_]+$/), fc.jsonValue()),
      fc.array(fc.jsonValue()),
      (object, list) => {
        const texts = Object.fromEntries(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
        expect(objectText(texts)).toBe(JSON.stringify(object));
        expect(listText(list.map((item) => JSON.stringify(item)))).toBe(JSON.stringify(list));
      },
    ),
  );
});
