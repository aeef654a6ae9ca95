import Big from 'big.js';
import type { Usage } from '../domain/run.ts';

/** The sum of two usages; money is added exactly. Null stands for none. */
export function addUsage(left: Usage | null, right: Usage | null): Usage | null {
  if (left === null || right === null) return left ?? right;
  const costs = [left.cost, right.cost].filter((cost) => cost !== null);
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    cost: costs.length === 0 ? null : costs.reduce((sum, cost) => sum.plus(cost), new Big(0)).toFixed(),
  };
}
