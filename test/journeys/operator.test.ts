import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startOtherServer } from '../support/http-server.ts';
import { edge, GREETING, http, output } from '../support/noxus-definitions.ts';
import { runBinary, type SpawnedServer, spawnServer } from '../support/server.ts';

let folder: string;
let servers: SpawnedServer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-operator-'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(env: Readonly<Record<string, string>> = {}): Promise<SpawnedServer> {
  const server = await spawnServer({ folder, env });
  servers.push(server);
  return server;
}

describe('millrun serve', () => {
  it('keeps everything over a restart, shows the same key, and ends with 0 at SIGTERM', async () => {
    const first = await serve();
    expect(first.key).toMatch(/^mr_[0-9a-f]{64}$/);
    const workflow = await first.client.save(GREETING);
    const run = await first.client.run(workflow.id, { input: { Name: 'Ada' } });
    expect(await first.end()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Deprecat') });
    const second = await serve();
    expect(second.key).toBe(first.key);
    expect(await second.client.get(`/v1/workflows/${workflow.id}`)).toMatchObject({ runs_count: 1, name: 'Test' });
    expect(await second.client.get(`/v1/workflows/${workflow.id}/runs/${run.id}`)).toEqual(run);
    // The secret that keys are made from is for its owner only.
    expect(statSync(join(folder, 'secret.key')).mode & 0o077).toBe(0);
  });

  it('lets what runs come to its end before it stops', async () => {
    let answer = () => {};
    const slow = await startOtherServer((_, response) => {
      answer = () => response.end('late');
    });
    const server = await serve({ MILLRUN_HTTP_ALLOW: '127.0.0.1' });
    const workflow = await server.client.save({
      nodes: [http('call', slow.url), output('out', 'Body')],
      edges: [edge('call::body', 'out::input')],
    });
    const run = await server.client.post(`/v1/workflows/${workflow.id}/runs`, { input: {} });
    await slow.got(1);
    const ending = server.end();
    answer();
    expect((await ending).code).toBe(0);
    await slow.stop();
    const next = await serve();
    const ended = await next.client.until(workflow.id, run.id, ['completed']);
    expect(ended.output).toEqual({ Body: 'late' });
    expect(slow.received).toHaveLength(1);
  });

  it('refuses a folder that another server owns, and says what to do', async () => {
    // Where the folder holds the store: a shared one has room for both.
    await serve({ MILLRUN_STORE: '' });
    const second = await runBinary(['serve', '--data', folder, '--port', '0']);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`Another millrun process owns ${folder}`);
    expect(second.stderr).not.toContain('    at ');
  });

  it('refuses a port that is taken, a folder that is a file and a damaged secret, each in a sentence', async () => {
    const first = await serve();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const damaged = join(folder, 'damaged');
    const port = new URL(first.url).port;
    const taken = await runBinary(['serve', '--data', damaged, '--port', port]);
    expect(taken).toMatchObject({ code: 2, stderr: expect.stringContaining('MILLRUN_PORT') });
    writeFileSync(join(damaged, 'secret.key'), 'oops');
    for (const data of [file, damaged]) {
      const refused = await runBinary(['serve', '--data', data, '--port', '0']);
      expect([refused.code, refused.stderr.includes('\n    at ')]).toEqual([2, false]);
      expect(refused.stderr).toContain(data);
    }
  });
});

describe('the command on the Node that the machine has', () => {
  /** The first Node of the machine that did not come with the package; where there is none, the one that did. */
  const own =
    (process.env['PATH'] ?? '')
      .split(delimiter)
      .filter((directory) => !directory.includes('node_modules'))
      .map((directory) => join(directory, 'node'))
      .find((path) => existsSync(path)) ?? process.execPath;

  it('serves, however old that is, and ends when it is told to', async () => {
    const server = await spawnServer({ folder, node: own });
    servers.push(server);
    expect((await server.client.get('/v1/runs')).total).toBe(0);
    expect(await server.end()).toMatchObject({ code: 0 });
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});

describe('the other commands', () => {
  it('tell what there is with help, and behind a command what it can do', async () => {
    const [help, behind] = await Promise.all([runBinary(['help']), runBinary(['runs', '--help'])]);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: millrun <command>') });
    expect(behind).toMatchObject({ code: 0, stdout: expect.stringContaining('millrun runs show <run>') });
    expect(await runBinary(['help', 'runs'])).toEqual(behind);
  });

  it('refuse a command that there is not, and guess which was meant', async () => {
    const answer = await runBinary(['confg']);
    expect(answer).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toContain('There is no command "confg". Did you mean "config"?');
    expect((await runBinary(['constructor'])).stderr).toContain('There is no command "constructor".');
  });

  it('show every setting with its origin, and secrets by their presence only', async () => {
    writeFileSync(join(folder, 'millrun.json'), JSON.stringify({ port: 1234, drainSeconds: 5 }));
    const env = { MILLRUN_API_KEY: 'a_very_secret_key_1', OPENAI_API_KEY: 'sk-very-secret', MILLRUN_PORT: '2345' };
    const { code, stdout } = await runBinary(['config', '--log-level', 'warn'], env, folder);
    expect(code).toBe(0);
    expect(stdout).toContain('port = 2345\n    from environment MILLRUN_PORT');
    expect(stdout).toContain('drainSeconds = 5\n    from file millrun.json');
    expect(stdout).toContain('logLevel = "warn"\n    from flag --log-level');
    expect(stdout).toContain('host = "127.0.0.1"\n    from default');
    expect(stdout).toContain('apiKey = [set, not shown]');
    expect(stdout).not.toMatch(/very.secret/);
  });

  it('list every mistake of the settings at once', async () => {
    const env = { MILLRUN_PROT: '1', MILLRUN_DRAIN_SECONDS: '-1' };
    const { code, stderr } = await runBinary(['serve', '--port', 'x'], env);
    expect(code).toBe(2);
    expect(stderr).toContain('3 mistakes');
    expect(stderr).toContain('did you mean MILLRUN_PORT');
  });

  it('refuse a flag that there is not', async () => {
    const { code, stderr } = await runBinary(['config', '--prot', '1']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/'--prot'.*millrun config/s);
  });
});
