import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { type OtherServer, startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { KEY, spawnServer, startPlatform, type TestServer } from '../support/server.ts';

let folder: string;
let server: TestServer;
let other: OtherServer;
let asked: string[];
let workflow: Wire;

/** Input "Name" → "Hello <Name>" → an effect with that text in its address → output "Said". */
const DEFINITION = () => ({
  nodes: [
    input('in', 'Name'),
    text('greet', 'Hello ((Name))'),
    http('call', `${other.url}/((Words))`),
    output('out', 'Said'),
  ],
  edges: [
    edge('in::output', 'greet::variables::Name'),
    edge('greet::output', 'call::variables::Words'),
    edge('call::body', 'out::input'),
  ],
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-debugger-'));
  asked = [];
  other = await startOtherServer(({ path }, response) => {
    asked.push(decodeURIComponent(path));
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`got ${decodeURIComponent(path).slice(1)}`);
  });
  server = await startPlatform({ folder });
  workflow = await server.client.save(DEFINITION());
});
afterAll(async () => {
  await server.stop();
  await other.stop();
  rmSync(folder, { recursive: true });
});

let sessions = 0;
const newSession = () => `session ${++sessions}`;
const at = (session: string) => `/v1/debug-sessions/${encodeURIComponent(session)}`;

/** Starts a run in a session and gives the session once it is held, or the run has ended. */
async function started(session: string, client: Client = server.client): Promise<Wire> {
  const { id } = await client.post(`/v1/workflows/${workflow.id}/runs`, { input: { Name: 'Ada' }, debugger: session });
  return held(session, id, client);
}

