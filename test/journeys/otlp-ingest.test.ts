import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, type Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { otlpRequest, otlpResponse } from '../support/otlp-receiver.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-otlp-'));
  server = await startPlatform({ folder });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const START = Date.UTC(2026, 0, 31, 12);

interface Made {
  readonly id: string;
  readonly parent?: string;
  readonly name: string;
  /** Milliseconds after the start. */
  readonly at?: number;
  readonly lasts?: number;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly error?: string;
  readonly events?: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[];
}

let traces = 0;
/** A trace id that no other test has. */
const newTrace = () => `${(++traces).toString(16).padStart(8, '0')}${'ab'.repeat(12)}`;

const attributesOf = (given: Readonly<Record<string, string | number | boolean>> = {}) =>
  Object.entries(given).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : Number.isInteger(value)
            ? { intValue: String(value) }
            : { doubleValue: value },
  }));

/** An export as JSON has it. */
const exported = (traceId: string, spans: readonly Made[], service = 'bot') => ({
  resourceSpans: [
    {
      resource: { attributes: attributesOf({ 'service.name': service }) },
      scopeSpans: [
        {
          spans: spans.map(({ id, parent, name, at = 0, lasts = 10, attributes, error, events = [] }) => ({
            traceId,
            spanId: id.padStart(16, '0'),
            ...(parent === undefined ? {} : { parentSpanId: parent.padStart(16, '0') }),
            name,
            startTimeUnixNano: `${START + at}000000`,
            endTimeUnixNano: `${START + at + lasts}500000`,
            attributes: attributesOf(attributes),
            events: events.map((event) => ({
              name: event.name,
              timeUnixNano: `${START + at + 1}000000`,
              attributes: attributesOf(event.attributes),
            })),
            status: error === undefined ? {} : { code: 2, message: error },
          })),
        },
      ],
    },
  ],
});

const asProtobuf = (message: Wire): Buffer => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  for (const { scopeSpans } of message.resourceSpans) {
    for (const span of scopeSpans[0].spans) {
      Object.assign(span, { traceId: bytes(span.traceId), spanId: bytes(span.spanId) });
      if (span.parentSpanId) span.parentSpanId = bytes(span.parentSpanId);
    }
  }
  return Buffer.from(otlpRequest.encode(otlpRequest.fromObject(message)).finish());
};

