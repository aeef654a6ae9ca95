import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edge, GREETING, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const MAX_FILE = 100_000;
/** Above what rows hold (256 KiB), with characters of one to four bytes. */
const HUGE = 'aé€😀"\\\n'.repeat(60_000);

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform({ settings: { 'max-file-bytes': String(MAX_FILE) } });
});
afterAll(() => server.stop());

const ECHO = { nodes: [input('in', 'Name'), output('out', 'Same')], edges: [edge('in::output', 'out::input')] };

const filesUnder = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((item) => item.isFile())
        .map(({ name }) => name)
    : [];

const blobsOf = (runId: string) => filesUnder(join(server.folder, 'blobs', 'runs', runId));

const upload = (content: string, name: string, type = 'text/plain') => {
  const form = new FormData();
  form.append('file', new File([content], name, { type }));
  return server.client.send('POST', '/v1/file', form);
};

describe('a huge value', () => {
  it('comes back as it was given, from wherever it is read, and goes with its run', async () => {
    const workflow = await server.client.save(ECHO);
    const run = await server.client.run(workflow.id, { input: { Name: HUGE } });
    expect(run.output.Same === HUGE && run.input.Name === HUGE).toBe(true);
    const list = await server.client.get(`/v1/workflows/${workflow.id}/runs`);
    expect(list.items[0].output.Same === HUGE).toBe(true);
    const io = await server.client.get(`/v1/runs/${run.id}/io/out`);
    expect(io.inputs.input === HUGE).toBe(true);
    expect((await server.client.get(`/v1/runs/${run.id}`)).input.Name === HUGE).toBe(true);
    expect(blobsOf(run.id).length).toBeGreaterThan(0);
    expect(await server.client.ok('DELETE', `/v1/runs/${run.id}`)).toMatchObject({ succeeded: 1 });
    expect(blobsOf(run.id)).toEqual([]);
  });

  it('comes back from a synchronous call too', async () => {
    const workflow = await server.client.save(ECHO);
    const answer = await server.client.post(`/v1/workflows/${workflow.id}/runs/sync`, { input: { Name: HUGE } });
    expect(answer.output.Same === HUGE).toBe(true);
  });

  it('that nests deeper than anybody reads is refused, not a fault of the server', async () => {
    const deep = (levels: number) => `{"input":{"Name":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
    const workflow = await server.client.save(ECHO);
    const path = `/v1/workflows/${workflow.id}/runs`;
    for (const levels of [600, 100_000]) {
      const answer = await server.client.send('POST', path, deep(levels));
      expect([answer.status, answer.body.detail[0].type]).toEqual([422, 'too_deep']);
    }
    const quoted = JSON.stringify({ input: { Name: '['.repeat(100_000) } });
    expect((await server.client.send('POST', path, quoted)).status).toBe(200);
  });
});

describe('a file', () => {
  it('is downloaded as it was uploaded, and never shown as a page', async () => {
    const { body: file } = await upload('<b>é</b>', 'Ünï.html', 'text/html');
    expect(file).toMatchObject({ filename: 'Ünï.html', size: 9, uri: `spot://${file.id}` });
    const answer = await server.client.send('GET', `/v1/file/${file.id}`);
    expect(answer.text).toBe('<b>é</b>');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('is read by a workflow', async () => {
    const { body: file } = await upload('Some notes', 'notes.txt');
    const definition = {
      nodes: [{ id: 'f', type: 'FileInputNode', node_config: { label: 'Notes' } }, output('out', 'Text')],
      edges: [edge('f::text', 'out::input')],
    };
    const workflow = await server.client.save(definition);
    const run = await server.client.run(workflow.id, { input: { Notes: { uri: file.uri, name: 'notes.txt' } } });
    expect(run.output).toEqual({ Text: 'Some notes' });
  });

  it('may be as large as allowed, and is refused whole when it is larger', async () => {
    const stored = () => filesUnder(join(server.folder, 'blobs', 'files')).length;
    expect((await upload('x'.repeat(MAX_FILE), 'fits.txt')).body.size).toBe(MAX_FILE);
    const before = stored();
    const answer = await upload('x'.repeat(MAX_FILE + 1), 'large.txt');
    expect(answer.status).toBe(413);
    expect(answer.body.detail).toContain(`${MAX_FILE} bytes`);
    expect(stored()).toBe(before);
  });

  it('must be sent as one', async () => {
    for (const answer of [
      await server.client.send('POST', '/v1/file', {}),
      await server.client.send('POST', '/v1/file'),
    ]) {
      expect([answer.status, answer.body.detail[0].loc]).toEqual([422, ['body', 'file']]);
    }
  });
});

describe('deleting many runs', () => {
  it('is tried first, refused when the count is not the expected one, and leaves what is not over', async () => {
    const workflow = await server.client.save(GREETING);
    const sleeping = await server.client.save({
      nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }],
      edges: [],
    });
    const runs = [];
    for (const Name of ['Ada', 'Bob', 'Cid']) runs.push((await server.client.run(workflow.id, { input: { Name } })).id);
    const running = (await server.client.run(sleeping.id, { input: {} }, ['running'])).id;
    const bulk = (body: object) => server.client.send('POST', '/v1/runs/bulk/delete', body);
    const filters = { to_date: '2099-01-01T00:00:00.000000', workflow_id: workflow.id };

    expect((await bulk({ dry_run: true, filters })).body).toEqual({ succeeded: 0, failed: 0, errors: {}, matched: 3 });
    const conflict = await bulk({ filters, expected_count: 2 });
    expect([conflict.status, conflict.body.detail]).toEqual([409, expect.stringContaining('3 runs match')]);
    const some = await bulk({ run_ids: [runs[0], running, 'nope'], expected_count: 2 });
    expect(some.body).toMatchObject({ succeeded: 1, failed: 2, matched: 2 });
    expect(Object.keys(some.body.errors).toSorted()).toEqual([running, 'nope'].toSorted());
    expect((await bulk({ filters, expected_count: 2 })).body).toMatchObject({ succeeded: 2, matched: 2 });
    expect((await server.client.get(`/v1/workflows/${workflow.id}/runs`)).total).toBe(0);
    expect((await server.client.get(`/v1/runs/${running}`)).status).toBe('running');
  });

  it.each([
    ['nothing', {}, 'missing'],
    ['both ways to choose', { run_ids: [], filters: { to_date: '2026-01-01T00:00:00Z' } }, 'exclusive'],
    ['a time that is none', { filters: { to_date: 'yesterday' } }, 'format'],
  ])('is refused for %s', async (_, body, type) => {
    const answer = await server.client.send('POST', '/v1/runs/bulk/delete', body);
    expect([answer.status, answer.body.detail[0].type]).toEqual([422, type]);
  });
});
