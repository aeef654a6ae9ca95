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

/**
 * Levels down to which lists are put side by side by what is the same in them. Looking for that compares what lies below, once for each level; further
 * down, where nobody reads along, items are compared by their places alone, so that no value takes more than this many times its size.
 */
const ALIGNED_LEVELS = 32;

interface Pair {
  readonly path: string;
  readonly level: number;
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
  const left: (Pair | JsonDifference)[] = [{ path: '', level: 0, before, after }];
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
  const left: [JsonValue, JsonValue][] = [[one, other]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [before, after] = next;
    if (before === after) continue;
    if (Array.isArray(before) && Array.isArray(after)) {
      if (before.length !== after.length) return false;
      for (const [index, value] of before.entries()) left.push([value, after[index]!]);
    } else if (isJsonObject(before) && isJsonObject(after)) {
      const keys = Object.keys(before);
      if (keys.length !== Object.keys(after).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(after, key)) return false;
        left.push([before[key]!, after[key]!]);
      }
    } else return false;
  }
  return true;
}

/** The next places to look at, or the difference that a place is. */
function inside({ path, level, before, after }: Pair): readonly (Pair | JsonDifference)[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return insideLists(path, level, before, after);
  if (isJsonObject(before) && isJsonObject(after)) return insideObjects(path, level, before, after);
  return [{ kind: 'changed', path, before, after }];
}

function insideObjects(path: string, level: number, before: JsonObject, after: JsonObject): (Pair | JsonDifference)[] {
  const of = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const kept = Object.entries(before).map(([key, value]): Pair | JsonDifference =>
    Object.hasOwn(after, key)
      ? { path: of(key), level: level + 1, before: value, after: after[key]! }
      : { kind: 'removed', path: of(key), before: value },
  );
  const added = Object.entries(after).flatMap(([key, value]): JsonDifference[] =>
    Object.hasOwn(before, key) ? [] : [{ kind: 'added', path: of(key), after: value }],
  );
  return [...kept, ...added];
}

function insideLists(
  path: string,
  level: number,
  before: readonly JsonValue[],
  after: readonly JsonValue[],
): (Pair | JsonDifference)[] {
  const shorter = Math.min(before.length, after.length);
  const isAligned = level < ALIGNED_LEVELS && before.length !== after.length;
  let first = 0;
  while (isAligned && first < shorter && isSameJson(before[first]!, after[first]!)) first += 1;
  let same = 0;
  while (isAligned && same < shorter - first && isSameJson(before.at(-1 - same)!, after.at(-1 - same)!)) same += 1;
  const last = shorter - same;
  const found: (Pair | JsonDifference)[] = [];
  for (let index = first; index < last; index += 1) {
    found.push({ path: `${path}/${index}`, level: level + 1, before: before[index]!, after: after[index]! });
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
