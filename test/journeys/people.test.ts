import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, input, output, text } from '../support/noxus-definitions.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const WAITING = ['awaiting_human_feedback'];
const REQUESTS = '/v1/human-requests';

const FIELDS = [
  { name: 'approved', type: 'checkbox', label: 'Approve' },
  { name: 'tone', type: 'select', options: ['dry', 'warm'], initial_value: 'dry' },
  { name: 'note', type: 'text', required: false },
];

const ask = (id: string, more: object = {}) => ({
  id,
  type: 'HumanInTheLoopNode',
  node_config: { title: 'Publish ((Draft))?', fields: FIELDS, ...more },
});

/** Input "Draft" → a person → output "Said", which is `<words>: <note>`. */
const review = (words: string, more: object = {}) => ({
  nodes: [input('in', 'Draft'), ask('ask', more), text('say', `${words}: ((Note))`), output('out', 'Said')],
  edges: [
    edge('in::output', 'ask::variables::Draft'),
    edge('ask::note', 'say::variables::Note'),
    edge('say::output', 'out::input'),
  ],
});

let folder: string;
let server: TestServer;
let runflow: RunflowClient;
let receiver: OtherServer;

async function open(): Promise<void> {
  server = await startPlatform({ folder });
  runflow = new RunflowClient(server);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-people-'));
  receiver = await startOtherServer((_, response) => response.end());
  await open();
});
afterEach(async () => {
  await server.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

/** A run of a definition that waits, and what is asked in it. */
async function waitingRun(definition: object, more: object = {}): Promise<{ run: Wire; requests: Wire[] }> {
  const workflow = await server.client.save(definition);
  const run = await server.client.run(workflow.id, { input: { Draft: 'the news' }, ...more }, WAITING);
  return { run, requests: (await server.client.get(`${REQUESTS}?run_id=${run.id}`)).items };
}

const ended = (run: Wire): Promise<Wire> =>
  server.client.until(run.workflow_id, run.id, ['completed', 'failed', 'stopped']);

/** The two APIs, and what a caller of each does with a request. */
const CALLERS = [
  {
    api: 'noxus',
    post: (path: string, body?: object): Promise<Answer> => server.client.send('POST', path, body),
    status: (request: Wire): string => request.status,
    problems: ({ body }: Answer): string[] => body.detail.map(({ loc, type }: Wire) => `${loc.join('.')} ${type}`),
  },
  {
    api: 'runflow',
    post: (path: string, body?: object): Promise<Answer> => runflow.send('POST', path, body),
    status: (request: Wire): string => request.status_code,
    problems: ({ body }: Answer): string[] => body.errors.map(({ loc, type }: Wire) => `${loc.join('.')} ${type}`),
  },
];

describe.each(CALLERS)('a person who answers through $api', ({ post, status, problems }) => {
  it('lets the run go on, over a restart, with the definition that it began with', async () => {
    const { run, requests } = await waitingRun(review('Before'));
    expect(run.progress_details.per_node_progress.ask.status).toBe('awaiting_human_feedback');
    expect(requests).toMatchObject([{ status: 'pending', title: 'Publish the news?', node_id: 'ask', it: 0 }]);
    const definition = review('After');
    await server.client.ok('PATCH', `/v1/workflows/${run.workflow_id}`, { definition });
    await server.stop();
    await open();
    const path = `${REQUESTS}/${requests[0].id}/answer`;
    const answer = await post(path, { answer: { approved: true, note: 'Well done.' }, answered_by: 'Ada' });
    expect([answer.status, status(answer.body)]).toEqual([200, 'answered']);
    expect(answer.body).toMatchObject({
      ...{ settled_by: 'Ada', answer: { approved: true, tone: 'dry', note: 'Well done.' } },
    });
    expect(await ended(run)).toMatchObject({ status: 'completed', output: { Said: 'Before: Well done.' } });
    const io = await server.client.get(`/v1/runs/${run.id}/io/ask`);
    expect(io.outputs).toMatchObject({ approved: true, tone: 'dry', answered_by: 'Ada', outcome: 'answered' });
  });

  it('is told every mistake at once, and may answer once', async () => {
    const { run, requests } = await waitingRun(review('Now'));
    const path = `${REQUESTS}/${requests[0].id}/answer`;
    const wrong = await post(path, { answer: { tone: 'loud', note: 5, aproved: true } });
    expect([wrong.status, problems(wrong)]).toEqual([
      422,
      [
        'body.answer.aproved unknown_field',
        'body.answer.approved missing',
        'body.answer.tone wrong_value',
        'body.answer.note wrong_value',
      ],
    ]);
    expect((await post(path, {})).status).toBe(422);
    expect((await post(path, { answer: { approved: false } })).status).toBe(200);
    const again = await post(path, { answer: { approved: true } });
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('was answered by')]);
    expect((await post(`${REQUESTS}/${requests[0].id}/cancel`)).status).toBe(409);
    expect((await ended(run)).status).toBe('completed');
  });

  it('may take the question back, and the run fails and says why', async () => {
    const { run, requests } = await waitingRun(review('Now'));
    const path = `${REQUESTS}/${requests[0].id}`;
    const canceled = await post(`${path}/cancel`, { reason: 'Nobody reads it.' });
    expect([canceled.status, status(canceled.body)]).toEqual([200, 'canceled']);
    expect(await ended(run)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('("Publish the news?") was canceled'),
    });
    expect((await post(`${path}/answer`, { answer: { approved: true } })).status).toBe(409);
  });
});

