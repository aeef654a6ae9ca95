import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { startOtherServer } from '../support/http-server.ts';
import { edge, input, output, text } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

let folder: string;
let server: TestServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-subflows-'));
  server = await startPlatform({ folder });
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Input "Name" → "<words> <Name>" → output "Said". */
const saying = (words: string) => ({
  nodes: [input('in', 'Name'), text('say', `${words} ((Name))`), output('out', 'Said')],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
});

/** As an official client sends it: the workflow that is invoked stands beside the configuration. */
const invoking = (workflowId: string, more: object = {}) => ({
  nodes: [
    input('in', 'Name', more),
    { id: 'call', type: 'InvokeSubflowNode', node_config: {}, subflow_id: workflowId },
    output('out', 'Said'),
  ],
  edges: [edge('in::output', 'call::inputs::Name'), edge('call::outputs::Said', 'out::input')],
});

const mapping = (workflowId: string) => ({
  nodes: [
    input('in', 'Names', { type: 'list' }),
    { id: 'each', type: 'MapNode', node_config: { subflow_id: workflowId } },
    output('out', 'All'),
  ],
  edges: [edge('in::output', 'each::items'), edge('each::results', 'out::input')],
});

describe('a workflow that invokes another', () => {
  it('shows the frozen definition once, and each run below it by its item', async () => {
    const sub = await server.client.save(saying('Hello'), { name: 'Greeter' });
    const workflow = await server.client.save(mapping(sub.id));
    const run = await server.client.run(workflow.id, { input: { Names: ['Ada', 'Ben'] } });
    expect(run).toMatchObject({ status: 'completed', output: { All: ['Hello Ada', 'Hello Ben'] } });
    const { each } = run.progress_details.subflow_executions;
    expect(each).toMatchObject({
      node_id: 'each',
      workflow_id: sub.id,
      workflow_name: 'Greeter',
      total_iterations: 2,
      workflow_definition: { nodes: [{ id: 'in' }, { id: 'say' }, { id: 'out' }] },
      raw_definition: { nodes: [{ id: 'in' }, { id: 'say' }, { id: 'out' }] },
    });
    expect(each.iterations['2']).toMatchObject({
      executed_nodes: ['in', 'say', 'out'],
      per_node_progress: { say: { status: 'succeeded', current_it: 1, total_it: 1 } },
    });
  });

  it('is written in V2 as well, with the workflow beside the configuration and its outputs by their names', async () => {
    const sub = await server.client.save(saying('Hello'));
    const { id } = await server.client.save({
      flow_version: 'v2',
      nodes: [
        { id: 'in', type: 'InputNodeV2', node_config: { label: 'Name', type: 'str' } },
        {
          ...{ id: 'call', type: 'InvokeSubflowNode', subflow_id: sub.id },
          node_config: { __var_keys: { inputs: ['Name'] }, inputs__Name: ':var[in.output]' },
        },
        { id: 'one', type: 'OutputNodeV2', node_config: { label: 'One', value: ':var[call.outputs::Said]' } },
        { id: 'all', type: 'OutputNodeV2', node_config: { label: 'All', value: ':var[call.outputs]' } },
      ],
      edges: [],
    });
    const run = await server.client.run(id, { input: { Name: 'Ada' } });
    expect([run.status, run.output]).toEqual(['completed', { One: 'Hello Ada', All: { Said: 'Hello Ada' } }]);
  });

  it('keeps its runs below it out of every list, gives each by its id, and lists them by node', async () => {
    const sub = await server.client.save(saying('Hello'));
    const workflow = await server.client.save(invoking(sub.id));
    const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    expect(run.output).toEqual({ Said: 'Hello Ada' });
    expect((await server.client.get('/v1/runs')).total).toBe(1);
    expect((await server.client.get(`/v1/workflows/${sub.id}/runs`)).items).toEqual([]);
    const { items, total } = await server.client.get(`/v1/runs/${run.id}/subflows/call`);
    expect([total, items[0]]).toMatchObject([
      1,
      { status: 'completed', source: 'subflow', workflow_id: sub.id, parent: { run_id: run.id, node_id: 'call' } },
    ]);
    const below = await server.client.get(`/v1/workflows/${sub.id}/runs/${items[0].id}`);
    expect(below).toMatchObject({ status: 'completed', output: { Said: 'Hello Ada' } });
    expect((await server.client.send('GET', `/v1/runs/${run.id}/subflows/nothing`)).status).toBe(404);
  });

  it('is found by what is said below it, once it has ended', async () => {
    const sub = await server.client.save({
      nodes: [input('in', 'Name'), text('deep', 'zanzibar'), text('say', 'Hello'), output('out', 'Said')],
      edges: [
        edge('in::output', 'deep::variables::Name'),
        edge('deep::output', 'say::variables::x'),
        edge('say::output', 'out::input'),
      ],
    });
    const workflow = await server.client.save(invoking(sub.id));
    const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    const found = async () =>
      (await server.client.post('/v1/runs/search', { query: 'zanzibar' })).items.map((item: Wire) => item.id);
    await expect.poll(found).toEqual([run.id]);
  });

  it('is deleted with everything below it, which is not deleted without it', async () => {
    const sub = await server.client.save(saying('Hello'));
    const workflow = await server.client.save(invoking(sub.id));
    const run = await server.client.run(workflow.id, { input: { Name: 'Ada' } });
    const { items } = await server.client.get(`/v1/runs/${run.id}/subflows/call`);
    const refused = await server.client.ok('DELETE', `/v1/runs/${items[0].id}`);
    expect(refused.errors[items[0].id]).toContain(`part of run ${run.id}`);
    expect((await server.client.ok('DELETE', `/v1/runs/${run.id}`)).succeeded).toBe(1);
    expect((await server.client.send('GET', `/v1/runs/${items[0].id}`)).status).toBe(404);
  });

  it('is refused when it would run itself, however far round', async () => {
    const first = await server.client.save(saying('Hello'), { name: 'First' });
    const second = await server.client.save(invoking(first.id), { name: 'Second' });
    const itself = await server.client.send('PATCH', `/v1/workflows/${first.id}`, { definition: invoking(first.id) });
    expect([itself.status, itself.body.detail[0].type]).toEqual([422, 'subflow_cycle']);
    const round = await server.client.send('PATCH', `/v1/workflows/${first.id}`, { definition: invoking(second.id) });
    expect(round.status).toBe(422);
    expect(round.body.detail[0].msg).toContain('"Second" → this workflow');
    const versions = `/v1/workflows/${first.id}/versions`;
    const kept = await server.client.post(versions, { name: 'Kept' });
    const changed = { definition: invoking(second.id) };
    const version = await server.client.send('PATCH', `${versions}/${kept.id}`, changed);
    expect([version.status, version.body.detail?.[0].type]).toEqual([422, 'subflow_cycle']);
  });

  it('is refused when the other is not there', async () => {
    const missing = '01890000-0000-7000-8000-000000000000';
    const body = { name: 'Test', type: 'flow', definition: invoking(missing) };
    const answer = await server.client.send('POST', '/v1/workflows', body);
    expect([answer.status, answer.body.detail[0].type]).toEqual([422, 'unknown_workflow']);
  });

  it('does not start when the other cannot run, and says why', async () => {
    const draft = await server.client.save({ nodes: [text('say', '')], edges: [] });
    const workflow = await server.client.save(invoking(draft.id));
    const answer = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' } });
    expect(answer.status).toBe(422);
    expect(answer.body.detail[0].type).toBe('incomplete_subflow');
  });

  it('waits with a person below it, tells its own receiver, and goes on with the answer', async () => {
    const receiver = await startOtherServer((_, response) => response.end());
    const sub = await server.client.save({
      nodes: [
        input('in', 'Name'),
        {
          id: 'ask',
          type: 'HumanInTheLoopNode',
          node_config: { title: '((n))?', fields: [{ name: 'note', type: 'text' }] },
        },
        output('out', 'Said'),
      ],
      edges: [edge('in::output', 'ask::variables::n'), edge('ask::note', 'out::input')],
    });
    const workflow = await server.client.save(invoking(sub.id));
    const body = { input: { Name: 'Ada' }, callback_url: receiver.url };
    const run = await server.client.run(workflow.id, body, ['awaiting_human_feedback']);
    const { items } = await server.client.get('/v1/human-requests');
    expect(items).toMatchObject([{ title: 'Ada?', node_id: 'ask' }]);
    await server.client.post(`/v1/human-requests/${items[0].id}/answer`, { answer: { note: 'yes' } });
    const ended = await server.client.until(workflow.id, run.id, ['completed']);
    expect(ended.output).toEqual({ Said: 'yes' });
    await receiver.got(2);
    const told = receiver.received.map((received) => JSON.parse(received.body));
    expect(told.map((one) => one.run_id)).toEqual([run.id, run.id]);
    expect(told[1]).toMatchObject({ status: 'completed', outputs: { Said: 'yes' } });
    await receiver.stop();
  });
});
