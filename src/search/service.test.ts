import { existsSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRunStore, type RunStore } from '../../test/support/run-store.ts';
import { PlatformError } from '../domain/error.ts';
import type { Store } from '../store/store.ts';
import type { RunSearchRequest } from './search.ts';
import { SearchService } from './service.ts';

/** Milliseconds within which a thread starts and takes in a handful of runs, however busy the machine is. */
const PATIENCE_MS = 20_000;

type Role = 'writer' | 'reader';

let runs: RunStore;
let service: SearchService;
let threads: { role: Role; thread: Worker }[];

beforeEach(() => {
  runs = openRunStore();
  threads = [];
  service = serve(productThread);
});

afterEach(async () => {
  await service.close();
  await runs.close();
});

function serve(startThread: (role: Role) => Worker, more: { idleMs?: number; store?: Store } = {}): SearchService {
  const { store, system } = runs;
  return new SearchService({
    store,
    system,
    log: pino({ level: 'silent' }),
    ...more,
    startThread: (role) => {
      const thread = startThread(role);
      threads.push({ role, thread });
      return thread;
    },
  });
}

/** A thread as the product has it. */
function productThread(role: Role): Worker {
  const workerData = { role, folder: runs.folder, maxCharacters: 1_000_000, embedder: { kind: 'builtin' } };
  return new Worker(new URL('../platform-search.ts', import.meta.url), { workerData });
}

/** One that takes snapshots, and starts from them. */
function snapshottingThread(role: Role): Worker {
  const common = { folder: runs.folder, maxCharacters: 1_000_000, embedder: { kind: 'builtin' } };
  const workerData = { role, ...common, snapshotMs: 3_600_000 };
  return new Worker(new URL('../platform-search.ts', import.meta.url), { workerData });
}

/** A thread that ends as soon as it is asked anything. */
const dyingThread = () =>
  new Worker("require('worker_threads').parentPort.on('message', () => process.exit())", { eval: true });

function request(query: string): RunSearchRequest {
  const common = { exact: true, similarityThreshold: 0, limit: 100, contextSize: 10, maxMatchesPerRun: 3 };
  return { workspaceId: runs.workspaceId, query, ...common };
}

async function found(query: string): Promise<string[]> {
  expect(await service.reached(await runs.lastPosition(), PATIENCE_MS)).toBe(true);
  return (await service.search(request(query))).hits.map(({ runId }) => runId);
}

async function end(role: Role): Promise<void> {
  const thread = threads.findLast((one) => one.role === role)?.thread;
  if (!thread) return;
  const exit = new Promise((resolve) => thread.once('exit', resolve));
  thread.postMessage({ kind: 'stop' });
  await exit;
}

test('no thread runs before there is something to do', async () => {
  expect(threads).toEqual([]);
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  expect(threads.map(({ role }) => role)).toEqual(['writer', 'reader']);
});

test('the index follows the log without being asked', async () => {
  await runs.addRun({ Text: 'heron' });
  const position = await runs.lastPosition();
  while ((await service.status()).position < position) await new Promise(setImmediate);
  expect(await service.status()).toMatchObject({ position, indexedRuns: 1 });
});

test('a store that is away when the index is looked at, or its thread is to be let go, is asked again', async () => {
  await service.close();
  const { store } = runs;
  let away = 0;
  const onceAway = new Set(['begin', 'idle']);
  // The real store, whose server cannot be reached the first time it is asked in each case.
  const flaky = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'stats') return typeof value === 'function' ? value.bind(target) : value;
      return async () => {
        const isAway = onceAway.delete(threads.length === 0 ? 'begin' : 'idle');
        if (!isAway) return target.stats();
        away += 1;
        throw new PlatformError('unavailable', 'The store cannot be reached.');
      };
    },
  });
  await runs.addRun({ Text: 'heron' });
  service = serve(productThread, { idleMs: 1, store: flaky });
  const position = await runs.lastPosition();
  while ((await service.status()).position < position) await new Promise(setImmediate);
  const { thread } = threads[0]!;
  if (thread.threadId !== -1) await new Promise((resolve) => thread.once('exit', resolve));
  expect(away).toBe(2);
});

