import { expect, it } from 'vitest';
import { UsageMeter, type UsageSum } from './usage-meter.ts';

it('adds up requests to one line, money to the last digit, and begins again after it', () => {
  const told: UsageSum[] = [];
  const meter = new UsageMeter((sum) => told.push(sum));
  const request = { model: 'm', texts: 2, tokens: 10, cost: '0.10000000' };
  for (let i = 0; i < 3; i++) meter.add(request);
  meter.flush();
  meter.flush();
  meter.add({ model: 'm', texts: 1, tokens: undefined, cost: undefined });
  meter.flush();
  expect(told).toEqual([
    { model: 'm', requests: 3, texts: 6, tokens: 30, cost: '0.3' },
    { model: 'm', requests: 1, texts: 1, tokens: 0, cost: undefined },
  ]);
});
