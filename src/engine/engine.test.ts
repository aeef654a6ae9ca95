import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { edge, node, versionOf } from '../../test/support/definitions.ts';
import { type HeldSystem, heldSystem, memoryBlobs } from '../../test/support/system.ts';
import type { Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { INLINE_PAYLOAD_LIMIT } from '../domain/payload.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import type { Run } from '../domain/run.ts';
import { textGeneration } from '../nodes/ai/text-generation.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { conditional } from '../nodes/builtin/conditional.ts';
import { delay } from '../nodes/builtin/delay.ts';
import { humanInTheLoop } from '../nodes/builtin/human-in-the-loop.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { listSlice } from '../nodes/builtin/list-slice.ts';
import { merge } from '../nodes/builtin/merge.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { switchNode } from '../nodes/builtin/switch.ts';
import { BUILTIN_NODE_TYPES, createCatalogue } from '../nodes/catalogue.ts';
import {
  type EffectNodeType,
  failed,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../nodes/node-type.ts';
import { many, one } from '../nodes/value-types.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { SealBroken } from '../system/sealing.ts';
import { Engine, type NewRun } from './engine.ts';
import { compile } from './graph.ts';
import { LiveContent } from './live-content.ts';
import { Payloads } from './payloads.ts';
import { Redactor } from './redactor.ts';
import { StoreDispatcher } from './store-dispatcher.ts';
import { takeover } from './takeover.ts';

const WORKSPACE = 'workspace';
const WORKFLOW = 'workflow';
/** Milliseconds of real time after which a run that should have ended has not. */
const PATIENCE_MS = 4000;

type Behaviour = (input: NodeInput, context: NodeContext) => Promise<Outcome> | Outcome;

/** What the effect nodes of a test do, by node id. Without an entry a node gives on the text it got. */
let behaviours: Record<string, Behaviour>;
/** Every pass that an effect node made: `node`, or `node=value` when it got one. */
let passes: string[];

/** An effect that does what the test says. */
const effect: EffectNodeType = {
  type: 'TestEffect',
  title: 'Effect',
  description: '',
  category: 'test',
  effect: true,
  timeoutMs: 10_000,
  retry: { retries: 2, delayMs: 1000, factor: 2, maxDelayMs: 60_000 },
  inputs: [
    { name: 'value', label: 'Value', kind: 'connector', type: one('str') },
    { name: 'other', label: 'Other', kind: 'connector', type: one('str'), optional: true },
  ],
  outputs: [
    { name: 'output', label: 'Output', kind: 'connector', type: one('str') },
    { name: 'second', label: 'Second', kind: 'connector', type: one('str') },
  ],
  config: {},
  async run(input, context) {
    const { value } = input.values;
    passes.push(value === undefined ? input.nodeId : `${input.nodeId}=${String(value)}`);
    return behaviours[input.nodeId]?.(input, context) ?? succeeded({ output: value ?? input.nodeId });
  },
};

/** A promise that the test settles. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

const broken = (message = 'It broke.', retryable = false): Outcome => failed({ code: 'provider', message }, retryable);

/** The platform's log: a line of level error fails the test that caused it. */
let errors: string[];
const errorLog = pino({ level: 'error' }, { write: (text: string) => errors.push(text) });
/** What takes secrets out of what nodes say. */
let redactor: Redactor | null;
/** Told of files that nodes keep. */
let keep: ((file: { readonly bytes: Uint8Array }) => unknown) | null;
let folder: string;
let system: HeldSystem;
let store: Store;
let engine: Engine;
let worker: StoreDispatcher;
let blobs: ReturnType<typeof memoryBlobs>;

function open(runsPerWorkspace: number | null = null): void {
  store = openSqliteStore(folder, { runsPerWorkspace });
  engine = new Engine({
    store,
    catalogue: createCatalogue([...BUILTIN_NODE_TYPES, effect]),
    system,
    payloads: new Payloads(blobs, system),
    log: errorLog,
  });
  worker = newWorker();
}

function newWorker(): StoreDispatcher {
  return new StoreDispatcher({
    engine,
    store,
    system,
    log: errorLog,
    concurrency: 16,
    tools: {
      http: {
        request: () => Promise.reject(new Error('There is no network here.')),
        fetch: () => Promise.reject(new Error('There is no network here.')),
        websocket: () => Promise.reject(new Error('There is no network here.')),
        refusal: () => null,
        close: async () => undefined,
      },
      modelsOf: async () => ({ providers: [], prices: {}, presets: {}, defaultModels: [] }),
      credentialOf: async () => null,
      redactorOf: async () => redactor,
      comfyui: [],
      gpuRates: {},
      content: new LiveContent(),
      code: { sandbox: { run: () => Promise.reject(new Error('There is no sandbox here.')) }, runner: null },
      filesOf: () => ({
        read: async () => null,
        save: (file) => {
          keep?.(file);
          return Promise.reject(new Error('There are no files here.'));
        },
      }),
    },
  });
}

async function close(): Promise<void> {
  await worker.stop(0);
  await store.close();
}

/** Closes everything and opens it anew on the same folder, as a restart does. */
async function restart(): Promise<void> {
  await close();
  open();
}

beforeEach(() => {
  behaviours = {};
  passes = [];
  errors = [];
  redactor = null;
  keep = null;
  folder = mkdtempSync(join(tmpdir(), 'millrun-engine-'));
  system = heldSystem();
  blobs = memoryBlobs();
  open();
});

afterEach(async () => {
  vi.useRealTimers();
  await close();
  rmSync(folder, { recursive: true });
  expect(errors).toEqual([]);
});

/** Moves time on and has the worker look at the queue. */
async function pass(ms: number): Promise<void> {
  system.pass(ms);
  await store.commit([]);
}

type Scope = Partial<Pick<NewRun, 'nodeIds' | 'singleNodeId' | 'callbackUrl'>>;

async function newRun(definition: Definition, input: JsonObject = {}, scope: Scope = {}): Promise<NewRun> {
  const version = versionOf(definition, { workspaceId: WORKSPACE, workflowId: WORKFLOW }, system);
  await store.commit([{ kind: 'createVersion', version }]);
  return {
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
    ...scope,
  };
}

async function start(definition: Definition, input?: JsonObject, scope?: Scope): Promise<Run> {
  return engine.enqueue(await newRun(definition, input, scope));
}

interface Ended {
  readonly run: Run;
  readonly output: JsonObject;
  /** Status by node id. */
  readonly statuses: Record<string, string>;
  readonly records: Record<string, NodeRun>;
}

async function end(run: Run): Promise<Ended> {
  await engine.waitForEnd(WORKSPACE, run.id, PATIENCE_MS);
  const stored = (await store.getRun(WORKSPACE, run.id))!;
  const nodeRuns = await store.listNodeRuns(WORKSPACE, run.id, { payloads: true });
  return {
    run: stored,
    output: (stored.output === null ? {} : JSON.parse(stored.output)) as JsonObject,
    statuses: Object.fromEntries(nodeRuns.map((record) => [record.nodeId, record.status])),
    records: Object.fromEntries(nodeRuns.map((record) => [record.nodeId, record])),
  };
}

const runToEnd = async (definition: Definition, input?: JsonObject, scope?: Scope): Promise<Ended> =>
  end(await start(definition, input, scope));

const graph = (nodes: readonly NodeDefinition[], edges: readonly EdgeDefinition[]): Definition => ({ nodes, edges });
const input = (id: string, isList = false) =>
  node(id, inputNode, { label: id }, { types: { output: isList ? many('str') : one('str') } });
const output = (id: string, label: string | null = id) => node(id, outputNode, label === null ? {} : { label });
const compose = (id: string, template: string, config: JsonObject = {}) =>
  node(id, composeText, { template, ...config });
const outputsOf = (record: NodeRun | undefined) => JSON.parse(record?.outputs ?? 'null') as JsonObject | null;

/** in → middle → out, for a middle node that takes `value` and gives `output`. */
const line = (middle: NodeDefinition, isList = false): Definition =>
  graph(
    [input('in', isList), middle, output('out')],
    [edge('in::output', `${middle.id}::value`), edge(`${middle.id}::output`, 'out::input')],
  );

describe('a run', () => {
  it('goes from its input over its nodes to its output', async () => {
    const { run, output: result, statuses } = await runToEnd(line(node('work', effect)), { in: 'hello' });
    expect(result).toEqual({ out: 'hello' });
    expect(run).toMatchObject({ status: 'succeeded', progress: 100, failure: null, startedAt: system.now() });
    expect(statuses).toEqual({ in: 'succeeded', work: 'succeeded', out: 'succeeded' });
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('without effects has ended when it is started for a caller that waits', async () => {
    const definition = graph(
      [input('in'), compose('text', 'Hello ((Who))'), output('out')],
      [edge('in::output', 'text::variables::Who'), edge('text::output', 'out::input')],
    );
    const run = await engine.startNow(await newRun(definition, { in: 'world' }));
    expect(run).toMatchObject({ status: 'succeeded', output: '{"out":"Hello world"}' });
    expect(await store.getRun(WORKSPACE, run.id)).toEqual(run);
    expect((await store.stats()).runsByStatus).toEqual({ succeeded: 1 });
  });

  it('with effects that is started for a caller that waits goes on in the worker', async () => {
    const run = await engine.startNow(await newRun(line(node('work', effect)), { in: 'x' }));
    expect(run.status).toBe('running');
    expect((await end(run)).output).toEqual({ out: 'x' });
  });

  it('without nodes succeeds with an empty output', async () => {
    expect((await runToEnd(graph([], []))).run).toMatchObject({ status: 'succeeded', output: '{}', progress: 100 });
  });

  it('writes its story into the log: created, advanced, finished, with the nodes that changed', async () => {
    const run = await start(line(node('work', effect)), { in: 'x' }, { callbackUrl: 'https://example.com' });
    await end(run);
    const events = await store.readRunEvents(WORKSPACE, run.id, 0);
    expect(events.map((event) => [event.kind, event.data.status, event.data.progress])).toEqual([
      ['created', 'queued', 0],
      ['advanced', 'running', 33],
      ['finished', 'succeeded', 100],
    ]);
    expect(events[1]?.data.nodes).toEqual([
      ['in', 'succeeded'],
      ['work', 'running'],
    ]);
    expect(events[2]?.data).toMatchObject({ callback: true });
  });

  it('runs independent effects at the same time', async () => {
    const [left, right] = [gate(), gate()];
    behaviours = {
      left: async () => {
        left.open();
        await right.opened;
        return succeeded({ output: 'l' });
      },
      right: async () => {
        right.open();
        await left.opened;
        return succeeded({ output: 'r' });
      },
    };
    const definition = graph(
      [node('left', effect), node('right', effect), output('a'), output('b')],
      [edge('left::output', 'a::input'), edge('right::output', 'b::input')],
    );
    expect((await runToEnd(definition)).output).toEqual({ a: 'l', b: 'r' });
  });

  it('keeps large values outside its rows, each once, and reads them back after a restart', async () => {
    const text = 'x'.repeat(INLINE_PAYLOAD_LIMIT + 1);
    const blocked = gate();
    behaviours = {
      second: async (given) => {
        await blocked.opened;
        return succeeded({ output: String(String(given.values['value']).length) });
      },
    };
    const definition = graph(
      [input('in'), node('first', effect), node('second', effect), output('out')],
      [
        edge('in::output', 'first::value'),
        edge('first::output', 'second::value'),
        edge('second::output', 'out::input'),
      ],
    );
    const run = await start(definition, { in: text });
    await vi.waitFor(() => expect(passes).toHaveLength(2));
    expect((await store.getRun(WORKSPACE, run.id))?.input).toMatch(/^@\d+:runs\//);
    const stopping = close();
    blocked.open();
    await stopping;
    open();
    const ended = await end(run);
    expect(ended.output).toEqual({ out: String(text.length) });
    // The run's input, and inputs and outputs of `in`, `first` and `second` (whose output is short).
    expect(blobs.ids()).toHaveLength(6);
    expect(passes.filter((each) => each.startsWith('first'))).toHaveLength(1);
  });
});

describe('a list', () => {
  it('that enters an input for one value makes the node run once per item, and gathers the outputs in order', async () => {
    const opened = { a: gate(), b: gate(), c: gate() };
    behaviours = {
      work: async (given) => {
        const value = given.values['value'] as 'a' | 'b' | 'c';
        await opened[value].opened;
        return succeeded({ output: value.toUpperCase() });
      },
    };
    const run = await start(line(node('work', effect), true), { in: ['a', 'b', 'c'] });
    await vi.waitFor(() => expect(passes).toHaveLength(3));
    for (const value of ['c', 'a'] as const) {
      opened[value].open();
      await vi.waitFor(async () => {
        const record = (await store.listNodeRuns(WORKSPACE, run.id, { payloads: true })).find(
          (each) => each.nodeId === 'work',
        );
        expect(record?.currentIteration).toBe(value === 'c' ? 1 : 2);
      });
    }
    opened.b.open();
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: ['A', 'B', 'C'] });
    expect(records['work']).toMatchObject({ iterates: true, currentIteration: 3, totalIterations: 3, attempts: 3 });
    expect(JSON.parse(records['work']?.inputs ?? '')).toEqual({ value: ['a', 'b', 'c'] });
    expect(await store.getIteration(WORKSPACE, run.id, 'work', 2)).toMatchObject({
      status: 'succeeded',
      inputs: '{"value":"b"}',
      outputs: '{"output":"B"}',
    });
  });

  it('of many items is worked on eight at a time', async () => {
    let atOnce = 0;
    let most = 0;
    behaviours = {
      work: async (given) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
        return succeeded({ output: given.values['value']! });
      },
    };
    const items = Array.from({ length: 50 }, (_, index) => String(index));
    expect((await runToEnd(line(node('work', effect), true), { in: items })).output).toEqual({ out: items });
    expect(most).toBe(8);
  });

  it('flows on through nodes that iterate in turn', async () => {
    const definition = graph(
      [input('in', true), compose('text', '<((X))>'), node('work', effect), output('out')],
      [
        edge('in::output', 'text::variables::X'),
        edge('text::output', 'work::value'),
        edge('work::output', 'out::input'),
      ],
    );
    expect((await runToEnd(definition, { in: ['a', 'b'] })).output).toEqual({ out: ['<a>', '<b>'] });
  });

  const pair = graph(
    [input('many', true), input('few', true), input('single'), compose('text', '((A))-((B))-((C))'), output('out')],
    [
      edge('many::output', 'text::variables::A'),
      edge('few::output', 'text::variables::B'),
      edge('single::output', 'text::variables::C'),
      edge('text::output', 'out::input'),
    ],
  );

  it('of one item is repeated to the length of the others, like a single value', async () => {
    const ended = await runToEnd(pair, { many: ['a', 'b', 'c'], few: ['f'], single: 's' });
    expect(ended.output).toEqual({ out: ['a-f-s', 'b-f-s', 'c-f-s'] });
    const alone = await runToEnd(pair, { many: ['a'], few: ['f'], single: 's' });
    expect(alone.output).toEqual({ out: ['a-f-s'] });
  });

  it('is taken item by item beside one of the same length', async () => {
    const { output: result } = await runToEnd(pair, { many: ['a', 'b'], few: ['f', 'g'], single: 's' });
    expect(result).toEqual({ out: ['a-f-s', 'b-g-s'] });
  });

  it('beside one of another length fails the node, and says which lengths they have', async () => {
    const { run, statuses } = await runToEnd(pair, { many: ['a', 'b', 'c'], few: ['f', 'g'], single: 's' });
    expect(run).toMatchObject({ status: 'failed', failure: { code: 'list_lengths_differ', nodeId: 'text' } });
    expect(run.failure?.message).toContain('variables::A: 3, variables::B: 2');
    expect(statuses).toMatchObject({ text: 'failed' });
    expect(statuses['out']).toBeUndefined();
  });

  it('that is empty flows on as an empty list, without a pass', async () => {
    const definition = graph(
      [input('in', true), node('work', effect), compose('text', '((X))'), output('out')],
      [
        edge('in::output', 'work::value'),
        edge('work::output', 'text::variables::X'),
        edge('text::output', 'out::input'),
      ],
    );
    const { run, output: result, records } = await runToEnd(definition, { in: [] });
    expect(run.status).toBe('succeeded');
    expect(result).toEqual({ out: [] });
    expect(passes).toEqual([]);
    expect(records['work']).toMatchObject({ status: 'succeeded', iterates: true, totalIterations: 0, attempts: 0 });
  });

  it('is gathered into one value by a node that gathers, and by an input for a list', async () => {
    const definition = graph(
      [
        input('in', true),
        compose('text', '<((X))>'),
        node('merged', merge, { mode: 'text', separator: '+' }, { types: { output: one('str') } }),
        node('slice', listSlice, { last: 1 }),
        output('all'),
        output('last'),
      ],
      [
        edge('in::output', 'text::variables::X'),
        edge('text::output', 'merged::values::k'),
        edge('text::output', 'slice::list'),
        edge('merged::output', 'all::input'),
        edge('slice::output', 'last::input'),
      ],
    );
    const { output: result, records } = await runToEnd(definition, { in: ['a', 'b', 'c'] });
    expect(result).toEqual({ all: '<a>+<b>+<c>', last: ['<c>'] });
    expect(records['merged']).toMatchObject({ iterates: false, totalIterations: 1 });
  });

  it('whose items take different branches is split between them', async () => {
    const definition = graph(
      [
        input('in', true),
        // The type says that a list is taken whole; here the author lets it run once per item.
        (({ inputs, ...rest }) => ({ ...rest, inputs: inputs.map((each) => ({ ...each, propagatesList: true })) }))(
          node('switch', switchNode, { cases: ['a', 'b'] }),
        ),
        output('A'),
        output('B'),
        output('rest'),
      ],
      [
        edge('in::output', 'switch::value'),
        edge('switch::a', 'A::input'),
        edge('switch::b', 'B::input'),
        edge('switch::default', 'rest::input'),
      ],
    );
    const ended = await runToEnd(definition, { in: ['a', 'b', 'a'] });
    expect(ended.output).toEqual({ A: ['a', 'a'], B: ['b'] });
    expect(ended.statuses['rest']).toBe('skipped');
  });
});

describe('several edges into one input', () => {
  const either = graph(
    [
      input('in'),
      node('choose', conditional, { conditions: { left: '((X))', operator: 'equals', right: 'yes' } }),
      compose('first', 'first'),
      compose('second', 'second'),
      output('out'),
    ],
    [
      edge('in::output', 'choose::variables::X'),
      edge('choose::true', 'first', { orderOnly: true }),
      edge('choose::false', 'second', { orderOnly: true }),
      edge('first::output', 'out::input'),
      edge('second::output', 'out::input'),
    ],
  );

  it('are alternatives: the one whose branch was taken delivers', async () => {
    const yes = await runToEnd(either, { in: 'yes' });
    expect(yes.output).toEqual({ out: 'first' });
    expect(yes.statuses).toMatchObject({ first: 'succeeded', second: 'skipped', out: 'succeeded' });
    const no = await runToEnd(either, { in: 'no' });
    expect(no.output).toEqual({ out: 'second' });
    expect(no.statuses).toMatchObject({ first: 'skipped', second: 'succeeded' });
  });

  it('that all deliver give the first one drawn, and a warning that says so, whichever came first in time', async () => {
    const blocked = gate();
    behaviours = {
      a: async () => {
        await blocked.opened;
        return succeeded({ output: 'from a' });
      },
      b: () => {
        blocked.open();
        return succeeded({ output: 'from b' });
      },
    };
    const definition = graph(
      [node('a', effect), node('b', effect), compose('text', '((X))'), output('out')],
      [
        edge('a::output', 'text::variables::X'),
        edge('b::output', 'text::variables::X'),
        edge('text::output', 'out::input'),
      ],
    );
    const { output: result, records } = await runToEnd(definition);
    expect(result).toEqual({ out: 'from a' });
    expect(records['text']?.warnings).toMatchObject([{ identifier: 'general' }]);
  });

  it('for a list deliver all of their values, lists among them joined', async () => {
    const definition = graph(
      [input('one'), input('some', true), node('slice', listSlice, { start: 0 }), output('out')],
      [edge('one::output', 'slice::list'), edge('some::output', 'slice::list'), edge('slice::output', 'out::input')],
    );
    expect((await runToEnd(definition, { one: 'x', some: ['y', 'z'] })).output).toEqual({ out: ['x', 'y', 'z'] });
  });
});

describe('a branch that is not taken', () => {
  const branch = (optional: boolean) =>
    graph(
      [
        input('in'),
        node('choose', conditional, { conditions: { left: '((X))', operator: 'equals', right: 'yes' } }),
        compose('deep', '((V))'),
        compose('deeper', '((V))'),
        compose('join', 'got ((A))', { optional }),
        output('out'),
      ],
      [
        edge('in::output', 'choose::variables::X'),
        edge('choose::true', 'deep::variables::V'),
        edge('deep::output', 'deeper::variables::V'),
        edge('in::output', 'join::variables::A'),
        edge('deeper::output', 'join::variables::B', { optional }),
        edge('join::output', 'out::input'),
      ],
    );

  it('skips what depends on it, all the way down, and the run succeeds', async () => {
    const definition = graph(
      [
        input('in'),
        node('choose', conditional, { conditions: { left: '((X))', operator: 'equals', right: 'yes' } }),
        node('work', effect),
        output('yes'),
        output('no'),
      ],
      [
        edge('in::output', 'choose::variables::X'),
        edge('in::output', 'choose::value'),
        edge('choose::true', 'work::value'),
        edge('work::output', 'yes::input'),
        edge('choose::false', 'no::input'),
      ],
    );
    const { run, output: result, statuses } = await runToEnd(definition, { in: 'maybe' });
    expect(run).toMatchObject({ status: 'succeeded', progress: 100 });
    expect(result).toEqual({ no: 'maybe' });
    expect(statuses).toMatchObject({ work: 'skipped', yes: 'skipped', no: 'succeeded' });
    expect(passes).toEqual([]);
  });

  it('leaves an optional input empty', async () => {
    const { output: result, statuses } = await runToEnd(branch(true), { in: 'no' });
    expect(result).toEqual({ out: 'got no' });
    expect(statuses).toMatchObject({ deep: 'skipped', deeper: 'skipped', join: 'succeeded' });
  });

  it('skips a node whose required input it feeds', async () => {
    behaviours = { choose: () => succeeded({ second: 'x' }) };
    const definition = graph(
      [node('choose', effect), node('work', effect), output('out')],
      [
        edge('choose::second', 'work::other'),
        edge('choose::output', 'work::value'),
        edge('work::output', 'out::input'),
      ],
    );
    expect((await runToEnd(definition)).statuses).toEqual({ choose: 'succeeded', work: 'skipped', out: 'skipped' });
  });

  it('skips a node with a connected key that it feeds, although the family of keys may be empty', async () => {
    behaviours = { choose: () => succeeded({ output: 'x' }) };
    const definition = graph(
      [node('choose', effect), compose('text', '((A)) and ((B))')],
      [edge('choose::output', 'text::variables::A'), edge('choose::second', 'text::variables::B')],
    );
    expect((await runToEnd(definition)).statuses).toEqual({ choose: 'succeeded', text: 'skipped' });
  });

  it('skips a node all of whose inputs are optional when none arrives', async () => {
    behaviours = { choose: () => succeeded({ output: 'x' }) };
    const definition = graph(
      [node('choose', effect), node('work', effect), compose('free', 'free')],
      [edge('choose::second', 'work::other'), edge('choose::second', 'free::variables::X')],
    );
    expect((await runToEnd(definition)).statuses).toEqual({ choose: 'succeeded', work: 'skipped', free: 'skipped' });
  });
});

describe('an edge that only orders execution', () => {
  it('makes a node wait, and carries no value', async () => {
    const blocked = gate();
    behaviours = {
      first: async () => {
        await blocked.opened;
        return succeeded({ output: 'done' });
      },
    };
    const definition = graph(
      [node('first', effect), node('then', effect, {}, { constants: { value: 'own' } })],
      [edge('first', 'then', { orderOnly: true })],
    );
    const run = await start(definition);
    await vi.waitFor(() => expect(passes).toEqual(['first']));
    blocked.open();
    const { records } = await end(run);
    expect(passes).toEqual(['first', 'then=own']);
    expect(records['then']?.inputs).toBe('{"value":"own"}');
  });

  it('follows the branch it names, and the node when it names no output', async () => {
    behaviours = { first: () => succeeded({ output: 'x' }) };
    const definition = graph(
      [node('first', effect), compose('taken', 't'), compose('not', 'n'), compose('handle', 'h')],
      [
        edge('first::output', 'taken', { orderOnly: true }),
        edge('first::second', 'not', { orderOnly: true }),
        edge('first::source-handle', 'handle', { orderOnly: true }),
      ],
    );
    expect((await runToEnd(definition)).statuses).toMatchObject({
      taken: 'succeeded',
      not: 'skipped',
      handle: 'succeeded',
    });
  });

  it('lets a configuration take values by token, whole or inside text', async () => {
    const definition = graph(
      [input('in', true), { ...compose('text', 'got :var[in.output] and :var[in.output]') }, output('out')],
      [edge('in::output', 'text::$config::in.output'), edge('text::output', 'out::input')],
    );
    expect((await runToEnd(definition, { in: ['a'] })).output).toEqual({ out: 'got ["a"] and ["a"]' });
  });
});

describe('a node that fails', () => {
  it('fails the run, cancels what still runs, and leaves what was not reached', async () => {
    const blocked = gate();
    let aborted = false;
    behaviours = {
      slow: async (_, context) => {
        context.signal.addEventListener('abort', () => {
          aborted = true;
          blocked.open();
        });
        await blocked.opened;
        return succeeded({ output: 'late' });
      },
      bad: () => broken('The model is gone.'),
    };
    const definition = graph(
      [node('slow', effect), node('bad', effect), output('out')],
      [edge('bad::output', 'out::input')],
    );
    const { run, statuses } = await runToEnd(definition);
    expect(run).toMatchObject({
      status: 'failed',
      failure: { code: 'provider', message: 'The model is gone.', nodeId: 'bad' },
      progress: 66,
    });
    expect(statuses).toEqual({ slow: 'canceled', bad: 'failed' });
    await vi.waitFor(() => expect(worker.busy).toBe(0));
    expect(aborted).toBe(true);
    expect(await store.getRun(WORKSPACE, run.id)).toEqual(run);
    const [log] = await store.listRunLogs(WORKSPACE, run.id, 10);
    expect(log).toMatchObject({ nodeId: 'bad', level: 'error', message: 'The model is gone.' });
  });

  it('leads its failure to its error branch, and the run succeeds', async () => {
    behaviours = { bad: () => broken('The model is gone.') };
    const definition = graph(
      [input('in'), node('bad', effect), compose('fallback', 'Sorry: ((Reason))'), output('out')],
      [
        edge('in::output', 'bad::value'),
        edge('bad::output', 'out::input', { optional: true }),
        edge('bad::on_error', 'fallback::variables::Reason'),
        edge('fallback::output', 'out::input', { optional: true }),
      ],
    );
    const failing = await runToEnd(definition, { in: 'x' });
    expect(failing.run).toMatchObject({ status: 'succeeded', failure: null });
    expect(failing.output).toEqual({ out: 'Sorry: The model is gone.' });
    expect(failing.statuses).toEqual({ in: 'succeeded', bad: 'failed', fallback: 'succeeded', out: 'succeeded' });
    behaviours = {};
    const going = await runToEnd(definition, { in: 'x' });
    expect(going.output).toEqual({ out: 'x' });
    expect(going.statuses['fallback']).toBe('skipped');
    const handlers = compile(definition, createCatalogue([...BUILTIN_NODE_TYPES, effect])).nodes;
    expect(handlers.filter((each) => each.handlesErrors).map((each) => each.id)).toEqual(['fallback']);
  });

  it('fails a run of a part that its error handler does not belong to', async () => {
    behaviours = { bad: () => broken('Gone.') };
    const definition = graph(
      [node('bad', effect), compose('fallback', '((Reason))'), output('out')],
      [edge('bad::on_error', 'fallback::variables::Reason'), edge('bad::output', 'out::input')],
    );
    expect((await runToEnd(definition)).run.status).toBe('succeeded');
    expect((await runToEnd(definition, {}, { nodeIds: ['bad'] })).run.status).toBe('failed');
    const alone = await runToEnd(definition, { value: 'x' }, { singleNodeId: 'bad' });
    expect(alone.run).toMatchObject({ status: 'failed', failure: { message: 'Gone.' } });
  });

  it('gives on nothing and lets the run go on when it is told to', async () => {
    behaviours = { bad: () => broken('Gone.') };
    const {
      run,
      output: result,
      records,
    } = await runToEnd(line(node('bad', effect, { continue_on_error: true })), {
      in: 'x',
    });
    expect(run.status).toBe('succeeded');
    expect(result).toEqual({ out: null });
    expect(records['bad']).toMatchObject({
      status: 'failed',
      failure: { message: 'Gone.' },
      warnings: [{ identifier: 'continue_on_error' }],
    });
  });

  it('on some items goes on with the others when it is told to, each at its place', async () => {
    const blocked = gate();
    behaviours = {
      work: async (given) => {
        const value = given.values['value']!;
        if (value === 'b') return broken();
        // The failure is not the last to come.
        await blocked.opened;
        return succeeded({ output: value });
      },
    };
    const unsubscribe = store.onLog(() => {
      if (passes.length === 3) blocked.open();
    });
    const { output: result, records } = await runToEnd(line(node('work', effect, { continue_on_error: true }), true), {
      in: ['a', 'b', 'c'],
    });
    unsubscribe();
    expect(result).toEqual({ out: ['a', null, 'c'] });
    expect(records['work']).toMatchObject({ status: 'failed', currentIteration: 3 });
  });

  it('on one item fails the run at once', async () => {
    behaviours = { work: (given) => (given.values['value'] === 'b' ? broken() : succeeded({ output: 'x' })) };
    const { run } = await runToEnd(line(node('work', effect), true), { in: ['a', 'b', 'c'] });
    expect(run).toMatchObject({ status: 'failed', failure: { nodeId: 'work' } });
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('by throwing is told apart from one that answers with a failure', async () => {
    behaviours = {
      work: () => {
        throw new Error('undefined is not a function');
      },
    };
    const { run } = await runToEnd(line(node('work', effect)), { in: 'x' });
    expect(run).toMatchObject({ status: 'failed', failure: { code: 'internal', nodeId: 'work' } });
  });

  it('as a pure node fails the run in the same way', async () => {
    const { run } = await runToEnd(line({ ...node('work', listSlice, { step: 0 }), inputs: [] }), { in: 'x' });
    expect(run).toMatchObject({ status: 'failed', failure: { nodeId: 'work' } });
  });
});

describe('steps inside a node', () => {
  it('leave the counts of the nodes alone when they are no progress of the run, also over a restart', async () => {
    const { opened, open: goOn } = gate();
    const step = {
      status: 'succeeded',
      startedAt: 1,
      finishedAt: 2,
      inputs: { a: 1 },
      outputs: {},
      failure: null,
    } as const;
    behaviours = {
      work: async (_, context) => {
        context.steps([{ id: '1', ...step }], null);
        await opened;
        return succeeded({ output: 'x' });
      },
    };
    const run = await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(
      async () => expect(await store.getNodeRun(WORKSPACE, run.id, 'work/1')).not.toBeNull(),
      PATIENCE_MS,
    );
    expect(await store.getRun(WORKSPACE, run.id)).toMatchObject({ nodesTotal: 3, nodesCompleted: 1 });
    await restart();
    goOn();
    expect((await end(run)).run).toMatchObject({ status: 'succeeded', nodesTotal: 3, nodesCompleted: 3 });
  });
});

describe('a retry', () => {
  const failing = (times: number): Behaviour => {
    let failures = 0;
    return () => {
      failures += 1;
      return failures <= times ? broken(`Failure ${failures}.`, true) : succeeded({ output: 'at last' });
    };
  };

  it('comes after the policy’s wait, each longer than the one before, and is warned of', async () => {
    behaviours = { work: failing(2) };
    const begun = system.now();
    const run = await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(begun + 750));
    await pass(749);
    expect(passes).toHaveLength(1);
    await pass(1);
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(begun + 750 + 1500));
    await pass(1500);
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: 'at last' });
    expect(records['work']).toMatchObject({ status: 'succeeded', attempts: 3 });
    expect(records['work']?.warnings.map((warning) => warning.identifier)).toEqual(['retry_warning', 'retry_warning']);
    expect((await store.listRunLogs(WORKSPACE, run.id, 10)).map((each) => each.message)).toEqual([
      'Failure 1.',
      'Failure 2.',
    ]);
  });

  it('waits as long as the remote side asks, within the policy’s longest wait', async () => {
    behaviours = { work: () => ({ ...broken('Busy.', true), retryAfterMs: 7_000.5 }) as Outcome };
    const begun = system.now();
    await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(begun + 7001));
    behaviours = { work: () => ({ ...broken('Busy.', true), retryAfterMs: 1e9 }) as Outcome };
    await pass(7001);
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(begun + 7001 + 60_000));
  });

  it('ends when the tries are used up, and the failure is the last one', async () => {
    behaviours = { work: failing(5) };
    const run = await start(line(node('work', effect, { max_retries: 1, retry_delay: 2 })), { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + 1500));
    await pass(1500);
    const ended = await end(run);
    expect(ended.run).toMatchObject({ status: 'failed', failure: { message: 'Failure 2.' } });
    expect(ended.records['work']).toMatchObject({ attempts: 2 });
  });

  it('is not made for a failure that would come again', async () => {
    behaviours = { work: () => broken('No such model.') };
    const { run, records } = await runToEnd(line(node('work', effect)), { in: 'x' });
    expect(run.status).toBe('failed');
    expect(records['work']).toMatchObject({ attempts: 1 });
  });

  it('is made for the failures that the node lists, and for no others', async () => {
    let failures = 0;
    behaviours = {
      work: () => {
        failures += 1;
        // Of the node's own mind it would be the other way round.
        return failed({ code: failures < 3 ? 'provider' : 'network', message: 'No.' }, failures >= 3);
      },
    };
    const config = {
      retry_on: ['provider'],
      retry_delay: 2,
      retry_backoff: 'fixed',
      retry_jitter: false,
      max_retries: 9,
    };
    const run = await start(line(node('work', effect, config)), { in: 'x' });
    for (let n = 0; n < 2; n += 1) {
      await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + 2000));
      await pass(2000);
    }
    const ended = await end(run);
    expect(ended.run).toMatchObject({ status: 'failed', failure: { code: 'network' } });
    expect(ended.records['work']).toMatchObject({ attempts: 3 });
  });

  it('has an idempotency key of its own, and so has every pass', async () => {
    const keys: string[] = [];
    const tryTwice = failing(2);
    behaviours = {
      work: (given, context) => {
        keys.push(`${String(given.values['value'])} ${context.attempt} ${context.idempotencyKey}`);
        return tryTwice(given, context);
      },
    };
    const run = await start(line(node('work', effect), true), { in: ['a', 'b'] });
    await vi.waitFor(() => expect(keys).toHaveLength(2));
    await vi.waitFor(async () => expect((await store.loadRun(WORKSPACE, run.id))?.tasks).toHaveLength(2));
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + 750));
    await pass(750);
    await end(run);
    expect(keys.map((key) => key.slice(0, 3)).toSorted()).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
    expect(new Set(keys.map((key) => key.split(' ')[2])).size).toBe(4);
  });

  it('has the same idempotency key when it is made again after a crash', async () => {
    const keys: string[] = [];
    let fails = true;
    behaviours = {
      work: (_, context) => {
        keys.push(`${context.attempt} ${context.idempotencyKey}`);
        if (context.attempt === 1) return broken('Not now.', true);
        return fails ? heedful(_, context) : succeeded({ output: 'x' });
      },
    };
    const run = await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + 750));
    await pass(750);
    await vi.waitFor(() => expect(keys).toHaveLength(2));
    fails = false;
    await restart();
    await end(run);
    expect(keys).toHaveLength(3);
    expect(keys[2]).toBe(keys[1]);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

