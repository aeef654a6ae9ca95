import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parentOf, queuedRun } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { Parent, Run } from '../domain/run.ts';
import type { Task } from '../domain/task.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const PAGE = { page: 1, size: 50 };

/** What every store promises of runs that other runs invoked. */
export function describeInvokedRuns(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: runs that a run invoked`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;
    let root: Run;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
      root = queuedRun({ workspaceId: OURS, workflowId: system.newId() }, system, { subflows: { sub: 'version' } });
      await kept([{ kind: 'createRun', run: root }]);
    });
    afterEach(() => opened.dispose());

    const kept = async (change: Write[]) => expect(await store.commit(change)).toBe('kept');
    const invoke = async (nodeId: string, iteration: number, set: Partial<Parent> = {}, of = root): Promise<Run> => {
      system.pass(1);
      const parent = parentOf(of, nodeId, iteration, set);
      const run = queuedRun({ workspaceId: OURS, workflowId: 'sub' }, system, { parent, source: 'subflow' });
      await kept([{ kind: 'createRun', run }]);
      return run;
    };
    const end = async (run: Run): Promise<Run> => {
      const finishedAt = system.now();
      const ended: Run = { ...run, revision: 1, status: 'succeeded', startedAt: 1, finishedAt, output: '{"a":1}' };
      await kept([{ kind: 'updateRun', run: ended, before: run.status }]);
      return ended;
    };
    const look = (nodeId: string, iteration: number, attempt = 1): Task => ({
      id: system.newId(),
      workspaceId: OURS,
      runId: root.id,
      nodeId,
      iteration,
      attempt,
      dueAt: 0,
      startOf: null,
      outputs: null,
    });
    const idsOf = (runs: readonly { readonly id: string }[]) => runs.map(({ id }) => id);

    it('come back as they were made, also after a restart', async () => {
      const run = await invoke('each', 3, { deadlineAt: 99 });
      store = await opened.reopen();
      expect(await store.getRun(OURS, run.id)).toEqual(run);
      expect(await store.getRun(OURS, root.id)).toEqual(root);
      expect(await store.getRun('workspace-theirs', run.id)).toBeNull();
      expect((await store.loadRun(OURS, run.id))?.run).toEqual(run);
    });

    it('are changed like any run, and a change of an older revision is stale', async () => {
      const run = await invoke('each', 1);
      const ended = await end(run);
      expect(await store.getRun(OURS, run.id)).toEqual(ended);
      expect(await store.commit([{ kind: 'updateRun', run: ended, before: 'queued' }])).toBe('stale');
    });

    it('are in no list and no count', async () => {
      const run = await invoke('each', 1);
      await end(run);
      const listed = await store.listRuns({ workspaceId: OURS }, PAGE, { output: true });
      expect([idsOf(listed.items), listed.total]).toEqual([[root.id], 1]);
      const request = { workspaceId: OURS, filter: null, sort: [], limit: 10, from: null, backward: false };
      const found = await store.find('runs', request);
      expect(found.items.map((item) => item.run.id)).toEqual([root.id]);
      expect((await store.stats()).runsByStatus).toEqual({ queued: 1 });
      expect(await store.findRunsBefore({ workspaceId: OURS, before: Number.MAX_SAFE_INTEGER }, 10)).toEqual({
        runIds: [],
        total: 0,
      });
    });

    it('are listed by the node that invoked them, in the order of its passes', async () => {
      const second = await invoke('each', 2);
      const first = await invoke('each', 1);
      const again = await invoke('each', 1, { attempt: 2 });
      await invoke('other', 0);
      const of = { workspaceId: OURS, runId: root.id, nodeId: 'each' };
      const all = await store.listInvoked(of, PAGE);
      expect([idsOf(all.items), all.total]).toEqual([[first.id, again.id, second.id], 3]);
      expect(idsOf((await store.listInvoked(of, { page: 2, size: 2 })).items)).toEqual([second.id]);
      expect(idsOf((await store.listInvoked({ ...of, iteration: 2 }, PAGE)).items)).toEqual([second.id]);
      expect((await store.listInvoked({ ...of, workspaceId: 'workspace-theirs' }, PAGE)).items).toEqual([]);
    });

    it('are found as the last of a pass, by its try and its place in it', async () => {
      expect(await store.lastInvoked(OURS, root.id, 'each', 1)).toBeNull();
      await invoke('each', 1, { attempt: 1, ordinal: 7 });
      await invoke('each', 1, { attempt: 2, ordinal: 1 });
      const last = await invoke('each', 1, { attempt: 2, ordinal: 2 });
      expect(await store.lastInvoked(OURS, root.id, 'each', 1)).toEqual(last);
    });

    it('belong to what a run goes on with while they are open, and as long as a task says that one is to be looked at', async () => {
      const open = await invoke('each', 1);
      await end(await invoke('each', 2));
      const unseen = await end(await invoke('each', 3));
      await kept([{ kind: 'addTask', task: look('each', 3) }]);
      const invoked = (await store.loadRun(OURS, root.id))?.invoked;
      expect(invoked?.map(({ runId, iteration, status }) => [runId, iteration, status])).toEqual([
        [open.id, 1, 'queued'],
        [unseen.id, 3, 'succeeded'],
      ]);
    });

    it('go with the run at their root, with everything they have', async () => {
      const child = await invoke('each', 1);
      const grandchild = await invoke('deeper', 0, {}, child);
      await kept([{ kind: 'addTask', task: { ...look('n', 0), runId: grandchild.id } }]);
      expect(new Set(await store.listRunsBelow(OURS, root.id))).toEqual(new Set([child.id, grandchild.id]));
      expect(await store.commit([{ kind: 'deleteRun', workspaceId: OURS, runId: root.id }])).toBe('stale');
      await end(root);
      await kept([{ kind: 'deleteRun', workspaceId: OURS, runId: root.id }]);
      for (const { id } of [root, child, grandchild]) expect(await store.getRun(OURS, id)).toBeNull();
      expect(await store.claimTasks({ limit: 5, now: 1, leaseMs: 1 })).toEqual([]);
    });
  });
}
