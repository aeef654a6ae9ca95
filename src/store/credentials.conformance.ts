import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aCredential, modelSettings } from '../../test/support/credentials.ts';
import { type HeldSystem, heldSystem } from '../../test/support/system.ts';
import type { CredentialRecord } from '../domain/credential.ts';
import type { Write } from './change.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

const OURS = 'workspace-ours';
const THEIRS = 'workspace-theirs';

/** What every store promises of credentials and of what a workspace says of models. */
export function describeCredentials(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: credentials`, () => {
    let opened: OpenedStore;
    let store: Store;
    let system: HeldSystem;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      system = heldSystem();
    });
    afterEach(() => opened.dispose());

    const put = (credential: CredentialRecord): Write => ({ kind: 'putCredential', credential });
    const remove = ({ workspaceId, id }: CredentialRecord): Write => ({
      kind: 'removeCredential',
      workspaceId,
      credentialId: id,
    });
    const kept = async (change: Write[]) => expect(await store.commit(change)).toBe('kept');
    const stale = async (change: Write[]) => expect(await store.commit(change)).toBe('stale');
    const made = async (set: Partial<CredentialRecord> = {}): Promise<CredentialRecord> => {
      const credential = aCredential(OURS, system, set);
      await kept([put(credential)]);
      return credential;
    };

    it('come back as they were kept, also after a restart, in the order of their names', async () => {
      expect(await store.hasCredentials()).toBe(false);
      const second = await made({ name: 'shop', hosts: ['api.example.com'] });
      const first = await made({
        ...{ name: 'mail', kind: 'openai', models: ['a', 'b'], lastUsedAt: 7 },
        secrets: { api_key: { sealed: 's1.x.y', ending: 'wxyz' } },
        settings: { base_url: 'https://example.com' },
      });
      store = await opened.reopen();
      expect(await store.listCredentials(OURS)).toEqual([first, second]);
      expect(await store.getCredential(OURS, first.id)).toEqual(first);
      expect(await store.hasCredentials()).toBe(true);
    });

    it('change when nobody else changed them, and keep when they were made and used', async () => {
      const credential = await made();
      await kept([{ kind: 'touchCredential', workspaceId: OURS, credentialId: credential.id, at: 50 }]);
      const changed = { ...credential, name: 'new', createdAt: 1, updatedAt: 9, revision: 2 };
      await kept([put(changed)]);
      const now = { ...changed, createdAt: credential.createdAt, lastUsedAt: 50 };
      expect(await store.getCredential(OURS, credential.id)).toEqual(now);
      for (const revision of [1, 2, 4]) await stale([put({ ...changed, revision })]);
      await kept([{ kind: 'touchCredential', workspaceId: OURS, credentialId: credential.id, at: 40 }]);
      await kept([{ kind: 'touchCredential', workspaceId: OURS, credentialId: 'nothing', at: 60 }]);
      expect(await store.getCredential(OURS, credential.id)).toEqual(now);
    });

    it('have a name that no other of their workspace has', async () => {
      const credential = await made({ name: 'shop' });
      const other = await made({ name: 'mail' });
      await stale([put(aCredential(OURS, system, { name: 'shop' }))]);
      await stale([put({ ...other, name: 'shop', revision: 2 })]);
      await kept([put(aCredential(THEIRS, system, { name: 'shop' }))]);
      const both = [put(aCredential(OURS, system, { name: 'new' })), put(aCredential(OURS, system, { name: 'new' }))];
      expect(await Promise.all(both.map((write) => store.commit([write])))).toEqual(['kept', 'stale']);
      await kept([remove(credential)]);
      await kept([put({ ...other, name: 'shop', revision: 2 })]);
    });

    it('are removed once', async () => {
      const credential = await made();
      await kept([remove(credential)]);
      expect(await store.getCredential(OURS, credential.id)).toBeNull();
      await stale([remove(credential)]);
      await stale([put({ ...credential, revision: 2 })]);
    });

    it('are not seen, changed, used or removed from another workspace', async () => {
      const credential = await made();
      const theirs = { ...credential, workspaceId: THEIRS };
      expect(await store.listCredentials(THEIRS)).toEqual([]);
      expect(await store.getCredential(THEIRS, credential.id)).toBeNull();
      await stale([put({ ...theirs, revision: 2 })]);
      await stale([remove(theirs)]);
      await kept([{ kind: 'touchCredential', workspaceId: THEIRS, credentialId: credential.id, at: 50 }]);
      expect(await store.getCredential(OURS, credential.id)).toEqual(credential);
    });

    it('settings of models belong to a workspace, and change when nobody else changed them', async () => {
      expect(await store.modelSettings(OURS)).toBeNull();
      const first = modelSettings(OURS, {
        prices: { m: { input: '1', output: '2', cachedInput: '0.5' } },
        presets: { cost: ['m', 'n'] },
        defaultModels: ['n'],
      });
      await kept([{ kind: 'putModelSettings', settings: first }]);
      const second = { ...first, defaultModels: [], updatedAt: 9, revision: 2 };
      await kept([{ kind: 'putModelSettings', settings: second }]);
      for (const revision of [1, 2, 4]) await stale([{ kind: 'putModelSettings', settings: { ...first, revision } }]);
      store = await opened.reopen();
      expect(await store.modelSettings(OURS)).toEqual(second);
      expect(await store.modelSettings(THEIRS)).toBeNull();
    });
  });
}
