import { afterEach, describe, expect, it } from 'vitest';
import { queuedRun, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { Run, RunStatus } from '../domain/run.ts';
import type { Lease, Task } from '../domain/task.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Change, Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Claim, Store } from './store.ts';

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';
const LEASE_MS = 30_000;

/** What every store promises of who is given the next task, and of how many runs are under way. `open` takes the runs of one workspace that may be. */
export function describeClaims(name: string, open: (runsPerWorkspace: number | null) => Promise<OpenedStore>): void {
  describe(`${name}: claims`, () => {
    const system = heldSystem();
    let opened: OpenedStore;
    let store: Store;
    const opens = async (runsPerWorkspace: number | null = null) => {
      opened = await open(runsPerWorkspace);
      store = opened.store;
    };
    afterEach(() => opened.dispose());

    const kept = async (change: Change) => expect(await store.commit(change)).toBe('kept');
    const claim = (set: Partial<Claim> = {}) =>
      store.claimTasks({ limit: 100, now: system.now(), leaseMs: LEASE_MS, ...set });
    const taskOf = (run: Run, startOf: string | null): Task => ({
      ...{ id: system.newId(), workspaceId: run.workspaceId, runId: run.id, nodeId: null, iteration: 0, attempt: 1 },
      ...{ dueAt: system.now(), startOf, outputs: null },
    });
    /** A run that waits for its start; a later one is due later. */
    const queued = async (workspaceId: string, workflowId: string): Promise<Run> => {
      system.pass(1);
      const run = queuedRun({ workspaceId, workflowId }, system);
      await kept([
        { kind: 'createRun', run },
        { kind: 'addTask', task: taskOf(run, workflowId) },
      ]);
      return run;
    };
    const update = (run: Run, status: RunStatus): { run: Run; write: Write } => {
      const next = { ...run, status, revision: run.revision + 1 };
      return { run: next, write: { kind: 'updateRun', run: next, before: run.status } };
    };
    /** Takes up a claimed start: its run is under way then. */
    const begin = async (lease: Lease, runs: readonly Run[]): Promise<Run> => {
      const { run, write } = update(runs.find(({ id }) => id === lease.task.runId)!, 'running');
      await kept([{ kind: 'endTask', lease }, write]);
      return run;
    };
    const turn = async (run: Run, status: RunStatus): Promise<Run> => {
      const next = update(run, status);
      await kept([next.write]);
      return next.run;
    };
    const spaces = (leases: readonly Lease[]) => leases.map(({ task }) => task.workspaceId);
    const runIds = (leases: readonly Lease[]) => leases.map(({ task }) => task.runId);
    const limited = async (limit: number | null, workflow: Workflow | null = null): Promise<Workflow> => {
      const id = workflow?.id ?? system.newId();
      const of = { workspaceId: OURS, workflowId: id };
      const version = versionOf({ nodes: [], edges: [] }, of, system);
      const settings = limit === null ? {} : { max_concurrent_runs: limit };
      const made: Workflow = workflow
        ? { ...workflow, settings, revision: workflow.revision + 1 }
        : { ...workflowOf(OURS, version.id, system), id, settings };
      if (workflow) await kept([{ kind: 'saveWorkflow', workflow: made }]);
      else
        await kept([
          { kind: 'createVersion', version },
          { kind: 'createWorkflow', workflow: made },
        ]);
      return made;
    };

    describe('of several workspaces', () => {
      it('go round those that have something due, and take the longest due of each', async () => {
        await opens();
        const ours: Run[] = [];
        for (let n = 0; n < 5; n += 1) ours.push(await queued(OURS, 'a'));
        const theirs = [await queued(THEIRS, 'b'), await queued(THEIRS, 'b')];
        const leases = await claim({ limit: 6 });
        expect(spaces(leases)).toEqual([OURS, THEIRS, OURS, THEIRS, OURS, OURS]);
        expect(runIds(leases).filter((id) => ours.some((run) => run.id === id))).toEqual(
          ours.slice(0, 4).map(({ id }) => id),
        );
        expect(runIds(leases).filter((id) => theirs.some((run) => run.id === id))).toEqual(theirs.map(({ id }) => id));
      });

      it('go on with the turn where the last claim ended', async () => {
        await opens();
        for (let n = 0; n < 3; n += 1) for (const of of [OURS, THEIRS, 'third']) await queued(of, 'a');
        const claimed = [];
        for (let n = 0; n < 9; n += 1) claimed.push(...spaces(await claim({ limit: 1 })));
        for (let n = 0; n < 9; n += 3) expect(new Set(claimed.slice(n, n + 3)).size).toBe(3);
      });

      it('keep the last places for workspaces that have none', async () => {
        await opens();
        for (let n = 0; n < 10; n += 1) await queued(OURS, 'a');
        await kept([{ kind: 'createWorkspace', workspace: { id: THEIRS, name: 'Theirs', createdAt: 1 } }]);
        expect(await claim({ limit: 4, reserved: 2 })).toHaveLength(2);
        const held = new Map([[OURS, 2]]);
        expect(await claim({ limit: 2, reserved: 2, held })).toEqual([]);
        // What only waits for a place is no reason to look again at some time.
        expect(await store.nextTaskDueAt()).toBeNull();
        await queued(THEIRS, 'b');
        await queued(THEIRS, 'b');
        expect(spaces(await claim({ limit: 2, reserved: 2, held }))).toEqual([THEIRS]);
        expect(spaces(await claim({ limit: 3, reserved: 2, held: new Map([...held, [THEIRS, 1]]) }))).toHaveLength(1);
      });

      it('keep no place where there is one workspace only', async () => {
        await opens();
        for (let n = 0; n < 4; n += 1) await queued(OURS, 'a');
        expect(await claim({ limit: 4, reserved: 2, held: new Map([[OURS, 9]]) })).toHaveLength(4);
      });
    });

    describe('beyond a limit of runs under way', () => {
      it('of a workflow, leave its starts waiting, in order, until places are free', async () => {
        await opens();
        const { id } = await limited(2);
        const runs: Run[] = [];
        for (let n = 0; n < 5; n += 1) runs.push(await queued(OURS, id));
        const other = await queued(OURS, 'other');
        const first = await claim();
        expect(runIds(first)).toEqual([runs[0]!.id, runs[1]!.id, other.id]);
        expect(await claim()).toEqual([]);
        expect(await store.nextTaskDueAt()).toBeNull();
        const [one, two] = [await begin(first[0]!, runs), await begin(first[1]!, runs)];
        expect(await claim()).toEqual([]);
        await turn(one, 'succeeded');
        const next = await claim();
        expect(runIds(next)).toEqual([runs[2]!.id]);
        // A start that ends at once has taken its place for no longer.
        await kept([{ kind: 'endTask', lease: next[0]! }, update(runs[2]!, 'succeeded').write]);
        expect(runIds(await claim())).toEqual([runs[3]!.id]);
        await turn(two, 'failed');
        expect(runIds(await claim())).toEqual([runs[4]!.id]);
      });

      it('of a workspace, leave the starts of all its workflows waiting, and nobody else’s', async () => {
        await opens(1);
        const runs = [await queued(OURS, 'a'), await queued(OURS, 'b'), await queued(THEIRS, 'a')];
        const leases = await claim();
        expect(runIds(leases).toSorted()).toEqual([runs[0]!.id, runs[2]!.id].toSorted());
        const under = await begin(leases.find(({ task }) => task.workspaceId === OURS)!, runs);
        await kept([{ kind: 'addTask', task: taskOf(under, null) }]);
        expect(runIds(await claim())).toEqual([under.id]);
        await turn(under, 'canceled');
        expect(runIds(await claim())).toEqual([runs[1]!.id]);
      });

      it('do not count runs that wait for people, which go on beyond the limit when they are answered', async () => {
        await opens();
        const { id } = await limited(1);
        const runs = [await queued(OURS, id), await queued(OURS, id), await queued(OURS, id)];
        const asking = await turn(await begin((await claim())[0]!, runs), 'waiting');
        const second = await begin((await claim())[0]!, runs);
        const resumed = await turn(asking, 'running');
        await turn(second, 'succeeded');
        expect(await claim()).toEqual([]);
        await turn(resumed, 'succeeded');
        expect(runIds(await claim())).toEqual([runs[2]!.id]);
      });

      it('change with the limit at once', async () => {
        await opens();
        const workflow = await limited(1);
        const runs: Run[] = [];
        for (let n = 0; n < 5; n += 1) runs.push(await queued(OURS, workflow.id));
        expect(runIds(await claim())).toEqual([runs[0]!.id]);
        const raised = await limited(2, workflow);
        expect(runIds(await claim())).toEqual([runs[1]!.id]);
        const lowered = await limited(1, raised);
        expect(await claim()).toEqual([]);
        await limited(null, lowered);
        expect(runIds(await claim())).toEqual(runs.slice(2).map((run) => run.id));
      });

      it('pass over starts of runs that were stopped while they waited', async () => {
        await opens();
        const { id } = await limited(1);
        const runs = [await queued(OURS, id), await queued(OURS, id), await queued(OURS, id)];
        const under = await begin((await claim())[0]!, runs);
        const { workspaceId, id: runId } = runs[1]!;
        await kept([{ kind: 'endTasksOfRun', workspaceId, runId }, update(runs[1]!, 'canceled').write]);
        await turn(under, 'succeeded');
        expect(runIds(await claim())).toEqual([runs[2]!.id]);
      });

      it('are the same after a restart', async () => {
        await opens(3);
        const { id } = await limited(1);
        const runs = [await queued(OURS, id), await queued(OURS, id), await queued(OURS, 'a')];
        const leases = await claim();
        const under = await begin(leases[0]!, runs);
        await begin(leases[1]!, runs);
        store = await opened.reopen();
        const [third, fourth] = [await queued(OURS, 'b'), await queued(OURS, 'b')];
        expect(runIds(await claim())).toEqual([third.id]);
        await turn(under, 'succeeded');
        expect(runIds(await claim())).toEqual([runs[1]!.id]);
        expect(fourth.status).toBe('queued');
      });

      it('get back the place of a start whose worker hangs or gives it back', async () => {
        await opens(1);
        const runs = [await queued(OURS, 'a'), await queued(OURS, 'a')];
        await store.returnLeases(await claim());
        expect(runIds(await claim())).toEqual([runs[0]!.id]);
        system.pass(LEASE_MS);
        expect(runIds(await claim())).toEqual([runs[0]!.id]);
      });
    });

    it('that nobody makes: a run that is made running needs a place that none waits for', async () => {
      await opens(3);
      const { id } = await limited(1);
      const running = (workflowId: string, workspaceId = OURS): Run =>
        queuedRun({ workspaceId, workflowId }, system, { status: 'running' });
      const make = (run: Run) => store.commit([{ kind: 'createRun', run }]);
      const first = running(id);
      expect(await make(first)).toBe('kept');
      expect(await make(running(id))).toBe('stale');
      // Of one turn of the event loop, too.
      expect(await Promise.all([make(running('a')), make(running('a')), make(running('a'))])).toEqual([
        'kept',
        'kept',
        'stale',
      ]);
      expect(await make(running('a', THEIRS))).toBe('kept');
      const waiting = await queued(OURS, id);
      await turn(first, 'succeeded');
      expect(await make(running(id))).toBe('stale');
      expect(runIds(await claim())).toEqual([waiting.id]);
    });
  });
}
