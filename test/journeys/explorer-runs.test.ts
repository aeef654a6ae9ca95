import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../src/domain/caller.ts';
import type { Wire } from '../support/client.ts';
import { ExplorerClient, OWN_PAGE } from '../support/explorer-client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let server: TestServer;
let other: OtherServer;
let page: ExplorerClient;
let greeting: string;
let failing: string;
/** Oldest first. */
const greeted: string[] = [];
let failed: string;

beforeAll(async () => {
  server = await startPlatform();
  other = await startOtherServer((request, response) => {
    response.writeHead(request.path === '/ok' ? 200 : 503);
    response.end('said');
  });
  page = await ExplorerClient.signIn(server.url, KEY);
  const { client } = server;
  greeting = (await client.save(GREETING, { name: 'Greeting' })).id;
  failing = (
    await client.save(
      {
        nodes: [
          input('in', 'Name'),
          http('ask', other.url, { max_retries: 1, retry_delay: 0.02 }),
          output('out', 'Answer'),
        ],
        edges: [edge('in::output', 'ask::variables::Name'), edge('ask::body', 'out::input')],
      },
      { name: 'Failing' },
    )
  ).id;
  for (const name of ['Ada', 'Grace', 'Edsger']) {
    greeted.push((await client.run(greeting, { input: { Name: name } })).id);
  }
  failed = (await client.run(failing, { input: { Name: 'Alan' } })).id;
});
afterAll(async () => {
  await server.stop();
  await other.stop();
});

describe('signing in', () => {
  it('gives a cookie that scripts cannot read and other sites cannot send, and says who it is', async () => {
    const stranger = new ExplorerClient(server.url, '');
    const answer = await stranger.send('POST', '/session', { key: KEY });
    expect(answer.body).toMatchObject({ keyName: 'preset', scopes: [...SCOPES] });
    const cookie = answer.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^millrun_session=[\w-]+; HttpOnly; SameSite=Strict; Path=\/; Max-Age=2592000$/);
    expect(cookie).not.toContain(KEY);
    const behind = { ...OWN_PAGE, 'x-forwarded-proto': 'https' };
    const secure = await stranger.send('POST', '/session', { key: KEY }, behind);
    expect(secure.headers.get('set-cookie')).toContain('; Secure');
  });

  it('is refused with a wrong key, and from another site', async () => {
    const stranger = new ExplorerClient(server.url, '');
    const wrong = await stranger.send('POST', '/session', { key: 'mr_wrong_0123456789' });
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
    const foreign = { 'x-millrun-explorer': '1', 'sec-fetch-site': 'cross-site' };
    expect((await stranger.send('POST', '/session', { key: KEY }, foreign)).status).toBe(403);
    const { origin } = new URL(server.url);
    const plain = await stranger.send('POST', '/session', { key: KEY }, { 'x-millrun-explorer': '1', origin });
    expect(plain.status).toBe(200);
  });

  it('ends with signing out, which takes the cookie back', async () => {
    const mine = await ExplorerClient.signIn(server.url, KEY);
    expect((await mine.get('/session')).keyName).toBe('preset');
    const out = await mine.send('DELETE', '/session');
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
  });

  it('opens nothing of the other APIs', async () => {
    const answer = await fetch(`${server.url}/v1/runs`, { headers: { cookie: page.cookie } });
    expect(answer.status).toBe(401);
  });
});

