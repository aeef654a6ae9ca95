import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SCOPES } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Change } from '../../src/store/change.ts';
import { realSystem } from '../../src/system/system.ts';
import { Client, type Wire } from '../support/client.ts';
import { queuedRun } from '../support/definitions.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { openStoreOf } from '../support/store-under-test.ts';

const OTHER_KEY = 'other_key_0123456789';

/** Runs that are queued in one workspace before the other one's first. */
const QUEUED = 10_000;

/** Places of the worker. */
const PLACES = 8;

let folder: string;
let other: OtherServer;
/** Calls that were not answered yet, in the order in which they came. */
let held: ServerResponse[];
let server: TestServer | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-fairness-'));
  held = [];
  other = await startOtherServer((_, response) => held.push(response));
});
afterEach(async () => {
  await server?.stop();
  await other.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Calls the other server, under the name that the run is given. */
const calling = () => ({
  nodes: [input('in', 'Name'), http('call', `${other.url}/((Name))`), output('out', 'Answer')],
  edges: [edge('in::output', 'call::variables::Name'), edge('call::body', 'out::input')],
});

const names = () => other.received.map(({ path }) => path.slice(1));
const release = () => sendJson(held.shift()!, {});

async function twoWorkspaces(): Promise<[ours: string, theirs: string]> {
  const store = await openStoreOf(folder);
  const createdAt = realSystem.now();
  const ids: [string, string] = [realSystem.newId(), realSystem.newId()];
  await store.commit(
    ids.flatMap((workspaceId, index): Change => {
      const key = index === 0 ? KEY : OTHER_KEY;
      const about = { id: realSystem.newId(), workspaceId, name: key, scopes: SCOPES, createdAt };
      return [
        { kind: 'createWorkspace', workspace: { id: workspaceId, name: key, createdAt } },
        { kind: 'putApiKey', key: keyRecord(key, about) },
      ];
    }),
  );
  await store.close();
  return ids;
}

it('ten thousand queued runs of one workspace do not delay the first of another', async () => {
  const [workspaceId] = await twoWorkspaces();
  server = await startPlatform({ folder });
  const ours = await server.client.save(calling());
  const theirs = await new Client(server.url, OTHER_KEY).save(calling());
  await server.stop();

  const store = await openStoreOf(folder);
  const { version } = (await store.getWorkflowRecord(workspaceId, ours.id))!;
  const change: Change = Array.from({ length: QUEUED }, (_, index): Change => {
    const run = queuedRun({ workspaceId, workflowId: ours.id }, realSystem, {
      workflowVersionId: version.id,
      input: JSON.stringify({ Name: `ours-${index}` }),
    });
    const task = { workspaceId, runId: run.id, nodeId: null, iteration: 0, attempt: 1, outputs: null };
    return [
      { kind: 'createRun', run },
      { kind: 'addTask', task: { ...task, id: run.id, dueAt: index, startOf: ours.id } },
    ];
  }).flat();
  expect(await store.commit(change)).toBe('kept');
  await store.close();

  server = await startPlatform({ folder, settings: { 'worker-concurrency': String(PLACES) } });
  const client = new Client(server.url, OTHER_KEY);
  const { id } = await client.post(`/v1/workflows/${theirs.id}/runs`, { input: { Name: 'theirs' } });
  await vi.waitFor(() => expect(names()).toContain('theirs'), 20_000);
  release();
  await server.stop();
  server = undefined;

  const after = await openStoreOf(folder);
  const { lastPosition } = await after.stats();
  const events = await after.readLog(0, lastPosition);
  const created = events.findIndex((event) => event.runId === id);
  const started = events.findIndex((event) => event.runId === id && event.kind === 'advanced');
  await after.close();
  // What was in hand ends, and one round is gone.
  expect(started - created).toBeLessThanOrEqual(3 * PLACES);
}, 60_000);

it('a workspace whose calls hang leaves a place to another one’s run', async () => {
  await twoWorkspaces();
  server = await startPlatform({ folder, settings: { 'worker-concurrency': String(PLACES) } });
  const client = new Client(server.url, OTHER_KEY);
  const [ours, theirs] = [await server.client.save(calling()), await client.save(calling())];
  for (let n = 0; n < 2 * PLACES; n += 1) {
    await server.client.post(`/v1/workflows/${ours.id}/runs`, { input: { Name: `ours-${n}` } });
  }
  await other.got(PLACES - 1);
  await client.post(`/v1/workflows/${theirs.id}/runs`, { input: { Name: 'theirs' } });
  await other.got(PLACES);
  expect(names().at(-1)).toBe('theirs');
}, 20_000);

describe('runs beyond a limit', () => {
  const statusOf = async (workflow: Wire, run: Wire) =>
    (await server!.client.get(`/v1/workflows/${workflow.id}/runs/${run.id}`)).status;
  const begin = (workflow: Wire, name: string) =>
    server!.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: name } });

  it('of their workflow stay queued, start in order as places become free, may be stopped, and obey a new limit at once', async () => {
    server = await startPlatform({ folder });
    const workflow = await server.client.save(calling(), { settings: { max_concurrent_runs: 1 } });
    const runs = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) runs.push(await begin(workflow, name));
    await other.got(1);
    expect(names()).toEqual(['a']);
    expect(await Promise.all(runs.map((run) => statusOf(workflow, run)))).toEqual([
      'running',
      ...Array(5).fill('queued'),
    ]);
    await server.client.post(`/v1/runs/${runs[1].id}/stop`);
    release();
    await other.got(2);
    expect(names()).toEqual(['a', 'c']);

    await server.stop();
    server = await startPlatform({ folder });
    await other.got(3);
    expect(names()).toEqual(['a', 'c', 'c']);
    expect(await statusOf(workflow, runs[3])).toBe('queued');

    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, { settings: { max_concurrent_runs: 2 } });
    await other.got(4);
    expect(names().at(-1)).toBe('d');
    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, { settings: {} });
    await other.got(6);
    expect(names().slice(4).toSorted()).toEqual(['e', 'f']);
    expect(await statusOf(workflow, runs[1])).toBe('stopped');
  }, 20_000);

  it('of their workspace stay queued whatever their workflow is, also those that somebody waits for', async () => {
    server = await startPlatform({ folder, settings: { 'workspace-concurrency': '2' } });
    const [one, two] = [await server.client.save(calling()), await server.client.save(calling())];
    const runs = [await begin(one, 'a'), await begin(two, 'b')];
    await other.got(2);
    const awaited = server.client.send('POST', `/v1/workflows/${one.id}/runs/sync`, { input: { Name: 'c' } });
    await vi.waitFor(async () => {
      const { items } = await server!.client.get(`/v1/workflows/${one.id}/runs`);
      expect(items.map((run: Wire) => run.status)).toEqual(['queued', 'running']);
    });
    release();
    await other.got(3);
    release();
    release();
    expect((await awaited).body.status).toBe('completed');
    for (const [index, run] of runs.entries()) {
      await server.client.until([one, two][index].id, run.id, ['completed']);
    }
  }, 20_000);

  it('are none of those that are below another run: it would wait for them for ever', async () => {
    server = await startPlatform({ folder, settings: { 'workspace-concurrency': '1' } });
    const below = await server.client.save(calling(), { settings: { max_concurrent_runs: 1 } });
    const above = await server.client.save({
      nodes: [
        input('in', 'Names', { type: 'list' }),
        { id: 'each', type: 'MapNode', node_config: { subflow_id: below.id } },
        output('out', 'All'),
      ],
      edges: [edge('in::output', 'each::items'), edge('each::results', 'out::input')],
    });
    const run = await server.client.post(`/v1/workflows/${above.id}/runs`, { input: { Names: ['a', 'b'] } });
    const waiting = await begin(below, 'c');
    await other.got(2);
    expect(names().toSorted()).toEqual(['a', 'b']);
    expect(await statusOf(below, waiting)).toBe('queued');
    release();
    release();
    await server.client.until(above.id, run.id, ['completed']);
    await other.got(3);
    expect(names().at(-1)).toBe('c');
  }, 20_000);

  it('are refused a limit that is no whole number from 1', async () => {
    server = await startPlatform({ folder });
    const refused = await server.client.send('POST', '/v1/workflows', {
      ...{ name: 'Test', type: 'flow', definition: calling() },
      settings: { max_concurrent_runs: 0 },
    });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('max_concurrent_runs');
  });
});
