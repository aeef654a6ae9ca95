// What the property tests of the filter language, of its SQL and the fuzz bench draw from. Not part of the product.
import fc from 'fast-check';
import { type Expression, isNullOperator, OPERATORS, type Operator, type Value } from './ast.ts';
import type { FilterRecord } from './match.ts';
import { print } from './print.ts';
import { runVocabulary } from './run-vocabulary.ts';
import { type Field, OPERATORS_OF_KIND } from './vocabulary.ts';

const NOWHERE = { from: 0, to: 0 };

/** Text that is at the edge of something: quotes, wildcards, escapes, two-unit characters, case, keywords, numbers. */
const EDGY_TEXTS = [
  ...[
    '',
    'a',
    'A',
    'ab',
    'aB',
    'a%',
    'a_b',
    'a\\b',
    '\\',
    '%',
    '_',
    '*',
    '?',
    '[x]',
    '^',
    ']',
    "it's",
    '"',
    '`',
    '""',
    "''",
  ],
  ...[
    'é',
    'É',
    '\u{1f600}',
    'Ａ',
    'Ａ\u{1f600}b',
    'ß',
    'null',
    'true',
    'AND',
    'eq',
    '42',
    '-0',
    '0.50',
    'now-7d',
    '2026-04-01',
  ],
  ...['batch-1', 'run-1:1', 'x; DROP TABLE runs', ' ', 'a b', '\n', 'name-16:9', '$', '$.a'],
];
const KEYS = [
  'sku',
  'n',
  'order',
  'items',
  'a b',
  'a"b',
  'a\\b',
  'a.b',
  'a`b',
  'eq',
  'isnull',
  'AND',
  '0',
  '',
  'é',
  '__proto__',
];
const NUMBERS = [0, 1, -1, 42, 1500, 0.1, 0.3, 1e21, 2 ** 53, 2 ** 53 + 2, -2.5, 1e-7];
const DECIMALS = [
  '0',
  '0.05',
  '0.050',
  '-0.05',
  '12.5',
  '100',
  '9.99',
  '00.1',
  '-12',
  '-120.5',
  '0.000000000000000000001',
];
const TIMES = [
  '2026-04-01',
  '2026-04-01T10:00:00Z',
  '2026-04-01T10:00:00.5+02:00',
  '2026-04-01T08:00',
  'now',
  'now-7d',
  'NOW+2h',
];
const UUIDS = ['3c90c3cc-0d44-4b50-8888-8dd25736052a', '00000000-0000-7000-8000-000000000000'];

/** What `now` is in the property tests: near the times above, in epoch milliseconds. */
export const NOW = Date.UTC(2026, 3, 8, 10);

const edgyText = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...EDGY_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0')) },
);

const quoted = (text: string): Value => ({ text, quoted: true, ...NOWHERE });
const bare = (text: string): Value => ({ text, quoted: false, ...NOWHERE });
const anyNumber = fc.oneof(
  fc.constantFrom(...NUMBERS).map((number) => BigInt.asIntN(64, BigInt(Math.trunc(number))).toString()),
  fc.constantFrom(...DECIMALS),
);

const jsonKey = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.nat(3) });

/** A value that fits a field, in one of the ways it can be written. */
function valueFor(field: Field, operator: Operator): fc.Arbitrary<Value> {
  const isPattern = operator === 'like' || operator === 'ilike';
  const text = edgyText.map((value) => quoted(isPattern ? value.replace(/\\+$/, '') : value));
  switch (field.kind) {
    case 'uuid':
      return fc.constantFrom(...UUIDS, ...UUIDS.map((id) => id.toUpperCase()), `{${UUIDS[0]}}`).map(quoted);
    case 'datetime':
      return fc.constantFrom(...TIMES).map(bare);
    case 'integer':
      return fc.integer({ min: -2, max: 3 }).map((number) => bare(String(number)));
    case 'decimal':
      return fc.constantFrom(...DECIMALS).chain((decimal) => fc.constantFrom(bare(decimal), quoted(decimal)));
    case 'boolean':
      return fc.constantFrom('true', 'false', 'TRUE').map(bare);
    case 'code':
      return field.codes ? fc.constantFrom(...Object.keys(field.codes), 'cancelled').map(bare) : text;
    case 'text':
      return text;
    case 'json': {
      const isOrder = ['lt', 'lte', 'gt', 'gte', 'between'].includes(operator);
      if (isPattern) return text;
      return isOrder
        ? fc.oneof(text, anyNumber.map(bare))
        : fc.oneof(text, anyNumber.map(bare), fc.constant(bare('true')));
    }
  }
}

