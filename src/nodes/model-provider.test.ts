import { describe, expect, it } from 'vitest';
import { usageOf } from './model-provider.ts';

describe('the cost of a call', () => {
  const tokens = { inputTokens: 1_000_000, outputTokens: 10, cachedTokens: 400_000 };

  it('is exact, and less for tokens that the provider had read before where they have a price', () => {
    const price = { input: '0.15', output: '0.6' };
    expect(usageOf(tokens, price)).toEqual({ inputTokens: 1_000_000, outputTokens: 10, cost: '0.150006' });
    expect(usageOf(tokens, { ...price, cachedInput: '0.075' }).cost).toBe('0.120006');
    expect(usageOf({ ...tokens, cachedTokens: undefined }, { ...price, cachedInput: '0.075' }).cost).toBe('0.150006');
    expect(usageOf({ ...tokens, cachedTokens: 2_000_000 }, { ...price, cachedInput: '0' }).cost).toBe('0.000006');
  });

  it('is not known without a price', () => {
    expect(usageOf(tokens, undefined).cost).toBeNull();
    expect(usageOf({ inputTokens: undefined, outputTokens: undefined }, { input: '1', output: '1' })).toEqual({
      ...{ inputTokens: 0, outputTokens: 0, cost: '0' },
    });
  });
});
