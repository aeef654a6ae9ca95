import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../support/client.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { startOtherServer } from '../support/http-server.ts';
import { edge, http, input, output, text } from '../support/noxus-definitions.ts';
import { needsProgram } from '../support/programs.ts';
import { type Ended, KEY, runBinary, runOnTerminal, startPlatform, type TestServer } from '../support/server.ts';
import { surroundings } from '../support/surroundings.ts';

needsProgram('script');

const exec = promisify(execFile);

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/1-hello.json');

/** Fails in the node `call`, whose input is what the run was given. */
const CALLER = {
  nodes: [input('in', 'Path'), http('call', 'http://127.0.0.1:1/((Path))'), output('out', 'Body')],
  edges: [edge('in::output', 'call::variables::Path'), edge('call::body', 'out::input')],
};

/** Waits an hour: its runs are under way for as long as a test needs them. */
const SLOW = {
  nodes: [
    input('in', 'Name'),
    { id: 'wait', type: 'DelayNode', node_config: { seconds: 3600 } },
    output('out', 'Said'),
  ],
  edges: [edge('in::output', 'wait::value'), edge('wait::output', 'out::input')],
};

const GREETER = {
  nodes: [input('in', 'Name'), text('say', 'Good evening ((Name))'), output('out', 'Said')],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
};

let folder: string;
let server: TestServer;
let failed: Wire;
let greeted: Wire;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-cli-'));
  server = await startPlatform();
  const { client } = server;
  const caller = await client.save(CALLER, { name: 'Caller' });
  const greeter = await client.save(GREETER, { name: 'Greeter' });
  await client.save(SLOW, { name: 'Slow' });
  failed = await client.run(caller.id, { input: { Path: 'orders' } });
  greeted = await client.run(greeter.id, { input: { Name: 'Wilhelmina' } });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const env = (more: object = {}) => ({
  MILLRUN_DATA: server.folder,
  MILLRUN_API_KEY: KEY,
  MILLRUN_PORT: new URL(server.url).port,
  ...more,
});
/** Of a command whose answer goes into a pipe. */
const piped = (...args: string[]): Promise<Ended> => runBinary(args, env());
const onTerminal = (...args: string[]) => runOnTerminal(args, env());
const jsonLines = (said: string): Wire[] =>
  said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const RED = '\u001B[31m';
const YELLOW = '\u001B[33m';

describe('millrun run', () => {
  it('runs a file on the server, and gives a program the whole run', async () => {
    const first = await piped('run', EXAMPLE, '--input', 'Name=Ada');
    expect([first.code, JSON.parse(first.stdout)]).toMatchObject([
      0,
      { format: 'millrun.run/1', status: 'succeeded', output: { Greeting: 'Hello, Ada!' } },
    ]);
    const again = await piped('run', EXAMPLE, '--input-file', '-').catch(() => null);
    expect(again?.code).toBe(2);
    const { items } = await server.client.get('/v1/workflows?size=100');
    expect(items.filter(({ name }: Wire) => name === 'Hello')).toHaveLength(1);
  });

  it('shows a person each node as it goes on, and what came out', async () => {
    const { code, screen } = await onTerminal('run', 'Greeter', '--input', 'Name=Ada', '--watch');
    expect(code).toBe(0);
    expect(screen).toMatch(/✓.*succeeded.* in \d+/);
    expect(screen).toContain('Good evening Ada');
    expect(screen).toMatch(/say/);
  });

  it('ends with 1 when the run fails, and says why, where and what to do', async () => {
    const { code, stdout, stderr } = await piped('run', 'Caller', '--input', 'Path=x', '--watch', '--text');
    expect([code, stderr]).toEqual([1, expect.stringContaining('call failed')]);
    expect(stdout).toMatch(/✗ failed {2}Caller/);
    expect(stdout).toMatch(/^why +.*127\.0\.0\.1:1/m);
    expect(stdout).toContain('--from failed_node');
    expect(stdout).not.toContain('\u001B');
  });

  it('leaves the run to the server when it is interrupted, and says so', async () => {
    const pressed = await runOnTerminal(['run', 'Slow', '--input', 'Name=x', '--watch'], env(), {
      waitsFor: 'wait',
      keys: '\u0003',
    });
    expect([pressed.code, pressed.screen]).toEqual([130, expect.stringContaining('The run goes on')]);
    const [line] = jsonLines((await piped('runs', 'list', '--filter', 'workflow:Slow AND status:running')).stdout);
    expect((await piped('runs', 'stop', line.id)).stdout).toBe(`{"id":"${line.id}","status":"stopped"}\n`);
    expect((await onTerminal('runs', 'stop', line.id)).screen).toContain('had ended before');
  });

  it('works without a server, over the data folder, where the run is found afterwards', async () => {
    const alone = { MILLRUN_DATA: join(folder, 'alone'), MILLRUN_PORT: '1' };
    const ended = await runBinary(['run', EXAMPLE, '--input', 'Name=Grace', '--text'], alone);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Greeting: Hello, Grace!') });
    expect(ended.stderr).toContain('running it here, over the data folder');
    const doctor = await runBinary(['doctor', '--offline', '--text'], alone);
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringMatching(/✓ store .*whole and up to date/)]);
  });

  it.each([
    ['a file that is no workflow', ['run', join(ROOT, 'package.json')], 'neither a "definition" nor "nodes"'],
    ['a workflow that there is not', ['run', 'Nobody'], 'There is no workflow "Nobody"'],
    ['an input without a name', ['run', 'Greeter', '--input', 'Ada'], '--input takes name=value'],
    ['an input that the workflow lacks', ['run', 'Greeter', '--input', 'Nam=Ada'], 'Name'],
    ['a flag that there is not', ['run', 'Greeter', '--wacth'], "Unknown option '--wacth'"],
    ['nothing at all', ['run'], 'Usage'],
    ['a folder to import', ['import', ROOT], 'That is a folder. Name a file.'],
    ['an action that there is not', ['runs', 'lst'], 'Did you mean "list"?'],
    ['a filter that says nothing', ['runs', 'list', '--filter', 'statu:failed'], 'Did you mean status?'],
  ])('refuses %s, with exit code 2', async (_, args, told) => {
    const ended = await piped(...args);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringContaining(told)]);
  });
});

