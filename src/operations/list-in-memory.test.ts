import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Boundary } from '../domain/keyset.ts';
import { field, vocabularyOf } from '../filter/vocabulary.ts';
import { pageOf } from './list-in-memory.ts';

const vocabulary = vocabularyOf([
  field('id', 'id', 'uuid', ''),
  field('name', 'name', 'text', ''),
  field('price', 'price', 'decimal', ''),
  field('on', 'on', 'boolean', ''),
]);
const defaultSort = [{ column: 'name', direction: 'asc' }] as const;

const record = fc.record({
  id: fc.uuid(),
  name: fc.option(fc.constantFrom('a', 'b', 'é', '')),
  price: fc.option(fc.constantFrom('10', '9.5', '9.50', '0.001')),
  on: fc.option(fc.boolean()),
});
const records = fc.uniqueArray(record, { selector: ({ id }) => id, maxLength: 30 });
const sort = fc.uniqueArray(
  fc.record({ column: fc.constantFrom('name', 'price', 'on'), direction: fc.constantFrom('asc', 'desc') }),
  { selector: ({ column }) => column, maxLength: 3 },
);

it('pages forward and backward show each item once, in one order, whatever it is sorted by', () => {
  fc.assert(
    fc.property(records, sort, fc.integer({ min: 1, max: 7 }), (given, keys, limit) => {
      const items = given.map((one) => ({ item: one.id, record: one }));
      const read = (from: Boundary | null, backward: boolean, size = limit) =>
        pageOf(items, { filter: null, sort: keys, limit: size, from, backward }, { vocabulary, defaultSort });
      const whole = read(null, false, 1000);
      expect([whole.previous, whole.next]).toEqual([null, null]);
      const forward = [read(null, false)];
      for (let last = forward[0]!; last.next !== null; forward.push(last)) last = read(last.next, false);
      expect(forward.flatMap((page) => page.items)).toEqual(whole.items);
      let page = forward.at(-1)!;
      const back = [...page.items];
      while (page.previous !== null) {
        page = read(page.previous, true);
        back.unshift(...page.items);
      }
      expect(back).toEqual(whole.items);
    }),
    { numRuns: 300 },
  );
});

it('decimals are in the order of their value, and nulls come last, first when descending', () => {
  const items = [null, '10', '9.5', '0.001'].map((price, id) => ({ item: price, record: { id: String(id), price } }));
  const order = (direction: 'asc' | 'desc') =>
    pageOf(
      items,
      { filter: null, sort: [{ column: 'price', direction }], limit: 9, from: null, backward: false },
      { vocabulary, defaultSort },
    ).items;
  expect(order('asc')).toEqual(['0.001', '9.5', '10', null]);
  expect(order('desc')).toEqual([null, '10', '9.5', '0.001']);
});
