import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GREETING } from '../../../test/support/noxus-definitions.ts';
import { runBinary, type SpawnedServer, spawnServer } from '../../../test/support/server.ts';

let folder: string;
let server: SpawnedServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-search-'));
  server = undefined;
});
afterEach(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(): Promise<SpawnedServer> {
  server = await spawnServer({ folder });
  const workflow = await server.client.save(GREETING);
  await server.client.run(workflow.id, { input: { Name: 'Ada' } });
  return server;
}

/** Without a key: the folder's owner needs none. */
const search = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const port = server === undefined ? '9' : new URL(server.url).port;
  return runBinary(['search', ...args], { MILLRUN_DATA: folder, MILLRUN_PORT: port, ...env });
};

describe('millrun search status', () => {
  it('tells that the index is complete, with exit code 0', async () => {
    await serve();
    const told = { code: 0, stdout: 'search index: 1 runs, up to date\n', stderr: '' };
    await expect.poll(() => search(['status'])).toEqual(told);
  });

  it('says that no server runs, with exit code 2', async () => {
    expect(await search(['status'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('No server answers at'),
    });
  });

  it('says which key it needs where the folder is another one', async () => {
    await serve();
    const elsewhere = { MILLRUN_DATA: join(folder, 'elsewhere') };
    const { code, stderr } = await search(['status'], elsewhere);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('MILLRUN_API_KEY') });
    const wrong = await search(['status'], { MILLRUN_API_KEY: 'not_a_key_of_this_server' });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/answered 401.*MILLRUN_API_KEY/) });
  });
});

describe('millrun search rebuild', () => {
  it('has a running server build the index anew, and waits for it when told to', async () => {
    const { client } = await serve();
    expect(await search(['rebuild'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('millrun search status'),
    });
    expect(await search(['rebuild', '--wait'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/search index: 1 runs, up to date\n$/),
      stderr: '',
    });
    expect(await client.post('/v1/runs/search', { query: 'Ada' })).toMatchObject({ total: 1 });
  });

  it('removes the index of a folder that no server uses, and the next start builds it', async () => {
    await serve();
    expect((await search(['status'])).code).toBe(0);
    await server!.end();
    expect(existsSync(join(folder, 'search.db'))).toBe(true);
    expect(await search(['rebuild', '--wait'])).toMatchObject({ code: 0, stdout: expect.stringContaining('removed') });
    expect(existsSync(join(folder, 'search.db'))).toBe(false);
    server = await spawnServer({ folder });
    expect(await server.client.post('/v1/runs/search', { query: 'Ada' })).toMatchObject({ total: 1 });
  });

  it('does not touch a folder that a server owns which it cannot reach', async () => {
    await serve();
    const { code, stderr } = await search(['rebuild'], { MILLRUN_PORT: '9' });
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Another millrun process owns'),
    });
  });

  it('makes no folder where there is none', async () => {
    const data = join(folder, 'nothing');
    expect(await search(['rebuild'], { MILLRUN_DATA: data })).toMatchObject({ code: 2 });
    expect(existsSync(data)).toBe(false);
  });
});

it.each([[[]], [['restart']], [['status', '--wait']]])(
  'millrun search %j is refused with exit code 2',
  async (args) => {
    expect(await search(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/Usage|Unknown option/) });
  },
);
