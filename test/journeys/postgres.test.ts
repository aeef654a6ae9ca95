import { expect, it } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const cluster = startsPostgres();

it('two servers on one PostgreSQL are one platform: what one was told the other knows, shows and finds', async () => {
  const { url, drop } = cluster.newSchema();
  const servers: TestServer[] = [];
  try {
    for (let n = 0; n < 2; n += 1) servers.push(await startPlatform({ settings: { store: url } }));
    const [one, other] = servers as [TestServer, TestServer];
    const workflow = await one.client.save(GREETING);
    const run = await other.client.run(workflow.id, { input: { Name: 'Wilhelmina' } });
    const done = await one.client.until(workflow.id, run.id, ['completed']);
    expect(done.output).toEqual({ Greeting: 'Hello Wilhelmina' });
    for (const { client } of servers) {
      expect((await client.get(`/v1/workflows/${workflow.id}/runs`)).items).toMatchObject([{ id: run.id }]);
      const found = await client.post('/v1/runs/search', { query: 'Wilhelmina' });
      expect(found.items.map(({ id }: { id: string }) => id)).toEqual([run.id]);
    }
  } finally {
    for (const server of servers) await server.stop();
    await drop();
  }
});

it('two servers on one PostgreSQL fire each time of a schedule once, and take a delivery once', async () => {
  const { url, drop } = cluster.newSchema();
  const servers: TestServer[] = [];
  try {
    // Secrets of webhooks are sealed: whoever shares a store shares the key.
    const settings = { store: url, 'encryption-key': '7'.repeat(64) };
    for (let n = 0; n < 2; n += 1) servers.push(await startPlatform({ settings }));
    const [one, other] = servers as [TestServer, TestServer];
    const workflow = await one.client.save(GREETING);
    const triggers = `/v1/workflows/${workflow.id}/triggers`;
    const schedule = await one.client.post(triggers, {
      definition: { type: 'schedule', cron: '* * * * * *', missed: 'all' },
      inputs: { Name: '((due_at))' },
    });
    const events = async () => (await other.client.get(`${triggers}/${schedule.id}/events`)).items;
    await expect.poll(async () => (await events()).length, { timeout: 60_000 }).toBeGreaterThan(3);
    await other.client.ok('PATCH', `${triggers}/${schedule.id}`, { enabled: false });
    const due = (await events()).map(({ data }: { data: { due_at: string } }) => Date.parse(data.due_at)).toReversed();
    expect(due).toEqual(due.map((_: number, second: number) => due[0] + second * 1000));
    const { items } = await one.client.get('/v1/runs?size=100');
    expect(items).toHaveLength(due.length);

    const hook = await one.client.post(triggers, { definition: { type: 'webhook' } });
    const send = async (server: TestServer): Promise<string> => {
      const answer = await fetch(hook.url.replace(one.url, server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'webhook-id': 'm-1' },
        body: JSON.stringify({ Name: 'Ada' }),
      });
      return ((await answer.json()) as { run_id: string }).run_id;
    };
    const [first, ...more] = await Promise.all([one, other, one, other].map(send));
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set([first, ...more]).size).toBe(1);
  } finally {
    for (const server of servers) await server.stop();
    await drop();
  }
});
