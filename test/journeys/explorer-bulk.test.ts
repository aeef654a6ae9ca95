import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let page: ExplorerClient;
let greeting: string;
const runIds: string[] = [];

beforeAll(async () => {
  server = await startPlatform();
  page = await ExplorerClient.signIn(server.url, KEY);
  greeting = (await server.client.save(GREETING, { name: 'Greeting' })).id;
  for (let n = 0; n < 12; n += 1) {
    runIds.push((await server.client.run(greeting, { input: { Name: `n${n}` } })).id);
  }
});
afterAll(() => server.stop());

async function done(id: string): Promise<Wire> {
  for (;;) {
    const job = await page.get(`/bulk/${id}`);
    if (job.finishedAt !== null) return job;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a bulk action', () => {
  it('is told beforehand how many runs it is about', async () => {
    const all = await page.post('/bulk/preview', { action: 'retry', runs: { q: 'status:succeeded' } });
    expect(all).toMatchObject({
      chosen: { count: 12, isLowerBound: false },
      applies: { count: 12, isLowerBound: false },
      byStatus: { succeeded: 12 },
    });
    const stop = await page.post('/bulk/preview', { action: 'stop', runs: { ids: [...runIds.slice(0, 2), 'none'] } });
    expect([stop.chosen.count, stop.applies.count]).toEqual([2, 0]);
  });

  it('is not begun when other runs are meant than were seen', async () => {
    const body = { action: 'delete', runs: { q: '' }, expectedCount: 3 };
    const answer = await page.send('POST', '/bulk', body);
    expect([answer.status, answer.body.error.message]).toEqual([409, expect.stringContaining('12 runs')]);
    expect((await page.get('/runs/count')).count).toBe(12);
  });

  it('repeats a selection, and says which runs it made', async () => {
    const started = await page.post('/bulk', { action: 'retry', runs: { ids: runIds.slice(0, 3) }, expectedCount: 3 });
    const job = await done(started.id);
    expect(job).toMatchObject({ status: 'done', total: 3, succeeded: 3, failed: 0, q: null });
    expect(job.made).toHaveLength(3);
    expect((await page.get(`/runs/${job.made[0]}`)).retryOf).toMatch(/^[\w-]{36}$/);
  });

  it('says of each run why it could not be done', async () => {
    const lonely = (await server.client.save(GREETING, { name: 'Lonely' })).id;
    const run = await server.client.run(lonely, { input: { Name: 'x' } });
    await page.ok('DELETE', `/workflows/${lonely}`);
    const job = await done((await page.post('/bulk', { action: 'retry', runs: { ids: [run.id, runIds[0]] } })).id);
    expect(job).toMatchObject({ status: 'done', total: 2, succeeded: 1, failed: 1 });
    expect(job.errors).toEqual([{ runId: run.id, message: expect.stringContaining('No workflow') }]);
  });

  it('stops everything that a filter finds', async () => {
    const wait = { nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }], edges: [] };
    const { id } = await server.client.save(wait, { name: 'Waiting' });
    for (let n = 0; n < 5; n += 1) await server.client.post(`/v1/workflows/${id}/runs`, { input: {} });
    const q = "workflow:'Waiting'";
    const job = await done((await page.post('/bulk', { action: 'stop', runs: { q } })).id);
    expect(job).toMatchObject({ status: 'done', q, total: 5, succeeded: 5 });
    expect((await page.get(`/runs/count?q=${encodeURIComponent(`${q} AND status:canceled`)}`)).count).toBe(5);
  });

  it('can be left and come back to, and be ended', async () => {
    const started = await page.post('/bulk', { action: 'delete', runs: { q: 'status:succeeded' } });
    const canceled = await page.post(`/bulk/${started.id}/cancel`);
    expect(canceled.finishedAt).not.toBeNull();
    const again = await ExplorerClient.signIn(server.url, KEY);
    expect((await again.get('/bulk')).items[0]).toEqual(canceled);
  });

  it('is still known after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrun-bulk-'));
    try {
      let one = await startPlatform({ folder });
      const before = await ExplorerClient.signIn(one.url, KEY);
      const { id } = await before.post('/bulk', { action: 'stop', runs: { q: '' } });
      const done = await before.post(`/bulk/${id}/cancel`);
      expect(done.finishedAt).not.toBeNull();
      await one.stop();
      one = await startPlatform({ folder });
      expect(await new ExplorerClient(one.url, before.cookie).get(`/bulk/${id}`)).toEqual(done);
      await one.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('saved views', () => {
  it('are kept for the workspace, changed and deleted', async () => {
    const text = {
      name: 'Failures',
      q: 'status:failed',
      sort: 'created_at:asc',
      columns: ['id'],
      extra: { wide: true },
    };
    const made = await page.post('/views', text);
    expect(made).toMatchObject({ ...text, createdBy: 'preset' });
    await page.ok('PUT', `/views/${made.id}`, { ...text, name: 'All failures' });
    await page.post('/views', { name: 'Ada', q: '' });
    expect((await page.get('/views')).items.map(({ name }: Wire) => name)).toEqual(['Ada', 'All failures']);
    await page.ok('DELETE', `/views/${made.id}`);
    expect((await page.get('/views')).items).toHaveLength(1);
    const large = await page.send('POST', '/views', { name: 'x', q: '', extra: { x: 'y'.repeat(5000) } });
    expect(large.status).toBe(422);
  });
});

describe('workflows', () => {
  it('are listed with how they did', async () => {
    const { items } = await page.get('/workflows?search=GREET');
    const row = items.find(({ name }: Wire) => name === 'Greeting');
    expect(row).toMatchObject({ name: 'Greeting', issues: 0, stats: { days: 14, cost: '0' } });
    expect(row.stats.sparkline).toHaveLength(14);
    expect((await page.get('/workflows?search=nope')).items).toEqual([]);
  });

  it('are checked, saved, tried and named, and nobody writes over what another saved', async () => {
    const made = await page.post('/workflows', { name: 'Drawn', document: GREETING });
    const read = await page.get(`/workflows/${made.workflow.id}`);
    expect(read.inputs).toEqual([
      { name: 'Name', nodeId: 'in', type: { dataType: 'str', isList: false }, isRequired: true, description: null },
    ]);
    const polite = JSON.parse(JSON.stringify(read.document).replace('Hello', 'Good day'));
    const broken = { ...polite, nodes: polite.nodes.map((node: Wire) => ({ ...node, type: 'NopeNode' })) };
    const checked = await page.post('/workflows/validate', { document: broken });
    expect([checked.isRunnable, checked.issues[0].nodeId]).toEqual([false, 'in']);
    const path = `/workflows/${made.workflow.id}`;
    const tried = await page.post(`${path}/try`, { document: polite, input: { Name: 'Ada' } });
    expect(await outputOf(tried.runId)).toEqual({ Greeting: 'Good day Ada' });
    expect((await page.get(path)).hash).toBe(read.hash);
    const one = await page.post(`${path}/try`, { document: polite, input: { Name: 'Ada' }, singleNodeId: 'say' });
    expect((await page.get(`/runs/${one.runId}`)).singleNodeId).toBe('say');
    const saved = await page.ok('PATCH', path, { document: polite, basedOnHash: read.hash });
    const late = await page.send('PATCH', path, { document: read.document, basedOnHash: read.hash });
    expect([saved.versionId !== read.versionId, late.status]).toEqual([true, 409]);
    await page.post(`${path}/versions`, { name: 'polite' });
    expect((await page.get(`${path}/versions`)).items.map(({ name }: Wire) => name)).toEqual(['polite']);
    const all = (await page.get(`${path}/versions?all=true`)).items;
    expect(all.filter(({ isCurrent }: Wire) => isCurrent)).toHaveLength(1);
    const version = await page.get(`${path}/versions/${all.at(-1).id}`);
    expect(version).toMatchObject({ number: 1, document: read.document });
  });

  it('show a run that has ended with its output, however near to its end it is asked for', async () => {
    const made = await page.post('/workflows', { name: 'Watched', document: GREETING });
    const ask = async (runId: string): Promise<Wire> => {
      const shown = await page.get(`/runs/${runId}`);
      return shown.run.finishedAt === null ? ask(runId) : shown;
    };
    for (let tried = 0; tried < 10; tried += 1) {
      const { runId } = await page.post(`/workflows/${made.workflow.id}/try`, {
        document: GREETING,
        input: { Name: 'Ada' },
      });
      const shown = await Promise.all(Array.from({ length: 6 }, () => ask(runId)));
      expect(shown.map(({ output }) => output?.value)).toEqual(Array(6).fill({ Greeting: 'Hello Ada' }));
    }
  });

  it('are made of what the catalogue has', async () => {
    const { items } = await page.get('/catalogue');
    const text = items.find(({ type }: Wire) => type === 'ComposeTextNode');
    expect(text).toMatchObject({ purity: 'pure', role: null, config: { template: { type: 'str', optional: false } } });
    expect(text.outputs.map(({ name }: Wire) => name)).toContain('on_error');
  });
});

async function outputOf(runId: string): Promise<Wire> {
  for (;;) {
    const { run, output } = await page.get(`/runs/${runId}`);
    if (run.finishedAt !== null) return output.value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