/** Never answers, until it is told to end. */
const heedful: Behaviour = (_, context) =>
  new Promise((_resolve, reject) => {
    context.signal.addEventListener('abort', () => reject(context.signal.reason));
  });

describe('a node’s time limit', () => {
  it('and a stop hold also for a node that heeds no signal', { timeout: 15_000 }, async () => {
    behaviours = { work: () => new Promise(() => undefined) };
    const slow = await start(line(node('work', effect, { node_timeout: 0.01, max_retries: 0 })), { in: 'x' });
    const stopped = await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(() => expect(passes).toHaveLength(2));
    await engine.cancel(WORKSPACE, stopped.id);
    const { run } = await end(slow);
    expect(run).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
    await vi.waitFor(() => expect(worker.busy).toBe(0), PATIENCE_MS);
  });

  it('ends its try, says so, and counts as a failure that may be tried again', async () => {
    behaviours = { work: heedful };
    const run = await start(line(node('work', effect, { node_timeout: 0.0123, max_retries: 1 })), { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + 750));
    await pass(750);
    const ended = await end(run);
    expect(ended.run).toMatchObject({ status: 'failed', failure: { code: 'timeout', nodeId: 'work' } });
    expect(ended.run.failure?.message).toContain('0.013 s');
  });

  it('that is beyond what timers hold does not fire at once', async () => {
    const { output: result } = await runToEnd(line(node('work', effect, { node_timeout: 1e12 })), { in: 'x' });
    expect(result).toEqual({ out: 'x' });
  });
});

