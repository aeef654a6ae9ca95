import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fiveNodeWorkflow } from './five-nodes.ts';
import { type Load, load } from './load.ts';
import { startServer } from './server.ts';

/**
 * How many runs a second does one process start, execute, record and answer? Five nodes, over HTTP, synchronously; beside the two things that
 * no such process can be quicker than: the same server answering a constant, and the same rows inserted raw.
 */
export async function bench(args: string[]): Promise<void> {
  const seconds = Number(args[0] ?? 8);
  const server = await startServer();
  try {
    const headers = { 'x-api-key': server.key, 'content-type': 'application/json' };
    const created = await fetch(`${server.url}/v1/workflows`, {
      method: 'POST',
      headers,
      body: JSON.stringify(fiveNodeWorkflow),
    });
    const { id } = (await created.json()) as { id: string };
    const body = () => '{"input":{"Text":"World"}}';
    const sync = { url: server.url, path: `/v1/workflows/${id}/runs/sync`, method: 'POST' as const, headers, body };
    await load({ ...sync, concurrency: 16, seconds: 3 });
    console.log(`| what | concurrency | per second | p50 ms | p99 ms | CPU ms each |`);
    console.log(`|---|---|---|---|---|---|`);
    const measured: Load[] = [];
    for (const concurrency of [1, 16]) {
      const before = server.cpuMs();
      const result = await load({ ...sync, concurrency, seconds });
      row('five-node run, recorded', concurrency, result, (server.cpuMs() - before) / result.requests);
      measured.push(result);
    }
    for (const concurrency of [1, 16]) {
      const before = server.cpuMs();
      const result = await load({ ...sync, path: '/healthz', method: 'GET', headers: {}, concurrency, seconds: 3 });
      row('floor: same server, a constant', concurrency, result, (server.cpuMs() - before) / result.requests);
    }
    const bare = createServer((request, response) => {
      request.resume().on('end', () => response.end('{"ok":true}'));
    }).listen(0, '127.0.0.1');
    await once(bare, 'listening');
    const { port } = bare.address() as AddressInfo;
    const raw = await load({ ...sync, url: `http://127.0.0.1:${port}`, concurrency: 16, seconds: 3 });
    row('floor: bare node:http in the process of the load', 16, raw, Number.NaN);
    bare.close();
    for (const group of [1, 16]) {
      const inserted = rawInserts(group, 2);
      console.log(`| floor: the same rows inserted raw, ${group} a sync | – | ${inserted.toFixed(0)} | | | |`);
      const result = measured[group === 1 ? 0 : 1]!;
      console.log(`| ratio of raw inserts to runs at ${group} | | ${(inserted / result.perSecond).toFixed(2)} | | | |`);
    }
    console.log(
      `memory of the server after ${measured.reduce((sum, one) => sum + one.requests, 0)} runs: ${server.memoryMb().toFixed(0)} MB`,
    );
  } finally {
    await server.stop();
  }
}

function row(what: string, concurrency: number, result: Load, cpu: number): void {
  const cells = [
    result.perSecond.toFixed(0),
    result.p50.toFixed(2),
    result.p99.toFixed(2),
    Number.isNaN(cpu) ? '' : cpu.toFixed(3),
  ];
  console.log(`| ${what} | ${concurrency} | ${cells.join(' | ')} |`);
}

/** Inserts a run's rows with nothing around them: a run, its payload, five node runs, an event. */
function rawInserts(group: number, seconds: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-floor-'));
  const db = new DatabaseSync(join(folder, 'raw.db'));
  db.exec(`pragma journal_mode = wal; pragma synchronous = full;
    create table runs (a text, b text, c text, d text, e integer, primary key (a, b)) strict, without rowid;
    create table payloads (a text, b text, c text, d text, primary key (a, b)) strict, without rowid;
    create table nodes (a text, b text, c text, d text, e text, primary key (a, b, c)) strict, without rowid;
    create table events (a integer primary key, b text, c text) strict;`);
  const run = db.prepare('insert into runs values (?, ?, ?, ?, ?)');
  const payload = db.prepare('insert into payloads values (?, ?, ?, ?)');
  const node = db.prepare('insert into nodes values (?, ?, ?, ?, ?)');
  const event = db.prepare('insert into events (b, c) values (?, ?)');
  const workspace = crypto.randomUUID();
  const io = '{"variables::Value":"Hello World"}';
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  let runs = 0;
  while (performance.now() < end) {
    db.exec('begin immediate');
    for (let i = 0; i < group; i += 1) {
      const id = `${String(runs++).padStart(12, '0')}-aaaaaaaa-aaaa-aaaa-aaaa`;
      run.run(workspace, id, workspace, 'succeeded', Date.now());
      payload.run(workspace, id, '{"Text":"World"}', '{"Result":"Result: Hello World"}');
      for (let n = 0; n < 5; n += 1) node.run(workspace, id, `node-${n}`, io, io);
      event.run(id, '{"status":"succeeded","progress":100}');
    }
    db.exec('commit');
  }
  const perSecond = (runs * 1000) / (performance.now() - began);
  db.close();
  rmSync(folder, { recursive: true, force: true });
  return perSecond;
}