function valuesFor(field: Field, operator: Operator): fc.Arbitrary<Value[]> {
  if (isNullOperator(operator)) return fc.constant([]);
  if (operator === 'between') return fc.array(valueFor(field, operator), { minLength: 2, maxLength: 2 });
  const isList = operator === 'in' || operator === 'nin';
  return fc.array(valueFor(field, operator), { minLength: 1, maxLength: isList ? 4 : 1 });
}

const predicate: fc.Arbitrary<Expression> = fc.constantFrom(...runVocabulary.fields).chain((field) =>
  fc.constantFrom(...OPERATORS_OF_KIND[field.kind]).chain((operator) =>
    fc
      .tuple(
        field.kind === 'json' ? fc.array(jsonKey, { minLength: 1, maxLength: 3 }) : fc.constant([]),
        valuesFor(field, operator),
      )
      .map(([keys, values]): Expression => {
        const segments = [...field.name.split('.'), ...keys].map((key) => ({ key, ...NOWHERE }));
        return { kind: 'predicate', path: { segments, ...NOWHERE }, operator, values, ...NOWHERE };
      }),
  ),
);

function treeOf(leaf: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> {
  return fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'medium', withCrossShrink: true },
      leaf,
      tie('tree').map((term): Expression => ({ kind: 'not', term, ...NOWHERE })),
      junction('and', tie('tree')),
      junction('or', tie('tree')),
    ),
  })).tree;
}

