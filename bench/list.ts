import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readDefinition } from '../src/api/noxus/definition.ts';
import { SCOPES } from '../src/domain/caller.ts';
import type { Run } from '../src/domain/run.ts';
import { createCatalogue } from '../src/nodes/catalogue.ts';
import { ensureFirstKey } from '../src/operations/access.ts';
import { Workflows } from '../src/operations/workflows.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { realSystem } from '../src/system/system.ts';
import { fiveNodeWorkflow } from './five-nodes.ts';
import { load } from './load.ts';
import { BENCH_KEY, startServer } from './server.ts';

/** Runs given to the store at once while filling: one sync each. */
const FILL_GROUP = 2000;

/**
 * Does a list cost more when there are more runs? The newest 50 and page 1,000, both with the exact total, over HTTP, in a growing store; beside
 * the bare query for the newest 50 rows on the same file.
 */
export async function bench(args: string[]): Promise<void> {
  const sizes = (args[0] ?? '10000,100000,1000000').split(',').map(Number);
  const folder = mkdtempSync(join(tmpdir(), 'millrun-list-'));
  try {
    console.log(
      '| runs | newest 50: p50 ms | p99 ms | page 1,000 of 50: p50 ms | p99 ms | floor: bare SQL, newest 50: ms | ratio |',
    );
    console.log('|---|---|---|---|---|---|---|');
    let filled = 0;
    for (const size of sizes) {
      const workspaceId = await fill(folder, size - filled);
      filled = size;
      const server = await startServer({ folder });
      const request = { url: server.url, headers: { 'x-api-key': server.key }, concurrency: 1, seconds: 3 };
      const newest = await load({ ...request, path: '/v1/runs?size=50' });
      const deep = await load({ ...request, path: '/v1/runs?size=50&page=1000' });
      await server.stop();
      const floor = bareQuery(folder, workspaceId);
      const cells = [newest.p50, newest.p99, deep.p50, deep.p99].map((ms) => ms.toFixed(2));
      console.log(`| ${size} | ${cells.join(' | ')} | ${floor.toFixed(3)} | ${(newest.p50 / floor).toFixed(1)} |`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string, runs: number): Promise<string> {
  const store = openSqliteStore(folder);
  const workspaceId = await ensureFirstKey(store, realSystem, { first: BENCH_KEY, preset: BENCH_KEY });
  const catalogue = createCatalogue();
  const caller = { keyId: 'bench', keyName: 'bench', keyPrefix: 'bench', workspaceId, scopes: new Set(SCOPES) };
  const { version } = await new Workflows({ store, catalogue, system: realSystem }).create(caller, {
    name: 'Five nodes',
    type: 'flow',
    description: null,
    given: readDefinition(structuredClone(fiveNodeWorkflow.definition) as never, catalogue),
    errorHandlerId: null,
    settings: {},
    meta: {},
  });
  for (let made = 0; made < runs; made += FILL_GROUP) {
    const group = Array.from({ length: Math.min(FILL_GROUP, runs - made) }, () =>
      store.commit([{ kind: 'createRun', run: finishedRun(workspaceId, version.workflowId, version.id) }]),
    );
    await Promise.all(group);
  }
  await store.close();
  return workspaceId;
}

function finishedRun(workspaceId: string, workflowId: string, versionId: string): Run {
  const now = Date.now();
  return {
    id: realSystem.newId(),
    workspaceId,
    workflowId,
    workflowVersionId: versionId,
    versionPinned: false,
    status: Math.random() < 0.9 ? 'succeeded' : 'failed',
    revision: 1,
    progress: 100,
    createdAt: now,
    startedAt: now,
    finishedAt: now,
    source: 'bench',
    nodeIds: null,
    singleNodeId: null,
    input: '{"Text":"World"}',
    output: '{"Result":"Result: Hello World"}',
    failure: null,
    kind: 'flow',
    nodesTotal: 0,
    nodesCompleted: 0,
    meta: null,
    context: null,
    clientRef: null,
    batchId: null,
    requestId: null,
    cost: null,
    costBreakdown: null,
    feedback: null,
    dialect: 'noxus',
    callbackUrl: null,
    apiKeyId: null,
    tracing: false,
    trace: null,
    debugger: null,
    parent: null,
    subflows: null,
  };
}

/** Milliseconds of the query alone. */
function bareQuery(folder: string, workspaceId: string): number {
  const db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
  const query = db.prepare(
    `select r.*, p.input from runs r join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
     where r.workspace_id = ? order by r.id desc limit 50`,
  );
  const rounds = 300;
  for (let i = 0; i < 50; i += 1) query.all(workspaceId);
  const began = performance.now();
  for (let i = 0; i < rounds; i += 1) query.all(workspaceId);
  const ms = (performance.now() - began) / rounds;
  db.close();
  return ms;
}
