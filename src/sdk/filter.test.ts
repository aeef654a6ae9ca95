import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW } from '../filter/filter.arbitrary.ts';
import { readFilter } from '../filter/filter.ts';
import { parse } from '../filter/parse.ts';
import { runVocabulary } from '../filter/run-vocabulary.ts';
import { OPERATORS_OF_KIND } from '../filter/vocabulary.ts';
import { type Condition, runFields as run } from './filter.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** Any text that a filter can hold, and those that are at the edge of something. */
const anyText = fc.oneof(
  fc.constantFrom(
    "it's",
    '"',
    '\\',
    "\\'",
    "'' OR 1=1 --",
    'null',
    'now-7d',
    'a AND b',
    '%_\\%',
    '(',
    '`',
    '\n',
    '\u{1f600}',
    '',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\0', '')),
);
const anyNumber = fc.oneof(
  fc.integer(),
  fc.bigInt(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e21, 1e-7, -1.5e-9, 1.25e30, -0, Number.MAX_VALUE, Number.MIN_VALUE),
);
const anyTime = fc.oneof(
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
  fc.constantFrom('now', 'now-7d', '2026-04-01', '2026-04-01T10:00:00+02:00'),
);
const anyKey = fc.oneof(anyText, fc.nat(1000));

type Method = (...values: unknown[]) => Condition;
const fields = run as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>;

/** Conditions on every field with every operator that it takes, with values that fit. */
const predicate: fc.Arbitrary<Condition> = fc.constantFrom(...runVocabulary.fields).chain(({ name, kind, codes }) => {
  const at = fc.array(anyKey, { minLength: 1, maxLength: 4 });
  const value = (operator: string): fc.Arbitrary<unknown> => {
    if (/like|contains|with/.test(operator)) return anyText.map((text) => text.replace(/\\+$/, ''));
    if (codes) return fc.constantFrom(...Object.keys(codes));
    if (kind === 'uuid') return fc.uuid();
    if (kind === 'datetime') return anyTime;
    if (kind === 'integer') return fc.integer();
    if (kind === 'decimal') return fc.constantFrom(0.05, 1e-7, '0.050', '-12', 3);
    if (kind === 'boolean') return fc.boolean();
    const isOrder = /^[lg]t|between/.test(operator);
    return kind === 'json' ? fc.oneof(anyText, anyNumber, ...(isOrder ? [] : [fc.boolean()])) : anyText;
  };
  return fc.constantFrom(...OPERATORS_OF_KIND[kind]).chain((operator) => {
    const count =
      operator === 'between' ? [2, 2] : /null$/.test(operator) ? [0, 0] : /^n?in$/.test(operator) ? [1, 4] : [1, 1];
    const values = fc.array(value(operator), { minLength: count[0]!, maxLength: count[1]! });
    return fc.tuple(at, values).map(([path, given]) => {
      const field = fields[name]!;
      const operators = kind === 'json' ? (field['at']!(...path) as unknown as Record<string, Method>) : field;
      return operators[operator]!(...given);
    });
  });
});

const condition: fc.Arbitrary<Condition> = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'medium', withCrossShrink: true },
    predicate,
    tie('tree').map((one) => one.not()),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map(([first, ...rest]) => first!.and(...rest)),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map(([first, ...rest]) => first!.or(...rest)),
  ),
})).tree;

/** A tree without the places that its parts have in a text. */
const bare = (tree: unknown): unknown =>
  JSON.parse(JSON.stringify(tree, (key, value) => (key === 'from' || key === 'to' ? undefined : value)));

describe('the filter builder', () => {
  it('writes what the language reads as the same tree, whatever the values', () => {
    fc.assert(
      fc.property(condition, (built) => {
        const text = String(built);
        fc.pre(text.length <= 4096);
        const { tree, diagnostics } = parse(text);
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(bare(tree)).toEqual(bare(built.expression));
      }),
      { numRuns: LONG ? 20_000 : 1000 },
    );
  });

  it('writes conditions that the list of runs takes', () => {
    fc.assert(
      fc.property(predicate, (built) => {
        const text = String(built);
        fc.pre(text.length <= 4096);
        const { diagnostics } = readFilter(text, runVocabulary, { now: NOW, strict: true });
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      }),
      { numRuns: LONG ? 20_000 : 1000 },
    );
  });

  it('has every field and every operator of the vocabulary, and no other', () => {
    for (const { name, kind } of runVocabulary.fields) {
      const field = fields[name]!;
      const operators = kind === 'json' ? Object.keys(field['at']!('key')) : Object.keys(field);
      expect(operators, name).toEqual(OPERATORS_OF_KIND[kind]);
    }
    expect(Object.keys(run)).toEqual(runVocabulary.fields.map(({ name }) => name));
  });

  it('reads as people write', () => {
    const failed = run.status_code.in('failed', 'canceled');
    const late = run.created_at.gt('now-7d').and(run.cost.gte('0.05'), run['flow.slug'].eq("it's"));
    expect(String(failed.or(late).and(run.metadata.at('order', 'line item', 0).ne(2).not()))).toBe(
      "(status_code.in:('failed', 'canceled') OR created_at>'now-7d' AND cost>='0.05' AND flow.slug:'it''s') AND NOT metadata.order.`line item`[0]!=2",
    );
    expect(String(run.created_at.lt(new Date(0)))).toBe('created_at<1970-01-01T00:00:00.000Z');
  });

  it('takes no field, word, operator or value that the list does not have', () => {
    const wrong = () => {
      // @ts-expect-error: no such field
      run.status?.eq('failed');
      // @ts-expect-error: no word of this field
      run.status_code.eq('cancelled');
      // @ts-expect-error: identities have no order
      run.id.gt('a');
      // @ts-expect-error: a number is asked for
      run.duration_ms.eq('1');
      // @ts-expect-error: JSON is compared by path
      run.metadata.eq('a');
    };
    expect(wrong).toThrow(TypeError);
  });

  it('refuses what no filter can say', () => {
    expect(() => run.client_ref.eq('a\0b')).toThrow('U+0000');
    expect(() => run.duration_ms.eq(Number.NaN)).toThrow('NaN');
    expect(() => run.input.at('a', -1)).toThrow('list index');
    expect(() => run.input.at('a', 0.5)).toThrow('list index');
  });
});
