import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonValue } from '../domain/json.ts';
import { OPERATORS, type Operator } from '../domain/operator.ts';
import { valueAsText } from '../domain/value.ts';
import { compilePattern, MAX_SUBJECT_LENGTH } from './pattern.ts';

export { isBinary, OPERATORS, type Operator } from '../domain/operator.ts';

/** The operator of that name, or null. */
export function readOperator(name: JsonValue | undefined): Operator | null {
  return OPERATORS.find((operator) => operator === name) ?? null;
}

/** What a value is judged by. `undefined` is a value that did not arrive. */
type Test = (left: JsonValue | undefined) => boolean;

/**
 * Prepares a comparison with `right`, to be made with one or many left values.
 *
 * Numbers and text that spells a number are compared as numbers, ISO 8601 dates as points in time, other text by its characters.
 * `contains` finds text in text, an item in a list, a key in an object; `in` is the same the other way round. What cannot be
 * ordered is neither greater nor less.
 * @returns the test, or why there can be none (a pattern that does not compile).
 */
export function compileTest(
  operator: Operator,
  right: JsonValue | undefined,
  caseSensitive: boolean,
): { readonly test: Test } | { readonly problem: string } {
  const equal = (a: JsonValue | undefined, b: JsonValue | undefined): boolean => isEqual(a, b, caseSensitive);
  const ordered = (accept: (order: number) => boolean): { test: Test } => ({
    test: (left) => {
      const order = compareOrder(left, right, caseSensitive);
      return order !== null && accept(order);
    },
  });
  const text = (value: JsonValue | undefined): string => foldCase(valueAsText(value ?? null), caseSensitive);
  switch (operator) {
    case 'equals':
      return { test: (left) => equal(left, right) };
    case 'not_equals':
      return { test: (left) => !equal(left, right) };
    case 'greater':
      return ordered((order) => order > 0);
    case 'greater_or_equal':
      return ordered((order) => order >= 0);
    case 'less':
      return ordered((order) => order < 0);
    case 'less_or_equal':
      return ordered((order) => order <= 0);
    case 'contains':
      return { test: (left) => contains(left, right, caseSensitive) };
    case 'not_contains':
      return { test: (left) => !contains(left, right, caseSensitive) };
    case 'in':
      return { test: (left) => contains(right, left, caseSensitive) };
    case 'not_in':
      return { test: (left) => !contains(right, left, caseSensitive) };
    case 'starts_with':
      return { test: (left) => text(left).startsWith(text(right)) };
    case 'ends_with':
      return { test: (left) => text(left).endsWith(text(right)) };
    case 'matches':
      return compileMatch(right, caseSensitive);
    case 'is_empty':
      return { test: isEmpty };
    case 'is_not_empty':
      return { test: (left) => !isEmpty(left) };
    case 'is_true':
      return { test: (left) => equal(left, true) };
    case 'is_false':
      return { test: (left) => equal(left, false) };
    case 'exists':
      return { test: (left) => left !== undefined && left !== null };
    case 'not_exists':
      return { test: (left) => left === undefined || left === null };
  }
}

function compileMatch(right: JsonValue | undefined, caseSensitive: boolean) {
  const compiled = compilePattern(valueAsText(right ?? null), { caseSensitive });
  if ('problem' in compiled) return compiled;
  const test: Test = (left) => {
    const text = valueAsText(left ?? null);
    return text.length <= MAX_SUBJECT_LENGTH && compiled.pattern.test(text);
  };
  return { test };
}

function foldCase(text: string, caseSensitive: boolean): string {
  return caseSensitive ? text : text.toLowerCase();
}

function isEqual(a: JsonValue | undefined, b: JsonValue | undefined, caseSensitive: boolean): boolean {
  if (a === undefined || b === undefined) return false;
  if (typeof a === 'string' && typeof b === 'string') return foldCase(a, caseSensitive) === foldCase(b, caseSensitive);
  if (typeof a === 'number' || typeof b === 'number') {
    const [left, right] = [asNumber(a), asNumber(b)];
    return left !== null && left === right;
  }
  if (typeof a === 'boolean' || typeof b === 'boolean')
    return valueAsText(a).toLowerCase() === valueAsText(b).toLowerCase();
  return isDeepStrictEqual(a, b);
}

function contains(whole: JsonValue | undefined, part: JsonValue | undefined, caseSensitive: boolean): boolean {
  if (whole === undefined || whole === null || part === undefined) return false;
  if (Array.isArray(whole)) return whole.some((item) => isEqual(item, part, caseSensitive));
  const text = foldCase(valueAsText(part), caseSensitive);
  if (isJsonObject(whole)) return Object.keys(whole).some((key) => foldCase(key, caseSensitive) === text);
  return foldCase(valueAsText(whole), caseSensitive).includes(text);
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Negative, zero or positive; null when the two have no order. */
function compareOrder(a: JsonValue | undefined, b: JsonValue | undefined, caseSensitive: boolean): number | null {
  const numbers = [asNumber(a), asNumber(b)] as const;
  if (numbers[0] !== null && numbers[1] !== null) return Math.sign(numbers[0] - numbers[1]);
  if (typeof a !== 'string' || typeof b !== 'string') return null;
  const times = [asTime(a), asTime(b)] as const;
  if (times[0] !== null && times[1] !== null) return Math.sign(times[0] - times[1]);
  const [left, right] = [foldCase(a, caseSensitive), foldCase(b, caseSensitive)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function asNumber(value: JsonValue | undefined): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** `2026-01-31`, alone or with a time; `Date.parse` alone would also take "May 1" or "1-2". */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;

function asTime(text: string): number | null {
  const time = ISO_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
