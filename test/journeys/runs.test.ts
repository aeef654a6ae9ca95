import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { type OtherServer, sendJson, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output, text } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

/** The sample of the dialect's notes: a model drafts a reply, and a text stands in for it when the model fails. */
const TRIAGE = {
  flow_version: 'v1',
  nodes: [
    input('n-in', 'Ticket', { fixed_value: false, value: null }),
    {
      id: 'n-gen',
      type: 'TextGenerationNode',
      name: 'Draft reply',
      node_config: { model: ['local-model'], template: 'Write a short reply to:\n((Ticket))', max_retries: 0 },
    },
    text('n-fb', 'Could not draft a reply: ((Reason))'),
    output('n-out', 'Reply'),
  ],
  edges: [
    edge('n-in::output', 'n-gen::variables::Ticket'),
    edge('n-gen::text_output', 'n-out::input', { optional: true }),
    edge('n-gen::on_error', 'n-fb::variables::Reason'),
    edge('n-fb::output', 'n-out::input', { optional: true }),
  ],
};

let model: OtherServer;
let slow: OtherServer;
let server: TestServer;
beforeAll(async () => {
  model = await startOtherServer(({ body }, response) => {
    const asked = JSON.parse(body).messages.at(-1).content as string;
    if (asked.includes('angry')) return sendJson(response, { error: { message: 'No.' } }, 400);
    const message = { role: 'assistant', content: `Re: ${asked.split('\n')[1]}` };
    sendJson(response, {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'local-model',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
  });
  slow = await startOtherServer(({ path }, response) => path === '/quick' && sendJson(response, { fast: true }));
  server = await startPlatform({
    settings: { 'openai-base-url': `${model.url}/v1`, 'sync-timeout-seconds': '1' },
  });
});
afterAll(async () => {
  await server.stop();
  await model.stop();
  await slow.stop();
});

const sync = (workflow: Wire, body: object, query = '') =>
  server.client.send('POST', `/v1/workflows/${workflow.id}/runs/sync${query}`, body);

const skippedOf = (run: Wire) => run.progress_details.skipped_nodes;

describe('the sample workflow with a model', () => {
  it('gives what the model wrote, and skips the stand-in', async () => {
    const workflow = await server.client.save(TRIAGE);
    const run = await server.client.run(workflow.id, { input: { Ticket: 'printer on fire' } });
    expect(run).toMatchObject({ status: 'completed', output: { Reply: 'Re: printer on fire' }, progress: 100 });
    expect(skippedOf(run)).toEqual(['n-fb']);
    expect(run.progress_details.error_handler_nodes).toEqual(['n-fb']);
    expect(run.progress_details.per_node_progress['n-gen']).toMatchObject({
      status: 'succeeded',
      usage: { input_tokens: 7, output_tokens: 3 },
    });
  });

  it('goes the way of on_error when the model refuses, and completes', async () => {
    const workflow = await server.client.save(TRIAGE);
    const run = await server.client.run(workflow.id, { input: { Ticket: 'angry words' } });
    expect(run.status).toBe('completed');
    expect(run.output.Reply).toMatch(/^Could not draft a reply: .*400/s);
    expect(run.progress_details.per_node_progress['n-gen'].status).toBe('errored');
    const logs = await server.client.get(`/v1/workflows/${workflow.id}/logs`);
    expect(logs.items).toContainEqual(expect.objectContaining({ run_id: run.id, node_id: 'n-gen', level: 'error' }));
    expect(await server.client.get(`/v1/workflows/${workflow.id}/logs/columns`)).toContain('message');
  });
});

describe('a definition of form V2', () => {
  const nodes = [
    { id: 'a', type: 'InputNodeV2', node_config: { label: 'Name', type: 'str' } },
    { id: 'b', type: 'CombineTextV2', node_config: { template: 'Hello :var[a.output]!' } },
    { id: 'c', type: 'OutputNodeV2', node_config: { label: 'Greeting' }, variable_bindings: { value: 'b.output' } },
  ];
  const edges = [{ id: 'e', source: 'a', target: 'b' }];
  const definition = { flow_version: 'v2', nodes, edges };

  it('runs: tokens and bindings carry values, edges order', async () => {
    const workflow = await server.client.save(definition);
    expect(workflow).toMatchObject({ flow_version: 'v2', validation: [], definition: { flow_version: 'v2' } });
    expect((await sync(workflow, { input: { Name: 'Ada' } })).body.output).toEqual({ Greeting: 'Hello Ada!' });
  });

  it('follows the branch that an edge leaves by its handle', async () => {
    const workflow = await server.client.save({
      flow_version: 'v2',
      nodes: [
        nodes[0],
        {
          id: 'if',
          type: 'ConditionalNode',
          node_config: { conditions: { left: ':var[a.output]', operator: 'equals', right: 'Ada' } },
        },
        { id: 'yes', type: 'CombineTextV2', node_config: { template: 'Known: :var[a.output]' } },
        { id: 'no', type: 'CombineTextV2', node_config: { template: 'Unknown: :var[a.output]' } },
        { id: 'o1', type: 'OutputNodeV2', node_config: { label: 'Known', value: ':var[yes.output]' } },
        { id: 'o2', type: 'OutputNodeV2', node_config: { label: 'Unknown', value: ':var[no.output]' } },
      ],
      edges: [
        { id: '1', source: 'if', target: 'yes', source_handle: 'true' },
        { id: '2', source: 'if', target: 'no', source_handle: 'false' },
        { id: '3', source: 'yes', target: 'o1' },
        { id: '4', source: 'no', target: 'o2' },
      ],
    });
    expect(workflow.validation).toEqual([]);
    expect((await sync(workflow, { input: { Name: 'Ada' } })).body.output).toEqual({ Known: 'Known: Ada' });
    expect((await sync(workflow, { input: { Name: 'Eve' } })).body.output).toEqual({ Unknown: 'Unknown: Eve' });
  });

  it('stays of form V2 when an older client drops flow_version from a save or a version', async () => {
    const workflow = await server.client.save(definition);
    const path = `/v1/workflows/${workflow.id}`;
    const patched = await server.client.ok('PATCH', `${path}?force=True`, {
      name: 'Older',
      definition: { nodes, edges },
    });
    expect(patched).toMatchObject({ name: 'Older', flow_version: 'v2', validation: [] });
    const version = await server.client.post(`${path}/versions`, { name: 'old', definition: { nodes, edges } });
    expect(version.definition.flow_version).toBe('v2');
    const run = await sync(workflow, { input: { Name: 'Ada' }, workflow_version_id: version.id });
    expect(run.body.output).toEqual({ Greeting: 'Hello Ada!' });
  });
});

describe('the input of a run', () => {
  it.each(['Name', 'in', 'in::input'])('may name an input as "%s"', async (key) => {
    const workflow = await server.client.save(GREETING);
    expect((await sync(workflow, { input: { [key]: 'Ada' } })).body.output).toEqual({ Greeting: 'Hello Ada' });
  });

  it('is refused with every mistake and what is allowed', async () => {
    const workflow = await server.client.save(GREETING);
    const answer = await sync(workflow, { input: { Nmae: 'Ada', x: 1 }, callback_url: 'ftp://x' });
    expect(answer.status).toBe(422);
    expect(answer.body.detail.map(({ loc }: Wire) => loc.join('.'))).toEqual([
      'body.callback_url',
      'body.input.Nmae',
      'body.input.x',
      'body.input.Name',
    ]);
    expect(answer.body.detail[1].msg).toContain('Its inputs are "Name"');
    const { total } = await server.client.get(`/v1/workflows/${workflow.id}/runs`);
    expect(total).toBe(0);
  });

  it('runs the nodes behind it once per item when it is a list', async () => {
    const workflow = await server.client.save(GREETING);
    const run = await server.client.run(workflow.id, { input: { Name: ['Ada', 'Bob'] } });
    expect(run.output).toEqual({ Greeting: ['Hello Ada', 'Hello Bob'] });
    expect(run.progress_details.per_node_progress['say']).toMatchObject({ current_it: 2, total_it: 2 });
    const io = await server.client.get(`/v1/runs/${run.id}/io/say?it=2`);
    expect(io).toMatchObject({ inputs: { 'variables::Name': 'Bob' }, outputs: { output: 'Hello Bob' } });
  });

  it('may carry keys that mean nothing beside it, in the body and in the address', async () => {
    const workflow = await server.client.save(GREETING);
    const answer = await sync(workflow, { input: { Name: 'Ada' }, bogus: [1] }, '?bogus=1&page_size=x');
    expect(answer.status).toBe(200);
  });
});

describe('a part of a workflow', () => {
  it('runs with what it depends on when node_ids names it', async () => {
    const workflow = await server.client.save(GREETING);
    const run = await server.client.run(workflow.id, { input: { Name: 'Ada' }, node_ids: ['say'] });
    expect(run).toMatchObject({ status: 'completed', node_ids: ['say'] });
    expect(run.progress_details.executed_nodes).toEqual(['in', 'say']);
    const unknown = await sync(workflow, { input: { Name: 'Ada' }, node_ids: ['nope'] });
    expect(unknown.body.detail[0]).toMatchObject({ loc: ['body', 'node_ids'], type: 'unknown_node' });
  });

  it('runs alone when single_node_id names it, with the input it is given', async () => {
    const workflow = await server.client.save(GREETING);
    const run = await sync(workflow, { input: { Name: 'Ada' }, single_node_id: 'say' });
    expect(run.body.output).toEqual({ output: 'Hello Ada' });
  });

  it('is told by its saved version when workflow_version_id names one', async () => {
    const workflow = await server.client.save(GREETING);
    const version = await server.client.post(`/v1/workflows/${workflow.id}/versions`, { name: 'one' });
    const nodes = [input('in', 'Name'), text('say', 'Bye ((Name))'), output('out', 'Greeting')];
    await server.client.ok('PATCH', `/v1/workflows/${workflow.id}`, { definition: { ...GREETING, nodes } });
    const old = await server.client.run(workflow.id, { input: { Name: 'Ada' }, workflow_version_id: version.id });
    expect(old).toMatchObject({ output: { Greeting: 'Hello Ada' }, workflow_version_id: version.id });
    expect((await sync(workflow, { input: { Name: 'Ada' } })).body.output).toEqual({ Greeting: 'Bye Ada' });
  });
});

describe('the output of a run', () => {
  it('is keyed by label, and by id where there is none or when asked for, texts as {text}', async () => {
    const definition = {
      nodes: [...GREETING.nodes, output('bare')],
      edges: [...GREETING.edges, edge('say::output', 'bare::input')],
    };
    const workflow = await server.client.save(definition);
    const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    const path = `/v1/workflows/${workflow.id}/runs/${run.id}`;
    const hello = { text: 'Hello Ada' };
    expect(run.output).toEqual({ Greeting: 'Hello Ada', 'bare::output': hello });
    const byId = { 'out::output': hello, 'bare::output': hello };
    expect((await server.client.get(`${path}?use_output_ids=True`)).output).toEqual(byId);
    expect(await server.client.get(`${path}?output_only=true`)).toEqual(run.output);
    expect(await server.client.get(`${path}?output_only=true&use_output_ids=true`)).toEqual(byId);
    const body = { input: { Name: 'Ada' } };
    expect((await sync(workflow, body, '?output_only=true&use_output_ids=true')).body).toEqual(byId);
    expect((await sync(workflow, body)).body).toEqual({
      id: expect.any(String),
      status: 'completed',
      output: run.output,
    });
  });
});

describe('a run that takes long', () => {
  const definition = () => ({
    nodes: [http('call', `${slow.url}/slow`), output('out', 'Body')],
    edges: [edge('call::body', 'out::input')],
  });

  it('can be stopped while a request is under way, and stays stopped', async () => {
    const workflow = await server.client.save(definition());
    const before = slow.received.length;
    const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: {} });
    await slow.got(before + 1);
    const stopped = await server.client.post(`/v1/runs/${id}/stop`);
    expect(stopped).toMatchObject({ id, status: 'stopped', output: {} });
    expect(await server.client.post(`/v1/runs/${id}/stop`)).toMatchObject({ status: 'stopped' });
    expect(await server.client.get(`/v1/runs/${id}`)).toMatchObject({
      status: 'stopped',
      finished_at: expect.any(String),
    });
  });

  it('is answered 202 with the run as it stands when a synchronous call has waited long enough', async () => {
    const workflow = await server.client.save(definition());
    const answer = await sync(workflow, { input: {} });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ status: 'running', input: {}, finished_at: null });
    const inFlight = await server.client.send('DELETE', `/v1/runs/${answer.body.id}`);
    expect(inFlight.body).toMatchObject({ succeeded: 0, failed: 1, matched: 1 });
    expect(inFlight.body.errors[answer.body.id]).toContain('Stop it first');
    await server.client.post(`/v1/runs/${answer.body.id}/stop`);
  });

  it('tells a failure with its cause, not as a bare output', async () => {
    const workflow = await server.client.save({
      nodes: [http('call', 'http://127.0.0.2:1/'), output('out', 'Body')],
      edges: [edge('call::body', 'out::input')],
    });
    const answer = await sync(workflow, { input: {} }, '?output_only=true');
    expect(answer.body).toMatchObject({ status: 'failed', error: expect.stringContaining('127.0.0.2') });
  });
});
