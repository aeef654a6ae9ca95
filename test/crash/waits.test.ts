import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OtherServer, type Received, startOtherServer } from '../support/http-server.ts';
import { lookAtImage, rowsOf } from './image.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** Runs that wait at the same time. */
const RUNS = LONG ? 40 : 6;

/** Items of the list, and kills while it is worked off. */
const ITEMS = LONG ? 2000 : 240;
const KILLS = LONG ? 10 : 4;

/** Of the items, every so many fails at its first try, so that kills find passes in their back-off too. */
const FAILS_EVERY = 12;

/** Passes of one node at a time (`engine/active-run.ts`): what is in hand at a kill may be done again. */
const AT_ONCE = 8;

/** Milliseconds for what a dead server sent last to arrive, on one machine. */
const STRAGGLER_MS = 20;

/** A call that came, when it came (epoch milliseconds). */
interface Call extends Received {
  readonly at: number;
}

/** A task as a data folder holds it. */
interface TaskRow {
  readonly id: string;
  readonly run_id: string;
  readonly iteration: number;
  readonly attempt: number;
  readonly due_at: number;
  readonly outputs: string | null;
}

let folder: string;
let world: OtherServer;
let server: ServerProcess;
/** Calls by path. */
let calls: Map<string, Call[]>;
/** Paths whose effect is recorded: another call is one too many, and noted in `repeated`. */
let settled: Set<string>;
let repeated: string[];
/** The status that a call is answered with; `nth` counts those of its path from 1. */
let answerTo: (path: string, nth: number) => number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-waits-'));
  calls = new Map();
  settled = new Set();
  repeated = [];
  world = await startOtherServer(answer);
  server = await start();
});
afterEach(async () => {
  server.signal('SIGKILL');
  await server.exited;
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

function answer(request: Received, response: ServerResponse): void {
  const { path, body } = request;
  if (settled.has(path)) repeated.push(path);
  const ofPath = calls.get(path) ?? [];
  calls.set(path, ofPath);
  ofPath.push({ ...request, at: Date.now() });
  response.writeHead(answerTo(path, ofPath.length), { 'content-type': 'text/plain' });
  response.end(`${path.split('/')[1]}(${body})`);
}

const start = () => startServer({ folder, world: new URL(world.url).host });

/** Kills the server as a power cut would. Returns when: what was due by then may have been in hand. */
async function kill(): Promise<number> {
  server.signal('SIGKILL');
  await server.exited;
  await sleep(STRAGGLER_MS);
  expect(lookAtImage(folder).broken).toEqual([]);
  return Date.now();
}

const tasksOf = (node: string): TaskRow[] =>
  rowsOf(folder, `select id, run_id, iteration, attempt, due_at, outputs from tasks where node_id = '${node}'`);

const callsTo = (path: string): readonly Call[] => calls.get(path) ?? [];

const input = (label: string, type = 'str') => ({ id: label, type: 'InputNode', node_config: { label, type } });
const output = { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } };

/** Calls the world at `/<id>/<token>` with the text that arrives. */
const effect = (id: string, more: object = {}) => ({
  id,
  type: 'HttpRequestNode',
  node_config: {
    ...{ method: 'POST', body_type: 'text', body: '((Text))', url: `${world.url}/${id}/((Token))` },
    ...more,
  },
});

const edges = (...arrows: string[]) =>
  arrows.map((arrow, index) => {
    const [from, to] = arrow.split(' > ');
    return { id: `e${index}`, from_id: from, to_id: to };
  });

async function save(nodes: readonly object[], ...arrows: string[]): Promise<string> {
  const saved = await server.call('POST', '/v1/workflows', {
    name: 'Waits',
    definition: { nodes, edges: edges(...arrows) },
  });
  expect(saved.body).toMatchObject({ validation: [] });
  return (saved.body as { id: string }).id;
}

/** Starts runs, each with a token of its own. Returns the token of each run. */
async function startRuns(workflow: string): Promise<Map<string, string>> {
  const runs = new Map<string, string>();
  for (let index = 1; index <= RUNS; index += 1) {
    const { body } = await server.call('POST', `/v1/workflows/${workflow}/runs`, { input: { Token: `t${index}` } });
    runs.set((body as { id: string }).id, `t${index}`);
  }
  return runs;
}

interface Shown {
  readonly status: string;
  readonly output: unknown;
  readonly progress_details: {
    readonly per_node_progress: Readonly<Record<string, { status: string; warnings: readonly object[] }>>;
  };
}

const read = async (workflow: string, run: string) =>
  (await server.call('GET', `/v1/workflows/${workflow}/runs/${run}`)).body as Shown;

const nodeOf = async (workflow: string, run: string, node: string) =>
  (await read(workflow, run)).progress_details.per_node_progress[node];

it('killed while nodes wait for their next try, a server makes it when it was due, and counts on', {
  timeout: 60_000,
}, async () => {
  answerTo = (path, nth) => (path.startsWith('/flaky/') && nth <= 2 ? 503 : 200);
  const workflow = await save(
    [input('Token'), effect('before'), effect('flaky', { max_retries: 2, retry_delay: 2 }), output],
    ...['Token::output > before::variables::Token', 'Token::output > before::variables::Text'],
    ...['Token::output > flaky::variables::Token', 'before::body > flaky::variables::Text', 'flaky::body > out::input'],
  );
  const runs = await startRuns(workflow);
  /** Kills that may have found a try in hand, by path: what was in hand is done again. */
  const inHand = new Map<string, number>();
  const due: { path: string; nth: number; at: number }[] = [];
  const look = (killedAt: number): TaskRow[] => {
    const waiting: TaskRow[] = [];
    for (const task of tasksOf('flaky')) {
      const path = `/flaky/${runs.get(task.run_id)}`;
      if (task.due_at <= killedAt) {
        inHand.set(path, (inHand.get(path) ?? 0) + 1);
        continue;
      }
      waiting.push(task);
      const nth = callsTo(path).length + 1;
      if (!inHand.has(path)) expect([path, task.attempt]).toEqual([path, nth]);
      due.push({ path, nth, at: task.due_at });
    }
    return waiting;
  };
  for (const tries of [1, 2]) {
    for (const run of runs.keys()) {
      await expect
        .poll(async () => (await nodeOf(workflow, run, 'flaky'))?.warnings.length)
        .toBeGreaterThanOrEqual(tries);
    }
    const before = look(await kill());
    server = await start();
    const killedAt = await kill();
    // That life has neither begun the wait anew nor forgotten a try.
    const kept = look(killedAt);
    expect(kept).toEqual(before.filter(({ due_at: at }) => at > killedAt));
    server = await start();
  }
  for (const [run, token] of runs) {
    await expect
      .poll(() => read(workflow, run))
      .toMatchObject({ status: 'completed', output: { Result: `flaky(before(${token}))` } });
    const path = `/flaky/${token}`;
    const repeatable = inHand.get(path) ?? 0;
    expect(callsTo(path).length).toBeGreaterThanOrEqual(3);
    expect(callsTo(path).length).toBeLessThanOrEqual(3 + repeatable);
    // One key a try, also where a kill had a try made again.
    expect(new Set(callsTo(path).map(({ headers }) => headers['idempotency-key'])).size).toBe(3);
    expect(callsTo(`/before/${token}`)).toHaveLength(1);
    if (repeatable === 0) expect((await nodeOf(workflow, run, 'flaky'))?.warnings).toHaveLength(2);
  }
  for (const { path, nth, at } of due) expect(callsTo(path)[nth - 1]!.at).toBeGreaterThanOrEqual(at);
  expect(due.length).toBeGreaterThan(0);
});

it('killed while delays pass, a server ends each at the time that was set before the first kill', {
  timeout: 60_000,
}, async () => {
  answerTo = () => 200;
  const workflow = await save(
    [
      ...[input('Token'), effect('before')],
      ...[{ id: 'wait', type: 'DelayNode', node_config: { seconds: 4 } }, effect('after'), output],
    ],
    ...['Token::output > before::variables::Token', 'Token::output > before::variables::Text'],
    ...['before::body > wait::value', 'wait::output > after::variables::Text'],
    ...['Token::output > after::variables::Token', 'after::body > out::input'],
  );
  const runs = await startRuns(workflow);
  for (const run of runs.keys()) {
    await expect.poll(async () => (await nodeOf(workflow, run, 'before'))?.status).toBe('succeeded');
  }
  for (const token of runs.values()) settled.add(`/before/${token}`);
  /** The task that ends each run's delay. */
  const set = new Map<string, TaskRow>();
  /** Kills that came when a delay was over, by run: what comes after it may have been in hand. */
  const late = new Map<string, number>();
  for (let life = 1; life <= 3; life += 1) {
    const killedAt = await kill();
    for (const task of tasksOf('wait')) {
      // It is computed once: in the life that first came to it, which may have been cut off before.
      if (task.outputs === null) continue;
      const before = set.get(task.run_id) ?? task;
      set.set(task.run_id, before);
      expect(task).toEqual(before);
    }
    for (const [run, task] of set) {
      if (task.due_at > killedAt) expect(callsTo(`/after/${runs.get(run)}`)).toEqual([]);
      else late.set(run, (late.get(run) ?? 0) + 1);
    }
    server = await start();
  }
  expect(set.size).toBe(RUNS);
  for (const [run, token] of runs) {
    await expect
      .poll(() => read(workflow, run))
      .toMatchObject({ status: 'completed', output: { Result: `after(before(${token}))` } });
    expect(callsTo(`/before/${token}`)).toHaveLength(1);
    expect(callsTo(`/after/${token}`).length).toBeLessThanOrEqual(1 + (late.get(run) ?? 0));
    expect(callsTo(`/after/${token}`)[0]!.at).toBeGreaterThanOrEqual(set.get(run)!.due_at);
  }
});

it('killed again and again in the middle of a long list, a server goes on behind the items that are recorded', {
  timeout: 120_000,
}, async () => {
  const fails = (item: number) => item % FAILS_EVERY === 0;
  answerTo = (path, nth) => (fails(Number(path.split('/')[2])) && nth === 1 ? 503 : 200);
  const each = effect('each', { url: `${world.url}/each/((Text))`, retry_delay: 0.5 });
  const workflow = await save(
    [input('Items', 'list'), { id: 'cut', type: 'ListSliceNode', node_config: {} }, each, output],
    ...['Items::output > cut::list', 'cut::output > each::variables::Text', 'each::body > out::input'],
  );
  const items = Array.from({ length: ITEMS }, (_, index) => String(index + 1));
  const { body } = await server.call('POST', `/v1/workflows/${workflow}/runs`, { input: { Items: items } });
  const run = (body as { id: string }).id;

  const recorded = new Map<number, object>();
  const due: { path: string; nth: number; at: number }[] = [];
  for (let life = 1; life <= KILLS; life += 1) {
    await world.got(Math.floor((ITEMS * life) / (KILLS + 1)));
    const killedAt = await kill();
    const rows = rowsOf<{ iteration: number }>(
      folder,
      `select iteration, status, attempts, started_at, finished_at, inputs, outputs from iterations`,
    );
    const now = new Map(rows.map((row) => [row.iteration, row]));
    for (const [iteration, row] of recorded) expect(now.get(iteration)).toEqual(row);
    for (const [iteration, row] of now) recorded.set(iteration, row);
    const tasks = tasksOf('each');
    expect(tasks.length).toBeLessThanOrEqual(AT_ONCE);
    for (const { iteration, attempt, due_at: at } of tasks) {
      const path = `/each/${iteration}`;
      if (attempt === 2 && at > killedAt) due.push({ path, nth: callsTo(path).length + 1, at });
    }
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(ITEMS);
    for (const iteration of now.keys()) settled.add(`/each/${iteration}`);
    server = await start();
  }
  await expect
    .poll(() => read(workflow, run), { timeout: 60_000 })
    .toMatchObject({ status: 'completed', output: { Result: items.map((item) => `each(${item})`) } });
  await kill();
  expect(repeated).toEqual([]);
  for (const { path, nth, at } of due) expect(callsTo(path)[nth - 1]!.at).toBeGreaterThanOrEqual(at);
  for (const item of items) {
    const keys = callsTo(`/each/${item}`).map(({ headers }) => headers['idempotency-key']);
    const tries = Number(item) % FAILS_EVERY === 0 ? 2 : 1;
    expect(new Set(keys).size, `keys of item ${item}`).toBeLessThanOrEqual(tries);
  }
  const planned = ITEMS + Math.floor(ITEMS / FAILS_EVERY);
  const made = [...calls.values()].reduce((sum, { length }) => sum + length, 0);
  expect(made).toBeGreaterThanOrEqual(planned);
  expect(made).toBeLessThanOrEqual(planned + KILLS * AT_ONCE);
  // The node counts the tries that were recorded, each once; a failure that a kill cut off was not.
  const [counted] = rowsOf<{ tries: number; sum: number }>(
    folder,
    `select attempts as tries, (select sum(attempts) from iterations) as sum from node_runs where node_id = 'each'`,
  );
  expect(counted!.tries).toBe(counted!.sum);
  expect(counted!.sum).toBeLessThanOrEqual(planned);
  expect(counted!.sum).toBeGreaterThanOrEqual(planned - KILLS * AT_ONCE);
  console.info(JSON.stringify({ items: ITEMS, kills: KILLS, calls: made, planned, backOffs: due.length }));
});
