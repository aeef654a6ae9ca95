import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { GREETING, http } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let receiver: OtherServer;
beforeEach(async () => {
  receiver = await startOtherServer((_, response) => response.writeHead(200).end('thanks'));
  server = await startPlatform();
});
afterEach(async () => {
  await server.stop();
  await receiver.stop();
});

it('a finished run is told to its callback address, signed with the secret that the receiver can ask for', async () => {
  const workflow = await server.client.save(GREETING);
  const callback_url = `${receiver.url}/hook?x=1`;
  const run = await server.client.run(workflow.id, { input: { Name: 'Ada' }, callback_url });
  await receiver.got(1);
  const [request] = receiver.received;
  const { secret } = await server.client.get('/v1/admin/callback-secret');
  const told = new Webhook(secret).verify(request!.body, request!.headers);
  expect(request).toMatchObject({ method: 'POST', path: '/hook?x=1' });
  expect(told).toEqual({
    run_id: run.id,
    workflow_id: workflow.id,
    status: 'completed',
    outputs: { Greeting: 'Hello Ada' },
    error: null,
    started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    completed_at: expect.any(String),
    duration_ms: expect.any(Number),
  });
  await expect
    .poll(() => server.client.get(`/v1/runs/${run.id}/callback`))
    .toMatchObject([
      { status: 'delivered', attempt_count: 1, attempts: [{ status_code: 200, response_body: 'thanks' }] },
    ]);
});

it('failed and stopped runs are told too', async () => {
  const failing = await server.client.save({ nodes: [http('call', 'http://127.0.0.2:1/')], edges: [] });
  const callback_url = receiver.url;
  await server.client.run(failing.id, { input: {}, callback_url });
  const sleeping = await server.client.save({
    nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }],
    edges: [],
  });
  const { id } = await server.client.run(sleeping.id, { input: {}, callback_url }, ['running']);
  await server.client.post(`/v1/runs/${id}/stop`);
  await receiver.got(2);
  const told = receiver.received.map(({ body }) => JSON.parse(body));
  expect(told.find(({ status }) => status === 'failed').error).toContain('127.0.0.2');
  expect(told.find(({ status }) => status === 'stopped')).toMatchObject({ run_id: id, error: null, outputs: {} });
});

it.each([
  ['no address', 'nope'],
  ['another scheme', 'ftp://example.com/'],
  ['nothing', ''],
  ['an address of a private network', 'http://10.0.0.1/'],
  ['more than 2083 characters', `https://example.com/${'x'.repeat(2100)}`],
])('%s is refused as a callback address when the run is made', async (_, callback_url) => {
  const workflow = await server.client.save(GREETING);
  const body = { input: { Name: 'Ada' }, callback_url };
  const answer = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs`, body);
  expect([answer.status, answer.body.detail[0].loc]).toEqual([422, ['body', 'callback_url']]);
  expect((await server.client.get('/v1/runs')).total).toBe(0);
});
