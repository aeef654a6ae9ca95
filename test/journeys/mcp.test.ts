import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/domain/caller.ts';
import { keyRecord } from '../../src/operations/key-record.ts';
import type { Store } from '../../src/store/store.ts';
import { realSystem } from '../../src/system/system.ts';
import type { Wire } from '../support/client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, runBinary, spawnServer, startPlatform, type TestServer } from '../support/server.ts';

const OTHER_KEY = 'other_workspace_key_01';
const READER_KEY = 'only_reads_runs_key_01';
const STARTER_KEY = 'only_starts_runs_key_1';

let folder: string;
let server: TestServer;
/** Holds its answers back until it is told. */
let slow: OtherServer;
let release = Promise.withResolvers<void>();
const opened: McpClient[] = [];
let greeting: Wire;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-mcp-'));
  server = await startPlatform({ folder, prepare: addKeys });
  slow = await startOtherServer(async (_, response) => {
    await release.promise;
    response.end('there');
  });
  greeting = await server.client.save(GREETING, { name: 'Greeting', description: 'Greets somebody.' });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  release.resolve();
  await server.stop();
  await slow.stop();
  rmSync(folder, { recursive: true });
});

async function connected(transport: unknown): Promise<McpClient> {
  const client = new McpClient({ name: 'test', version: '1.0.0' });
  opened.push(client);
  await client.connect(transport as Transport);
  return client;
}

const overHttp = (key = KEY, path = '/mcp') => {
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  return connected(new StreamableHTTPClientTransport(new URL(server.url + path), { requestInit }));
};
const overStdio = (...args: string[]) => {
  const command = join(import.meta.dirname, '../../bin/millrun.js');
  const env = { MILLRUN_API_KEY: KEY, PATH: process.env['PATH'] ?? '' };
  return connected(
    new StdioClientTransport({
      command: process.execPath,
      args: [command, 'mcp', '--url', server.url, ...args],
      env,
      cwd: folder,
      stderr: 'pipe',
    }),
  );
};

/** What a tool gave; the client has held it against the schema that the tool promised. */
async function call(client: McpClient, name: string, args: object = {}, options: object = {}): Promise<Wire> {
  const result = await client.callTool({ name, arguments: { ...args } }, undefined, options);
  if (result.isError) throw new Error((result.content as Wire)[0].text);
  expect(JSON.parse((result.content as Wire)[0].text)).toEqual(result.structuredContent);
  return result.structuredContent;
}
const refusal = (client: McpClient, name: string, args: object = {}): Promise<string> =>
  call(client, name, args).then(
    () => 'was not refused',
    ({ message }: Error) => message,
  );
const names = async (client: McpClient) => (await client.listTools()).tools.map(({ name }) => name);

