import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  InitializeRequestSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type ChatServer, type ChatTurn, startChatServer } from '../../../test/support/chat-server.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { Outcome } from '../node-type.ts';
import { compatibleProvider, runEffect, serve, type TestContext, testContext } from '../test-kit.ts';
import { agent } from './agent-node.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

type Call = (args: JsonObject) => CallToolResult | Promise<CallToolResult>;

interface McpServer {
  readonly url: string;
  /** Methods of HTTP and of JSON-RPC as they came, and headers of the last request. */
  readonly received: string[];
  readonly headers: () => IncomingMessage['headers'];
}

const schema = { type: 'object' as const, properties: { text: { type: 'string' } }, required: ['text'] };

/** A real MCP server with sessions, whose tools all take a text. */
async function mcpServer(
  tools: Record<string, Call>,
  options: { json?: boolean; pages?: number; schemas?: Record<string, typeof schema> } = {},
): Promise<McpServer> {
  const received: string[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  let headers: IncomingMessage['headers'] = {};
  const connect = async (): Promise<StreamableHTTPServerTransport> => {
    const server = new Server({ name: 'test', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const names = Object.keys(tools);
      const at = Number(params?.cursor ?? 0);
      const size = options.pages ?? names.length;
      const listed = names
        .slice(at, at + size)
        .map((name) => ({ name, description: `Does ${name}.`, inputSchema: options.schemas?.[name] ?? schema }));
      return { tools: listed, ...(at + size < names.length ? { nextCursor: String(at + size) } : {}) };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params }) =>
      tools[params.name]!((params.arguments ?? {}) as JsonObject),
    );
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => `session-${sessions.size + 1}`,
      enableJsonResponse: options.json ?? false,
      onsessioninitialized: (id) => {
        sessions.set(id, transport);
      },
    });
    await server.connect(transport as Parameters<Server['connect']>[0]);
    opened.push(() => server.close());
    return transport;
  };
  const http = createServer(async (request, response: ServerResponse) => {
    headers = request.headers;
    const body = request.method === 'POST' ? ((await json(request)) as { method?: string }) : undefined;
    received.push(body?.method ?? request.method ?? '');
    const known = sessions.get(String(request.headers['mcp-session-id']));
    const isNew = InitializeRequestSchema.safeParse(body).success;
    const transport = known ?? (isNew ? await connect() : null);
    if (transport === null) response.writeHead(404).end('{}');
    else await transport.handleRequest(request, response, body);
  });
  await new Promise<void>((ready) => http.listen(0, '127.0.0.1', ready));
  opened.push(() => new Promise((closed) => http.close(closed).closeAllConnections()));
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, received, headers: () => headers };
}

async function run(
  turns: readonly ChatTurn[],
  tools: JsonValue,
  given: Parameters<typeof testContext>[0] & { values?: Record<string, JsonValue> } = {},
): Promise<{ outcome: Outcome; asked: ChatServer['asked']; context: TestContext }> {
  const server = await startChatServer(turns);
  opened.push(() => server.stop());
  const provider = compatibleProvider({ name: 'local', baseUrl: server.url, apiKey: null });
  const context = testContext({ ...given, models: { providers: [provider], defaultModels: ['m'] } });
  const outcome = await runEffect(agent, { template: 'Do it.', tools }, given.values ?? {}, context);
  return { outcome, asked: server.asked, context };
}

const told = (asked: ChatServer['asked'], turn: number): (string | null)[] =>
  asked[turn - 1]?.messages.filter(({ role }) => role === 'tool').map(({ content }) => content) ?? [];

const offered = (asked: ChatServer['asked']) => asked[0]?.tools?.map((tool) => tool.function.name) ?? [];

const says = (text: string, more: Partial<CallToolResult> = {}): CallToolResult => ({
  content: [{ type: 'text', text }],
  ...more,
});

const echo: Call = ({ text }) => says(`you said ${String(text)}`);

