import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalDecimal, decimalKey } from './decimal.ts';
import { readFilter } from './filter.ts';
import { matcher } from './match.ts';
import { runVocabulary } from './run-vocabulary.ts';
import { compareText, patternTest } from './text.ts';

function finds(text: string, record: Record<string, unknown>): boolean {
  const { filter, diagnostics } = readFilter(text, runVocabulary, { now: 0 });
  if (!filter) throw new Error(JSON.stringify(diagnostics));
  return matcher(filter)(record);
}

describe('nulls are unknown, and only what is true is found', () => {
  test.each([
    ['client_ref:a', false],
    ['NOT client_ref:a', false],
    ['client_ref!=a', false],
    ['client_ref.nin:(a, b)', false],
    ['client_ref.isnull', true],
    ['client_ref.notnull', false],
    ['NOT client_ref.isnull', false],
    ['client_ref:a OR cost>0', true],
    ['client_ref:a AND cost>0', false],
    ['NOT (client_ref:a AND cost<0)', true],
    ['NOT (client_ref:a AND cost>0)', false],
    ['metadata.key:1', false],
    ['NOT metadata.key:1', false],
    ['metadata.key.isnull AND metadata.isnull', true],
  ])('without client_ref and metadata, at a cost of 1, %s: %s', (text, expected) => {
    expect(finds(text, { clientRef: null, cost: '1' })).toBe(expected);
  });
});

describe('JSON', () => {
  const metadata = { n: 42, s: '42', flag: true, none: null, list: [{ url: 'u' }], deep: { 'a b': 'x' } };

  test.each([
    ['metadata.n:42', true],
    ["metadata.n:'42'", false],
    ["NOT metadata.n:'42'", true],
    ["metadata.s:'42'", true],
    ['metadata.s:42', false],
    ['metadata.n:42.0', true],
    ['metadata.n>41.5', true],
    ["metadata.n>'4'", false],
    ['metadata.flag:true', true],
    ['metadata.flag:1', false],
    ["metadata.flag:'true'", false],
    ['metadata.none.isnull', true],
    ['metadata.gone.deep.isnull', true],
    ['metadata.list[0].url:u', true],
    ['metadata.list.`0`.url.isnull', true],
    ['metadata.list[1].url.isnull', true],
    ['metadata.deep.`a b`.startswith:x', true],
    ['metadata.deep:x', false],
    ['metadata.deep!=x', true],
    ['metadata.toString.isnull', true],
    ['metadata.n.in:(1, 42, x)', true],
  ])('%s: %s', (text, expected) => {
    expect(finds(text, { metadata })).toBe(expected);
  });
});

describe('text', () => {
  test.each([
    ['a%', 'abc', true],
    ['a%', 'Abc', false],
    ['%b%', 'abc', true],
    ['a_c', 'a\u{1f600}c', true],
    ['a_c', 'ac', false],
    ['a\\%', 'a%', true],
    ['a\\%', 'ab', false],
    ['%a%b', 'xaxaxb', true],
    ['%a%b', 'xaxax', false],
    ['', '', true],
    ['%', '', true],
    ['_', '', false],
    ['a', 'aa', false],
  ])('the pattern %s on %s: %s', (pattern, text, expected) => {
    expect(patternTest(pattern, false)(text)).toBe(expected);
  });

  test('ilike folds A to Z only', () => {
    expect(patternTest('ABC%', true)('abcÉ')).toBe(true);
    expect(patternTest('É', true)('é')).toBe(false);
  });

  test('text is ordered by code point, as UTF-8 bytes are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe('decimals', () => {
  const SCALE = 12;
  const decimal = fc.tuple(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.nat(SCALE));
  const textOf = ([units, digits]: [bigint, number]) => {
    const padded = String(units < 0n ? -units : units).padStart(digits + 1, '0');
    const cut = padded.length - digits;
    return `${units < 0n ? '-' : ''}${padded.slice(0, cut)}${digits > 0 ? `.${padded.slice(cut)}` : ''}`;
  };
  const scaled = ([units, digits]: [bigint, number]) => units * 10n ** BigInt(SCALE - digits);

  test('keys sort as the numbers do, exactly', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [x, y] = [decimalKey(textOf(a)) ?? '', decimalKey(textOf(b)) ?? ''];
        expect([x < y, x === y]).toEqual([scaled(a) < scaled(b), scaled(a) === scaled(b)]);
      }),
    );
  });

  test.each([
    ['+00.50', '0.5'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['100', '100'],
    ['.', null],
    ['', null],
    ['1e3', null],
    ['--1', null],
  ])('%j is %j', (text, expected) => {
    expect(canonicalDecimal(text)).toBe(expected);
  });
});
