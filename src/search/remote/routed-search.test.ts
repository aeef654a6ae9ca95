import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRunStore, type RunStore } from '../../../test/support/run-store.ts';
import { partitionOf, readShare } from '../../domain/search-share.ts';
import type { RunSearchRequest } from '../search.ts';
import { SearchService } from '../service.ts';
import { searchSecret, sign, whyRefused } from './member-protocol.ts';
import { createMemberServer } from './member-server.ts';
import { RoutedSearch } from './routed-search.ts';

/** Milliseconds within which a thread starts and takes in a handful of runs, however busy the machine is. */
const PATIENCE_MS = 20_000;

const log = pino({ level: 'silent' });
const secret = searchSecret(Buffer.alloc(32, 1));

let runs: RunStore;
let service: SearchService;
let machines: { server: Server; asked: string[] }[];
let routers: RoutedSearch[];

beforeEach(() => {
  runs = openRunStore();
  machines = [];
  routers = [];
  const { store, system, folder } = runs;
  service = new SearchService({
    store,
    system,
    log,
    startThread: (role) => {
      const workerData = { role, folder, maxCharacters: 1_000_000, embedder: { kind: 'builtin' } };
      return new Worker(new URL('../../platform-search.ts', import.meta.url), { workerData });
    },
  });
});

afterEach(async () => {
  for (const router of routers) await router.close();
  for (const { server } of machines) await down(server);
  await service.close();
  await runs.close();
});

