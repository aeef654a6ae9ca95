import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Server, startServer } from './server.ts';

const DEMO = join(import.meta.dirname, '../../demo/main.ts');
const RUNS = 30;

/** Where the demo is called: a folder without a configuration. */
const here = mkdtempSync(join(tmpdir(), 'millrun-demo-'));
afterAll(() => rmSync(here, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly said: string;
  readonly complained: string;
}

function demo(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: here, env: { PATH: process.env['PATH'], ...env } };
    execFile(process.execPath, [DEMO, ...args], options, (error, said, complained) => {
      resolve({ code: error === null ? 0 : Number(error.code), said, complained });
    });
  });
}

describe('the demo, against a server that runs', () => {
  let server: Server;
  let [first, second]: (Ended | undefined)[] = [];

  beforeAll(async () => {
    server = await startServer();
    const env = { MILLRUN_URL: server.url, MILLRUN_API_KEY: server.key };
    first = await demo(env, '--limit', String(RUNS));
    second = await demo(env, '--limit', String(RUNS));
  });
  afterAll(() => server?.stop());

  const get = async (url: string) => fetch(url, { headers: { 'x-api-key': server.key } });
  const list = async (path: string) => (await get(`${server.url}${path}`)).json() as Promise<{ total: number }>;

  it('runs every document and says how each ended', () => {
    expect(first).toMatchObject({ code: 0, complained: '' });
    const ended = [...(first?.said.matchAll(/^ {2}(completed|failed) +(\d+) /gm) ?? [])];
    expect(ended.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(RUNS);
  });

  it('writes plain lines, without colours or a bar that moves, when nobody watches a terminal', () => {
    expect(first?.said).toMatch(new RegExp(`^ {2}${RUNS}/${RUNS} {2}\\d+ runs/s$`, 'm'));
    for (const control of ['\r', '\x1b']) expect(first?.said).not.toContain(control);
  });

  it('tables what was recorded: routes, licences, sizes, times, and one run from inside', () => {
    for (const title of [
      'By route',
      'By licence',
      'Largest documents',
      'Most code',
      'Slowest runs',
      'Inside the run of',
    ])
      expect(first?.said).toMatch(new RegExp(`^${title}  ?\\S`, 'm'));
    expect(first?.said).toMatch(/^ {2}library +\d+ {2}█/m);
    expect(first?.said).toMatch(/^ {2}MIT +\d+ {2}█/m);
    expect(first?.said).toMatch(/"links" made \d+ passes/);
  });

  it('finds runs again by filters, as many as the tables say', () => {
    expect(first?.said).toMatch(/^By filter {2}\S/m);
    const found = new Map(
      [...(first?.said.matchAll(/^ {2}(\S.*?\S) +(\d+) {2}/gm) ?? [])].map(([, what, n]) => [what, n]),
    );
    expect(found.get('status_code:failed')).toBe(found.get('failed') ?? '0');
    expect(Number(found.get("output.Licence = 'MIT' and output.Route = 'library'"))).toBeGreaterThan(0);
  });

  it('gives lines that look further and keeps a preset key to itself', async () => {
    const addresses = [...(first?.said.matchAll(/^ {2}curl .*'(http[^']+)'$/gm) ?? [])].map(([, address]) => address!);
    expect(addresses.length).toBeGreaterThanOrEqual(6);
    for (const address of addresses) {
      const answer = await get(address);
      expect(answer.status).toBe(200);
      await answer.text();
    }
    expect(first?.said).not.toContain(server.key);
  });

  it('updates its workflow when it runs again, and keeps the runs from before', async () => {
    expect(first?.said).toContain('saved the workflow "Package digest"');
    expect(second).toMatchObject({ code: 0, complained: '' });
    expect(second?.said).toContain('updated the workflow "Package digest"');
    expect(await list('/v1/workflows')).toMatchObject({ total: 1 });
    expect(await list('/v1/runs')).toMatchObject({ total: 2 * RUNS });
  });

  it('says what to do when it has no key, or a wrong one', async () => {
    for (const env of [
      { MILLRUN_URL: server.url },
      { MILLRUN_URL: server.url, MILLRUN_API_KEY: 'another_key_0123456789' },
    ]) {
      const { code, complained } = await demo(env, '--limit', '1');
      expect(code).toBe(1);
      expect(complained).toContain('MILLRUN_API_KEY=mr_... npm run demo');
    }
  });
});

describe('the demo, by itself', () => {
  it('starts a server when none runs, and stops it at the end', async () => {
    const { code, said, complained } = await demo(
      { MILLRUN_PORT: '0', MILLRUN_DATA: join(here, 'data') },
      '--limit',
      '3',
    );
    expect({ code, complained }).toEqual({ code: 0, complained: '' });
    expect(said).toContain('npm start');
    expect(said).toMatch(/export MILLRUN_API_KEY=mr_\w+/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '';
    await expect(fetch(url)).rejects.toThrow();
  });

  it('needs no key for the server of the data folder that it may read', async () => {
    const server = await startServer({ MILLRUN_API_KEY: '' });
    const env = { MILLRUN_PORT: new URL(server.url).port, MILLRUN_DATA: server.folder };
    const { code, said } = await demo(env, '--limit', '1');
    await server.stop();
    expect(code).toBe(0);
    expect(said).not.toContain('started for this demo');
  });

  it('starts no server where it was sent to one that is not there', async () => {
    const { code, complained } = await demo({ MILLRUN_URL: 'http://127.0.0.1:9' });
    expect(code).toBe(1);
    expect(complained).toContain('No Millrun server answers at http://127.0.0.1:9');
  });

  it('takes a number of documents and nothing else', async () => {
    for (const args of [['--limit', 'many'], ['--limit', '0'], ['--fast']]) {
      const { code, complained } = await demo({}, ...args);
      expect(code).toBe(1);
      expect(complained).toContain('Usage: npm run demo [-- --limit 30]');
    }
  });
});
