import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { KEY, runBinary, type SpawnedServer, type SpawnedWorker, spawnServer, spawnWorker } from '../support/server.ts';

const ENDED = ['completed', 'failed', 'stopped'];

const cluster = startsPostgres({ log_statement: 'none' });

let folder: string;
let schema: ReturnType<typeof cluster.newSchema>;
/** Answers on request only. */
let world: OtherServer;
let open: ServerResponse[];
let server: SpawnedServer;
let workers: SpawnedWorker[] = [];
let env: Record<string, string>;
let calling: string;
let greeting: string;

/** Gives what waits for the world its answer. */
const answer = (): void => {
  for (const response of open.splice(0)) response.end('{"said":"yes"}');
};

/** Looks again and again. */
async function until<T>(look: () => Promise<T>, isDone: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isDone(found)) return found;
    await sleep(20);
  }
}

const tasksOf = async ({ url }: SpawnedWorker): Promise<number> =>
  Number(/^millrun_worker_tasks (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-cluster-'));
  schema = cluster.newSchema();
  open = [];
  world = await startOtherServer((_, response) => open.push(response));
  env = {
    MILLRUN_DATA: folder,
    MILLRUN_STORE: schema.url,
    MILLRUN_HTTP_ALLOW: '127.0.0.1',
    MILLRUN_DRAIN_SECONDS: '0',
  };
  server = await spawnServer({ env: { ...env, MILLRUN_API_KEY: KEY, MILLRUN_WORKER_CONCURRENCY: '0' }, folder });
  workers = await Promise.all([spawnWorker(env), spawnWorker(env)]);
  greeting = (await server.client.save(GREETING)).id;
  calling = (
    await server.client.save({
      nodes: [input('in', 'Name'), http('call', `${world.url}/((Name))`, { method: 'GET' }), output('out', 'Said')],
      edges: [edge('in::output', 'call::variables::Name'), edge('call::body', 'out::input')],
    })
  ).id;
}, 120_000);
afterAll(async () => {
  answer();
  await Promise.all([server, ...workers].map((process) => process?.stop()));
  await world.stop();
  await schema.drop();
  rmSync(folder, { recursive: true });
});

const start = async (): Promise<Wire> =>
  server.client.post(`/v1/workflows/${calling}/runs`, { input: { Name: 'Ada' } });

it('workers run what a server takes in, and the server that waits hears of the end', async () => {
  const run = await server.client.run(greeting, { input: { Name: 'Ada' } });
  expect(run.output).toEqual({ Greeting: 'Hello Ada' });
  const waiting = server.client.post(`/v1/workflows/${calling}/runs/sync`, { input: { Name: 'Ada' } });
  await world.got(1);
  answer();
  expect(await waiting).toMatchObject({ status: 'completed' });
  expect(await (await fetch(`${workers[0]!.url}/readyz`)).json()).toEqual({ status: 'ready' });
});

it('runs whose steps fall to one worker and then to the other come to their ends', async () => {
  const echo = await startOtherServer((_, response) => response.end('"yes"'));
  const node = (id: string) => http(id, `${echo.url}/((Before))`, { method: 'GET' });
  const chain = await server.client.save({
    nodes: [input('in', 'Name'), ...['a', 'b', 'c', 'd'].map(node), output('out', 'Said')],
    edges: [
      edge('in::output', 'a::variables::Before'),
      ...[
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
      ].map(([from, to]) => edge(`${from}::body`, `${to}::variables::Before`)),
      edge('d::body', 'out::input'),
    ],
  });
  const runs = await Promise.all(
    Array.from({ length: 40 }, () => server.client.run(chain.id, { input: { Name: 'Ada' } })),
  );
  expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'completed'));
  expect(echo.received).toHaveLength(160);
  await echo.stop();
});

it('a run that is stopped is let go of by the worker that has it, and its live view ends', async () => {
  const run = await start();
  await world.got(2);
  const events = fetch(`${server.url}/v1/runs/${run.id}/events`, { headers: { 'x-api-key': KEY } }).then((answer) =>
    answer.text(),
  );
  const gone = new Promise((resolve) => open[0]!.once('close', resolve));
  await server.client.ok('POST', `/v1/runs/${run.id}/stop`);
  // The call that it waited for is broken off, long before it would have been given up.
  await gone;
  open.splice(0);
  expect(await events).toContain('stopped');
});

