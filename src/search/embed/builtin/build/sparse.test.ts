import { expect, it } from 'vitest';
import { buildMatrix, positiveMutualInformation, singularRows, transpose } from './sparse.ts';

const dense = [
  [3, 0, 1, 0],
  [0, 2, 0, 0],
  [1, 0, 5, 4],
];
const matrix = buildMatrix(3, 4, (sum, row) => {
  for (const [column, value] of dense[row]!.entries()) if (value > 0) sum.add(column, value);
});

it('keeps the largest entries of a row and can make them sum to 1', () => {
  const cut = buildMatrix(3, 4, (sum, row) => sum.addRow(matrix, row), { limit: 2, normalised: true });
  expect([...cut.columns]).toEqual([0, 2, 1, 2, 3]);
  expect([...cut.values]).toEqual([0.75, 0.25, 1, 5 / 9, 4 / 9].map(Math.fround));
});

it('transposes twice into the same matrix', () => {
  expect(transpose(transpose(matrix))).toEqual(matrix);
});

it('keeps only contexts that say more than chance', () => {
  const { columns, starts } = positiveMutualInformation(matrix, 1, 1);
  expect([...columns.subarray(starts[1], starts[2])]).toEqual([1]);
  expect([...columns.subarray(starts[0], starts[1])]).toEqual([0]);
});

it('finds singular directions: with all of them, inner products of rows come back scaled as promised', () => {
  const size = 40;
  const rows = buildMatrix(size, size, (sum, row) => {
    sum.add(row, 2 + row / 10);
    sum.add((row + 1) % size, 1);
  });
  const dimensions = 20;
  const result = singularRows(rows, dimensions, 7);
  const columnLength = (direction: number) =>
    Math.sqrt(
      Array.from({ length: size }, (_, row) => result[row * dimensions + direction]! ** 2).reduce((a, b) => a + b),
    );
  const lengths = Array.from({ length: dimensions }, (_, i) => columnLength(i) ** 2);
  // Each column's squared length is its singular value; the largest is below the largest row sum of the matrix.
  expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
  expect(lengths[0]).toBeGreaterThan(6);
  expect(lengths[0]).toBeLessThan(7);
});
