import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OtherServer, type Received, sendJson, startOtherServer } from '../support/http-server.ts';
import { GREETING } from '../support/noxus-definitions.ts';
import { KEY, runBinary, type SpawnedServer, spawnServer } from '../support/server.ts';

/** More dimensions than the index has, so that they are projected. */
const DIMENSIONS = 300;

/** What these texts have in common, no dictionary knows. */
const MEANINGS = [/zorb|quib/i, /frell|vint/i];

let folder: string;
let endpoint: OtherServer;
let answer: (request: Received, response: ServerResponse) => void;
let servers: SpawnedServer[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-embedder-'));
  servers = [];
  answer = embed;
  endpoint = await startOtherServer((request, response) => answer(request, response));
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  await endpoint.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An OpenAI-compatible endpoint whose model knows {@link MEANINGS} and nothing else. */
function embed({ body }: Received, response: ServerResponse): void {
  const { input }: { input: string[] } = JSON.parse(body);
  const data = input.map((text, index) => {
    const embedding = new Array<number>(DIMENSIONS).fill(0);
    embedding[2] = 0.1;
    for (const [place, pattern] of MEANINGS.entries()) if (pattern.test(text)) embedding[place] = 1;
    return { index, embedding };
  });
  sendJson(response, { data, usage: { total_tokens: 7 * input.length } });
}

const away = (_: Received, response: ServerResponse) => sendJson(response, { error: 'gone' }, 404);

async function serve(env: Readonly<Record<string, string>> = {}): Promise<SpawnedServer> {
  const server = await spawnServer({ folder, env: { MILLRUN_API_KEY: KEY, ...env } });
  servers.push(server);
  return server;
}

const withEndpoint = (more: Readonly<Record<string, string>> = {}) =>
  serve({
    MILLRUN_SEARCH_EMBEDDER: 'openai',
    MILLRUN_SEARCH_MODEL: 'made-up',
    MILLRUN_SEARCH_EMBEDDER_URL: `${endpoint.url}/v1`,
    ...more,
  });

async function greet({ client }: SpawnedServer, ...names: string[]): Promise<void> {
  const workflow = await client.save(GREETING);
  for (const Name of names) await client.run(workflow.id, { input: { Name } });
}

/** Looks at the index until it is as wanted; the test's own timeout bounds the wait. */
async function until({ client }: SpawnedServer, wanted: Readonly<Record<string, unknown>>): Promise<void> {
  for (;;) {
    const standing = await client.get('/v1/admin/search');
    if (Object.entries(wanted).every(([name, value]) => standing[name] === value)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const search = ({ client }: SpawnedServer, query: string, more: object = {}) =>
  client.post('/v1/runs/search', { query, exact: false, ...more });

const inputs = (found: { items: { input: Record<string, string> }[] }) =>
  found.items.map(({ input }) => Object.values(input)[0]);

it('finds by what a configured endpoint knows, and embeds the same text once', async () => {
  const server = await withEndpoint();
  await greet(server, 'zorb', 'frell', 'zorb');
  await until(server, { runs_without_vectors: 0, indexed_runs: 3 });
  const sent = endpoint.received.flatMap(({ body }) => JSON.parse(body).input as string[]);
  expect(new Set(sent).size).toBe(sent.length);
  const found = await search(server, 'quib', { similarity_threshold: 0.3 });
  expect(inputs(found)).toEqual(['zorb', 'zorb']);
  expect(found.degraded).toBeUndefined();
  expect(inputs(await search(server, 'quib', { similarity_threshold: 0.3, search_in: ['output'] }))).toHaveLength(2);
  expect(inputs(await search(server, 'quib', { similarity_threshold: 0.3, search_in: ['run_id'] }))).toEqual([]);
});

it('finds by words, and says why, while the endpoint is away; the text of new runs is found all the same', async () => {
  const server = await withEndpoint({ MILLRUN_SEARCH_DIMENSIONS: String(DIMENSIONS) });
  answer = away;
  await greet(server, 'zorb', 'frell');
  await until(server, { indexed_runs: 2, runs_without_vectors: 2 });
  const found = await search(server, 'frell');
  expect(found).toMatchObject({ degraded: expect.stringContaining('404'), runs_without_vectors: 2 });
  expect(inputs(found)).toEqual(['frell']);
  expect(inputs(await search(server, 'zor', { exact: true }))).toEqual(['zorb']);
  expect((await search(server, 'zor', { exact: true })).degraded).toBeUndefined();
  const status = await runBinary(['search', 'status'], env(server));
  expect(status).toMatchObject({ code: 1, stdout: expect.stringContaining('trouble') });
});

it('gets new vectors after the embedder was changed, without mixing them with old ones', async () => {
  const first = await serve();
  await greet(first, 'zorb', 'frell');
  await until(first, { indexed_runs: 2, runs_without_vectors: 0 });
  await first.end();
  const second = await withEndpoint();
  // Nobody has to ask for it.
  await endpoint.got(2);
  await until(second, { indexed_runs: 2, runs_without_vectors: 0 });
  expect(inputs(await search(second, 'vint', { similarity_threshold: 0.3 }))).toEqual(['frell']);
  expect((await second.client.get('/v1/admin/search')).rebuilding).toBe(false);
  await second.end();
  const third = await serve();
  await until(third, { runs_without_vectors: 0, indexed_runs: 2 });
  expect(inputs(await search(third, 'vint', { similarity_threshold: 0.3 }))).toEqual([]);
});

it('tells what the tokens cost, and keeps the key out of the log', async () => {
  const secret = 'sk-not-for-the-log';
  const server = await withEndpoint({ MILLRUN_SEARCH_EMBEDDER_KEY: secret, MILLRUN_SEARCH_PRICE: '20' });
  await greet(server, 'zorb');
  await until(server, { runs_without_vectors: 0, indexed_runs: 1 });
  expect(endpoint.received[0]!.headers['authorization']).toBe(`Bearer ${secret}`);
  answer = away;
  await search(server, 'quib');
  const { stderr } = await server.end();
  expect(stderr).not.toContain(secret);
});

it('gives up only the text that the endpoint refuses', async () => {
  const server = await withEndpoint();
  answer = (request, response) =>
    request.body.includes('frell') ? sendJson(response, { error: 'too long' }, 413) : embed(request, response);
  await greet(server, 'zorb', 'frell', 'vint');
  await until(server, { indexed_runs: 3, runs_without_vectors: 0, trouble: null });
  expect(inputs(await search(server, 'zorb', { similarity_threshold: 0.3 }))).toEqual(['zorb']);
  expect(inputs(await search(server, 'vint', { similarity_threshold: 0.3 }))).toEqual(['vint']);
});

it('says at the start what a configuration of the embedder lacks', async () => {
  const { code, stderr } = await runBinary(['serve'], { MILLRUN_SEARCH_EMBEDDER: 'local', MILLRUN_DATA: folder });
  expect(code).toBe(2);
  expect(stderr).toContain('MILLRUN_SEARCH_MODEL ');
  expect(stderr).toContain('MILLRUN_SEARCH_MODELS_DIRECTORY');
});

function env(server: SpawnedServer): Record<string, string> {
  return { MILLRUN_DATA: folder, MILLRUN_PORT: new URL(server.url).port, MILLRUN_API_KEY: KEY };
}
