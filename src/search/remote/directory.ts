import type { SearchMember } from '../../domain/search-member.ts';
import { readShare } from '../../domain/search-share.ts';
import type { Store } from '../../store/store.ts';
import type { MemberClient } from './member-client.ts';

/** Which machines for search there are. */
export interface Directory {
  /** Those that were heard of lately. */
  members(): Promise<readonly SearchMember[]>;
}

/** Milliseconds between two announcements of a machine. */
export const ANNOUNCE_MS = 2000;

/** Milliseconds of silence after which a machine counts as gone: some announcements may be late. */
const GONE_MS = 10_000;

/** Milliseconds for which a list of machines is used: a new one waits so long for its first question. */
const LIST_MS = 1000;

/** Milliseconds that a machine that was named by its address has to say what it is. */
const ASK_MS = 2000;

/** Machines that announce themselves in the store. */
export function announcedMembers(store: Store): Directory {
  return kept(async () => {
    const members = await store.searchMembers(GONE_MS);
    // Ids rise with time: of a machine that was killed and is back, the later start counts.
    return [...new Map(members.map((member) => [member.url, member])).values()];
  });
}

/** Machines at given addresses: each is asked what it is. One that does not answer is not there. */
export function membersAt(urls: readonly string[], client: MemberClient): Directory {
  return kept(async () => {
    const asked = await Promise.allSettled(
      urls.map(async (url): Promise<SearchMember> => {
        const { id, share, position, rebuilding } = await client.ask(url, 'status', {}, ASK_MS);
        return { id, url, share: readShare(share), position, rebuilding };
      }),
    );
    return asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  });
}

/** A list that is made once for all who ask within a second. When it cannot be made, the last one goes on. */
function kept(list: () => Promise<SearchMember[]>): Directory {
  let last: { readonly at: number; readonly members: Promise<readonly SearchMember[]> } | undefined;
  return {
    members() {
      const now = performance.now();
      if (last === undefined || now - last.at > LIST_MS) {
        const before = last?.members ?? Promise.resolve([]);
        last = { at: now, members: list().catch(() => before) };
      }
      return last.members;
    },
  };
}
