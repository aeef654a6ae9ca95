/**
 * A share of the workspaces: of `of` equal partitions those from `first` to `last`, counted from 1.
 *
 * The number of partitions is a power of two, so that shares of different numbers nest: partition 3 of 8 is partitions 3 and 11 of 16, and machines of
 * both can serve side by side while one takes over from the other.
 */
export interface SearchShare {
  readonly first: number;
  readonly last: number;
  readonly of: number;
}

/** All workspaces. */
export const WHOLE_SHARE: SearchShare = { first: 1, last: 1, of: 1 };

/** Partitions at most: far more than anybody has machines, and few enough to look through. */
const MAX_PARTITIONS = 1024;

/** Reads `3/16` or `1-4/16`. @throws Error that says what is allowed */
export function readShare(text: string): SearchShare {
  const [, first = 0, last = first, of = 0] = (/^(\d{1,4})(?:-(\d{1,4}))?\/(\d{1,4})$/.exec(text) ?? []).map((part) =>
    part === undefined ? undefined : Number(part),
  );
  const isPower = of >= 1 && of <= MAX_PARTITIONS && Number.isInteger(Math.log2(of));
  if (!isPower || first < 1 || last < first || last > of)
    throw new Error(
      `takes partitions as 3/16 or 1-4/16, counted from 1, of 1, 2, 4, … or ${MAX_PARTITIONS.toLocaleString('en')}`,
    );
  return { first, last, of };
}

/** What `readShare` reads; one text for each share. */
export function shareText({ first, last, of }: SearchShare): string {
  return `${first === last ? first : `${first}-${last}`}/${of}`;
}

/** The partition of a workspace, from 1: the same on every machine and in every version. */
export function partitionOf(workspaceId: string, of: number): number {
  return (hash(workspaceId) % of) + 1;
}

/** Whether a share has a workspace in it. */
export function holds({ first, last, of }: SearchShare, workspaceId: string): boolean {
  const partition = partitionOf(workspaceId, of);
  return partition >= first && partition <= last;
}

/** Partitions that none of some shares holds, of the largest number that any of them counts by. */
export function partitionsWithout(shares: readonly SearchShare[]): {
  readonly partitions: number[];
  readonly of: number;
} {
  const of = Math.max(1, ...shares.map((share) => share.of));
  const partitions = Array.from({ length: of }, (_, place) => place + 1).filter(
    (partition) =>
      !shares.some((share) => {
        const own = ((partition - 1) % share.of) + 1;
        return own >= share.first && own <= share.last;
      }),
  );
  return { partitions, of };
}

/**
 * FNV-1a over the UTF-16 code units, then the finish of MurmurHash3, without which the low bits of ids that rise would follow a pattern
 * (http://www.isthe.com/chongo/tech/comp/fnv/, https://github.com/aappleby/smhasher).
 */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