function junction(kind: 'and' | 'or', term: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> {
  return fc
    .array(term, { minLength: 2, maxLength: 3 })
    .map((terms) => terms.flatMap((one) => (one.kind === kind ? one.terms : [one])))
    .map((terms): Expression => ({ kind, terms, ...NOWHERE }));
}

/** Expressions that are right in the vocabulary of runs; positions are all 0. */
export const runExpression: fc.Arbitrary<Expression> = treeOf(predicate);

/** Expressions of any form, with fields that nobody knows; positions are all 0. */
export const anyExpression: fc.Arbitrary<Expression> = treeOf(
  fc
    .record({
      first: fc.oneof(edgyText, fc.constantFrom(...KEYS)),
      keys: fc.array(fc.oneof(jsonKey, edgyText), { maxLength: 3 }),
      operator: fc.constantFrom(...OPERATORS),
      values: fc.array(fc.oneof(edgyText.map(quoted), anyNumber.map(bare), fc.constantFrom(...TIMES).map(bare)), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map(({ first, keys, operator, values }): Expression => {
      const path = { segments: [first, ...keys].map((key) => ({ key, ...NOWHERE })), ...NOWHERE };
      return { kind: 'predicate', path, operator, values: isNullOperator(operator) ? [] : values, ...NOWHERE };
    }),
);

const FRAGMENTS = [
  ...[
    'status_code',
    'created_at',
    'metadata',
    'model.slug',
    'cost',
    'x',
    'eq',
    'in',
    'between',
    'isnull',
    'like',
    'null',
  ],
  ...[
    '.',
    ':',
    '=',
    '!=',
    '!:',
    '<',
    '<=',
    '>',
    '>=',
    '(',
    ')',
    '[',
    ']',
    ',',
    ' ',
    ' ',
    ' ',
    ' AND ',
    ' OR ',
    ' NOT ',
    'and',
  ],
  ...["'", '"', '`', '\\', "''", "'a'", "'open", '0', '42', '-1.5', '2026-04-01', '2026-13-40', '2026-04-01T10:00:00Z'],
  ...[
    'now-7d',
    'now+1',
    '&&',
    '||',
    '==',
    '!',
    '<>',
    '=>',
    '#',
    '“',
    '”',
    'é',
    '\u{1f600}',
    '\ud800',
    '\0',
    '\t',
    '%',
    '://',
  ],
];

/** Any text: pieces of the language in any order, and characters of all kinds; some longer than a filter may be. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 30 }).map((parts) => parts.join('')) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.array(fc.constantFrom(...FRAGMENTS), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 50, max: 1500 }),
      )
      .map(([parts, times]) => parts.join('').repeat(times).slice(0, 5000)),
  },
);

/** Right texts in all the ways the language can be written; the first are the published vectors. */
export const ACCEPTED_TEXTS = [
  'status_code:succeeded AND created_at>2026-04-01',
  'status_code=succeeded',
  "client_ref.EQ:'batch-2026-07-01'",
  "model.slug.eq:'background-removal-v21'",
  'NOT status_code:failed',
  'status_code:failed OR status_code:canceled',
  '(status_code:failed OR status_code:canceled) AND created_at>=2026-04-01',
  "status_code.in:('failed','canceled') and cost.gt:0.05",
  "client_ref:'it''s mine'",
  "metadata.order_id:'A-17'",
  'created_at>=2026-04-01T10:00:00Z AND created_at<2026-04-02',
  'started_at.isnull:true',
  "client_ref.eq:''",
  "client_ref.EQ:'run-1:1'",
  'created_at > now-7d',
  'created_at<=NOW+2h or created_at.between:(2026-04-01T10:00:00.5+02:00, now)',
  'duration_ms.BETWEEN:(1,"10")AND cost!=0.50',
  'client_ref.like:\'100\\%\' OR client_ref.ilike:"A""b\\"c_" OR NOT client_ref.contains:"it\'s"',
  'metadata.`eq`:eq and metadata.eq.eq:eq and metadata.isnull.notnull',
  'output.outputs[0].`mime type`:null OR output.outputs [ 12 ] . url != null',
  'not(has_logs:true)and(feedback_is_positive.isnull or feedback_is_positive!:FALSE)',
  'metadata.and.or.not.größe:Straße/7@x_-',
  'id.nin:(3c90c3cc-0d44-4b50-8888-8dd25736052a)',
  'duration_ms.ge:1 AND duration_ms.LE:5 AND duration_ms.ne:3 AND duration_ms.lt:4 AND duration_ms.lte:4',
  'client_ref.startswith:batch OR client_ref.endswith:1 OR client_ref.in:in',
];

/** A right text with one to three edits. */
export const mutatedText: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(runExpression.map(print), fc.constantFrom(...ACCEPTED_TEXTS)),
    fc.array(fc.tuple(fc.nat(400), fc.nat(4), fc.constantFrom('', ...FRAGMENTS)), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [at, removed, inserted]) => {
      const from = at % (edited.length + 1);
      return edited.slice(0, from) + inserted + edited.slice(from + removed);
    }, text),
  );

const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'medium' },
    edgyText,
    fc.constantFrom(...NUMBERS, ...DECIMALS.map(Number)),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 4 }).map(Object.fromEntries),
  ),
})).value;

const jsonRecord = fc.array(fc.tuple(fc.constantFrom(...KEYS), json), { maxLength: 6 }).map(Object.fromEntries);

function columnValue(field: Field): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'uuid':
      return fc.constantFrom(...UUIDS);
    case 'datetime':
      return fc.constantFrom(
        NOW,
        NOW - 604_800_000,
        Date.UTC(2026, 3, 1),
        Date.UTC(2026, 3, 1, 8),
        Date.UTC(2026, 3, 1, 10),
      );
    case 'integer':
      return fc.integer({ min: -2, max: 3 });
    case 'decimal':
      return fc.constantFrom(...DECIMALS);
    case 'boolean':
      return fc.boolean();
    case 'code':
      return field.codes ? fc.constantFrom(...Object.values(field.codes).flat()) : edgyText;
    case 'text':
      return edgyText;
    case 'json':
      return jsonRecord;
  }
}

/** A run as `match` reads it: every column of the vocabulary, a quarter of them null. */
export const runRecord: fc.Arbitrary<FilterRecord> = fc.record(
  Object.fromEntries(
    runVocabulary.fields.map((field) => [field.column, fc.option(columnValue(field), { freq: 3, nil: null })]),
  ),
);
