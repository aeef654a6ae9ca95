import { expect, it } from 'vitest';
import { TakingTurns } from './taking-turns.ts';

it('gives every other turn to what has begun, and the rest to what is new', async () => {
  const turns = new TakingTurns();
  const taken: string[] = [];
  const work = (name: string, steps: number) =>
    new Promise<void>((resolve) => {
      let left = steps;
      turns.add(() => {
        taken.push(name);
        left -= 1;
        if (left === 0) resolve();
        return left === 0;
      });
    });
  await Promise.all([work('long', 4), work('a', 1), work('b', 1), work('c', 1)]);
  expect(taken.join(' ')).toBe('long long a long b long c');
});

it('lets two long ones take turns with each other', async () => {
  const turns = new TakingTurns();
  const taken: string[] = [];
  await Promise.all(
    ['x', 'y'].map((name) => {
      let left = 3;
      return new Promise<void>((resolve) => {
        turns.add(() => {
          taken.push(name);
          left -= 1;
          if (left === 0) resolve();
          return left === 0;
        });
      });
    }),
  );
  expect(taken.filter((name) => name === 'x')).toHaveLength(3);
  expect(taken.join('')).not.toContain('xxx');
});