describe('stopping a run', () => {
  it('ends it at once, tells its nodes, and drops their answers', async () => {
    const [begun, blocked] = [gate(), gate()];
    behaviours = {
      work: async (_, context) => {
        begun.open();
        context.signal.addEventListener('abort', blocked.open);
        await blocked.opened;
        return succeeded({ output: 'too late' });
      },
    };
    const run = await start(line(node('work', effect)), { in: 'x' });
    await begun.opened;
    const [stopped, again] = await Promise.all([engine.cancel(WORKSPACE, run.id), engine.cancel(WORKSPACE, run.id)]);
    expect(stopped).toMatchObject({ run: { status: 'canceled', progress: 66 }, stopped: true });
    expect(again).toEqual({ run: stopped?.run, stopped: false });
    await vi.waitFor(() => expect(worker.busy).toBe(0));
    const { run: stored, statuses } = await end(run);
    expect(stored.status).toBe('canceled');
    expect(statuses).toEqual({ in: 'succeeded', work: 'canceled' });
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('that has ended changes nothing, and one of another workspace does not exist', async () => {
    const { run } = await runToEnd(line(node('work', effect)), { in: 'x' });
    expect(await engine.cancel(WORKSPACE, run.id, { message: 'Too late.', meta: null })).toEqual({
      run,
      stopped: false,
    });
    expect(await store.listRunLogs(WORKSPACE, run.id, 10)).toEqual([]);
    expect(await engine.cancel('another', run.id)).toBeNull();
    behaviours = { work: heedful };
    const going = await start(line(node('work', effect)), { in: 'x' });
    await vi.waitFor(() => expect(passes).toHaveLength(2));
    expect(await engine.cancel('another', going.id)).toBeNull();
    expect(await engine.waitForEnd('another', going.id, PATIENCE_MS)).toBeNull();
    const reason = { message: 'No longer wanted.', meta: { by: 'me' } };
    expect(await engine.cancel(WORKSPACE, going.id, reason)).toMatchObject({
      run: { status: 'canceled' },
      stopped: true,
    });
    expect(await store.listRunLogs(WORKSPACE, going.id, 10)).toMatchObject([
      { ...reason, level: 'warning', nodeId: null },
    ]);
  });

  it('before it began leaves it without a start', async () => {
    await worker.stop(0);
    const run = await start(line(node('work', effect)), { in: 'x' });
    const stopped = await engine.cancel(WORKSPACE, run.id);
    expect(stopped?.run).toMatchObject({ status: 'canceled', startedAt: null, progress: 0 });
    expect(passes).toEqual([]);
  });
});

describe('a part of a definition', () => {
  const definition = graph(
    [input('in'), node('first', effect), node('second', effect), node('aside', effect), output('out')],
    [
      edge('in::output', 'first::value'),
      edge('first::output', 'second::value'),
      edge('in::output', 'aside::value'),
      edge('second::output', 'out::input'),
    ],
  );

  it('runs with what it depends on, and answers with the outputs of its last nodes', async () => {
    const { run, output: result, statuses } = await runToEnd(definition, { in: 'x' }, { nodeIds: ['second'] });
    expect(run).toMatchObject({ status: 'succeeded', progress: 100 });
    expect(statuses).toEqual({ in: 'succeeded', first: 'succeeded', second: 'succeeded' });
    expect(result).toEqual({ 'second::output': 'x' });
  });

  it('that holds an output node answers with it alone', async () => {
    expect((await runToEnd(definition, { in: 'x' }, { nodeIds: ['out', 'aside'] })).output).toEqual({ out: 'x' });
  });

  it('may be one node with values for its inputs, without the nodes around it', async () => {
    const {
      run,
      output: result,
      statuses,
    } = await runToEnd(definition, { value: 'given', 'second::other': 'too' }, { singleNodeId: 'second' });
    expect(run.status).toBe('succeeded');
    expect(statuses).toEqual({ second: 'succeeded' });
    expect(passes).toEqual(['second=given']);
    expect(result).toEqual({ output: 'given' });
  });
});

describe('the output of a run', () => {
  it('is keyed by label, by node where there is none, and hides nothing when labels are the same', async () => {
    const definition = graph(
      [input('in'), output('a', 'Reply'), output('b', 'Reply'), output('c', null)],
      [edge('in::output', 'a::input'), edge('in::output', 'b::input'), edge('in::output', 'c::input')],
    );
    expect((await runToEnd(definition, { in: 'x' })).output).toEqual({
      Reply: 'x',
      'b::output': 'x',
      'c::output': 'x',
    });
  });
});

describe('the input of a run', () => {
  const text = (id: string, config: JsonObject) => node(id, inputNode, config);
  const three = graph(
    [text('a', { label: 'A' }), text('b', { label: 'B', fixed_value: true, value: 'fixed' }), output('x'), output('y')],
    [edge('a::output', 'x::input'), edge('b::output', 'y::input')],
  );

  it.each(['A', 'a', 'a::input'])('finds its node by label, by id or by address (%s)', async (key) => {
    expect((await runToEnd(three, { [key]: 'given' })).output).toEqual({ x: 'given', y: 'fixed' });
  });

  it('does not replace a fixed value', async () => {
    expect((await runToEnd(three, { A: 'given', B: 'ignored' })).output).toEqual({ x: 'given', y: 'fixed' });
  });
});

it('the ticket triage of the V1 documentation drafts its fall-back when no model answers', async () => {
  const definition = graph(
    [
      node(
        'n-in',
        inputNode,
        { label: 'Ticket', type: 'str', fixed_value: false, value: null },
        { name: 'Ticket text' },
      ),
      node(
        'n-gen',
        textGeneration,
        {
          label: 'Draft',
          model: ['local-model'],
          template: 'Write a short reply to:\n((Ticket))',
          continue_on_error: false,
        },
        { name: 'Draft reply' },
      ),
      node('n-fb', composeText, { template: 'Could not draft a reply: ((Reason))' }, { name: 'Fallback text' }),
      node('n-out', outputNode, { label: 'Reply' }, { name: 'Reply' }),
    ],
    [
      edge('n-in::output', 'n-gen::variables::Ticket'),
      edge('n-gen::text_output', 'n-out::input', { optional: true }),
      edge('n-gen::on_error', 'n-fb::variables::Reason'),
      edge('n-fb::output', 'n-out::input', { optional: true }),
    ],
  );
  const { run, output: result, statuses } = await runToEnd(definition, { Ticket: 'My printer burns.' });
  expect(run.status).toBe('succeeded');
  expect(result['Reply']).toMatch(/^Could not draft a reply: ./);
  expect(statuses).toMatchObject({ 'n-gen': 'failed', 'n-fb': 'succeeded', 'n-out': 'succeeded' });
});

describe('what waits', () => {
  it('as a delay is delivered at its time, also when everything was restarted in between', async () => {
    const definition = graph(
      [input('in'), node('wait', delay, { seconds: 3600 }), node('after', effect), output('out')],
      [edge('in::output', 'wait::value'), edge('wait::output', 'after::value'), edge('after::output', 'out::input')],
    );
    const begun = system.now();
    const run = await start(definition, { in: 'x' });
    await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(begun + 3_600_000));
    system.pass(1_800_000);
    await restart();
    expect(await store.nextTaskDueAt()).toBe(begun + 3_600_000);
    await pass(1_799_999);
    expect(passes).toEqual([]);
    await pass(1);
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: 'x' });
    expect(records['wait']).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      startedAt: begun,
      finishedAt: begun + 3_600_000,
    });
  });

  it('as a retry is made at its time after a restart, with the tries before it counted', async () => {
    let tries = 0;
    behaviours = {
      work: (_, context) => {
        tries += 1;
        return context.attempt < 3
          ? broken('Busy.', true)
          : succeeded({ output: `try ${context.attempt} of ${tries}` });
      },
    };
    const run = await start(line(node('work', effect)), { in: 'x' });
    for (const wait of [750, 1500]) {
      await vi.waitFor(async () => expect(await store.nextTaskDueAt()).toBe(system.now() + wait));
      await restart();
      await pass(wait);
    }
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: 'try 3 of 3' });
    expect(records['work']).toMatchObject({ attempts: 3 });
    expect(records['work']?.warnings).toHaveLength(2);
  });

  it('as an item in the middle of a list goes on after a restart, and finished items are not worked on again', async () => {
    const blocked = gate();
    behaviours = {
      work: async (given, context) => {
        const value = given.values['value'] as string;
        if (value === 'b' && !stopped) {
          await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
          return broken();
        }
        if (value === 'c') blocked.open();
        return succeeded({ output: value.toUpperCase() });
      },
    };
    let stopped = false;
    const run = await start(line(node('work', effect), true), { in: ['a', 'b', 'c'] });
    await blocked.opened;
    await vi.waitFor(async () => expect((await store.loadRun(WORKSPACE, run.id))?.iterations).toHaveLength(2));
    const stopping = close();
    stopped = true;
    await stopping;
    open();
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: ['A', 'B', 'C'] });
    expect(passes.toSorted()).toEqual(['work=a', 'work=b', 'work=b', 'work=c']);
    expect(records['work']).toMatchObject({ status: 'succeeded', currentIteration: 3 });
  });
});

