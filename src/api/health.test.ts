import { expect, it } from 'vitest';
import { openDoor } from './health.ts';

it('a process that starts lives, is not ready and says why, sends requests away, and gives its port on', async () => {
  const door = await openDoor({ host: '127.0.0.1', port: 0 });
  const ask = (path: string) => fetch(`http://127.0.0.1:${door.port}${path}`);
  expect((await ask('/healthz')).status).toBe(200);
  expect(await (await ask('/readyz')).json()).toEqual({ status: 'not ready', reason: 'starting' });
  door.say('migrating');
  const answer = await ask('/readyz');
  expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
    503,
    '1',
    { status: 'not ready', reason: 'migrating' },
  ]);
  expect((await ask('/v1/workflows')).status).toBe(503);
  const { port } = door;
  await door.close();
  await (await openDoor({ host: '127.0.0.1', port })).close();
});
