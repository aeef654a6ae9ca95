import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import { type Caller, SCOPE_ALIASES, SCOPES, type Scope } from '../domain/caller.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { openLog } from '../system/log.ts';
import { Access, ensureFirstKey } from './access.ts';
import { Keys, type NewKey } from './keys.ts';

const FIRST = 'mr_first_key_0123456789';
const log = openLog('silent');
let system: HeldSystem;
let folder: string;
let store: Store;
let access: Access;
let keys: Keys;
/** The holder of the first key. */
let owner: Caller;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-keys-'));
  system = heldSystem();
  store = openSqliteStore(folder);
  access = new Access({ store, system, log });
  keys = new Keys({ store, system, log });
  await ensureFirstKey(store, system, { first: FIRST, preset: null });
  owner = await access.callerOf(FIRST);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const wanted = (set: Partial<NewKey> = {}): NewKey => ({
  ...{ name: 'ci', scopes: ['runs:read'], expiresAt: null, rateLimit: null },
  ...set,
});
const make = (set: Partial<NewKey> = {}, by = owner) => keys.create(by, wanted(set));
/** A caller with a key of its own. */
const callerWith = async (...scopes: readonly Scope[]) => access.callerOf((await make({ scopes })).text);

describe('a new key', () => {
  it('opens what its scopes say, and says who made it and what bounds it', async () => {
    const expiresAt = system.now() + 60_000;
    const { key, text } = await make({ scopes: ['runs:read', 'runs:create', 'runs:read'], expiresAt, rateLimit: 60 });
    expect(text).toMatch(/^mr_[0-9a-f]{64}$/);
    expect(key).toMatchObject({
      name: 'ci',
      prefix: text.slice(0, 10),
      createdBy: owner.keyId,
      expiresAt,
      rateLimit: 60,
    });
    const caller = await access.callerOf(text);
    expect(caller).toMatchObject({ keyId: key.id, workspaceId: owner.workspaceId });
    expect([...caller.scopes]).toEqual(['runs:create', 'runs:read']);
    expect(await keys.get(owner, key.id)).toEqual(key);
  });

  it('is in no file, but for its first characters', async () => {
    const { text } = await make();
    const files = ['millrun.db', 'millrun.db-wal'].map((name) => readFileSync(join(folder, name), 'latin1')).join();
    expect([files.includes(text), files.includes(text.slice(10)), files.includes(text.slice(0, 10))]).toEqual([
      ...[false, false, true],
    ]);
  });

  it('takes the words of Runflow for scopes that have another name here', async () => {
    const { key } = await make({ scopes: Object.keys(SCOPE_ALIASES) });
    expect(key.scopes).toEqual(['workflows:read', 'files:read', 'files:write']);
  });

  it('is refused with all that is wrong at once', async () => {
    const given = { name: ' ', scopes: ['runs:raed', 'admin', 'nothing of the kind'], expiresAt: system.now() };
    await expect(make(given)).rejects.toMatchObject({
      kind: 'invalid',
      problems: [
        { at: ['body', 'scopes', 0], message: expect.stringContaining('Did you mean "runs:read"?') },
        { at: ['body', 'scopes', 2], message: expect.stringContaining('comfyui-workflows:read') },
        { at: ['body', 'name'] },
        { at: ['body', 'expires_at'], message: expect.stringContaining('2026-01-01T00:00:00.000Z') },
      ],
    });
    await expect(make({ scopes: [] })).rejects.toThrow('Give at least one');
    expect(await keys.list(owner, { ended: true })).toHaveLength(1);
  });

  it('never has a scope that its maker lacks, by any word for it', async () => {
    const admin = await callerWith('admin', 'files:read');
    await expect(make({ scopes: ['assets:edit', 'files:read'] }, admin)).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('lacks files:write and'),
    });
    expect((await make({ scopes: ['assets:read', 'admin'] }, admin)).key.scopes).toEqual(['files:read', 'admin']);
  });
});

