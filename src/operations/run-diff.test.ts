import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, node, versionOf } from '../../test/support/definitions.ts';
import { openRunStore, type RunStore } from '../../test/support/run-store.ts';
import { memoryBlobs } from '../../test/support/system.ts';
import type { Caller } from '../domain/caller.ts';
import type { Definition } from '../domain/definition.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { INLINE_PAYLOAD_LIMIT, payloadReference } from '../domain/payload.ts';
import type { Run } from '../domain/run.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import { Engine } from '../engine/engine.ts';
import { Payloads } from '../engine/payloads.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { RunDiffs } from './run-diff.ts';

/** in → say → out. */
const DEFINITION: Definition = {
  nodes: [node('in', inputNode), node('say', composeText, { template: '((x))' }), node('out', outputNode)],
  edges: [edge('in::output', 'say::variables::x'), edge('say::output', 'out::input')],
};

const blobs = memoryBlobs();
let runs: RunStore;
let version: WorkflowVersion;
let diffs: RunDiffs;
let caller: Caller;

beforeEach(async () => {
  runs = openRunStore();
  const { store, system, workspaceId } = runs;
  version = versionOf(DEFINITION, { workspaceId, workflowId: system.newId() }, system);
  await store.commit([{ kind: 'createVersion', version }]);
  const payloads = new Payloads(blobs, system);
  const parts = { store, system, payloads, catalogue: createCatalogue(), log: pino({ level: 'silent' }) };
  diffs = new RunDiffs({ store, payloads, engine: new Engine(parts) });
  caller = { keyId: 'k', keyName: 'k', keyPrefix: '', workspaceId, scopes: new Set(['runs:read']) };
});
afterEach(() => runs.close());

const record = (nodeId: string, set: Partial<NodeRun> = {}): NodeRun => ({
  nodeId,
  status: 'succeeded',
  currentIteration: 1,
  totalIterations: 1,
  iterates: false,
  attempts: 1,
  startedAt: null,
  finishedAt: null,
  inputs: '{}',
  outputs: '{}',
  taken: [],
  failure: null,
  warnings: [],
  usage: null,
  ...set,
});

/** A run with records of its nodes; times are milliseconds from when it was accepted. */
async function run(records: readonly NodeRun[], set: Partial<Run> = {}): Promise<Run> {
  const at = runs.system.now();
  const since = (ms: number | null) => (ms === null ? null : at + ms);
  const times = { createdAt: at, startedAt: since(set.startedAt ?? null), finishedAt: since(set.finishedAt ?? null) };
  const made = await runs.addRun({}, { ...set, ...times, workflowVersionId: version.id });
  await runs.store.commit(
    records.map((one) => ({
      kind: 'putNodeRun',
      workspaceId: made.workspaceId,
      runId: made.id,
      nodeRun: { ...one, startedAt: since(one.startedAt), finishedAt: since(one.finishedAt) },
    })),
  );
  return made;
}

const nodeDiff = async (before: Run, after: Run, nodeId: string) =>
  (await diffs.compare(caller, before.id, after.id)).nodes.find((one) => one.nodeId === nodeId)!;

