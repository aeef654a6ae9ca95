import { strict as assert } from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { connect, createServer as createRelay } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARED_SECRETS, startServer } from '../bench/server.ts';
import { PostgresCluster } from '../test/support/cluster.ts';
import { findProgram } from '../test/support/find-program.ts';
import { edge, http, input, output } from '../test/support/noxus-definitions.ts';

/**
 * Two workers on hosts of their own, of which the one that has a task in hand is cut off from everything and healed later: another takes its task, and what
 * the first one says late changes nothing. Network namespaces stand for the hosts, which takes root: `sudo node scripts/cut-off-host.ts`. It is no
 * test of the suite, since most machines that run it may not make namespaces; it prints what it saw and ends with 1 when it was not as it should be.
 */
const HOSTS = ['millrun-a', 'millrun-b'] as const;

/** The address of this side, as each host sees it. */
const here = (host: number): string => `10.77.${host}.1`;

const BINARY = join(import.meta.dirname, '../bin/millrun.js');

/** Milliseconds in which the task of a host that is gone must have been given to another. */
const GIVEN_BACK_MS = 10_000;

interface Told {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
}

const ip = (...words: string[]) => execFileSync('ip', words);

function makeHosts(): void {
  for (const [index, name] of HOSTS.entries()) {
    ip('netns', 'add', name);
    ip('link', 'add', `${name}-0`, 'type', 'veth', 'peer', 'name', `${name}-1`, 'netns', name);
    ip('addr', 'add', `${here(index)}/24`, 'dev', `${name}-0`);
    ip('link', 'set', `${name}-0`, 'up');
    ip('-n', name, 'addr', 'add', `10.77.${index}.2/24`, 'dev', `${name}-1`);
    ip('-n', name, 'link', 'set', `${name}-1`, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', here(index));
  }
}

function removeHosts(): void {
  for (const name of HOSTS) {
    try {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    } catch {
      // It was not made.
    }
  }
}

const program = findProgram('postgres');
assert(program !== null, 'PostgreSQL is missing: apt-get install -y postgresql');
removeHosts();
makeHosts();
const folder = mkdtempSync(join(tmpdir(), 'millrun-hosts-'));
const cluster = await PostgresCluster.open(program, { log_statement: 'none' });
/** Calls of the world, by the host that they came from. */
const calls: { readonly host: number; readonly response: ServerResponse }[] = [];
const world = createServer((request, response) => {
  const host = Number(/^(?:::ffff:)?10\.77\.(\d)\.2$/.exec(request.socket.remoteAddress ?? '')?.[1]);
  calls.push({ host, response });
}).listen(0, '0.0.0.0');
await once(world, 'listening');
const { port: worldPort } = world.address() as { port: number };
const database = Number(new URL(cluster.url).port);
const relay = createRelay((socket) => {
  const there = connect(database, '127.0.0.1');
  socket.pipe(there).pipe(socket);
  for (const end of [socket, there]) end.on('error', () => [socket, there].map((one) => one.destroy()));
}).listen(0, '0.0.0.0');
await once(relay, 'listening');
const { port: relayPort } = relay.address() as { port: number };

Object.assign(process.env, { MILLRUN_HTTP_ALLOW: '10.77.0.0/16' });
const server = await startServer({
  folder,
  args: ['serve', '--port', '0', '--store', cluster.url, '--worker-concurrency', '0'],
});
const ask = async (method: string, path: string, body?: unknown): Promise<Told> => {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert(answer.ok, `${method} ${path} was answered with ${answer.status}`);
  return (await answer.json()) as Told;
};
const workers = HOSTS.map((name, index) => {
  const store = `postgres://postgres@${here(index)}:${relayPort}/postgres`;
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, BINARY, 'worker'], {
    env: { ...process.env, ...SHARED_SECRETS, MILLRUN_DATA: folder, MILLRUN_STORE: store, MILLRUN_LOG_LEVEL: 'fatal' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, ready: once(child.stdout, 'data') };
});
try {
  for (const { ready } of workers) await ready;
  // Both hosts reach it, by their default routes.
  ip('addr', 'add', '10.77.255.1/32', 'dev', 'lo');
  const { id: workflowId } = await ask('POST', '/v1/workflows', {
    name: 'Ask the world',
    type: 'flow',
    definition: {
      nodes: [
        input('in', 'Name'),
        http('call', `http://10.77.255.1:${worldPort}/((Name))`, { method: 'GET' }),
        output('out', 'Said'),
      ],
      edges: [edge('in::output', 'call::variables::Name'), edge('call::body', 'out::input')],
    },
  });
  const run = await ask('POST', `/v1/workflows/${workflowId}/runs`, { input: { Name: 'Ada' } });
  const path = `/v1/workflows/${workflowId}/runs/${run.id}`;
  while (calls.length === 0) await sleep(10);
  const first = calls[0]!;
  ip('link', 'set', `${HOSTS[first.host]}-0`, 'down');
  const cutAt = performance.now();
  console.log(`host ${HOSTS[first.host]} has the task and is cut off`);
  while (calls.length === 1) await sleep(10);
  const second = calls[1]!;
  const after = performance.now() - cutAt;
  console.log(`host ${HOSTS[second.host]} has it after ${(after / 1000).toFixed(1)} s`);
  assert.notEqual(second.host, first.host);
  assert(after < GIVEN_BACK_MS);
  second.response.end('from the second');
  let ended = await ask('GET', path);
  for (; ended.status !== 'completed'; ended = await ask('GET', path)) await sleep(20);
  assert.deepEqual(ended.output, { Said: 'from the second' });

  first.response.end('from the first, late');
  ip('link', 'set', `${HOSTS[first.host]}-0`, 'up');
  console.log(`host ${HOSTS[first.host]} is healed`);
  // Both work again: of many runs at a time each host has some. They are asked for by the hosts themselves, which shows that the first is back.
  const since = calls.length;
  const seen = new Set<number>();
  const answering = setInterval(() => {
    for (const { host, response } of calls.slice(since)) {
      seen.add(host);
      if (!response.writableEnded) response.end('again');
    }
  }, 20);
  for (let count = 0; seen.size < 2 && count < 600; count += 1) {
    await ask('POST', `/v1/workflows/${workflowId}/runs`, { input: { Name: 'Ada' } });
    await sleep(50);
  }
  clearInterval(answering);
  assert.equal(seen.size, 2, 'the host that was cut off takes no work');
  assert.deepEqual(await ask('GET', path), ended);
  console.log('what it said late changed nothing, and it works again');
} finally {
  for (const { child } of workers) {
    child.kill('SIGKILL');
  }
  for (const { response } of calls) response.destroy();
  await server.stop();
  world.closeAllConnections();
  world.close();
  relay.close();
  await cluster.remove();
  try {
    ip('addr', 'del', '10.77.255.1/32', 'dev', 'lo');
  } catch {
    // It was not added.
  }
  removeHosts();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