describe('a worker', () => {
  it('takes up what another one died with, when the lease is over, although nothing tells it', async () => {
    await worker.stop(0);
    const run = await start(line(node('work', effect)), { in: 'x' });
    expect(await store.claimTasks({ limit: 1, now: system.now(), leaseMs: 30_000 })).toHaveLength(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    worker = newWorker();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(passes).toEqual([]);
    system.pass(30_000);
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect((await end(run)).output).toEqual({ out: 'x' });
  });

  it('that stops while it claims gives back what it gets', async () => {
    await worker.stop(0);
    const run = await start(line(node('work', effect)), { in: 'x' });
    worker = newWorker();
    await worker.stop(0);
    expect(passes).toEqual([]);
    worker = newWorker();
    expect((await end(run)).output).toEqual({ out: 'x' });
  });

  it('that stops lets what it has in hand end within its grace, and takes nothing new', async () => {
    const blocked = gate();
    behaviours = { first: () => blocked.opened.then(() => succeeded({ output: 'x' })) };
    const definition = graph(
      [node('first', effect), node('second', effect), output('out')],
      [edge('first::output', 'second::value'), edge('second::output', 'out::input')],
    );
    const run = await start(definition);
    await vi.waitFor(() => expect(passes).toEqual(['first']));
    const stopped = worker.stop(PATIENCE_MS);
    blocked.open();
    await stopped;
    expect(await store.listNodeRuns(WORKSPACE, run.id, { payloads: true })).toMatchObject([
      { status: 'succeeded' },
      { status: 'running' },
    ]);
    expect(passes).toEqual(['first']);
    worker = newWorker();
    expect((await end(run)).output).toEqual({ out: 'x' });
    expect(passes).toEqual(['first', 'second=x']);
  });
});

it('waiting for the end of a run gives it as it stands when the time is over', async () => {
  behaviours = { work: heedful };
  const run = await start(line(node('work', effect)), { in: 'x' });
  await vi.waitFor(() => expect(passes).toHaveLength(1));
  expect(await engine.waitForEnd(WORKSPACE, run.id, 1)).toMatchObject({ status: 'running', progress: 33 });
  expect(await engine.waitForEnd(WORKSPACE, 'none', 1)).toBeNull();
  await engine.cancel(WORKSPACE, run.id);
});

describe('a run that is queued', () => {
  const tasksOf = async (run: Run) => (await store.loadRun(WORKSPACE, run.id))?.tasks;

  it('asks for a place, whether it is alone, one of several, or goes on with what another did', async () => {
    await worker.stop(0);
    const made = await newRun(line(node('work', effect)), { in: 'x' });
    const several = (await engine.enqueueAll([made, made], () => []))!;
    const record = (await engine.startNow(made)).id;
    const taken = (await store.listNodeRuns(WORKSPACE, record, { payloads: true })).filter(
      ({ nodeId }) => nodeId === 'in',
    );
    for (const run of [await engine.enqueue(made), ...several, await engine.enqueue(made, taken)]) {
      expect(await tasksOf(run)).toMatchObject([{ nodeId: null, startOf: WORKFLOW }]);
    }
    // What goes on has its place already.
    expect((await store.loadRun(WORKSPACE, record))?.tasks).toMatchObject([{ nodeId: 'work', startOf: null }]);
  });

  it('because there was no place when somebody wanted to wait for it is one run, and leaves no payload behind', async () => {
    await close();
    open(1);
    const blocked = gate();
    behaviours = { work: () => blocked.opened.then(() => succeeded({ output: 'done' })) };
    const first = await engine.startNow(await newRun(line(node('work', effect)), { in: 'x' }));
    expect(first.status).toBe('running');
    const large = 'x'.repeat(INLINE_PAYLOAD_LIMIT + 1);
    const second = await engine.startNow(await newRun(line(node('work', effect)), { in: large }));
    expect(second.status).toBe('queued');
    expect(new Set(blobs.ids().map((id) => id.split('/')[1]))).toEqual(new Set([second.id]));
    expect((await store.listRuns({ workspaceId: WORKSPACE }, { page: 1, size: 9 }, { output: false })).total).toBe(2);
    expect(passes).toHaveLength(1);
    blocked.open();
    expect((await end(first)).output).toEqual({ out: 'done' });
    expect((await end(second)).output).toEqual({ out: 'done' });
  });
});

describe('two engines on one store', () => {
  it('settle one run together: an answer that rests on an older step is decided again, not lost', async () => {
    await worker.stop(0);
    const log = pino({ level: 'silent' });
    const catalogue = createCatalogue([...BUILTIN_NODE_TYPES, effect]);
    const engines = [1, 2].map(
      () => new Engine({ store, catalogue, system, payloads: new Payloads(blobs, system), log }),
    );
    const definition = graph(
      [node('a', effect), node('b', effect), output('x'), output('y')],
      [edge('a::output', 'x::input'), edge('b::output', 'y::input')],
    );
    const run = await engines[0]!.startNow(await newRun(definition));
    const leases = await store.claimTasks({ limit: 10, now: system.now(), leaseMs: 30_000 });
    expect(leases).toHaveLength(2);
    // Both read the run before either answers.
    for (const [index, lease] of leases.entries()) expect(await engines[index]!.inputFor(lease)).not.toBeNull();
    const times = { startedAt: system.now(), finishedAt: system.now() };
    const answers = leases.map((lease, index) =>
      engines[index]!.settle(lease, succeeded({ output: lease.task.nodeId! }), times),
    );
    expect(await Promise.all(answers)).toEqual(['kept', 'kept']);
    expect((await store.getRun(WORKSPACE, run.id))?.output).toBe('{"x":"a","y":"b"}');
    const late = engines.map((each) => each.settle(leases[0]!, succeeded({ output: 'again' }), times));
    expect(await Promise.all(late)).toEqual(['stale', 'stale']);
  });
});

it('a run’s log lines are kept while it runs', async () => {
  behaviours = {
    work: (_, context) => {
      context.log('info', 'Half way.', { done: 0.5 });
      return succeeded({ output: 'x' as JsonValue });
    },
  };
  const { run } = await runToEnd(line(node('work', effect)), { in: 'x' });
  expect(await store.listRunLogs(WORKSPACE, run.id, 10)).toMatchObject([
    { nodeId: 'work', level: 'info', message: 'Half way.', meta: { done: 0.5 } },
  ]);
  expect(
    outputsOf((await store.listNodeRuns(WORKSPACE, run.id, { payloads: true })).find((each) => each.nodeId === 'work')),
  ).toEqual({
    output: 'x',
  });
});

describe('a secret that a node says', () => {
  const SECRET = 'tok-1234567890abcdef';

  beforeEach(() => {
    redactor = Redactor.of([{ name: 'shop', value: SECRET }]);
  });

  /** Everything that is kept of a run, and what its listeners were told. */
  const kept = async (run: Run): Promise<string> => {
    const { run: stored, records } = await end(run);
    const logs = await store.listRunLogs(WORKSPACE, run.id, 100);
    const events = await store.readRunEvents(WORKSPACE, run.id, 0);
    return JSON.stringify([stored, records, logs, events]);
  };

  it.each<[string, Behaviour]>([
    ['in its outputs', () => succeeded({ output: `Bearer ${SECRET}`, second: [{ [SECRET]: 1 }] as JsonValue })],
    ['in a warning', () => succeeded({ output: 'x' }, { warnings: [{ identifier: 'general', detail: SECRET }] })],
    ['in a failure', () => broken(`The key ${SECRET} is not valid.`)],
    [
      'in an error that it throws',
      () => {
        throw new Error(`fetch with ${SECRET} failed`);
      },
    ],
    [
      'in its log',
      (_, { log }) => {
        log('info', `Sent ${SECRET}`, { headers: { authorization: `Bearer ${SECRET}` } });
        return succeeded({ output: 'x' });
      },
    ],
    [
      'in the steps inside it',
      (_, { steps }) => {
        const failure = { code: 'provider', message: SECRET } as const;
        const times = { startedAt: 1, finishedAt: 2 };
        const step = { id: 's', status: 'failed', inputs: { a: SECRET }, outputs: { b: SECRET }, failure } as const;
        steps([{ ...step, ...times }], { total: 1, completed: 1 });
        return succeeded({ output: 'x' });
      },
    ],
  ])('%s is not kept, nor given to any other node', async (_, behaviour) => {
    behaviours = { work: behaviour };
    const everything = await kept(await start(line(node('work', effect)), { in: 'x' }));
    expect(everything).not.toContain(SECRET);
    expect(everything).toContain('[secret shop]');
  });

  it('in a file is not kept', async () => {
    const bytes: Uint8Array[] = [];
    behaviours = {
      work: async (_, { files }) => {
        await files.save({ name: 'x', contentType: 'text/plain', bytes: Buffer.from(`is ${SECRET}`) }).catch(() => {});
        return succeeded({ output: 'x' });
      },
    };
    keep = (file) => bytes.push(file.bytes);
    await runToEnd(line(node('work', effect)), { in: 'x' });
    expect(bytes.map((one) => Buffer.from(one).toString())).toEqual(['is [secret shop]']);
  });
});

it('a node whose credential cannot be opened fails with what to do about it', async () => {
  behaviours = {
    work: () => {
      throw new SealBroken('Restore the key.');
    },
  };
  const { run } = await runToEnd(line(node('work', effect)), { in: 'x' });
  expect(run.failure).toEqual({ code: 'not_configured', message: 'Restore the key.', nodeId: 'work' });
});

describe('a run that begins with nodes of another', () => {
  /** in → first → second → out, all effects in between. */
  const chain = graph(
    [input('in'), node('first', effect), node('second', effect), output('out')],
    [edge('in::output', 'first::value'), edge('first::output', 'second::value'), edge('second::output', 'out::input')],
  );

  /** A run whose second effect failed, and what may be taken over from it. */
  async function failedChain(value: string) {
    behaviours = { second: () => broken() };
    const made = await newRun(chain, { in: value });
    const { run, records } = await end(await engine.enqueue(made));
    expect(run.status).toBe('failed');
    behaviours = {};
    const { taken } = takeover(
      compile(chain, createCatalogue([...BUILTIN_NODE_TYPES, effect])),
      Object.values(records),
    );
    passes.length = 0;
    return { made, taken };
  }

  it('does not run them again, pure or not, and goes on behind them', async () => {
    const { made, taken } = await failedChain('x');
    expect(taken.map(({ nodeId }) => nodeId)).toEqual(['in', 'first']);
    const begun = await engine.enqueue(made, taken);
    expect(begun).toMatchObject({ status: 'queued', nodesTotal: 4, nodesCompleted: 2 });
    const { run, output: result, records } = await end(begun);
    expect(run).toMatchObject({ status: 'succeeded', progress: 100, nodesCompleted: 4 });
    expect(result).toEqual({ out: 'x' });
    expect(passes).toEqual(['second=x']);
    expect([records['in'], records['first']]).toEqual(taken);
  });

  it('is taken up from its records when the process dies before its first step', async () => {
    const { made, taken } = await failedChain('x');
    await worker.stop(0);
    const begun = await engine.enqueue(made, taken);
    await restart();
    expect((await end(begun)).output).toEqual({ out: 'x' });
    expect(passes).toEqual(['second=x']);
  });

  it('keeps its own copy of what is large: the other run may be deleted', async () => {
    const large = 'x'.repeat(INLINE_PAYLOAD_LIMIT + 1);
    const { made, taken } = await failedChain(large);
    const texts = await Promise.all(
      taken.map(async (record) => ({
        ...record,
        inputs: record.inputs && (await new Payloads(blobs, system).text(record.inputs)),
        outputs: record.outputs && (await new Payloads(blobs, system).text(record.outputs)),
      })),
    );
    const begun = await engine.enqueue(made, texts);
    for (const id of blobs.ids()) if (!id.includes(begun.id)) await blobs.remove(id);
    await restart();
    expect((await engine.waitForEnd(WORKSPACE, begun.id, PATIENCE_MS))?.status).toBe('succeeded');
    expect(passes).toEqual([`second=${large}`]);
  });
});

describe('a node that asks a person', () => {
  const FORM = [
    { name: 'approved', type: 'checkbox' },
    { name: 'note', type: 'text', required: false },
  ];
  const ask = (id: string, config: JsonObject = {}) =>
    node(id, humanInTheLoop, { title: 'Publish ((Text))?', fields: FORM, ...config });

  /** in → ask → out, where out gets what the person notes. */
  const asking = (config: JsonObject = {}, isList = false): Definition =>
    graph(
      [input('in', isList), ask('ask', config), output('out')],
      [edge('in::output', 'ask::variables::Text'), edge('ask::note', 'out::input')],
    );

  const requestsOf = async (run: Run): Promise<readonly PersonRequest[]> => {
    const page = { workspaceId: WORKSPACE, filter: null, sort: [], limit: 100, from: null, backward: false };
    const { items } = await store.find('personRequests', page);
    return items.filter(({ runId }) => runId === run.id);
  };

  /** The run's requests, once it does nothing but wait for persons. */
  const waiting = async (run: Run, count = 1): Promise<readonly PersonRequest[]> => {
    await vi.waitFor(async () => expect((await store.getRun(WORKSPACE, run.id))?.status).toBe('waiting'), PATIENCE_MS);
    const requests = (await requestsOf(run)).filter(({ status }) => status === 'pending');
    expect(requests).toHaveLength(count);
    return requests;
  };

  const says = (note: string): PersonSettlement => ({
    ...{ status: 'answered', answer: { approved: true, note }, settledBy: 'Ada', keyId: null },
  });
  const gone = { code: 'request_canceled', message: 'Nobody is asked any more.' } as const;
  const takenBack: PersonSettlement = { status: 'canceled', answer: null, settledBy: 'Ada', keyId: null };

  it('waits without a task or a worker, over restarts, and goes on with the answer', async () => {
    const run = await start(asking(), { in: 'this' });
    const [request] = await waiting(run);
    expect(request).toMatchObject({ nodeId: 'ask', iteration: 0, title: 'Publish this?', dueAt: null });
    expect(await store.getNodeRun(WORKSPACE, run.id, 'ask')).toMatchObject({ status: 'waiting', finishedAt: null });
    expect([(await store.stats()).queuedTasks, worker.busy]).toEqual([0, 0]);
    await restart();
    system.pass(90 * 24 * 3_600_000);
    expect(await engine.settleRequest(request!, says('Fine.'), null)).toBe('kept');
    const { run: ended, output: result, records } = await end(run);
    expect([ended.status, result]).toEqual(['succeeded', { out: 'Fine.' }]);
    const outputs = { approved: true, note: 'Fine.', answered_by: 'Ada', outcome: 'answered' };
    expect(outputsOf(records['ask'])).toEqual(outputs);
    expect(records['ask']).toMatchObject({ status: 'succeeded', attempts: 1, finishedAt: system.now() });
    expect((await requestsOf(run))[0]).toMatchObject({ status: 'answered', settledBy: 'Ada', revision: 2 });
  });

  it('takes the first of two answers', async () => {
    const run = await start(asking(), { in: 'this' });
    const [request] = await waiting(run);
    const both = ['one', 'two'].map((note) => engine.settleRequest(request!, says(note), null));
    expect(await Promise.all(both)).toEqual(['kept', 'stale']);
    expect((await end(run)).output).toEqual({ out: 'one' });
    expect(await engine.settleRequest(request!, says('three'), null)).toBe('stale');
  });

  it('goes on with the default answer when its time is over, also when it ended while nothing ran', async () => {
    const due = { due_seconds: 60, default_answer: { approved: false, note: 'Too late.' } };
    const run = await start(asking(due), { in: 'this' });
    const [request] = await waiting(run);
    expect(request?.dueAt).toBe(system.now() + 60_000);
    await pass(59_999);
    expect((await waiting(run))[0]?.id).toBe(request?.id);
    await close();
    system.pass(1);
    open();
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: 'Too late.' });
    expect(outputsOf(records['ask'])).toMatchObject({ approved: false, outcome: 'expired', answered_by: null });
    expect((await requestsOf(run))[0]).toMatchObject({
      ...{ status: 'expired', answer: { approved: false, note: 'Too late.' }, settledBy: null },
    });
    expect(await engine.settleRequest(request!, says('Hm.'), null)).toBe('stale');
  });

  it('has no time any more once it is answered', async () => {
    const due = { due_seconds: 60, default_answer: { approved: false } };
    const run = await start(asking(due), { in: 'this' });
    const [request] = await waiting(run);
    expect((await store.stats()).queuedTasks).toBe(1);
    await engine.settleRequest(request!, says('In time.'), null);
    await pass(60_000);
    expect((await end(run)).output).toEqual({ out: 'In time.' });
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('asks for every item of a list at once, and gathers the answers in the order of the items', async () => {
    const items = Array.from({ length: 20 }, (_, index) => `item ${index + 1}`);
    const run = await start(asking({}, true), { in: items });
    const requests = await waiting(run, 20);
    for (const { iteration, title } of requests) expect(title).toBe(`Publish ${items[iteration - 1]}?`);
    for (const [index, request] of requests.toReversed().entries()) {
      if (index === 10) await restart();
      expect(await engine.settleRequest(request, says(`on ${request.iteration}`), null)).toBe('kept');
    }
    const { output: result, records } = await end(run);
    expect(result).toEqual({ out: items.map((_, index) => `on ${index + 1}`) });
    expect(records['ask']).toMatchObject({ status: 'succeeded', currentIteration: 20, totalIterations: 20 });
    expect(await store.getIteration(WORKSPACE, run.id, 'ask', 20)).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('of several in one run may be answered in any order; the run waits when nothing else goes on', async () => {
    const blocked = gate();
    behaviours = { work: async () => blocked.opened.then(() => succeeded({ output: 'done' })) };
    const definition = graph(
      [ask('one'), ask('two'), node('work', effect), output('a'), output('b')],
      [edge('one::note', 'a::input'), edge('two::note', 'b::input')],
    );
    const run = await start(definition);
    await vi.waitFor(async () => expect(await requestsOf(run)).toHaveLength(2), PATIENCE_MS);
    expect((await store.getRun(WORKSPACE, run.id))?.status).toBe('running');
    blocked.open();
    const requests = await waiting(run, 2);
    const [one, two] = ['one', 'two'].map((id) => requests.find(({ nodeId }) => nodeId === id)!);
    await engine.settleRequest(two!, says('second'), null);
    expect((await waiting(run))[0]?.id).toBe(one?.id);
    await engine.settleRequest(one!, says('first'), null);
    expect((await end(run)).output).toEqual({ a: 'first', b: 'second' });
  });

  it('is asked no more when its run is stopped, or fails elsewhere', async () => {
    const due = { due_seconds: 60, default_answer: { approved: false } };
    const run = await start(asking(due), { in: 'this' });
    const [request] = await waiting(run);
    await engine.cancel(WORKSPACE, run.id);
    expect((await end(run)).statuses).toMatchObject({ ask: 'canceled' });
    expect(await requestsOf(run)).toMatchObject([{ status: 'canceled', answer: null }]);
    expect(await engine.settleRequest(request!, says('Hm.'), null)).toBe('stale');
    const blocked = gate();
    behaviours = { work: async () => blocked.opened.then(() => broken()) };
    const failing = await start(graph([ask('ask'), node('work', effect)], []));
    await vi.waitFor(async () => expect(await requestsOf(failing)).toHaveLength(1));
    blocked.open();
    expect((await end(failing)).run.status).toBe('failed');
    expect(await requestsOf(failing)).toMatchObject([{ status: 'canceled' }]);
    expect((await store.stats()).queuedTasks).toBe(0);
  });

  it('fails when it is taken back, which an error branch deals with', async () => {
    const plain = await start(asking(), { in: 'this' });
    const [request] = await waiting(plain);
    expect(await engine.settleRequest(request!, takenBack, gone)).toBe('kept');
    expect((await end(plain)).run).toMatchObject({ status: 'failed', failure: { ...gone, nodeId: 'ask' } });
    const definition = graph([ask('ask'), output('out')], [edge('ask::on_error', 'out::input')]);
    const routed = await start(definition);
    const [other] = await waiting(routed);
    await engine.settleRequest(other!, takenBack, gone);
    const { run, output: result } = await end(routed);
    expect([run.status, result]).toEqual(['succeeded', { out: gone.message }]);
  });

  it('tells in the log whom a receiver is to be told of, and nobody when there is none', async () => {
    for (const callbackUrl of ['https://example.com', null]) {
      const run = await start(asking(), { in: 'this' }, { callbackUrl });
      const [request] = await waiting(run);
      const events = await store.readRunEvents(WORKSPACE, run.id, 0);
      expect(events.flatMap(({ data }) => data.asked ?? [])).toEqual(callbackUrl === null ? [] : [request?.id]);
      expect(events.at(-1)?.data).toMatchObject({ status: 'waiting', nodes: [['ask', 'waiting']] });
    }
  });
});
