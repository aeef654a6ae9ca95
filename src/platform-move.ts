import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { OpenedBlobs } from './blobs/blobs.ts';
import { createDiskBlobs } from './blobs/disk/disk-blobs.ts';
import type { Config } from './config/config.ts';
import { blobSettings, openBlobs } from './platform-blobs.ts';
import { isConnectionTrouble } from './store/postgres/connection.ts';
import { openPostgresTables } from './store/postgres/postgres-tables.ts';
import { openSqliteTables } from './store/sqlite/sqlite-tables.ts';
import {
  moveStore,
  type StoreTables,
  TransferRefused,
  type TransferStep,
  type VerifiedTable,
} from './store/transfer.ts';

/** Blobs that are copied at the same time. */
const BLOBS_AT_ONCE = 8;

/** What a move has brought over. */
export interface Moved {
  readonly tables: readonly VerifiedTable[];
  /** null: blobs stayed where they were. */
  readonly blobs: { readonly count: number; readonly bytes: number } | null;
}

/**
 * Moves a store, `sqlite:<folder>` or `postgres://…`, into an empty one. Blobs go from the folder of an embedded store, or the data folder, to where the
 * configuration has blobs on S3, or to the folder of an embedded target.
 * @throws TransferRefused, StoreInUse, NewerSchema, BlobsUnusable
 */
export async function moveEverything(
  from: string,
  to: string,
  config: Config,
  tell: (step: TransferStep) => void,
): Promise<Moved> {
  const opened: { close(): unknown }[] = [];
  const keep = <T extends { close(): unknown }>(one: T): T => {
    opened.push(one);
    return one;
  };
  try {
    const source = keep(await openTables(from, false));
    const target = keep(await openTables(to, true));
    if (source.name === target.name) throw new TransferRefused(`${from} and ${to} are the same store.`);
    const blobs = blobPlaces(from, to, config);
    const there = blobs === null ? null : keep(await openBlobs(blobs.settings, blobs.to));
    const tables = await moveStore(source, target, tell);
    return { tables, blobs: blobs === null || there === null ? null : await moveBlobs(blobs.from, there, tell) };
  } catch (error) {
    if (!isConnectionTrouble(error)) throw error;
    const { message } = error as Error;
    throw new TransferRefused(
      `A store went away or cannot be reached (${message}). What has arrived is kept: give the same command again.`,
    );
  } finally {
    for (const one of opened.reverse()) await one.close();
  }
}

async function openTables(address: string, isTarget: boolean): Promise<StoreTables> {
  if (/^postgres(ql)?:\/\//.test(address)) return openPostgresTables(address);
  const folder = folderOf(address);
  if (folder === null)
    throw new TransferRefused('A store is sqlite:<folder> or postgres://user:password@host/database.');
  const opened = openSqliteTables(folder, isTarget);
  if (opened === null) throw new TransferRefused(`There is no store in ${folder}.`);
  return opened;
}

function folderOf(address: string): string | null {
  const [, folder] = /^sqlite:(?:\/\/)?(.+)$/.exec(address) ?? [];
  return folder === undefined ? null : resolve(folder);
}

/** From where to where blobs go; null when they stay. */
function blobPlaces(from: string, to: string, config: Config) {
  const source = folderOf(from) ?? resolve(config.data);
  const target = folderOf(to) ?? source;
  const settings = blobSettings(config);
  const hasBlobs = existsSync(join(source, 'blobs'));
  return hasBlobs && (settings !== null || target !== source) ? { from: source, to: target, settings } : null;
}

/**
 * Copies what is not there, and holds both lists against each other. Going again passes over what has arrived, since blobs are never changed: each has
 * an id of its own.
 * @throws TransferRefused when they differ in the end
 */
async function moveBlobs(
  folder: string,
  target: OpenedBlobs,
  tell: (step: TransferStep) => void,
): Promise<Exclude<Moved['blobs'], null>> {
  const source = createDiskBlobs(join(folder, 'blobs'));
  const arrived = new Map<string, number>();
  for await (const { id, size } of target.list()) arrived.set(id, size);
  const missing: string[] = [];
  const total = { count: 0, bytes: 0 };
  for await (const { id, size } of source.list()) {
    total.count += 1;
    total.bytes += size;
    if (arrived.get(id) !== size) missing.push(id);
  }
  let done = total.count - missing.length;
  const waiting = missing.values();
  const copy = async () => {
    for (const id of waiting) {
      const { stream, size } = await source.open(id);
      const kept = await target.put(id, stream);
      if (kept.size !== size) throw new TransferRefused(`Blob ${id} has ${size} bytes, and ${kept.size} arrived.`);
      done += 1;
      tell({ doing: 'move', table: 'blobs', rows: done, total: total.count });
    }
  };
  await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, copy));
  for await (const { id, size } of target.list()) arrived.set(id, size);
  for await (const { id, size } of source.list()) {
    if (arrived.get(id) !== size) throw new TransferRefused(`Blob ${id} of ${size} bytes did not arrive. Begin again.`);
  }
  return total;
}
