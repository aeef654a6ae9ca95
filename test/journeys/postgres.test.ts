import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Keyring } from '../../src/operations/keyring.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import type { Store } from '../../src/store/store.ts';
import { openLog } from '../../src/system/log.ts';
import { createSealing } from '../../src/system/sealing.ts';
import { realSystem } from '../../src/system/system.ts';
import { aBulkJob } from '../support/bulk-jobs.ts';
import { Client } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { KEY, runBinary, spawnServer, startPlatform, type TestServer } from '../support/server.ts';
import { heldSystem } from '../support/system.ts';

const cluster = startsPostgres();

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** What servers that share a store have in common. */
const SECRET = '5'.repeat(64);
const SHARED = { secret: SECRET, 'encryption-key': SECRET };

let schema: ReturnType<typeof cluster.newSchema>;
let servers: TestServer[];
beforeEach(() => {
  schema = cluster.newSchema();
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  await schema.drop();
});

/** Two servers that start at the same time. */
async function startTwo(): Promise<[TestServer, TestServer]> {
  const settings = { store: schema.url, ...SHARED };
  servers = await Promise.all([startPlatform({ settings }), startPlatform({ settings })]);
  return servers as [TestServer, TestServer];
}

describe('two servers on one PostgreSQL', () => {
  it('are one platform: what one was told the other knows, shows and finds', async () => {
    const [one, other] = await startTwo();
    const workflow = await one.client.save(GREETING);
    const run = await other.client.run(workflow.id, { input: { Name: 'Wilhelmina' } });
    const done = await one.client.until(workflow.id, run.id, ['completed']);
    expect(done.output).toEqual({ Greeting: 'Hello Wilhelmina' });
    for (const { client } of servers) {
      expect((await client.get(`/v1/workflows/${workflow.id}/runs`)).items).toMatchObject([{ id: run.id }]);
      // An index that is behind says so.
      await vi.waitFor(async () => {
        const found = await client.post('/v1/runs/search', { query: 'Wilhelmina' });
        expect(found.items.map(({ id }: { id: string }) => id)).toEqual([run.id]);
      }, 20_000);
    }
  });

  it('make one workspace with one key, take the same sessions, and count the requests of a key together', async () => {
    const [one, other] = await startTwo();
    const [mine, theirs] = await Promise.all([one.client.get('/v1/admin/me'), other.client.get('/v1/admin/me')]);
    expect(mine).toEqual(theirs);
    const session = await ExplorerClient.signIn(one.url, KEY);
    expect(await new ExplorerClient(other.url, session.cookie).get('/session')).toMatchObject({});

    const { value: limited } = await one.client.post(`/v1/admin/groups/${mine.group_id}/api-keys`, {
      ...{ name: 'limited', scopes: ['runs:read'], rate_limit: 5 },
    });
    const asked = Array.from({ length: 20 }, (_, n) =>
      new Client(servers[n % 2]!.url, limited).send('GET', '/v1/runs'),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it('make what a request with an Idempotency-Key asks for once, whichever of them is asked', async () => {
    const [one] = await startTwo();
    const workflow = await one.client.save(GREETING);
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
    const ask = (n: number, key: string) =>
      fetch(`${servers[n % 2]!.url}/v1/flows/${workflow.id}/runs`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': key },
        body: JSON.stringify({ input: { Name: 'Ada' } }),
      });
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 4 }, (_, n) => ask(n, `round ${round}`)));
      const statuses = new Set(answers.map(({ status }) => status));
      expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([]);
      expect((await ask(round, `round ${round}`)).headers.get('idempotent-replayed')).toBe('true');
    }
    expect((await one.client.get('/v1/runs')).total).toBe(10);
  });

  it('use credentials and models as the other has changed them', async () => {
    const stores = await Promise.all([openPostgresStore(schema.url), openPostgresStore(schema.url)]);
    const system = heldSystem();
    const [one, other] = stores.map((store) => {
      const configured = { providers: [], prices: {}, presets: {}, defaultModels: ['first'] };
      const sealing = createSealing({ current: Buffer.from(SECRET, 'hex'), former: [] }, '');
      return new Keyring({ store, sealing, system, log: openLog('silent'), configured });
    });
    expect((await other?.modelsOf('w'))?.defaultModels).toEqual(['first']);
    const settings = { workspaceId: 'w', prices: {}, presets: {}, defaultModels: ['new'], updatedAt: 1, revision: 1 };
    await stores[0]!.commit([{ kind: 'putModelSettings', settings }]);
    one?.forget('w');
    expect((await one?.modelsOf('w'))?.defaultModels).toEqual(['new']);
    system.pass(1000);
    expect((await other?.modelsOf('w'))?.defaultModels).toEqual(['new']);
    for (const store of stores) await store.close();
  });
});

