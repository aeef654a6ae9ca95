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
      const found = async () =>
        (await client.post('/v1/runs/search', { query: 'Wilhelmina' })).items.map(({ id }: { id: string }) => id);
      await expect.poll(found).toEqual([run.id]);
    }
  } finally {
    for (const server of servers) await server.stop();
    await drop();
  }
});
