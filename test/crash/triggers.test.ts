import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { lookAtImage } from './image.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Kills of the server while it fires. */
const KILLS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 12 : 2;

let folder: string;
let server: ServerProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-trigger-crash-'));
});

afterEach(async () => {
  server?.signal('SIGKILL');
  await server?.exited;
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Event {
  readonly outcome: string;
  readonly run_id: string | null;
  readonly data: { readonly due_at?: string };
}

const ok = async <T>(method: string, path: string, body?: object): Promise<T> => {
  const answer = await server!.call(method, path, body);
  if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}`);
  return answer.body as T;
};

it('a server that is killed while a schedule fires leaves no time out and fires none twice', {
  timeout: 180_000,
}, async () => {
  server = await startServer({ folder });
  const workflow = await ok<{ id: string }>('POST', '/v1/workflows', { name: 'W', definition: GREETING });
  const trigger = await ok<{ id: string }>('POST', `/v1/workflows/${workflow.id}/triggers`, {
    definition: { type: 'schedule', cron: '* * * * * *', missed: 'all' },
    inputs: { Name: '((due_at))' },
  });
  const events = async () =>
    (await ok<{ items: Event[] }>('GET', `/v1/triggers/events?trigger_id=${trigger.id}&size=100`)).items;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const before = (await events()).length;
    await expect.poll(async () => (await events()).length, { timeout: 60_000 }).toBeGreaterThan(before);
    // Somewhere between two firings, or in one.
    await new Promise((resolve) => setTimeout(resolve, (Date.now() * 7) % 400));
    server.signal('SIGKILL');
    await server.exited;
    server = await startServer({ folder });
  }
  await expect.poll(async () => (await events()).length, { timeout: 60_000 }).toBeGreaterThan(KILLS + 1);
  await ok('DELETE', `/v1/triggers/${trigger.id}`);
  // Runs that it started stay: one for each second from the first to the last.
  const { items } = await ok<{ items: { id: string; input: { Name: string } }[] }>('GET', '/v1/runs?size=100');
  const times = items.map(({ input }) => Date.parse(input.Name)).toSorted((a, b) => a - b);
  const first = times[0]!;
  expect(times).toEqual(times.map((_, second) => first + second * 1000));
  server.signal('SIGKILL');
  await server.exited;
  expect(lookAtImage(folder).broken).toEqual([]);
});
