/**
 * Question: what do the long and the deep runs cost in time, memory and disk: a map over 10,000 items, subflows five levels deep, 1,000 runs that
 * wait for a person?
 *
 *   npm run bench -- engine [items] [waiting]
 *
 * Floor: the same rows inserted raw, eight items a sync, which is what a map of that concurrency could be at best.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchServer, startServer } from './server.ts';

const DEPTH = 5;
const DEEP_RUNS = 200;
/** Items of a map that are worked on at a time. */
const CONCURRENCY = 8;
const WATCH_EVERY_MS = 50;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly memoryBefore: number;
  readonly memoryMost: number;
  readonly diskMb: number;
}

export async function bench(args: readonly string[]): Promise<void> {
  const items = Number(args[0] ?? 10_000);
  const people = Number(args[1] ?? 1_000);
  console.log('| what | seconds | per second | CPU ms each | memory before, most (MB) | on disk (MB) |');
  console.log('|---|---|---|---|---|---|');
  for (const size of [items / 10, items]) {
    const mapped = await inServer(async (api) => {
      const sub = await api.save('One item', greeting());
      const map = await api.save('Map', mapping(sub));
      await api.run(map, { Names: names(10) });
      return { begin: () => api.run(map, { Names: names(size) }) };
    });
    row(`map over ${size} items, a run of three nodes each`, size, mapped);
    if (size === items) {
      const raw = rawItems(size);
      console.log(`| floor: the same rows inserted raw | ${raw.toFixed(1)} | ${(size / raw).toFixed(0)} | | | |`);
      console.log(`| ratio to it | ${(mapped.seconds / raw).toFixed(1)} | | | | |`);
    }
  }
  const deep = await inServer(async (api) => {
    let workflow = await api.save('Level 0', greeting());
    for (let level = 1; level <= DEPTH; level += 1) workflow = await api.save(`Level ${level}`, calling(workflow));
    await api.run(workflow, { Name: 'warm' });
    return {
      begin: async () => {
        for (let made = 0; made < DEEP_RUNS; made += 1) await api.run(workflow, { Name: `n${made}` });
      },
    };
  });
  row(`runs one after the other, ${DEPTH} subflows deep`, DEEP_RUNS, deep);
  const waiting = await inServer(async (api) => {
    const workflow = await api.save('Ask', asking());
    return {
      begin: async () => {
        for (let made = 0; made < people; made += 10) {
          await Promise.all(Array.from({ length: 10 }, () => api.start(workflow, { Name: 'Ada' })));
        }
        await api.untilWaiting(people);
      },
    };
  });
  row('runs that come to wait for a person', people, waiting);
}

function row(what: string, count: number, measured: Measured): void {
  const { seconds, cpuSeconds, memoryBefore, memoryMost, diskMb } = measured;
  const each = ((cpuSeconds * 1000) / count).toFixed(2);
  const memory = `${memoryBefore.toFixed(0)}, ${memoryMost.toFixed(0)}`;
  console.log(
    `| ${what} | ${seconds.toFixed(1)} | ${(count / seconds).toFixed(0)} | ${each} | ${memory} | ${diskMb.toFixed(1)} |`,
  );
}

/** Measures what `begin` does in a server of its own. */
async function inServer(prepare: (api: Api) => Promise<{ begin: () => Promise<unknown> }>): Promise<Measured> {
  const server = await startServer();
  try {
    const { begin } = await prepare(apiOf(server));
    const memoryBefore = server.memoryMb();
    const diskBefore = diskMb(server.folder);
    let memoryMost = memoryBefore;
    const watch = setInterval(() => {
      memoryMost = Math.max(memoryMost, server.memoryMb());
    }, WATCH_EVERY_MS);
    const cpu = server.cpuMs();
    const started = performance.now();
    await begin();
    const seconds = (performance.now() - started) / 1000;
    clearInterval(watch);
    const cpuSeconds = (server.cpuMs() - cpu) / 1000;
    return { seconds, cpuSeconds, memoryBefore, memoryMost, diskMb: diskMb(server.folder) - diskBefore };
  } finally {
    await server.stop();
  }
}

/** Everything in the data folder: the store, its log, the search index, blobs. */
function diskMb(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6;
}

