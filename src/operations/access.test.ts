import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { heldSystem } from '../../test/support/system.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { Access, ensureFirstKey } from './access.ts';

const FIRST = 'mr_first_key_0123456789';
const system = heldSystem();
let folder: string;
let store: Store;
let access: Access;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-access-'));
  store = openSqliteStore(folder);
  access = new Access(store);
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
