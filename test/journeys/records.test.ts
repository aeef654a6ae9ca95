import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { startsPostgres } from '../support/postgres.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

const cluster = startsPostgres();

/** Input "Name" → "Hello <Name>" → output "Said". */
const GREETER = {
  nodes: [input('in', 'Name'), text('say', 'Hello ((Name))'), output('out', 'Said')],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
};

const mapping = (workflowId: string) => ({
  nodes: [
    input('in', 'Names', { type: 'list' }),
    { id: 'each', type: 'MapNode', node_config: { subflow_id: workflowId } },
    output('out', 'All'),
  ],
  edges: [edge('in::output', 'each::items'), edge('each::results', 'out::input')],
});

/** A judge that lets everything pass. */
const JUDGE = {
  nodes: [
    input('fact', 'Output', { type: 'Any' }),
    text('good', '{"passed": true, "confidence": 0.9, "reasoning": "Well said."}'),
    { id: 'read', type: 'JsonParseNode', node_config: {} },
    output('verdict', 'verdict'),
  ],
  edges: [
    edge('fact::output', 'good::variables::said'),
    edge('good::output', 'read::text'),
    edge('read::output', 'verdict::input'),
  ],
};

let sqlite: TestServer;
let postgres: TestServer;
let drop: () => Promise<void>;
beforeAll(async () => {
  const schema = cluster.newSchema();
  drop = schema.drop;
  [sqlite, postgres] = await Promise.all([startPlatform(), startPlatform({ settings: { store: schema.url } })]);
});
afterAll(async () => {
  await sqlite.stop();
  await postgres.stop();
  await drop();
});

