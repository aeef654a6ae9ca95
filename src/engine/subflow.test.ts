import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { edge, node, versionOf, workflowOf } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem, memoryBlobs } from '../../test/support/system.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { PersonRequest } from '../domain/person-request.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { delay } from '../nodes/builtin/delay.ts';
import { humanInTheLoop } from '../nodes/builtin/human-in-the-loop.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { merge } from '../nodes/builtin/merge.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { BUILTIN_NODE_TYPES, createCatalogue } from '../nodes/catalogue.ts';
import { type EffectNodeType, failed, type NodeInput, type Outcome, succeeded } from '../nodes/node-type.ts';
import { invokeSubflow } from '../nodes/subflow/invoke-subflow.ts';
import { loop } from '../nodes/subflow/loop.ts';
import { map } from '../nodes/subflow/map.ts';
import { many, one } from '../nodes/value-types.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { Engine, type NewRun } from './engine.ts';
import { LiveContent } from './live-content.ts';
import { Payloads } from './payloads.ts';
import { StoreDispatcher } from './store-dispatcher.ts';
import { MAX_DEPTH } from './subflow.ts';

const WORKSPACE = 'workspace';

/** What the effect of a test does with the text it gets. */
let behave: (value: JsonValue, input: NodeInput) => Promise<Outcome> | Outcome;
/** Texts that the effect was run with. */
let worked: JsonValue[];

const effect: EffectNodeType = {
  type: 'TestEffect',
  title: 'Effect',
  description: '',
  category: 'test',
  effect: true,
  timeoutMs: 600_000,
  retry: { retries: 0, delayMs: 1000, factor: 2, maxDelayMs: 60_000 },
  inputs: [{ name: 'value', label: 'Value', kind: 'connector', type: one('Any') }],
  outputs: [{ name: 'output', label: 'Output', kind: 'connector', type: one('Any') }],
  config: {},
  async run(input, { signal }) {
    const value = input.values['value'] ?? null;
    worked.push(value);
    const aborted = new Promise<Outcome>((resolve) => {
      const end = () => resolve(failed({ code: 'internal', message: 'It was aborted.' }));
      signal.addEventListener('abort', end, { once: true });
    });
    return Promise.race([behave(value, input), aborted]);
  },
};

let errors: string[];
let folder: string;
let system: HeldSystem;
let store: Store;
let engine: Engine;
let worker: StoreDispatcher;
let blobs: ReturnType<typeof memoryBlobs>;

function open(): void {
  const log = pino({ level: 'error' }, { write: (text: string) => errors.push(text) });
  store = openSqliteStore(folder);
  const catalogue = createCatalogue([...BUILTIN_NODE_TYPES, effect]);
  engine = new Engine({ store, catalogue, system, payloads: new Payloads(blobs, system), log });
  worker = new StoreDispatcher({
    engine,
    store,
    system,
    log,
    concurrency: 16,
    // No node of these tests touches the world.
    tools: {
      filesOf: () => ({}),
      code: {},
      content: new LiveContent(),
      modelsOf: async () => ({}),
      redactorOf: async () => null,
    } as never,
  });
}

async function restart(): Promise<void> {
  await worker.stop(0);
  await store.close();
  open();
}

beforeEach(() => {
  behave = (value) => succeeded({ output: value });
  worked = [];
  errors = [];
  folder = mkdtempSync(join(tmpdir(), 'millrun-subflow-'));
  system = heldSystem();
  blobs = memoryBlobs();
  open();
});

afterEach(async () => {
  await worker.stop(0);
  await store.close();
  rmSync(folder, { recursive: true });
  expect(errors).toEqual([]);
});

async function pass(ms: number): Promise<void> {
  system.pass(ms);
  await store.commit([]);
}

/** Saves a workflow, or a new definition of one. @returns its id */
async function save(definition: Definition, id?: string): Promise<string> {
  const workflowId = id ?? system.newId();
  const version = versionOf(definition, { workspaceId: WORKSPACE, workflowId }, system);
  const before = id === undefined ? null : await store.getWorkflow(WORKSPACE, id);
  const workflow = before ?? { ...workflowOf(WORKSPACE, version.id, system), id: workflowId, name: 'Sub' };
  await store.commit([
    { kind: 'createVersion', version },
    before === null
      ? { kind: 'createWorkflow', workflow }
      : {
          kind: 'saveWorkflow',
          workflow: { ...workflow, currentVersionId: version.id, revision: workflow.revision + 1 },
        },
  ]);
  return workflowId;
}