async function down(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** A machine for a share; behind all of them is the one index of this test. */
async function machine(
  share: string,
  set: { announced?: boolean; secret?: Buffer } = {},
): Promise<{ url: string; server: Server; asked: string[] }> {
  const id = runs.system.newId();
  const server = createMemberServer({
    id,
    share: readShare(share),
    search: service,
    secret: set.secret ?? secret,
    log,
    lastPosition: () => runs.lastPosition(),
    ready: () => true,
  });
  const asked: string[] = [];
  server.on('request', ({ url }) => asked.push(url!.split('/').at(-1)!));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (set.announced !== false) {
    await runs.store.announceSearch({ id, url, share: readShare(share), position: 1, rebuilding: false });
  }
  machines.push({ server, asked });
  return { url, server, asked };
}

function router(at: 'machines' | readonly string[] = 'machines'): RoutedSearch {
  const made = new RoutedSearch({ store: runs.store, at, secret, log });
  routers.push(made);
  return made;
}

const request = (query: string): RunSearchRequest => ({
  workspaceId: runs.workspaceId,
  query,
  exact: true,
  similarityThreshold: 0,
  limit: 10,
  contextSize: 5,
  maxMatchesPerRun: 1,
});

/** The partition of this test's workspace, and the other one. */
const halves = (): [own: string, other: string] => {
  const own = partitionOf(runs.workspaceId, 2);
  return [`${own}/2`, `${3 - own}/2`];
};

const fresh = async () => ({ position: await runs.lastPosition(), forMs: 5000 });

test('a search goes to a machine that holds the workspace, and waits there for what happened before it', async () => {
  const [own, other] = halves();
  const holding = await machine(own);
  const strange = await machine(other);
  const { id } = await runs.addRun({ Text: 'heron' });
  const { hits, isBehind } = await router().search(request('heron'), await fresh());
  expect(hits.map(({ runId }) => runId)).toEqual([id]);
  expect(hits[0]?.matches[0]?.match).toBe('heron');
  expect(isBehind).toBeUndefined();
  expect([holding.asked, strange.asked]).toEqual([['search'], []]);
});

test('replicas take turns, and one that does not answer is stood in for, and asked last for a while', async () => {
  const one = await machine('1/1');
  const two = await machine('1-2/2');
  await runs.addRun({ Text: 'heron' });
  const search = router();
  for (let n = 0; n < 4; n += 1) await search.search(request('heron'), await fresh());
  expect([one.asked.length, two.asked.length]).toEqual([2, 2]);
  await down(one.server);
  for (let n = 0; n < 4; n += 1) expect((await search.search(request('heron'))).total).toBe(1);
  expect(two.asked).toHaveLength(6);
});

test('a machine that took the place of another is not taken for it, and of two starts of one the later counts', async () => {
  const [own, other] = halves();
  const { url, asked } = await machine(other, { announced: false });
  const before = { id: runs.system.newId(), url, share: readShare(own), position: 9, rebuilding: false };
  await runs.store.announceSearch(before);
  await expect(router().search(request('heron'))).rejects.toThrow('answers at present');
  expect(asked).toEqual(['search']);
  await runs.store.announceSearch({ ...before, id: runs.system.newId(), share: readShare(other) });
  await expect(router().search(request('heron'))).rejects.toThrow('No machine for search holds');
  expect((await router().status()).machines).toHaveLength(1);
});

test('a search that no machine can answer is refused, with when to try again', async () => {
  const [own, other] = halves();
  await machine(other);
  const nobody = {
    kind: 'unavailable',
    retryAfter: 5,
    message: expect.stringContaining('No machine for search holds'),
  };
  await expect(router().search(request('heron'))).rejects.toMatchObject(nobody);
  const { server } = await machine(own);
  await down(server);
  const away = { kind: 'unavailable', message: expect.stringContaining(`(partition ${own[0]} of 2)`) };
  await expect(router().search(request('heron'))).rejects.toMatchObject(away);
});

test('machines are found by address, too, and say themselves what they hold', async () => {
  const [own, other] = halves();
  const { url } = await machine(own, { announced: false });
  const { url: strange } = await machine(other, { announced: false });
  const { id } = await runs.addRun({ Text: 'heron' });
  const search = router([strange, url, 'http://127.0.0.1:1']);
  expect((await search.search(request('heron'), await fresh())).hits.map(({ runId }) => runId)).toEqual([id]);
});

test('one that has another secret answers nobody, and says why', async () => {
  await machine('1/1', { secret: searchSecret(Buffer.alloc(32, 2)) });
  await expect(router().search(request('heron'))).rejects.toThrow('signed with another secret');
});

test('how the index stands is told of each machine, and of partitions that nobody holds', async () => {
  await machine('1/4');
  await machine('1/4');
  await machine('2-3/4');
  await runs.addRun({ Text: 'heron' });
  const search = router();
  expect(await search.reached(await runs.lastPosition(), PATIENCE_MS)).toBe(true);
  const state = await search.status();
  expect(state).toMatchObject({ position: 1, indexedRuns: 2, rebuilding: false });
  expect(state.trouble).toBe('no machine holds partition 4 of 4');
  expect(state.machines?.map(({ share }) => share)).toEqual(['1/4', '1/4', '2-3/4']);
});

test('a rebuild is asked of all machines, and of none is refused', async () => {
  const search = router();
  await expect(search.rebuild()).rejects.toMatchObject({ kind: 'unavailable' });
  const one = await machine('1/1');
  await runs.addRun({ Text: 'heron' });
  await router().rebuild();
  expect(one.asked).toEqual(['rebuild']);
  await vi.waitFor(async () => expect((await service.status()).indexedRuns).toBe(1), PATIENCE_MS);
});

test('readiness and metrics of a machine need no secret, and questions that are not signed are refused', async () => {
  const { url } = await machine('1/1');
  await runs.addRun({ Text: 'heron' });
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  await service.reached(await runs.lastPosition(), PATIENCE_MS);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('millrun_search_lag_events{partition="1/1"} 0');
  expect((await fetch(`${url}/internal/search/search`, { method: 'POST', body: '{}' })).status).toBe(401);
  expect((await fetch(`${url}/internal/search/nothing`, { method: 'POST', body: '{}' })).status).toBe(404);
});

test('a signature is good for one question, one body and five minutes', () => {
  const signature = sign(secret, 'search', '{}', 1_000_000);
  expect(whyRefused(secret, 'search', '{}', signature, 1_200_000)).toBeNull();
  expect(whyRefused(secret, 'rebuild', '{}', signature, 1_200_000)).toContain('another secret');
  expect(whyRefused(secret, 'search', '{ }', signature, 1_200_000)).toContain('another secret');
  expect(whyRefused(secret, 'search', '{}', signature, 1_400_000)).toContain('clocks');
  expect(whyRefused(secret, 'search', '{}', 'nonsense', 1_200_000)).toContain('missing');
});
