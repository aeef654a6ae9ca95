import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { randomOf } from './random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { World } from './world.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
/** All of their requests fit on one page. */
const RUNS = LONG ? 33 : 10;

/** Kills while answers come in. MILLRUN_CRASH_SEED=… repeats them. */
const KILLS = LONG ? 20 : 4;
const SEED = Number(process.env['MILLRUN_CRASH_SEED'] ?? Date.now() % 1_000_000);

/** Milliseconds from the first answer to the kill, at most: about as long as all answers of a quick test take. */
const LONGEST_MS = 30;

/** Persons that are asked in a run: one about each of two items, and one beside them. */
const ASKED = 3;

interface Request {
  readonly id: string;
  readonly run_id: string;
  readonly node_id: string;
  readonly it: number;
}

let folder: string;
let world: World;
let server: ServerProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-crash-'));
  world = new World({ refusesFirst: false });
  await world.open();
});
afterEach(async () => {
  server.signal('SIGKILL');
  await server.exited;
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const input = (label: string, type = 'str') => ({ id: label, type: 'InputNode', node_config: { label, type } });
const effect = (id: string) => ({
  id,
  type: 'HttpRequestNode',
  node_config: {
    ...{ method: 'POST', body_type: 'text', body: '((Text))', retry_delay: 0.2 },
    url: `http://${world.address}/effect/((Token))/${id}`,
  },
});
const ask = (id: string) => ({
  id,
  type: 'HumanInTheLoopNode',
  node_config: { title: '((Item))', fields: [{ name: 'note', type: 'text' }] },
});
const edges = (...arrows: string[]) =>
  arrows.map((arrow, index) => {
    const [from, to] = arrow.split(' > ');
    return { id: `e${index}`, from_id: from, to_id: to };
  });

/** Token → effect → a person, and one for each item → effect → Result. */
const definition = () => ({
  nodes: [
    ...[input('Token'), input('Items', 'list')],
    { id: 'cut', type: 'ListSliceNode', node_config: {} },
    ...[effect('before'), ask('one'), ask('each'), effect('after')],
    { id: 'join', type: 'ComposeTextNode', node_config: { template: '((Note))' } },
    { id: 'notes', type: 'OutputNode', node_config: { label: 'Notes' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
  ],
  edges: edges(
    ...['Token::output > before::variables::Token', 'Token::output > before::variables::Text'],
    ...['before::body > one::variables::Item', 'Items::output > cut::list', 'cut::output > each::variables::Item'],
    ...['Token::output > after::variables::Token', 'one::note > after::variables::Text'],
    ...['each::note > join::variables::Note', 'join::output > notes::input', 'after::body > out::input'],
  ),
});

async function restart(): Promise<void> {
  world.lifeEnds();
  server.signal('SIGKILL');
  await server.exited;
  await world.nextLife();
  server = await startServer({ folder, world: world.address });
}

const pending = async (): Promise<readonly Request[]> => {
  const { body } = await server.call('GET', '/v1/human-requests?size=100');
  return (body as { items: readonly Request[] }).items;
};

const noteOf = ({ node_id: node, it }: Request): string => (node === 'one' ? 'yes' : `item ${it}`);

const answer = (request: Request) =>
  server.call('POST', `/v1/human-requests/${request.id}/answer`, { answer: { note: noteOf(request) } });

it(`killed while persons are asked and answer, runs take every answer that was acknowledged (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const random = randomOf(SEED);
  server = await startServer({ folder, world: world.address });
  const saved = await server.call('POST', '/v1/workflows', { name: 'Ask', definition: definition() });
  const workflow = saved.body as { id: string };
  expect(saved.body).toMatchObject({ validation: [] });
  const tokens = Array.from({ length: RUNS }, (_, index) => `person-${index + 1}`);
  const runs = new Map<string, string>();
  for (const token of tokens) {
    const callback_url = `http://${world.address}/callback/${token}`;
    const body = { input: { Token: token, Items: ['a', 'b'] }, callback_url };
    const made = await server.call('POST', `/v1/workflows/${workflow.id}/runs`, body);
    runs.set((made.body as { id: string }).id, token);
  }
  await expect.poll(async () => (await pending()).length).toBe(RUNS * ASKED);
  for (const token of tokens) world.settle(`${token}/before`, 'its run waits for persons');

  const acknowledged = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    await restart();
    const asked = await pending();
    expect(asked.filter(({ id }) => acknowledged.has(id))).toEqual([]);
    const answers = asked.slice(0, Math.ceil((RUNS * ASKED) / KILLS)).map(async (request) => {
      // What breaks off was answered or not; the list of the next life says which.
      const told = await answer(request).catch(() => null);
      if (told === null) return;
      expect(told.status).toBe(200);
      acknowledged.add(request.id);
    });
    await sleep(random() * LONGEST_MS);
    server.signal('SIGKILL');
    await Promise.all(answers);
  }
  await restart();
  for (const request of await pending()) expect((await answer(request)).status).toBe(200);

  for (const [id, token] of runs) {
    const read = async () => (await server.call('GET', `/v1/workflows/${workflow.id}/runs/${id}`)).body as object;
    await expect.poll(read).toMatchObject({
      status: 'completed',
      output: { Result: 'after(yes)', Notes: ['item 1', 'item 2'] },
    });
    await expect.poll(() => world.callbacksOf(token).at(-1)?.body.status).toBe('completed');
    // Each person's being asked is told, however often it had to be said, under one id of its own; so is the end.
    const ids = Map.groupBy(world.callbacksOf(token), ({ webhookId }) => webhookId);
    expect(ids.size).toBe(ASKED + 1);
  }
  expect(world.broken).toEqual([]);
});
