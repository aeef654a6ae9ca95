import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

/** One place where two values differ. `path` is a JSON Pointer (RFC 6901): the whole value is ``. */
export type JsonDifference =
  | { readonly kind: 'added'; readonly path: string; readonly after: JsonValue }
  | { readonly kind: 'removed'; readonly path: string; readonly before: JsonValue }
  | { readonly kind: 'changed'; readonly path: string; readonly before: JsonValue; readonly after: JsonValue };

export interface JsonDiff {
  /** In the order of the places; made one after the other they turn the first value into the second, as a JSON Patch (RFC 6902) does. */
  readonly differences: readonly JsonDifference[];
  /** There are more differences than were asked for. */
  readonly isCut: boolean;
}

interface Pair {
  readonly path: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
}

/**
 * Where two values differ. Objects are compared by key, in whatever order keys stand. Of lists, what is the same at their beginnings and their ends is
 * put side by side, and what is left between is compared item by item: an item that came in at one place is one difference.
 * @param limit differences that are told
 */
export function diffJson(before: JsonValue, after: JsonValue, limit: number): JsonDiff {
  const differences: JsonDifference[] = [];
  // A stack instead of recursion: values from outside nest as deep as they like. The next place is on top.
  const left: (Pair | JsonDifference)[] = [{ path: '', before, after }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!('kind' in next)) {
      left.push(...inside(next).toReversed());
      continue;
    }
    if (differences.length === limit) return { differences, isCut: true };
    differences.push(next);
  }
  return { differences, isCut: false };
}

/** Whether two values are the same, in whatever order the keys of objects stand. */
export function isSameJson(one: JsonValue, other: JsonValue): boolean {
  return diffJson(one, other, 0).isCut === false;
}

/** The next places to look at, or the difference that a place is. */
function inside(pair: Pair): readonly (Pair | JsonDifference)[] {
  const { path, before, after } = pair;
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return insideLists(path, before, after);
  if (isJsonObject(before) && isJsonObject(after)) return insideObjects(path, before, after);
  return [{ kind: 'changed', path, before, after }];
}

function insideObjects(path: string, before: JsonObject, after: JsonObject): (Pair | JsonDifference)[] {
  const of = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const kept = Object.entries(before).map(([key, value]): Pair | JsonDifference =>
    Object.hasOwn(after, key)
      ? { path: of(key), before: value, after: after[key]! }
      : { kind: 'removed', path: of(key), before: value },
  );
  const added = Object.entries(after).flatMap(([key, value]): JsonDifference[] =>
    Object.hasOwn(before, key) ? [] : [{ kind: 'added', path: of(key), after: value }],
  );
  return [...kept, ...added];
}

function insideLists(
  path: string,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): (Pair | JsonDifference)[] {
  const shorter = Math.min(before.length, after.length);
  if (before.length === after.length) {
    return before.map((value, index) => ({ path: `${path}/${index}`, before: value, after: after[index]! }));
  }
  let first = 0;
  while (first < shorter && isSameJson(before[first]!, after[first]!)) first += 1;
  let same = 0;
  while (same < shorter - first && isSameJson(before.at(-1 - same)!, after.at(-1 - same)!)) same += 1;
  const last = shorter - same;
  const found: (Pair | JsonDifference)[] = [];
  for (let index = first; index < last; index += 1) {
    found.push({ path: `${path}/${index}`, before: before[index]!, after: after[index]! });
  }
  // From the back, so that the places of those in front stay what they are.
  for (let index = before.length - same - 1; index >= last; index -= 1) {
    found.push({ kind: 'removed', path: `${path}/${index}`, before: before[index]! });
  }
  for (let index = last; index < after.length - same; index += 1) {
    found.push({ kind: 'added', path: `${path}/${index}`, after: after[index]! });
  }
  return found;
}