async function start(definition: Definition, input: JsonObject = {}, set: Partial<NewRun> = {}): Promise<Run> {
  const version = versionOf(definition, { workspaceId: WORKSPACE, workflowId: system.newId() }, system);
  await store.commit([{ kind: 'createVersion', version }]);
  return engine.enqueue({
    version,
    versionPinned: false,
    input,
    nodeIds: null,
    singleNodeId: null,
    source: 'test',
    meta: null,
    kind: 'flow',
    context: null,
    clientRef: null,
    batchId: null,
    requestId: null,
    dialect: 'noxus',
    callbackUrl: null,
    apiKeyId: null,
    tracing: false,
    debugger: null,
    ...set,
  });
}

const read = async (run: Pick<Run, 'id'>): Promise<Run> => (await store.getRun(WORKSPACE, run.id))!;
const outputOf = (run: Run): JsonObject => JSON.parse(run.output ?? '{}') as JsonObject;
const ended = (run: Run, ms = 8000): Promise<Run> =>
  vi.waitFor(async () => {
    const now = await read(run);
    expect(isTerminal(now.status), `it is ${now.status}`).toBe(true);
    return now;
  }, ms);
const runToEnd = async (definition: Definition, input?: JsonObject): Promise<Run> =>
  ended(await start(definition, input));
const nodeRun = async (run: Run, nodeId: string) => (await store.getNodeRun(WORKSPACE, run.id, nodeId))!;
const invoked = async (run: Run, nodeId: string) =>
  (await store.listInvoked({ workspaceId: WORKSPACE, runId: run.id, nodeId }, { page: 1, size: 50_000 })).items;

const input = (id: string, isList = false) =>
  node(
    id,
    inputNode,
    { label: id, type: isList ? 'list' : 'str' },
    { types: { output: isList ? many('Any') : one('Any') } },
  );
const output = (id: string) => node(id, outputNode, { label: id });

/** In → TestEffect → Out. */
const sub: Definition = {
  nodes: [input('In'), node('work', effect), output('Out')],
  edges: [edge('In::output', 'work::value'), edge('work::output', 'Out::input')],
};

/** A workflow that gives its input to a subflow, and its output back. */
const calling = (subflow: string, config: JsonObject = {}, isList = false): Definition => ({
  nodes: [input('in', isList), node('call', invokeSubflow, { subflow_id: subflow, ...config }), output('out')],
  edges: [edge('in::output', 'call::inputs::In'), edge('call::outputs::Out', 'out::input')],
});

const mapping = (subflow: string, config: JsonObject = {}): Definition => ({
  nodes: [input('in', true), node('each', map, { subflow_id: subflow, ...config }), output('out'), output('errors')],
  edges: [
    edge('in::output', 'each::items'),
    edge('each::results', 'out::input'),
    edge('each::errors', 'errors::input', { optional: true }),
  ],
});

