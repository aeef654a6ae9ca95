import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { NodeRun } from '../domain/node-run.ts';
import type { Run } from '../domain/run.ts';
import type { CheckedFilter } from '../filter/checked-filter.ts';
import { flowNodeId, nodeRunId, runIdsAround } from '../system/derived-id.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const DAY_MS = 86_400_000;

/** What every store answers about many runs at once. `open` gives a store that nobody has written to. */
export function describeRunQueries(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} about many runs`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;
    let workflowId: string;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
      workflowId = system.newId();
    });
    afterEach(() => opened.dispose());

    const add = async (set: Partial<Run> = {}, ...nodes: readonly Partial<NodeRun>[]): Promise<Run> => {
      const run = queuedRun({ workspaceId: OURS, workflowId }, system, set);
      const more = nodes.map(
        (node): Write => ({
          kind: 'putNodeRun',
          workspaceId: OURS,
          runId: run.id,
          nodeRun: { ...NODE_RUN, ...node },
        }),
      );
      expect(await store.commit([{ kind: 'createRun', run }, ...more])).toBe('kept');
      return run;
    };
    const addLog = async (run: Run, message: string): Promise<string> => {
      const id = system.newId();
      const log = {
        id,
        runId: run.id,
        nodeId: null,
        iteration: 0,
        level: 'info',
        message,
        at: system.now(),
        meta: null,
      } as const;
      await store.commit([{ kind: 'appendLog', workspaceId: OURS, log }]);
      return id;
    };
    const list = async (what: 'nodeRuns' | 'logs', filter: CheckedFilter | null, column: string) => {
      const sort = [{ column, direction: 'desc' }] as const;
      return store.find(what, { workspaceId: OURS, filter, sort, limit: 10, from: null, backward: false });
    };

    it('gives the records of each, in their order, up to a number of each run', async () => {
      const one = await add(
        {},
        { nodeId: 'late', startedAt: 9 },
        { nodeId: 'early', startedAt: 1 },
        { nodeId: 'never' },
      );
      const other = await add();
      const first = await addLog(one, 'first');
      await addLog(one, 'second');
      const whole = await store.recordsOfRuns(OURS, [one.id, other.id], { nodeRuns: 10, logs: 10 });
      expect(whole.nodeRuns.get(one.id)?.map(({ nodeId }) => nodeId)).toEqual(['early', 'late', 'never']);
      expect(whole.logs.get(one.id)?.map(({ message }) => message)).toEqual(['first', 'second']);
      expect([whole.nodeRuns.has(other.id), whole.logs.has(other.id)]).toEqual([false, false]);
      const part = await store.recordsOfRuns(OURS, [one.id], { nodeRuns: 0, logs: 1 });
      expect([part.nodeRuns.size, part.logs.get(one.id)?.map(({ id }) => id)]).toEqual([0, [first]]);
    });

    it('gives their workflows with the number of runs, deleted ones too', async () => {
      const version = versionOf({ nodes: [], edges: [] }, { workspaceId: OURS, workflowId }, system);
      const workflow = { ...workflowOf(OURS, version.id, system), id: workflowId, deletedAt: system.now() };
      await store.commit([
        { kind: 'createWorkflow', workflow },
        { kind: 'createVersion', version },
      ]);
      expect(await store.listWorkflowsById(OURS, [workflowId, 'none'])).toEqual([{ workflow, runsCount: 0 }]);
      await add();
      expect(await store.listWorkflowsById(OURS, [workflowId])).toEqual([{ workflow, runsCount: 1 }]);
    });

    it('finds a node run by the id that follows from its run and node, and a node in all runs by its own', async () => {
      const retried = { warnings: [{ identifier: 'retry_warning', detail: 'Again.' } as const] };
      const run = await add({}, { nodeId: 'a' }, { nodeId: 'b', ...retried });
      system.pass(1);
      await add({}, { nodeId: 'b' });
      const id = nodeRunId(run.id, 'b');
      const [first, last] = runIdsAround(id);
      expect([first < run.id, run.id < last]).toEqual([true, true]);
      const isIt: CheckedFilter = { kind: 'in', target: { column: 'id', kind: 'uuid', path: [] }, values: [id] };
      const found = await list('nodeRuns', isIt, 'runId');
      expect(found.items).toMatchObject([{ runId: run.id, kind: 'flow', nodeRun: { nodeId: 'b' } }]);
      const target = { column: 'flowNodeId', kind: 'uuid', path: [] } as const;
      const ofNode = await list(
        'nodeRuns',
        { kind: 'in', target, values: [flowNodeId(workflowId, 'b')] },
        'retryCount',
      );
      expect(ofNode.items.map(({ runId }) => runId)[0]).toBe(run.id);
      expect(ofNode.items).toHaveLength(2);
      const page = await store.find(
        'nodeRuns',
        { workspaceId: OURS, filter: null, sort: [], limit: 10, from: null, backward: false },
        { payloads: false },
      );
      expect(page.items.map(({ nodeRun }) => nodeRun.inputs)).toEqual([null, null, null]);
    });

    it('gives lines of all runs by time', async () => {
      const [one, other] = [await add(), await add()];
      const ids = [await addLog(one, '1'), await addLog(other, '2'), await addLog(one, '3')];
      const found = await list('logs', null, 'id');
      expect(found.items.map((log) => 'id' in log && log.id)).toEqual(ids.toReversed());
    });

    it('adds up runs and money exactly, by day, workflow and source, between two times that both count', async () => {
      const version = versionOf({ nodes: [], edges: [] }, { workspaceId: OURS, workflowId }, system);
      const workflow = { ...workflowOf(OURS, version.id, system), id: workflowId, slug: 'mine' };
      await store.commit([
        { kind: 'createWorkflow', workflow },
        { kind: 'createVersion', version },
      ]);
      const start = system.now();
      await add({ cost: '0.1', source: 'api', startedAt: start, finishedAt: start + 10 });
      await add({ cost: '0.2', source: 'api', startedAt: start, finishedAt: start + 21 });
      await add({ cost: '0.1', source: 'retry', workflowId: system.newId() });
      // More places than a double holds, and more money.
      const exact = ['0.000000001', '0.0000000000000000000001', '123456789012345.678', '999999.999999999'];
      for (const cost of exact) await add({ cost, source: 'exact', workflowId: system.newId() });
      system.pass(DAY_MS);
      await add({ source: 'api' });
      await store.commit([{ kind: 'createRun', run: queuedRun({ workspaceId: 'theirs', workflowId }, system) }]);
      const stats = (from: number | null, to: number | null, kinds: readonly 'flow'[] = ['flow']) =>
        store.runStats({ workspaceId: OURS, from, to, kinds, workflows: 5 });
      expect(await stats(null, null)).toEqual({
        days: [
          { day: '2026-01-01', runs: 7, spend: '123456790012346.0780000000000000000001' },
          { day: '2026-01-02', runs: 1, spend: '0' },
        ],
        workflows: [
          { id: workflowId, kind: 'flow', slug: 'mine', name: 'A workflow', runs: 3, spend: '0.3', averageMs: 16 },
        ],
        sources: [
          { source: 'exact', runs: 4 },
          { source: 'api', runs: 3 },
          { source: 'retry', runs: 1 },
        ],
      });
      expect((await stats(start, start)).days).toMatchObject([{ runs: 7 }]);
      expect((await stats(start + 1, start + DAY_MS)).days).toMatchObject([{ runs: 1 }]);
      const unnamed = await stats(null, null, []);
      expect([unnamed.workflows, unnamed.sources.length]).toEqual([[], 3]);
    });
  });
}

const NODE_RUN: NodeRun = {
  nodeId: 'node',
  status: 'succeeded',
  currentIteration: 1,
  totalIterations: 1,
  iterates: false,
  attempts: 1,
  startedAt: null,
  finishedAt: null,
  inputs: '{}',
  outputs: '{}',
  taken: [],
  failure: null,
  warnings: [],
  usage: null,
};
