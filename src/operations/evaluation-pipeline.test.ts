import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { edge, node, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { heldSystem, memoryBlobs } from '../../test/support/system.ts';
import { readOutline } from '../api/noxus/outline.ts';
import { Callbacks } from '../callbacks/callbacks.ts';
import type { Caller } from '../domain/caller.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonObject } from '../domain/json.ts';
import { Engine } from '../engine/engine.ts';
import { LiveContent } from '../engine/live-content.ts';
import { Payloads } from '../engine/payloads.ts';
import { StoreDispatcher } from '../engine/store-dispatcher.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import type { Change } from '../store/change.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import { BuiltInJudges } from './built-in-judges.ts';
import { EvaluationPipeline } from './evaluation-pipeline.ts';
import { type EvaluationRequest, Evaluations } from './evaluations.ts';
import { Workflows } from './workflows.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const WORKSPACE = 'workspace';
const OF = { workspaceId: WORKSPACE, workflowId: 'flow' };

/** Who may do everything with evaluations. */
const CALLER: Caller = {
  keyId: 'key',
  keyName: 'key',
  keyPrefix: '',
  workspaceId: WORKSPACE,
  scopes: new Set(['evaluations:create', 'evaluations:read', 'runs:read']),
};

const ECHO: Definition = {
  nodes: [node('in', inputNode, { label: 'A' }), node('out', outputNode, { label: 'B' })],
  edges: [edge('in::output', 'out::input')],
};

/** A judge that passes everything. */
const KIND: Definition = {
  nodes: [
    node('in', inputNode, { label: 'status' }),
    node('say', composeText, { template: '{"passed": true, "issues": [{"category": "kind"}]}' }),
    node('out', outputNode, { label: 'verdict' }),
  ],
  edges: [edge('in::output', 'say::variables::status'), edge('say::output', 'out::input')],
};

const system = heldSystem();
const blobs = memoryBlobs();
/** The platform's log says what a dead process cannot do; nobody reads it. */
const silent = pino({ level: 'silent' });

/** How a process dies: when so many changes are on disk, before the next is, or after it is and before anybody hears of it. */
interface Death {
  readonly after: number;
  readonly hears: boolean;
}

/** One life of the platform over a folder. */
interface World {
  readonly store: Store;
  readonly engine: Engine;
  readonly evaluations: Evaluations;
  readonly changes: () => number;
  readonly died: Promise<void>;
  stop(): Promise<void>;
}

async function live(folder: string, death: Death | null = null): Promise<World> {
  const real = openSqliteStore(folder);
  let changes = 0;
  const dead = Promise.withResolvers<void>();
  const commit = async (change: Change): Promise<'kept' | 'stale'> => {
    changes += 1;
    if (death !== null && changes > death.after) {
      if (changes === death.after + 1 && death.hears) await real.commit(change);
      dead.resolve();
      throw new Error('The process is dead.');
    }
    return real.commit(change);
  };
  const store = new Proxy(real, {
    get(target, name) {
      if (name === 'commit') return commit;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const catalogue = createCatalogue();
  const payloads = new Payloads(blobs, system);
  const http = createGuardedHttp({ allow: [] });
  const engine = new Engine({ store, catalogue, system, payloads, log: silent });
  const workflows = new Workflows({ store, catalogue, system });
  const modelsOf = async () => ({ providers: [], prices: {}, presets: {}, defaultModels: [] });
  const callbacks = new Callbacks({
    ...{ store, system, http, log: silent, version: '0.0.0' },
    readPayload: (payload) => payloads.text(payload),
    presentRun: { noxus: () => '{}', runflow: () => '{}' },
    presentPersonRequest: { noxus: () => '{}', runflow: () => '{}' },
    presentBatch: () => '{}',
    deriveSecret: () => 'whsec_c2VjcmV0',
    callbackSecretText: () => 'whsec_c2VjcmV0',
  });
  const builtIn = new BuiltInJudges({ store, workflows, modelsOf, read: (outline) => readOutline(outline, catalogue) });
  const presentCallback = () => '{"told": true}';
  const evaluations = new Evaluations({
    ...{ store, engine, workflows, payloads, http, system },
    ...{ callbacks, presentCallback, builtIn },
  });
  const pipeline = new EvaluationPipeline({ store, evaluations, log: silent });
  await pipeline.start();
  const tools = {
    http,
    modelsOf,
    credentialOf: async () => null,
    redactorOf: async () => null,
    comfyui: [],
    gpuRates: {},
    content: new LiveContent(),
    code: { sandbox: { run: () => Promise.reject(new Error('There is no sandbox here.')) }, runner: null },
    filesOf: () => ({ read: async () => null, save: async () => never() }),
  };
  const worker = new StoreDispatcher({ engine, store, system, log: silent, concurrency: 4, tools });
  return {
    store,
    engine,
    evaluations,
    changes: () => changes,
    died: dead.promise,
    async stop() {
      await worker.stop(0);
      await pipeline.stop();
      await http.close();
      await real.close();
    },
  };
}

function never(): never {
  throw new Error('Nothing here saves files.');
}

let folder: string;
let alive: World[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-evaluations-'));
  alive = [];
});
afterEach(async () => {
  for (const world of alive) await world.stop();
  rmSync(folder, { recursive: true });
});

const open = async (death: Death | null = null): Promise<World> => {
  const world = await live(folder, death);
  alive.push(world);
  return world;
};
const close = async (world: World): Promise<void> => {
  alive = alive.filter((each) => each !== world);
  await world.stop();
};

/** Saves two judges, and a workflow whose runs they judge by themselves. */
async function prepare(settings: JsonObject = {}): Promise<void> {
  const world = await open();
  const change: Change[] = [];
  for (const [id, definition] of Object.entries({ flow: ECHO, judge1: KIND, judge2: KIND })) {
    const version = versionOf(definition, { ...OF, workflowId: id }, system);
    const judges = [{ workflow_id: 'judge1' }, { workflow_id: 'judge2', gate: true }];
    const own = id === 'flow' ? { settings: { evaluation: { automatic: true, judges, ...settings } } } : {};
    const workflow = { ...workflowOf(WORKSPACE, version.id, system), id, ...own };
    change.push([
      { kind: 'createVersion', version },
      { kind: 'createWorkflow', workflow },
    ]);
  }
  await world.store.commit(change.flat());
  await close(world);
}

async function start(world: World): Promise<string> {
  const workflow = (await world.store.getWorkflowRecord(WORKSPACE, 'flow'))!;
  const run = await world.engine.enqueue({
    ...{ kind: 'flow', version: workflow.version, versionPinned: false, input: { A: 'a' }, nodeIds: null },
    ...{ singleNodeId: null, source: 'test', meta: null, context: null, clientRef: null, batchId: null },
    ...{ requestId: null, dialect: 'runflow', callbackUrl: null, apiKeyId: null, tracing: false, debugger: null },
  });
  return run.id;
}

/** Real time after which what should have happened has not. */
const PATIENCE = { timeout: 20_000, interval: 20 };

const list = { workspaceId: WORKSPACE, filter: null, sort: [], limit: 500, from: null, backward: false };

/** Everything that there is in the end: a run, one evaluation, and a run for each judge. */
async function settled(world: World, runId: string) {
  await vi.waitFor(async () => {
    const { items } = await world.store.find('evaluations', list);
    expect(items.map(({ status }) => status)).toEqual(items.map(() => 'completed'));
    expect(items.length).toBeGreaterThan(0);
  }, PATIENCE);
  const runs = await world.store.find('runs', list);
  return {
    evaluations: (await world.store.find('evaluations', list)).items,
    current: await world.store.currentEvaluations(WORKSPACE, [runId]),
    judging: runs.items.filter(({ run }) => run.source === 'evaluation').map(({ run }) => run.status),
  };
}

it('an automatic evaluation is made and completed exactly once, at whatever step the process dies', {
  timeout: 300_000,
}, async () => {
  await prepare();
  const whole = await open();
  const first = await start(whole);
  await settled(whole, first);
  // What a life without an end writes: the run, its evaluation with the runs of its judges, and what they come to.
  const steps = whole.changes();
  expect(steps).toBeGreaterThan(4);
  await close(whole);
  for (let after = 1; after < steps; after += 1) {
    for (const hears of [true, false]) {
      rmSync(folder, { recursive: true });
      await prepare();
      const dying = await open({ after, hears });
      const runId = await start(dying);
      await dying.died;
      await close(dying);
      const again = await open();
      // A later run is judged after everything that the log says of the first one was read again.
      const later = await start(again);
      await vi.waitFor(
        async () => expect(await again.store.currentEvaluations(WORKSPACE, [runId, later])).toHaveLength(2),
        PATIENCE,
      );
      const { evaluations, current, judging } = await settled(again, runId);
      const place = `after change ${after} of ${steps}`;
      expect(evaluations, place).toHaveLength(2);
      expect(current, place).toMatchObject([{ passed: true, passRate: 1, topIssues: ['kind'], attempt: 1 }]);
      expect(judging, place).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
      await close(again);
    }
  }
});

const request = (runId: string): EvaluationRequest => ({
  runId,
  subject: {
    ...{ taskType: null, taskDescription: null, prompt: null, imageUrl: null },
    ...{ inputAttributes: null, instructions: null, referenceImages: [] },
  },
  ...{ judges: null, threshold: null, parentId: null, clientRef: null, callbackUrl: 'https://example.com/hook' },
  ...{ requestId: 'the first', isRepeat: false },
});

it('the callback of an evaluation is made once, in the write that concludes it', async () => {
  await prepare({ automatic: false });
  const world = await open();
  const runId = await start(world);
  await world.engine.waitForEnd(WORKSPACE, runId, 10_000);
  const { id } = await world.evaluations.create(CALLER, request(runId));
  await settled(world, runId);
  await world.evaluations.settle(WORKSPACE, id);
  const deliveries = await world.evaluations.deliveries(CALLER, id);
  expect(deliveries).toMatchObject([{ delivery: { subject: 'evaluation', subjectId: id, body: '{"told": true}' } }]);
});

it('a request that is repeated since a process died over it makes no second evaluation', async () => {
  await prepare({ automatic: false });
  const world = await open();
  const runIds = [await start(world), await start(world)];
  for (const runId of runIds) await world.engine.waitForEnd(WORKSPACE, runId, 10_000);
  const [one = ''] = runIds;
  const { id } = await world.evaluations.create(CALLER, request(one));
  expect(await world.evaluations.create(CALLER, { ...request(one), isRepeat: true })).toMatchObject({ id });
  const bulk = { filter: null, limit: 10, judges: null, threshold: null, expectedCount: null, dryRun: false };
  const repeated = { ...bulk, requestId: 'the first', isRepeat: true };
  const { evaluationIds, matched } = await world.evaluations.createMany(CALLER, repeated);
  expect([matched, evaluationIds.length, evaluationIds.includes(id)]).toEqual([2, 2, true]);
  expect((await world.store.find('evaluations', list)).items).toHaveLength(2);
});

it('a share of the runs is judged, the same ones whenever it is asked', async () => {
  await prepare({ sample: 0.5 });
  const world = await open();
  const runIds: string[] = [];
  for (let n = 0; n < (LONG ? 400 : 40); n += 1) runIds.push(await start(world));
  for (const runId of runIds) await world.engine.waitForEnd(WORKSPACE, runId, 10_000);
  const last = await start(world);
  await world.engine.waitForEnd(WORKSPACE, last, 10_000);
  const judged = async () => (await world.store.find('evaluations', list)).items.length;
  await vi.waitFor(async () => expect(await judged()).toBeGreaterThan(runIds.length / 4), PATIENCE);
  expect(await judged()).toBeLessThan((runIds.length * 3) / 4);
});