describe('a subflow', () => {
  it('runs with the inputs it is given, as a run below the one that invokes it, and gives its outputs back', async () => {
    const run = await runToEnd(calling(await save(sub)), { in: 'hello' });
    expect([run.status, outputOf(run), run.failure]).toEqual(['succeeded', { out: 'hello' }, null]);
    const [child] = await invoked(run, 'call');
    expect(child).toMatchObject({ status: 'succeeded', source: 'subflow' });
    expect(child?.parent).toMatchObject({ runId: run.id, rootId: run.id, nodeId: 'call', depth: 1, attempt: 1 });
    expect((await store.listRuns({ workspaceId: WORKSPACE }, { page: 1, size: 9 }, { output: true })).total).toBe(1);
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('runs once per item of a list, in the order of the items', async () => {
    const run = await runToEnd(calling(await save(sub), { concurrency: 2 }, true), { in: ['a', 'b', 'c', 'd', 'e'] });
    expect(outputOf(run)).toEqual({ out: ['a', 'b', 'c', 'd', 'e'] });
    expect(await nodeRun(run, 'call')).toMatchObject({ currentIteration: 5, totalIterations: 5, iterates: true });
    expect((await invoked(run, 'call')).map(({ parent }) => parent?.iteration)).toEqual([1, 2, 3, 4, 5]);
  });

  it('runs for no item of an empty list, which flows on', async () => {
    const run = await runToEnd(calling(await save(sub), {}, true), { in: [] });
    expect([run.status, outputOf(run)]).toEqual(['succeeded', { out: [] }]);
  });

  it('never runs for more items at once than the node allows', async () => {
    const gate = Promise.withResolvers<void>();
    behave = async (value) => {
      await gate.promise;
      return succeeded({ output: value });
    };
    const run = await start(calling(await save(sub), { concurrency: 3 }, true), { in: [...'abcdefgh'] });
    await vi.waitFor(() => expect(worked).toHaveLength(3));
    expect(await invoked(run, 'call')).toHaveLength(3);
    gate.resolve();
    expect(outputOf(await ended(run))).toEqual({ out: [...'abcdefgh'] });
  });

  it('that fails fails its node with the reason, which an error branch takes', async () => {
    behave = () => failed({ code: 'provider', message: 'The lamp is broken.' });
    const subflow = await save(sub);
    const run = await runToEnd(calling(subflow), { in: 'x' });
    expect(run.failure).toMatchObject({ code: 'subflow_failed', nodeId: 'call' });
    expect(run.failure?.message).toContain('"Sub" failed: The lamp is broken.');
    const { nodes, edges } = calling(subflow);
    const routed = await runToEnd(
      { nodes: [...nodes, output('why')], edges: [...edges, edge('call::on_error', 'why::input')] },
      { in: 'x' },
    );
    expect(routed.status).toBe('succeeded');
    expect(String(outputOf(routed)['why'])).toContain('The lamp is broken.');
  });

  it('that fails has null for its outputs where the run goes on without it, also item by item', async () => {
    behave = (value) =>
      value === 'b' ? failed({ code: 'provider', message: 'Not b.' }) : succeeded({ output: value });
    const subflow = await save(sub);
    const one = await runToEnd(calling(subflow, { continue_on_error: true }), { in: 'b' });
    expect([one.status, outputOf(one)]).toEqual(['succeeded', { out: null }]);
    const each = await runToEnd(calling(subflow, { continue_on_error: true }, true), { in: ['a', 'b', 'c'] });
    expect([each.status, outputOf(each)]).toEqual(['succeeded', { out: ['a', null, 'c'] }]);
  });

  it('is tried again as a run of its own', async () => {
    behave = (value) =>
      worked.length < 3 ? failed({ code: 'provider', message: 'Not yet.' }) : succeeded({ output: value });
    const run = await start(calling(await save(sub), { max_retries: 2, retry_delay: 60 }), { in: 'x' });
    for (const tries of [1, 2, 3]) {
      await vi.waitFor(async () => expect(worked).toHaveLength(tries));
      await vi.waitFor(async () => expect((await nodeRun(run, 'call')).attempts).toBe(tries));
      await restart();
      await pass(600_000);
    }
    expect(outputOf(await ended(run))).toEqual({ out: 'x' });
    const tries = await invoked(run, 'call');
    expect(tries.map(({ status, parent }) => [status, parent?.attempt])).toEqual([
      ['failed', 1],
      ['failed', 2],
      ['succeeded', 3],
    ]);
  });

  it('that does not end in the time of its node fails with it', async () => {
    behave = () => new Promise(() => undefined);
    const run = await start(calling(await save(sub), { node_timeout: 5 }), { in: 'x' });
    await vi.waitFor(() => expect(worked).toHaveLength(1));
    await pass(5000);
    expect((await ended(run)).failure).toMatchObject({ code: 'timeout', nodeId: 'call' });
    expect((await invoked(run, 'call'))[0]).toMatchObject({ status: 'failed' });
    await vi.waitFor(async () => expect((await store.stats()).queuedTasks).toBe(0));
  });

  it('that does not end in its time fails although no place of the worker is free', async () => {
    behave = () => new Promise(() => undefined);
    const items = Array.from({ length: 16 }, (_, index) => index);
    const run = await start(calling(await save(sub), { node_timeout: 1, concurrency: 16 }, true), { in: items });
    await vi.waitFor(() => expect(worker.busy).toBe(16));
    expect((await ended(run, 4000)).failure).toMatchObject({ code: 'timeout', nodeId: 'call' });
    await vi.waitFor(async () => expect([worker.busy, (await store.stats()).queuedTasks]).toEqual([0, 0]));
  });

  it('whose inputs do not fit fails its node and says which', async () => {
    const subflow = await save(sub);
    const run = await runToEnd(
      {
        nodes: [input('in'), node('call', invokeSubflow, { subflow_id: subflow }), output('out')],
        edges: [edge('in::output', 'call::inputs::Wrong'), edge('call::outputs::Out', 'out::input')],
      },
      { in: 'x' },
    );
    expect(run.failure).toMatchObject({ code: 'invalid_input', nodeId: 'call' });
    expect(run.failure?.message).toContain('"Wrong" is neither the label nor the id of an input');
    expect(await invoked(run, 'call')).toEqual([]);
  });

  it('that is not there, or cannot run, refuses the run', async () => {
    await expect(start(calling('nothing'), { in: 'x' })).rejects.toThrow(/nothing/);
  });

  it('runs as it was when the root was started, however it is changed meanwhile', async () => {
    const inner = await save(sub);
    const gate = Promise.withResolvers<void>();
    behave = async (value) => {
      if (value === 'first') await gate.promise;
      return succeeded({ output: value });
    };
    const run = await start(calling(inner, { concurrency: 1 }, true), { in: ['first', 'second'] });
    await vi.waitFor(() => expect(worked).toHaveLength(1));
    await save(
      { ...sub, nodes: [input('In'), node('work', composeText, { template: 'changed' }), output('Out')], edges: [] },
      inner,
    );
    await restart();
    gate.resolve();
    expect(outputOf(await ended(run))).toEqual({ out: ['first', 'second'] });
    const versions = new Set((await invoked(run, 'call')).map(({ workflowVersionId }) => workflowVersionId));
    expect([...versions]).toEqual([run.subflows?.[inner]]);
  });

  it('is stopped with the run that invokes it, also below others', async () => {
    behave = () => new Promise(() => undefined);
    const inner = await save(sub);
    const middle = await save({
      nodes: [input('In'), node('call', invokeSubflow, { subflow_id: inner }), output('Out')],
      edges: [edge('In::output', 'call::inputs::In'), edge('call::outputs::Out', 'Out::input')],
    });
    const run = await start(calling(middle, {}, true), { in: ['a', 'b'] });
    await vi.waitFor(() => expect(worked).toHaveLength(2));
    await engine.cancel(WORKSPACE, run.id);
    const below = await store.listRunsBelow(WORKSPACE, run.id);
    expect(below).toHaveLength(4);
    await vi.waitFor(async () => {
      for (const id of below) expect((await read({ id })).status).toBe('canceled');
    });
    await vi.waitFor(async () => expect((await store.stats()).queuedTasks).toBe(0));
  });

  it('is stopped with the run that invokes it although no place of the worker is free', async () => {
    behave = () => new Promise(() => undefined);
    const run = await start(calling(await save(sub), { concurrency: 40 }, true), {
      in: Array.from({ length: 40 }, (_, index) => index),
    });
    await vi.waitFor(() => expect(worker.busy).toBe(16));
    await engine.cancel(WORKSPACE, run.id);
    await vi.waitFor(async () => {
      for (const { status } of await invoked(run, 'call')) expect(status).toBe('canceled');
      expect([worker.busy, (await store.stats()).queuedTasks]).toEqual([0, 0]);
    }, 4000);
  });

  it('gives its place of the worker back when it is deleted before it is stopped', async () => {
    behave = () => new Promise(() => undefined);
    const run = await start(calling(await save(sub), { concurrency: 40 }, true), {
      in: Array.from({ length: 40 }, (_, index) => index),
    });
    await vi.waitFor(() => expect(worker.busy).toBe(16));
    const below = await store.listRunsBelow(WORKSPACE, run.id);
    await engine.cancel(WORKSPACE, run.id);
    expect(await store.commit([{ kind: 'deleteRun', workspaceId: WORKSPACE, runId: run.id }])).toBe('kept');
    engine.letGo(below);
    await vi.waitFor(async () => expect([worker.busy, (await store.stats()).queuedTasks]).toEqual([0, 0]), 4000);
  });

  it('ends with the run that invokes it when another node fails that run', async () => {
    behave = (value) => (value === 'bad' ? failed({ code: 'provider', message: 'No.' }) : new Promise(() => undefined));
    const run = await start(calling(await save(sub), {}, true), { in: ['good', 'bad'] });
    expect((await ended(run)).status).toBe('failed');
    await vi.waitFor(async () => {
      expect((await invoked(run, 'call')).map(({ status }) => status)).toEqual(['canceled', 'failed']);
    });
  });

  it('that somebody stops by itself fails its node', async () => {
    behave = () => new Promise(() => undefined);
    const run = await start(calling(await save(sub)), { in: 'x' });
    await vi.waitFor(() => expect(worked).toHaveLength(1));
    const [child] = await invoked(run, 'call');
    await engine.cancel(WORKSPACE, child!.id);
    expect((await ended(run)).failure).toMatchObject({ code: 'subflow_stopped' });
  });

  it('goes on after a restart at any moment, and nothing is done twice', async () => {
    const inner = await save(sub);
    const gates = new Map([...'abcdef'].map((name) => [name, Promise.withResolvers<void>()]));
    const done: JsonValue[] = [];
    behave = async (value) => {
      await gates.get(String(value))?.promise;
      done.push(value);
      return succeeded({ output: value });
    };
    const run = await start(calling(inner, { concurrency: 2 }, true), { in: [...'abcdef'] });
    for (const [name, gate] of gates) {
      await vi.waitFor(() => expect(worked).toContain(name));
      await restart();
      gate.resolve();
    }
    expect(outputOf(await ended(run))).toEqual({ out: [...'abcdef'] });
    expect(await invoked(run, 'call')).toHaveLength(6);
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('charges what it used to the node that invoked it', async () => {
    behave = (value) => succeeded({ output: value }, { usage: { inputTokens: 3, outputTokens: 4, cost: '0.5' } });
    const run = await runToEnd(calling(await save(sub), {}, true), { in: ['a', 'b'] });
    expect(run.cost).toBe('1');
    expect((await nodeRun(run, 'call')).usage).toEqual({ inputTokens: 6, outputTokens: 8, cost: '1' });
  });

  it('that invokes itself in a circle ends at the depth that is allowed', async () => {
    const id = await save(sub);
    await save(
      {
        nodes: [input('In'), node('call', invokeSubflow, { subflow_id: id }), output('Out')],
        edges: [edge('In::output', 'call::inputs::In'), edge('call::outputs::Out', 'Out::input')],
      },
      id,
    );
    const run = await runToEnd(calling(id), { in: 'x' });
    expect(run.status).toBe('failed');
    expect(run.failure?.message).toContain(`${MAX_DEPTH} are allowed`);
    expect(await store.listRunsBelow(WORKSPACE, run.id)).toHaveLength(MAX_DEPTH);
  });

  it('waits for a person with the run above it, which goes on when it is answered', async () => {
    const asking = await save({
      nodes: [input('In'), node('ask', humanInTheLoop, { title: 'Is ((In)) right?', fields: [] }), output('Out')],
      edges: [edge('In::output', 'ask::variables::In'), edge('ask::answered_by', 'Out::input')],
    });
    const run = await start(calling(asking, { concurrency: 1 }, true), { in: ['a', 'b'] });
    await vi.waitFor(async () => expect((await read(run)).status).toBe('waiting'));
    const requests = async (): Promise<PersonRequest[]> => {
      const page = { workspaceId: WORKSPACE, filter: null, sort: [], limit: 10, from: null, backward: false };
      return [...(await store.find('personRequests', page)).items].filter(({ status }) => status === 'pending');
    };
    expect((await requests()).map(({ title }) => title).sort()).toEqual(['Is a right?', 'Is b right?']);
    await restart();
    for (const request of await requests()) {
      const settlement = { status: 'answered', answer: {}, settledBy: 'Ada', keyId: null } as const;
      expect(await engine.settleRequest(request, settlement, null)).toBe('kept');
    }
    expect((await ended(run)).status).toBe('succeeded');
  });
});

describe('a map', () => {
  it('runs a workflow for each item and gathers the results in their order', async () => {
    behave = (value) => succeeded({ output: `${String(value)}!` });
    const run = await runToEnd(mapping(await save(sub)), { in: ['a', 'b', 'c'] });
    expect([run.status, run.failure]).toEqual(['succeeded', null]);
    expect(outputOf(run)).toEqual({ out: ['a!', 'b!', 'c!'] });
  });

  it('lets items fail where it is told to, leaves null or nothing in their place, and says which', async () => {
    behave = (value) =>
      value === 'b' ? failed({ code: 'provider', message: 'Not b.' }) : succeeded({ output: value });
    const subflow = await save(sub);
    const kept = await runToEnd(mapping(subflow, { on_item_error: 'null' }), { in: ['a', 'b', 'c'] });
    expect([kept.status, outputOf(kept)['out']]).toEqual(['succeeded', ['a', null, 'c']]);
    expect(outputOf(kept)['errors']).toMatchObject([{ index: 1, code: 'subflow_failed' }]);
    expect(await nodeRun(kept, 'each')).toMatchObject({
      status: 'succeeded',
      warnings: [{ params: { iteration: 2 } }],
    });
    const dropped = await runToEnd(mapping(subflow, { on_item_error: 'drop' }), { in: ['a', 'b', 'c'] });
    expect(outputOf(dropped)['out']).toEqual(['a', 'c']);
    const strict = await runToEnd(mapping(subflow), { in: ['a', 'b', 'c'] });
    expect(strict.status).toBe('failed');
  });

  it('gives objects by their properties, a named input the item, and its place on request', async () => {
    const pair = await save({
      nodes: [input('A'), input('B'), node('text', composeText, { template: '((a))+((b))' }), output('Out')],
      edges: [
        edge('A::output', 'text::variables::a'),
        edge('B::output', 'text::variables::b'),
        edge('text::output', 'Out::input'),
      ],
    });
    const spread = await runToEnd(mapping(pair), { in: [{ A: '1', B: '2' }] });
    expect(spread.failure).toBeNull();
    expect(outputOf(spread)['out']).toEqual(['1+2']);
    const named = await runToEnd(mapping(pair, { item_input: 'A', index_input: 'B' }), { in: ['x', 'y'] });
    expect(outputOf(named)['out']).toEqual(['x+0', 'y+1']);
    const unclear = await runToEnd(mapping(pair), { in: ['x'] });
    expect(unclear.failure).toMatchObject({ code: 'invalid_config' });
    expect(unclear.failure?.message).toContain('could go to A, B');
  });

  it('of something that is no list fails and says what came', async () => {
    const { nodes, edges } = mapping(await save(sub));
    const run = await runToEnd({ nodes: [input('in'), ...nodes.slice(1)], edges }, { in: 'text' });
    expect(run.failure?.message).toContain('"items" takes a list; given was "text"');
  });

  it('gives an empty list when all items are dropped, and no errors where there are none', async () => {
    behave = () => failed({ code: 'provider', message: 'No.' });
    const subflow = await save(sub);
    const dropped = await runToEnd(mapping(subflow, { on_item_error: 'drop' }), { in: ['a', 'b'] });
    expect([dropped.status, outputOf(dropped)]).toEqual([
      'succeeded',
      { out: [], errors: [expect.objectContaining({ index: 0 }), expect.objectContaining({ index: 1 })] },
    ]);
    const empty = await runToEnd(mapping(subflow, { on_item_error: 'drop' }), { in: [] });
    expect([empty.status, outputOf(empty)]).toEqual(['succeeded', { out: [] }]);
  });

  it('keeps no more warnings than anybody reads', async () => {
    behave = () => failed({ code: 'provider', message: 'No.' });
    const run = await runToEnd(mapping(await save(sub), { on_item_error: 'drop', concurrency: 50 }), {
      in: Array.from({ length: 150 }, (_, index) => String(index)),
    });
    expect(run.status).toBe('succeeded');
    expect((await nodeRun(run, 'each')).warnings).toHaveLength(100);
    expect((outputOf(run)['errors'] as JsonValue[]).length).toBe(150);
  });
});

describe('a loop', () => {
  /** Adds an "x" to its text in each round. */
  const grow: Definition = {
    nodes: [
      node('i', inputNode, { label: 'Text' }, { types: { output: one('Any') } }),
      node('more', composeText, { template: '((t))x' }),
      node('o', outputNode, { label: 'Text' }),
    ],
    edges: [edge('i::output', 'more::variables::t'), edge('more::output', 'o::input')],
  };
  const looping = (subflow: string, config: JsonObject): Definition => ({
    nodes: [input('in'), node('loop', loop, { subflow_id: subflow, ...config }), output('out'), output('rounds')],
    edges: [
      edge('in::output', 'loop::inputs::Text'),
      edge('loop::outputs::Text', 'out::input'),
      edge('loop::rounds', 'rounds::input'),
    ],
  });
  const shorter = (length: number): JsonObject => ({
    conditions: { not: { left: '((Text))', operator: 'matches', right: `.{${length},}` } },
  });

  it('goes on while its condition holds, each round with what the one before gave', async () => {
    const run = await runToEnd(looping(await save(grow), shorter(5)), { in: 'a' });
    expect([run.status, run.failure]).toEqual(['succeeded', null]);
    expect(outputOf(run)).toEqual({ out: 'axxxx', rounds: 4 });
    expect((await invoked(run, 'loop')).map(({ parent }) => parent?.ordinal)).toEqual([1, 2, 3, 4]);
    expect(await nodeRun(run, 'loop')).toMatchObject({ currentIteration: 4, totalIterations: 4 });
  });

  it('makes no round when its condition does not hold, unless it is told to make one first', async () => {
    const subflow = await save(grow);
    const none = await runToEnd(looping(subflow, shorter(1)), { in: 'a' });
    expect(outputOf(none)).toEqual({ out: 'a', rounds: 0 });
    const first = await runToEnd(looping(subflow, { ...shorter(1), check_first: false }), { in: 'a' });
    expect(outputOf(first)).toEqual({ out: 'ax', rounds: 1 });
  });

  it('ends at the rounds that it may make, with a warning or as a failure', async () => {
    const subflow = await save(grow);
    const warned = await runToEnd(looping(subflow, { ...shorter(99), max_iterations: 3 }), { in: 'a' });
    expect(outputOf(warned)).toEqual({ out: 'axxx', rounds: 3 });
    expect((await nodeRun(warned, 'loop')).warnings).toMatchObject([{ params: { rounds: 3 } }]);
    const strict = await runToEnd(looping(subflow, { ...shorter(99), max_iterations: 3, on_limit: 'fail' }), {
      in: 'a',
    });
    expect(strict.failure).toMatchObject({ code: 'loop_limit', nodeId: 'loop' });
  });

  it('goes on in the middle after a restart', async () => {
    const slow: Definition = {
      ...grow,
      nodes: [...grow.nodes, node('wait', delay, { seconds: 60 })],
      edges: [
        edge('i::output', 'more::variables::t'),
        edge('more::output', 'wait::value'),
        edge('wait::output', 'o::input'),
      ],
    };
    const run = await start(looping(await save(slow), shorter(4)), { in: 'a' });
    for (const round of [1, 2, 3]) {
      await vi.waitFor(async () => expect(await invoked(run, 'loop')).toHaveLength(round));
      await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBeGreaterThan(system.now()));
      await restart();
      await pass(60_000);
    }
    expect(outputOf(await ended(run))).toEqual({ out: 'axxx', rounds: 3 });
  });
});

it('a list of lists is mapped by the outer one and gathered whole', async () => {
  const joined = await save({
    nodes: [
      node('i', inputNode, { label: 'In', type: 'list' }, { types: { output: many('Any') } }),
      node('m', merge, { mode: 'text', separator: '-' }, { types: { output: one('str') } }),
      output('Out'),
    ],
    edges: [edge('i::output', 'm::values::k'), edge('m::output', 'Out::input')],
  });
  const run = await runToEnd(mapping(joined), { in: [['a', 'b'], ['c']] });
  expect(run.failure).toBeNull();
  expect(outputOf(run)['out']).toEqual(['a-b', 'c']);
});
