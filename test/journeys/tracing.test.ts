import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spanIdOf } from '../../src/system/derived-id.ts';
import type { Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type ProviderServer, startProvider } from '../support/providers/provider-server.ts';
import { KEY, spawnServer, startPlatform, type TestServer } from '../support/server.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let folder: string;
let receiver: OtlpReceiver;
let provider: ProviderServer;
let other: OtherServer;
let server: TestServer;
/** Headers of the requests that the other server got. */
let heard: Readonly<Record<string, unknown>>[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-tracing-'));
  receiver = await startOtlpReceiver();
  provider = await startProvider('openai-compatible', { one: { text: 'Hello' } });
  heard = [];
  let asked = 0;
  other = await startOtherServer(({ headers, path }, response) => {
    heard.push(headers);
    asked += path === '/flaky' ? 1 : 0;
    response.writeHead(path === '/flaky' && asked === 1 ? 503 : 200, { 'content-type': 'text/plain' }).end('fine');
  });
  server = await startPlatform({ folder, settings: settings() });
});
afterEach(async () => {
  await server.stop();
  await Promise.all([receiver.stop(), provider.stop(), other.stop()]);
  rmSync(folder, { recursive: true });
});

const settings = (more: Readonly<Record<string, string>> = {}) => ({
  'tracing-endpoint': receiver.url,
  'tracing-headers': 'x-team=blue%20one',
  'tracing-service-name': 'runs',
  'tracing-link': 'http://traces.test/{trace_id}',
  'openai-base-url': provider.provider.baseUrl,
  models: 'one',
  ...more,
});

/** A subflow with a model in it, and a request that is tried twice. */
async function saved(): Promise<Wire> {
  const sub = await server.client.save(
    {
      nodes: [
        input('in', 'Topic'),
        { id: 'ask', type: 'TextGenerationNode', node_config: { template: 'Of ((T))' } },
        output('out', 'Said'),
      ],
      edges: [edge('in::output', 'ask::variables::T'), edge('ask::text_output', 'out::input')],
    },
    { name: 'Asker' },
  );
  return server.client.save(
    {
      nodes: [
        input('in', 'Topic'),
        http('get', `${other.url}/flaky`, { max_retries: 2, retry_delay: 0 }),
        { id: 'call', type: 'InvokeSubflowNode', node_config: {}, subflow_id: sub.id },
        text('both', '((A)) ((B))'),
        output('out', 'All'),
      ],
      edges: [
        edge('in::output', 'call::inputs::Topic'),
        edge('call::outputs::Said', 'both::variables::A'),
        edge('get::body', 'both::variables::B'),
        edge('both::output', 'out::input'),
      ],
    },
    { name: 'Caller' },
  );
}

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1) throw new Error(`${found.length} spans are named ${name}: ${spans.map((one) => one.name)}`);
  return found[0]!;
};

