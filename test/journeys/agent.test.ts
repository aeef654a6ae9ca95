import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ChatServer, type ChatTurn, startChatServer } from '../support/chat-server.ts';
import type { Wire } from '../support/client.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output } from '../support/noxus-definitions.ts';
import { KEY, spawnServer, startPlatform, type TestServer } from '../support/server.ts';

const opened: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop();
});

interface Scene {
  readonly server: TestServer;
  readonly chat: ChatServer;
  /** Starts another server on the same data and the same model, after the first has been stopped. */
  restart(): Promise<TestServer>;
}

/** A server whose models say these turns. */
async function scene(turns: readonly ChatTurn[], settings: Record<string, string> = {}): Promise<Scene> {
  const chat = await startChatServer(turns);
  opened.push(chat);
  const folder = mkdtempSync(join(tmpdir(), 'millrun-agent-'));
  opened.push({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
  const all = { 'openai-base-url': chat.url, 'openai-api-key': 'k', models: 'm', ...settings };
  const start = async (): Promise<TestServer> => {
    const server = await startPlatform({ settings: all, folder });
    opened.push(server);
    return server;
  };
  const server = await start();
  return {
    server,
    chat,
    async restart() {
      opened.splice(opened.indexOf(server), 1);
      await server.stop();
      return start();
    },
  };
}

/** An address that workflows call; answers what it is told, or keeps its callers waiting. */
async function remote(answer: (call: number) => object | null): Promise<OtherServer> {
  const server = await startOtherServer((_, response) => {
    const body = answer(server.received.length);
    if (body !== null) sendJson(response, body);
  });
  opened.push(server);
  return server;
}

const greet = (workflowId: string, more: object = {}) => ({
  type: 'workflow',
  name: 'greet',
  description: 'Greets somebody.',
  parameters: { type: 'object', properties: { Name: { type: 'string' } } },
  workflow_id: workflowId,
  ...more,
});

/** Input "Task" → agent → outputs "Answer" and "Why". */
const withAgent = (tools: readonly object[], more: object = {}) => ({
  nodes: [
    input('in', 'Task'),
    { id: 'agent', type: 'AgentNode', node_config: { template: '((Task))', tools, max_retries: 0, ...more } },
    output('out', 'Answer'),
    output('why', 'Why'),
  ],
  edges: [
    edge('in::output', 'agent::variables::Task'),
    edge('agent::text', 'out::input'),
    edge('agent::on_error', 'why::input'),
  ],
});

const calling = (definition: (url: string) => object, url: string) => ({
  nodes: [definition(url), output('out', 'Got')],
  edges: [edge('call::body', 'out::input')],
});

const runsOf = async (server: TestServer, workflowId: string): Promise<Wire[]> =>
  (await server.client.get(`/v1/workflows/${workflowId}/runs`)).items;

const ANNA: ChatTurn = { calls: [['greet', '{"Name": "Anna"}']] };

describe('an agent in a workflow', () => {
  it('runs other workflows as its tools, and shows what it did step by step', async () => {
    const { server, chat } = await scene([ANNA, 'Anna was greeted.']);
    const greeting = await server.client.save(GREETING);
    const flow = await server.client.save(withAgent([greet(greeting.id)]));
    expect(flow.validation).toEqual([]);
    const run = await server.client.run(flow.id, { input: { Task: 'Greet Anna.' } });
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Anna was greeted.' } });
    expect(chat.asked[1]?.messages.at(-1)).toMatchObject({ role: 'tool', content: '{"Greeting":"Hello Anna"}' });
    const [child] = await runsOf(server, greeting.id);
    expect(child).toMatchObject({ status: 'completed', input: { Name: 'Anna' } });
    expect(await server.client.get(`/v1/runs/${child.id}`)).toMatchObject({ source: 'agent' });
    const nodes = run.progress_details.per_node_progress;
    expect(Object.keys(nodes)).toEqual(
      expect.arrayContaining(['agent', 'agent/001.00.model', 'agent/001.01.greet', 'agent/002.00.model']),
    );
    expect(nodes.agent.usage).toMatchObject({ input_tokens: 200, output_tokens: 20 });
    const io = await server.client.get(`/v1/runs/${run.id}/io/${encodeURIComponent('agent/001.01.greet')}`);
    expect(io).toMatchObject({
      inputs: { tool: 'greet', arguments: { Name: 'Anna' } },
      outputs: { output: '{"Greeting":"Hello Anna"}', run_id: child.id },
    });
    const { items: logs } = await server.client.get(`/v1/workflows/${flow.id}/logs`);
    expect(logs).toContainEqual(expect.objectContaining({ node_id: 'agent', message: 'Step 1: greet answered.' }));
  });

  it('gives no secret to the workflows that it runs, though its model repeats one', async () => {
    const key = 'operator-key-0123456789';
    const { server } = await scene([{ calls: [['greet', `{"Name": "${key}"}`]] }, 'Done.'], { 'openai-api-key': key });
    const greeting = await server.client.save(GREETING);
    const flow = await server.client.save(withAgent([greet(greeting.id)]));
    await server.client.run(flow.id, { input: { Task: 'Greet.' } });
    const [child] = await runsOf(server, greeting.id);
    expect(child.input).toEqual({ Name: expect.stringMatching(/^\[secret .+\]$/) });
  });

  it('of an error handler starts no error handler by what fails of the workflows that it runs', async () => {
    const { server } = await scene([{ calls: [['greet', '{"Url": "http://169.254.169.254/"}']] }, 'It failed.']);
    const flaky = await server.client.save({
      nodes: [input('in', 'Url'), http('call', '((Url))'), output('out', 'Got')],
      edges: [edge('in::output', 'call::variables::Url'), edge('call::body', 'out::input')],
    });
    const agent = withAgent([greet(flaky.id, { parameters: { type: 'object' } })]);
    const handler = await server.client.save({ ...agent, nodes: [input('in', 'run_id'), ...agent.nodes.slice(1)] });
    await server.client.ok('PATCH', `/v1/workflows/${flaky.id}`, { error_handler: handler.id });
    const run = await server.client.run(flaky.id, { input: { Url: 'http://169.254.169.254/' } }, ['failed']);
    const settled = async () => {
      const all = [...(await runsOf(server, handler.id)), ...(await runsOf(server, flaky.id))];
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const { status } of all) expect(['completed', 'failed']).toContain(status);
    };
    await vi.waitFor(settled, 5000);
    // What comes after is queued before the answer to this: the next failure has been handled when its handler is there.
    const other = await server.client.run(flaky.id, { input: { Url: 'http://169.254.169.254/' } }, ['failed']);
    const handled = async () =>
      (await server.client.get('/v1/runs')).items.flatMap(({ failed_run_id: id }: Wire) => id ?? []).toSorted();
    await vi.waitFor(async () => expect(await handled()).toContain(other.id), 5000);
    expect(await handled()).toEqual([run.id, other.id].toSorted());
  });

  it('is told why a workflow could not be run, or failed, and goes on', async () => {
    const { server, chat } = await scene([
      {
        calls: [
          ['greet', '{"Nom": "Anna"}'],
          ['gone', '{}'],
          ['draft', '{}'],
          ['broken', '{}'],
        ],
      },
      'I could not.',
    ]);
    const greeting = await server.client.save(GREETING);
    const draft = await server.client.save({ nodes: [output('out')], edges: [] });
    const refused = await server.client.save(calling((url) => http('call', url), 'http://169.254.169.254/'));
    const tools = [
      greet(greeting.id),
      greet('0198c0de-0000-7000-8000-000000000000', { name: 'gone' }),
      greet(draft.id, { name: 'draft' }),
      greet(refused.id, { name: 'broken' }),
    ];
    const flow = await server.client.save(withAgent(tools));
    const run = await server.client.run(flow.id, { input: { Task: 'Try.' } });
    expect(run.output).toEqual({ Answer: 'I could not.' });
    const told = chat.asked[1]?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    expect(told).toEqual([
      expect.stringContaining('Its inputs are "Name"'),
      expect.stringContaining('There is no workflow 0198c0de'),
      expect.stringContaining('cannot run yet'),
      expect.stringMatching(/^Error: /),
    ]);
  });

  it('needs no second place of a worker for the workflow that it waits for', async () => {
    const { server } = await scene([ANNA, 'Done.'], { 'worker-concurrency': '1' });
    const other = await remote(() => ({ ok: true }));
    const callee = await server.client.save({
      nodes: [input('in', 'Name'), http('call', `${other.url}/a`), output('out', 'Got')],
      edges: [edge('in::output', 'call::variables::Name'), edge('call::body', 'out::input')],
    });
    const flow = await server.client.save(withAgent([greet(callee.id)]));
    const run = await server.client.run(flow.id, { input: { Task: 'Call.' } });
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Done.' } });
  });

  it('stops the workflow that it waits for, when it is stopped and when that takes too long', async () => {
    const call: ChatTurn = { calls: [['greet', '{}']] };
    const { server, chat } = await scene([call, call, 'It took too long.']);
    const other = await remote(() => null);
    const callee = await server.client.save(calling((url) => http('call', url), other.url));
    const endless = await server.client.save(withAgent([greet(callee.id)]));
    const run = await server.client.run(endless.id, { input: { Task: 'Wait.' } }, ['running']);
    await other.got(1);
    await server.client.post(`/v1/runs/${run.id}/stop`);
    const [child] = await runsOf(server, callee.id);
    expect(await server.client.until(callee.id, child.id, ['stopped'])).toMatchObject({ status: 'stopped' });
    const bounded = await server.client.save(withAgent([greet(callee.id, { timeout_seconds: 0.2 })]));
    const second = await server.client.run(bounded.id, { input: { Task: 'Wait a little.' } });
    expect(second.output).toEqual({ Answer: 'It took too long.' });
    expect(chat.asked.at(-1)?.messages.at(-1)?.content).toContain('0.2 s');
    expect((await runsOf(server, callee.id)).map(({ status }) => status)).toEqual(['stopped', 'stopped']);
  });

  it('that is interrupted begins anew, and finds the run that it had started', async () => {
    const { server, restart } = await scene([{ calls: [['greet', '{}']] }, { calls: [['greet', '{}']] }, 'Done.']);
    const open = Promise.withResolvers<void>();
    const other = await startOtherServer((_, response) => open.promise.then(() => sendJson(response, { n: 1 })));
    opened.push(other);
    const callee = await server.client.save(calling((url) => http('call', url), other.url));
    const flow = await server.client.save(withAgent([greet(callee.id)]));
    const { id } = await server.client.run(flow.id, { input: { Task: 'Call.' } }, ['running']);
    await other.got(1);
    const again = await restart();
    expect((await runsOf(again, callee.id)).map(({ status }) => status)).toEqual(['running']);
    open.resolve();
    const run = await again.client.until(flow.id, id, ['completed', 'failed']);
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Done.' } });
    const children = await runsOf(again, callee.id);
    expect(children).toMatchObject([{ status: 'completed' }]);
    expect(run.progress_details.per_node_progress['agent/001.01.greet']).toMatchObject({ status: 'succeeded' });
  });

  it('whose server is killed in the middle finds the run that it had started as well', async () => {
    const chat = await startChatServer([{ calls: [['greet', '{}']] }, { calls: [['greet', '{}']] }, 'Done.']);
    opened.push(chat);
    const folder = mkdtempSync(join(tmpdir(), 'millrun-agent-'));
    opened.push({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
    const env = {
      ...{ MILLRUN_API_KEY: KEY, MILLRUN_HTTP_ALLOW: '127.0.0.1', MILLRUN_MODELS: 'm' },
      ...{ OPENAI_BASE_URL: chat.url, OPENAI_API_KEY: 'k' },
    };
    const open = Promise.withResolvers<void>();
    const other = await startOtherServer((_, response) => open.promise.then(() => sendJson(response, { n: 1 })));
    opened.push(other);
    const first = await spawnServer({ env, folder });
    opened.push(first);
    const callee = await first.client.save(calling((url) => http('call', url), other.url));
    const flow = await first.client.save(withAgent([greet(callee.id)]));
    const { id } = await first.client.run(flow.id, { input: { Task: 'Call.' } }, ['running']);
    await other.got(1);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await spawnServer({ env, folder });
    opened.push(second);
    open.resolve();
    const run = await second.client.until(flow.id, id, ['completed', 'failed']);
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Done.' } });
    expect(await runsOf(second, callee.id)).toMatchObject([{ status: 'completed' }]);
  });

  it('that calls itself comes to an end', async () => {
    const { server } = await scene([
      (request) =>
        request.messages.some(({ role }) => role === 'tool') ? 'Back.' : { calls: [['greet', '{"Task": "Again."}']] },
    ]);
    const flow = await server.client.save({ nodes: [output('out')], edges: [] });
    const parameters = { type: 'object', properties: { Task: { type: 'string' } } };
    const definition = withAgent([greet(flow.id, { parameters })]);
    await server.client.ok('PATCH', `/v1/workflows/${flow.id}`, { definition });
    const run = await server.client.run(flow.id, { input: { Task: 'Begin.' } });
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Back.' } });
    expect(await runsOf(server, flow.id)).toHaveLength(6);
  });

  it('that calls itself through a subflow comes to an end as well', async () => {
    const { server } = await scene([
      (request) => (request.messages.some(({ role }) => role === 'tool') ? 'Back.' : { calls: [['greet', '{}']] }),
    ]);
    const caller = await server.client.save({ nodes: [output('out')], edges: [] });
    const task = {
      ...input('in', 'Task'),
      node_config: { label: 'Task', type: 'str', fixed_value: true, value: 'Go.' },
    };
    const flow = withAgent([greet(caller.id)]);
    const callee = await server.client.save({ ...flow, nodes: [task, ...flow.nodes.slice(1)] });
    const definition = {
      nodes: [{ id: 'sub', type: 'InvokeSubflowNode', node_config: { subflow_id: callee.id } }],
      edges: [],
    };
    await server.client.ok('PATCH', `/v1/workflows/${caller.id}`, { definition });
    const run = await server.client.run(callee.id, { input: {} });
    expect(run).toMatchObject({ status: 'completed', output: { Answer: 'Back.' } });
    expect(await runsOf(server, caller.id)).toHaveLength(5);
  });

  it('is kept as a draft while it names tools that are not there', async () => {
    const { server } = await scene(['Done.']);
    const flow = await server.client.save(withAgent([{ type: 'kb_qa', name: 'ask', description: 'Asks.' }]));
    expect(flow.validation).toMatchObject([
      { type: 'invalid_config', message: expect.stringContaining('"kb_qa", which this server does not have') },
    ]);
  });
});
