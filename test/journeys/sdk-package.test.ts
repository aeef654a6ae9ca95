import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GREETING } from '../support/noxus-definitions.ts';
import { needsProgram } from '../support/programs.ts';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';

const ROOT = join(import.meta.dirname, '../..');
const WRITTEN_URL = 'http://127.0.0.1:8080';
const run = promisify(execFile);

/** A project that has the package in its node_modules, and nothing else. */
let project: string;
let server: TestServer;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'millrun-consumer-'));
  server = await startPlatform();
  await run(process.execPath, [join(ROOT, 'scripts/build-client.ts')]);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', project];
  const [{ filename }] = JSON.parse((await run('npm', pack, { cwd: ROOT })).stdout) as [{ filename: string }];
  // What an install does with it: the client needs no other package.
  const home = join(project, 'node_modules/millrun');
  mkdirSync(home, { recursive: true });
  await run('tar', ['-xzf', join(project, filename), '-C', home, '--strip-components=1']);
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(project, { recursive: true, force: true });
});

/** Runs a program of the project. @returns what it prints */
async function runProgram(name: string, source: string): Promise<string> {
  writeFileSync(join(project, name), source.replaceAll(WRITTEN_URL, server.url));
  const env = { PATH: process.env['PATH'], MILLRUN_API_KEY: KEY };
  return (await run(process.execPath, [name], { cwd: project, env })).stdout;
}

describe('a project that has installed millrun', () => {
  it('imports the client without any other package', async () => {
    const said = await runProgram(
      'names.js',
      "import * as client from 'millrun/client'; console.log(Object.keys(client).sort().join(' '));",
    );
    const fields = ['batch', 'evaluation', 'flow', 'humanRequest', 'log', 'model', 'nodeRun', 'run'];
    const classes = ['Condition', 'ConnectionError', 'List', 'Millrun', 'RefusedError', 'TimeoutError'];
    expect(said.trim().split(' ')).toEqual([...classes, ...fields.map((name) => `${name}Fields`)]);
  });

  it('has its types, without those of Node', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { Millrun, runFields, type noxus, type Run } from 'millrun/client';
       const millrun = new Millrun({ url: 'http://127.0.0.1', key: '' });
       export const status = async (): Promise<noxus.RunStatus> => (await millrun.noxus.runs.create('x', { input: {} })).status;
       export const failed = (): AsyncIterable<Run> => millrun.runflow.runs.list({ q: runFields.status_code.eq('failed') });
       // @ts-expect-error: no such word
       runFields.status_code.eq('cancelled');
       // @ts-expect-error: no such operation
       await millrun.noxus.call('GET /v1/nope', {});
       // @ts-expect-error: the path has a part
       await millrun.noxus.call('GET /v1/runs/{run_id}', {});\n`,
    );
    const compilerOptions = {
      ...{ target: 'es2022', module: 'nodenext', strict: true, noEmit: true, exactOptionalPropertyTypes: true },
      ...{ lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'], types: [] },
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const told = await run(process.execPath, [compiler, '-p', '.'], { cwd: project }).catch((error) => error);
    expect(told.stdout).toBe('');
  });

  it('runs the lines of the README', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const lines = /```js\n(import [^`]*millrun\/client[\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(lines.trimEnd().split('\n')).toHaveLength(10);
    mkdirSync(join(project, 'examples'));
    copyFileSync(join(ROOT, 'examples/1-hello.json'), join(project, 'examples/1-hello.json'));
    const said = (await runProgram('readme.js', lines)).trimEnd().split('\n');
    const [output, listed] = said.slice(-2);
    expect([said.at(-3), output]).toEqual(['completed', "{ Greeting: 'Hello, Ada!' }"]);
    expect(listed).toMatch(/^[0-9a-f-]{36} \{ Greeting: 'Hello, Ada!' \}$/);
  });
});

describe('a page in a browser', () => {
  const chromiumPath = needsProgram('chromium');

  it('runs a workflow, watches it and finds the run', async () => {
    const workflow = await server.client.save(GREETING, { name: 'Greeting' });
    const browser = await chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const page = await browser.newPage();
      // A page of the server's own origin: it answers pages of no other.
      await page.route(`${server.url}/page/**`, (route) => {
        const file = new URL(route.request().url()).pathname.slice('/page/'.length);
        if (file === '') return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Test</title>' });
        if (file === 'program.js') return route.fulfill({ contentType: 'text/javascript', body: PROGRAM });
        const body = readFileSync(join(project, 'node_modules/millrun/dist/client', file));
        return route.fulfill({ contentType: 'text/javascript', body });
      });
      await page.goto(`${server.url}/page/`);
      const seen = await page.evaluate(`import('./program.js').then(({ run }) => run('${KEY}', '${workflow.id}'))`);
      expect(seen).toEqual({ types: ['content', 'state'], output: { Greeting: 'Hello Ada' }, size: 5, found: [true] });
    } finally {
      await browser.close();
    }
  });
});

/** What the page does. */
const PROGRAM = `
  import { Millrun, runFields } from './sdk/client.js';
  export async function run(key, workflowId) {
    const { noxus, runflow } = new Millrun({ url: location.origin, key });
    const run = await noxus.runs.create(workflowId, { input: { Name: 'Ada' } });
    const types = new Set();
    for await (const { type } of noxus.runs.events(run.id)) types.add(type);
    const { output } = await noxus.runs.wait(run);
    const asset = await runflow.assets.upload(new File(['Notes'], 'notes.txt', { type: 'text/plain' }), 'notes.txt');
    const found = await runflow.runs.list({ q: runFields.id.eq(run.id) }).first(2);
    return { types: [...types], output, size: asset.size_bytes, found: found.map(({ id }) => id === run.id) };
  }
`;
