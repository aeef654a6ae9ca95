import { describe, expect, it } from 'vitest';
import { gpuCost, gpuTimes } from './gpu-cost.ts';

const outputsWith = (measures: unknown) => ({ measures }) as Parameters<typeof gpuTimes>[0];

describe('the cost of time on GPUs', () => {
  it('is seconds times rate, exactly', () => {
    const times = gpuTimes(outputsWith({ gpu_seconds: '12.345', gpu: 'L40S', rate: '0.000444' }));
    expect(gpuCost(times)).toEqual({ cost: '0.00548118', parts: { gpu: 'L40S', seconds: '12.345', rate: '0.000444' } });
  });

  it('adds up what a node measured of each item, and tells GPUs apart', () => {
    const times = gpuTimes(
      outputsWith([
        { gpu_seconds: '1.5', gpu: 'L4', rate: '0.1' },
        { gpu_seconds: '2', gpu: 'L4', rate: '0.1' },
        null,
        { gpu_seconds: '1', gpu: 'H100', rate: '1' },
      ]),
    );
    expect(gpuCost(times)).toEqual({
      cost: '1.35',
      parts: {
        gpu_parts: [
          { gpu: 'L4', seconds: '3.5', rate: '0.1' },
          { gpu: 'H100', seconds: '1', rate: '1' },
        ],
      },
    });
  });

  it('is not known where no rate is', () => {
    expect(gpuCost(gpuTimes(outputsWith({ gpu_seconds: '12.345', gpu: 'L40S' })))).toBeNull();
    expect(gpuCost(gpuTimes(outputsWith({ gpu_seconds: 12, rate: '1' })))).toBeNull();
    expect(gpuCost(gpuTimes(null))).toBeNull();
  });
});