it('a run that a worker holds for a debugger is led on through the server that took it in', async () => {
  const at = '/v1/debug-sessions/across';
  await server.client.ok('PUT', at, { breakpoints: [{ node_id: 'out' }] });
  const workflow = await server.client.save({
    nodes: [input('in', 'Name'), output('out', 'Said')],
    edges: [edge('in::output', 'out::input')],
  });
  const run = await server.client.post(`/v1/workflows/${workflow.id}/runs`, {
    input: { Name: 'Ada' },
    debugger: 'across',
  });
  await until(
    () => server.client.get(at),
    ({ paused }) => paused !== null,
  );
  expect((await server.client.post(`${at}/continue`)).paused).toBeNull();
  expect(await server.client.until(workflow.id, run.id, ENDED)).toMatchObject({ status: 'completed' });
});

it('what a killed worker had in hand is run by another one', async () => {
  const run = await start();
  await world.got(3);
  const holder = (await Promise.all(workers.map(tasksOf))).indexOf(1);
  workers[holder]!.child.kill('SIGKILL');
  await world.got(4);
  open.shift();
  answer();
  expect(await server.client.until(calling, run.id, ENDED)).toMatchObject({ status: 'completed' });
  workers[holder] = await spawnWorker(env);
});

it('a worker that is asked to stop gives back what it has in hand, and another one goes on with it', async () => {
  const run = await start();
  await world.got(5);
  const tasks = await Promise.all(workers.map(tasksOf));
  const holder = tasks.indexOf(1);
  await workers[holder]!.stop();
  await world.got(6);
  answer();
  expect(await server.client.until(calling, run.id, ENDED)).toMatchObject({ status: 'completed' });
  workers[holder] = await spawnWorker(env);
});

it('a person who is asked by a run answers it wherever it goes on', async () => {
  const asking = await server.client.save({
    nodes: [
      {
        id: 'ask',
        type: 'HumanInTheLoopNode',
        node_config: { title: 'Publish?', fields: [{ name: 'note', type: 'text' }] },
      },
      output('out', 'Said'),
    ],
    edges: [edge('ask::note', 'out::input')],
  });
  const run = await server.client.run(asking.id, { input: {} }, ['awaiting_human_feedback']);
  const { items } = await server.client.get(`/v1/human-requests?run_id=${run.id}`);
  await server.client.post(`/v1/human-requests/${items[0].id}/answer`, { answer: { note: 'go on' } });
  expect((await server.client.until(asking.id, run.id, ENDED)).output).toEqual({ Said: 'go on' });
});

it('a process whose store goes away says so, sends requests away, lets go of what it has in hand, and goes on when it is back', async () => {
  const run = await start();
  await world.got(7);
  const letGo = new Promise((resolve) => open[0]!.once('close', resolve));
  await cluster.stop();
  const refused = await server.client.send('GET', `/v1/workflows/${calling}/runs/${run.id}`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  for (const { url } of [server, ...workers]) {
    const answer = await fetch(`${url}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'not ready', reason: 'store_unreachable' }]);
  }
  // The worker cannot renew its lease: it breaks its call off before another one is given the task.
  await letGo;
  await cluster.start();
  const answering = setInterval(answer, 50);
  const done = await until(
    () => server.client.send('GET', `/v1/workflows/${calling}/runs/${run.id}`),
    ({ status, body }) => status === 200 && ENDED.includes(body.status),
  );
  clearInterval(answering);
  expect(done.body).toMatchObject({ status: 'completed' });
  for (const { url } of [server, ...workers])
    await until(
      () => fetch(`${url}/readyz`),
      ({ status }) => status === 200,
    );
});

it('a worker that is asked to stop while its store is away ends in order, and what it had in hand is run by another one', async () => {
  const before = world.received.length;
  const run = await start();
  await world.got(before + 1);
  const holder = (await Promise.all(workers.map(tasksOf))).indexOf(1);
  await cluster.stop();
  await workers[holder]!.stop();
  await cluster.start();
  expect(workers[holder]!.child.exitCode).toBe(0);
  open.splice(0);
  workers[holder] = await spawnWorker(env);
  await world.got(before + 2);
  answer();
  const done = () => server.client.send('GET', `/v1/workflows/${calling}/runs/${run.id}`);
  await until(done, ({ body }) => body.status === 'completed');
});

it('a process with a setting that cannot be used says so and ends, although its store can be reached', async () => {
  const ended = await runBinary(['worker', '--http-allow', '10.0.0.0/99'], env);
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('is no CIDR range')]);
});

it('a worker needs a store that it can share', async () => {
  const ended = await runBinary(['worker'], { MILLRUN_DATA: folder });
  expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('needs a store that it shares')]);
});
