import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lease, Task } from '../../domain/task.ts';
import { TaskQueue } from './queue.ts';

const RUNS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 5_000 : 300;
const LEASE_MS = 1_000;

const SPACES = ['a', 'b', 'c'];
const FLOWS = ['x', 'y'];

const space = fc.constantFrom(...SPACES);
const flow = fc.constantFrom(...FLOWS);
const step = fc.oneof(
  fc.record({ do: fc.constant('work' as const), space, dueAt: fc.nat(20) }),
  fc.record({ do: fc.constant('start' as const), space, flow, dueAt: fc.nat(20) }),
  fc.record({ do: fc.constant('claim' as const), limit: fc.nat(6), reserved: fc.nat(2) }),
  fc.record({ do: fc.constant('settle' as const), nth: fc.nat(10) }),
  fc.record({ do: fc.constant('giveBack' as const), nth: fc.nat(10) }),
  fc.record({ do: fc.constant('drop' as const), nth: fc.nat(10) }),
  fc.record({ do: fc.constant('finish' as const), nth: fc.nat(10) }),
  fc.record({ do: fc.constant('resume' as const), space, flow }),
  fc.record({ do: fc.constant('limit' as const), space, flow, limit: fc.option(fc.integer({ min: 1, max: 3 })) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.nat(8) }),
);

/** The same rules by looking at everything each time. */
class Model {
  readonly unclaimed: Task[] = [];
  readonly claimed: Lease[] = [];
  readonly running: { space: string; flow: string }[] = [];
  readonly limits = new Map<string, number>();
  readonly perSpace: number;

  constructor(perSpace: number) {
    this.perSpace = perSpace;
  }

  hasPlace(task: Task): boolean {
    const starts = this.claimed.map((lease) => lease.task).filter((one) => one.startOf !== null);
    const under = [...this.running, ...starts.map((one) => ({ space: one.workspaceId, flow: one.startOf! }))].filter(
      (one) => one.space === task.workspaceId,
    );
    const limit = this.limits.get(`${task.workspaceId} ${task.startOf}`) ?? Number.POSITIVE_INFINITY;
    return under.length < this.perSpace && under.filter((one) => one.flow === task.startOf).length < limit;
  }

  claimable(now: number): Task[] {
    return this.unclaimed.filter((task) => task.dueAt <= now && (task.startOf === null || this.hasPlace(task)));
  }
}

/** Removes and returns one of a list, if there is any. */
const take = <T>(list: T[], nth: number): T | undefined => list.splice(nth % Math.max(1, list.length), 1)[0];

