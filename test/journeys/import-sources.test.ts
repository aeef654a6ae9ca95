import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, runBinary, startPlatform, type TestServer } from '../support/server.ts';

const EXECUTIONS: Wire = JSON.parse(
  readFileSync(join(import.meta.dirname, '../recordings/n8n-executions.json'), 'utf8'),
);

const CALLER = {
  nodes: [input('in', 'Path'), http('call', 'http://127.0.0.1:1/((Path))'), output('out', 'Body')],
  edges: [edge('in::output', 'call::variables::Path'), edge('call::body', 'out::input')],
};
const GREETER = {
  nodes: [input('in', 'Name'), text('say', 'Good evening ((Name))'), output('out', 'Said')],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
};

let folder: string;
let source: TestServer;
let target: TestServer;
/** The source as a server of the Noxus API that knows nothing of Millrun's additions. */
let plain: OtherServer;
let failed: Wire;
let greeted: Wire;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-sources-'));
  [source, target] = await Promise.all([startPlatform(), startPlatform()]);
  const caller = await source.client.save(CALLER, { name: 'Caller' });
  const greeter = await source.client.save(GREETER, { name: 'Greeter' });
  failed = await source.client.run(caller.id, { input: { Path: 'orders' } });
  greeted = await source.client.run(greeter.id, { input: { Name: 'Wilhelmina' } });
  plain = await startOtherServer(async ({ method, path, headers }, response) => {
    if (/\/records?\b/.test(path)) return sendJson(response, { detail: 'Not Found' }, 404);
    const answer = await fetch(`${source.url}${path}`, {
      method,
      headers: { 'x-api-key': headers['x-api-key'] ?? '' },
    });
    sendJson(response, await answer.json(), answer.status);
  });
});
afterAll(async () => {
  await source.stop();
  await target.stop();
  await plain.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Brings runs to a server that has none, and gives what was said and what is there then. */
async function brought(args: readonly string[], times = 1): Promise<{ told: Wire[]; records: Wire[] }> {
  const { client, folder: data, url } = target;
  const env = { MILLRUN_DATA: data, MILLRUN_API_KEY: KEY, MILLRUN_PORT: new URL(url).port, MILLRUN_SOURCE_KEY: KEY };
  const told: Wire[] = [];
  for (let time = 0; time < times; time += 1) {
    const ended = await runBinary(['import', ...args], env);
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    told.push(JSON.parse(ended.stdout));
  }
  const { text: lines } = await client.send('GET', '/v1/runs/records?whole=true');
  const records = parsed(lines);
  await client.post('/v1/runs/bulk/delete', { run_ids: runsIn(records).map(({ id }) => id) });
  return { told, records };
}

const parsed = (lines: string): Wire[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const runsIn = (records: readonly Wire[]): Wire[] => records.filter(({ format }) => format === 'millrun.run/1');
const nodeOf = (run: Wire, id: string): Wire => run.node_runs.find(({ node_id: nodeId }: Wire) => nodeId === id);

describe('runs of other servers', () => {
  it('come from another Millrun as they are', async () => {
    const { told, records } = await brought(['--source-url', source.url], 2);
    expect(told).toMatchObject([
      { imported: 2, present: 0 },
      { imported: 0, present: 2 },
    ]);
    const { text: lines } = await source.client.send('GET', '/v1/runs/records?whole=true');
    expect(records).toEqual(parsed(lines));
  });

  it('are as many as were asked for', async () => {
    const { told, records } = await brought(['--source-url', source.url, '--limit', '1']);
    expect(told).toMatchObject([{ imported: 1 }]);
    expect(runsIn(records)).toHaveLength(1);
  });

  it('come from a Noxus server with definitions, nodes, logs and what went in and out', async () => {
    const { told, records } = await brought(['--source-url', plain.url, '--from', 'noxus'], 2);
    expect(told).toMatchObject([{ imported: 2 }, { present: 2 }]);
    const runs = runsIn(records);
    expect(runs.map(({ id }) => id).toSorted()).toEqual([failed.id, greeted.id].toSorted());
    const run = runs.find(({ id }) => id === failed.id);
    expect(run).toMatchObject({
      workflow: 'Caller',
      status: 'failed',
      source: 'import',
      input: { Path: 'orders' },
      failure: { node_id: 'call', message: expect.stringContaining('127.0.0.1:1') },
    });
    expect(nodeOf(run, 'call').inputs).toEqual({ 'variables::Path': 'orders' });
    expect(runs.find(({ id }) => id === greeted.id).output).toEqual({ Said: 'Good evening Wilhelmina' });
  });

  it('come from a Runflow server with nodes and logs, their workflows being stand-ins', async () => {
    const args = ['--source-url', `${source.url}/runflow`, '--from', 'runflow', '--since', '2020-01-01'];
    const { told, records } = await brought(args);
    expect(told).toMatchObject([{ imported: 2 }]);
    const run = runsIn(records).find(({ id }) => id === failed.id);
    expect(run).toMatchObject({ workflow: 'Caller', failure: { node_id: 'call' } });
    expect(nodeOf(run, 'call')).toMatchObject({ status: 'failed', inputs: { 'variables::Path': 'orders' } });
    const workflow = records.find(({ format, name }) => format === 'millrun.workflow/1' && name === 'Caller');
    expect(workflow.versions[0].definition.nodes[0].type).toBe('RecordedNode');
  });

  it('come from n8n page by page, from where a broken import stopped', async () => {
    const asked: string[] = [];
    let isBusy = true;
    const n8n = await startOtherServer(({ path, headers }, response) => {
      asked.push(path);
      if (headers['x-n8n-api-key'] !== KEY) return sendJson(response, { message: 'unauthorized' }, 401);
      if (isBusy) {
        isBusy = false;
        response.setHeader('retry-after', '0');
        return sendJson(response, { message: 'busy' }, 429);
      }
      const isSecond = path.includes('cursor=second');
      const data = isSecond ? EXECUTIONS.data.slice(2) : EXECUTIONS.data.slice(0, 2);
      sendJson(response, { data, nextCursor: isSecond ? null : 'second' });
    });
    try {
      const kept = join(folder, 'n8n.json');
      const args = ['--source-url', n8n.url, '--from', 'n8n', '--resume', kept];
      const { told, records } = await brought(args);
      expect(told).toMatchObject([{ imported: 3, skipped: 1 }]);
      expect(runsIn(records)).toHaveLength(3);
      expect(asked.at(-1)).toContain('cursor=second');
      expect(asked[0]).toContain('includeData=true');
      expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({ from: 'n8n', cursor: null });
      asked.length = 0;
      writeFileSync(kept, JSON.stringify({ from: 'n8n', url: n8n.url, since: null, cursor: 'second' }));
      expect((await brought(args)).told).toMatchObject([{ imported: 2, skipped: 0 }]);
      expect(asked).toHaveLength(1);
    } finally {
      await n8n.stop();
    }
  });
});
