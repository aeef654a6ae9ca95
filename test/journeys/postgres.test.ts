import { expect, it, vi } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const cluster = startsPostgres();

/** What servers that share a store have in common. */
const SECRET = '5'.repeat(64);

it('two servers on one PostgreSQL are one platform: what one was told the other knows, shows and finds', async () => {
  const { url, drop } = cluster.newSchema();
  const servers: TestServer[] = [];
  try {
    for (let n = 0; n < 2; n += 1)
      servers.push(await startPlatform({ settings: { store: url, secret: SECRET, 'encryption-key': SECRET } }));
    const [one, other] = servers as [TestServer, TestServer];
    const workflow = await one.client.save(GREETING);
    const run = await other.client.run(workflow.id, { input: { Name: 'Wilhelmina' } });
    const done = await one.client.until(workflow.id, run.id, ['completed']);
    expect(done.output).toEqual({ Greeting: 'Hello Wilhelmina' });
    for (const { client } of servers) {
      expect((await client.get(`/v1/workflows/${workflow.id}/runs`)).items).toMatchObject([{ id: run.id }]);
      // An index that is behind says so.
      await vi.waitFor(async () => {
        const found = await client.post('/v1/runs/search', { query: 'Wilhelmina' });
        expect(found.items.map(({ id }: { id: string }) => id)).toEqual([run.id]);
      }, 20_000);
    }
  } finally {
    for (const server of servers) await server.stop();
    await drop();
  }
});
