import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SCOPES } from '../../src/domain/caller.ts';
import { partitionOf } from '../../src/domain/search-share.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import postgres from '../../src/store/postgres/driver.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { realSystem } from '../../src/system/system.ts';
import { Client } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { runBinary, type SpawnedServer, spawnServer, startPlatform, type TestServer } from '../support/server.ts';

const cluster = startsPostgres();

/** Milliseconds within which a process starts and takes in a handful of runs, however busy the machine is. */
const PATIENCE = { timeout: 60_000, interval: 100 };

const KEYS = ['key_of_partition_1', 'key_of_partition_2'] as const;

let root: string;
let schema: { url: string; drop(): Promise<void> };
let server: TestServer;
const machines: SpawnedServer[] = [];
/** Callers of a workspace of each half. */
let callers: [Client, Client];

/** A data folder that has the secret of the installation and shares its blobs. */
function dataFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'secret.key'), `${'5e'.repeat(32)}\n`);
  symlinkSync(join(root, 'blobs'), join(folder, 'blobs'));
  return folder;
}

async function startMachine(name: string, partition: string): Promise<SpawnedServer> {
  const env = { MILLRUN_STORE: schema.url, MILLRUN_SEARCH_PARTITION: partition, MILLRUN_LOG_LEVEL: 'warn' };
  const machine = await spawnServer({ folder: dataFolder(name), env, command: ['search', 'serve'] });
  machines.push(machine);
  return machine;
}

/** A workspace in a partition of two, with a key. */
async function addWorkspace(key: string, partition: number): Promise<void> {
  const store = await openPostgresStore(schema.url);
  let workspaceId = realSystem.newId();
  while (partitionOf(workspaceId, 2) !== partition) workspaceId = realSystem.newId();
  const createdAt = realSystem.now();
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: workspaceId, name: key, createdAt } },
    {
      kind: 'putApiKey',
      key: keyRecord(key, { id: realSystem.newId(), workspaceId, name: key, scopes: SCOPES, createdAt }),
    },
  ]);
  await store.close();
}

async function greet(client: Client, name: string): Promise<string> {
  const { id } = await client.save(GREETING);
  return (await client.run(id, { input: { Name: name } })).id;
}

const search = (client: Client, query: string) => client.send('POST', '/v1/runs/search', { query });

const finds = (client: Client, query: string, id: string) =>
  vi.waitFor(async () => {
    const { status, body } = await search(client, query);
    expect({ status, ids: body.items?.map((item: { id: string }) => item.id) }).toEqual({ status: 200, ids: [id] });
    expect(body.total_is_lower_bound ?? false).toBe(false);
  }, PATIENCE);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrun-partitions-'));
  mkdirSync(join(root, 'blobs'));
  schema = cluster.newSchema();
  await addWorkspace(KEYS[0], 1);
  await addWorkspace(KEYS[1], 2);
  server = await startPlatform({
    folder: dataFolder('server'),
    settings: { store: schema.url, 'search-at': 'machines' },
  });
  callers = [new Client(server.url, KEYS[0]), new Client(server.url, KEYS[1])];
}, 120_000);

afterAll(async () => {
  await Promise.all(machines.map((machine) => machine.child.exitCode ?? machine.child.kill('SIGKILL')));
  await Promise.all(machines.map((machine) => machine.stop()));
  await server?.stop();
  await schema?.drop();
  rmSync(root, { recursive: true, force: true });
});

test('search on machines of its own: halves are found, one may die, and a replica takes over from its snapshot', async () => {
  const [one, two] = callers;
  const early = await greet(one, 'Wilhelmina');
  const theirs = await greet(two, 'Wilhelmina');

  // Nobody is there yet.
  const before = await search(one, 'Wilhelmina');
  expect(before.status).toBe(503);
  expect(before.body.detail).toContain('No machine for search holds this workspace');

  const [first, second] = await Promise.all([startMachine('first', '1/2'), startMachine('second', '2/2')]);
  await finds(one, 'Wilhelmina', early);
  await finds(two, 'Wilhelmina', theirs);
  const late = await greet(one, 'Ermintrude');
  await finds(one, 'Ermintrude', late);
  expect(existsSync(join(server.folder, 'search.db'))).toBe(false);

  // A machine that does not answer in time is in trouble, on a busy computer for a moment only.
  await vi.waitFor(async () => {
    const standing = await server.client.get('/v1/admin/search');
    expect(standing).toMatchObject({ indexed_runs: 3, rebuilding: false, trouble: null });
    const partitions = standing.machines.map(({ partition }: { partition: string }) => partition);
    expect(partitions.sort()).toEqual(['1/2', '2/2']);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('millrun_search_runs 3');
    const system = await (await ExplorerClient.signIn(server.url, server.client.key!)).get('/system');
    expect(system.search.machines).toHaveLength(2);
  }, PATIENCE);
  const port = new URL(server.url).port;
  const env = { MILLRUN_PORT: port, MILLRUN_API_KEY: server.client.key! };
  await vi.waitFor(async () => {
    const { code, stdout } = await runBinary(['search', 'status'], env, root);
    expect(stdout).toMatch(/^search index: 3 runs, up to date\n( {2}[12]\/2 at http:\S+: [12] runs, up to date\n){2}$/);
    expect(code).toBe(0);
  }, PATIENCE);
  expect(await (await fetch(`${first.url}/metrics`)).text()).toContain('millrun_search_runs{partition="1/2"} 2');
  const unsigned = await fetch(`${first.url}/internal/search/status`, { method: 'POST', body: '{}' });
  expect(unsigned.status).toBe(401);

  const snapshot = join(root, 'blobs/search-snapshots/1-of-2/a');
  await vi.waitFor(() => expect(existsSync(snapshot)).toBe(true), PATIENCE);
  const { position } = JSON.parse(readFileSync(snapshot, 'latin1').split('\n')[0]!);
  expect(position).toBeGreaterThan(0);

  const died = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await died;
  const refused = await search(one, 'Wilhelmina');
  expect(refused.status).toBe(503);
  // As one that does not answer, or by now as one that has been silent.
  expect(refused.body.detail).toMatch(/\(partition 1 of 2\) answers|No machine for search holds/);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  await finds(two, 'Wilhelmina', theirs);

  // What the snapshot holds can be read from the log no more.
  const sql = postgres(schema.url.replace('schema=', 'search_path='), { max: 1 });
  await sql.unsafe('delete from events where position <= $1', [position]);
  await sql.end();
  await startMachine('replica', '1/2');
  await finds(one, 'Wilhelmina', early);
  await finds(one, 'Ermintrude', late);
  const last = await greet(one, 'Cunegonde');
  await finds(one, 'Cunegonde', last);

  // One that is stopped takes its leave.
  expect((await second.end()).code).toBe(0);
  const left = await search(two, 'Wilhelmina');
  expect(left.body.detail).toContain('No machine for search holds this workspace');
}, 180_000);

test('a machine for search that lacks the store or the secret of the installation says so and ends', async () => {
  const [storeless, secretless] = await Promise.all([
    runBinary(['search', 'serve'], { MILLRUN_DATA: join(root, 'nowhere') }, root),
    runBinary(['search', 'serve', '--store', 'postgres://db/x'], { MILLRUN_DATA: join(root, 'nowhere') }, root),
  ]);
  expect([storeless.code, secretless.code]).toEqual([2, 2]);
  expect(storeless.stderr).toContain('give --store postgres://');
  expect(secretless.stderr).toContain('copy secret.key from the data folder of a server');
  expect(existsSync(join(root, 'nowhere'))).toBe(false);
});
