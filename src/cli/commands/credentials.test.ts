import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OtherServer, sendJson, startOtherServer } from '../../../test/support/http-server.ts';
import { runBinary, type SpawnedServer, spawnServer } from '../../../test/support/server.ts';

const SECRET = 'sk-0123456789abcdef-wxyz';

let folder: string;
let server: SpawnedServer;
let provider: OtherServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-credentials-'));
  server = await spawnServer({ folder, env: { MILLRUN_HTTP_ALLOW: '127.0.0.1' } });
  provider = await startOtherServer(({ headers }, response) =>
    headers['authorization'] === `Bearer ${SECRET}`
      ? sendJson(response, { data: [{ id: 'small' }] })
      : sendJson(response, { error: { message: 'Who are you?' } }, 401),
  );
});
afterAll(async () => {
  await server.stop();
  await provider.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Without a key: the folder's owner needs none. */
const credentials = (args: readonly string[], stdin: string | null = null) => {
  const env = { MILLRUN_DATA: folder, MILLRUN_PORT: new URL(server.url).port };
  return runBinary(['credentials', ...args], env, tmpdir(), stdin);
};

describe('millrun credentials', () => {
  it('sets, lists, tests and removes a credential, whose secret comes from standard input and is not shown', async () => {
    const fields = `base_url=${provider.url}/v1`;
    const made = await credentials(['set', 'mine', '--kind', 'openai', '--fields', fields], `${SECRET}\n`);
    expect([made.code, made.stderr, made.stdout]).toEqual([
      ...[0, '', `The credential "mine" is made: base_url=${provider.url}/v1, api_key set (…wxyz).\n`],
    ]);
    expect(await credentials(['test', 'mine'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('  small\n'),
    });
    const changed = await credentials(['set', 'mine', '--models', 'small, large']);
    expect([changed.code, changed.stdout]).toEqual([0, expect.stringContaining('is changed')]);
    const listed = await credentials(['list']);
    expect(listed.stdout.split('\n')[0]).toMatch(/^NAME +KIND +LAST USED \(UTC\) +ID +FIELDS +FOR$/);
    expect(listed.stdout).toMatch(/mine +openai +never +[0-9a-f-]{36} .*…wxyz\) +small large\n$/);
    const json = JSON.parse((await credentials(['list', '--json'])).stdout);
    expect(json).toMatchObject([{ name: 'mine', models: ['small', 'large'] }]);
    await credentials(['set', 'mine'], 'sk-another-one-that-is-wrong');
    const refused = await credentials(['test', 'mine']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Who are you?')]);
    const resealed = await credentials(['reseal']);
    expect([resealed.code, resealed.stdout]).toEqual([0, '0 credentials are sealed anew, 1 were already.\n']);
    expect((await credentials(['remove', json[0].id])).stdout).toBe('The credential "mine" is removed.\n');
    expect(JSON.parse((await credentials(['list', '--json'])).stdout)).toEqual([]);
  });

  it('takes several secrets as a JSON object', async () => {
    const keys = JSON.stringify({ access_key_id: 'AKIA0123456789ABCDEF', secret_access_key: SECRET });
    const made = await credentials(['set', 'aws', '--kind', 'bedrock', '--fields', 'region=us-east-1', '--json'], keys);
    expect(JSON.parse(made.stdout).fields).toEqual({
      region: { secret: false, value: 'us-east-1' },
      access_key_id: { secret: true, last_characters: 'CDEF' },
      secret_access_key: { secret: true, last_characters: 'wxyz' },
    });
  });

  it.each([
    ['a secret among the arguments', ['set', 'x', '--kind', 'openai', '--fields', `api_key=${SECRET}`], 'is a secret'],
    ['a field that is no pair', ['set', 'x', '--kind', 'openai', '--fields', 'base_url'], 'takes pairs'],
    ['a kind that there is not', ['set', 'x', '--kind', 'opnai'], 'Did you mean openai?'],
    ['a new credential of no kind', ['set', 'x'], 'Say what it is with --kind'],
    ['one without its secret', ['set', 'x', '--kind', 'http_bearer'], 'needs "token"'],
    ['one that is not there', ['remove', 'nobody'], 'There is no credential "nobody"'],
    ['no action', [], 'Usage'],
  ])('refuses %s, with exit code 2', async (_, args, told) => {
    const ended = await credentials(args);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([2, '', expect.stringContaining(told)]);
    expect(ended.stderr).not.toContain(SECRET);
  });
});