describe('the queue of an embedded store', () => {
  it('claims what may be claimed, in turns of workspaces and in order, and nothing beyond a limit, whatever happened before', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.option(fc.integer({ min: 1, max: 4 })),
        (steps, perSpace) => {
          const queue = new TaskQueue(perSpace);
          const model = new Model(perSpace ?? Number.POSITIVE_INFINITY);
          let now = 0;
          let ids = 0;
          /** Workspaces that the queue has heard of. */
          const known = new Set<string>();
          const add = (workspaceId: string, startOf: string | null, dueAt: number): void => {
            ids += 1;
            const id = String(ids);
            const task: Task = {
              ...{ id, workspaceId, runId: `run ${id}`, nodeId: null, iteration: 0, attempt: 1 },
              ...{ dueAt, startOf, outputs: null },
            };
            queue.add(task);
            model.unclaimed.push(task);
          };
          const isEarlier = (left: Task, right: Task) =>
            left.dueAt < right.dueAt || (left.dueAt === right.dueAt && Number(left.id) < Number(right.id));

          function claim(limit: number, reserved: number): void {
            const held = new Map<string, number>();
            for (const { task } of model.claimed) held.set(task.workspaceId, (held.get(task.workspaceId) ?? 0) + 1);
            const turns = new Map<string, number>();
            const leases = queue.claim({ limit, now, leaseMs: LEASE_MS, reserved, held });
            expect(leases.length).toBeLessThanOrEqual(limit);
            for (const [index, lease] of leases.entries()) {
              const { task } = lease;
              const open = model.claimable(now);
              expect(open).toContain(task);
              // The longest due of its workspace.
              for (const other of open)
                if (other.workspaceId === task.workspaceId) expect(isEarlier(other, task)).toBe(false);
              const isReserved = known.size > 1 && index >= limit - reserved;
              if (isReserved) expect(held.get(task.workspaceId) ?? 0).toBe(0);
              // Whoever has something to claim has had as many turns, but for the round under way.
              const turn = turns.get(task.workspaceId) ?? 0;
              if (!isReserved) {
                for (const other of open) expect(turns.get(other.workspaceId) ?? 0).toBeGreaterThanOrEqual(turn);
              }
              turns.set(task.workspaceId, turn + 1);
              held.set(task.workspaceId, (held.get(task.workspaceId) ?? 0) + 1);
              model.unclaimed.splice(model.unclaimed.indexOf(task), 1);
              model.claimed.push(lease);
            }
            if (leases.length < limit) {
              const left = model.claimable(now).map((task) => task.workspaceId);
              if (known.size > 1 && leases.length >= limit - reserved) {
                expect(left.filter((one) => (held.get(one) ?? 0) === 0)).toEqual([]);
              } else expect(left).toEqual([]);
            }
          }

          for (const one of steps) {
            if ('space' in one) known.add(one.space);
            switch (one.do) {
              case 'work':
                add(one.space, null, one.dueAt);
                break;
              case 'start':
                add(one.space, one.flow, one.dueAt);
                break;
              case 'claim':
                claim(one.limit, one.reserved);
                break;
              case 'settle': {
                const lease = take(model.claimed, one.nth);
                if (lease === undefined) break;
                expect(queue.holds(lease)).toBe(true);
                queue.end(lease.task.id);
                const { workspaceId, startOf } = lease.task;
                if (startOf === null) break;
                queue.countRuns(workspaceId, startOf, 1);
                model.running.push({ space: workspaceId, flow: startOf });
                break;
              }
              case 'giveBack': {
                const lease = take(model.claimed, one.nth);
                if (lease === undefined) break;
                queue.giveBack([lease]);
                model.unclaimed.push(lease.task);
                break;
              }
              case 'drop': {
                const task = take(model.unclaimed, one.nth);
                if (task !== undefined) queue.endRun(task.workspaceId, task.runId);
                break;
              }
              case 'finish': {
                const run = take(model.running, one.nth);
                if (run !== undefined) queue.countRuns(run.space, run.flow, -1);
                break;
              }
              case 'resume':
                queue.countRuns(one.space, one.flow, 1);
                model.running.push({ space: one.space, flow: one.flow });
                break;
              case 'limit':
                queue.limit(one.space, one.flow, one.limit);
                model.limits.set(`${one.space} ${one.flow}`, one.limit ?? Number.POSITIVE_INFINITY);
                break;
              case 'pass':
                now += one.ms;
            }
          }
          // In the end everything is claimed that may be, and only time or places keep the rest.
          claim(1_000, 0);
          const waiting = model.unclaimed.filter((task) => task.startOf === null || model.hasPlace(task));
          const next = Math.min(...waiting.map((task) => task.dueAt));
          expect(queue.nextDueAt()).toBe(waiting.length === 0 ? null : next);
          expect(queue.size).toBe(model.unclaimed.length + model.claimed.length);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('claims beside a hundred thousand starts that wait for places as quickly as without: none of them is looked at', () => {
    const queue = new TaskQueue();
    queue.limit('a', 'full', 1);
    queue.countRuns('a', 'full', 1);
    let looks = 0;
    const counted = (task: Omit<Task, 'dueAt'>, dueAt: number): Task =>
      Object.defineProperty(task as Task, 'dueAt', {
        get: () => {
          looks += 1;
          return dueAt;
        },
      });
    const of = { runId: 'r', nodeId: null, iteration: 0, attempt: 1, outputs: null };
    for (let index = 0; index < 100_000; index += 1) {
      queue.add(counted({ ...of, id: `p${index}`, runId: `r${index}`, workspaceId: 'a', startOf: 'full' }, index));
    }
    queue.add(counted({ ...of, id: 'first', workspaceId: 'b', startOf: 'other' }, 200_000));
    looks = 0;
    const leases = queue.claim({ limit: 64, now: 300_000, leaseMs: LEASE_MS });
    expect(leases.map(({ task }) => task.id)).toEqual(['first']);
    expect(looks).toBeLessThan(20);
    looks = 0;
    queue.countRuns('a', 'full', -1);
    expect(queue.claim({ limit: 64, now: 300_000, leaseMs: LEASE_MS }).map(({ task }) => task.id)).toEqual(['p0']);
    expect(looks).toBeLessThan(200);
  });
});