describe('millrun runs', () => {
  it('lists runs as a coloured table that fits the terminal, and as lines of JSON into a pipe', async () => {
    const { code, screen } = await onTerminal('runs', 'list', '--filter', 'workflow:Caller');
    expect(code).toBe(0);
    expect(screen).toContain('STATUS');
    expect(screen).toContain(RED);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
    const widths = screen.split('\r\n').map((line) => line.replaceAll(/\u001B\[\d+m/g, '').length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(100);
    const plain = await runOnTerminal(['runs', 'list'], env({ NO_COLOR: '1' }));
    expect(plain.screen).not.toContain('\u001B[3');
    const lines = jsonLines((await piped('runs', 'list', '--sort', 'created_at:asc', '--limit', '1')).stdout);
    expect(lines).toMatchObject([{ id: failed.id, workflow: 'Caller', status: 'failed' }]);
  });

  it('goes on where the page before ended', async () => {
    const first = await piped('runs', 'list', '--limit', '1');
    const cursor = /--cursor (\S+)/.exec(first.stderr)![1]!;
    const second = await piped('runs', 'list', '--limit', '1', '--cursor', cursor);
    expect(jsonLines(second.stdout)[0].id).not.toBe(jsonLines(first.stdout)[0].id);
  });

  it('shows a run as whoever is woken by it needs it', async () => {
    const { screen } = await onTerminal('runs', 'show', failed.id);
    for (const told of [
      'failed',
      'Caller',
      failed.id,
      '127.0.0.1:1',
      'call',
      '"variables::Path":"orders"',
      'UTC',
      '--from failed_node',
    ])
      expect(screen).toContain(told);
    expect(JSON.parse((await piped('runs', 'show', failed.id)).stdout)).toMatchObject({
      id: failed.id,
      failure: { node_id: 'call' },
      node_runs: expect.arrayContaining([expect.objectContaining({ node_id: 'call', status: 'failed' })]),
    });
  });

  it('finds runs by what they say, with the place marked', async () => {
    const { screen } = await onTerminal('runs', 'search', 'Wilhelmina');
    expect(screen).toContain('1 run says that');
    expect(screen).toContain(`${YELLOW}Wilhelmina`);
    const found = jsonLines((await piped('runs', 'search', 'good evening', '--meaning', '--limit', '1')).stdout);
    expect(found).toMatchObject([{ workflow: 'Greeter', matches: expect.any(Array) }]);
    expect(jsonLines((await piped('runs', 'search', 'Wilhelmina', '--filter', 'status:failed')).stdout)).toEqual([]);
  });

  it('repeats a run with another input and says what is different', async () => {
    const ended = await piped('runs', 'replay', greeted.id, '--input', 'Name=Theodora');
    const made = JSON.parse(ended.stdout);
    expect([ended.code, made.output]).toEqual([0, { Said: 'Good evening Theodora' }]);
    const { screen } = await onTerminal('runs', 'diff', greeted.id, made.id);
    for (const told of ['The input differs', '- "Wilhelmina"', '+ "Theodora"', 'NODE']) expect(screen).toContain(told);
    expect(JSON.parse((await piped('runs', 'diff', greeted.id, made.id)).stdout).input.differs).toBe(true);
  });

  it('is quiet when nobody reads on', async () => {
    const binary = join(ROOT, 'bin/millrun.js');
    // A pipe that is closed before anything is written, which `head -c0` does at once.
    const script = `"${process.execPath}" "${binary}" runs export | head -c0; echo "code \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await exec('bash', ['-c', script], { env: { ...surroundings(), ...env() } });
    expect([stdout, stderr]).toEqual(['code 0\n', '']);
  });
});

describe('millrun workflows', () => {
  it('saves, shows, exports, imports and deletes a workflow', async () => {
    const saved = await piped('workflows', 'save', EXAMPLE, '--name', 'Saved');
    const { id } = JSON.parse(saved.stdout);
    expect((await onTerminal('workflows', 'save', EXAMPLE, '--name', 'Saved')).screen).toContain('"Saved" is changed');
    const shown = await onTerminal('workflows', 'show', 'Saved');
    expect(shown.screen).toContain('ComposeTextNode');
    const file = join(folder, 'saved.json');
    expect((await piped('workflows', 'export', id, '--to', file)).code).toBe(0);
    const [copy] = jsonLines((await piped('workflows', 'import', file)).stdout);
    expect(copy).toMatchObject({ name: 'Saved' });
    const named = await piped('workflows', 'show', 'Saved');
    expect([named.code, named.stderr]).toEqual([2, expect.stringContaining('is the name of 2 workflows')]);
    expect((await onTerminal('workflows', 'delete', copy.id)).screen).toContain('Its runs stay');
    await server.client.post(`/v1/workflows/${id}/versions`, { name: 'first draft' });
    expect(jsonLines((await piped('workflows', 'versions', id)).stdout)).toMatchObject([{ name: 'first draft' }]);
    const listed = await onTerminal('workflows', 'list');
    expect(listed.screen).toMatch(/Greeter +\d/);
    expect(jsonLines((await piped('workflows', 'list', '--limit', '1')).stdout)).toHaveLength(1);
  });
});

describe('millrun import', () => {
  it('brings what was exported to another server, as it was', async () => {
    const file = join(folder, 'runs.jsonl');
    const exported = await runOnTerminal(['runs', 'export', greeted.id, failed.id, '--to', file], env());
    expect(exported.screen).toContain(`2 runs are in ${file}.`);
    const other = await startPlatform();
    try {
      const there = env({ MILLRUN_DATA: other.folder, MILLRUN_PORT: new URL(other.url).port });
      const told = await runBinary(['import', file], there);
      expect([told.code, JSON.parse(told.stdout)]).toMatchObject([0, { imported: 2, present: 0, refused: 0 }]);
      const again = await runOnTerminal(['import', file], there);
      expect([again.code, again.screen]).toEqual([0, expect.stringContaining('2 were here before')]);
      const back = await runBinary(['runs', 'export', greeted.id, failed.id], there);
      const sorted = (lines: string) => lines.trim().split('\n').toSorted();
      expect(sorted(back.stdout)).toEqual(sorted(readFileSync(file, 'utf8')));
    } finally {
      await other.stop();
    }
  });

  it('takes in executions of n8n, which are shown and found like others and cannot be run', async () => {
    const file = join(ROOT, 'test/recordings/n8n-executions.json');
    const dry = await piped('import', file, '--dry-run');
    expect(JSON.parse(dry.stdout)).toMatchObject({ imported: 3, skipped: 1, dry_run: true });
    const { code, screen } = await onTerminal('import', file, join(ROOT, 'test/recordings/n8n-execution-rows.jsonl'));
    expect([code, screen]).toEqual([0, expect.stringContaining('5 runs are imported')]);
    const [run] = jsonLines((await piped('runs', 'search', 'sku DESK-31 is unknown', '--limit', '1')).stdout);
    expect(run).toMatchObject({ workflow: 'Order intake', status: 'failed', source: 'import' });
    const page = await server.client.get(`/v1/runs/${run.id}/data`);
    expect(page.progress_details.per_node_progress['Reserve stock']).toMatchObject({ status: 'errored' });
    const explorer = await ExplorerClient.signIn(server.url, KEY);
    const detail = await explorer.get(`/runs/${run.id}`);
    expect(detail.nodes.map(({ nodeId }: Wire) => nodeId)).toContain('Reserve stock');
    expect(detail.edges.map(({ id }: Wire) => id)).toContain('Each order -> Reserve stock');
    expect(detail.failure ?? detail.run.failure).toMatchObject({ nodeId: 'Reserve stock' });
    const refused = await piped('run', 'Order intake');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('cannot run')]);
  });

  it.each([
    ['no file', ['import'], 'Usage'],
    ['a file of something else', ['import', join(ROOT, 'package.json')], 'neither records of runs'],
    ['a file that is not there', ['import', 'nowhere.jsonl'], 'cannot be read'],
    ['a server without a key', ['import', '--source-url', 'http://127.0.0.1:1'], '--source-key'],
  ])('refuses %s, with exit code 2', async (_, args, told) => {
    const ended = await piped(...args);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringContaining(told)]);
  });
});

describe('a server that goes away in the middle of its answer', () => {
  it('is told of, with exit code 2 and what had come by then', async () => {
    const other = await startOtherServer(({ path }, response) => {
      if (path === '/healthz') response.setHeader('content-type', 'application/json').end('{"status":"ok"}');
      else response.write('{"format":"millrun.run/1","id":"first"}\n{"form', () => response.destroy());
    });
    const at = ['--url', other.url, '--key', KEY];
    const exported = await runBinary(['runs', 'export', ...at]);
    expect(exported).toMatchObject({ code: 2, stderr: expect.stringMatching(/^The server went away .*\n$/) });
    expect(exported.stdout).toMatch(/"first"|^$/);
    const listed = await runBinary(['runs', 'list', ...at]);
    expect(listed).toMatchObject({ code: 2, stderr: expect.stringMatching(/^The server went away .*\n$/) });
    await other.stop();
  });
});

describe('millrun doctor', () => {
  it('finds a server that is well, and says what is wrong with one that is not', async () => {
    const { code, screen } = await runOnTerminal(['doctor', '--offline'], env());
    expect([code, screen]).toEqual([0, expect.stringContaining('answers at')]);
    const occupied = {
      MILLRUN_DATA: join(folder, 'new'),
      MILLRUN_PORT: new URL(server.url).port,
      MILLRUN_HOST: '127.0.0.1',
    };
    const models = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' };
    const blobs = {
      ...{ MILLRUN_BLOBS: 's3://blobs', MILLRUN_BLOBS_ENDPOINT: 'http://127.0.0.1:1', MILLRUN_BLOBS_REGION: 'eu' },
      ...{ MILLRUN_BLOBS_ACCESS_KEY: 'a', MILLRUN_BLOBS_SECRET_KEY: 'b' },
    };
    const sick = await runBinary(['doctor'], { ...occupied, ...models, ...blobs });
    const { findings } = JSON.parse(sick.stdout);
    expect(sick.code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'models', state: 'problem', advice: expect.any(String) }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'blobs', state: 'problem', message: expect.stringContaining('cannot be used') }),
    );
    writeFileSync(join(folder, 'file'), '');
    const odd = await runBinary(['doctor', '--text'], { MILLRUN_DATA: join(folder, 'file'), MILLRUN_PORTS: '1' });
    expect([odd.code, odd.stdout]).toEqual([1, expect.stringContaining('did you mean MILLRUN_PORT')]);
  });
});

describe('the other commands', () => {
  it('answer on a terminal as they do in a pipe', async () => {
    const commands = [
      [['config'], 'data ='],
      [['keys', 'list'], 'preset'],
      [['credentials', 'list'], 'NAME'],
      [['search', 'status'], 'search index'],
      [['help', 'runs'], 'millrun runs show <run>'],
      [['completion', 'fish'], 'complete -c millrun'],
    ] as const;
    for (const [args, told] of commands) {
      expect((await runOnTerminal(args, env())).screen).toContain(told);
    }
    expect((await piped('--help')).stdout).toContain('Exit codes');
  });
});
