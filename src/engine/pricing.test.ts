import Big from 'big.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRICED_QUANTITIES, type PriceRule } from '../domain/price-rule.ts';
import { type Measured, priceOf } from './pricing.ts';

const RUNS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 20_000 : 500;

const rule = (set: Partial<PriceRule> = {}): PriceRule => ({
  id: 'r',
  effect: 'base',
  quantity: 'requests',
  per: 1,
  price: '1',
  when: null,
  tier: null,
  source: null,
  disabledAt: null,
  ...set,
});

const run = (set: Partial<Measured> = {}): Measured => ({
  createdAt: 1_000,
  input: {},
  output: { outputs: [] },
  usage: null,
  durationMs: 2_500,
  gpuMs: 1_500,
  ...set,
});

const image = (width: number, height: number) => ({ type: 'image', url: 'x', width, height });
const costOf = (rules: readonly PriceRule[], set: Partial<Measured> = {}) => priceOf(rules, run(set)).cost;

describe('a price', () => {
  it.each<[string, Partial<PriceRule>, Partial<Measured>, string, string | null, string | undefined]>([
    ['for each request', {}, {}, '1', '1', 'run'],
    [
      'for each picture',
      { quantity: 'images' },
      { output: { outputs: [image(1, 1), image(1, 1)] } },
      '2',
      '2',
      'output',
    ],
    ['for each picture asked for', { quantity: 'images', source: 'input' }, { input: { n: 3 } }, '3', '3', 'input'],
    [
      'for each megapixel',
      { quantity: 'megapixels' },
      { output: { outputs: [image(1024, 1024)] } },
      '1.048576',
      '1.048576',
      'output',
    ],
    [
      'for each megapixel asked for',
      { quantity: 'megapixels' },
      { input: { size: '2000x1000', n: 2 } },
      '4',
      '4',
      'input',
    ],
    [
      'for each megapixel, as an object',
      { quantity: 'megapixels' },
      { input: { image_size: { width: 1000, height: 500 } } },
      '0.5',
      '0.5',
      'input',
    ],
    [
      'for each second of film',
      { quantity: 'seconds' },
      { output: { outputs: [{ type: 'video', duration_seconds: 4.2 }] } },
      '4.2',
      '4.2',
      'output',
    ],
    ['for each second asked for', { quantity: 'seconds' }, { input: { duration: '5s' } }, '5', '5', 'input'],
    ['for each second of the run', { quantity: 'seconds', source: 'duration' }, {}, '2.5', '2.5', 'duration'],
    ['for each second of work', { quantity: 'gpu_seconds' }, {}, '1.5', '1.5', 'duration'],
    [
      'for a million tokens',
      { quantity: 'tokens', per: 1_000_000, price: '0.3' },
      { usage: { inputTokens: 7, outputTokens: 3, cost: null } },
      '0.000003',
      '10',
      'usage',
    ],
    [
      'for each token that goes out',
      { quantity: 'output_tokens' },
      { usage: { inputTokens: 7, outputTokens: 3, cost: null } },
      '3',
      '3',
      'usage',
    ],
    [
      'that cannot be measured',
      { quantity: 'megapixels' },
      { output: { outputs: [{ type: 'image' }] } },
      '0',
      null,
      undefined,
    ],
    ['of film whose length is not told', { quantity: 'seconds' }, {}, '0', null, undefined],
  ])('%s is charged by what is measured, and says where', (_, set, measured, cost, quantity, source) => {
    const price = priceOf([rule(set)], run(measured));
    expect(price.cost).toBe(cost);
    expect([price.lines[0]?.['quantity'], price.lines[0]?.['measured']]).toEqual([quantity, source]);
  });

  it('holds for runs made before it was disabled', () => {
    const rules = [rule({ disabledAt: 1_000 })];
    expect([costOf(rules, { createdAt: 999 }), costOf(rules, { createdAt: 1_000 })]).toEqual(['1', '0']);
  });

  it('with a condition holds for runs whose input is so, and stands in place of the plain one', () => {
    const rules = [
      rule({ id: 'plain', price: '1' }),
      rule({ id: 'hd', price: '3', when: { input: 'quality', value: ['hd', 4] } }),
      rule({ id: 'tokens', quantity: 'tokens', price: '0.5' }),
    ];
    const usage = { inputTokens: 1, outputTokens: 1, cost: null };
    expect(costOf(rules, { usage })).toBe('2');
    expect(costOf(rules, { usage, input: { quality: 'hd' } })).toBe('4');
    expect(costOf(rules, { usage, input: { quality: '4' } })).toBe('4');
    expect(costOf(rules, { usage, input: { quality: ['hd'] } })).toBe('2');
  });

  it('is the sum of bases, times the factors, plus the additions', () => {
    const rules = [
      rule({ price: '0.1' }),
      rule({ quantity: 'images', price: '0.2' }),
      rule({ effect: 'multiply', price: '1.5' }),
      rule({ effect: 'multiply', price: '2' }),
      rule({ effect: 'add', price: '0.01' }),
    ];
    expect(costOf(rules, { output: { outputs: [image(1, 1)] } })).toBe('0.91');
  });
});

