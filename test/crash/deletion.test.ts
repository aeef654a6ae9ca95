import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookAtImage } from './image.ts';
import type { ShownRun } from './load.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

const KILLS = LONG ? 10 : 1;

/** Runs deleted by one call: enough that a kill lands inside of it. */
const RUNS = 200;

/** Characters of a run's text: above what is kept in rows, so that each run owns blobs too. */
const LARGE = 300_000;

/** One run in so many is large. */
const LARGE_EVERY = 20;

/** Milliseconds from asking to the kill, at most; the whole deletion takes some ten times as long as the first kill leaves it. */
const LONGEST_MS = 100;

const definition = {
  nodes: [
    { id: 'in', type: 'InputNode', node_config: { label: 'Text', type: 'str' } },
    { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
  ],
  edges: [{ id: 'e', from_id: 'in::output', to_id: 'out::input' }],
};

let folder: string;
let server: ServerProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-deletion-'));
  server = await startServer({ folder });
});

afterEach(async () => {
  server.signal('SIGKILL');
  await server.exited;
  rmSync(folder, { recursive: true, force: true });
});

const total = async (): Promise<number> =>
  ((await server.call('GET', '/v1/runs?size=1')).body as { total: number }).total;

async function createRuns(workflowId: string): Promise<string[]> {
  return Promise.all(
    Array.from({ length: RUNS }, async (_, index) => {
      const input = { Text: index % LARGE_EVERY === 0 ? 'x'.repeat(LARGE) : 'short' };
      const { body } = await server.call('POST', `/v1/workflows/${workflowId}/runs/sync`, { input });
      return (body as ShownRun).id;
    }),
  );
}

it('a bulk deletion that a kill cuts off has deleted runs whole or not at all, and can be asked for again', async () => {
  const { body } = await server.call('POST', '/v1/workflows', { name: 'Echo', definition });
  const workflowId = (body as { id: string }).id;
  const broken: string[] = [];
  const left: number[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const [first, ...ids] = await createRuns(workflowId);
    const alone = await server.call('DELETE', `/v1/runs/${first}`);
    expect(alone.body).toMatchObject({ succeeded: 1 });
    const asked = server.call('POST', '/v1/runs/bulk/delete', { run_ids: ids }).catch(() => null);
    await sleep((LONGEST_MS * kill) / KILLS);
    server.signal('SIGKILL');
    await Promise.all([server.exited, asked]);
    const image = lookAtImage(folder);
    broken.push(...image.broken);

    server = await startServer({ folder });
    expect((await server.call('GET', `/v1/runs/${first}`)).status).toBe(404);
    left.push(await total());
    const gone = await Promise.all(ids.map(async (id) => (await server.call('GET', `/v1/runs/${id}/data`)).status));
    expect(gone.filter((status) => status !== 200 && status !== 404)).toEqual([]);
    expect(gone.filter((status) => status === 200)).toHaveLength(left.at(-1)!);

    const again = await server.call('POST', '/v1/runs/bulk/delete', { run_ids: ids });
    expect(again.body).toMatchObject({ succeeded: left.at(-1), matched: left.at(-1) });
    expect(await total()).toBe(0);
  }
  console.info(JSON.stringify({ kills: KILLS, runs: RUNS, left, orphans: lookAtImage(folder).orphans }));
  expect(broken).toEqual([]);
});
