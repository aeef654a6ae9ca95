import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { randomOf } from './random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { World } from './world.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';
const RUNS = LONG ? 10 : 2;
const ITEMS = LONG ? 60 : 12;

/** Kills while items, rounds and levels are under way. MILLRUN_CRASH_SEED=… repeats them. */
const KILLS = LONG ? 25 : 5;
const SEED = Number(process.env['MILLRUN_CRASH_SEED'] ?? Date.now() % 1_000_000);

/** Milliseconds that a server lives at most between two kills. */
const LONGEST_MS = 400;

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
const output = (label: string) => ({ id: `out-${label}`, type: 'OutputNode', node_config: { label } });
const effect = (id: string, name: string) => ({
  id,
  type: 'HttpRequestNode',
  node_config: {
    ...{ method: 'POST', body_type: 'text', body: '((Text))', retry_delay: 0.2 },
    url: `http://${world.address}/effect/((Token))/${name}`,
  },
});
const edges = (...arrows: string[]) =>
  arrows.map((arrow, index) => {
    const [from, to] = arrow.split(' > ');
    return { id: `e${index}`, from_id: from, to_id: to };
  });

/** Token, Text → an effect called `<name><Text>` → Text. */
const working = (name: string) => ({
  nodes: [input('Token'), input('Text'), effect('work', `${name}((Text))`), output('Text')],
  edges: edges(
    ...['Token::output > work::variables::Token', 'Text::output > work::variables::Text'],
    'work::body > out-Text::input',
  ),
});

/** Token, Text → an effect → a workflow below that has one of its own → Text. */
const deeper = (below: string) => ({
  nodes: [
    ...[input('Token'), input('Text'), effect('work', 'item-((Text))'), output('First'), output('Text')],
    { id: 'below', type: 'InvokeSubflowNode', node_config: { subflow_id: below } },
  ],
  edges: edges(
    ...['Token::output > work::variables::Token', 'Text::output > work::variables::Text'],
    ...['Token::output > below::inputs::Token', 'Text::output > below::inputs::Text'],
    ...['work::body > out-First::input', 'below::outputs::Text > out-Text::input'],
  ),
});

/** A map whose items go two levels deep, beside a loop whose text grows with each round. */
const whole = (item: string, round: string) => ({
  nodes: [
    ...[input('Token'), input('Items', 'list'), input('Start'), output('All'), output('Grown')],
    { id: 'each', type: 'MapNode', node_config: { subflow_id: item, item_input: 'Text', result_output: 'Text' } },
    {
      id: 'loop',
      type: 'LoopNode',
      node_config: {
        subflow_id: round,
        conditions: { left: '((round))', operator: 'less', right: 3 },
      },
    },
  ],
  edges: edges(
    ...['Items::output > each::items', 'Token::output > each::inputs::Token', 'each::results > out-All::input'],
    ...['Token::output > loop::inputs::Token', 'Start::output > loop::inputs::Text'],
    'loop::outputs::Text > out-Grown::input',
  ),
});

async function save(name: string, definition: object): Promise<string> {
  const { body } = await server.call('POST', '/v1/workflows', { name, definition });
  expect(body).toMatchObject({ validation: [] });
  return (body as { id: string }).id;
}

interface Below {
  readonly status: string;
  readonly parent: { readonly iteration: number };
}

it(`killed while items, rounds and levels are under way, runs do what is recorded once (seed ${SEED})`, {
  timeout: 180_000,
}, async () => {
  const random = randomOf(SEED);
  server = await startServer({ folder, world: world.address });
  const workflow = await save(
    'Whole',
    whole(await save('Item', deeper(await save('Deep', working('deep-')))), await save('Round', working('round-'))),
  );
  const items = Array.from({ length: ITEMS }, (_, index) => String(index + 1));
  const runs = new Map<string, string>();
  for (let index = 1; index <= RUNS; index += 1) {
    const token = `below-${index}`;
    const callback_url = `http://${world.address}/callback/${token}`;
    const body = { input: { Token: token, Items: items, Start: 's' }, callback_url };
    const made = await server.call('POST', `/v1/workflows/${workflow}/runs`, body);
    runs.set((made.body as { id: string }).id, token);
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(random() * LONGEST_MS);
    const done: string[] = [];
    for (const [id, token] of runs) {
      const listed = await server.call('GET', `/v1/runs/${id}/subflows/each?size=100`);
      if (listed.status !== 200) continue;
      for (const { status, parent } of (listed.body as { items: readonly Below[] }).items) {
        if (status === 'completed') done.push(`${token}/item-${parent.iteration}`, `${token}/deep-${parent.iteration}`);
      }
    }
    for (const id of done) world.settle(id, 'the run of its item has ended');
    world.lifeEnds();
    server.signal('SIGKILL');
    await server.exited;
    await world.nextLife();
    server = await startServer({ folder, world: world.address });
  }
  for (const [id, token] of runs) {
    const read = async () => (await server.call('GET', `/v1/workflows/${workflow}/runs/${id}`)).body as object;
    await expect.poll(read, { timeout: 60_000, interval: 200 }).toMatchObject({
      status: 'completed',
      output: { All: items.map((item) => `deep-${item}(${item})`), Grown: expect.stringContaining('round-') },
    });
    await expect.poll(() => world.callbacksOf(token).length).toBeGreaterThan(0);
    expect(new Set(world.callbacksOf(token).map(({ webhookId }) => webhookId)).size).toBe(1);
    const { body } = await server.call('GET', `/v1/runs/${id}/subflows/each?size=100`);
    expect((body as { total: number }).total).toBe(ITEMS);
  }
  expect(world.broken).toEqual([]);
});
