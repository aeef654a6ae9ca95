import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Expression } from './ast.ts';
import { ACCEPTED_TEXTS, anyExpression, anyText, mutatedText, NOW } from './filter.arbitrary.ts';
import { readFilter } from './filter.ts';
import { MAX_FILTER_DEPTH, MAX_FILTER_LENGTH, MAX_FILTER_PREDICATES, MAX_LIST_ITEMS } from './limits.ts';
import { parse } from './parse.ts';
import { print } from './print.ts';
import { runVocabulary } from './run-vocabulary.ts';

/** `MILLRUN_LONG_TESTS=1` makes the properties run for minutes. */
const LONGEST_MS = 600_000;
const MANY = process.env['MILLRUN_LONG_TESTS'] === '1' ? 100_000 : 2000;

function printed(text: string): string {
  const { tree, diagnostics } = parse(text);
  expect(diagnostics).toEqual([]);
  return tree ? print(tree) : '';
}

/** The mistakes as `place: message`, where the place is the text they are about. */
function mistakes(text: string): string[] {
  const { diagnostics } = readFilter(text, runVocabulary, { now: NOW });
  return diagnostics.map(({ from, to, message }) => `${text.slice(from, to)}: ${message}`);
}

test.each(ACCEPTED_TEXTS)('%s is accepted', (text) => {
  expect(readFilter(text, runVocabulary, { now: NOW })).toMatchObject({ filter: expect.anything(), diagnostics: [] });
});

test.each([
  ['status_code', 'status_code: An operator is missing after status_code'],
  ['status_code: AND client_ref:1', ':: A value is missing after :'],
  ["status_code:'open", "'open: The ' that opens here is never closed."],
  ['statuscode:succeeded', 'statuscode: There is no field statuscode.'],
  ['duration_ms>fast', "fast: 'fast' is not a whole number."],
  ['created_at>2026-13-40', "2026-13-40: '2026-13-40' is not a date or time."],
  ['(status_code:failed', '(: This parenthesis is never closed.'],
  ['status_code:failed created_at>2026-01-01', 'created_at: AND or OR is missing before created_at'],
  ["status_code.foo:'x'", 'foo: status_code has no key or operator foo.'],
  [
    "client_ref.between:('a')",
    "client_ref.between:('a'): between takes exactly two values, as in (1, 10); one is given.",
  ],
  ['status_code:failed)', '): This parenthesis closes nothing.'],
  ['client_ref:a.b', 'a.b: Unquoted values have letters, digits, _ - / @ only.'],
  ['client_ref:a b c AND cost>1', 'b c: This belongs to no condition.'],
  ['created_at>2026-04-01T10:00:00 02:00', '02:00: This belongs to no condition.'],
  ["client_ref:('a', 'b')", "('a', 'b'): A list needs the operator in."],
  ["client_ref.isnull:('a', 'b')", "('a', 'b'): A list needs the operator in."],
  ["client_ref.in:('a' 'b')", "'b': A comma is missing before this value."],
  ["client_ref.in:('a', 'b' AND cost>1", '(: This list is never closed.'],
  ['cost==1', '==: == is not an operator here.'],
  ['cost>1 && cost<2', '&&: && is not an operator here.'],
  ['client_ref:‘a’', '‘a’: These are typographic quotes.'],
  ['client_ref:`a`', '`a`: Back quotes are for names of fields.'],
  ['metadata.order-id:1', 'order-id: order-id is not a plain name, which has letters, digits and _ only.'],
  ['metadata[x]:1', '[x]: Brackets hold the index of a list item.'],
  ['cost>1 AND', 'AND: A condition is missing after AND'],
  ['OR cost>1', 'OR: A condition is missing before OR'],
  ['()', '(): The parentheses are empty.'],
  ['client_ref.eq', 'client_ref.eq: A colon and a value are missing after client_ref.eq'],
])('%s is rejected with the place and the reason', (text, mistake) => {
  expect(mistakes(text)).toEqual([mistake]);
});

test('every mistake has a hint', () => {
  fc.assert(
    fc.property(mutatedText, (text) => {
      const { diagnostics } = readFilter(text, runVocabulary, { now: NOW });
      expect(diagnostics.every(({ hint, message }) => hint && message)).toBe(true);
    }),
  );
});

test('all mistakes of form and meaning are told at once, in the order of the text', () => {
  expect(mistakes("statuscode:x AND cost>much OR (created_at: AND client_ref:'a' duration_ms")).toEqual([
    'statuscode: There is no field statuscode.',
    "much: 'much' is not a decimal number.",
    '(: This parenthesis is never closed.',
    ':: A value is missing after :',
    'duration_ms: This belongs to no condition.',
  ]);
});

test('a blank text filters nothing', () => {
  for (const text of ['', '  \n']) {
    expect(readFilter(text, runVocabulary, { now: NOW })).toEqual({ filter: null, tree: null, diagnostics: [] });
  }
});