test('the indexing thread is let go when nothing happens, and comes back with the next run', async () => {
  await service.close();
  service = serve(productThread, { idleMs: 1 });
  const one = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([one.id]);
  const first = threads.find(({ role }) => role === 'writer')!.thread;
  // A thread that has ended has no id any more.
  if (first.threadId !== -1) await new Promise((resolve) => first.once('exit', resolve));
  const two = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([two.id, one.id]);
  expect(threads.filter(({ role }) => role === 'writer').length).toBeGreaterThan(1);
});

test('an indexing thread that dies is started again and goes on', async () => {
  const one = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([one.id]);
  await end('writer');
  const two = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([two.id, one.id]);
});

test('a question is answered though the thread dies that it was given to', async () => {
  await service.close();
  service = serve((role) => {
    const isFirst = role === 'reader' && !threads.some((one) => one.role === 'reader');
    return isFirst ? dyingThread() : productThread(role);
  });
  const { id } = await runs.addRun({ Text: 'heron' });
  await service.reached(await runs.lastPosition(), PATIENCE_MS);
  const answer = await service.search(request('heron'));
  expect(answer.hits.map(({ runId }) => runId)).toEqual([id]);
  expect(threads.map(({ role }) => role)).toEqual(['writer', 'reader', 'reader']);
});

test('a question that kills its thread is refused the second time, and the search lives on', async () => {
  await service.close();
  service = serve((role) => (role === 'reader' && threads.length < 2 ? dyingThread() : productThread(role)));
  await expect(service.search(request('deadly'))).rejects.toThrow('The search thread ended.');
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
});

test('a question that meets a damaged index is answered from the one that is built instead', async () => {
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  truncateSync(join(runs.folder, 'search.db'), 10);
  expect(await found('heron')).toEqual([id]);
});

test('while the index is built anew, answers say so, and that there may be more', async () => {
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  await service.rebuild();
  expect(await service.status()).toMatchObject({ position: 0, rebuilding: true });
  const during = await service.search(request('heron'));
  expect(during).toMatchObject({ totalIsLowerBound: true, rebuild: { indexedRuns: expect.any(Number) } });
  await service.reached(await runs.lastPosition(), PATIENCE_MS);
  while ((await service.status()).rebuilding) await new Promise(setImmediate);
  expect(await service.search(request('heron'))).toMatchObject({ total: 1, totalIsLowerBound: false });
});

test('searches are answered though the index is taken away under them again and again', async () => {
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  for (let round = 0; round < 20; round++) {
    const answers = [service.search(request('heron')), service.search(request('heron'))];
    await service.rebuild();
    answers.push(service.search(request('heron')));
    await expect(Promise.all(answers)).resolves.toHaveLength(3);
  }
  expect(await found('heron')).toEqual([id]);
});

test('a rebuild that its thread does not survive is done by the next one', async () => {
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  await service.rebuild();
  await end('writer');
  expect(await found('heron')).toEqual([id]);
});

test('who waits for the index is told when it does not come in time', async () => {
  expect(await service.reached(1_000_000, 50)).toBe(false);
});

test('closing answers everyone who still waits', async () => {
  await runs.addRun({ Text: 'heron' });
  const waiting = service.reached(1_000_000, PATIENCE_MS);
  const asking = service.search(request('heron'));
  const refused = expect(asking).rejects.toThrow('closed');
  await service.close();
  expect(await waiting).toBe(false);
  await refused;
  await expect(service.search(request('heron'))).rejects.toThrow('closed');
});

test('a damaged index is replaced by its last snapshot, which a rebuild does not begin with', async () => {
  await service.close();
  service = serve(snapshottingThread);
  const { id } = await runs.addRun({ Text: 'heron' });
  expect(await found('heron')).toEqual([id]);
  const snapshot = join(runs.folder, 'blobs/search-snapshots/1-of-1/a');
  await vi.waitFor(() => expect(existsSync(snapshot)).toBe(true), PATIENCE_MS);

  // What happened before the snapshot can be read from the log no more.
  const db = new DatabaseSync(join(runs.folder, 'millrun.db'), { timeout: 5000 });
  db.exec('delete from events');
  db.close();
  await runs.addRun({ Text: 'egret' });
  expect(await found('egret')).toHaveLength(1);
  truncateSync(join(runs.folder, 'search.db'), 40_000);
  await vi.waitFor(async () => expect(await found('heron')).toEqual([id]), PATIENCE_MS);
  expect(await found('egret')).toHaveLength(1);

  await service.rebuild();
  await vi.waitFor(async () => expect(await found('heron')).toEqual([]), PATIENCE_MS);
  expect(await found('egret')).toHaveLength(1);
});
