import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../../../test/support/client.ts';
import { type Ended, runBinary, type SpawnedServer, spawnServer } from '../../../test/support/server.ts';
import { SCOPES } from '../../domain/caller.ts';

let folder: string;
let server: SpawnedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-keys-'));
  server = await spawnServer({ folder });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Without a key: the folder's owner needs none. */
const keys = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runBinary(['keys', ...args], { MILLRUN_DATA: folder, MILLRUN_PORT: new URL(server.url).port, ...env });
const statusOf = async (key: string) => (await new Client(server.url, key).send('GET', '/v1/runs')).status;
const refused = (ended: Ended) => [ended.code, ended.stdout, ended.stderr];

describe('millrun keys', () => {
  it('makes, shows, rotates and revokes a key', async () => {
    const made = await keys(['create', 'night job', '--scopes', 'runs:read,assets:read', '--rate-limit', '60']);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('shown this once') });
    // The key alone, for `KEY=$(millrun keys create …)`.
    const key = made.stdout.trim();
    expect(key).toMatch(/^mr_[0-9a-f]{64}$/);
    expect(await statusOf(key)).toBe(200);

    const listed = await keys(['list']);
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    const [head, first, row] = listed.stdout.split('\n');
    expect(head).toMatch(/^KEY +NAME +LAST USED \(UTC\) +EXPIRES +A MINUTE +ID +SCOPES$/);
    expect(first).toContain('first');
    expect(row).toMatch(
      /^mr_\w{7}… +night job +20\d\d-\d\d-\d\d \d\d:\d\d +never +60 +[0-9a-f-]{36} +runs:read files:read$/,
    );
    expect(listed.stdout).not.toContain(key);

    const rotated = await keys(['rotate', 'night job', '--grace', '1h']);
    expect(rotated).toMatchObject({ code: 0, stderr: expect.stringContaining('is taken until') });
    const next = rotated.stdout.trim();
    expect([await statusOf(key), await statusOf(next)]).toEqual([200, 200]);

    const revoked = await keys(['revoke', next.slice(0, 10)]);
    expect([revoked.code, revoked.stdout]).toEqual([0, `The key "night job" (${next.slice(0, 10)}…) is revoked.\n`]);
    expect([await statusOf(key), await statusOf(next)]).toEqual([401, 401]);
    expect((await keys(['list'])).stdout).not.toContain('night job');
    expect((await keys(['list', '--all'])).stdout).toMatch(/REVOKED.*night job/s);
  });

  it('answers as JSON, and works on the server and with the key that it is given', async () => {
    const admin = await keys(['create', 'admin', '--scopes', 'all', '--expires', '90d', '--json']);
    const told = JSON.parse(admin.stdout);
    expect(told).toMatchObject({ name: 'admin', scopes: [...SCOPES], tenant_admin: true, rate_limit: null });
    expect(Date.parse(told.expires_at) - Date.parse(told.created_at)).toBeGreaterThan(89 * 86_400_000);
    const elsewhere = { MILLRUN_DATA: join(folder, 'elsewhere'), MILLRUN_PORT: '9' };
    const listed = await keys(['list', '--url', `${server.url}/`, '--key', told.value, '--json'], elsewhere);
    expect(JSON.parse(listed.stdout).map(({ name }: { name: string }) => name)).toEqual(['first', 'admin']);
    // The owner's key goes to no server that was named by hand.
    const unnamed = await keys(['list', '--url', server.url]);
    expect(refused(unnamed)).toEqual([2, '', expect.stringContaining('--key')]);
  });
});

describe('millrun keys refuses, with exit code 2,', () => {
  // Keys of the tests before would be others that can make keys.
  beforeAll(async () => {
    for (const { id, name } of JSON.parse((await keys(['list', '--json'])).stdout)) {
      if (name !== 'first') await keys(['revoke', id]);
    }
  });

  it.each([
    ['no server', ['list', '--url', 'http://127.0.0.1:9', '--key', 'x'], 'No server answers at http://127.0.0.1:9'],
    ['a wrong key', ['list', '--key', 'not_a_key_of_this_server'], 'answered 401'],
    ['a key that is not there', ['revoke', 'nobody'], 'There is no key "nobody"'],
    ['the last key that can make others', ['revoke', 'first'], 'last one with the scope admin'],
    ['no scopes', ['create', 'x'], '--scopes'],
    ['a scope that there is not', ['create', 'x', '--scopes', 'runs:raed'], 'Did you mean "runs:read"?'],
    ['an expiry that is none', ['create', 'x', '--scopes', 'runs:read', '--expires', 'soon'], 'ISO 8601'],
    ['a rate limit that is none', ['create', 'x', '--scopes', 'runs:read', '--rate-limit', 'many'], 'whole number'],
    ['a grace that is none', ['rotate', 'first', '--grace', 'long'], '--grace'],
    ['the first key to rotate', ['rotate', 'first'], 'follows from the secret'],
    ['no action', [], 'Usage'],
    ['an action that there is not', ['toString'], 'Usage'],
    ['no key', ['revoke'], 'Usage'],
    ['a flag of another action', ['list', '--force'], "Unknown option '--force'"],
  ])('%s', async (_, args, told) => {
    expect(refused(await keys(args))).toEqual([2, '', expect.stringContaining(told)]);
  });
});
