import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queuedRun } from '../../../test/support/definitions.ts';
import { heldSystem } from '../../../test/support/system.ts';
import { describeBulkJobs } from '../bulk-jobs.conformance.ts';
import { describeClaims } from '../claims.conformance.ts';
import { describeCredentials } from '../credentials.conformance.ts';
import { describeEvaluations } from '../evaluations.conformance.ts';
import { describeInvokedRuns } from '../invoked-runs.conformance.ts';
import { describePersonRequests } from '../person-requests.conformance.ts';
import { describeRunQueries } from '../run-queries.conformance.ts';
import { describeSearchMembers } from '../search-members.conformance.ts';
import { describeStore, type OpenedStore } from '../store.conformance.ts';
import type { Store } from '../store.ts';
import { describeTriggers } from '../triggers.conformance.ts';
import { describeWorkflowLists } from '../workflow-lists.conformance.ts';
import { openSqliteStore } from './sqlite-store.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const newFolder = () => mkdtempSync(join(tmpdir(), 'millrun-store-'));

async function openNew(runsPerWorkspace: number | null = null): Promise<OpenedStore> {
  const folder = newFolder();
  let store = openSqliteStore(folder, { runsPerWorkspace });
  return {
    store,
    async reopen() {
      await store.close();
      store = openSqliteStore(folder, { runsPerWorkspace });
      return store;
    },
    async dispose() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

describeStore('the SQLite store', () => openNew());
describeRunQueries('the SQLite store', () => openNew());
describeWorkflowLists('the SQLite store', () => openNew());
describeEvaluations('the SQLite store', () => openNew());
describeClaims('the SQLite store', openNew);
describePersonRequests('the SQLite store', () => openNew());
describeInvokedRuns('the SQLite store', () => openNew());
describeCredentials('the SQLite store', () => openNew());
describeTriggers('the SQLite store', () => openNew());
describeSearchMembers('the SQLite store', () => openNew());
describeBulkJobs('the SQLite store', () => openNew());

describe('a folder of the SQLite store', () => {
  const owner = { workspaceId: 'w', workflowId: 'f' };
  let folder: string;
  let open: Store[];
  const system = heldSystem();

  beforeEach(() => {
    folder = newFolder();
    open = [];
  });
  afterEach(async () => {
    for (const store of open) await store.close();
    rmSync(folder, { recursive: true });
  });

  const opened = () => {
    const store = openSqliteStore(folder);
    open.push(store);
    return store;
  };
  const closed = async (store: Store) => {
    open = open.filter((each) => each !== store);
    await store.close();
  };

  /** Runs a module text in a Node process of its own; what it prints is its answer. */
  const child = (code: string) => {
    const storeUrl = new URL('./sqlite-store.ts', import.meta.url).href;
    const source = `import { openSqliteStore } from ${JSON.stringify(storeUrl)};\nconst folder = ${JSON.stringify(folder)};\n${code}`;
    const started = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    return { process: started, lines: () => printed.split('\n').slice(0, -1), ended: once(started, 'close') };
  };

  it('belongs to one owner: a second handle and a second process are refused until the first lets go', async () => {
    const store = opened();
    expect(() => openSqliteStore(folder)).toThrow('Another millrun process owns');
    const attempt = `try { openSqliteStore(folder); console.log('opened'); } catch (error) { console.log(error.name); }`;
    const refused = child(attempt);
    await refused.ended;
    expect(refused.lines()).toEqual(['StoreInUse']);
    await closed(store);
    const accepted = child(attempt);
    await accepted.ended;
    expect(accepted.lines()).toEqual(['opened']);
  });

  it('whose file is no database is refused, with what to do, and the lock is let go', () => {
    writeFileSync(join(folder, 'millrun.db'), 'no database, but long enough to be looked at');
    for (let round = 0; round < 2; round++) {
      expect(() => openSqliteStore(folder)).toThrow(/is damaged or no store of millrun .* Restore it from a backup/);
    }
  });

  it('that a newer version wrote is refused, and left as it is', async () => {
    await closed(opened());
    const newer = new DatabaseSync(join(folder, 'millrun.db'));
    const { user_version: ours } = newer.prepare('pragma user_version').get()!;
    newer.exec('pragma user_version = 1000');
    newer.close();
    expect(() => openSqliteStore(folder)).toThrow('Start the newer version');
    const after = new DatabaseSync(join(folder, 'millrun.db'));
    expect(after.prepare('pragma user_version').get()).toEqual({ user_version: 1000 });
    after.exec(`pragma user_version = ${ours}`);
    after.close();
    opened();
  });

  it('holds every acknowledged change, whole, when its process is killed at any moment', {
    timeout: 300_000,
  }, async () => {
    const acknowledged = new Set<string>();
    for (let cycle = 0; cycle < (LONG ? 50 : 4); cycle += 1) {
      const writer = child(WRITE_FOR_EVER);
      const enough = 1 + Math.floor(Math.random() * 400);
      await new Promise<void>((resolve) => {
        writer.process.stdout.on('data', () => {
          if (writer.lines().length >= enough) resolve();
        });
        void writer.ended.then(() => resolve());
      });
      writer.process.kill('SIGKILL');
      await writer.ended;
      expect(writer.process.signalCode).toBe('SIGKILL');
      for (const id of writer.lines()) acknowledged.add(id);

      const store = opened();
      const there = new Set<string>();
      for (let page = 1; ; page += 1) {
        const { items } = await store.listRuns({ workspaceId: 'w' }, { page, size: 500 }, { output: false });
        for (const run of items) there.add(run.id);
        if (items.length < 500) break;
      }
      expect([...acknowledged].filter((id) => !there.has(id))).toEqual([]);
      // All or none: as many runs as are counted, as events, and as tasks.
      const { runsByStatus, queuedTasks, lastPosition } = await store.stats();
      expect({ ...runsByStatus, queuedTasks, lastPosition }).toEqual({
        queued: there.size,
        queuedTasks: there.size,
        lastPosition: there.size,
      });
      await closed(store);
    }
    expect(acknowledged.size).toBeGreaterThan(0);
  });

  /** Commits `count` runs of `bytes` input each, `together` at a time; calls `look` after each group. */
  async function load(store: Store, count: number, bytes: number, together: number, look: () => void): Promise<void> {
    const input = JSON.stringify({ text: 'x'.repeat(bytes) });
    for (let done = 0; done < count; done += together) {
      const runs = Array.from({ length: together }, () => queuedRun(owner, system, { input }));
      await Promise.all(runs.map((run) => store.commit([{ kind: 'createRun', run }])));
      look();
    }
  }

  it('keeps its write-ahead log bounded under constant load, and small after it is closed', {
    timeout: 60_000,
  }, async () => {
    const store = opened();
    const log = join(folder, 'millrun.db-wal');
    let largest = 0;
    const groups = LONG ? 5_000 : 350;
    await load(store, groups * 2, 120_000, 2, () => {
      largest = Math.max(largest, statSync(log).size);
    });
    const written = groups * 2 * 120_000;
    expect(written).toBeGreaterThan(80 * 1024 * 1024);
    expect(largest).toBeLessThan(64 * 1024 * 1024);
    await closed(store);
    expect(existsSync(log)).toBe(false);
  });

  // The limit on the test's time is the assertion: a checkpoint that waits for readers takes five seconds at each look.
  it('goes on committing while somebody reads from it for long', { timeout: 12_000 }, async () => {
    const store = opened();
    await load(store, 1, 10, 1, () => undefined);
    const reader = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
    reader.exec('begin');
    expect(reader.prepare('select count(*) as n from runs').get()).toEqual({ n: 1 });
    let turns = 0;
    // 64 groups lie between two looks at the log, 16 MB start a checkpoint; a pause lets the checkpoint's end arrive.
    for (let round = 0; round < 3; round += 1) {
      await load(store, 80, 220_000, 1, () => {
        turns += 1;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(turns).toBe(240);
    expect(reader.prepare('select count(*) as n from runs').get()).toEqual({ n: 1 });
    reader.exec('commit');
    expect(reader.prepare('select count(*) as n from runs').get()).toEqual({ n: 241 });
    reader.close();
  });

  it('makes due at once, when it is opened again, what its last owner had claimed', async () => {
    const run = queuedRun(owner, system);
    const of = { workspaceId: run.workspaceId, runId: run.id };
    const task = { ...of, id: 't', nodeId: null, iteration: 0, attempt: 1, dueAt: 5, startOf: null, outputs: null };
    const before = opened();
    await before.commit([
      { kind: 'createRun', run },
      { kind: 'addTask', task },
    ]);
    const claim = { limit: 10, now: 5, leaseMs: 1_000_000 };
    expect(await before.claimTasks(claim)).toHaveLength(1);
    expect(await before.claimTasks(claim)).toEqual([]);
    await closed(before);
    const [lease] = await opened().claimTasks(claim);
    expect(lease?.task).toEqual(task);
  });

  it('lets readings on a thread see what was committed before they were asked', async () => {
    const store = opened();
    for (let made = 1; made <= 20; made += 1) {
      await store.commit([{ kind: 'createRun', run: queuedRun(owner, system, { status: 'succeeded' }) }]);
      const found = await store.findRunsBefore({ workspaceId: 'w', before: Number.MAX_SAFE_INTEGER }, 1);
      expect(found.total).toBe(made);
    }
  });
});

/** Commits runs, each with a task and an event, twenty at a time, and prints the id of each one that was kept. */
const WRITE_FOR_EVER = `
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
const store = openSqliteStore(folder);
async function write() {
  for (;;) {
    const id = randomUUID();
    const of = { workspaceId: 'w', runId: id };
    const run = {
      id, workspaceId: 'w', workflowId: 'f', workflowVersionId: 'v', versionPinned: false, status: 'queued', revision: 0,
      progress: 0, createdAt: 1, startedAt: null, finishedAt: null, source: 'test', nodeIds: null, singleNodeId: null,
      input: '{}', output: null, failure: null, kind: 'flow', nodesTotal: 0, nodesCompleted: 0, meta: null, context: null, clientRef: null, batchId: null,
      requestId: null, cost: null, costBreakdown: null, feedback: null, dialect: 'noxus', callbackUrl: null, apiKeyId: null, tracing: false, debugger: null, parent: null, subflows: null,
    };
    const task = { ...of, id, nodeId: null, iteration: 0, attempt: 1, dueAt: 1, startOf: null, outputs: null };
    const event = { ...of, workflowId: 'f', at: 1, kind: 'created', data: { status: 'queued', progress: 0 } };
    const result = await store.commit([{ kind: 'createRun', run }, { kind: 'addTask', task }, { kind: 'appendEvent', event }]);
    if (result === 'kept') writeSync(1, id + '\\n');
  }
}
for (let n = 0; n < 20; n += 1) void write();
`;
