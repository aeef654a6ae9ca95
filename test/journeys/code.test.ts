import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edge, http, input, output } from '../support/noxus-definitions.ts';
import { startPlatform, type TestServer } from '../support/server.ts';

const code = (id: string, template: string, more: object = {}) => ({
  id,
  type: 'CodeExecutionV3Node',
  node_config: { template, ...more },
});

/** An operator's runner of Python: it answers with what it was sent. */
const runner = createServer(async (request, response) => {
  const { language, inputs } = JSON.parse(await text(request)) as { language: string; inputs: object };
  response.end(JSON.stringify({ outputs: { ran: `${language} ${JSON.stringify(inputs)}` } }));
});

let runnerUrl: string;
let server: TestServer;
beforeAll(async () => {
  await new Promise<void>((ready) => runner.listen(0, '127.0.0.1', ready));
  runnerUrl = `http://127.0.0.1:${(runner.address() as AddressInfo).port}`;
  server = await startPlatform({ settings: { 'code-runner-url': runnerUrl, 'http-allow': 'nowhere.example' } });
});
afterAll(async () => {
  await server.stop();
  await new Promise((closed) => runner.close(closed).closeAllConnections());
});

describe('a workflow with code', () => {
  it('passes values in and out of it, by key and by declared output, and shows its console and its mistakes', async () => {
    const workflow = await server.client.save({
      nodes: [
        input('in', 'Text'),
        code(
          'count',
          'function main({ text }) { console.info("counting", text); return { words: text.split(" "), total: text.length }; }',
          {
            outputs: ['total'],
          },
        ),
        code('join', 'async function main({ words, total }) { return { line: words.join("-") + " " + total }; }'),
        output('out', 'Line'),
      ],
      edges: [
        edge('in::output', 'count::variables::text'),
        edge('count::outputs::words', 'join::variables::words'),
        edge('count::total', 'join::variables::total'),
        edge('join::outputs::line', 'out::input'),
      ],
    });
    expect(workflow.validation).toEqual([]);
    const run = await server.client.run(workflow.id, { input: { Text: 'to be or' } });
    expect(run).toMatchObject({ status: 'completed', output: { Line: 'to-be-or 8' } });
    const logs = await server.client.get(`/v1/workflows/${workflow.id}/logs`);
    expect(logs.items).toContainEqual(expect.objectContaining({ node_id: 'count', message: 'counting to be or' }));
  });

  it('goes on through on_error with the message and the line of what was thrown', async () => {
    const workflow = await server.client.save({
      nodes: [code('fail', 'function main() {\n  throw new Error("not today");\n}'), output('out', 'Why')],
      edges: [edge('fail::on_error', 'out::input')],
    });
    const run = await server.client.run(workflow.id, { input: {} });
    expect(run).toMatchObject({ status: 'completed', output: { Why: 'Error: not today (line 2 of the code)' } });
  });

  it('is told at save what keeps it from running', async () => {
    const workflow = await server.client.save({
      nodes: [code('broken', 'function main( {'), code('keyed', 'const main = () => ({ a: 1 })'), output('out')],
      edges: [edge('keyed::outputs', 'out::input')],
    });
    const messages = workflow.validation.map((issue: { message: string }) => issue.message).join('\n');
    expect(messages).toContain('SyntaxError');
    expect(messages).toContain('without saying which of its keys');
    const refused = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs`, { input: {} });
    expect(refused.status).toBe(422);
  });

  it('that never ends is stopped with its run, while other runs come and end', async () => {
    const endless = await server.client.save({
      nodes: [code('loop', 'function main() { for (;;); }', { timeout_seconds: 300 })],
      edges: [],
    });
    const quick = await server.client.save({
      nodes: [code('add', 'const main = () => ({ sum: 2 })'), output('out', 'Sum')],
      edges: [edge('add::outputs::sum', 'out::input')],
    });
    const held = await server.client.run(endless.id, { input: {} }, ['running']);
    for (let turn = 0; turn < 3; turn++) {
      expect(await server.client.run(quick.id, { input: {} })).toMatchObject({ output: { Sum: 2 } });
    }
    expect((await server.client.get(`/v1/runs/${held.id}`)).status).toBe('running');
    await server.client.post(`/v1/runs/${held.id}/stop`);
    expect((await server.client.until(endless.id, held.id, ['stopped'])).status).toBe('stopped');
    // Both threads are free again: two programs that wait for one another’s room would not both end otherwise.
    const both = await Promise.all([1, 2, 3].map(() => server.client.run(quick.id, { input: {} })));
    expect(both.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  });

  it('in Python goes to the runner, which the requests of workflows cannot reach', async () => {
    const workflow = await server.client.save({
      nodes: [input('in', 'A'), code('py', 'def main(inputs):\n    return inputs'), output('out', 'Ran')],
      edges: [edge('in::output', 'py::variables::a'), edge('py::outputs::ran', 'out::input')],
    });
    const run = await server.client.run(workflow.id, { input: { A: 'x' } });
    expect(run).toMatchObject({ status: 'completed', output: { Ran: 'python {"a":"x"}' } });
    const direct = await server.client.save({
      nodes: [http('call', runnerUrl), output('out')],
      edges: [edge('call::body', 'out::input')],
    });
    expect(await server.client.run(direct.id, { input: {} })).toMatchObject({ status: 'failed' });
  });
});
