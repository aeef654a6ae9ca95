import { afterEach, describe, expect, it } from 'vitest';
import { openRunStore, type RunStore } from '../../test/support/run-store.ts';
import { memoryBlobs } from '../../test/support/system.ts';
import type { Caller, Scope } from '../domain/caller.ts';
import { IMPORT_SOURCE, type RecordedFacts, type RecordedRun } from '../domain/recorded-run.ts';
import { Payloads } from '../engine/payloads.ts';
import { Redactor } from '../engine/redactor.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { recordedLogId, recordedRunId, recordedThingId } from '../system/derived-id.ts';
import { type RecordedWorkflow, RunImport } from './run-import.ts';
import { standInDefinition } from './stand-in.ts';

const AT = Date.UTC(2025, 5, 1);
const WORKFLOW_ID = recordedThingId('test', 'workflow', 'w1');
const VERSION_ID = recordedThingId('test', 'version', 'w1 1');

const stores: RunStore[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

/** A store, the operation over it, and a caller. */
async function opened(redactor: Redactor | null = null) {
  const kept = openRunStore();
  stores.push(kept);
  const { store, system, workspaceId } = kept;
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: workspaceId, name: 'default', createdAt: system.now() } },
  ]);
  const runImport = new RunImport({
    store,
    system,
    payloads: new Payloads(memoryBlobs(), system),
    catalogue: createCatalogue(),
    keyring: { redactorOf: async () => redactor },
  });
  return { ...kept, runImport, caller: callerIn(workspaceId, 'runs:import') };
}

function callerIn(workspaceId: string, ...scopes: Scope[]): Caller {
  return { keyId: 'k', keyName: 'k', keyPrefix: 'k', workspaceId, scopes: new Set(scopes) };
}

const workflow: RecordedWorkflow = {
  id: WORKFLOW_ID,
  name: 'Orders',
  kind: 'flow',
  slug: 'orders',
  type: 'flow',
  description: null,
  currentVersionId: VERSION_ID,
  settings: {},
  meta: {},
  authorName: null,
  createdAt: AT,
  updatedAt: AT,
  versions: [
    {
      id: VERSION_ID,
      name: null,
      description: null,
      createdAt: AT,
      given: standInDefinition({
        nodes: [
          { id: 'read', name: 'Read', type: 'n8n.webhook' },
          { id: 'write', name: 'Write', type: 'n8n.sheet' },
        ],
        edges: [
          { from: 'read', to: 'write' },
          { from: 'write', to: 'read' },
        ],
      }),
    },
  ],
};

function record(key: string, facts: Partial<RecordedFacts> = {}, more: Partial<RecordedRun> = {}): RecordedRun {
  const id = recordedRunId('test', key, AT);
  const nodeRun = {
    nodeId: 'read',
    status: 'succeeded' as const,
    currentIteration: 1,
    totalIterations: 1,
    iterates: false,
    attempts: 1,
    startedAt: AT,
    finishedAt: AT + 5,
    inputs: '{"input":1}',
    outputs: '{"output":"fish"}',
    taken: ['output'],
    failure: null,
    warnings: [],
    usage: null,
  };
  return {
    run: {
      id,
      kind: 'flow',
      workflowId: WORKFLOW_ID,
      workflowVersionId: VERSION_ID,
      versionPinned: false,
      status: 'failed',
      progress: 50,
      nodesTotal: 2,
      nodesCompleted: 1,
      createdAt: AT,
      startedAt: AT,
      finishedAt: AT + 10,
      source: IMPORT_SOURCE,
      trace: null,
      nodeIds: null,
      singleNodeId: null,
      parent: null,
      subflows: null,
      input: '{"order":1.50}',
      output: null,
      failure: { code: 'internal', message: 'The sheet is gone.', nodeId: 'write' },
      meta: { from: 'test' },
      context: null,
      clientRef: key,
      batchId: null,
      cost: null,
      costBreakdown: null,
      feedback: null,
      dialect: 'noxus',
      ...facts,
    },
    nodeRuns: [nodeRun],
    iterations: [],
    logs: [
      { id: recordedLogId(id, AT, 0), nodeId: null, iteration: 0, level: 'info', message: 'began', at: AT, meta: null },
    ],
    evaluation: null,
    below: [],
    ...more,
  };
}