interface Api {
  save(name: string, definition: object): Promise<string>;
  start(workflowId: string, input: object): Promise<string>;
  run(workflowId: string, input: object): Promise<void>;
  untilWaiting(count: number): Promise<void>;
}

function apiOf(server: BenchServer): Api {
  const headers = { 'x-api-key': server.key, 'content-type': 'application/json' };
  const call = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const given = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(server.url + path, given);
    const answer = (await response.json()) as Record<string, unknown>;
    if (response.status >= 300) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const start = async (id: string, input: object) => String((await call(`/v1/workflows/${id}/runs`, { input }))['id']);
  return {
    save: async (name, definition) => String((await call('/v1/workflows', { name, type: 'flow', definition }))['id']),
    start,
    async run(id, input) {
      const runId = await start(id, input);
      for (;;) {
        // Without its progress, which would be most of what is measured.
        const { status } = await call(`/v1/runs/${runId}`);
        if (status === 'completed') return;
        if (status === 'failed') throw new Error(`Run ${runId} failed.`);
        await sleep(5);
      }
    },
    async untilWaiting(count) {
      while (Number((await call('/v1/human-requests?size=1'))['total']) < count) await sleep(20);
    },
  };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `name ${index}`);
const node = (id: string, type: string, config: object) => ({ id, type, node_config: config });
const edge = (from: string, to: string) => {
  const address = (text: string) => {
    const [node_id, connector_name, key = null] = text.split('::');
    return { node_id, connector_name, key };
  };
  return { id: `${from} ${to}`, from_id: address(from), to_id: address(to) };
};

const greeting = () => ({
  nodes: [
    node('in', 'InputNode', { label: 'Name', type: 'str' }),
    node('say', 'ComposeTextNode', { template: 'Hello ((Name))' }),
    node('out', 'OutputNode', { label: 'Said' }),
  ],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
});
const mapping = (subflow: string) => ({
  nodes: [
    node('in', 'InputNode', { label: 'Names', type: 'list' }),
    node('each', 'MapNode', { subflow_id: subflow, concurrency: CONCURRENCY }),
    node('out', 'OutputNode', { label: 'All' }),
  ],
  edges: [edge('in::output', 'each::items'), edge('each::results', 'out::input')],
});
const calling = (subflow: string) => ({
  nodes: [
    node('in', 'InputNode', { label: 'Name', type: 'str' }),
    node('call', 'InvokeSubflowNode', { subflow_id: subflow }),
    node('out', 'OutputNode', { label: 'Said' }),
  ],
  edges: [edge('in::output', 'call::inputs::Name'), edge('call::outputs::Said', 'out::input')],
});
const asking = () => ({
  nodes: [
    node('in', 'InputNode', { label: 'Name', type: 'str' }),
    node('ask', 'HumanInTheLoopNode', { title: 'Is ((Name)) right?', fields: [{ name: 'note', type: 'text' }] }),
    node('out', 'OutputNode', { label: 'Said' }),
  ],
  edges: [edge('in::output', 'ask::variables::Name'), edge('ask::note', 'out::input')],
});

/** Seconds that it takes to insert what the items of a map record, with nothing around it. */
function rawItems(items: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-floor-'));
  const db = new DatabaseSync(join(folder, 'raw.db'));
  db.exec(`pragma journal_mode = wal; pragma synchronous = full;
    create table rows (run text, kind text, id integer, body text, primary key (run, kind, id)) strict, without rowid;`);
  const insert = db.prepare('insert into rows values (?, ?, ?, ?)');
  const body = JSON.stringify({ status: 'succeeded', startedAt: 1, finishedAt: 2, inputs: { Name: 'name 1' } });
  const started = performance.now();
  for (let first = 0; first < items; first += CONCURRENCY) {
    db.exec('begin');
    for (let item = first; item < Math.min(items, first + CONCURRENCY); item += 1) {
      // A run, its payloads, three nodes, the item of the parent.
      for (const [kind, count] of Object.entries({ run: 1, payload: 1, node: 3, iteration: 1 })) {
        for (let index = 0; index < count; index += 1) insert.run(`run ${item}`, kind, index, body);
      }
    }
    db.exec('commit');
  }
  const seconds = (performance.now() - started) / 1000;
  db.close();
  rmSync(folder, { recursive: true });
  return seconds;
}