async function held(session: string, runId: string, client: Client = server.client): Promise<Wire> {
  for (;;) {
    const found = await client.get(at(session));
    if (found.run_id === runId && (found.paused !== null || found.run_status === 'succeeded')) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a run with a debugger', () => {
  it('is held before a node, with what it is given, and goes on to the end', async () => {
    const session = newSession();
    await server.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'call' }] });
    asked.length = 0;
    const paused = await started(session);
    expect(paused).toMatchObject({
      run_status: 'waiting',
      paused: { node_id: 'call', when: 'before', inputs: { 'variables::Words': 'Hello Ada' }, outputs: null },
    });
    expect(asked).toEqual([]);
    expect((await server.client.post(`${at(session)}/continue`)).paused).toBeNull();
    const run = await server.client.until(workflow.id, paused.run_id, ['completed']);
    expect(run.output).toEqual({ Said: 'got Hello Ada' });
    expect(asked).toEqual(['/Hello Ada']);
    expect(await server.client.get(at(session))).toMatchObject({ run_status: 'succeeded', paused: null });
  });

  it('goes node by node', async () => {
    const session = newSession();
    await server.client.ok('PUT', at(session), { mode: 'step' });
    let now = await started(session);
    const seen: string[] = [];
    while (now.paused !== null) {
      seen.push(now.paused.node_id);
      await server.client.post(`${at(session)}/step`);
      now = await held(session, now.run_id);
      // A step is over when the node that it began has ended.
      while (now.paused?.node_id === seen.at(-1)) now = await server.client.get(at(session));
    }
    expect(seen).toEqual(['in', 'greet', 'call', 'out']);
  });

  it('goes on with what was put in the place of a value, before a node and after one', async () => {
    const session = newSession();
    const breakpoints = [
      { node_id: 'greet', when: 'after' },
      { node_id: 'call', when: 'before' },
      { node_id: 'out', when: 'after' },
    ];
    await server.client.ok('PUT', at(session), { breakpoints });
    asked.length = 0;
    const { run_id: id, paused } = await started(session);
    expect(paused).toMatchObject({ node_id: 'greet', when: 'after', outputs: { output: 'Hello Ada' } });
    const wrong = await server.client.send('POST', `${at(session)}/edit`, { node_id: 'call', values: {} });
    expect([wrong.status, wrong.text]).toEqual([409, expect.stringContaining('held at the node \\"greet\\"')]);
    const edited = await server.client.post(`${at(session)}/edit`, { node_id: 'greet', values: { output: 'Bonjour' } });
    expect(edited.paused.outputs).toMatchObject({ output: 'Bonjour' });
    await server.client.post(`${at(session)}/continue`);
    const before = await held(session, id);
    expect(before.paused).toMatchObject({ node_id: 'call', inputs: { 'variables::Words': 'Bonjour' } });
    await server.client.post(`${at(session)}/edit`, { node_id: 'call', values: { 'variables::Words': 'Ciao' } });
    await server.client.post(`${at(session)}/continue`);
    const last = await held(session, id);
    expect([last.paused.node_id, asked]).toEqual(['out', ['/Ciao']]);
    await server.client.post(`${at(session)}/continue`);
    const run = await server.client.until(workflow.id, id, ['completed']);
    expect(run.output).toEqual({ Said: 'got Ciao' });
    // It is recorded as it ran.
    expect((await server.client.get(`/v1/runs/${id}/io/greet`)).outputs).toMatchObject({ output: 'Bonjour' });
    expect((await server.client.get(`/v1/runs/${id}/io/call`)).inputs).toMatchObject({ 'variables::Words': 'Ciao' });
  });

  it('is watched: each change of the session comes as it happens, until the run has ended', async () => {
    const session = newSession();
    await server.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'greet', when: 'before' }] });
    const answer = await fetch(`${server.url}${at(session)}/events`, { headers: { 'x-api-key': KEY } });
    await started(session);
    await server.client.post(`${at(session)}/continue`);
    const told = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '));
    const states = told.map((line) => JSON.parse(line.slice(6)) as Wire);
    expect(states[0]).toMatchObject({ run_id: null, paused: null });
    expect(states.some((one) => one.paused?.node_id === 'greet')).toBe(true);
    expect(states.at(-1)).toMatchObject({ run_status: 'succeeded', paused: null });
    const explorer = await ExplorerClient.signIn(server.url, KEY);
    const ended = await explorer.send('GET', `${at(session).slice(3)}/events`);
    expect(ended.text).toContain('event: session\ndata: {"id":');
    // Without the right to read runs it is not opened.
    const { group_id } = await server.client.get('/v1/admin/me');
    const path = `/v1/admin/groups/${group_id}/api-keys`;
    const made = await server.client.post(path, { name: 'c', scopes: ['runs:create'] });
    const others = await ExplorerClient.signIn(server.url, made.api_key ?? made.value ?? made.key);
    expect((await others.send('GET', `${at(session).slice(3)}/events`)).status).toBe(403);
  });

  it('can be stopped while it is held, and its session taken for another', async () => {
    const session = newSession();
    await server.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'in' }] });
    const { run_id: id } = await started(session);
    const second = await server.client.send('POST', `/v1/workflows/${workflow.id}/runs`, {
      input: { Name: 'Ben' },
      debugger: session,
    });
    expect([second.status, second.text]).toEqual([409, expect.stringContaining(id)]);
    await server.client.post(`/v1/runs/${id}/stop`);
    await server.client.until(workflow.id, id, ['stopped']);
    const late = await server.client.send('POST', `${at(session)}/continue`);
    expect([late.status, late.text]).toEqual([409, expect.stringContaining('has ended')]);
    await server.client.ok('PUT', at(session), { breakpoints: [] });
    expect((await started(session)).run_status).toBe('succeeded');
  });

  it('is let go by a breakpoint that is set while it is held, where it is no more', async () => {
    const session = newSession();
    await server.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'in' }, { node_id: 'out' }] });
    const { run_id: id } = await started(session);
    const changed = await server.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'greet' }] });
    expect(changed.paused.node_id).toBe('in');
    await server.client.post(`${at(session)}/continue`);
    expect((await held(session, id)).paused.node_id).toBe('greet');
    await server.client.post(`${at(session)}/continue`);
    await server.client.until(workflow.id, id, ['completed']);
  });

  it('is held where it was after a crash, with what was edited', async () => {
    await server.stop();
    const session = newSession();
    const env = { MILLRUN_API_KEY: KEY, MILLRUN_HTTP_ALLOW: '127.0.0.1' };
    const killed = await spawnServer({ folder, env });
    await killed.client.ok('PUT', at(session), { breakpoints: [{ node_id: 'call' }] });
    const { run_id: id } = await started(session, killed.client);
    await killed.client.post(`${at(session)}/edit`, { node_id: 'call', values: { 'variables::Words': 'Salve' } });
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    asked.length = 0;
    server = await startPlatform({ folder });
    expect(await server.client.get(at(session))).toMatchObject({
      run_status: 'waiting',
      paused: { node_id: 'call', when: 'before', inputs: { 'variables::Words': 'Salve' } },
    });
    await server.client.post(`${at(session)}/continue`);
    const run = await server.client.until(workflow.id, id, ['completed']);
    expect([run.output, asked]).toEqual([{ Said: 'got Salve' }, ['/Salve']]);
  });
});