describe('tools of an MCP server', () => {
  it.each([true, false])('are called in one session that is ended afterwards (answers as JSON: %s)', async (json) => {
    const server = await mcpServer({ echo, other: echo }, { json });
    const { outcome, asked } = await run(
      [{ calls: [['echo', '{"text": "a"}']] }, { calls: [['echo', '{"text": "b"}']] }, 'Done.'],
      [{ type: 'mcp', url: server.url, allowed_tools: ['echo'], headers: { 'X-Token': '((Token))' } }],
      { values: { 'variables::Token': 't-1' } },
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { text: 'Done.' } });
    expect(offered(asked)).toEqual(['echo']);
    expect(asked[0]?.tools).toMatchObject([{ function: { description: 'Does echo.', parameters: schema } }]);
    expect(told(asked, 3)).toEqual(['you said a', 'you said b']);
    expect(server.received).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
      'tools/call',
      'tools/call',
      'DELETE',
    ]);
    expect(server.headers()).toMatchObject({ 'x-token': 't-1', 'mcp-session-id': 'session-1' });
  });

  it('are those that are allowed, from all pages of the list, under names that providers take', async () => {
    const server = await mcpServer({ 'a.b': echo, 'a/b': echo, c: echo, final_answer: echo }, { pages: 1 });
    const all = await run(['Done.'], [{ type: 'mcp', name: 'x', url: server.url, allowed_tools: ['*'] }]);
    expect(offered(all.asked)).toEqual(['x_a_b', 'x_a_b_2', 'x_c', 'x_final_answer']);
    const some = await run(['Done.'], [{ type: 'mcp', url: server.url, allowed_tools: ['c', 'final_answer', 'gone'] }]);
    expect(offered(some.asked)).toEqual(['c', 'final_answer_2']);
    expect(some.context.logged[0]).toContain('The MCP server has no tool "gone".');
  });

  it('that answer with structure, with pictures, or that they failed, are told to the model as text', async () => {
    const server = await mcpServer({
      structured: () => says('shown', { structuredContent: { a: 1 } }),
      picture: () => ({
        content: [
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
          { type: 'text', text: 'below' },
        ],
      }),
      failing: () => says('no such city', { isError: true }),
      throwing: () => {
        throw new Error('a bug of the server');
      },
    });
    const { asked } = await run(
      [
        { calls: ['structured', 'picture', 'failing', 'throwing'].map((name) => [name, '{"text": ""}'] as const) },
        'Done.',
      ],
      [{ type: 'mcp', url: server.url, allowed_tools: ['*'] }],
    );
    expect(told(asked, 2)).toEqual([
      '{"a":1}',
      '[image image/png]\nbelow',
      'Error: no such city',
      'Error: The MCP server failed at "throwing": a bug of the server',
    ]);
  });

  it('are checked by their schemas where that can be, and left out where no model could be told of them', async () => {
    const properties = { ...schema.properties, more: { $ref: '#' } };
    const long = { ...schema, description: 'x'.repeat(40_000) };
    const server = await mcpServer(
      { echo, recursive: echo, long: echo },
      { schemas: { recursive: { ...schema, properties } as typeof schema, long } },
    );
    const { asked, context } = await run(
      [
        {
          calls: [
            ['echo', '{"text": 1}'],
            ['recursive', '{"text": 1}'],
          ],
        },
        'Done.',
      ],
      [{ type: 'mcp', url: server.url, allowed_tools: ['*'] }],
    );
    expect(offered(asked)).toEqual(['echo', 'recursive']);
    expect(told(asked, 2)).toEqual([expect.stringContaining('/text must be string'), 'you said 1']);
    expect(context.logged[0]).toContain('The tool "long" of an MCP server is left out');
  });

  it('that do not answer in time are given up, and a stop of the run ends them', async () => {
    const never: Call = () => new Promise(() => {});
    const server = await mcpServer({ never });
    const tool = { type: 'mcp', url: server.url, allowed_tools: ['never'] };
    const late = await run([{ calls: [['never', '{"text": ""}']] }, 'Done.'], [{ ...tool, timeout_seconds: 0.5 }]);
    expect(told(late.asked, 2)).toEqual(['Error: The tool did not answer within 0.5 s.']);
    const stop = new AbortController();
    const stopping = await mcpServer({
      never: () => {
        stop.abort(new Error('The run has ended.'));
        return new Promise(() => {});
      },
    });
    const stopped = await run([{ calls: [['never', '{"text": ""}']] }], [{ ...tool, url: stopping.url }], {
      signal: stop.signal,
    });
    expect(stopped.outcome).toMatchObject({ kind: 'failed', failure: { code: 'timeout' } });
  });

  it('that cannot be had fail the agent before its model is asked', async () => {
    const refuses = await serve((_, response) => response.writeHead(401).end('who are you'));
    const busy = await serve((_, response) => response.writeHead(503).end('busy'));
    const page = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    });
    const silent = await serve(() => {});
    const tool = (url: string) => [{ type: 'mcp', url, allowed_tools: ['*'], timeout_seconds: 0.5 }];
    const failing = async (url: string, given?: Parameters<typeof testContext>[0]) => {
      const { outcome, asked } = await run(['Done.'], tool(url), given);
      expect(asked).toEqual([]);
      return outcome;
    };
    expect(await failing(`${refuses}/mcp?key=secret`)).toMatchObject({
      retryable: false,
      failure: { code: 'provider', httpStatus: 401, message: expect.not.stringContaining('secret') },
    });
    expect(await failing(busy)).toMatchObject({ retryable: true, failure: { code: 'provider', httpStatus: 503 } });
    expect(await failing(page)).toMatchObject({ retryable: false, failure: { code: 'provider' } });
    expect(await failing(silent)).toMatchObject({ retryable: true, failure: { code: 'timeout' } });
    expect(await failing('http://127.0.0.1:1/')).toMatchObject({ retryable: true, failure: { code: 'network' } });
    expect(await failing('http://169.254.169.254/')).toMatchObject({ failure: { code: 'address_refused' } });
    expect(await failing('https://ada:secret@example.com/')).toMatchObject({
      failure: { code: 'invalid_config', message: expect.not.stringContaining('secret') },
    });
    expect(await failing('nowhere')).toMatchObject({ failure: { code: 'invalid_config' } });
  });
});