describe('two runs side by side', () => {
  it('have how long each node could have begun before it did, how long it took, and what it used', async () => {
    const before = await run(
      [
        record('in', { startedAt: 5, finishedAt: 10 }),
        record('say', {
          ...{ startedAt: 30, finishedAt: 130, attempts: 3 },
          usage: { inputTokens: 10, outputTokens: 4, cost: '0.10' },
        }),
      ],
      { startedAt: 5, finishedAt: 140, cost: '0.10' },
    );
    const usage = { inputTokens: 12, outputTokens: 4, cost: '0.3' };
    const after = await run(
      [record('in', { startedAt: 0, finishedAt: 1 }), record('say', { startedAt: 1, finishedAt: 41, usage })],
      { startedAt: 0, finishedAt: 50, cost: '0.3' },
    );
    const found = await diffs.compare(caller, before.id, after.id);
    const [first, say] = found.nodes;
    expect([first?.before?.figures.queueMs, first?.change?.queueMs]).toEqual([5, -5]);
    expect(say?.before?.figures).toEqual({
      ...{ queueMs: 20, durationMs: 100, attempts: 3, inputTokens: 10, outputTokens: 4, cost: '0.10', warnings: 0 },
    });
    expect(say?.change).toEqual({
      ...{ queueMs: -20, durationMs: -60, attempts: -2, inputTokens: 2, outputTokens: 0, cost: '0.2', warnings: 0 },
    });
    expect(found.totals.before).toMatchObject({ queueMs: 5, durationMs: 135, attempts: 4, cost: '0.10' });
    expect(found.totals.change).toMatchObject({ queueMs: -5, durationMs: -85, attempts: -2, cost: '0.2' });
  });

  it('have no figures for what is not known yet, or was not done', async () => {
    const before = await run([record('in', { startedAt: 1, finishedAt: 2 })], { startedAt: 1, finishedAt: 3 });
    const after = await run([record('in', { status: 'running', startedAt: 1 })], { status: 'running', startedAt: 1 });
    const found = await diffs.compare(caller, before.id, after.id);
    expect(found.nodes[0]?.change).toMatchObject({ durationMs: null, cost: null, queueMs: 0 });
    expect(found.totals.change).toMatchObject({ durationMs: null, cost: null });
  });

  it('say of what was taken over where it ran, and count neither its wait nor its tries', async () => {
    const before = await run([record('in', { startedAt: 1, finishedAt: 2 })]);
    const warnings = [{ identifier: 'general', detail: '…', params: { taken_over_from: before.id } }] as const;
    const after = await run([record('in', { startedAt: -50, finishedAt: -49, warnings })]);
    const found = await diffs.compare(caller, before.id, after.id);
    expect(found.nodes[0]?.after).toMatchObject({ takenOverFrom: before.id, figures: { queueMs: null } });
    expect(found.totals.after.attempts).toBe(0);
  });

  it('list the steps inside a node behind it, and what only one of them has', async () => {
    const before = await run([record('in'), record('say'), record('say/1'), record('say/2')]);
    const after = await run([record('in'), record('say'), record('say/2'), record('out')]);
    const { nodes } = await diffs.compare(caller, before.id, after.id);
    expect(nodes.map(({ nodeId }) => nodeId)).toEqual(['in', 'say', 'say/2', 'out', 'say/1']);
    expect(nodes.filter((one) => one.change === null).map(({ nodeId }) => nodeId)).toEqual(['out', 'say/1']);
  });

  it('differ in a node by what its values say, not by the order of their keys or by where they are kept', async () => {
    const large = JSON.stringify({ x: 'x'.repeat(INLINE_PAYLOAD_LIMIT), y: 1 });
    const { size } = await blobs.put('runs/a/1', Buffer.from(large));
    await blobs.put('runs/b/1', Buffer.from(JSON.stringify({ y: 1, x: 'x'.repeat(INLINE_PAYLOAD_LIMIT) })));
    const outputs = (text: string | null) => run([record('say', { outputs: text })]);
    const differ = async (one: string | null, other: string | null) =>
      (await nodeDiff(await outputs(one), await outputs(other), 'say')).outputsDiffer;
    expect(await differ('{"a":1,"b":2}', '{"b":2,"a":1}')).toBe(false);
    expect(await differ('{"a":1,"b":2}', '{"a":2,"b":1}')).toBe(true);
    expect(await differ('{"a":1}', null)).toBe(true);
    expect(await differ(null, null)).toBe(false);
    expect(await differ(payloadReference('runs/a/1', size), payloadReference('runs/b/1', size))).toBe(false);
    expect(await differ(payloadReference('runs/a/1', size), '{"a":1}')).toBe(true);
  });

  it('tell the first of many warnings, and how many there are', async () => {
    const warnings = Array.from({ length: 30 }, () => ({ identifier: 'retry_warning', detail: 'Once more.' }) as const);
    const found = await nodeDiff(await run([record('in', { warnings })]), await run([record('in')]), 'in');
    expect([found.before?.warnings.length, found.before?.figures.warnings, found.change?.warnings]).toEqual([
      20, 30, -30,
    ]);
  });

  it('are shown to who may read runs, and are not there for anybody else', async () => {
    const made = await run([]);
    const none = { ...caller, scopes: new Set<never>() };
    await expect(diffs.compare(none, made.id, made.id)).rejects.toMatchObject({ kind: 'forbidden' });
    const stranger = { ...caller, workspaceId: runs.system.newId() };
    await expect(diffs.compare(stranger, made.id, made.id)).rejects.toMatchObject({ kind: 'not_found' });
  });
});
