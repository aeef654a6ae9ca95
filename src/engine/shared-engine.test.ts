import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, node, versionOf } from '../../test/support/definitions.ts';
import { startsPostgres } from '../../test/support/postgres.ts';
import { type HeldSystem, heldSystem, memoryBlobs } from '../../test/support/system.ts';
import type { Definition } from '../domain/definition.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import type { Lease } from '../domain/task.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { BUILTIN_NODE_TYPES, createCatalogue } from '../nodes/catalogue.ts';
import { type EffectNodeType, succeeded } from '../nodes/node-type.ts';
import { many, one } from '../nodes/value-types.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import type { Store } from '../store/store.ts';
import { Engine } from './engine.ts';
import { Payloads } from './payloads.ts';

const WORKSPACE = 'workspace';
const LEASE_MS = 60_000;

const cluster = startsPostgres({ log_statement: 'none' });

/** Nobody runs it: the tests say what comes of it. */
const effect: EffectNodeType = {
  type: 'TestEffect',
  title: 'Effect',
  description: '',
  category: 'test',
  effect: true,
  timeoutMs: 10_000,
  retry: { retries: 0, delayMs: 1, factor: 1, maxDelayMs: 1 },
  inputs: [{ name: 'value', label: 'Value', kind: 'connector', type: one('str') }],
  outputs: [{ name: 'output', label: 'Output', kind: 'connector', type: one('str') }],
  config: {},
  run: () => Promise.reject(new Error('Nobody runs it.')),
};

/** A process of the product, as far as it decides. */
interface Member {
  readonly store: Store;
  readonly engine: Engine;
}

/** Each of them with what it has in memory, and one store behind them. */
describe('two engines on one store', () => {
  let schema: ReturnType<typeof cluster.newSchema>;
  let system: HeldSystem;
  let members: Member[];

  beforeEach(async () => {
    schema = cluster.newSchema();
    system = heldSystem();
    const blobs = memoryBlobs();
    members = [];
    for (let count = 0; count < 2; count += 1) {
      const store = await openPostgresStore(schema.url);
      const catalogue = createCatalogue([...BUILTIN_NODE_TYPES, effect]);
      const log = pino({ level: 'silent' });
      members.push({
        store,
        engine: new Engine({ store, catalogue, system, payloads: new Payloads(blobs, system), log }),
      });
    }
  });
  afterEach(async () => {
    for (const { store } of members) await store.close();
    await schema.drop();
  });

  const enqueued = async ({ store, engine }: Member, definition: Definition, value: JsonValue): Promise<Run> => {
    const version = versionOf(definition, { workspaceId: WORKSPACE, workflowId: 'workflow' }, system);
    await store.commit([{ kind: 'createVersion', version }]);
    return engine.enqueue({
      version,
      versionPinned: false,
      input: { in: value },
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
    });
  };
  const claimed = async ({ store }: Member, limit: number): Promise<Lease[]> => {
    const leases = await store.claimTasks({ limit, now: system.now(), leaseMs: LEASE_MS });
    expect(leases).toHaveLength(limit);
    return leases;
  };
  const settle = ({ engine }: Member, lease: Lease, inputTokens = 1) => {
    const usage = { inputTokens, outputTokens: 0, cost: null };
    const made = { startedAt: system.now(), finishedAt: system.now() };
    return engine.settle(lease, succeeded({ output: `by ${lease.task.nodeId}` }, { usage }), made);
  };

  it('take up what the other has made due, of a run that both have in memory', async () => {
    const [one, other] = members as [Member, Member];
    const run = await enqueued(
      one,
      {
        nodes: [
          node('in', inputNode, { label: 'in' }),
          ...['a', 'b', 'c'].map((id) => node(id, effect)),
          node('out', outputNode, { label: 'out' }),
        ],
        edges: [
          edge('in::output', 'a::value'),
          edge('a::output', 'b::value'),
          edge('b::output', 'c::value'),
          edge('c::output', 'out::input'),
        ],
      },
      'x',
    );
    const [start] = await claimed(other, 1);
    expect(await other.engine.advance(start!)).toBe('kept');
    // Each step falls to the one that does not know of the step before.
    for (const [member, nodeId, value] of [
      [one, 'a', 'x'],
      [other, 'b', 'by a'],
      [one, 'c', 'by b'],
    ] as const) {
      const [lease] = await claimed(member, 1);
      expect(await member.engine.inputFor(lease!)).toMatchObject({
        node: { id: nodeId },
        input: { values: { value } },
      });
      expect(await settle(member, lease!)).toBe('kept');
    }
    const ended = await other.store.getRun(WORKSPACE, run.id);
    expect(ended).toMatchObject({ status: 'succeeded', output: JSON.stringify({ out: 'by c' }) });
  });

  it('settle passes of one node at the same time, of which none is lost or counted twice', async () => {
    const [one, other] = members as [Member, Member];
    const run = await enqueued(
      one,
      {
        nodes: [
          node('in', inputNode, { label: 'in' }, { types: { output: many('str') } }),
          node('each', effect),
          node('out', outputNode, { label: 'out' }),
        ],
        edges: [edge('in::output', 'each::value'), edge('each::output', 'out::input')],
      },
      ['x', 'y', 'z'],
    );
    const [start] = await claimed(one, 1);
    expect(await one.engine.advance(start!)).toBe('kept');
    const [first, second, third] = await claimed(one, 3);
    // What the one has in memory is a step behind from here on, and its second change is decided on its first, which does not hold: a pass that the
    // first has counted would be counted again.
    expect(await settle(other, third!, 1)).toBe('kept');
    expect(await Promise.all([settle(one, first!, 10), settle(one, second!, 100)])).toEqual(['kept', 'kept']);
    const records = await one.store.listNodeRuns(WORKSPACE, run.id, { payloads: true });
    const each = records.find(({ nodeId }) => nodeId === 'each');
    expect(each).toMatchObject({ status: 'succeeded', attempts: 3, usage: { inputTokens: 111 } });
    const ended = await other.store.getRun(WORKSPACE, run.id);
    expect(ended).toMatchObject({
      status: 'succeeded',
      output: JSON.stringify({ out: ['by each', 'by each', 'by each'] }),
    });
    expect((await one.store.stats()).queuedTasks).toBe(0);
  });
});