describe.each([
  { how: 'over HTTP', open: () => overHttp() },
  { how: 'through millrun mcp', open: () => overStdio() },
])('a client that connects $how', ({ open }) => {
  let client: McpClient;
  beforeAll(async () => {
    client = await open();
    // It stays for all of these.
    opened.length = 0;
  });
  afterAll(() => client.close());

  it('finds a workflow with its input, runs it, and finds the run again', async () => {
    expect(client.getServerVersion()).toMatchObject({ name: 'millrun' });
    expect(client.getInstructions()).toContain('search_runs');
    const { items: workflows } = await call(client, 'list_workflows', { query: 'greet' });
    expect(workflows).toMatchObject([
      {
        ...{ id: greeting.id, name: 'Greeting', kind: 'flow', is_runnable: true },
        input_schema: { properties: { Name: { type: 'string' } }, required: ['Name'] },
      },
    ]);
    const ran = await call(client, 'run_workflow', {
      workflow: workflows[0].slug,
      input: { Name: 'Zebulon' },
      metadata: { order: 'A-17' },
    });
    expect(ran).toMatchObject({
      run: { status: 'succeeded', workflow: 'Greeting', source_code: 'mcp' },
      output: { text: '{"Greeting":"Hello Zebulon"}', is_cut: false },
      ...{ failing_node: null, hint: null, metadata: { order: 'A-17' } },
    });
    const { id } = ran.run;
    const listed = await call(client, 'list_runs', { filter: "metadata.order:'A-17' AND status:succeeded", limit: 1 });
    expect(listed.items).toMatchObject([{ id, workflow: 'Greeting' }]);
    const exact = await call(client, 'search_runs', { query: 'zebulon', mode: 'exact' });
    expect(exact.items[0]).toMatchObject({
      run: { id },
      matches: [{ field: 'input', match: 'Zebulon' }, { field: 'output', before: 'Hello ' }, {}],
    });
    const meaning = await call(client, 'search_runs', { query: 'greetings for Zebulon' });
    expect(meaning.items.map(({ run }: Wire) => run.id)).toContain(id);
    expect(await call(client, 'get_run', { run_id: id })).toEqual(ran);
    const { contents } = await client.readResource({ uri: `millrun://runs/${id}/output` });
    expect(contents).toMatchObject([{ mimeType: 'application/json', text: '{"Greeting":"Hello Zebulon"}' }]);
  });

  it('sees how far a run is while it waits for it', async () => {
    release = Promise.withResolvers();
    const workflow = await server.client.save({
      nodes: [input('in', 'Name'), text('first', 'x ((Name))'), http('call', slow.url), output('out', 'Said')],
      edges: [
        edge('in::output', 'first::variables::Name'),
        edge('first::output', 'call::variables::Name'),
        edge('call::body', 'out::input'),
      ],
    });
    const seen: Wire[] = [];
    const onprogress = (progress: Wire) => {
      seen.push(progress);
      release.resolve();
    };
    const ran = await call(
      client,
      'run_workflow',
      { workflow: workflow.id, input: { Name: 'Ada' }, wait_seconds: 300 },
      { onprogress, resetTimeoutOnProgress: true },
    );
    expect(ran.run.status).toBe('succeeded');
    expect(seen.map(({ total }) => total)).toEqual(seen.map(() => 100));
    expect(seen.map(({ progress }) => progress)).toEqual(
      [...new Set(seen.map(({ progress }) => progress))].toSorted((a, b) => a - b),
    );
    expect(seen[0].message).toMatch(/^(queued|running): \d of 4 nodes$/);
  });

  it('answers what a run asks a person, and the run goes on', async () => {
    const workflow = await server.client.save({
      nodes: [
        input('in', 'Draft'),
        {
          id: 'ask',
          type: 'HumanInTheLoopNode',
          node_config: {
            title: 'Publish ((Draft))?',
            fields: [
              { name: 'approved', type: 'checkbox', label: 'Approve' },
              { name: 'note', type: 'text' },
            ],
          },
        },
        output('out', 'Said'),
      ],
      edges: [edge('in::output', 'ask::variables::Draft'), edge('ask::note', 'out::input')],
    });
    const waiting = await call(client, 'run_workflow', {
      workflow: workflow.id,
      input: { Draft: 'the news' },
      wait_seconds: 300,
    });
    expect(waiting).toMatchObject({
      run: { status: 'waiting' },
      person_requests: [{ title: 'Publish the news?', form: [{ name: 'approved' }, { name: 'note', type: 'text' }] }],
      hint: expect.stringContaining('answer_person_request'),
    });
    const [{ id: request_id }] = waiting.person_requests;
    expect((await call(client, 'list_person_requests', { run_id: waiting.run.id })).items).toEqual(
      waiting.person_requests,
    );
    expect(await refusal(client, 'answer_person_request', { request_id, answer: { aproved: true } })).toMatch(
      /answer\.aproved: .*"approved".*\n.*\nCorrect the arguments/s,
    );
    const answer = { approved: true, note: 'Well done.' };
    const answered = await call(client, 'answer_person_request', { request_id, answer, answered_by: 'Ada' });
    expect(answered.request).toMatchObject({ status_code: 'answered', answer, settled_by: 'Ada' });
    const ended = await call(client, 'wait_for_run', { run_id: waiting.run.id, wait_seconds: 300 });
    expect(ended).toMatchObject({ run: { status: 'succeeded' }, output: { text: '{"Said":"Well done."}' } });
  });
});

