import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvents, type StreamEvent } from '../recordings/strict.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, input, output, text } from '../support/noxus-definitions.ts';
import { chatCompletions } from '../support/providers/chat-completions.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

/** Answers that a model has begun, and that the test goes on with. */
const begun: ServerResponse[] = [];

let provider: OtherServer;
let server: TestServer;
beforeAll(async () => {
  provider = await startOtherServer((_, response) => {
    response.writeHead(200, { 'content-type': chatCompletions.streamType });
    response.flushHeaders();
    begun.push(response);
  });
  server = await startPlatform({
    settings: { 'openai-base-url': `${provider.url}/v1`, 'openai-api-key': 'key-1', models: 'm' },
  });
});
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

const ASKING = {
  nodes: [
    input('in', 'Name'),
    { id: 'say', type: 'TextGenerationNode', node_config: { template: 'Greet ((Name))' } },
    output('out', 'Greeting'),
  ],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::text_output', 'out::input')],
};

/** The stream of a run's events, as it grows. */
async function watch(
  runId: string,
): Promise<{ until(fits: (events: StreamEvent[]) => boolean): Promise<StreamEvent[]> }> {
  const response = await fetch(`${server.url}/v1/runs/${runId}/events`, { headers: { 'x-api-key': KEY } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let said = '';
  return {
    async until(fits) {
      for (;;) {
        const events = readEvents(said.slice(0, Math.max(0, said.lastIndexOf('\n\n'))));
        if (fits(events)) return events;
        const { value, done } = await reader.read();
        if (done) return events;
        said += value;
      }
    },
  };
}

const pieces = (events: StreamEvent[]) => events.filter(({ data }) => typeof data['content'] === 'string');

describe('a workflow with a language model', () => {
  it('shows the text as it comes to those who watch, and keeps the whole', async () => {
    const workflow = await server.client.save(ASKING);
    const run = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' } });
    const watching = await watch(run.id);
    await provider.got(1);
    const frames = chatCompletions.frames({ text: ['Hello', ', Ada.'] });
    const model = begun.shift()!;
    for (const frame of frames.slice(0, 2)) model.write(frame);
    // The first piece is seen while the model still writes.
    const first = pieces(await watching.until((events) => pieces(events).length > 0));
    expect(first).toMatchObject([
      {
        type: 'content',
        data: { id: 'say', node_id: 'say', status: 'running', content: 'Hello', offset: 0, iteration: 0 },
      },
    ]);
    model.end(frames.slice(2).join(''));
    await once(model, 'close');
    const all = await watching.until(() => false);
    expect(pieces(all).map(({ data }) => [data['offset'], data['content']])).toEqual([
      [0, 'Hello'],
      [5, ', Ada.'],
    ]);
    expect(all.at(-1)?.data).toMatchObject({ workflow_status: 'completed' });
    // The last piece comes before the node's end does.
    const end = all.findIndex(({ data }) => data['id'] === 'say' && data['status'] === 'succeeded');
    expect(all.findLastIndex(({ data }) => data['content'] === ', Ada.')).toBeLessThan(end);
    const kept = await server.client.until(workflow.id, run.id, ['completed']);
    expect(kept.output).toEqual({ Greeting: 'Hello, Ada.' });
    expect(readEvents(await eventsOf(run.id)).filter(({ data }) => 'content' in data)).toEqual([]);
  });

  it('goes down the branch of the label that the model chose', async () => {
    const workflow = await server.client.save({
      nodes: [
        input('in', 'Mail'),
        { id: 'sort', type: 'CategorizerNode', node_config: { labels: ['billing', 'praise'] } },
        text('pay', 'To billing: ((Mail))'),
        text('thank', 'Thanks for: ((Mail))'),
        output('out', 'Answer'),
        output('other', 'Other'),
      ],
      edges: [
        edge('in::output', 'sort::text'),
        edge('sort::billing', 'pay::variables::Mail'),
        edge('sort::praise', 'thank::variables::Mail'),
        edge('pay::output', 'out::input'),
        edge('thank::output', 'other::input'),
      ],
    });
    const run = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Mail: 'I paid twice.' } });
    await provider.got(2);
    begun.shift()!.end(JSON.stringify(chatCompletions.whole({ text: '{"label": "billing"}' }, {})));
    const kept = await server.client.until(workflow.id, run.id, ['completed', 'failed']);
    expect(kept).toMatchObject({ status: 'completed', output: { Answer: 'To billing: I paid twice.' } });
  });
});

async function eventsOf(runId: string): Promise<string> {
  const response = await fetch(`${server.url}/v1/runs/${runId}/events`, { headers: { 'x-api-key': KEY } });
  return response.text();
}
