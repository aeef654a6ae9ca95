import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun, versionOf, workflowOf } from '../../../test/support/definitions.ts';
import { startsPostgres } from '../../../test/support/postgres.ts';
import { heldSystem } from '../../../test/support/system.ts';
import { newDelivery } from '../../callbacks/callbacks.ts';
import type { Run } from '../../domain/run.ts';
import type { Lease, Task } from '../../domain/task.ts';
import type { Write } from '../change.ts';
import { follow } from '../follow.ts';
import type { Store } from '../store.ts';
import postgres from './driver.ts';
import { openPostgresStore } from './postgres-store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const LEASE_MS = 10_000;

// What is told as kept must survive a crash here.
const cluster = startsPostgres({ fsync: 'on', log_statement: 'none' });

describe('several processes on one store', () => {
  let schema: ReturnType<typeof cluster.newSchema>;
  let stores: Store[] = [];
  const system = heldSystem();

  beforeEach(() => {
    schema = cluster.newSchema();
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    stores = [];
    await schema.drop();
  });

  const opened = async (runsPerWorkspace: number | null = null): Promise<Store> => {
    const store = await openPostgresStore(schema.url, { runsPerWorkspace });
    stores.push(store);
    return store;
  };
  const aRun = (workspaceId = 'w', workflowId = 'f') => queuedRun({ workspaceId, workflowId }, system);
  const create = (run: Run): Write => ({ kind: 'createRun', run });
  const taskOf = (run: Run, set: Partial<Task> = {}): Task => ({
    ...{ id: system.newId(), workspaceId: run.workspaceId, runId: run.id, nodeId: null, iteration: 0, attempt: 1 },
    ...{ dueAt: system.now(), startOf: null, outputs: null },
    ...set,
  });
  const add = (task: Task): Write => ({ kind: 'addTask', task });
  const append = (run: Run, progress = 0): Write => ({
    kind: 'appendEvent',
    event: {
      ...{ workspaceId: run.workspaceId, runId: run.id, workflowId: run.workflowId, at: system.now() },
      ...{ kind: 'advanced', data: { status: run.status, progress } },
    },
  });
  const claim = (store: Store, limit = 100) => store.claimTasks({ limit, now: system.now(), leaseMs: LEASE_MS });

  it('open it at the same time: one makes the schema, the others wait for it', async () => {
    await Promise.all(Array.from({ length: 6 }, () => opened()));
    const run = aRun();
    expect(await stores[0]!.commit([create(run)])).toBe('kept');
    expect(await stores[5]!.getRun('w', run.id)).toEqual(run);
  });

  it('read what there is when their connections were cut in the middle of an answer', async () => {
    const store = await opened();
    const run = aRun();
    const lines = Array.from({ length: 500 }, (): Write => {
      const said = { level: 'info', message: 'x'.repeat(10_000), at: system.now(), meta: null } as const;
      return {
        kind: 'appendLog',
        workspaceId: 'w',
        log: { id: system.newId(), runId: run.id, nodeId: null, iteration: 0, ...said },
      };
    });
    await store.commit([create(run), ...lines]);
    const admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
    const read: (Run | null)[] = [];
    for (let round = 0; round < 10; round += 1) {
      const long = Array.from({ length: 10 }, () => store.listRunLogs('w', run.id, 500).catch(() => []));
      await sleep(10 + Math.random() * 50);
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'millrun%'`;
      const short = Array.from({ length: 10 }, () => store.getRun('w', run.id).then((found) => read.push(found)));
      await Promise.allSettled([...long, ...short]);
    }
    await admin.end();
    expect(read.filter((found) => found === null)).toEqual([]);
    expect(read.length).toBeGreaterThan(0);
  });

  it('do not write to what a newer version has made', async () => {
    await opened();
    const admin = postgres(cluster.url, { max: 1 });
    const name = new URL(schema.url).searchParams.get('schema');
    await admin.unsafe(`insert into ${name}.platform_schema (step) values (1000)`);
    await admin.end();
    await expect(openPostgresStore(schema.url)).rejects.toThrow('Start the newer version');
  });

  it('are given each task once, however many claim at the same time', async () => {
    const [one, ...others] = [await opened(), await opened(), await opened()];
    const runs = Array.from({ length: 200 }, () => aRun());
    await Promise.all(runs.map((run) => one!.commit([create(run), add(taskOf(run))])));
    const claimed: Lease[] = [];
    await Promise.all(
      [one!, ...others].map(async (store) => {
        for (let leases = await claim(store, 7); leases.length > 0; leases = await claim(store, 7))
          claimed.push(...leases);
      }),
    );
    expect(claimed).toHaveLength(200);
    expect(new Set(claimed.map(({ task }) => task.id)).size).toBe(200);
  });

  it('begin together no more runs than a workflow and a workspace may have', async () => {
    const all = [await opened(9), await opened(9), await opened(9)];
    const version = versionOf({ nodes: [], edges: [] }, { workspaceId: 'w', workflowId: 'few' }, system);
    const workflow = { ...workflowOf('w', version.id, system), id: 'few', settings: { max_concurrent_runs: 5 } };
    await all[0]!.commit([
      { kind: 'createVersion', version },
      { kind: 'createWorkflow', workflow },
    ]);
    const runs = [...Array.from({ length: 20 }, () => aRun('w', 'few')), ...Array.from({ length: 20 }, () => aRun())];
    for (const run of runs) await all[0]!.commit([create(run), add(taskOf(run, { startOf: run.workflowId }))]);
    const leases = (await Promise.all([...all, ...all].map((store) => claim(store)))).flat();
    expect(leases.filter(({ task }) => task.startOf === 'few').length).toBeLessThanOrEqual(5);
    expect(leases).toHaveLength(9);
    // Runs that begin without a task need a place as well.
    const begun = all.map((store) => store.commit([create({ ...aRun('w', 'other'), status: 'running' })]));
    expect(await Promise.all(begun)).toEqual(['stale', 'stale', 'stale']);
  });

  it('take over the tasks of one that died, whose late answer is stale', async () => {
    const [dying, living] = [await opened(), await opened()];
    const run = aRun();
    await dying.commit([create(run), add(taskOf(run))]);
    const [lost] = await claim(dying);
    expect(await claim(living)).toEqual([]);
    system.pass(LEASE_MS);
    const [taken] = await claim(living);
    expect(taken?.task).toEqual(lost?.task);
    expect(await dying.commit([{ kind: 'endTask', lease: lost! }])).toBe('stale');
    expect(await dying.renewLeases([lost!], system.now(), LEASE_MS)).toEqual([lost]);
    expect(await living.commit([{ kind: 'endTask', lease: taken! }])).toBe('kept');
  });

  it('keep a lease whose task a commit has in hand while it is renewed', async () => {
    const store = await opened();
    const run = aRun();
    await store.commit([create(run), add(taskOf(run))]);
    const [lease] = await claim(store, 1);
    const tasks = `${new URL(schema.url).searchParams.get('schema')}.tasks`;
    const sql = postgres(cluster.url, { max: 1 });
    const locked = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    const other = sql.begin(async (transaction) => {
      await transaction.unsafe(`select 1 from ${tasks} for update`);
      locked.resolve();
      await letGo.promise;
    });
    await locked.promise;
    const until = system.now() + 1000 + LEASE_MS;
    const renewing = store.renewLeases([lease!], system.now() + 1000, LEASE_MS);
    await Promise.race([renewing, waitsForLock(cluster.url)]);
    letGo.resolve();
    await other;
    expect(await renewing).toEqual([]);
    expect(Number((await sql.unsafe(`select leased_until from ${tasks}`))[0]?.['leased_until'])).toBe(until);
    await sql.end();
  });

  it('hear of each other’s commits', async () => {
    const [writing, listening] = [await opened(), await opened()];
    const heard = new Promise<number>((resolve) => listening.onLog(resolve));
    const run = aRun();
    await writing.commit([create(run), append(run)]);
    expect(await heard).toBe((await writing.stats()).lastPosition);
  });

  it('hear which runs others have ended, and when there is work; not of what needs nobody', async () => {
    const [writing, listening] = [await opened(), await opened()];
    const heard: unknown[] = [];
    const ended = new Promise((resolve) => {
      listening.onEndElsewhere((runIds) => {
        heard.push(runIds);
        resolve(null);
      });
    });
    let work = 0;
    listening.onWork(() => {
      work += 1;
    });
    writing.onEndElsewhere((runIds) => heard.push(['own', runIds]));
    const run = aRun();
    await writing.commit([create(run)]);
    await writing.commit([{ kind: 'updateRun', run: { ...run, status: 'canceled', revision: 1 }, before: 'queued' }]);
    await ended;
    expect([heard, work]).toEqual([[[run.id]], 0]);
    const working = new Promise<void>((resolve) => listening.onWork(resolve));
    const next = aRun();
    await writing.commit([create(next), add(taskOf(next))]);
    await working;
  });

  it('hear what others tell, which nobody keeps', async () => {
    const [telling, listening] = [await opened(), await opened()];
    const heard = new Promise<string>((resolve) => listening.onTold(resolve));
    telling.onTold(() => expect.unreachable());
    telling.tell(`{"text":"${'é'.repeat(3000)}"}`);
    expect(JSON.parse(await heard).text).toHaveLength(3000);
  });

  it('make each attempt of a callback once, and are given it again when whoever makes it dies', async () => {
    const all = [await opened(), await opened(), await opened()];
    const run = aRun();
    const deliveries = Array.from({ length: 12 }, () => newDelivery(run, 'run', 'noxus', '{}', system, true));
    await all[0]!.commit([create(run), ...deliveries.map((delivery): Write => ({ kind: 'createDelivery', delivery }))]);
    const until = system.now() + 1000;
    const claimed = (await Promise.all(all.map((store) => store.claimDeliveries(system.now(), 12, until)))).flat();
    expect(claimed.map(({ id }) => id).toSorted()).toEqual(deliveries.map(({ id }) => id).toSorted());
    expect(await all[0]!.nextDeliveryAt()).toBe(until);
    system.pass(1000);
    expect(await all[1]!.claimDeliveries(system.now(), 20, until)).toHaveLength(12);
  });

  it('write one change of a run, and leave the other stale', async () => {
    const all = [await opened(), await opened(), await opened()];
    const runs = Array.from({ length: 30 }, () => aRun());
    await all[0]!.commit(runs.map(create));
    const results = await Promise.all(
      runs.map((run) =>
        Promise.all(
          all.map((store, index) => {
            const next: Run = { ...run, status: 'running', revision: 1, progress: index };
            return store.commit([{ kind: 'updateRun', run: next, before: 'queued' }, append(run, index)]);
          }),
        ),
      ),
    );
    for (const [index, outcomes] of results.entries()) {
      expect(outcomes.toSorted()).toEqual(['kept', 'stale', 'stale']);
      const events = await all[0]!.readRunEvents('w', runs[index]!.id, 0);
      expect(events.map(({ data }) => data.progress)).toEqual([outcomes.indexOf('kept')]);
    }
    expect((await all[1]!.stats()).runsByStatus).toMatchObject({ running: 30 });
  });

  it('keep a position of the log for one of those who follow under the same name', async () => {
    const all = [await opened(), await opened(), await opened()];
    const followed = { kind: 'followed', follower: 'f', position: 5, before: 0 } as const;
    const results = await Promise.all(all.map((store) => store.commit([followed])));
    expect(results.toSorted()).toEqual(['kept', 'stale', 'stale']);
  });

  it('append to a log of which a follower misses nothing, in its order, while all of them write', async () => {
    const writers = [await opened(), await opened(), await opened(), await opened()];
    const reading = await opened();
    const each = LONG ? 5000 : 250;
    const seen: { position: number; runId: string; progress: number }[] = [];
    const errors: unknown[] = [];
    const follower = follow(
      reading,
      0,
      async (events) => {
        for (const { position, runId, data } of events) seen.push({ position, runId, progress: data.progress });
      },
      (error) => errors.push(error),
    );
    await Promise.all(
      writers.map(async (store, writer) => {
        const run = aRun(`w${writer % 2}`);
        for (let n = 0; n < each; n += 1) {
          // Some changes are long, some spoil their group, and some come many at once.
          const more = n % 7 === 0 ? Array.from({ length: 40 }, () => create(aRun())) : [];
          const spoils = n % 11 === 0 ? [store.commit([append(run, -1), create(run), create(run)])] : [];
          await Promise.allSettled([store.commit([append(run, n), ...more]), ...spoils]);
        }
      }),
    );
    await follower.reached((await reading.stats()).lastPosition);
    await follower.stop();
    expect(errors).toEqual([]);
    expect(seen).toHaveLength(each * writers.length);
    // No position is skipped either: what a commit that failed took is given out again.
    expect(seen.map(({ position }) => position)).toEqual(seen.map((_, index) => index + 1));
    for (const events of Map.groupBy(seen, ({ runId }) => runId).values()) {
      expect(events.map(({ progress }) => progress)).toEqual(Array.from({ length: each }, (_, n) => n));
    }
  });

  it('go on after they were silent for so long that their place was cleared away', async () => {
    const store = await opened();
    const run = aRun();
    await store.commit([create(run)]);
    const admin = postgres(cluster.url, { max: 1 });
    const name = new URL(schema.url).searchParams.get('schema');
    await admin.unsafe(`delete from ${name}.platform_writers`);
    await admin.end();
    expect(await store.commit([append(run)])).toBe('kept');
    expect(await store.commit([append(run)])).toBe('kept');
    expect(await store.readLog(0, 10)).toHaveLength(2);
  });

  it('learn what became of a commit whose connection was cut, and apply none twice', async () => {
    const store = await opened();
    const admin = postgres(cluster.url, { max: 1 });
    let isOver = false;
    const cutting = (async () => {
      for (let cut = 0; cut < (LONG ? 300 : 15); cut += 1) {
        await sleep(Math.random() * 60);
        await admin.unsafe(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'millrun%' and query like '%select commit_%'`,
        );
      }
      isOver = true;
    })();
    const run = aRun();
    await store.commit([create(run)]);
    let made = 0;
    while (!isOver) {
      const next = { ...run, revision: made + 1, progress: made };
      // A change that were applied twice, or taken for lost, would make this one or the next one stale.
      expect(await store.commit([{ kind: 'updateRun', run: next, before: 'queued' }, append(run, made)])).toBe('kept');
      made += 1;
    }
    await cutting;
    await admin.end();
    const progress = (await store.readRunEvents('w', run.id, 0)).map(({ data }) => data.progress);
    expect(progress).toEqual(Array.from({ length: made }, (_, n) => n));
  });

  it('have one thing in hand at a time, which is free when it is let go or its time is over', async () => {
    const both = [await opened(), await opened()] as const;
    const thing = { workspaceId: 'w', name: 'request a' };
    const isHeld = await Promise.all(both.map((store) => store.hold(thing, 60_000)));
    expect(isHeld.toSorted()).toEqual([false, true]);
    const [one, other] = isHeld[0] ? both : [both[1], both[0]];
    expect(await one.hold(thing, 60_000)).toBe(true);
    expect(await other.hold({ ...thing, workspaceId: 'v' }, 60_000)).toBe(true);
    await other.letGo(thing);
    expect(await other.hold(thing, 60_000)).toBe(false);
    await one.letGo(thing);
    expect(await other.hold(thing, 1)).toBe(true);
    while (!(await one.hold(thing, 60_000))) await sleep(5);
  });

  it('count the requests of a key together, and take the next when its time has come', async () => {
    const all = [await opened(), await opened()];
    const asked = Array.from({ length: 40 }, (_, n) => all[n % 2]!.takeRequest('w', 'key', 10, 0));
    const waits = await Promise.all(asked);
    expect(waits.filter((wait) => wait === 0)).toHaveLength(10);
    expect(waits.every((wait) => wait <= 6000)).toBe(true);
    expect(await all[0]!.takeRequest('v', 'key', 10, 0)).toBe(0);
    const quick = async () => all[1]!.takeRequest('w', 'quick', 6000, 0);
    while ((await quick()) === 0);
    while ((await quick()) > 0) await sleep(1);
  });

  it('see when another has changed what a workspace keeps to reach others', async () => {
    const [one, other] = [await opened(), await opened()];
    const before = await other.credentialsVersion('w');
    expect(await one.credentialsVersion('w')).toBe(before);
    const settings = { workspaceId: 'w', prices: {}, presets: {}, defaultModels: ['m'], updatedAt: 1, revision: 1 };
    expect(await one.commit([{ kind: 'putModelSettings', settings }])).toBe('kept');
    expect(await other.credentialsVersion('w')).not.toBe(before);
    expect(await other.credentialsVersion('v')).toBe(before);
  });

  it('do what only one may do at once one after the other', async () => {
    const all = await Promise.all(Array.from({ length: 3 }, () => opened()));
    let within = 0;
    const most = await Promise.all(
      all.map((store) =>
        store.alone(async () => {
          within += 1;
          const seen = within;
          await store.stats();
          within -= 1;
          return seen;
        }),
      ),
    );
    expect(most).toEqual([1, 1, 1]);
  });

  it('go on after a crash of the server with everything that was told as kept, and nothing twice', {
    timeout: 120_000,
  }, async () => {
    const all = [await opened(), await opened()];
    let isOver = false;
    const told: string[] = [];
    const failed: unknown[] = [];
    const writing = all.flatMap((store) =>
      Array.from({ length: 8 }, async () => {
        while (!isOver) {
          const run = aRun();
          try {
            expect(await store.commit([create(run), add(taskOf(run)), append(run)])).toBe('kept');
            told.push(run.id);
          } catch (error) {
            failed.push(error);
          }
        }
      }),
    );
    for (let crash = 0; crash < (LONG ? 20 : 2); crash += 1) {
      const before = told.length;
      while (told.length < before + 200) await sleep(5);
      await cluster.crash();
    }
    const before = told.length;
    while (told.length < before + 200) await sleep(5);
    isOver = true;
    await Promise.all(writing);
    // A server that is away for a moment makes nobody fail.
    expect(failed).toEqual([]);
    const events = [];
    for (let from = 0; ; from = events.at(-1)!.position) {
      const read = await all[0]!.readLog(from, 5000);
      if (read.length === 0) break;
      events.push(...read);
    }
    expect(events.map(({ runId }) => runId).toSorted()).toEqual(told.toSorted());
    const { runsByStatus, queuedTasks } = await all[0]!.stats();
    expect({ runsByStatus, queuedTasks }).toEqual({ runsByStatus: { queued: told.length }, queuedTasks: told.length });
  });
});

/** Resolves when a statement waits for a row that another has locked. */
async function waitsForLock(url: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'update tasks%'";
  while ((await sql.unsafe(waiting)).length === 0) await sleep(5);
  await sql.end();
}
