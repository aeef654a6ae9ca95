import type { SearchMember } from '../../domain/search-member.ts';
import { readShare, shareText } from '../../domain/search-share.ts';
import type { Reads } from './connection.ts';

/** Where processes that answer searches say that they are there. `at`: milliseconds of the database's own clock. */
export const SEARCH_MEMBERS = `
  create table platform_search_members (
    id text primary key, url text not null, share text not null, position bigint not null, rebuilding bigint not null, at bigint not null
  ) with (fillfactor = 50);
`;

/** Milliseconds after which one that is silent is forgotten. Long after nobody asks it any more. */
const FORGOTTEN_MS = 600_000;

/** Clocks of machines differ, and all that matters is how long ago something was said: one clock tells it. */
const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

export async function announce(reads: Reads, { id, url, share, position, rebuilding }: SearchMember): Promise<void> {
  await reads.platformRows(
    `with forgotten as (delete from platform_search_members where at < ${NOW} - $6::bigint and id <> $1)
     insert into platform_search_members as m (id, url, share, position, rebuilding, at) values ($1, $2, $3, $4, $5, ${NOW})
     on conflict (id) do update set url = excluded.url, share = excluded.share, position = excluded.position,
       rebuilding = excluded.rebuilding, at = excluded.at`,
    [id, url, shareText(share), position, rebuilding ? 1 : 0, FORGOTTEN_MS],
  );
}

export async function withdraw(reads: Reads, id: string): Promise<void> {
  await reads.platformRows('delete from platform_search_members where id = $1', [id]);
}

export async function list(reads: Reads, withinMs: number): Promise<SearchMember[]> {
  const found = await reads.platformRows(
    `select * from platform_search_members where at >= ${NOW} - $1::bigint order by id`,
    [withinMs],
  );
  return found.map((row) => ({
    id: row['id'] as string,
    url: row['url'] as string,
    share: readShare(row['share'] as string),
    position: Number(row['position']),
    rebuilding: Number(row['rebuilding']) === 1,
  }));
}
