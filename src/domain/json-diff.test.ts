import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from './json.ts';
import { diffJson, isSameJson, type JsonDifference } from './json-diff.ts';

const ALL = Number.POSITIVE_INFINITY;

/** Does what a difference says, as RFC 6902 does it. */
function applied(value: JsonValue, difference: JsonDifference): JsonValue {
  const keys = difference.path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop();
  const result = difference.kind === 'removed' ? null : difference.after;
  if (last === undefined) return result;
  const copy = structuredClone(value);
  let at = copy as JsonObject;
  for (const key of keys) at = at[key] as JsonObject;
  if (Array.isArray(at) && difference.kind !== 'changed') {
    at.splice(Number(last), difference.kind === 'removed' ? 1 : 0, ...(difference.kind === 'added' ? [result] : []));
  } else if (difference.kind === 'removed') delete at[last];
  else Object.defineProperty(at, last, { value: result, enumerable: true, writable: true, configurable: true });
  return copy;
}

const tellable = fc.jsonValue({ maxDepth: 4, stringUnit: fc.constantFrom('a', 'b', '~', '/', '0') }).map(
  // Through the text, as all of ours go: there is no -0 and no undefined behind it.
  (value) => JSON.parse(JSON.stringify(value)) as JsonValue,
);

/** A value, and another that it might have become. */
const pairs = fc.oneof(
  fc.tuple(tellable, tellable),
  fc.tuple(
    fc.array(fc.constantFrom<JsonValue>(1, 2, [1], [2], { a: 1 })),
    fc.array(fc.constantFrom<JsonValue>(1, 2, [1])),
  ),
);

describe('the differences of two values', () => {
  it('turn the one into the other, made one after the other', () => {
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        expect(diffJson(before, after, ALL).differences.reduce(applied, before)).toEqual(after);
      }),
    );
  });

  it('are none just where both say the same', () => {
    fc.assert(
      fc.property(pairs, ([before, after]) => {
        expect(diffJson(before, structuredClone(before), ALL).differences).toEqual([]);
        const canonical = (value: JsonValue): string =>
          JSON.stringify(value, (_, part: JsonValue) =>
            typeof part === 'object' && part !== null && !Array.isArray(part)
              ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
              : part,
          );
        expect(isSameJson(before, after)).toBe(canonical(before) === canonical(after));
      }),
    );
  });

  it('are as many as are asked for, and say when there are more', () => {
    fc.assert(
      fc.property(pairs, fc.nat(4), ([before, after], limit) => {
        const all = diffJson(before, after, ALL).differences;
        expect(diffJson(before, after, limit)).toEqual({
          differences: all.slice(0, limit),
          isCut: all.length > limit,
        });
      }),
    );
  });

  it('have both values, at places written as JSON Pointers', () => {
    const before = { same: 1, 'a/b~c': 'old', gone: [1] };
    const after = { same: 1, 'a/b~c': 'new', come: null };
    expect(diffJson(before, after, ALL).differences).toEqual([
      { kind: 'changed', path: '/a~1b~0c', before: 'old', after: 'new' },
      { kind: 'removed', path: '/gone', before: [1] },
      { kind: 'added', path: '/come', after: null },
    ]);
    expect(diffJson([1], { 0: 1 }, ALL).differences).toEqual([
      { kind: 'changed', path: '', before: [1], after: { 0: 1 } },
    ]);
  });

  it('of lists are what came in and what went, wherever it was', () => {
    expect(diffJson(['b', 'c'], ['a', 'b', 'c'], ALL).differences).toEqual([{ kind: 'added', path: '/0', after: 'a' }]);
    expect(diffJson([1, [2, 3], 4, 5], [1, [2, 9], 5], ALL).differences).toEqual([
      { kind: 'changed', path: '/1/1', before: 3, after: 9 },
      { kind: 'removed', path: '/2', before: 4 },
    ]);
  });

  it('are found however deep they lie', () => {
    const nested = (inner: string) => JSON.parse(`${'['.repeat(5000)}"${inner}"${']'.repeat(5000)}`) as JsonValue;
    expect(diffJson(nested('x'), nested('y'), ALL).differences).toEqual([
      { kind: 'changed', path: '/0'.repeat(5000), before: 'x', after: 'y' },
    ]);
  });

  it('are found at once in lists of different lengths, however deep they lie in one another', () => {
    const nested = (tail: string) => JSON.parse(`${'['.repeat(2000)}"x"${tail.repeat(2000)}`) as JsonValue;
    const { differences } = diffJson(nested(',1]'), nested(',1,2]'), ALL);
    expect(differences).toHaveLength(2000);
    expect(differences.at(-1)).toEqual({ kind: 'added', path: '/2', after: 2 });
  });
});
