import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

const PERSON = { nodes: [{ id: 'ask', type: 'HumanInTheLoopNode', node_config: { title: 'Publish?' } }], edges: [] };

let server: TestServer;
let page: ExplorerClient;
let greeting: string;
let asking: string;

beforeAll(async () => {
  server = await startPlatform();
  page = await ExplorerClient.signIn(server.url, KEY);
  greeting = (await server.client.save(GREETING, { name: 'Greeting' })).id;
  asking = (await server.client.save(PERSON, { name: 'Asking' })).id;
});
afterAll(() => server.stop());

const ended = ({ event, data }: Wire) => event === 'run' && data.row?.finishedAt != null;

it('a live list tells of new runs and of what becomes of them, and which of them fit', async () => {
  const { position } = await page.get('/runs');
  const view = await page.live(`/runs/live?position=${position}&q=${encodeURIComponent("workflow:'Greeting'")}`);
  const run = await server.client.run(greeting, { input: { Name: 'Ada' } });
  const seen = await view.next(ended);
  expect(seen.data).toMatchObject({
    id: run.id,
    fits: true,
    row: { status: 'succeeded', workflow: { name: 'Greeting' } },
  });
  const asked = await server.client.run(asking, { input: {} }, ['awaiting_human_feedback']);
  const other = await view.next(({ data }) => data.id === asked.id);
  expect(other.data).toMatchObject({ fits: false, isNew: true });
  await page.post(`/runs/${asked.id}/stop`);
  await page.ok('DELETE', `/runs/${run.id}`);
  const gone = await view.next(({ data }) => data.id === run.id && data.row === null);
  expect(gone.data).toMatchObject({ fits: false, row: null });
  view.close();
});

it('a live list that comes back with the last position it saw misses nothing', async () => {
  const { position } = await page.get('/runs');
  const run = await server.client.run(greeting, { input: { Name: 'Grace' } });
  const byQuery = await page.live(`/runs/live?position=${position}`);
  expect((await byQuery.next()).data).toMatchObject({ id: run.id, isNew: true, fits: true });
  byQuery.close();
  const byHeader = await page.live('/runs/live', { 'last-event-id': String(position) });
  const seen = await byHeader.next();
  expect([seen.data.id, Number(seen.id) > position]).toEqual([run.id, true]);
  byHeader.close();
  const beyond = await page.live(`/runs/live?position=${position + 1_000_000}`);
  expect((await beyond.next()).event).toBe('reset');
  beyond.close();
});

it('a live run is sent as it changes, with its lines, until it ends', async () => {
  const { id } = await server.client.run(asking, { input: {} }, ['awaiting_human_feedback']);
  const view = await page.live(`/runs/${id}/live`);
  const first = await view.next();
  expect(first).toMatchObject({
    event: 'state',
    data: { run: { status: 'waiting' }, requests: [{ title: 'Publish?' }] },
  });
  const { items } = await page.get('/requests');
  expect(items).toMatchObject([{ runId: id, title: 'Publish?', status: 'pending', workflow: { name: 'Asking' } }]);
  const answered = await page.post(`/requests/${items[0].id}/answer`, { answer: {}, answeredBy: 'Ada' });
  expect(answered).toMatchObject({ status: 'answered', settledBy: 'Ada' });
  const rest = await view.rest();
  expect(rest.at(-1)).toMatchObject({ event: 'end', data: { status: 'succeeded' } });
  const last = rest.findLast(({ event }) => event === 'state')!;
  const [ask] = last.data.nodes;
  expect(ask.spans.map(({ kind }: Wire) => kind)).toContain('person');
  expect((await page.get('/requests')).items).toEqual([]);
  expect((await page.get('/requests?status=all')).items).toHaveLength(1 + 1);
});

it('a live view of a run that has ended says how it stands, and ends', async () => {
  const { id } = await server.client.run(greeting, { input: { Name: 'Edsger' } });
  const view = await page.live(`/runs/${id}/live`);
  expect((await view.rest()).map(({ event }) => event)).toEqual(['state', 'end']);
});

it('a live view takes a session, and shows nothing that is not there', async () => {
  for (const path of ['/runs/live', '/runs/none/live']) {
    expect((await new ExplorerClient(server.url, '').send('GET', path)).status).toBe(401);
  }
  expect((await page.send('GET', '/runs/none/live')).status).toBe(404);
  expect((await page.send('GET', '/runs/live?q=nope:1')).status).toBe(422);
});

it('what waits for persons is counted live, for whoever may read it', async () => {
  const view = await page.live('/requests/live');
  const { count: before } = (await view.next()).data;
  const run = await server.client.run(asking, { input: {} }, ['awaiting_human_feedback']);
  expect((await view.next()).data).toEqual({ count: before + 1, isLowerBound: false });
  await page.post(`/runs/${run.id}/stop`);
  expect((await view.next()).data).toEqual({ count: before, isLowerBound: false });
  view.close();
});