const send = (body: string | Buffer<ArrayBuffer>, headers: Readonly<Record<string, string>>) =>
  fetch(`${server.url}/otlp/v1/traces`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${KEY}`, ...headers },
  });

const sendJson = async (message: unknown) => {
  const answer = await send(JSON.stringify(message), { 'content-type': 'application/json' });
  return { status: answer.status, body: (await answer.json()) as Wire };
};

/** The runs of a trace, as the explorer has them. */
async function runsOf(traceId: string): Promise<Wire[]> {
  const explorer = await ExplorerClient.signIn(server.url, KEY);
  const { items } = await explorer.ok('GET', `/runs?q=${encodeURIComponent(`trace_id:"${traceId}"`)}`);
  return Promise.all(items.map(({ id }: Wire) => explorer.ok('GET', `/runs/${id}`)));
}

const nodesOf = (run: Wire) => run.nodes.map(({ nodeId }: Wire) => nodeId).toSorted();

/** An agent that asks a model, calls a tool and asks again, by the OpenTelemetry conventions. */
const AGENT: readonly Made[] = [
  {
    id: '1',
    name: 'invoke_agent Concierge',
    lasts: 90,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.usage.input_tokens': 30,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Is the marmalade vegan?"}]}]',
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"It is."}]}]',
    },
  },
  {
    id: '2',
    parent: '1',
    name: 'chat gpt-x',
    at: 5,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-x',
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 2,
    },
  },
  {
    id: '3',
    parent: '1',
    name: 'execute_tool pantry',
    at: 20,
    error: 'No such shelf.',
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'pantry',
      'gen_ai.tool.call.arguments': '{"shelf":3}',
    },
    events: [
      { name: 'exception', attributes: { 'exception.type': 'KeyError', 'exception.message': 'shelf 3' } },
      { name: 'looked', attributes: { message: 'Looked on the shelf' } },
    ],
  },
  {
    id: '4',
    parent: '1',
    name: 'chat gpt-x',
    at: 40,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-x',
      'gen_ai.usage.input_tokens': 20,
      'gen_ai.usage.output_tokens': 5,
    },
  },
  { id: '5', parent: '3', name: 'GET /shelves', at: 21, attributes: { 'http.request.method': 'GET' } },
];

describe('a trace that is taken in', () => {
  it('is a finished run with its spans as nodes, told in gzipped protobuf', async () => {
    const trace = newTrace();
    const answer = await send(gzipSync(asProtobuf(exported(trace, AGENT))), {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-protobuf']);
    expect(otlpResponse.toObject(otlpResponse.decode(Buffer.from(await answer.arrayBuffer())))).toEqual({});
    const [run, ...others] = await runsOf(trace);
    expect(others).toEqual([]);
    expect(run.run).toMatchObject({
      status: 'succeeded',
      source: 'otlp',
      createdAt: START,
      startedAt: START,
      finishedAt: START + 91,
      workflow: { name: 'bot: invoke_agent Concierge' },
    });
    expect(JSON.stringify(run.input.value)).toContain('marmalade');
    expect(JSON.stringify(run.output.value)).toContain('It is.');
    expect(nodesOf(run)).toEqual([
      'chat gpt-x',
      'chat gpt-x#2',
      'execute_tool pantry',
      'execute_tool pantry/GET ∕shelves',
    ]);
    // Of the models alone: what the agent says is their sum.
    expect(run.usage).toMatchObject({ inputTokens: 30, outputTokens: 7 });
    const tool = run.nodes.find(({ nodeId }: Wire) => nodeId === 'execute_tool pantry');
    expect(tool).toMatchObject({ status: 'failed', failure: { message: 'No such shelf.' } });
    const io = await server.client.get(`/v1/runs/${run.run.id}/io/${encodeURIComponent('execute_tool pantry')}`);
    expect(JSON.stringify(io)).toContain('"shelf":3');
    const logs = await server.client.get(`/v1/runs/${run.run.id}`);
    expect(logs.trace_id).toBe(trace);
  });

  it('is found by what was said in it, and belongs to its workspace alone', async () => {
    const find = async (client: Client) => (await client.post('/v1/runs/search', { query: 'marmalade' })).items;
    expect(await find(server.client)).toHaveLength(1);
    expect((await new Client(server.url, null).send('POST', '/otlp/v1/traces', {})).status).toBe(401);
    const { group_id } = await server.client.get('/v1/admin/me');
    const made = await server.client.post(`/v1/admin/groups/${group_id}/api-keys`, {
      name: 'r',
      scopes: ['runs:read'],
    });
    const key = { authorization: `Bearer ${made.api_key ?? made.value ?? made.key}` };
    const answer = await send('{}', { ...key, 'content-type': 'application/json' });
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { code: 7, message: expect.stringContaining('runs:create') },
    ]);
  });

  it('is one run however its spans come: one by one, last first, some of them twice, with a restart in between', async () => {
    const trace = newTrace();
    const reversed = AGENT.toReversed();
    for (const span of reversed.slice(0, 3)) await sendJson(exported(trace, [span]));
    // Nothing is there before the root is.
    expect(await runsOf(trace)).toEqual([]);
    await server.stop();
    server = await startPlatform({ folder });
    await sendJson(exported(trace, reversed.slice(2)));
    const [first] = await runsOf(trace);
    expect(nodesOf(first)).toHaveLength(4);
    expect((await sendJson(exported(trace, AGENT))).body).toEqual({});
    const [again, ...others] = await runsOf(trace);
    expect([again.position, again.run.id, others]).toEqual([first.position, first.run.id, []]);
    await sendJson(exported(trace, [{ id: '9', parent: '1', name: 'late', at: 60 }]));
    const [later] = await runsOf(trace);
    expect([later.run.id, nodesOf(later)]).toEqual([first.run.id, [...nodesOf(first), 'late']]);
  });

  it('keeps what a person thought of it when a span comes late', async () => {
    const trace = newTrace();
    await sendJson(exported(trace, AGENT));
    const [{ run }] = await runsOf(trace);
    const bearer = { authorization: `Bearer ${KEY}` };
    const path = `/runflow/v1/runs/${run.id}/feedback`;
    const given = await server.client.send('PATCH', path, { is_positive: true, reason: 'Good' }, bearer);
    expect(given.status).toBeLessThan(300);
    await sendJson(exported(trace, [{ id: '9', parent: '1', name: 'late', at: 60 }]));
    const { body } = await server.client.send('GET', `/runflow/v1/runs/${run.id}`, undefined, bearer);
    expect(body).toMatchObject({ feedback_is_positive: true });
  });

  it('may follow OpenInference', async () => {
    const trace = newTrace();
    const spans: Made[] = [
      {
        id: '1',
        name: 'RetrievalQA',
        attributes: {
          'openinference.span.kind': 'CHAIN',
          'input.value': 'What is quince?',
          'output.value': 'A fruit.',
        },
      },
      {
        id: '2',
        parent: '1',
        name: 'ChatOpenAI',
        error: 'quota',
        attributes: {
          'openinference.span.kind': 'LLM',
          'llm.model_name': 'gpt-y',
          'llm.token_count.prompt': 3,
          'llm.token_count.completion': 4,
          'llm.cost.total': 0.00025,
          'llm.input_messages.0.message.role': 'user',
          'llm.input_messages.0.message.content': 'What is quince?',
          'llm.output_messages.0.message.content': 'A fruit.',
        },
      },
    ];
    await sendJson(exported(trace, spans, 'qa'));
    const [run] = await runsOf(trace);
    expect(run.run).toMatchObject({ status: 'succeeded', cost: '0.00025', workflow: { name: 'qa: RetrievalQA' } });
    expect([run.input.value, run.output.value]).toEqual([{ input: 'What is quince?' }, { output: 'A fruit.' }]);
    const io = await server.client.get(`/v1/runs/${run.run.id}/io/ChatOpenAI`);
    expect(JSON.stringify(io)).toContain('"messages":[{"role":"user","content":"What is quince?"}]');
    expect(run.nodes[0]).toMatchObject({ status: 'failed', failure: { code: 'provider', message: 'quota' } });
  });

  it('may follow OpenLLMetry', async () => {
    const trace = newTrace();
    const spans: Made[] = [
      {
        id: '1',
        name: 'joke.workflow',
        error: 'not funny',
        attributes: {
          'traceloop.span.kind': 'workflow',
          'traceloop.workflow.name': 'jokes',
          'traceloop.entity.input': '{"topic":"cats"}',
        },
      },
      {
        id: '2',
        parent: '1',
        name: 'openai.chat',
        attributes: {
          'llm.request.type': 'chat',
          'gen_ai.request.model': 'gpt-z',
          'gen_ai.prompt.0.role': 'user',
          'gen_ai.prompt.0.content': 'A joke on cats',
          'gen_ai.completion.0.content': 'Meow',
          'gen_ai.usage.prompt_tokens': 5,
          'gen_ai.usage.completion_tokens': 6,
        },
      },
    ];
    await sendJson(exported(trace, spans, 'jester'));
    const [run] = await runsOf(trace);
    expect(run.run).toMatchObject({ status: 'failed', workflow: { name: 'jester: jokes' } });
    expect(run.usage).toMatchObject({ inputTokens: 5, outputTokens: 6 });
    expect([run.input.value, run.output.value]).toEqual([{ topic: 'cats' }, { messages: [{ content: 'Meow' }] }]);
  });

  it('is refused before it is unfolded when it holds more than any sender sends, however small it is packed', async () => {
    // A million spans of two bytes each, which gzip makes 3 KB of.
    const lengthOf = (bytes: Buffer) => {
      const digits: number[] = [];
      for (let rest = bytes.length; rest > 0; rest >>>= 7) digits.push((rest & 127) | (rest > 127 ? 128 : 0));
      return Buffer.from(digits);
    };
    const inside = (field: number, bytes: Buffer) => Buffer.concat([Buffer.from([field]), lengthOf(bytes), bytes]);
    const spans = Buffer.alloc(2_000_000, Buffer.from([0x12, 0]));
    const answer = await send(gzipSync(inside(0x0a, inside(0x12, spans))), {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    });
    expect(answer.status).toBe(413);
    expect(await answer.text()).toContain('more than 500000 spans, events, attributes and values');
    const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(600_000)}{}]}]}]}`;
    const told = await send(gzipSync(json), { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    expect([told.status, await told.json()]).toMatchObject([
      413,
      { message: expect.stringContaining('more than 500000') },
    ]);
  });

  it('keeps as text what nests deeper than recursion over it could go', async () => {
    const trace = newTrace();
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const key = `llm.output_messages.0.message${'.a'.repeat(20_000)}`;
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': deep, [key]: 'x' };
    const body = JSON.stringify(exported(trace, [{ id: '1', name: 'chat', attributes }]));
    const answer = await send(body, { 'content-type': 'application/json' });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect(await runsOf(trace)).toMatchObject([{ run: { status: 'succeeded' } }]);
  });

  it('has a workflow that cannot be run', async () => {
    const [{ run }] = await runsOf(`00000001${'ab'.repeat(12)}`);
    const answer = await server.client.send('POST', `/v1/workflows/${run.workflow.id}/runs`, { input: {} });
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('nothing here that could be run')]);
    const explorer = await ExplorerClient.signIn(server.url, KEY);
    const retry = await explorer.send('POST', `/runs/${run.id}/retry`, { from: 'start', version: 'original' });
    expect(retry.status).toBe(422);
  });

  it('tells what it did not take, and goes on with the rest', async () => {
    const trace = newTrace();
    const message = exported(trace, AGENT);
    message.resourceSpans[0]!.scopeSpans[0]!.spans[4]!.spanId = 'xyz';
    const { status, body } = await sendJson(message);
    expect(status).toBe(200);
    expect(body).toEqual({
      partialSuccess: { rejectedSpans: 1, errorMessage: 'Span "GET /shelves" has no id of 8 bytes.' },
    });
    expect(nodesOf((await runsOf(trace))[0])).toHaveLength(3);
  });

  it.each([
    ['JSON that is none', '{', { 'content-type': 'application/json' }, 400],
    ['protobuf that is none', '\u0001\u0002', { 'content-type': 'application/x-protobuf' }, 400],
    [
      'a body that is not packed as it says',
      '{}',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      400,
    ],
    ['another type', 'x', { 'content-type': 'text/plain' }, 415],
  ])('refuses %s', async (_, body, headers, status) => {
    const answer = await send(body, headers);
    expect(answer.status).toBe(status);
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(5);
  });
});
