import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

/** For how long lists are walked while runs come and go. */
const FIRE_MS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 60_000 : 3_000;

/** Runs that are there all the time. */
const STEADY = 150;

/** Runs that come and go at a time. */
const FLEETING = 4;

let server: TestServer;
let api: RunflowClient;
let workflowId: string;
beforeAll(async () => {
  server = await startPlatform();
  api = new RunflowClient(server);
  workflowId = (await server.client.save(GREETING)).id;
});
afterAll(() => server.stop());

/** Starts a run: one that has ended by now, or one that ends later. */
function run(how: '/sync' | '' = '/sync'): Promise<Wire> {
  return server.client.post(`/v1/workflows/${workflowId}/runs${how}`, { input: { Name: 'Ada' } });
}

/** Starts runs and deletes each a moment after its end, until told to stop. @returns how many there were */
async function fire(isOver: () => boolean): Promise<number> {
  const alive: string[] = [];
  let made = 0;
  while (!isOver()) {
    alive.push((await run(made % 2 === 0 ? '/sync' : '')).id);
    made += 1;
    if (alive.length > 10) await server.client.ok('DELETE', `/v1/runs/${alive.shift()}`);
  }
  return made;
}

/** The ids of a whole list, forward page by page and then backward from the last one. */
async function walk(query: Readonly<Record<string, unknown>>): Promise<{ forward: string[]; backward: string[] }> {
  const idsOf = (page: Wire): string[] => page.items.map(({ id }: Wire) => id);
  let page = await api.get('/v1/runs', query);
  const forward = idsOf(page);
  while (page.next !== null) {
    page = await api.get('/v1/runs', { ...query, pq: page.next });
    forward.push(...idsOf(page));
  }
  const backward = idsOf(page);
  while (page.previous !== null) {
    page = await api.get('/v1/runs', { ...query, pq: page.previous, from_prev: true });
    backward.unshift(...idsOf(page));
  }
  return { forward, backward };
}

it('walking a list either way while runs come and go skips nothing that was there throughout, and repeats nothing', {
  timeout: FIRE_MS + 120_000,
}, async () => {
  const steady = new Set<string>();
  for (let n = 0; n < STEADY; n += 1) steady.add((await run()).id);
  const until = Date.now() + FIRE_MS;
  let isOver = false;
  const fires = Array.from({ length: FLEETING }, () => fire(() => isOver));
  let walks = 0;
  try {
    while (Date.now() < until) {
      for (const query of [
        { limit: 23 },
        { limit: 31, sort_by: 'created_at:asc' },
        { limit: 17, sort_by: 'status_code:asc,created_at:desc', q: 'status_code:succeeded' },
        { limit: 40, sort_by: 'duration_ms:desc,id:asc', q: 'completed_at.notnull', fields: 'id' },
      ]) {
        const { forward, backward } = await walk(query);
        for (const seen of [forward, backward]) {
          expect(new Set(seen).size, JSON.stringify(query)).toBe(seen.length);
          expect(
            [...steady].filter((id) => !seen.includes(id)),
            JSON.stringify(query),
          ).toEqual([]);
        }
        walks += 1;
      }
    }
  } finally {
    isOver = true;
  }
  const made = (await Promise.all(fires)).reduce((sum, each) => sum + each, 0);
  expect(walks).toBeGreaterThan(0);
  expect(made).toBeGreaterThan(FLEETING);
});