describe('taking in runs that ended elsewhere', () => {
  it('keeps them whole, once, under the same id however often they come', async () => {
    const { store, runImport, caller, workspaceId } = await opened();
    const run = record('a');
    expect(await runImport.take(caller, [workflow], [run, run])).toMatchObject({ imported: [run.run.id] });
    expect(await runImport.take(caller, [workflow], [run])).toMatchObject({ imported: [], present: [run.run.id] });
    expect(await store.getRun(workspaceId, run.run.id)).toMatchObject({ ...run.run, workspaceId, revision: 1 });
    expect(await store.listNodeRuns(workspaceId, run.run.id, { payloads: true })).toEqual(run.nodeRuns);
    expect(await store.listRunLogs(workspaceId, run.run.id, 10)).toEqual([{ ...run.logs[0], runId: run.run.id }]);
    expect((await store.stats()).runsByStatus).toEqual({ failed: 1 });
  });

  it('tells the log of their end as one from which nothing follows', async () => {
    const { store, runImport, caller } = await opened();
    await runImport.take(caller, [workflow], [record('a')]);
    expect(await store.readLog(0, 10)).toMatchObject([
      { kind: 'finished', data: { status: 'failed', imported: true } },
    ]);
  });

  it('gives them a workflow that shows their nodes without the circles, and cannot run', async () => {
    const { store, runImport, caller, workspaceId } = await opened();
    await runImport.take(caller, [workflow], []);
    const found = await store.getWorkflowRecord(workspaceId, WORKFLOW_ID);
    expect(found?.workflow).toMatchObject({ name: 'Orders', slug: 'orders', errorHandlerId: null });
    expect(found?.version.definition.edges.map(({ id }) => id)).toEqual(['read -> write']);
    expect(found?.version.validation.map(({ type }) => type)).toEqual(['stand_in', 'stand_in']);
  });

  it('takes out the secrets of the workspace', async () => {
    const { store, runImport, caller, workspaceId } = await opened(
      Redactor.of([{ name: 'shop', value: 'shop-secret-1' }]),
    );
    const run = record('a', { input: '{"key":"shop-secret-1"}' });
    await runImport.take(caller, [workflow], [run]);
    expect((await store.getRun(workspaceId, run.run.id))?.input).toBe('{"key":"[secret shop]"}');
  });

  it('keeps the runs below a run with it', async () => {
    const { store, runImport, caller, workspaceId } = await opened();
    const run = record('a');
    const parent = { runId: run.run.id, rootId: run.run.id, nodeId: 'read', iteration: 0, attempt: 1, ordinal: 1 };
    const child = record('b', { parent: { ...parent, depth: 1, deadlineAt: null } });
    const lost = record('c', { parent: { ...parent, runId: child.run.id, depth: 2, deadlineAt: null } });
    const report = await runImport.take(
      caller,
      [workflow],
      [
        { ...run, below: [child] },
        { ...lost, below: [] },
      ],
    );
    expect([...report.refused.keys()]).toEqual([lost.run.id]);
    expect(await store.listRunsBelow(workspaceId, run.run.id)).toEqual([child.run.id]);
  });

  it.each<[string, Partial<RecordedFacts>, Partial<RecordedRun>, string]>([
    ['that has not ended', { status: 'running' }, {}, 'only runs that have ended'],
    ['that ended before it began', { finishedAt: AT - 1 }, {}, 'before it began'],
    ['whose id has no time', { id: '3f2b8f6e-38a2-4c1a-9f6e-0d4f8f0a1b2c' }, {}, 'version 7 or 8'],
    ['of a workflow that is not here', { workflowId: VERSION_ID }, {}, 'is not here'],
    ['of another kind than its workflow', { kind: 'model' }, {}, 'its workflow is a flow'],
    ['that says twice what a node did', {}, { nodeRuns: [...record('x').nodeRuns, ...record('x').nodeRuns] }, 'two'],
  ])('refuses a run %s, and takes the others', async (_, facts, more, told) => {
    const { runImport, caller } = await opened();
    const report = await runImport.take(caller, [workflow], [record('bad', facts, more), record('good')]);
    expect([...report.refused.values()]).toEqual([expect.stringContaining(told)]);
    expect(report.imported).toHaveLength(1);
  });

  it('asks for the scope runs:import', async () => {
    const { runImport, workspaceId } = await opened();
    await expect(runImport.take(callerIn(workspaceId, 'admin'), [], [])).rejects.toThrow('runs:import');
  });
});
