import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRunStore, type RunStore } from '../../test/support/run-store.ts';
import { SCOPES } from '../domain/caller.ts';
import { openLog } from '../system/log.ts';
import { Access } from './access.ts';
import { keyRecord } from './key-record.ts';
import { Keys } from './keys.ts';
import { SESSION_MS, Sessions } from './sessions.ts';

const KEY = 'mr_session_0123456789';
const DAY_MS = 86_400_000;

describe('a session', () => {
  let opened: RunStore;
  let sessions: Sessions;
  let access: Access;
  let keys: Keys;

  beforeEach(async () => {
    opened = openRunStore();
    const { store, system, workspaceId } = opened;
    const log = openLog('silent');
    access = new Access({ store, system, log });
    keys = new Keys({ store, system, log });
    sessions = new Sessions({ access, system, secret: Buffer.alloc(32, 7) });
    const workspace = { id: workspaceId, name: 'ours', createdAt: system.now() };
    const about = { id: system.newId(), workspaceId, name: 'ours', scopes: SCOPES, createdAt: system.now() };
    await store.commit([
      { kind: 'createWorkspace', workspace },
      { kind: 'putApiKey', key: { ...keyRecord(KEY, about), createdBy: 'somebody' } },
    ]);
  });
  afterEach(() => opened.close());

  const refused = { kind: 'unauthenticated' };

  it('is opened with a key, and has its caller', async () => {
    const { renewed: seal, caller } = await sessions.open(KEY);
    expect(await sessions.callerOf(seal)).toEqual({
      caller,
      expiresAt: opened.system.now() + SESSION_MS,
      renewed: null,
    });
    await expect(sessions.open('mr_unknown_0123456789')).rejects.toMatchObject(refused);
  });

  it('shows nothing of the key in its seal, and is never sealed the same way twice', async () => {
    const [one, two] = [await sessions.open(KEY), await sessions.open(KEY)];
    expect(one.renewed).not.toBe(two.renewed);
    expect(Buffer.from(one.renewed, 'base64url').toString('latin1')).not.toContain('session');
  });

  it('ends 30 days after it was used last, and is prolonged as it is used', async () => {
    const { renewed: seal } = await sessions.open(KEY);
    opened.system.pass(DAY_MS + 1);
    const { renewed } = await sessions.callerOf(seal);
    expect(renewed).not.toBeNull();
    opened.system.pass(SESSION_MS - DAY_MS);
    await expect(sessions.callerOf(seal)).rejects.toMatchObject(refused);
    expect((await sessions.callerOf(renewed!)).caller.keyName).toBe('ours');
    opened.system.pass(SESSION_MS);
    await expect(sessions.callerOf(renewed!)).rejects.toMatchObject(refused);
  });

  it('ends at once with its key: revoked, or given a new text', async () => {
    const { renewed: seal, caller } = await sessions.open(KEY);
    const { text } = await keys.rotate(caller, caller.keyId, { graceMs: 0 });
    await expect(sessions.callerOf(seal)).rejects.toMatchObject(refused);
    const { renewed: anew } = await sessions.open(text);
    await keys.revoke(caller, caller.keyId, { force: true });
    await expect(sessions.callerOf(anew)).rejects.toMatchObject(refused);
  });

  it('is nothing that anybody else can seal, or change a bit of', async () => {
    const { renewed: seal } = await sessions.open(KEY);
    const elsewhere = new Sessions({ access, system: opened.system, secret: Buffer.alloc(32, 8) });
    await expect(elsewhere.callerOf(seal)).rejects.toMatchObject(refused);
    const bytes = Buffer.from(seal, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      await expect(sessions.callerOf(changed.toString('base64url'))).rejects.toMatchObject(refused);
    }
    for (const none of [undefined, '', 'AQ', 'x'.repeat(500)]) {
      await expect(sessions.callerOf(none)).rejects.toMatchObject(refused);
    }
  });
});