describe('the list of runs', () => {
  it('is read page by page, there and back', async () => {
    const first = await page.get('/runs?limit=3');
    expect(ids(first)).toEqual([failed, greeted[2], greeted[1]]);
    expect([first.previous, first.position > 0]).toEqual([null, true]);
    const second = await page.get(`/runs?limit=3&cursor=${first.next}`);
    expect([ids(second), second.next]).toEqual([[greeted[0]], null]);
    expect(ids(await page.get(`/runs?limit=3&back=true&cursor=${second.previous}`))).toEqual(ids(first));
    const mixed = await page.send('GET', `/runs?limit=3&q=status:failed&cursor=${first.next}`);
    expect([mixed.status, mixed.body.error.problems[0].type]).toEqual([422, 'cursor']);
  });

  it('has what a table shows of a run, without its payloads', async () => {
    const [run] = (await page.get('/runs?limit=1')).items;
    expect(run).toMatchObject({
      id: failed,
      status: 'failed',
      workflow: { id: failing, name: 'Failing', kind: 'flow', isDeleted: false },
      source: 'api',
      failure: { code: 'http_status', nodeId: 'ask' },
      evaluation: null,
    });
    expect(run).not.toHaveProperty('input');
  });

  it.each([
    ['status:failed', () => [failed]],
    ['status_code:failed', () => [failed]],
    ["workflow:'Greeting'", () => greeted.toReversed()],
    ["workflow.startswith:'Gree' AND input.Name:'Ada'", () => [greeted[0]]],
    ['failure_node:ask', () => [failed]],
    ['verdict.isnull AND status:succeeded', () => greeted.toReversed()],
    ['verdict:passed', () => []],
    ['progress:100 AND created_at>now-1h AND status:succeeded', () => greeted.toReversed()],
  ])('is filtered by %s', async (q, expected) => {
    expect(ids(await page.get(`/runs?q=${encodeURIComponent(q)}`))).toEqual(expected());
    const { count } = await page.get(`/runs/count?q=${encodeURIComponent(q)}`);
    expect(count).toBe(expected().length);
  });

  it('says where a filter is wrong, and what was meant', async () => {
    const answer = await page.send('GET', '/runs?q=statsu:failed');
    expect([answer.status, answer.body.error.problems[0]]).toEqual([
      422,
      expect.objectContaining({ at: ['query', 'q'], span: { from: 0, to: 6 }, hint: 'Did you mean status?' }),
    ]);
    const checked = await page.get('/filter/check?q=status%20%3A%20failed%20AND%20cost%3E&sort=nope');
    expect(checked.diagnostics[0]).toMatchObject({ severity: 'error' });
    expect(checked.sortDiagnostics).toHaveLength(1);
    expect((await page.get('/filter/check?q=status%20%3A%20failed')).canonical).toBe('status:failed');
    expect((await page.send('GET', '/runs?quuery=x')).status).toBe(422);
  });

  it('is counted by what there is, and over time', async () => {
    const { facets, scanned } = await page.get('/runs/facets');
    const counts = (field: string) =>
      Object.fromEntries(
        facets.find((facet: Wire) => facet.field === field).values.map((v: Wire) => [v.label, v.count]),
      );
    expect(scanned).toEqual({ runs: 4, isPartial: false, oldest: null });
    expect(counts('status')).toEqual({ succeeded: 3, failed: 1 });
    expect(counts('workflow_id')).toEqual({ Greeting: 3, Failing: 1 });
    expect(counts('source_code')).toEqual({ api: 4 });
    expect(counts('failure_code')).toEqual({ none: 3, http_status: 1 });
    expect(counts('verdict')).toEqual({ none: 4 });
    const only = await page.get('/runs/facets?fields=status&q=status:failed');
    expect(only.facets).toEqual([
      { field: 'status', values: [{ value: 'failed', label: 'failed', count: 1 }], more: 0 },
    ]);
    const histogram = await page.get('/runs/histogram');
    expect(histogram.buckets.reduce((sum: number, { runs }: Wire) => sum + runs, 0)).toBe(4);
    for (const { at, duration, byStatus } of histogram.buckets) {
      expect(at).toBeGreaterThanOrEqual(histogram.from);
      expect(at + histogram.bucketMs).toBeLessThanOrEqual(histogram.to);
      expect(duration.p50).toBeLessThanOrEqual(duration.p95);
      expect(Object.keys(byStatus).every((status) => ['succeeded', 'failed'].includes(status))).toBe(true);
    }
    const empty = await page.get('/runs/histogram?from=0&to=1000&buckets=10');
    expect(empty).toMatchObject({ from: 0, to: 1000, bucketMs: 1000, buckets: [] });
    expect((await page.send('GET', '/runs/histogram?from=5&to=5')).status).toBe(422);
  });

  it('offers the values that runs have', async () => {
    const names = await page.get('/filter/values?field=workflow&prefix=gree');
    expect(names.values).toEqual([{ value: 'Greeting', text: 'Greeting', label: 'Greeting', count: 3 }]);
    const given = await page.get('/filter/values?field=input.Name');
    expect(given.values.map(({ value }: Wire) => value).toSorted()).toEqual(['Ada', 'Alan', 'Edsger', 'Grace']);
    const statuses = await page.get('/filter/values?field=status_code');
    expect(statuses.values.map(({ text: word }: Wire) => word)).toEqual(['succeeded', 'failed']);
    for (const field of ['nope', 'input', 'status.x']) {
      expect((await page.send('GET', `/filter/values?field=${field}`)).status, field).toBe(422);
    }
  });

  it('is searched by text, with a filter and with where it was found', async () => {
    const found = await page.post('/runs/search', { query: 'edsger', mode: 'exact' });
    expect([found.total, found.items[0].run.id]).toEqual([1, greeted[2]]);
    expect(found.items[0].matches[0]).toMatchObject({
      field: 'input',
      path: '$.Name',
      match: 'Edsger',
      start: 0,
      end: 6,
    });
    const none = await page.post('/runs/search', { query: 'edsger', mode: 'exact', q: "workflow:'Failing'" });
    expect(none.items).toEqual([]);
    const meant = await page.post('/runs/search', { query: 'hello Grace', mode: 'meaning' });
    expect(meant.items[0].run.id).toBe(greeted[1]);
  });

  it('is exported as CSV and JSON lines', async () => {
    const csv = await page.send('GET', `/runs/export?format=csv&q=status:failed&columns=id,status,workflow,input`);
    expect(csv.text).toBe(`id,status,workflow,input\r\n${failed},failed,Failing,"{""Name"":""Alan""}"\r\n`);
    expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="runs-.*\.csv"$/);
    const lines = await page.send('GET', `/runs/export?format=jsonl&ids=${greeted[0]},${greeted[1]}&columns=id,output`);
    const read = lines.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(read).toEqual([
      { id: greeted[1], output: { Greeting: 'Hello Grace' } },
      { id: greeted[0], output: { Greeting: 'Hello Ada' } },
    ]);
    expect((await page.send('GET', '/runs/export?format=csv&columns=nope')).status).toBe(422);
  });

  it('gives a spreadsheet no formula', async () => {
    const { id } = await server.client.run(greeting, { input: { Name: 'x' } });
    await page.ok('PATCH', `/runs/${id}/feedback`, { reason: 'fine' });
    const started = await page.post('/runs', { workflowId: greeting, input: { Name: 'y' }, clientRef: '=1+1' });
    const csv = await page.send('GET', `/runs/export?format=csv&ids=${started.runId}&columns=client_ref`);
    expect(csv.text).toBe(`client_ref\r\n'=1+1\r\n`);
  });
});

