import { expect, test } from 'vitest';
import { holds, partitionOf, partitionsWithout, readShare, shareText } from './search-share.ts';

const workspaces = Array.from({ length: 4000 }, (_, n) => `01890a5d-ac96-774b-bcce-${String(n).padStart(12, '0')}`);

test.each(['3/16', '1-4/16', '1/1', '1024/1024'])('%s is read, and written as it was read', (text) => {
  expect(shareText(readShare(text))).toBe(text);
});

test('one partition has one text', () => {
  expect(shareText(readShare('3-3/16'))).toBe('3/16');
});

test.each(['0/4', '5/4', '4-3/8', '1/3', '1/2048', '1', '/2', 'a/b', '1-2-3/4', ' 1/2'])('%j is refused', (text) => {
  expect(() => readShare(text)).toThrow('takes partitions as 3/16 or 1-4/16');
});

test('each workspace is in one partition, and partitions are about equal', () => {
  const counts = Map.groupBy(workspaces, (id) => partitionOf(id, 16));
  expect(counts.size).toBe(16);
  for (const [partition, own] of counts) {
    expect(own.length).toBeGreaterThan(150);
    expect(own.length).toBeLessThan(350);
    const share = readShare(`${partition}/16`);
    expect(workspaces.filter((id) => holds(share, id))).toEqual(own);
  }
});

test('the partition of a workspace never changes: indexes were built by it', () => {
  expect(['', 'a', '01890a5d-ac96-774b-bcce-b302099a8057'].map((id) => partitionOf(id, 1024))).toMatchInlineSnapshot(`
    [
      12,
      436,
      450,
    ]
  `);
});

test('partitions of half the number are two of the whole', () => {
  for (const id of workspaces) expect((partitionOf(id, 16) - 1) % 8).toBe(partitionOf(id, 8) - 1);
});

test('partitions that nobody holds are told, of the finest count', () => {
  expect(partitionsWithout([])).toEqual({ partitions: [1], of: 1 });
  expect(partitionsWithout([readShare('1-2/4'), readShare('4/4')])).toEqual({ partitions: [3], of: 4 });
  expect(partitionsWithout([readShare('1/2'), readShare('2/8'), readShare('4-8/8')])).toEqual({
    partitions: [],
    of: 8,
  });
});
