import { setTimeout as sleep } from 'node:timers/promises';
import type { Hold } from '../store.ts';
import type { Reads } from './connection.ts';

/** Milliseconds by which sums of fractions may miss a whole number: far more than they do, far less than anyone waits. */
const ROUNDING_MS = 0.001;

const MINUTE_MS = 60_000;

/** What is held by whoever does something that one process does at a time; it is of no workspace. */
const ALONE: Hold = { workspaceId: '', name: 'alone' };

/** Milliseconds that it takes at most, and that others wait for a process that died in it. */
const ALONE_MS = 10_000;

/** Milliseconds between two tries of those who wait. */
const ALONE_LOOK_MS = 50;

/** Keeps a fact under a name unless one is kept already. @returns the one that is kept */
export async function agreedFact(reads: Reads, name: string, value: string): Promise<string> {
  await reads.platformRows('insert into platform_facts (name, value) values ($1, $2) on conflict (name) do nothing', [
    name,
    value,
  ]);
  return (await factOf(reads, name)) ?? value;
}

/** The fact that is kept under a name; null: none. */
export async function factOf(reads: Reads, name: string): Promise<string | null> {
  const [row] = await reads.platformRows('select value from platform_facts where name = $1', [name]);
  return row === undefined ? null : String(row['value']);
}

/** Puts another fact in the place of one. */
export async function replaceFact(reads: Reads, name: string, before: string, value: string): Promise<void> {
  await reads.platformRows('update platform_facts set value = $3 where name = $1 and value = $2', [
    name,
    before,
    value,
  ]);
}

/**
 * Does something while no other process of the same schema does. A hold, and no lock of the server's: a transaction around what reads and writes by
 * itself would take a connection and end with it.
 */
export async function alone<T>(reads: Reads, holder: string, work: () => Promise<T>): Promise<T> {
  while (!(await takeHold(reads, holder, ALONE, ALONE_MS))) await sleep(ALONE_LOOK_MS);
  try {
    return await work();
  } finally {
    // What is not let go ends by itself.
    await endHold(reads, holder, ALONE).catch(() => undefined);
  }
}

/** Takes hold of something, or keeps it. @returns whether this process has it now */
export async function takeHold(reads: Reads, holder: string, { workspaceId, name }: Hold, ms: number) {
  const held = await reads.rows(
    workspaceId,
    `insert into holds as h (workspace_id, name, holder, until) values ($1, $2, $3, clock_ms_1() + $4)
     on conflict (workspace_id, name) do update set holder = excluded.holder, until = excluded.until
     where h.holder = excluded.holder or h.until < clock_ms_1() returning 1 as one`,
    [name, holder, ms],
  );
  return held.length > 0;
}

/** Lets something go that this process holds. */
export async function endHold(reads: Reads, holder: string, { workspaceId, name }: Hold): Promise<void> {
  await reads.rows(workspaceId, 'delete from holds where workspace_id = $1 and name = $2 and holder = $3', [
    name,
    holder,
  ]);
}

/** Clears what processes held that died long ago. */
export async function clearHolds(reads: Reads): Promise<void> {
  await reads.platformRows('delete from holds where until < clock_ms_1() - 86400000');
}

/**
 * Takes a request out of a key's bucket, exactly as if there were one process: the generic cell rate algorithm (ITU-T I.371), in one statement.
 * @returns 0, or the milliseconds after which the next request is taken
 */
export async function takeRequest(reads: Reads, workspaceId: string, keyId: string, perMinute: number) {
  const interval = MINUTE_MS / perMinute;
  const of = [keyId, interval];
  const taken = await reads.rows(
    workspaceId,
    `insert into rate_limits as l (workspace_id, key_id, full_at) values ($1, $2, clock_ms_1() + $3::double precision)
     on conflict (workspace_id, key_id) do update set full_at = greatest(l.full_at + $3, excluded.full_at)
     where l.full_at - (excluded.full_at - $3) + $3 - ${MINUTE_MS} <= ${ROUNDING_MS} returning 1 as one`,
    of,
  );
  if (taken.length > 0) return 0;
  const [row] = await reads.rows(
    workspaceId,
    `select full_at + $3::double precision - clock_ms_1() - ${MINUTE_MS} as wait from rate_limits where workspace_id = $1 and key_id = $2`,
    of,
  );
  // Time has passed since it was refused.
  return Math.max(1, Number(row?.['wait'] ?? 1));
}

/** What changes whenever credentials or model settings of a workspace do. */
export async function credentialsVersion(reads: Reads, workspaceId: string): Promise<string> {
  const [row] = await reads.rows(
    workspaceId,
    `select (select coalesce(md5(string_agg(c.id || c.revision, ' ' order by c.id)), '') from credentials c where c.workspace_id = $1)
       || coalesce((select m.revision from model_settings m where m.workspace_id = $1)::text, '') as version`,
  );
  return String(row?.['version']);
}
