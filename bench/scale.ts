/**
 * Question: how many five-node runs a second do servers and workers on one PostgreSQL take in, execute and record, and how long does one take that
 * nobody is in the way of?
 *
 *   npm run bench -- scale [runs]
 *
 * Floor: the rows of the same runs written by two changes each (taken in, then done), with plain inserts and updates in groups as large as a server's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { Pool } from 'undici';
import { fiveNodeWorkflow } from './five-nodes.ts';
import { load } from './load.ts';
import { type BenchPostgres, startPostgres } from './postgres.ts';
import { type BenchServer, startServer } from './server.ts';

/** Requests on their way at a time. */
const IN_FLIGHT = 64;
/** Runs one after the other, for the time of one. */
const ALONE = 200;
const WORKERS = [0, 1, 2, 3];

export async function bench(args: readonly string[]): Promise<void> {
  const runs = Number(args[0] ?? 5000);
  const cluster = await startPostgres();
  const admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
  try {
    const cpuBefore = cluster.cpuMs();
    const floor = await rawWrites(cluster.url, runs);
    const floorCpu = (cluster.cpuMs() - cpuBefore) / runs;
    console.log(
      '| what | runs per second | ratio of raw writes to it | CPU ms of a run: server, workers, PostgreSQL | alone, p50 ms |',
    );
    console.log('|---|---|---|---|---|');
    console.log(
      `| floor: the same rows, written raw | ${floor.toFixed(0)} | | ${floorCpu.toFixed(2)} of PostgreSQL | |`,
    );
    for (const count of WORKERS) {
      const store = `${cluster.url}?schema=workers_${count}`;
      const measured = await withProcesses(store, count, async (server, workers, workflowId) => {
        const queued = await queuedRuns(admin, `workers_${count}`, cluster, server, workflowId, runs, workers);
        const alone = await aloneMs(server, workflowId);
        return { ...queued, alone };
      });
      const who = count === 0 ? 'a server that works itself' : `a server and ${count} worker${count > 1 ? 's' : ''}`;
      const cpu = [measured.serverCpu, measured.workerCpu, measured.storeCpu].map((ms) => ms.toFixed(2));
      const cells = [measured.perSecond.toFixed(0), (floor / measured.perSecond).toFixed(1), cpu.join(', ')];
      console.log(`| ${who}, runs queued | ${cells.join(' | ')} | ${measured.alone.toFixed(1)} |`);
    }
    await withProcesses(`${cluster.url}?schema=sync`, 0, async (server, _, workflowId) => {
      for (const concurrency of [1, 32]) {
        const [cpu, storeCpu] = [server.cpuMs(), cluster.cpuMs()];
        const result = await load({
          url: server.url,
          path: `/v1/workflows/${workflowId}/runs/sync`,
          method: 'POST',
          headers: headersOf(server),
          body: () => BODY,
          concurrency,
          seconds: 5,
        });
        const each = [server.cpuMs() - cpu, 0, cluster.cpuMs() - storeCpu]
          .map((ms) => (ms / result.requests).toFixed(2))
          .join(', ');
        console.log(
          `| a server, runs answered when they have ended, ${concurrency} at a time | ${result.perSecond.toFixed(0)} | ${(floor / result.perSecond).toFixed(1)} | ${each} | ${concurrency === 1 ? result.p50.toFixed(1) : ''} |`,
        );
      }
    });
  } finally {
    await admin.end();
    await cluster.stop();
  }
}

const BODY = '{"input":{"Text":"World"}}';
const headersOf = (server: BenchServer) => ({ 'x-api-key': server.key, 'content-type': 'application/json' });

async function withProcesses<T>(
  store: string,
  workerCount: number,
  measure: (server: BenchServer, workers: readonly BenchServer[], workflowId: string) => Promise<T>,
): Promise<T> {
  const places = workerCount === 0 ? [] : ['--worker-concurrency', '0'];
  const server = await startServer({ args: ['serve', '--port', '0', '--store', store, ...places] });
  const workers: BenchServer[] = [];
  try {
    for (let made = 0; made < workerCount; made += 1) {
      workers.push(
        await startServer({ args: ['worker', '--store', store, '--worker-port', '0'], ready: /on port (\d+)/ }),
      );
    }
    const created = await fetch(`${server.url}/v1/workflows`, {
      method: 'POST',
      headers: headersOf(server),
      body: JSON.stringify(fiveNodeWorkflow),
    });
    const { id } = (await created.json()) as { id: string };
    return await measure(server, workers, id);
  } finally {
    for (const one of [server, ...workers]) await one.stop();
  }
}

interface Queued {
  readonly perSecond: number;
  readonly serverCpu: number;
  readonly workerCpu: number;
  readonly storeCpu: number;
}

