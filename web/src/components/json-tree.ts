import { isJsonObject, type JsonValue } from '../../../src/domain/json.ts';
import { quotedName } from '../../../src/filter/print.ts';

/** A line of an unfolded JSON value. */
export interface JsonLine {
  /** Where it is: as filters write it, `order.items[0].id`; empty for the whole. */
  readonly path: string;
  readonly depth: number;
  /** Its key or index in what holds it; null for the whole. */
  readonly key: string | number | null;
  readonly value: JsonValue;
  /** How many values it holds; null for what holds none. */
  readonly size: number | null;
  readonly isOpen: boolean;
}

/** Values that one list or object shows at most; the rest waits for a search or the raw text. */
const MOST_CHILDREN = 5000;

/** The lines that are in sight: those in everything that is open. */
export function linesOf(value: JsonValue, isOpen: (path: string, depth: number) => boolean): JsonLine[] {
  const lines: JsonLine[] = [];
  const visit = (one: JsonValue, key: string | number | null, path: string, depth: number) => {
    const children = childrenOf(one);
    const open = children !== null && children.length > 0 && isOpen(path, depth);
    lines.push({ path, depth, key, value: one, size: children?.length ?? null, isOpen: open });
    if (!open) return;
    for (const [childKey, child] of children.slice(0, MOST_CHILDREN))
      visit(child, childKey, childPath(path, childKey), depth + 1);
  };
  visit(value, null, '', 0);
  return lines;
}

/** Paths of the values whose key or own text holds what is searched for, in order, whatever its case. */
export function pathsWith(value: JsonValue, text: string): string[] {
  const needle = text.toLowerCase();
  const found: string[] = [];
  const visit = (one: JsonValue, key: string | number | null, path: string) => {
    const children = childrenOf(one);
    const own = children === null ? String(one) : '';
    if (
      String(key ?? '')
        .toLowerCase()
        .includes(needle) ||
      own.toLowerCase().includes(needle)
    )
      found.push(path);
    for (const [childKey, child] of children ?? []) visit(child, childKey, childPath(path, childKey));
  };
  visit(value, null, '');
  return found;
}

/** The paths of everything that holds the value at a path. */
export function holdersOf(value: JsonValue, path: string): string[] {
  const holders: string[] = [];
  const visit = (one: JsonValue, at: string): boolean => {
    if (at === path) return true;
    for (const [key, child] of childrenOf(one) ?? []) {
      if (visit(child, childPath(at, key))) {
        holders.push(at);
        return true;
      }
    }
    return false;
  };
  visit(value, '');
  return holders;
}

function childrenOf(value: JsonValue): readonly (readonly [string | number, JsonValue])[] | null {
  if (Array.isArray(value)) return value.map((item, index) => [index, item] as const);
  return isJsonObject(value) ? Object.entries(value) : null;
}

/** The path of what is held under a key or an index. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? quotedName(key) : `${path}.${quotedName(key)}`;
}
