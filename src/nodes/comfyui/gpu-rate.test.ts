import { expect, it } from 'vitest';
import { gpuRate } from './gpu-rate.ts';

const RATES = { l4: '0.000147', L40S: '0.000444', default: '0.0001' };

it.each<[string | null, object]>([
  ['L4', { gpu: 'L4', rate: '0.000147' }],
  ['l40s', { gpu: 'l40s', rate: '0.000444' }],
  ['H100', { gpu: 'H100', rate: '0.0001' }],
  [null, { gpu: 'default', rate: '0.0001' }],
])('takes the rate of the GPU %s in whatever case, else the default one', (gpu, rate) => {
  expect(gpuRate(gpu, RATES)).toEqual(rate);
});

it('knows no rate where none is configured', () => {
  expect(gpuRate('H100', {})).toEqual({ gpu: 'H100' });
  expect(gpuRate(null, { L4: '1' })).toEqual({});
});
