import { Readable } from 'node:stream';
import { v7 } from 'uuid';
import { BlobMissing, type Blobs } from '../../src/blobs/blobs.ts';
import type { System } from '../../src/system/system.ts';

/** A System that stands still until a test moves it. */
export interface HeldSystem extends System {
  /** Moves time on by `ms` milliseconds. */
  pass(ms: number): void;
}

/** 2026-01-01T00:00:00Z: where held time begins. */
const HELD_START = Date.UTC(2026, 0, 1);

/** Time, ids and chance held still: the same calls give the same answers in every run of a test. Ids sort in the order they were made. */
export function heldSystem(start: number = HELD_START): HeldSystem {
  let now = start;
  let ids = 0;
  const random = new Uint8Array(16);
  return {
    now: () => now,
    elapsed: () => now - start,
    newId: () => v7({ msecs: now, seq: ids++, random }),
    random: () => 0.5,
    pass: (ms) => {
      now += ms;
    },
  };
}

/** Blobs kept in memory, for tests of rooms above the blobs; `ids` lists what is there. */
export function memoryBlobs(): Blobs & { ids(): string[] } {
  const kept = new Map<string, Buffer>();
  const get = async (id: string): Promise<Buffer> => {
    const bytes = kept.get(id);
    if (bytes === undefined) throw new BlobMissing(id);
    return bytes;
  };
  return {
    async put(id, bytes) {
      const whole = bytes instanceof Uint8Array ? Buffer.from(bytes) : Buffer.concat(await bytes.toArray());
      kept.set(id, whole);
      return { size: whole.length };
    },
    get,
    async open(id) {
      const bytes = await get(id);
      return { stream: Readable.from([bytes]), size: bytes.length };
    },
    async remove(idOrPrefix) {
      for (const id of kept.keys())
        if (id === idOrPrefix || (idOrPrefix.endsWith('/') && id.startsWith(idOrPrefix))) kept.delete(id);
    },
    async *list(after = '') {
      for (const id of [...kept.keys()].sort()) if (id > after) yield { id, size: kept.get(id)?.length ?? 0 };
    },
    direct: null,
    ids: () => [...kept.keys()],
  };
}