test.each([
  ['a:1 OR b:2 AND c:3', 'a:1 OR (b:2 AND c:3)'],
  ['NOT a:1 AND b:2', '(NOT a:1) AND b:2'],
  ['a:1', 'a=1'],
  ['a:1', 'a.eq:1'],
  ['a:1', 'a.EQ : 1'],
  ['a!=1', 'a.ne:1'],
  ['a!:1', 'a.ne:1'],
  ['a>=1', 'a.ge:1'],
  ['a>=1', 'a.GTE:1'],
  ['a:null', 'a.isnull:true'],
  ['a=NULL', 'a.isnull'],
  ['a!=null', 'a.notnull'],
  ['a.ne:null', 'a.isnull:false'],
  ['a:1 AND (b:2 AND c:3)', '(a:1 and b:2) and c:3'],
  [`a:"it's"`, `a:'it\\'s'`],
  ["a:'100\\%'", "a:'100\\\\%'"],
])('%s and %s mean the same', (one, other) => {
  expect(printed(one)).toBe(printed(other));
});

test.each([
  ["slug.eq:'a'", { segments: ['slug'], operator: 'eq' }],
  ["metadata.sku:'a'", { segments: ['metadata', 'sku'], operator: 'eq' }],
  ["metadata.`eq`:'a'", { segments: ['metadata', 'eq'], operator: 'eq' }],
  ['eq:1', { segments: ['eq'], operator: 'eq' }],
  ['eq.gt:1', { segments: ['eq'], operator: 'gt' }],
  ['a.isnull>1', { segments: ['a', 'isnull'], operator: 'gt' }],
  ['a[0].b``', null],
])('the last word before a colon is the operator when a field precedes it: %s', (text, expected) => {
  const { tree } = parse(text);
  const found = tree?.kind === 'predicate' && {
    segments: tree.path.segments.map(({ key }) => key),
    operator: tree.operator,
  };
  expect(found || null).toEqual(expected);
});

describe('limits', () => {
  const nested = (depth: number) => `${'('.repeat(depth)}cost>1${')'.repeat(depth)}`;
  const joined = (count: number) => Array.from({ length: count }, () => 'cost>1').join(' OR ');
  const listed = (count: number) => `duration_ms.in:(${Array.from({ length: count }, (_, i) => i).join(',')})`;

  test.each([
    ['length', (length: number) => `client_ref:'${'x'.repeat(length - 13)}'`, MAX_FILTER_LENGTH],
    ['depth', nested, MAX_FILTER_DEPTH],
    ['depth of NOTs', (depth: number) => `${'NOT '.repeat(depth)}cost>1`, MAX_FILTER_DEPTH],
    ['number of conditions', joined, MAX_FILTER_PREDICATES],
    ['length of a list', listed, MAX_LIST_ITEMS],
  ])('the %s may be the limit but not more, which is told once', (_, textOf, limit) => {
    expect(mistakes(textOf(limit))).toEqual([]);
    expect(mistakes(textOf(limit + 1))).toHaveLength(1);
    expect(mistakes(textOf(limit + 500))).toHaveLength(1);
  });
});

test('no text makes reading throw, and every place lies within the text', { timeout: LONGEST_MS }, () => {
  fc.assert(
    fc.property(fc.oneof(anyText, mutatedText), (text) => {
      const { diagnostics } = readFilter(text, runVocabulary, { now: NOW });
      for (const { from, to } of diagnostics) expect(0 <= from && from <= to && to <= text.length).toBe(true);
    }),
    { numRuns: MANY },
  );
});

test('a text without mistakes has a tree, and what it prints is read back as the same tree', {
  timeout: LONGEST_MS,
}, () => {
  fc.assert(
    fc.property(fc.oneof(anyText, mutatedText), (text) => {
      const { tree, diagnostics } = parse(text);
      fc.pre(tree !== null && diagnostics.length === 0);
      expect(withoutSpans(parse(print(tree)).tree)).toEqual(withoutSpans(tree));
    }),
    { numRuns: MANY, maxSkipsPerRun: 1000 },
  );
});

test('every expression is read back from its print, and printing twice changes nothing', {
  timeout: LONGEST_MS,
}, () => {
  fc.assert(
    fc.property(anyExpression, (expression) => {
      const text = print(expression);
      const { tree, diagnostics } = parse(text);
      fc.pre(text.length <= MAX_FILTER_LENGTH);
      expect(diagnostics).toEqual([]);
      expect(withoutSpans(tree)).toEqual(withoutSpans(expression));
      expect(tree && print(tree)).toBe(text);
    }),
    { numRuns: MANY },
  );
});

function withoutSpans(tree: Expression | null): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === 'from' || key === 'to' ? undefined : value)));
}
