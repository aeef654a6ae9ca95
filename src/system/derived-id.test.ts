import { v7, validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { flowNodeId, nodeRunId, runIdsAround } from './derived-id.ts';

it('the id of a node run is a UUID of its own for each run and node, and always the same', () => {
  const [one, other] = [v7(), v7()];
  const ids = [one, other].flatMap((run) => ['a', 'b', 'a/1'].map((node) => nodeRunId(run, node)));
  expect(new Set(ids).size).toBe(6);
  for (const id of ids) expect([validate(id), version(id)]).toEqual([true, 8]);
  expect(nodeRunId(one, 'a')).toBe(ids[0]);
});

it('the id of a node run says between which ids its run is: those of one millisecond', () => {
  const msecs = Date.UTC(2026, 0, 1);
  for (const seq of [0, 1, 0xffff_ffff]) {
    const run = v7({ msecs, seq });
    const [first, last] = runIdsAround(nodeRunId(run, 'node').toUpperCase());
    expect([first < run, run < last]).toEqual([true, true]);
    expect([v7({ msecs: msecs - 1 }) < first, last < v7({ msecs: msecs + 1 })]).toEqual([true, true]);
  }
});

it('the id of a node of a workflow is the same in all its runs, and another in another workflow', () => {
  const [one, other] = [v7(), v7()];
  expect(flowNodeId(one, 'say')).toBe(flowNodeId(one, 'say'));
  expect(version(flowNodeId(one, 'say'))).toBe(5);
  expect(new Set([flowNodeId(one, 'say'), flowNodeId(one, 'out'), flowNodeId(other, 'say')]).size).toBe(3);
});
