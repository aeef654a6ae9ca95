import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import { type ApiKey, SCOPES, type Scope } from '../domain/caller.ts';
import type { Change } from '../store/change.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { openLog } from '../system/log.ts';
import { Access, ensureFirstKey, isValidKey } from './access.ts';
import { keyRecord } from './key-record.ts';

const FIRST = 'mr_first_key_0123456789';
const TEXT = 'mr_some_key_0123456789';
const log = openLog('silent');
let system: HeldSystem;
let folder: string;
let store: Store;
let access: Access;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-access-'));
  system = heldSystem();
  store = openSqliteStore(folder);
  access = new Access({ store, system, log });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const start = (preset: string | null) => ensureFirstKey(store, system, { first: FIRST, preset });

it('the first key opens the first workspace, at every start the same one', async () => {
  const workspaceId = await start(null);
  expect(await start(null)).toBe(workspaceId);
  expect(await access.callerOf(FIRST)).toMatchObject({ workspaceId, keyName: 'first' });
  expect(await store.listApiKeys(workspaceId)).toHaveLength(1);
});

it('changing the preset key revokes the one before, and setting it back brings it back', async () => {
  await start('preset_key_number_1');
  await start('preset_key_number_2');
  await expect(access.callerOf('preset_key_number_1')).rejects.toThrow('revoked');
  expect(await access.callerOf('preset_key_number_2')).toMatchObject({ keyName: 'preset' });
  await start('preset_key_number_1');
  expect(await access.callerOf('preset_key_number_1')).toMatchObject({ keyName: 'preset' });
  await expect(access.callerOf('preset_key_number_2')).rejects.toThrow('revoked');
  await start(null);
  await expect(access.callerOf('preset_key_number_1')).rejects.toThrow('revoked');
});

it.each([
  ['no key', undefined, 'No API key was given'],
  ['an empty key', '', 'No API key was given'],
  ['a key of somewhere else', 'mr_other', 'not known here'],
])('%s is refused with what to do', async (_, key, told) => {
  await start(null);
  await expect(access.callerOf(key)).rejects.toThrow(told);
});

it('a key is not found in the files of the store', async () => {
  await start('preset_key_number_1');
  const keys = await store.listApiKeys((await store.firstWorkspace())!.id);
  expect(JSON.stringify(keys)).not.toContain('preset_key_number_1');
});

it('the first and the preset key get scopes that came after they were made', async () => {
  const workspaceId = await start(null);
  const [first] = await store.listApiKeys(workspaceId);
  const before: readonly Scope[] = ['runs:read', 'admin'];
  await store.commit([{ kind: 'putApiKey', key: { ...first!, scopes: before, revision: 2 } }]);
  await start(null);
  expect((await access.callerOf(FIRST)).scopes).toEqual(new Set(SCOPES));
  expect((await store.listApiKeys(workspaceId)).map(({ revision }) => revision)).toEqual([3]);
});

it('a first key that was revoked stays so at the next start', async () => {
  const workspaceId = await start(null);
  expect(await isValidKey(store, system, FIRST)).toBe(true);
  const [first] = await store.listApiKeys(workspaceId);
  await store.commit([{ kind: 'putApiKey', key: { ...first!, revokedAt: system.now(), revision: 2 } }]);
  await start(null);
  await expect(access.callerOf(FIRST)).rejects.toMatchObject({ kind: 'unauthenticated' });
  expect(await isValidKey(store, system, FIRST)).toBe(false);
});

it('a key that a caller named "preset" is none of the configuration', async () => {
  const workspaceId = await start(null);
  const about = { id: system.newId(), workspaceId, name: 'preset', scopes: SCOPES, createdAt: system.now() };
  await store.commit([{ kind: 'putApiKey', key: keyRecord(TEXT, { ...about, createdBy: 'somebody' }) }]);
  await start('preset_key_number_1');
  await start(null);
  expect(await access.callerOf(TEXT)).toMatchObject({ keyName: 'preset' });
});

describe('a key', () => {
  async function put(set: Partial<ApiKey> = {}): Promise<ApiKey> {
    const about = { id: system.newId(), workspaceId: 'ours', name: 'a key', scopes: SCOPES, createdAt: system.now() };
    const key = { ...keyRecord(TEXT, about), ...set };
    await store.commit([{ kind: 'putApiKey', key }]);
    return key;
  }
  const lastUse = async ({ id }: ApiKey) => (await store.getApiKey('ours', id))?.lastUsedAt;
  /** Changes are kept in their order: what was submitted before is on disk then. */
  const settled = () => store.commit([]);

  it('opens nothing from the moment on at which it expires', async () => {
    await put({ expiresAt: system.now() + 1000 });
    system.pass(999);
    await access.callerOf(TEXT);
    system.pass(1);
    await expect(access.callerOf(TEXT)).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('expired at 2026-01-01T00:00:01.000Z'),
    });
  });

  it('that was rotated is taken by its former text for the grace, and no longer', async () => {
    const former = { digest: keyRecord(TEXT, await put()).digest, validUntil: system.now() + 1000 };
    const [key] = await store.listApiKeys('ours');
    await store.commit([{ kind: 'putApiKey', key: { ...key!, digest: 'f'.repeat(64), former, revision: 2 } }]);
    system.pass(999);
    expect(await access.callerOf(TEXT)).toMatchObject({ keyId: key!.id });
    system.pass(1);
    await expect(access.callerOf(TEXT)).rejects.toThrow('was rotated');
  });

  it('may ask as often as its rate limit says, and is told when to come again', async () => {
    await put({ rateLimit: 2 });
    await access.callerOf(TEXT);
    await access.callerOf(TEXT);
    const told = { kind: 'too_many', retryAfter: 30, message: expect.stringContaining('2 requests a minute') };
    await expect(access.callerOf(TEXT)).rejects.toMatchObject(told);
    system.pass(29_000);
    await expect(access.callerOf(TEXT)).rejects.toMatchObject({ retryAfter: 1 });
    system.pass(1000);
    await access.callerOf(TEXT);
  });

  it('without a rate limit may ask as often as it likes', async () => {
    await put();
    for (let n = 0; n < 1000; n++) await access.callerOf(TEXT);
  });

  it('says when it was used last, with one write a minute at most', async () => {
    const key = await put();
    const touches: Change[] = [];
    const commit = store.commit.bind(store);
    store.commit = (change) => {
      if (change.some(({ kind }) => kind === 'touchKey')) touches.push(change);
      return commit(change);
    };
    const first = system.now();
    for (let second = 0; second < 60; second++) {
      await access.callerOf(TEXT);
      system.pass(1000);
    }
    await settled();
    expect([touches.length, await lastUse(key)]).toEqual([1, first]);
    await access.callerOf(TEXT);
    await settled();
    expect([touches.length, await lastUse(key)]).toEqual([2, system.now()]);
  });

  it('opens the door also when its use cannot be recorded, and a refused request is no use', async () => {
    const key = await put({ rateLimit: 1 });
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('disk full'));
    await access.callerOf(TEXT);
    store.commit = commit;
    system.pass(59_000);
    await expect(access.callerOf(TEXT)).rejects.toMatchObject({ kind: 'too_many' });
    await settled();
    expect(await lastUse(key)).toBeNull();
  });
});