describe('tiers', () => {
  /** Up to 1, from 1 to 2.5, from 2.5 on. */
  const tiers = [
    [null, '1', '10'],
    ['1', '2.5', '20'],
    ['2.5', null, '30'],
  ] as const;
  const rules = tiers.map(([minimum, maximum, price]) =>
    rule({ id: price, price, tier: { quantity: 'megapixels', minimum, maximum } }),
  );

  it.each([
    [999, '10'],
    [1000, '20'],
    [2499, '20'],
    [2500, '30'],
    [9000, '30'],
  ])('of a width of %i at a height of 1000 give %s: a bound belongs to the tier above it', (width, cost) => {
    expect(costOf(rules, { output: { outputs: [image(width, 1000)] } })).toBe(cost);
  });

  it('that touch hold one at a time, whatever is measured', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_000 }), fc.integer({ min: 1, max: 9_000 }), (width, height) => {
        expect(priceOf(rules, run({ output: { outputs: [image(width, height)] } })).lines).toHaveLength(1);
      }),
      { numRuns: RUNS },
    );
  });

  it('hold for nothing that cannot be measured', () => {
    expect(priceOf(rules, run({ output: { outputs: [{ type: 'image' }] } }))).toEqual({ cost: '0', lines: [] });
  });
});

const money = fc
  .tuple(fc.nat(1_000_000), fc.nat(8))
  .map(([digits, places]) => new Big(digits).div(new Big(10).pow(places)).toFixed());

const anyRule: fc.Arbitrary<PriceRule> = fc.record({
  id: fc.uuid(),
  effect: fc.constantFrom('base', 'base', 'add', 'multiply'),
  quantity: fc.constantFrom(...PRICED_QUANTITIES),
  per: fc.constantFrom(1, 1, 1_000, 1_000_000),
  price: money,
  when: fc.option(fc.record({ input: fc.constantFrom('a', 'b'), value: fc.constantFrom(1, '1', 'x', [1, 'x']) })),
  tier: fc.option(
    fc.record({
      quantity: fc.constantFrom(...PRICED_QUANTITIES),
      minimum: fc.option(money),
      maximum: fc.option(money),
    }),
  ),
  source: fc.option(fc.constantFrom('input', 'output', 'usage', 'duration')),
  disabledAt: fc.option(fc.constantFrom(0, 999, 1_001)),
});

const anyRun: fc.Arbitrary<Measured> = fc.record({
  createdAt: fc.constant(1_000),
  input: fc.record({
    a: fc.constantFrom(1, 'x', null),
    b: fc.constantFrom('1', true),
    n: fc.integer({ min: 1, max: 9 }),
  }),
  output: fc.record({
    outputs: fc.array(
      fc.oneof(
        fc.record({ type: fc.constant('image'), width: fc.nat(4096), height: fc.nat(4096) }),
        fc.record({ type: fc.constant('video'), duration_seconds: fc.nat(60) }),
        fc.constant({ type: 'image' }),
      ),
      { maxLength: 4 },
    ),
  }),
  usage: fc.option(fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), cost: fc.constant(null) })),
  durationMs: fc.nat(),
  gpuMs: fc.nat(),
});

describe('for any price list and any run', () => {
  const lists = fc.array(anyRule, { maxLength: 8 });

  it('the cost is exact: its lines give it back, in whatever order they are added', () => {
    fc.assert(
      fc.property(lists, anyRun, (rules, measured) => {
        const { cost, lines } = priceOf(rules, measured);
        const sum = (effect: string) =>
          lines
            .filter((line) => line['effect'] === effect)
            .reduceRight((total, line) => total.plus(String(line['amount'])), new Big(0));
        const factor = lines
          .filter((line) => line['effect'] === 'multiply')
          .reduceRight((product, line) => product.times(String(line['price'])), new Big(1));
        expect(cost).toBe(sum('base').times(factor).plus(sum('add')).toFixed());
        expect(cost).toMatch(/^\d+(\.\d+)?$/);
      }),
      { numRuns: RUNS },
    );
  });

  it('every amount is its price times its quantity, without rounding', () => {
    fc.assert(
      fc.property(lists, anyRun, (rules, measured) => {
        for (const line of priceOf(rules, measured).lines) {
          if (line['effect'] === 'multiply' || line['quantity'] === null) continue;
          const exact = new Big(String(line['price'])).times(String(line['quantity']));
          expect(new Big(String(line['amount'])).times(String(line['per'])).eq(exact)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('the order of the rules does not matter', () => {
    fc.assert(
      fc.property(
        lists.chain((rules) => fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length }))),
        anyRun,
        ([rules, shuffled], measured) => {
          expect(priceOf(shuffled, measured).cost).toBe(priceOf(rules, measured).cost);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('a rule that does not hold changes nothing', () => {
    fc.assert(
      fc.property(lists, anyRule, anyRun, (rules, more, measured) => {
        const never = { ...more, disabledAt: 0 };
        expect(priceOf([...rules, never], measured)).toEqual(priceOf(rules, measured));
      }),
      { numRuns: RUNS },
    );
  });
});
