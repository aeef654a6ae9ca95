import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { edge, node, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { heldSystem, memoryBlobs } from '../../test/support/system.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonObject } from '../domain/json.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import type { Workflow } from '../domain/workflow.ts';
import { Engine, type NewRun } from '../engine/engine.ts';
import { LiveContent } from '../engine/live-content.ts';
import { Payloads } from '../engine/payloads.ts';
import { StoreDispatcher } from '../engine/store-dispatcher.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { jsonParse } from '../nodes/builtin/json-parse.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { invokeSubflow } from '../nodes/subflow/invoke-subflow.ts';
import type { Change } from '../store/change.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { createGuardedHttp } from '../system/guarded-http.ts';
import { ErrorHandlers } from './error-handlers.ts';
import { Workflows } from './workflows.ts';

const WORKSPACE = 'workspace';
const system = heldSystem();
const blobs = memoryBlobs();
const silent = pino({ level: 'silent' });

/** Fails for every text that is no JSON. */
const PARSE: Definition = {
  nodes: [
    node('in', inputNode, { label: 'Text' }),
    node('parse', jsonParse),
    node('out', outputNode, { label: 'Value' }),
  ],
  edges: [
    edge('in::output', `parse::${jsonParse.inputs[0]!.name}`),
    edge(`parse::${jsonParse.outputs[0]!.name}`, 'out::input'),
  ],
};

/** Tells of a failure by some of its facts. */
const TELL: Definition = {
  nodes: [
    node('id', inputNode, { label: 'run_id' }),
    node('error', inputNode, { label: 'error' }),
    node('all', inputNode, { label: 'failed_run', type: 'dict' }),
    node('out', outputNode, { label: 'Id' }),
    node('why', outputNode, { label: 'Why' }),
    node('facts', outputNode, { label: 'Facts' }),
  ],
  edges: [edge('id::output', 'out::input'), edge('error::output', 'why::input'), edge('all::output', 'facts::input')],
};

/** Wants what no failure has. */
const DEMANDING: Definition = {
  nodes: [node('in', inputNode, { label: 'Channel' }), node('say', composeText, { template: '((C))' })],
  edges: [edge('in::output', 'say::variables::C')],
};

let folder: string;
/** Ends what a test left alive. */
let stops: (() => Promise<void>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-handlers-'));
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** One life of the platform over a folder. With `dieAfter`, the process dies once so many changes of it are on disk. */
async function live(dieAfter = Number.POSITIVE_INFINITY) {
  const real = openSqliteStore(folder);
  let changes = 0;
  const died = Promise.withResolvers<void>();
  const store: Store = new Proxy(real, {
    get(target, name) {
      if (name === 'commit') {
        return (change: Change) => {
          changes += 1;
          if (changes <= dieAfter) return real.commit(change);
          died.resolve();
          return Promise.reject(new Error('The process is dead.'));
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const catalogue = createCatalogue();
  const payloads = new Payloads(blobs, system);
  const http = createGuardedHttp({ allow: [] });
  const engine = new Engine({ store, catalogue, system, payloads, log: silent });
  const workflows = new Workflows({ store, catalogue, system });
  const handlers = new ErrorHandlers({ store, engine, workflows, payloads, system, log: silent });
  await handlers.start();
  const tools = {
    ...{ http, comfyui: [], gpuRates: {}, content: new LiveContent() },
    modelsOf: async () => ({ providers: [], prices: {}, presets: {}, defaultModels: [] }),
    credentialOf: async () => null,
    redactorOf: async () => null,
    code: { sandbox: { run: () => Promise.reject(new Error('There is no sandbox here.')) }, runner: null },
    filesOf: () => ({ read: async () => null, save: () => Promise.reject(new Error('There are no files here.')) }),
  };
  const worker = new StoreDispatcher({ engine, store, system, log: silent, concurrency: 4, tools });
  const stop = async () => {
    stops = stops.filter((one) => one !== stop);
    await worker.stop(0);
    await handlers.stop();
    await http.close();
    await real.close();
  };
  stops.push(stop);
  return { store, engine, died: died.promise, stop };
}

type Life = Awaited<ReturnType<typeof live>>;

async function save({ store }: Life, definition: Definition, set: Partial<Workflow> = {}): Promise<Workflow> {
  const id = set.id ?? system.newId();
  const version = versionOf(definition, { workspaceId: WORKSPACE, workflowId: id }, system);
  const workflow = { ...workflowOf(WORKSPACE, version.id, system), ...set, id };
  await store.commit([
    { kind: 'createVersion', version },
    { kind: 'createWorkflow', workflow },
  ]);
  return workflow;
}

async function begin(
  { store, engine }: Life,
  workflow: Workflow,
  input: JsonObject,
  set: Partial<NewRun> = {},
): Promise<Run> {
  const version = (await store.getVersion(WORKSPACE, workflow.currentVersionId))!;
  const run = await engine.enqueue({
    ...{ kind: 'flow', version, versionPinned: false, input, nodeIds: null, singleNodeId: null, source: 'test' },
    ...{
      meta: null,
      context: null,
      clientRef: null,
      batchId: null,
      requestId: null,
      dialect: 'noxus',
      callbackUrl: null,
    },
    ...{ apiKeyId: null, tracing: false, debugger: null },
    ...set,
  } as NewRun);
  return run;
}

/** Every run of a workflow once all of them have ended and the whole log was gone through. */
async function settled({ store }: Life, workflowId: string): Promise<Run[]> {
  return vi.waitFor(async () => {
    const all = await store.listRuns({ workspaceId: WORKSPACE }, { page: 1, size: 50 }, { output: true });
    if (!all.items.every((run) => isTerminal(run.status))) throw new Error('Some run goes on.');
    const { lastPosition } = await store.stats();
    const failures = (await store.readLog(0, 500)).filter((event) => event.data.status === 'failed');
    const position = await store.followerPosition('error_handlers');
    if (position < (failures.at(-1)?.position ?? 0)) throw new Error(`At ${position} of ${lastPosition}.`);
    return all.items.filter((run) => run.workflowId === workflowId);
  }, 4_000);
}

it('a failed run starts its workflow’s error handler with what is known of it, and each names the other', async () => {
  const life = await live();
  const handler = await save(life, TELL, { type: 'handler' });
  const flow = await save(life, PARSE, { name: 'Parser', errorHandlerId: handler.id });
  const run = await begin(life, flow, { Text: 'no JSON' });
  await begin(life, flow, { Text: '[1]' });
  const [told, ...others] = await settled(life, handler.id);
  expect(others).toEqual([]);
  expect(told).toMatchObject({ status: 'succeeded', source: 'error_handler', context: { failed_run_id: run.id } });
  const failed = (await life.store.getRun(WORKSPACE, run.id))!;
  expect(failed).toMatchObject({ status: 'failed', context: { error_handler_run_id: told!.id } });
  const { Id, Why, Facts } = JSON.parse(told!.output!);
  expect(Id).toBe(run.id);
  expect(JSON.parse(Why)).toEqual(Facts.error);
  expect(Facts).toEqual({
    run_id: run.id,
    workflow_id: flow.id,
    workflow_name: 'Parser',
    status: 'failed',
    error: { code: failed.failure!.code, message: failed.failure!.message, node_id: 'parse' },
    input: { Text: 'no JSON' },
    output: {},
    started_at: new Date(failed.startedAt!).toISOString(),
    finished_at: new Date(failed.finishedAt!).toISOString(),
    attempts: 1,
  });
  await life.stop();
});

it('a handler that fails starts no other, nor does a node that was tried alone', async () => {
  const life = await live();
  const id = system.newId();
  const handler = await save(
    life,
    { ...PARSE, nodes: [node('in', inputNode, { label: 'run_id' }), ...PARSE.nodes.slice(1)] },
    {
      ...{ id, errorHandlerId: id },
    },
  );
  const flow = await save(life, PARSE, { errorHandlerId: handler.id });
  await begin(life, flow, { Text: 'no JSON' });
  await begin(life, flow, { text: 'no JSON' }, { singleNodeId: 'parse' });
  const [failed, ...others] = await settled(life, handler.id);
  expect(others).toEqual([]);
  expect(failed).toMatchObject({ status: 'failed', source: 'error_handler' });
  // Nor does one that is repeated by hand.
  await begin(life, handler, { run_id: 'again' }, { source: 'retry', context: failed!.context });
  expect(await settled(life, handler.id)).toHaveLength(2);
  await life.stop();
});

it('a handler that cannot be started is named in the log of the failed run, and keeps no other from being started', async () => {
  const life = await live();
  const demanding = await save(life, DEMANDING, { type: 'handler' });
  const handler = await save(life, TELL, { type: 'handler' });
  const runs = [];
  for (const errorHandlerId of [demanding.id, 'gone', handler.id]) {
    runs.push(await begin(life, await save(life, PARSE, { errorHandlerId }), { Text: 'no JSON' }));
  }
  expect(await settled(life, handler.id)).toHaveLength(1);
  const logs = await Promise.all(runs.map(({ id }) => life.store.listRunLogs(WORKSPACE, id, 10)));
  expect(logs[0]).toMatchObject([{ level: 'error', message: expect.stringContaining('The input "Channel"') }]);
  expect(logs[1]).toMatchObject([{ level: 'error', message: expect.stringContaining('No workflow with id gone') }]);
  expect(logs[2]).toEqual([]);
  await life.stop();
});

it('a handler whose subflow is gone is named in the log as well, and keeps no other from being started', async () => {
  const life = await live();
  const broken = await save(
    life,
    { nodes: [node('call', invokeSubflow, { subflow_id: 'nowhere' })], edges: [] },
    { type: 'handler' },
  );
  const handler = await save(life, TELL, { type: 'handler' });
  const run = await begin(life, await save(life, PARSE, { errorHandlerId: broken.id }), { Text: 'no JSON' });
  await begin(life, await save(life, PARSE, { errorHandlerId: handler.id }), { Text: 'no JSON' });
  expect(await settled(life, handler.id)).toHaveLength(1);
  expect(await life.store.listRunLogs(WORKSPACE, run.id, 10)).toMatchObject([
    { level: 'error', message: expect.stringContaining('The workflow nowhere') },
  ]);
  await life.stop();
});

it('there is one handler’s run for each failed run, whenever the process dies', async () => {
  for (let dieAfter = 4; dieAfter < 14; dieAfter += 1) {
    rmSync(folder, { recursive: true, force: true });
    let life = await live(dieAfter);
    const handler = await save(life, TELL, { type: 'handler' });
    const flow = await save(life, PARSE, { errorHandlerId: handler.id });
    const runs = await Promise.allSettled([begin(life, flow, { Text: 'no' }), begin(life, flow, { Text: 'neither' })]);
    const made = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value.id] : []));
    // Where nothing is left to be written, it is killed when all is done.
    await Promise.race([life.died, settled(life, handler.id).catch(() => undefined)]);
    await life.stop();
    life = await live();
    const told = await settled(life, handler.id);
    expect(told.map(({ context }) => context?.['failed_run_id']).toSorted()).toEqual(made.toSorted());
    await life.stop();
  }
});

it('a position that was lost starts no handler twice, and a handler that is set later is not for earlier failures', async () => {
  let life = await live();
  const handler = await save(life, TELL, { type: 'handler' });
  const flow = await save(life, PARSE, { errorHandlerId: handler.id });
  const late = await save(life, PARSE);
  await begin(life, flow, { Text: 'no JSON' });
  await begin(life, late, { Text: 'no JSON' });
  expect(await settled(life, handler.id)).toHaveLength(1);
  await life.stop();
  life = await live();
  await life.store.commit([{ kind: 'saveWorkflow', workflow: { ...late, errorHandlerId: handler.id, revision: 2 } }]);
  await life.stop();
  life = await live();
  expect(await settled(life, handler.id)).toHaveLength(1);
  const before = await life.store.followerPosition('error_handlers');
  await life.store.commit([{ kind: 'saveWorkflow', workflow: { ...late, revision: 3 } }]);
  await life.store.commit([{ kind: 'followed', follower: 'error_handlers', position: 0, before }]);
  await life.stop();
  life = await live();
  expect(await settled(life, handler.id)).toHaveLength(1);
  await life.stop();
});
