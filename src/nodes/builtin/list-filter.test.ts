import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, outputsOf, runPure } from '../test-kit.ts';
import { listFilter } from './list-filter.ts';

const items = [{ name: 'pen', price: 2 }, { name: 'book', price: 12 }, { name: 'Cup' }];

describe('filtering a list', () => {
  it.each<[JsonObject, string[]]>([
    [{ path: '$.price', operator: 'greater', value: 5 }, ['book']],
    [{ path: '$.price', operator: 'exists' }, ['pen', 'book']],
    [{ path: '$.name', operator: 'in', value: ['pen', 'cup'], case_sensitive: false }, ['pen', 'Cup']],
    [{ path: '$.name', operator: 'equals', value: '((Wanted))' }, ['book']],
    [{ path: '$.name', operator: 'matches', value: '^[a-z]+$' }, ['pen', 'book']],
  ])('with %j keeps what fits and gives the rest apart', (config, names) => {
    expect(issuesOf(listFilter, config)).toEqual([]);
    const { output, rest } = outputsOf(runPure(listFilter, config, { list: items, 'variables::Wanted': 'book' }));
    expect(output).toEqual(items.filter(({ name }) => names.includes(name)));
    expect(rest).toEqual(items.filter(({ name }) => !names.includes(name)));
  });

  it('keeps what is not empty when nothing is configured', () => {
    expect(outputsOf(runPure(listFilter, {}, { list: ['a', '', null, 0] }))['output']).toEqual(['a', 0]);
  });

  it.each<[JsonObject, string]>([
    [{ operator: '=' }, 'There is no operator "="'],
    [{ operator: 'equals' }, 'It is missing'],
    [{ operator: 'matches', value: '(' }, '('],
    [{ path: 'price' }, 'not a JSONPath'],
  ])('with %j is refused when it is saved', (config, message) => {
    expect(issuesOf(listFilter, config)).toMatchObject([{ message: expect.stringContaining(message) }]);
  });

  it('fails for what is no list, and for more comparisons than can be made', () => {
    expect(failureOf(runPure(listFilter, {}, { list: 'text' }))).toMatch(/^invalid_input/);
    const long = Array.from({ length: 3_000 }, (_, index) => index);
    expect(failureOf(runPure(listFilter, { operator: 'in', value: long }, { list: long }))).toMatch(/^too_large/);
  });
});