describe('a client of MCP', () => {
  it('learns why a run failed, with what the failing node was given', async () => {
    const client = await overHttp();
    const workflow = await server.client.save({
      nodes: [input('in', 'Text'), { id: 'parse', type: 'JsonParseNode', node_config: {} }, output('out', 'Said')],
      edges: [edge('in::output', 'parse::text'), edge('parse::output', 'out::input')],
    });
    const ran = await call(client, 'run_workflow', { workflow: workflow.id, input: { Text: '{broken' } });
    expect(ran).toMatchObject({
      run: { status: 'failed', failure_node: 'parse' },
      failing_node: {
        node_id: 'parse',
        type: 'JsonParseNode',
        status: 'failed',
        input: { text: '{"text":"{broken"}' },
      },
    });
    expect(ran.failing_node.failure).toBe(ran.run.failure_message);
    const logs = await call(client, 'list_run_logs', { run_id: ran.run.id, filter: 'level_code:error' });
    expect(logs.items).toEqual(ran.logs.filter(({ level_code: level }: Wire) => level === 'error'));
  });

  it('reads what is large stretch by stretch', async () => {
    const client = await overHttp();
    // Above what lies in a row, so that it is read from a blob, and with characters of two units.
    const name = 'aé\u{1f600}'.repeat(100_000);
    const { run, output: shown } = await call(client, 'run_workflow', { workflow: greeting.id, input: { Name: name } });
    expect(shown).toMatchObject({
      is_cut: true,
      bytes: Buffer.byteLength(JSON.stringify({ Greeting: `Hello ${name}` })),
    });
    let whole = '';
    for (let offset: number | null = 0; offset !== null; ) {
      const part: Wire = await call(client, 'read_run_content', {
        run_id: run.id,
        part: 'output',
        offset,
        length: 49_999,
      });
      whole += part.text;
      offset = part.next_offset;
    }
    expect(JSON.parse(whole)).toEqual({ Greeting: `Hello ${name}` });
    const node = { run_id: run.id, part: 'node_output', node_id: 'say', offset: 11, length: 8 };
    expect(await call(client, 'read_run_content', node)).toEqual({ text: 'Hello aé', next_offset: 19 });
  });

  it('pages through lists, and is told when a cursor belongs to another', async () => {
    const client = await overHttp();
    const seen: string[] = [];
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page: Wire = await call(client, 'list_runs', {
        limit: 2,
        sort: 'created_at:asc',
        ...(cursor && { cursor }),
      });
      seen.push(...page.items.map(({ id }: Wire) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([...new Set(seen)].toSorted());
    expect(seen.length).toBe((await server.client.get('/v1/runs')).total);
    const { next_cursor: cursor } = await call(client, 'list_runs', { limit: 1 });
    expect(await refusal(client, 'list_runs', { cursor, filter: 'status:failed' })).toContain('no cursor of this list');
  });

  it('is told what is wrong with its arguments and what to do', async () => {
    const client = await overHttp();
    expect(await refusal(client, 'list_runs', { filter: 'statos:failed' })).toMatch(
      /filter, characters 0 to 6: .*status/s,
    );
    expect(await refusal(client, 'list_runs', { fliter: 'status:failed' })).toContain('Did you mean filter?');
    expect(await refusal(client, 'get_run')).toContain('"run_id" is required');
    expect(await refusal(client, 'get_run', { run_id: 'nope' })).toMatch(/No run with id nope.*list_runs/s);
    expect(await refusal(client, 'run_workflow', { workflow: greeting.id, input: {} })).toContain('input.Name');
    expect(await refusal(client, 'get_runs')).toMatch(/no tool "get_runs".*Did you mean get_run\?/);
    await expect(client.readResource({ uri: 'millrun://nowhere' })).rejects.toThrow('There is no resource');
  });

  it('reads the filter language with the fields of runs', async () => {
    const client = await overHttp();
    expect((await client.listResources()).resources).toMatchObject([{ uri: 'millrun://filter-language' }]);
    const { contents } = await client.readResource({ uri: 'millrun://filter-language' });
    const page: string = (contents as Wire)[0].text;
    expect(page).toContain('# The filter language');
    expect(page).toMatch(/\| status \| code \| .*queued, running, waiting/);
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(3);
  });

  it('stops a run, with the reason in its log', async () => {
    release = Promise.withResolvers();
    const client = await overHttp();
    const workflow = await server.client.save({
      nodes: [http('call', slow.url), output('out', 'Said')],
      edges: [edge('call::body', 'out::input')],
    });
    const { run, hint } = await call(client, 'run_workflow', { workflow: workflow.id, wait_seconds: 0 });
    expect(hint).toContain('wait_for_run');
    const reason = 'nobody needs it';
    expect(await call(client, 'stop_run', { run_id: run.id, reason })).toEqual({
      run_id: run.id,
      status: 'canceled',
      stopped: true,
    });
    expect((await call(client, 'get_run', { run_id: run.id })).logs).toMatchObject([
      { message: expect.stringContaining(reason) },
    ]);
    release.resolve();
  });

  it('has each workflow as a tool of its own where it asks for that', async () => {
    for (const client of [await overHttp(KEY, '/mcp?workflows=tools'), await overStdio('--workflows-as-tools')]) {
      const { tools } = await client.listTools();
      expect(tools.find(({ name }) => name === 'workflow_greeting')).toMatchObject({
        title: 'Greeting',
        description: 'Greets somebody.',
        inputSchema: { required: ['Name'] },
      });
      expect(await call(client, 'workflow_greeting', { Name: 'Ada' })).toMatchObject({
        output: { text: '{"Greeting":"Hello Ada"}' },
      });
    }
    expect(await names(await overHttp())).not.toContain('workflow_greeting');
  });
});

it('a client that waits for a run is answered when the server stops', async () => {
  release = Promise.withResolvers();
  const other = await spawnServer({ env: { MILLRUN_HTTP_ALLOW: '127.0.0.1' } });
  const requestInit = { headers: { authorization: `Bearer ${other.key}` } };
  const client = await connected(new StreamableHTTPClientTransport(new URL(`${other.url}/mcp`), { requestInit }));
  const { id } = await other.client.save({
    nodes: [http('call', slow.url), output('out', 'Said')],
    edges: [edge('call::body', 'out::input')],
  });
  const started = Promise.withResolvers<void>();
  const options = { onprogress: () => started.resolve() };
  const waiting = call(client, 'run_workflow', { workflow: id, wait_seconds: 600 }, options);
  await started.promise;
  const ending = other.end();
  expect(await waiting).toMatchObject({ output: null, hint: expect.stringContaining('wait_for_run') });
  release.resolve();
  await ending;
  await other.stop();
});

describe('a key', () => {
  it('that is not known, or was not given, opens nothing', async () => {
    await expect(overHttp('wrong_key_01234567890')).rejects.toThrow('not known here');
    const answer = await fetch(`${server.url}/mcp`, { method: 'POST' });
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([
      ...[401, 'Bearer'],
      { jsonrpc: '2.0', id: null, error: { code: -32_000, message: expect.stringContaining('Authorization: Bearer') } },
    ]);
    const { code, stderr } = await runBinary(
      ['mcp', '--url', server.url, '--key', 'wrong_key_01234567890'],
      {},
      folder,
      INITIALIZE,
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining('not known here')]);
    const known = await runBinary(['mcp', '--url', server.url, '--key', KEY], {}, folder, INITIALIZE);
    expect(known).toMatchObject({ code: 0, stderr: '' });
    expect(await runBinary(['mcp', '--url', server.url])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--key'),
    });
  });

  it('sees and uses the tools of its scopes and no other', async () => {
    const reader = await overHttp(READER_KEY);
    expect(await names(reader)).toEqual([
      'wait_for_run',
      'list_runs',
      'search_runs',
      'get_run',
      'read_run_content',
      'list_run_logs',
    ]);
    expect(await refusal(reader, 'run_workflow', { workflow: greeting.id, input: { Name: 'Ada' } })).toContain(
      'lacks the scope runs:create',
    );
    expect(await refusal(reader, 'answer_person_request', { request_id: 'x', answer: {} })).toContain('people:answer');
    expect((await call(reader, 'list_runs', { limit: 1 })).items).toMatchObject([{ workflow: null }]);
    expect(await refusal(reader, 'list_runs', { filter: 'verdict:failed' })).toContain('evaluations:read');

    const starter = await overHttp(STARTER_KEY);
    expect(await names(starter)).toEqual(['run_workflow']);
    const { run, output: said } = await call(starter, 'run_workflow', {
      workflow: greeting.id,
      input: { Name: 'Ada' },
    });
    expect(said.text).toBe('{"Greeting":"Hello Ada"}');
    expect(await refusal(starter, 'get_run', { run_id: run.id })).toContain('runs:read');
    await expect(starter.readResource({ uri: `millrun://runs/${run.id}` })).rejects.toThrow('runs:read');
  });

  it('of another workspace finds nothing of this one', async () => {
    const mine = await overHttp();
    const { run } = await call(mine, 'run_workflow', { workflow: greeting.id, input: { Name: 'Zebulon' } });
    const other = await overHttp(OTHER_KEY, '/mcp?workflows=tools');
    const run_id = run.id;
    for (const [tool, args] of [
      ['get_run', { run_id }],
      ['wait_for_run', { run_id }],
      ['read_run_content', { run_id, part: 'input' }],
      ['list_run_logs', { run_id }],
      ['stop_run', { run_id }],
      ['run_workflow', { workflow: greeting.id }],
    ] as const) {
      expect(await refusal(other, tool, args)).toContain('in this workspace');
    }
    expect((await call(other, 'list_runs')).items).toEqual([]);
    expect((await call(other, 'search_runs', { query: 'zebulon', mode: 'exact' })).items).toEqual([]);
    expect((await call(other, 'list_workflows')).items).toEqual([]);
    expect((await call(other, 'list_person_requests', { status: 'all' })).items).toEqual([]);
    expect(await names(other)).not.toContain('workflow_greeting');
    await expect(other.readResource({ uri: `millrun://runs/${run_id}` })).rejects.toThrow('in this workspace');
  });
});