describe('a run', () => {
  it('has its definition, nodes, edges, times and what may be done', async () => {
    const run = await page.get(`/runs/${greeted[0]}`);
    expect(run).toMatchObject({
      run: { id: greeted[0], status: 'succeeded' },
      input: { value: { Name: 'Ada' }, bytes: 14 },
      output: { value: { Greeting: 'Hello Ada' } },
      startedBy: { name: 'preset' },
      version: { isCurrent: true, document: { nodes: expect.any(Array) } },
      retryOf: null,
      children: [],
      actions: { stop: 'The run has ended.', retry: null, delete: null, retryFailed: 'Nothing of it failed.' },
    });
    expect(run.version.definition.nodes.map((node: Wire) => node.id)).toEqual(['in', 'say', 'out']);
    expect(run.nodes.map(({ nodeId, status }: Wire) => [nodeId, status]).toSorted()).toEqual([
      ['in', 'succeeded'],
      ['out', 'succeeded'],
      ['say', 'succeeded'],
    ]);
    expect(run.edges.map(({ status }: Wire) => status)).toEqual(['completed', 'completed']);
  });

  it('shows each try of a node, and the wait between two, as stretches of its time', async () => {
    const { nodes } = await page.get(`/runs/${failed}`);
    const ask = nodes.find(({ nodeId }: Wire) => nodeId === 'ask');
    expect([ask.status, ask.attempts]).toEqual(['failed', 2]);
    expect(ask.spans.map(({ kind, attempt }: Wire) => [kind, attempt])).toEqual([
      ['running', 1],
      ['backoff', 1],
      ['running', 2],
    ]);
    for (const [index, { from, to }] of ask.spans.entries()) {
      expect(to).toBeGreaterThanOrEqual(from);
      if (index > 0) expect(from).toBe(ask.spans[index - 1].to);
    }
  });

  it('gives what went through a node, small parts whole and large ones to be streamed', async () => {
    const say = await page.get(`/runs/${greeted[0]}/node?node=say`);
    expect(say).toMatchObject({ status: 'succeeded', iteration: 1, totalIterations: 1 });
    expect(say.outputs.value).toMatchObject({ output: 'Hello Ada' });
    expect(say.config).toEqual({ template: 'Hello ((Name))' });
    const large = 'lång '.repeat(80_000);
    const run = await server.client.run(greeting, { input: { Name: large } });
    const { input: given } = await page.get(`/runs/${run.id}`);
    expect([given.value, given.bytes, given.beginning.length]).toEqual([
      undefined,
      Buffer.byteLength(large) + 11,
      4096,
    ]);
    const whole = await fetch(server.url + given.href, { headers: { cookie: page.cookie } });
    expect(await whole.json()).toEqual({ Name: large });
    expect((await page.send('GET', `/runs/${greeted[0]}/node?node=nope`)).status).toBe(404);
  });

  it('lists the passes of a node that ran once per item, and shows each as a stretch of its time', async () => {
    const split = { id: 'split', type: 'TextSplitterNode', node_config: { unit: 'lines', chunk_size: 1 } };
    const { id } = await server.client.save({
      nodes: [
        text('say', 'a\nb\nc'),
        split,
        text('each', 'item ((x))'),
        http('call', `${other.url}/ok`, { body: '((x))' }),
      ],
      edges: [
        edge('say::output', 'split::text'),
        edge('split::output', 'each::variables::x'),
        edge('split::output', 'call::variables::x'),
      ],
    });
    const run = await server.client.run(id, { input: {} });
    const { nodes } = await page.get(`/runs/${run.id}`);
    const call = nodes.find(({ nodeId }: Wire) => nodeId === 'call');
    expect(call.spans.map(({ kind, iteration }: Wire) => [kind, iteration])).toEqual(
      [1, 2, 3].map((n) => ['running', n]),
    );
    const first = await page.get(`/runs/${run.id}/iterations?node=call&limit=2`);
    expect(first).toMatchObject({
      total: 3,
      next: 3,
      items: [{ iteration: 1, status: 'succeeded' }, { iteration: 2 }],
    });
    const rest = await page.get(`/runs/${run.id}/iterations?node=call&from=3`);
    expect([rest.items.length, rest.next]).toEqual([1, null]);
    const second = await page.get(`/runs/${run.id}/node?node=call&iteration=2`);
    expect(second.outputs.value).toMatchObject({ status: 200, body: 'said' });
    // A pure node keeps its lists alone; its passes are told out of them.
    const pure = await page.get(`/runs/${run.id}/iterations?node=each`);
    expect(pure.items.map(({ status }: Wire) => status)).toEqual(['unrecorded', 'unrecorded', 'unrecorded']);
    const third = await page.get(`/runs/${run.id}/node?node=each&iteration=3`);
    expect(third.outputs.value).toEqual({ output: 'item c' });
  });

  it('has its lines, found by text and level, and from a line on', async () => {
    const waiting = await server.client.save({
      nodes: [{ id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } }],
      edges: [],
    });
    const { id } = await server.client.post(`/v1/workflows/${waiting.id}/runs`, { input: {} });
    const stopped = await page.post(`/runs/${id}/stop`, { reason: 'enough of it' });
    expect(stopped.status).toBe('canceled');
    const all = await page.get(`/runs/${id}/logs`);
    expect(all.items.map(({ message }: Wire) => message)).toEqual([expect.stringContaining('enough of it')]);
    expect(all.levels).toEqual({ warning: 1 });
    expect((await page.get(`/runs/${id}/logs?search=ENOUGH`)).items).toHaveLength(1);
    expect((await page.get(`/runs/${id}/logs?search=nothing`)).items).toEqual([]);
    expect((await page.get(`/runs/${id}/logs?levels=error,info`)).items).toEqual([]);
    expect((await page.get(`/runs/${id}/logs?at=${all.items[0].id}`)).items).toHaveLength(1);
    expect((await page.send('GET', `/runs/${id}/logs?levels=loud`)).status).toBe(422);
  });

  it('is run again with another input, and repeated, and both are known by it', async () => {
    const again = await page.post('/runs', { workflowId: greeting, input: { Name: 'Ada again' }, retryOf: greeted[0] });
    const retried = await page.post(`/runs/${greeted[0]}/retry`, { from: 'start', version: 'current' });
    await settled(again.runId);
    await settled(retried.runId);
    const { items } = await page.get(`/runs/${greeted[0]}/retries`);
    expect(ids({ items }).toSorted()).toEqual([again.runId, retried.runId].toSorted());
    const { run, retryOf, output: said } = await page.get(`/runs/${again.runId}`);
    expect([run.source, retryOf, said.value]).toEqual(['explorer', greeted[0], { Greeting: 'Hello Ada again' }]);
    const missing = await page.send('POST', '/runs', { workflowId: greeting, input: {} });
    expect([missing.status, missing.body.error.message]).toEqual([422, expect.stringContaining('"Name"')]);
  });

  it('is repeated from a node with another input, and held against the first one', async () => {
    const overrides = { Name: 'Barbara' };
    const { runId } = await page.post(`/runs/${greeted[0]}/retry`, { from: ['in'], overrides });
    await settled(runId);
    const diff = await page.get(`/runs/${greeted[0]}/diff?with=${runId}`);
    expect(diff).toMatchObject({
      runs: { before: { id: greeted[0] }, after: { id: runId } },
      isSameVersion: true,
      input: { differs: true },
      output: { differs: true, differences: [{ before: 'Hello Ada', after: 'Hello Barbara' }] },
    });
    expect(diff.runs.before).not.toHaveProperty('input');
    expect(diff.nodes.map(({ nodeId, outputsDiffer }: Wire) => [nodeId, outputsDiffer])).toContainEqual(['say', true]);
    expect((await page.send('POST', `/runs/${greeted[0]}/retry`, { from: ['nope'] })).status).toBe(422);
  });

  it('knows the runs that its nodes invoked, and what invoked it', async () => {
    const outer = await server.client.save({
      nodes: [text('say', 'Ada'), { id: 'call', type: 'InvokeSubflowNode', node_config: { subflow_id: greeting } }],
      edges: [edge('say::output', 'call::inputs::Name')],
    });
    const { id } = await server.client.run(outer.id, { input: {} });
    const run = await page.get(`/runs/${id}`);
    expect(run.children).toMatchObject([{ nodeId: 'call', run: { workflow: { name: 'Greeting' } } }]);
    const [child] = run.children;
    const all = await page.get(`/runs/${id}/children?node=call`);
    expect(all).toMatchObject({ total: 1, page: 1, items: [{ run: { id: child.run.id } }] });
    const inner = await page.get(`/runs/${child.run.id}`);
    expect(inner).toMatchObject({ parent: { runId: id, rootId: id, nodeId: 'call' }, children: [] });
    expect(inner.actions.delete).toContain('part of another run');
    expect(ids(await page.get('/runs?limit=500'))).not.toContain(child.run.id);
  });

  it('is deleted once it has ended', async () => {
    const { id } = await server.client.run(greeting, { input: { Name: 'gone' } });
    expect((await page.send('DELETE', `/runs/${id}`)).status).toBe(204);
    expect((await page.send('GET', `/runs/${id}`)).status).toBe(404);
  });
});

const ids = ({ items }: Wire): string[] => items.map(({ id }: Wire) => id);

async function settled(runId: string): Promise<void> {
  for (;;) {
    const { run } = await page.get(`/runs/${runId}`);
    if (run.finishedAt !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