describe('a traced run', () => {
  it('is received span by span as it is recorded: itself, its nodes, their tries, the subflow and the model call in it', async () => {
    const workflow = await saved();
    const answer = await server.client.send(
      'POST',
      `/v1/workflows/${workflow.id}/runs`,
      { input: { Topic: 'sheep' }, tracing: true, callback_url: `${other.url}/told` },
      { traceparent: TRACEPARENT },
    );
    const run = await server.client.until(workflow.id, answer.body.id, ['completed', 'failed']);
    expect(run).toMatchObject({ status: 'completed', output: { All: 'Hello fine' } });
    expect((await server.client.get(`/v1/runs/${run.id}`)).trace_id).toBe('0af7651916cd43dd8448eb211c80319c');
    const spans = await receiver.received(15);
    const { id } = run;
    const [, traceId, caller] = TRACEPARENT.split('-');
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(spans[0]?.resource).toMatchObject({ 'service.name': 'runs' });
    expect(receiver.headers[0]).toMatchObject({ 'x-team': 'blue one', 'content-type': 'application/x-protobuf' });

    const above = (name: string) => named(spans, name).parentSpanId;
    const root = named(spans, 'invoke_workflow Caller');
    expect(root).toMatchObject({ spanId: spanIdOf(id, {}), parentSpanId: caller, kind: 2, status: { code: 0 } });
    expect(root.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_workflow',
      'millrun.run.id': id,
      'millrun.run.status': 'succeeded',
    });
    expect([root.startedAt, root.finishedAt]).toEqual([run.created_at, run.finished_at].map((at) => Date.parse(at)));
    const progress = run.progress_details.per_node_progress;
    for (const nodeId of Object.keys(progress)) {
      const node = spans.find((span) => span.spanId === spanIdOf(id, { nodeId }));
      expect([nodeId, node?.parentSpanId, node?.attributes['millrun.node.status']]).toEqual([
        nodeId,
        root.spanId,
        'succeeded',
      ]);
    }
    const tries = spans.filter((span) => span.parentSpanId === spanIdOf(id, { nodeId: 'get' }));
    expect(tries.map((span) => [span.spanId, span.status.code, span.attributes['error.type']])).toEqual([
      [spanIdOf(id, { nodeId: 'get', iteration: 0, attempt: 1 }), 2, 'http_status'],
      [spanIdOf(id, { nodeId: 'get', iteration: 0, attempt: 2 }), 0, undefined],
    ]);

    const call = spans.find((span) => span.spanId === spanIdOf(id, { nodeId: 'call', iteration: 0, attempt: 1 }));
    const below = named(spans, 'invoke_workflow Asker');
    expect(below.parentSpanId).toBe(call?.spanId);
    expect(below.startedAt).toBeGreaterThanOrEqual(call?.startedAt ?? Number.NaN);
    const [child] = (await server.client.get(`/v1/runs/${id}/subflows/call`)).items;
    expect(below.attributes['millrun.run.id']).toBe(child.id);
    const model = named(spans, 'chat one');
    expect(above('chat one')).toBe(spanIdOf(child.id, { nodeId: 'ask', iteration: 0, attempt: 1 }));
    expect(model).toMatchObject({
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.system': 'openai',
        'gen_ai.request.model': 'one',
        'gen_ai.usage.input_tokens': expect.any(Number),
        'gen_ai.usage.output_tokens': expect.any(Number),
      },
    });
    // Nobody allowed content.
    expect(JSON.stringify(spans)).not.toContain('sheep');
    // Every span hangs below another of them, or below the caller's.
    const ids = new Set([...spans.map((span) => span.spanId), caller]);
    expect(spans.filter((span) => !ids.has(span.parentSpanId ?? ''))).toEqual([]);

    const [first, second, told] = heard.map((headers) => headers['traceparent']);
    expect([first, second]).toEqual(tries.map((span) => `00-${traceId}-${span.spanId}-01`));
    expect(told).toBe(`00-${traceId}-${root.spanId}-01`);
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain(
      `millrun_spans{outcome="sent"} ${spans.length}`,
    );
  });

  it('that a process left in the middle is told whole by the next one, with a refusal of the receiver between', async () => {
    await server.stop();
    // The process before ended without sending: what it had is sent again, under the same ids.
    const held = Promise.withResolvers<void>();
    const slow = await startOtherServer(async (_request, response) => {
      await held.promise;
      response.writeHead(200, { 'content-type': 'text/plain' }).end('late');
    });
    const env = {
      MILLRUN_API_KEY: KEY,
      MILLRUN_HTTP_ALLOW: '127.0.0.1',
      MILLRUN_TRACING_RUNS: 'all',
      MILLRUN_TRACING_CONTENT: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.replace('/v1/traces', ''),
    };
    const killed = await spawnServer({ folder, env });
    const workflow = await killed.client.save({
      nodes: [http('get', slow.url), output('out', 'Got')],
      edges: [edge('get::body', 'out::input')],
    });
    const { id } = await killed.client.post(`/v1/workflows/${workflow.id}/runs`, { input: {} });
    await killed.client.until(workflow.id, id, ['running']);
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    receiver.refuse(503);
    server = await startPlatform({ folder, settings: settings({ 'tracing-runs': 'all', 'tracing-content': 'true' }) });
    held.resolve();
    await server.client.until(workflow.id, id, ['completed']);
    const spans = await receiver.received(4);
    await slow.stop();
    const at = (place: Parameters<typeof spanIdOf>[1]) => spans.find((span) => span.spanId === spanIdOf(id, place));
    expect(spans).toHaveLength(4);
    expect(at({})).toMatchObject({ traceId: id.replaceAll('-', ''), parentSpanId: null, kind: 1 });
    expect(at({})?.attributes['millrun.output']).toBe('{"Got":"late"}');
    expect(at({ nodeId: 'get' })?.parentSpanId).toBe(spanIdOf(id, {}));
    expect(at({ nodeId: 'get', iteration: 0, attempt: 1 })?.parentSpanId).toBe(spanIdOf(id, { nodeId: 'get' }));
    expect(at({ nodeId: 'out' })?.parentSpanId).toBe(spanIdOf(id, {}));
  });

  it('has the tries that were under way when it was stopped, and what was below them', async () => {
    const never = await startOtherServer(() => undefined);
    const sub = await server.client.save({ nodes: [http('get', never.url)], edges: [] });
    const workflow = await server.client.save({
      nodes: [{ id: 'call', type: 'InvokeSubflowNode', node_config: {}, subflow_id: sub.id }],
      edges: [],
    });
    const { id } = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: {}, tracing: true });
    const child = async () => (await server.client.get(`/v1/runs/${id}/subflows/call`)).items[0];
    await server.client.until(workflow.id, id, ['running']);
    await server.client.post(`/v1/runs/${id}/stop`);
    const spans = await receiver.received(6);
    await never.stop();
    const ended = spans.find((span) => span.spanId === spanIdOf(id, {}))?.finishedAt ?? 0;
    const childId = (await child()).id;
    const places = [
      spanIdOf(id, {}),
      spanIdOf(id, { nodeId: 'call' }),
      spanIdOf(id, { nodeId: 'call', iteration: 0, attempt: 1 }),
      spanIdOf(childId, {}),
      spanIdOf(childId, { nodeId: 'get' }),
      spanIdOf(childId, { nodeId: 'get', iteration: 0, attempt: 1 }),
    ];
    for (const [index, place] of places.entries()) {
      const span = spans.find(({ spanId }) => spanId === place);
      expect([index, span?.parentSpanId]).toEqual([index, places[index - 1] ?? null]);
      expect(span?.finishedAt).toBeLessThanOrEqual(ended);
    }
  });
});

describe('a run that is not traced', () => {
  it('sends nothing, and stands in the trace of its caller all the same', async () => {
    const workflow = await server.client.save({ nodes: [http('get', other.url)], edges: [] });
    const path = `/v1/workflows/${workflow.id}/runs/sync`;
    await server.client.send('POST', path, { input: {} });
    await server.client.send('POST', path, { input: {} }, { traceparent: TRACEPARENT });
    expect(heard.map((headers) => headers['traceparent'])).toEqual([
      undefined,
      expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/),
    ]);
    const explorer = await ExplorerClient.signIn(server.url, KEY);
    const q = encodeURIComponent('trace_id:"0af7651916cd43dd8448eb211c80319c"');
    const found = await explorer.ok('GET', `/runs?q=${q}`);
    expect(found.items).toHaveLength(1);
    const detail = await explorer.ok('GET', `/runs/${found.items[0].id}`);
    expect(detail.trace.href).toBe('http://traces.test/0af7651916cd43dd8448eb211c80319c');
    expect(receiver.spans).toEqual([]);
  });
});