/** Every record there is, whole, oldest first. */
async function exported({ client }: TestServer): Promise<string[]> {
  const lines: string[] = [];
  for (let cursor = ''; ; ) {
    const answer = await client.send('GET', `/v1/runs/records?whole=true&sort=id&limit=2${cursor}`);
    expect(answer.status).toBe(200);
    lines.push(...answer.text.split('\n').filter((line) => line !== ''));
    const next = answer.headers.get('millrun-next');
    if (next === null) return lines;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

const take = ({ client }: TestServer, lines: readonly string[]) =>
  client.send('POST', '/v1/runs/records', lines.join('\n'), { 'content-type': 'application/x-ndjson' });

const runsIn = (lines: readonly string[]): Wire[] =>
  lines.map((line) => JSON.parse(line)).filter(({ format }) => format === 'millrun.run/1');

const distinct = (lines: readonly string[]) => [...new Set(lines)].toSorted();

describe('records of runs', () => {
  it('come out of another store, of another kind, as they went in, once however often they are sent', async () => {
    const { client } = sqlite;
    const greeter = await client.save(GREETER, { name: 'Greeter' });
    const mapper = await client.save(mapping(greeter.id), { name: 'Mapper' });
    const caller = await client.save(
      { nodes: [http('call', 'http://127.0.0.1:1/'), output('out', 'O')], edges: [edge('call::body', 'out::input')] },
      { name: 'Caller' },
    );
    await client.run(mapper.id, { input: { Names: ['Ada', 'Ben'] } });
    await client.run(caller.id, { input: {} });
    const judged = await client.run(greeter.id, { input: { Name: 'Grace' } });
    const judge = await client.save(JUDGE, { name: 'Judge' });
    await send(sqlite, 'POST', '/v1/evaluations', { run_id: judged.id, judges: [{ workflow_id: judge.id }] });
    await evaluated(sqlite, judged.id);

    const lines = await exported(sqlite);
    const first = await take(postgres, lines);
    expect([first.status, first.body.refused]).toEqual([200, []]);
    expect(first.body.imported).toHaveLength(4);
    expect(distinct(await exported(postgres))).toEqual(distinct(lines));
    const second = await take(postgres, lines);
    expect(second.body).toMatchObject({ imported: [], refused: [] });
    expect(second.body.present).toHaveLength(4);

    const mapped = runsIn(lines).find(({ workflow }) => workflow === 'Mapper');
    expect(mapped.below.map((run: Wire) => run.output)).toEqual([{ Said: 'Hello Ada' }, { Said: 'Hello Ben' }]);
    const shown = await postgres.client.get(`/v1/runs/${mapped.id}/data`);
    expect(shown.progress_details.subflow_executions.each.iterations['2']).toBeDefined();
    const found = await postgres.client.post('/v1/runs/search', { query: 'Hello Ben' });
    expect(found.items.map(({ id }: Wire) => id)).toEqual([mapped.id]);
    expect(runsIn(lines).find(({ id }) => id === judged.id).evaluation).toMatchObject({
      passed: true,
      judges: [{ name: 'Judge', reasoning: 'Well said.' }],
    });
  });

  it('keep numbers as they were written', async () => {
    const [line] = await exported(sqlite);
    expect(JSON.parse(line!).format).toBe('millrun.workflow/1');
    const run = runsIn(await exported(sqlite))[0];
    const id = '01890000-0000-7000-8000-000000000001';
    const at = '2023-06-01T00:00:00.000Z';
    const record = {
      ...run,
      id,
      input: 'HERE',
      node_runs: [],
      iterations: [],
      logs: [],
      below: [],
      evaluation: null,
      subflows: null,
    };
    const exact = '{"price":1.50,"id":12345678901234567890,"tiny":1e-30}';
    const text = JSON.stringify({ ...record, created_at: at, started_at: at, finished_at: at }).replace(
      '"HERE"',
      exact,
    );
    expect((await take(sqlite, [text])).body).toMatchObject({ imported: [id], refused: [] });
    expect((await sqlite.client.send('GET', `/v1/runs/${id}/record`)).text).toContain(exact);
  });

  it('are listed by filter without what went in and came out', async () => {
    const answer = await sqlite.client.send('GET', `/v1/runs/records?q=${encodeURIComponent('workflow:Caller')}`);
    const heads = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(heads).toMatchObject([{ workflow: 'Caller', status: 'failed', failure: { node_id: 'call' } }]);
    expect(heads[0]).not.toHaveProperty('input');
    const wrong = await sqlite.client.send('GET', '/v1/runs/records?q=statu:failed');
    expect([wrong.status, wrong.body.detail[0].hint]).toEqual([422, expect.stringContaining('status')]);
  });

  it('that cannot be read are refused by line, and the others taken', async () => {
    const run = runsIn(await exported(sqlite)).find((each) => each.node_runs.length > 0);
    const lines = [
      '{"format":"millrun.run/1"',
      '{"format":"something"}',
      JSON.stringify({ ...run, status: 'done' }),
      JSON.stringify({ ...run, node_runs: [{ ...run.node_runs[0], inputs: 'text' }] }),
      JSON.stringify(run),
    ];
    const { body } = await take(sqlite, lines);
    expect(body.present).toEqual([run.id]);
    expect(body.refused).toMatchObject([
      { line: 1, message: expect.stringContaining('not JSON') },
      { line: 2, message: expect.stringContaining('millrun.run/1') },
      {
        line: 3,
        id: run.id,
        message:
          '"status" is "done", but must be one of queued, running, waiting, succeeded, partial, failed, canceled.',
      },
      { line: 4, message: expect.stringContaining('node_runs[0].inputs') },
    ]);
  });

  it('start nothing: neither the error handler nor the evaluation that their workflow asks for', async () => {
    const { client } = sqlite;
    const [failed] = runsIn(await exported(sqlite)).filter(({ status }) => status === 'failed');
    const handler = await client.save({
      nodes: [input('in', 'error'), output('o', 'O')],
      edges: [edge('in::output', 'o::input')],
    });
    await client.ok('PATCH', `/v1/workflows/${failed.workflow_id}`, { error_handler: handler.id });
    const id = '01890000-0000-7000-8000-000000000002';
    await take(sqlite, [JSON.stringify({ ...failed, id, logs: [], context: null })]);
    // What is told after it has been handled after it.
    const after = await client.run(failed.workflow_id, { input: {} });
    for (;;) if ((await client.get(`/v1/runs/${after.id}`)).error_handler_run_id) break;
    expect(await client.get(`/v1/runs/${id}`)).not.toHaveProperty('error_handler_run_id');
  });
});

const send = ({ client }: TestServer, method: string, path: string, body?: unknown) =>
  client.send(method, `/runflow${path}`, body, { authorization: `Bearer ${KEY}` });

async function evaluated(server: TestServer, runId: string): Promise<void> {
  for (;;) {
    const { body } = await send(server, 'GET', `/v1/runs/${runId}?embed=current_evaluation_summary`);
    if (body.current_evaluation_summary !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
