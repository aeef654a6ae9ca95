import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SearchMember } from '../domain/search-member.ts';
import { readShare } from '../domain/search-share.ts';
import type { OpenedStore } from './store.conformance.ts';
import type { Store } from './store.ts';

/** Longer than any of these tests takes. */
const LONG_MS = 3_600_000;

/** What every store promises of the processes that answer searches of others. */
export function describeSearchMembers(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: search members`, () => {
    let opened: OpenedStore;
    let store: Store;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.dispose());

    const member = (id: string, set: Partial<SearchMember> = {}): SearchMember => ({
      id,
      url: `http://${id}:9090`,
      share: readShare('1-4/16'),
      position: 0,
      rebuilding: true,
      ...set,
    });

    it('are listed by their ids as they announced themselves last', async () => {
      await store.announceSearch(member('b'));
      await store.announceSearch(member('a', { share: readShare('16/16') }));
      const later = member('b', { position: 9_007_199_254_740_991, rebuilding: false, url: 'http://elsewhere' });
      await store.announceSearch(later);
      expect(await store.searchMembers(LONG_MS)).toEqual([member('a', { share: readShare('16/16') }), later]);
    });

    it('that have been silent are not listed, by the clock of the store', async () => {
      await store.announceSearch(member('a'));
      expect(await store.searchMembers(-1)).toEqual([]);
      expect(await store.searchMembers(LONG_MS)).toHaveLength(1);
    });

    it('that withdraw are gone at once, and nobody minds that they do so again', async () => {
      await store.announceSearch(member('a'));
      await store.announceSearch(member('b'));
      await store.withdrawSearch('a');
      await store.withdrawSearch('a');
      expect((await store.searchMembers(LONG_MS)).map(({ id }) => id)).toEqual(['b']);
    });
  });
}