/** Has runs taken in as quickly as they are answered, and waits until the last of them has ended. */
async function queuedRuns(
  admin: postgres.Sql,
  schema: string,
  cluster: BenchPostgres,
  server: BenchServer,
  workflowId: string,
  runs: number,
  workers: readonly BenchServer[],
): Promise<Queued> {
  const pool = new Pool(server.url, { connections: IN_FLIGHT, pipelining: 1 });
  const ended = async () => {
    const [row] = await admin.unsafe(
      `select coalesce(sum(n), 0)::int as n from ${schema}.run_counts where status = 'succeeded'`,
    );
    return Number(row?.['n']);
  };
  const make = async (count: number) => {
    const target = (await ended()) + count;
    let left = count;
    const one = async () => {
      while (left > 0) {
        left -= 1;
        const answer = await pool.request({
          path: `/v1/workflows/${workflowId}/runs`,
          method: 'POST',
          headers: headersOf(server),
          body: BODY,
        });
        const text = await answer.body.text();
        if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text.slice(0, 300)}`);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
    while ((await ended()) < target) await sleep(10);
  };
  try {
    await make(Math.ceil(runs / 5));
    const before = [server, ...workers].map((one) => one.cpuMs());
    const storeBefore = cluster.cpuMs();
    const began = performance.now();
    await make(runs);
    const perSecond = (runs * 1000) / (performance.now() - began);
    const storeCpu = (cluster.cpuMs() - storeBefore) / runs;
    const used = [server, ...workers].map((one, index) => (one.cpuMs() - before[index]!) / runs);
    const [serverCpu = 0, ...workerCpus] = used;
    return { perSecond, serverCpu, workerCpu: workerCpus.reduce((sum, one) => sum + one, 0), storeCpu };
  } finally {
    await pool.close();
  }
}

/** Milliseconds (p50) from asking for a run to reading that it has ended. */
async function aloneMs(server: BenchServer, workflowId: string): Promise<number> {
  const times: number[] = [];
  const headers = headersOf(server);
  for (let made = 0; made < ALONE; made += 1) {
    const began = performance.now();
    const answer = await fetch(`${server.url}/v1/workflows/${workflowId}/runs`, {
      method: 'POST',
      headers,
      body: BODY,
    });
    const { id } = (await answer.json()) as { id: string };
    for (;;) {
      const { status } = (await (await fetch(`${server.url}/v1/runs/${id}`, { headers })).json()) as { status: string };
      if (status === 'completed') break;
    }
    times.push(performance.now() - began);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(ALONE / 2)]!;
}

/** Runs a second when their rows are written with nothing around them: two transactions of many runs each. */
async function rawWrites(url: string, runs: number): Promise<number> {
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  const text = 'text collate "C"';
  await sql.unsafe(`create schema raw; set search_path to raw`);
  await sql.unsafe(`
    create table raw.runs (ws ${text}, id ${text}, workflow ${text}, status ${text}, at bigint, revision bigint, primary key (ws, id));
    create index on raw.runs (ws, at); create index on raw.runs (ws, workflow, at);
    create table raw.payloads (ws ${text}, id ${text}, input ${text}, output ${text}, primary key (ws, id));
    create table raw.nodes (ws ${text}, run ${text}, id ${text}, status ${text}, inputs ${text}, outputs ${text}, primary key (ws, run, id));
    create table raw.tasks (ws ${text}, run ${text}, id ${text}, due bigint, primary key (ws, run, id));
    create table raw.events (ws ${text}, position bigint, run ${text}, data ${text}, primary key (ws, run, position))`);
  const io = '{"variables::Value":"Hello World"}';
  const ids = Array.from({ length: runs }, (_, index) => `${String(index).padStart(12, '0')}-aaaaaaaa-aaaa-aaaa-aaaa`);
  const began = performance.now();
  const each = async (group: readonly string[], first: number) => {
    const given = JSON.stringify(group);
    const at = Date.now();
    await sql.begin(async (t) => {
      const rows = `from jsonb_array_elements_text($1::text::jsonb) with ordinality g(id, n)`;
      await t.unsafe(`insert into raw.runs select 'w', id, 'f', 'queued', $2, 0 ${rows}`, [given, at]);
      await t.unsafe(`insert into raw.payloads select 'w', id, '{"Text":"World"}', null ${rows}`, [given]);
      await t.unsafe(`insert into raw.tasks select 'w', id, id, $2 ${rows}`, [given, at]);
      await t.unsafe(`insert into raw.events select 'w', $2::bigint + n, id, '{"status":"queued"}' ${rows}`, [
        given,
        first,
      ]);
    });
    await sql.begin(async (t) => {
      const these = `(select jsonb_array_elements_text($1::text::jsonb))`;
      const rows = `from jsonb_array_elements_text($1::text::jsonb) with ordinality g(id, n)`;
      await t.unsafe(`delete from raw.tasks where ws = 'w' and run in ${these}`, [given]);
      await t.unsafe(
        `insert into raw.nodes select 'w', id, 'node-' || k, 'succeeded', $2, $2 ${rows} cross join generate_series(1, 5) k`,
        [given, io],
      );
      await t.unsafe(
        `update raw.payloads set output = '{"Result":"Result: Hello World"}' where ws = 'w' and id in ${these}`,
        [given],
      );
      await t.unsafe(`update raw.runs set status = 'succeeded', revision = 1 where ws = 'w' and id in ${these}`, [
        given,
      ]);
      await t.unsafe(`insert into raw.events select 'w', $2::bigint + n, id, '{"status":"succeeded"}' ${rows}`, [
        given,
        runs + first,
      ]);
    });
  };
  // As many in one group as requests are on their way, two groups at a time.
  const groups = Array.from({ length: Math.ceil(runs / IN_FLIGHT) }, (_, index) => index * IN_FLIGHT);
  const take = async () => {
    for (let first = groups.shift(); first !== undefined; first = groups.shift()) {
      await each(ids.slice(first, first + IN_FLIGHT), first);
    }
  };
  await Promise.all([take(), take()]);
  const perSecond = (runs * 1000) / (performance.now() - began);
  await sql.end();
  return perSecond;
}
