import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

let folder: string;
let other: OtherServer;
let server: TestServer;
let status: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-errors-'));
  status = 500;
  other = await startOtherServer((_, response) => sendJson(response, { said: 'no' }, status));
  server = await startPlatform({ folder });
});
afterEach(async () => {
  await server.stop();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Calls the other server. */
const calling = (config: object = {}) => ({
  nodes: [
    input('in', 'Text'),
    { ...http('call', other.url, { method: 'POST', max_retries: null, ...config }) },
    output('out', 'Body'),
  ],
  edges: [edge('in::output', 'call::variables::Text'), edge('call::body', 'out::input')],
});

const TELLING = {
  nodes: [input('a', 'error'), input('b', 'failed_run', { type: 'dict' }), output('o', 'Error'), output('p', 'All')],
  edges: [edge('a::output', 'o::input'), edge('b::output', 'p::input')],
};

it('an error handler is told of a failed run, once, also over a restart, and both runs show each other', async () => {
  const { client } = server;
  const handler = await client.save(TELLING, { type: 'handler' });
  const flow = await client.save(calling({ max_retries: 0 }), { error_handler: handler.id, name: 'Caller' });
  const failed = await client.run(flow.id, { input: { Text: 'x' } });
  expect(failed.status).toBe('failed');
  const handling = await vi.waitFor(async () => {
    const { error_handler_run_id: id } = await client.get(`/v1/runs/${failed.id}`);
    expect(id).toBeDefined();
    return id as string;
  });
  const told = await client.until(handler.id, handling, ['completed', 'failed']);
  expect(told).toMatchObject({ status: 'completed' });
  expect(JSON.parse(told.output.Error)).toMatchObject({ code: 'http_status', node_id: 'call' });
  expect(told.output.All).toMatchObject({
    ...{ run_id: failed.id, workflow_id: flow.id, workflow_name: 'Caller', status: 'failed', attempts: 1 },
    input: { Text: 'x' },
  });
  expect(await client.get(`/v1/runs/${handling}`)).toMatchObject({ failed_run_id: failed.id, source: 'error_handler' });

  await server.stop();
  server = await startPlatform({ folder });
  await server.client.run(flow.id, { input: { Text: 'y' } });
  await vi.waitFor(async () => {
    const { items } = await server.client.get(`/v1/workflows/${handler.id}/runs`);
    expect(items).toHaveLength(2);
  });
});

it('the settings of a workflow are defaults of its nodes, as they were when its current version was made', async () => {
  const { client } = server;
  const settings = { max_retries: 2, retry_delay: 0.01, retry_on: [500] };
  const flow = await client.save(calling(), { settings });
  const first = await client.run(flow.id, { input: { Text: 'x' } });
  expect(first.status).toBe('failed');
  expect(other.received).toHaveLength(3);
  const keys = other.received.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(3);

  await client.ok('PATCH', `/v1/workflows/${flow.id}`, { settings: { ...settings, retry_on: [503] } });
  const patched = await client.get(`/v1/workflows/${flow.id}`);
  expect(patched.workflow_hash).toBe(flow.workflow_hash);
  await client.run(flow.id, { input: { Text: 'x' } });
  expect(other.received).toHaveLength(4);

  const refused = await client.ok('PATCH', `/v1/workflows/${flow.id}`, { settings: { max_retries: 1_000 } });
  expect(refused.validation).toMatchObject([
    { type: 'invalid_setting', message: 'The setting "max_retries" of the workflow is 1000, but takes 100 or less.' },
  ]);
  expect((await client.send('POST', `/v1/workflows/${flow.id}/runs`, { input: { Text: 'x' } })).status).toBe(422);

  // A node that says something itself is not concerned.
  const own = await client.save(calling({ max_retries: 0 }), { settings });
  await client.run(own.id, { input: { Text: 'x' } });
  expect(other.received).toHaveLength(5);
});

it('what is wrong with how a node is tried again keeps it from running, with what to write', async () => {
  const draft: Wire = await server.client.save(calling({ retry_on: ['http_staus'], retry_backoff: 'linear' }));
  expect(draft.validation.map(({ message, hint }: Wire) => `${message} ${hint}`).join('\n')).toMatch(
    /"retry_backoff" .* takes one of "fixed", "exponential"[\s\S]*Did you mean "http_status"\?/,
  );
});