describe('questions to persons', () => {
  const both = { nodes: [ask('left', { assignee: 'legal' }), ask('right')], edges: [] };
  const answer = (request: Wire, note: string): Promise<Wire> =>
    server.client.post(`${REQUESTS}/${request.id}/answer`, { answer: { approved: true, note } });

  it('of one run wait side by side, and are answered in any order', async () => {
    const { run, requests } = await waitingRun(both, { input: {} });
    expect(requests.map(({ node_id }) => node_id).toSorted()).toEqual(['left', 'right']);
    await answer(requests[1], 'first');
    const between = await server.client.until(run.workflow_id, run.id, WAITING);
    expect(between.progress).toBe(50);
    expect((await server.client.get(`${REQUESTS}?run_id=${run.id}`)).items).toMatchObject([{ id: requests[0].id }]);
    await answer(requests[0], 'second');
    expect((await ended(run)).status).toBe('completed');
  });

  it('are listed page by page in the first API, and by filter in the other', async () => {
    const { run, requests } = await waitingRun(both, { input: {} });
    const first = await server.client.get(`${REQUESTS}?size=1`);
    expect([first.items.length, first.next]).toEqual([1, first.items[0].id]);
    const second = await server.client.get(`${REQUESTS}?size=1&after=${first.next}`);
    expect([...first.items, ...second.items].map(({ id }: Wire) => id)).toEqual(requests.map(({ id }) => id));
    expect(second.next).toBeNull();
    expect((await server.client.get(`${REQUESTS}?assignee=legal`)).items).toHaveLength(1);
    await answer(requests[0], 'done');
    expect((await server.client.get(`${REQUESTS}?status=answered`)).items).toMatchObject([{ id: requests[0].id }]);
    const [found] = await runflow.items(REQUESTS, { q: `run_id:'${run.id}'`, fields: 'id,status_code' });
    expect(found).toEqual({ id: requests[1].id, status_code: 'pending' });
    expect(await runflow.items(REQUESTS, { status_code: 'all', sort_by: 'created_at:desc' })).toHaveLength(2);
    expect(await runflow.get(`${REQUESTS}/${requests[1].id}`)).toMatchObject({ node_key: requests[1].node_id });
    expect((await runflow.refusal(REQUESTS, { q: 'asignee:legal' })).status).toBe(422);
  });

  it('are canceled when their run is stopped, and go when it is deleted', async () => {
    const { run, requests } = await waitingRun(review('Now'));
    await server.client.post(`/v1/runs/${run.id}/stop`);
    const path = `${REQUESTS}/${requests[0].id}`;
    expect(await server.client.get(path)).toMatchObject({ status: 'canceled', answer: null });
    const late = await server.client.send('POST', `${path}/answer`, { answer: { approved: true } });
    expect(late.status).toBe(409);
    await server.client.ok('DELETE', `/v1/runs/${run.id}`);
    expect((await server.client.send('GET', path)).status).toBe(404);
  });

  it('are answered by themselves when their time is over', async () => {
    const due = { due_seconds: 2, default_answer: { approved: false, note: 'Nobody came.' } };
    const { run, requests } = await waitingRun(review('Now', due));
    expect(requests[0].default_answer).toEqual({ approved: false, tone: 'dry', note: 'Nobody came.' });
    expect((await ended(run)).output).toEqual({ Said: 'Now: Nobody came.' });
    expect(await server.client.get(`${REQUESTS}/${requests[0].id}`)).toMatchObject({
      ...{ status: 'expired', settled_by: null, answer: { note: 'Nobody came.' } },
    });
  });

  it('may ask for a file, which must be there', async () => {
    const fields = [{ name: 'scan', type: 'file' }];
    const { requests, run } = await waitingRun({ nodes: [ask('ask', { fields })], edges: [] }, { input: {} });
    const send = (uri: string) =>
      server.client.send('POST', `${REQUESTS}/${requests[0].id}/answer`, { answer: { scan: { uri } } });
    const missing = await send('spot://nothing');
    expect([missing.status, missing.body.detail[0].loc]).toEqual([422, ['body', 'answer', 'scan']]);
    const form = new FormData();
    form.append('file', new File(['Scan'], 'scan.txt', { type: 'text/plain' }));
    const file = await server.client.post('/v1/file', form);
    expect((await send(`spot://${file.id}`)).status).toBe(200);
    expect((await ended(run)).output).toMatchObject({ 'ask::scan': { uri: `spot://${file.id}` } });
  });

  it('are told to the receiver of the run, each once, before the end is', async () => {
    const { run, requests } = await waitingRun(both, { input: {}, callback_url: receiver.url });
    await receiver.got(2);
    for (const request of requests) await answer(request, 'done');
    await receiver.got(3);
    const bodies = receiver.received.map(({ body }) => JSON.parse(body));
    expect(bodies.map(({ status }) => status)).toEqual([...WAITING, ...WAITING, 'completed']);
    const told = bodies.slice(0, 2).map(({ run_id, human_request: { id } }) => [run_id, id]);
    expect(told.toSorted()).toEqual(requests.map(({ id }) => [run.id, id]).toSorted());
    const deliveries = async () => (await server.client.get(`/v1/runs/${run.id}/callback`)).length;
    await expect.poll(deliveries).toBe(3);
  });

  it('are told in the words of the API that the run was started through', async () => {
    const flow = await server.client.save(review('Now'));
    const more = { input: { Draft: 'the news' }, callback_url: receiver.url, metadata: { a: 1 } };
    const { body: run } = await runflow.send('POST', `/v1/flows/${flow.id}/runs`, more);
    await receiver.got(1);
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      ...{ event: 'run.waiting_for_person', run_id: run.id, status: 'running', metadata: { a: 1 } },
      human_request: { title: 'Publish the news?', status_code: 'pending', node_key: 'ask' },
    });
    expect(await runflow.get(`/v1/runs/${run.id}`)).toMatchObject({ status_code: 'running' });
  });

  it('end the stream of events with the status, and the stream goes on after the answer', async () => {
    const { run, requests } = await waitingRun(review('Now'));
    const messages = async () => {
      const { text: stream } = await server.client.send('GET', `/v1/runs/${run.id}/events`);
      const lines = stream.split('\n').filter((line) => line.startsWith('data: '));
      return lines.map((line) => JSON.parse(line.slice('data: '.length)));
    };
    const before = await messages();
    expect(before.at(-1)).toMatchObject({ type: 'state', data: { status: 'awaiting_human_feedback' } });
    expect(before).toContainEqual(
      expect.objectContaining({ data: expect.objectContaining({ id: 'ask', status: 'awaiting_human_feedback' }) }),
    );
    await answer(requests[0], 'done');
    await ended(run);
    expect((await messages()).at(-1)).toMatchObject({ data: { workflow_status: 'completed' } });
  });
});
