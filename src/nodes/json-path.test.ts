import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../domain/json.ts';
import { compileJsonPath } from './json-path.ts';

function find(path: string, document: JsonValue) {
  const compiled = compileJsonPath(path);
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.path.find(document);
}

const shop: JsonValue = {
  items: [
    { name: 'pen', price: 2, tags: ['blue', 'thin'] },
    { name: 'book', price: 12.5, tags: [] },
  ],
  'odd key': 1,
};

describe('a JSONPath', () => {
  it.each([
    ['$', [shop]],
    ['$.items[0].name', ['pen']],
    ['$.items[-1].name', ['book']],
    ['$..price', [2, 12.5]],
    ['$.items[*].tags[0]', ['blue']],
    ["$['odd key']", [1]],
    ['$.items[?@.price < 10].name', ['pen']],
    ['$.items[?@.name == "book" && count(@.tags[*]) == 0].price', [12.5]],
    ['$.items[?match(@.name, "p.n")].name', ['pen']],
    ['$.items[?search(@.name, "oo")].name', ['book']],
    ['$.items[?match(@.name, "(")].name', []],
    ['$.nothing[*].there', []],
  ])('%s finds what RFC 9535 says', (path, values) => {
    expect(find(path, shop)).toEqual({ values });
  });

  it.each(['items', '$.', '$[', '$.items[?@.price <]', '$.a['.repeat(5), `$${'.a'.repeat(600)}`])(
    '%s is refused with a reason',
    (path) => {
      expect(compileJsonPath(path)).toEqual({ problem: expect.any(String) });
    },
  );

  it('matches patterns in linear time', () => {
    expect(find('$[?search(@, "(a+)+$")]', [`${'a'.repeat(50_000)}!`])).toEqual({ values: [] });
  });

  it('that would look at a document over and over is refused', () => {
    const wide = Array.from({ length: 10_000 }, (_, index) => ({ index }));
    expect(find('$[?count($..*) > 1]', wide)).toHaveProperty('problem');
    expect(find('$[?@.index < 3].index', wide)).toEqual({ values: [0, 1, 2] });
    let deep: JsonValue = 1;
    for (let level = 0; level < 190; level++) deep = [deep];
    expect(find('$..*..*..*..*..*', deep)).toHaveProperty('problem');
    expect(find('$..*', deep)).toHaveProperty('values');
  });
});