describe('a bulk action of servers that share a store', () => {
  /** More runs than are repeated before an end that somebody asks for is heeded. */
  const RUNS = 6000;
  const ALL = { action: 'retry', runs: { q: 'status:succeeded' } };
  let store: Store;
  beforeEach(async () => {
    store = await openPostgresStore(schema.url);
  });
  afterEach(() => store.close());

  async function fill({ client }: TestServer): Promise<string> {
    const workflow = await client.save(GREETING);
    const { id } = await client.run(workflow.id, { input: { Name: 'Ada' } });
    const { id: workspaceId } = (await store.firstWorkspace())!;
    const run = (await store.getRun(workspaceId, id))!;
    for (let at = 0; at < RUNS; at += 500) {
      const copies = Array.from({ length: 500 }, () => ({ ...run, id: realSystem.newId() }));
      await store.commit(copies.map((copy) => ({ kind: 'createRun', run: copy })));
    }
    return workspaceId;
  }
  const isUnderWay = async (page: ExplorerClient, id: string): Promise<void> => {
    await expect.poll(async () => (await page.get(`/bulk/${id}`)).succeeded, { timeout: 60_000 }).toBeGreaterThan(0);
  };

  it('is seen, listed and ended on each of them, and ends with the server that does it', async () => {
    const [one, other] = await startTwo();
    await fill(one);
    const here = await ExplorerClient.signIn(one.url, KEY);
    const there = new ExplorerClient(other.url, here.cookie);
    const { id } = await here.post('/bulk', ALL);
    await isUnderWay(there, id);
    expect((await there.get('/bulk')).items).toMatchObject([{ id, status: 'running' }]);
    const ended = await there.post(`/bulk/${id}/cancel`);
    await expect.poll(() => there.get(`/bulk/${id}`), { timeout: 60_000 }).toMatchObject({ status: 'canceled' });
    expect(ended.succeeded).toBeLessThan(RUNS);
    expect(await here.get(`/bulk/${id}`)).toEqual(await there.get(`/bulk/${id}`));

    const next = await here.post('/bulk', ALL);
    await one.stop();
    servers = [other];
    const [left, before] = (await there.get('/bulk')).items;
    const message = expect.stringMatching(/was stopped before it was through.* Choose the runs that are left/);
    expect([left, before]).toMatchObject([{ id: next.id, status: 'canceled', message }, { id }]);
  });

  it('that was being done by a server that died is shown as failed, with what to do', async () => {
    const env = { MILLRUN_STORE: schema.url, MILLRUN_SECRET: SECRET, MILLRUN_ENCRYPTION_KEY: SECRET };
    const [dying, other] = await Promise.all([
      spawnServer({ env: { ...env, MILLRUN_API_KEY: KEY } }),
      startPlatform({ settings: { store: schema.url, ...SHARED } }),
    ]);
    servers = [dying, other];
    const workspaceId = await fill(other);
    const there = await ExplorerClient.signIn(other.url, KEY);
    const here = new ExplorerClient(dying.url, there.cookie);
    const died = expect.stringMatching(
      /^The server that did this died or was cut off .* Choose the runs that are left/,
    );
    if (LONG) {
      // Given up by the others while it stands still, it is not gone on with.
      const { id: held } = await here.post('/bulk', ALL);
      await isUnderWay(there, held);
      dying.child.kill('SIGSTOP');
      const given = () => there.get(`/bulk/${held}`);
      await expect.poll(given, { timeout: 60_000 }).toMatchObject({ status: 'failed', message: died });
      dying.child.kill('SIGCONT');
      const message = expect.stringContaining('was held up for too long');
      await expect.poll(given, { timeout: 60_000 }).toMatchObject({ status: 'failed', message });
    }
    const { id } = await here.post('/bulk', ALL);
    await isUnderWay(there, id);
    const exited = new Promise((resolve) => dying.child.once('exit', resolve));
    dying.child.kill('SIGKILL');
    await exited;
    expect(await there.get(`/bulk/${id}`)).toMatchObject({ status: 'running', finishedAt: null });
    // As if it had died a while ago.
    const job = (await store.getBulkJob(workspaceId, id))!;
    await store.commit([{ kind: 'saveBulkJob', job: { ...job, seenAt: job.seenAt - 15_000 } }]);
    const shown = await there.get(`/bulk/${id}`);
    expect(shown).toMatchObject({ status: 'failed', message: died, finishedAt: job.seenAt - 15_000 });
    expect(await there.post(`/bulk/${id}/cancel`)).toEqual(shown);
  });

  it('waits for a place among five, whichever of them the others are at work on', async () => {
    const server = await startPlatform({ settings: { store: schema.url, ...SHARED } });
    servers.push(server);
    const page = await ExplorerClient.signIn(server.url, KEY);
    const { id: workspaceId } = (await store.firstWorkspace())!;
    const jobs = Array.from({ length: 5 }, () => aBulkJob(workspaceId, realSystem));
    for (const job of jobs) await store.commit([{ kind: 'startBulkJob', job, seenSince: 0, mostAtWork: 5, keep: 200 }]);
    const refused = await page.send('POST', '/bulk', ALL);
    expect([refused.status, refused.body.error.message]).toEqual([429, expect.stringContaining('5 bulk actions')]);
    await store.commit([{ kind: 'saveBulkJob', job: { ...jobs[0]!, seenAt: realSystem.now() - 15_001 } }]);
    expect((await page.send('POST', '/bulk', ALL)).status).toBe(201);
  });
});