describe('the address of MCP', () => {
  const send = (headers: Record<string, string>, method = 'POST') =>
    new Promise<number>((resolve, reject) => {
      // Not fetch, which sets Host and Origin as it likes.
      const sent = httpRequest(`${server.url}/mcp`, {
        method,
        headers: {
          authorization: `Bearer ${KEY}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      });
      sent.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(method === 'POST' ? INITIALIZE : undefined);
    });

  it('refuses pages of other sites, and names that may be made to lead here', async () => {
    const { host } = new URL(server.url);
    expect(await send({})).toBe(200);
    expect(await send({ origin: `http://${host}` })).toBe(200);
    expect(await send({ origin: 'http://localhost:1', host: 'localhost:1' })).toBe(200);
    expect(await send({ origin: 'https://evil.example' })).toBe(403);
    expect(await send({ origin: 'null' })).toBe(403);
    expect(await send({ origin: 'http://rebound.example', host: 'rebound.example' })).toBe(403);
  });

  it('keeps no sessions, so that there is nothing to listen to or to end', async () => {
    expect(await send({}, 'GET')).toBe(405);
    expect(await send({}, 'DELETE')).toBe(405);
  });
});

const INITIALIZE = `${JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } },
})}\n`;

/** Two workspaces; the first is the platform's own. */
async function addKeys(store: Store): Promise<void> {
  const createdAt = realSystem.now();
  const [first, second] = [realSystem.newId(), realSystem.newId()];
  const put = (key: string, workspaceId: string, scopes: readonly Scope[]) => {
    const about = { id: realSystem.newId(), workspaceId, name: key, scopes, createdAt };
    return { kind: 'putApiKey', key: keyRecord(key, about) } as const;
  };
  await store.commit([
    { kind: 'createWorkspace', workspace: { id: first, name: 'first', createdAt } },
    { kind: 'createWorkspace', workspace: { id: second, name: 'second', createdAt: createdAt + 1 } },
    put(KEY, first, SCOPES),
    put(OTHER_KEY, second, SCOPES),
    put(READER_KEY, first, ['runs:read']),
    put(STARTER_KEY, first, ['runs:create']),
  ]);
}
