import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heldSystem, memoryBlobs } from '../../test/support/system.ts';
import { type Caller, SCOPES } from '../domain/caller.ts';
import type { TakenSpan } from '../domain/taken-span.ts';
import { Payloads } from '../engine/payloads.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { openLog } from '../system/log.ts';
import { arrange } from './taken-run.ts';
import { TakenTraces } from './taken-traces.ts';

const caller: Caller = { keyId: 'k', keyName: 'k', keyPrefix: 'k', workspaceId: 'w', scopes: new Set(SCOPES) };
const system = heldSystem();

let folder: string;
let store: Store;
let traces: TakenTraces;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-taken-'));
  store = openSqliteStore(folder);
  traces = takenTraces();
});

function takenTraces(limits: { maxCharacters?: number } = {}): TakenTraces {
  const keyring = { redactorOf: async () => null } as never;
  const payloads = new Payloads(memoryBlobs(), system);
  return new TakenTraces({ store, payloads, keyring, system, log: openLog('silent'), ...limits });
}
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const span = (spanId: string, parentSpanId: string | null, set: Partial<TakenSpan> = {}): TakenSpan => ({
  traceId: 'trace',
  spanId,
  parentSpanId,
  name: spanId,
  service: 'bot',
  startedAt: 1_000,
  finishedAt: 2_000,
  role: 'other',
  isGenAi: true,
  model: null,
  usage: null,
  inputs: null,
  outputs: null,
  error: null,
  events: [],
  attributes: {},
  ...set,
});

const runId = async () => (await store.takenTrace('w', 'trace')).runId;

describe('a trace', () => {
  it('whose root is elsewhere is a run once it has been quiet for half a minute', async () => {
    await traces.take(caller, [span('b', 'a', { startedAt: 1_001 }), span('a', 'elsewhere')]);
    system.pass(29_000);
    await traces.sweep();
    expect(await runId()).toBeNull();
    system.pass(1_000);
    expect(await traces.sweep()).toBe(1);
    const run = await store.getRun('w', (await runId()) ?? '');
    expect(run).toMatchObject({ status: 'succeeded', trace: { traceId: 'trace', parentSpanId: 'elsewhere' } });
    expect(await traces.sweep()).toBe(0);
    // The root after all.
    await traces.take(caller, [span('elsewhere', null, { startedAt: 900 })]);
    const nodes = await store.listNodeRuns('w', run?.id ?? '', { payloads: false });
    expect(nodes.map(({ nodeId }) => nodeId).toSorted()).toEqual(['a', 'a/b']);
    expect(await runId()).toBe(run?.id);
  });

  it('that has to do with no model is let go of', async () => {
    await traces.take(caller, [span('a', null, { isGenAi: false })]);
    expect(await runId()).toBeNull();
    system.pass(30_000);
    expect(await traces.sweep()).toBe(1);
    expect(await store.takenTrace('w', 'trace')).toEqual({ spans: [], runId: null });
  });

  it('that comes from two sides at once is one run with all of its spans', async () => {
    const spans = [span('a', null), ...['b', 'c', 'd', 'e'].map((id) => span(id, 'a'))];
    // As another process would: neither waits for the other's turn.
    const other = takenTraces();
    await Promise.all(spans.map((one, index) => (index % 2 === 0 ? traces : other).take(caller, [one])));
    const nodes = await store.listNodeRuns('w', (await runId()) ?? '', { payloads: false });
    expect(nodes.map(({ nodeId }) => nodeId).toSorted()).toEqual(['b', 'c', 'd', 'e']);
  });

  it('keeps no other from becoming a run when none can be made of it', async () => {
    const usage = { inputTokens: 1, outputTokens: 1, cost: 'dear' };
    const broken = span('a', 'elsewhere', { traceId: 'broken', role: 'model', usage });
    await store.commit([{ kind: 'putOtlpSpans', workspaceId: 'w', runId: null, spans: [broken], at: 0 }]);
    await traces.take(caller, [span('a', 'elsewhere')]);
    system.pass(30_000);
    expect(await traces.sweep()).toBe(2);
    expect((await store.takenTrace('w', 'broken')).runId).toBeNull();
    expect(await runId()).not.toBeNull();
  });

  it('is kept as far as it fits into memory', async () => {
    traces = takenTraces({ maxCharacters: 10_000 });
    const large = 'x'.repeat(2_000);
    const spans = ['a', 'b', 'c', 'd', 'e'].map((id) => span(id, 'root', { attributes: { large } }));
    for (const one of spans.slice(0, 4)) expect(await traces.take(caller, [one])).toMatchObject({ rejected: 0 });
    expect(await traces.take(caller, [span('root', null), spans[4]!])).toMatchObject({ rejected: 1 });
    const { spans: kept } = await store.takenTrace('w', 'trace');
    expect(kept.map(({ spanId }) => spanId).toSorted()).toEqual(['a', 'b', 'c', 'd', 'root']);
  });

  it('whose spans are each other’s parents has an end all the same', () => {
    const arranged = arrange([span('a', 'b'), span('b', 'a'), span('c', 'c')], true);
    expect(arranged?.root.spanId).toBe('a');
    expect(arranged?.nodes.map(({ nodeId }) => nodeId)).toEqual(['b', 'c']);
  });
});