describe('the secret of a shared store', () => {
  let folders: string[];
  const newFolder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), 'millrun-secret-')));
    return folders.at(-1)!;
  };
  const refusal = async (folder: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const told = { MILLRUN_STORE: schema.url, MILLRUN_DATA: folder, MILLRUN_PORT: '0', ...env };
    const { code, stderr } = await runBinary(['serve'], told);
    expect(code).toBe(2);
    expect(stderr).not.toContain('    at ');
    return stderr;
  };
  beforeEach(() => {
    folders = [];
  });
  afterEach(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('is that of the first server’s data folder, without which no other starts', async () => {
    const [first, second] = [newFolder(), newFolder()];
    const settings = { store: schema.url };
    await (await startPlatform({ folder: first, settings })).stop();
    expect(await refusal(second)).toMatch(/encryption key .* MILLRUN_ENCRYPTION_KEY .* encryption\.key of the server/s);
    const key = readFileSync(join(first, 'encryption.key'), 'utf8').trim();
    const env = { MILLRUN_ENCRYPTION_KEY: key };
    expect(await refusal(second, env)).toMatch(/another secret .* MILLRUN_SECRET .* secret\.key of the server/s);
    expect(await refusal(second, { ...env, MILLRUN_SECRET: SECRET })).toContain('another secret');
    // Made now, they would be other ones at the next start, too.
    expect(['secret.key', 'encryption.key'].filter((name) => existsSync(join(second, name)))).toEqual([]);
    // The first one goes on, and a second goes on with what that has.
    await (await startPlatform({ folder: first, settings })).stop();
    const secret = readFileSync(join(first, 'secret.key'), 'utf8').trim();
    servers.push(await startPlatform({ settings: { ...settings, secret, 'encryption-key': key } }));
  });

  it('comes from a file that the environment names, and is nowhere in the store', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'one'), `${SECRET}\n`);
    const stranger = 'a'.repeat(64);
    writeFileSync(join(folder, 'other'), stranger);
    servers.push(await startPlatform({ settings: { store: schema.url, ...SHARED } }));
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    const given = (secret: string, key: string) => ({ MILLRUN_SECRET_FILE: secret, MILLRUN_ENCRYPTION_KEY_FILE: key });
    expect(await refusal(newFolder(), given(other, one))).toContain('another secret');
    expect(await refusal(newFolder(), given(one, other))).toContain('encryption key');
    expect(cluster.statements().some((text) => text.includes(SECRET) || text.includes(stranger))).toBe(false);
  });

  it('that is sealed with may be changed one server after the other', async () => {
    const next = '6'.repeat(64);
    const base = { store: schema.url, secret: SECRET };
    await (await startPlatform({ settings: { ...base, 'encryption-key': SECRET } })).stop();
    const newer = { ...base, 'encryption-key': next, 'former-encryption-keys': SECRET };
    await (await startPlatform({ settings: newer })).stop();
    // One that comes back without it could not open what is sealed by now.
    const old = { MILLRUN_SECRET: SECRET, MILLRUN_ENCRYPTION_KEY: SECRET };
    expect(await refusal(newFolder(), old)).toContain('encryption key');
  });
});

it('two servers on one PostgreSQL fire each time of a schedule once, and take a delivery once', async () => {
  const { url, drop } = cluster.newSchema();
  const servers: TestServer[] = [];
  try {
    const settings = { store: url, ...SHARED };
    for (let n = 0; n < 2; n += 1) servers.push(await startPlatform({ settings }));
    const [one, other] = servers as [TestServer, TestServer];
    const workflow = await one.client.save(GREETING);
    const triggers = `/v1/workflows/${workflow.id}/triggers`;
    const schedule = await one.client.post(triggers, {
      definition: { type: 'schedule', cron: '* * * * * *', missed: 'all' },
      inputs: { Name: '((due_at))' },
    });
    const events = async () => (await other.client.get(`${triggers}/${schedule.id}/events`)).items;
    await expect.poll(async () => (await events()).length, { timeout: 60_000 }).toBeGreaterThan(3);
    await other.client.ok('PATCH', `${triggers}/${schedule.id}`, { enabled: false });
    const due = (await events()).map(({ data }: { data: { due_at: string } }) => Date.parse(data.due_at)).toReversed();
    expect(due).toEqual(due.map((_: number, second: number) => due[0] + second * 1000));
    const { items } = await one.client.get('/v1/runs?size=100');
    expect(items).toHaveLength(due.length);

    const hook = await one.client.post(triggers, { definition: { type: 'webhook' } });
    const send = async (server: TestServer): Promise<string> => {
      const answer = await fetch(hook.url.replace(one.url, server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'webhook-id': 'm-1' },
        body: JSON.stringify({ Name: 'Ada' }),
      });
      return ((await answer.json()) as { run_id: string }).run_id;
    };
    const [first, ...more] = await Promise.all([one, other, one, other].map(send));
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set([first, ...more]).size).toBe(1);
  } finally {
    for (const server of servers) await server.stop();
    await drop();
  }
});
