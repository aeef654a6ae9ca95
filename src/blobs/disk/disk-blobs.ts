import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { wordsOfId } from '../blob-id.ts';
import { BlobMissing, type Blobs } from '../blobs.ts';

/** Suffix of a file that is still being written. No id ends in it: `~` is not allowed in ids. */
const UNFINISHED = '~new';

/**
 * Blobs as files below one folder, by their ids. A blob appears whole or not at all: its bytes are written beside it and synced, the
 * file is renamed, and the folder is synced so that the name survives a power cut too.
 *
 * Ids carry a run's or file's own id as a folder, so that no folder grows beyond what one run writes; current file systems index
 * large folders by hash, so that nothing is gained by sharding further.
 */
export function createDiskBlobs(folder: string): Blobs {
  return {
    async put(id, bytes) {
      const path = blobPath(folder, id);
      await makeFolder(dirname(path));
      const unfinished = `${path}.${randomUUID()}${UNFINISHED}`;
      try {
        const size = await writeSynced(unfinished, bytes);
        await rename(unfinished, path);
        await syncFolder(dirname(path));
        return { size };
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    },

    async get(id) {
      const path = blobPath(folder, id);
      return readFile(path).catch((error) => Promise.reject(missing(error, id)));
    },

    async open(id) {
      const file = await open(blobPath(folder, id)).catch((error) => Promise.reject(missing(error, id)));
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw new BlobMissing(id);
        return { stream: file.createReadStream(), size: stats.size };
      } catch (error) {
        await file.close();
        throw error;
      }
    },

    async remove(idOrPrefix) {
      if (idOrPrefix.endsWith('/')) {
        await rm(blobPath(folder, idOrPrefix.slice(0, -1)), { recursive: true, force: true });
        return;
      }
      await unlink(blobPath(folder, idOrPrefix)).catch((error) => {
        if (!isMissing(error)) throw error;
      });
    },

    list: (after = '') => listBelow(folder, '', after),

    direct: null,
  };
}

/** @throws Error when the id is not one that this port allows: it could name a file outside the folder. */
function blobPath(folder: string, id: string): string {
  return resolve(folder, ...wordsOfId(id));
}

/** What lies below a folder, by code point of the whole id. What is still being written is nothing yet. */
async function* listBelow(
  folder: string,
  prefix: string,
  after: string,
): AsyncGenerator<{ readonly id: string; readonly size: number }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  // As an id goes on with "/" below a folder, "a.b" comes before what is in the folder "a".
  const named = entries.map((entry) => ({ entry, key: `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}` }));
  for (const { entry, key } of named.sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (entry.isDirectory()) {
      if (key > after || after.startsWith(key)) yield* listBelow(join(folder, entry.name), key, after);
    } else if (key > after && !key.endsWith(UNFINISHED)) {
      const stats = await stat(join(folder, entry.name)).catch(() => null);
      if (stats !== null) yield { id: key, size: stats.size };
    }
  }
}

async function writeSynced(path: string, bytes: Uint8Array | Readable): Promise<number> {
  const file = await open(path, 'wx');
  try {
    const size = bytes instanceof Uint8Array ? await writeAll(file, bytes) : await writeStream(file, bytes);
    await file.datasync();
    return size;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<number> {
  await file.writeFile(bytes);
  return bytes.byteLength;
}

async function writeStream(file: FileHandle, stream: Readable): Promise<number> {
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += await writeAll(file, bytes);
  }
  return size;
}

/** Makes a folder and those above it, and syncs each that got a new entry: a new folder's name is its parent's to keep. */
async function makeFolder(path: string): Promise<void> {
  const topmost = await mkdir(path, { recursive: true });
  if (topmost === undefined) return;
  for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  // A word of the id that is a file, or the whole id being a folder, means the same: no such blob.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EPERM';
}

function missing(error: unknown, id: string): unknown {
  return isMissing(error) ? new BlobMissing(id) : error;
}
