import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { edge, GREETING, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { endsWait, FORMS, readEvents, type StreamEvent } from './strict.ts';

/** What the wait of noxus-sdk 0.5.0 takes for an end when it polls; `stopped` is not among them. */
const POLLED_ENDS = ['completed', 'failed', 'awaiting_human_feedback'];

const WAITING = {
  nodes: [input('in', 'Name'), { id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }, output('out')],
  edges: [edge('in::output', 'wait::value'), edge('wait::output', 'out::input')],
};

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform();
});
afterAll(() => server.stop());

it('the wait of the official client ends for a run that completes', async () => {
  const workflow = await server.client.save(GREETING);
  const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' } });
  expect((await clientWait(server, workflow.id, id)).status).toBe('completed');
});

it('the wait of the official client ends for a run that is stopped, which it then finds stopped', async () => {
  const workflow = await server.client.save(WAITING);
  const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' } });
  await server.client.until(workflow.id, id, ['running']);
  const waiting = clientWait(server, workflow.id, id);
  await server.client.post(`/v1/runs/${id}/stop`);
  expect((await waiting).status).toBe('stopped');
});

it('the wait of the official client ends for a run that waits for a person', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-waiting-'));
  const before = await startPlatform({ folder });
  const workflow = await before.client.save(WAITING);
  const run = await before.client.run(workflow.id, { input: { Name: 'Ada' } }, ['running']);
  await before.stop();
  // No node type waits for people yet: the store is told as an engine would tell it.
  const after = await startPlatform({ folder, prepare: (store) => letWait(store, run) });
  expect((await clientWait(after, workflow.id, run.id)).status).toBe('awaiting_human_feedback');
  await after.stop();
  rmSync(folder, { recursive: true });
});

it('a stream that is taken up at any event brings exactly the events behind it', async () => {
  const workflow = await server.client.save({
    nodes: [
      input('in', 'Name'),
      text('say', 'Hello ((Name))'),
      { id: 'wait', type: 'DelayNode', node_config: { seconds: 0.05 } },
      output('out'),
    ],
    edges: [
      edge('in::output', 'say::variables::Name'),
      edge('say::output', 'wait::value'),
      edge('wait::output', 'out::input'),
    ],
  });
  const run = await server.client.run(workflow.id, { input: { Name: ['Ada', 'Bob'] } });
  const all = await eventsOf(server, run.id);
  expect(all.length).toBeGreaterThan(5);
  for (const [index, { redisId }] of all.entries()) {
    const rest = await eventsOf(server, run.id, redisId);
    expect(rest.map((event) => event.redisId)).toEqual(all.slice(index + 1).map((event) => event.redisId));
  }
  const [first] = all.slice(2);
  const resumed = await fetch(`${server.url}/v1/runs/${run.id}/events`, {
    headers: { 'x-api-key': KEY, 'last-event-id': first!.redisId },
  });
  expect(readEvents(await resumed.text())[0]?.redisId).toBe(all[3]?.redisId);
});

it('a stream that is watched live tells each node once and ends with the run', async () => {
  const workflow = await server.client.save({
    nodes: [input('in', 'Name'), { id: 'wait', type: 'DelayNode', node_config: { seconds: 0.1 } }, output('out')],
    edges: [edge('in::output', 'wait::value'), edge('wait::output', 'out::input')],
  });
  const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' } });
  const events = await eventsOf(server, id);
  expect(new Set(events.map(({ redisId }) => redisId)).size).toBe(events.length);
  const done = events.filter(({ data }) => data['status'] === 'succeeded').map(({ data }) => data['node_id']);
  expect(done.toSorted()).toEqual(['in', 'out', 'wait']);
  expect(endsWait(events.at(-1)!)).toBe(true);
});

it('an etag from behind the end, or one that means nothing, ends like any other', async () => {
  const workflow = await server.client.save(GREETING);
  const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
  expect(await eventsOf(server, run.id, '999999999-0')).toEqual([]);
  expect(await eventsOf(server, run.id, 'nonsense')).toEqual(await eventsOf(server, run.id));
});

it('the catalogue lists every node type that a stored workflow can have, those of form V2 too', async () => {
  const v2 = {
    flow_version: 'v2',
    nodes: [
      { id: 'a', type: 'InputNodeV2', node_config: { label: 'Name', type: 'str' } },
      { id: 'b', type: 'CombineTextV2', node_config: { template: 'Hello :var[a.output]' } },
      { id: 'c', type: 'GenerateTextV2', node_config: { prompt: ':var[b.output]' } },
      { id: 'd', type: 'OutputNodeV2', node_config: { label: 'Greeting', value: ':var[c.output]' } },
    ],
    edges: [],
  };
  await server.client.save(v2);
  const catalogue = await server.client.get('/v1/nodes');
  FORMS['catalogue']!(catalogue);
  const known = new Set(catalogue.map((entry: { type: string }) => entry.type));
  const page = await server.client.get('/v1/workflows?page=1&page_size=100&size=100&type=flow');
  FORMS['workflows']!(page);
  const used = page.items.flatMap((item: { definition: { nodes: { type: string }[] } }) =>
    item.definition.nodes.map(({ type }) => type),
  );
  expect(used).toContain('OutputNodeV2');
  expect(used.filter((type: string) => !known.has(type))).toEqual([]);
});

/** `run.wait()` of noxus-sdk 0.5.0: reads the stream, and polls when it closes without a word about the end. */
async function clientWait(at: TestServer, workflowId: string, runId: string): Promise<{ status: string }> {
  const response = await fetch(`${at.url}/v1/runs/${runId}/events`, { headers: { 'x-api-key': KEY } });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const isOver = readEvents(await response.text()).some(endsWait);
  return isOver
    ? at.client.get(`/v1/workflows/${workflowId}/runs/${runId}`)
    : at.client.until(workflowId, runId, POLLED_ENDS);
}

async function eventsOf(at: TestServer, runId: string, etag?: string): Promise<StreamEvent[]> {
  const query = etag === undefined ? '' : `?etag=${etag}`;
  const response = await fetch(`${at.url}/v1/runs/${runId}/events${query}`, { headers: { 'x-api-key': KEY } });
  return readEvents(await response.text());
}

async function letWait(store: Store, wire: { id: string; group_id: string }): Promise<void> {
  const run = await store.getRun(wire.group_id, wire.id);
  if (run === null) throw new Error('The run is gone.');
  const { workspaceId, id: runId, workflowId } = run;
  const event = { workspaceId, runId, workflowId, at: Date.now(), kind: 'advanced' } as const;
  const kept = await store.commit([
    { kind: 'updateRun', run: { ...run, status: 'waiting', revision: run.revision + 1 }, before: run.status },
    { kind: 'appendEvent', event: { ...event, data: { status: 'waiting', progress: run.progress } } },
    // Stopped so soon, the server may not have begun the delay: it would, and the run would go on.
    { kind: 'endTasksOfRun', workspaceId, runId },
  ]);
  expect(kept).toBe('kept');
}
