import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, node, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { type OtherServer, startOtherServer } from '../../test/support/http-server.ts';
import { type HeldSystem, heldSystem, memoryBlobs } from '../../test/support/system.ts';
import { aTrigger, POLL, SCHEDULE } from '../../test/support/triggers.ts';
import type { Trigger } from '../domain/trigger.ts';
import type { Workflow } from '../domain/workflow.ts';
import { Engine } from '../engine/engine.ts';
import { Payloads } from '../engine/payloads.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import type { Change } from '../store/change.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import type { HttpClient } from '../system/http-client.ts';
import { createSealing } from '../system/sealing.ts';
import { Keyring } from './keyring.ts';
import { Polls } from './polls.ts';
import { TriggerFiring } from './trigger-firing.ts';
import { TriggerScheduler } from './trigger-scheduler.ts';
import { Workflows } from './workflows.ts';

const WORKSPACE = 'workspace';
const HOUR = 3_600_000;
const PAGE = { page: 1, size: 100 };
const silent = pino({ level: 'silent' });

let folder: string;
let system: HeldSystem;
let store: Store;
let http: HttpClient;
let source: OtherServer;
let body: { status?: number; text: string };
let workflow: Workflow;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-triggers-'));
  system = heldSystem();
  store = openSqliteStore(folder);
  http = createGuardedHttp({ allow: ['127.0.0.1'] });
  body = { text: '[]' };
  source = await startOtherServer((_, response) => response.writeHead(body.status ?? 200).end(body.text));
  await store.commit([{ kind: 'createWorkspace', workspace: { id: WORKSPACE, name: WORKSPACE, createdAt: 0 } }]);
  const nodes = [node('in', inputNode, { label: 'Text' }), node('out', outputNode, { label: 'Said' })];
  const definition = { nodes, edges: [edge('in::output', 'out::input')] };
  const owner = { workspaceId: WORKSPACE, workflowId: system.newId() };
  const version = versionOf(definition, owner, system);
  workflow = { ...workflowOf(WORKSPACE, version.id, system), id: owner.workflowId };
  await store.commit([
    { kind: 'createVersion', version },
    { kind: 'createWorkflow', workflow },
  ]);
});
afterEach(async () => {
  await source.stop();
  await http.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

/** A process that fires what is due. With `dieAfter`, it dies once so many changes of it are on disk. */
function aProcess(dieAfter = Number.POSITIVE_INFINITY): TriggerScheduler {
  let changes = 0;
  const mortal: Store = new Proxy(store, {
    get(target, name) {
      if (name === 'commit') {
        return (change: Change) => {
          changes += 1;
          return changes <= dieAfter ? target.commit(change) : Promise.reject(new Error('The process is dead.'));
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const catalogue = createCatalogue();
  const payloads = new Payloads(memoryBlobs(), system);
  const engine = new Engine({ store: mortal, catalogue, system, payloads, log: silent });
  const workflows = new Workflows({ store: mortal, catalogue, system });
  const sealing = createSealing({ current: Buffer.alloc(32, 1), former: [] }, '');
  const configured = { providers: [], prices: {}, presets: {}, defaultModels: [] };
  const keyring = new Keyring({ store: mortal, sealing, system, log: silent, configured });
  const firing = new TriggerFiring({ engine, workflows, keyring, system });
  const polls = new Polls({ store: mortal, firing, keyring, http, system, log: silent });
  return new TriggerScheduler({ store: mortal, firing, polls, system, log: silent });
}

/** Fires what is due, also in a process that dies of it, and ends. */
async function fireDue(scheduler = aProcess()): Promise<void> {
  await scheduler.fireDue().catch(() => undefined);
  await scheduler.stop();
}

async function make(set: Partial<Trigger>): Promise<Trigger> {
  const trigger = aTrigger(WORKSPACE, system, { workflowId: workflow.id, inputs: { Text: '((due_at))' }, ...set });
  await store.commit([{ kind: 'putTrigger', trigger }]);
  return trigger;
}
const now = (trigger: Trigger) => store.getTrigger(WORKSPACE, trigger.id);
/** Oldest first. */
async function events() {
  return (await store.listTriggerEvents({ workspaceId: WORKSPACE }, PAGE)).items.toReversed();
}
/** Inputs of all runs, the oldest first. */
async function inputs(): Promise<unknown[]> {
  const { items } = await store.listRuns({ workspaceId: WORKSPACE }, PAGE, { output: false });
  return items.toReversed().map(({ input }) => JSON.parse(input).Text);
}
/** Every run has one event, and every event that says so has its run. */
async function expectOneRunEach(): Promise<void> {
  const { items } = await store.listRuns({ workspaceId: WORKSPACE }, PAGE, { output: false });
  const started = (await events()).filter(({ outcome }) => outcome === 'started');
  expect(started.map(({ runId }) => runId).toSorted()).toEqual(items.map(({ id }) => id).toSorted());
  expect(items.map(({ meta }) => meta?.['trigger_event_id']).toSorted()).toEqual(
    started.map(({ id }) => id).toSorted(),
  );
}

describe('a schedule', () => {
  it('fires at its times and not before, and stands in the store with the next', async () => {
    const trigger = await make({});
    await fireDue();
    expect(await events()).toEqual([]);
    system.pass(HOUR);
    await fireDue();
    await fireDue();
    expect(await inputs()).toEqual(['2026-01-01T01:00:00.000Z']);
    expect(await now(trigger)).toMatchObject({ dueAt: system.now() + HOUR, wakeAt: system.now() + HOUR, revision: 2 });
    const [run] = (await store.listRuns({ workspaceId: WORKSPACE }, PAGE, { output: false })).items;
    expect(run).toMatchObject({
      source: 'trigger',
      status: 'queued',
      apiKeyId: 'key',
      meta: { trigger_id: trigger.id },
    });
    await expectOneRunEach();
  });

  it.each(['skip', 'once', 'all'] as const)('makes up for a night by its rule: %s', async (missed) => {
    await make({ definition: { ...SCHEDULE, missed } });
    system.pass(3.5 * HOUR);
    await fireDue();
    const three = [1, 2, 3].map((hour) => `2026-01-01T0${hour}:00:00.000Z`);
    expect(await inputs()).toEqual({ skip: [], once: three.slice(2), all: three }[missed]);
    const skipped = (await events()).filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map(({ data }) => data['passed'])).toEqual({ skip: [3], once: [2], all: [] }[missed]);
  });

  it('is fired once by many processes', async () => {
    await make({});
    await make({});
    system.pass(HOUR);
    await Promise.all(Array.from({ length: 4 }, () => fireDue()));
    expect(await inputs()).toHaveLength(2);
    await expectOneRunEach();
  });

  it('is fired by the next process when one dies before its firing is on disk', async () => {
    await make({});
    system.pass(HOUR);
    await fireDue(aProcess(0));
    expect(await inputs()).toEqual([]);
    await fireDue();
    await fireDue();
    expect(await inputs()).toEqual(['2026-01-01T01:00:00.000Z']);
    await expectOneRunEach();
  });

  it('goes on when the clock was set back and a time comes a second time', async () => {
    const trigger = await make({});
    system.pass(HOUR);
    await fireDue();
    const fired = (await now(trigger))!;
    await store.commit([
      { kind: 'putTrigger', trigger: { ...fired, dueAt: system.now(), wakeAt: system.now(), revision: 3 } },
    ]);
    await fireDue();
    expect(await inputs()).toHaveLength(1);
    expect(await now(trigger)).toMatchObject({ dueAt: system.now() + HOUR, revision: 4 });
  });

  it('fires after its times by its jitter, and says the times themselves', async () => {
    const jittered = { definition: { ...SCHEDULE, jitterSeconds: 600 } };
    const trigger = await make({ ...jittered, id: '00000000-0000-7000-8000-000000000fff' });
    await fireDue();
    const due = system.now() + HOUR;
    const wake = due + 0xfff;
    await store.commit([{ kind: 'putTrigger', trigger: { ...trigger, dueAt: due, wakeAt: wake, revision: 2 } }]);
    system.pass(HOUR);
    await fireDue();
    expect(await inputs()).toEqual([]);
    system.pass(0xfff);
    await fireDue();
    expect(await inputs()).toEqual(['2026-01-01T01:00:00.000Z']);
    expect(await now(trigger)).toMatchObject({ dueAt: due + HOUR, wakeAt: wake + HOUR });
  });

  it('is not kept from firing by another that cannot be fired', async () => {
    await make({ wakeAt: 1, definition: { ...SCHEDULE, timezone: 'Mars/Olympus' } });
    await make({});
    system.pass(HOUR);
    await fireDue();
    expect(await inputs()).toEqual(['2026-01-01T01:00:00.000Z']);
  });

  it('says why it starts nothing, and goes on', async () => {
    const trigger = await make({ inputs: { Txt: 'a' } });
    const orphan = await make({ workflowId: 'gone' });
    system.pass(HOUR);
    await fireDue();
    const [first, second] = await events();
    expect(await now(orphan)).toMatchObject({ enabled: false, dueAt: null, wakeAt: null });
    expect(first).toMatchObject({ outcome: 'refused', runId: null, reason: expect.stringContaining('"Txt"') });
    expect(second).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('switched off') });
    expect((await now(trigger))?.dueAt).toBe(system.now() + HOUR);
  });
});

describe('a poll', () => {
  const poll = (set: object = {}): Partial<Trigger> => ({
    definition: { ...POLL, url: source.url, source: 'json', idPath: '$.id', everySeconds: 60, ...set },
    ...{ dueAt: system.now(), wakeAt: system.now(), inputs: { Text: '((item.id))' } },
  });
  const there = (...ids: readonly number[]): void => {
    body = { text: JSON.stringify(ids.map((id) => ({ id }))) };
  };

  it('starts a run for each item that was not there at the first look, once', async () => {
    const trigger = await make(poll());
    there(2, 1);
    await fireDue();
    expect(await inputs()).toEqual([]);
    there(4, 3, 2);
    for (let n = 0; n < 3; n += 1) {
      system.pass(60_000);
      await fireDue();
    }
    expect(await inputs()).toEqual([3, 4]);
    expect(source.received).toHaveLength(4);
    expect((await now(trigger))?.state?.seen).toHaveLength(4);
    await expectOneRunEach();
  });

  it('is looked at by one of many processes', async () => {
    await make(poll({ startWith: 'all' }));
    there(1, 2, 3);
    await Promise.all(Array.from({ length: 4 }, () => fireDue()));
    expect(source.received).toHaveLength(1);
    expect(await inputs()).toHaveLength(3);
    await expectOneRunEach();
  });

  it.each([0, 1])(
    'loses nothing and starts nothing twice when a process dies after %i of its writes',
    async (writes) => {
      const trigger = await make(poll({ startWith: 'all' }));
      there(1, 2);
      await fireDue(aProcess(writes));
      expect(await inputs()).toEqual([]);
      // What is claimed is left alone until its time is over.
      await fireDue();
      expect(await inputs()).toHaveLength(writes === 0 ? 2 : 0);
      system.pass(60_000);
      await fireDue();
      await fireDue();
      expect(await inputs()).toEqual([2, 1]);
      expect((await now(trigger))?.state?.failures).toBe(0);
      await expectOneRunEach();
    },
  );

  it('takes many new items in parts, and forgets none of them', async () => {
    await make(poll({ startWith: 'all' }));
    there(...Array.from({ length: 120 }, (_, n) => n));
    for (const count of [50, 100, 120, 120]) {
      await fireDue();
      expect((await store.listRuns({ workspaceId: WORKSPACE }, PAGE, { output: false })).total).toBe(count);
      system.pass(count === 120 ? 60_000 : 1000);
    }
    expect(source.received.every(({ headers }) => headers['if-none-match'] === undefined)).toBe(true);
  });

  it('waits longer after each failure, up to an hour, and says what is wrong', async () => {
    const trigger = await make(poll());
    body = { status: 500, text: 'no' };
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      await fireDue();
      const { wakeAt } = (await now(trigger))!;
      waits.push((wakeAt! - system.now()) / 60_000);
      system.pass(wakeAt! - system.now());
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect((await now(trigger))?.state).toMatchObject({ failures: 8, lastError: expect.stringContaining('500') });
    expect((await events()).every(({ outcome }) => outcome === 'failed')).toBe(true);
    body = { text: 'not JSON' };
    await fireDue();
    expect((await now(trigger))?.state?.lastError).toContain('not JSON');
    there(1);
    system.pass(HOUR);
    await fireDue();
    expect((await now(trigger))?.state).toMatchObject({ failures: 0, lastError: null });
  });

  it('is given back when its process stops in the middle of it', async () => {
    const silentSource = await startOtherServer(() => undefined);
    const trigger = await make(poll({ url: silentSource.url }));
    const scheduler = aProcess();
    const looking = scheduler.fireDue();
    await silentSource.got(1);
    await scheduler.stop();
    await looking;
    expect(await now(trigger)).toMatchObject({ wakeAt: trigger.wakeAt, state: null });
    expect(await events()).toEqual([]);
    await silentSource.stop();
  });

  it('keeps nothing of a look during which somebody changed the trigger', async () => {
    const trigger = await make(poll({ startWith: 'all' }));
    there(1);
    const scheduler = aProcess();
    const looking = scheduler.fireDue();
    await source.got(1);
    for (;;) {
      const current = (await now(trigger))!;
      const off = { ...current, enabled: false, dueAt: null, wakeAt: null, revision: current.revision + 1 };
      if ((await store.commit([{ kind: 'putTrigger', trigger: off }])) === 'kept') break;
    }
    await looking;
    await scheduler.stop();
    const runs = await inputs();
    // Whoever was first: the run and the change are never half of each.
    expect(runs.length).toBe((await events()).length);
    expect((await now(trigger))?.wakeAt).toBeNull();
  });
});