describe('a rotated key', () => {
  it('keeps its id and its bounds, and its former text for the grace', async () => {
    const { key, text } = await make({ rateLimit: 5 });
    const rotated = await keys.rotate(owner, key.id, { graceMs: 1000 });
    expect(rotated.key).toMatchObject({
      id: key.id,
      rateLimit: 5,
      scopes: key.scopes,
      prefix: rotated.text.slice(0, 10),
    });
    expect((await access.callerOf(text)).keyId).toBe(key.id);
    expect((await access.callerOf(rotated.text)).keyId).toBe(key.id);
    system.pass(1000);
    await expect(access.callerOf(text)).rejects.toThrow('was rotated');
    expect((await access.callerOf(rotated.text)).keyId).toBe(key.id);
  });

  it('without a grace is opened by its new text alone, at once', async () => {
    const { key, text } = await make();
    const rotated = await keys.rotate(owner, key.id, { graceMs: 0 });
    await expect(access.callerOf(text)).rejects.toMatchObject({ kind: 'unauthenticated' });
    await access.callerOf(rotated.text);
  });

  it('has one former text at most', async () => {
    const { key, text } = await make();
    const second = await keys.rotate(owner, key.id, { graceMs: 10_000 });
    await keys.rotate(owner, key.id, { graceMs: 10_000 });
    await expect(access.callerOf(text)).rejects.toMatchObject({ kind: 'unauthenticated' });
    await access.callerOf(second.text);
  });

  it('shares its rate limit between both texts', async () => {
    const { key, text } = await make({ rateLimit: 1 });
    const rotated = await keys.rotate(owner, key.id, { graceMs: 10_000 });
    await access.callerOf(text);
    await expect(access.callerOf(rotated.text)).rejects.toMatchObject({ kind: 'too_many' });
  });

  it('is none of a caller who would gain scopes by it', async () => {
    const admin = await callerWith('admin');
    const { key } = await make({ scopes: ['runs:read', 'admin'] });
    await expect(keys.rotate(admin, key.id, { graceMs: 0 })).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('is none that has ended, and none whose text the platform does not choose', async () => {
    const revoked = await make();
    await keys.revoke(owner, revoked.key.id, { force: false });
    const expired = await make({ expiresAt: system.now() + 1 });
    system.pass(1);
    const cases = [
      [revoked.key.id, 'is revoked'],
      [expired.key.id, 'is expired'],
      [owner.keyId, 'follows from the secret'],
    ] as const;
    for (const [id, told] of cases) {
      const refusal = { kind: 'conflict', message: expect.stringContaining(told) };
      await expect(keys.rotate(owner, id, { graceMs: 0 })).rejects.toMatchObject(refusal);
    }
  });
});

describe('a revoked key', () => {
  it('opens nothing from then on, by either of its texts, and stays to be looked at', async () => {
    const { key, text } = await make();
    const { text: next } = await keys.rotate(owner, key.id, { graceMs: 10_000 });
    await keys.revoke(owner, key.id, { force: false });
    for (const one of [text, next])
      await expect(access.callerOf(one)).rejects.toMatchObject({ kind: 'unauthenticated' });
    expect(await keys.get(owner, key.id)).toMatchObject({ revokedAt: system.now() });
    system.pass(5);
    expect(await keys.revoke(owner, key.id, { force: false })).toMatchObject({ revokedAt: system.now() - 5 });
  });

  it('is never the last one that can make others, unless that is forced', async () => {
    const refusal = { kind: 'conflict', message: expect.stringContaining('last one with the scope admin') };
    await expect(keys.revoke(owner, owner.keyId, { force: false })).rejects.toMatchObject(refusal);
    // One that has ended is no other.
    await make({ scopes: ['admin'], expiresAt: system.now() + 1 });
    system.pass(1);
    await expect(keys.revoke(owner, owner.keyId, { force: false })).rejects.toMatchObject(refusal);
    const heir = await callerWith('admin');
    await keys.revoke(owner, owner.keyId, { force: false });
    await keys.revoke(heir, heir.keyId, { force: true });
    expect(await store.listApiKeys(owner.workspaceId)).toSatisfy((all) => all.length === 3);
    expect(await keys.list(heir, { ended: false })).toEqual([]);
  });

  it('is not the preset one, which would be there again at the next start', async () => {
    await ensureFirstKey(store, system, { first: FIRST, preset: 'preset_key_number_1' });
    const preset = await access.callerOf('preset_key_number_1');
    for (const act of [
      keys.revoke(preset, preset.keyId, { force: true }),
      keys.rotate(preset, preset.keyId, { graceMs: 0 }),
    ])
      await expect(act).rejects.toMatchObject({
        kind: 'conflict',
        message: expect.stringContaining('MILLRUN_API_KEY'),
      });
  });

  it('stays revoked when it is rotated at the same time', async () => {
    for (let round = 0; round < 20; round++) {
      const { key } = await make();
      const both = [
        () => keys.revoke(owner, key.id, { force: false }),
        () => keys.rotate(owner, key.id, { graceMs: 0 }).catch(() => null),
      ];
      await Promise.all((round % 2 ? both : both.toReversed()).map((act) => act()));
      expect((await keys.get(owner, key.id)).revokedAt).not.toBeNull();
    }
  });
});

it('the list shows keys that open something, and with a word also those that ended', async () => {
  await make({ name: 'stays' });
  const { key } = await make({ name: 'goes' });
  await make({ name: 'fades', expiresAt: system.now() + 1 });
  await keys.revoke(owner, key.id, { force: false });
  system.pass(1);
  const names = async (ended: boolean) => (await keys.list(owner, { ended })).map(({ name }) => name);
  expect(await names(false)).toEqual(['first', 'stays']);
  expect(await names(true)).toEqual(['first', 'stays', 'goes', 'fades']);
});

it('nothing here is for a caller without the scope admin, or of another workspace', async () => {
  const { key } = await make();
  const powerless = await callerWith(...SCOPES.filter((scope) => scope !== 'admin'));
  const stranger: Caller = { ...owner, workspaceId: 'elsewhere' };
  const acts: ((by: Caller) => Promise<unknown>)[] = [
    (by) => keys.get(by, key.id),
    (by) => keys.rotate(by, key.id, { graceMs: 0 }),
    (by) => keys.revoke(by, key.id, { force: true }),
  ];
  for (const act of acts) {
    await expect(act(powerless)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(act(stranger)).rejects.toMatchObject({ kind: 'not_found' });
  }
  await expect(make({}, powerless)).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(keys.list(powerless, { ended: true })).rejects.toMatchObject({ kind: 'forbidden' });
  expect(await keys.list(stranger, { ended: true })).toEqual([]);
  expect(await keys.get(owner, key.id)).toEqual(key);
});
