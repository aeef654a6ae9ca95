import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, renameSync, statSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { type SearchShare, shareText } from '../../domain/search-share.ts';
import { indexFormat, removeIndexFile } from './index-file.ts';
import { indexVersion } from './index-version.ts';
import { SearchIndex } from './search-index.ts';

/** Where snapshots are kept: what they need of a blob store. */
export interface SnapshotShelf {
  /** Keeps the bytes, all of them or none. Overwrites. */
  put(id: string, bytes: Readable): Promise<unknown>;
  /** Null when there is no such blob. */
  open(id: string): Promise<Readable | null>;
  remove(id: string): Promise<void>;
}

/** What a snapshot says of itself, in its first line. */
export interface SnapshotFacts {
  /** Format of the file and what else an index depends on: only one of the same is of any use. */
  readonly format: string;
  /** Position in the event log up to which the index is complete. */
  readonly position: number;
  /** Whose vectors are in it; null: it has none. One that works with another embedder drops them and makes its own. */
  readonly embedder: string | null;
  /** Of the index file. */
  readonly bytes: number;
  /** Of the index file, in hexadecimal. */
  readonly sha256: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * The two places of a share's snapshots, of which the older is overwritten. Facts and index are one blob, so that machines which do so at the same time
 * need not agree on anything: the last one wins whole.
 */
const SLOTS = ['a', 'b'] as const;
type Slot = (typeof SLOTS)[number];

/** Bytes of a first line at most. It has some 300. */
const MAX_FACTS_BYTES = 4096;

/** Pages copied in one step: all, since a step reads one state of the index, and between two steps a writer would make the copy begin anew. */
const ALL_PAGES = 0x7fff_ffff;

/**
 * Events that a snapshot must be ahead of an index that is there: reading so many is a matter of seconds, as fetching hundreds of megabytes is.
 */
const WORTH_FETCHING = 20_000;

/** Snapshots of the index of a share: taken on one machine, started from on another. */
export class Snapshots {
  readonly #shelf: SnapshotShelf;
  readonly #path: string;
  readonly #share: SearchShare;
  readonly #format: string;
  readonly #now: () => number;

  /** @param parts.path of the index file; copies are made beside it */
  constructor(parts: { shelf: SnapshotShelf; path: string; share: SearchShare; now: () => number }) {
    this.#shelf = parts.shelf;
    this.#path = parts.path;
    this.#share = parts.share;
    this.#format = indexFormat(indexVersion(parts.share));
    this.#now = parts.now;
  }

  /** Those that this version can start from, the furthest first. */
  async usable(): Promise<SnapshotFacts[]> {
    return (await this.#usable()).map(({ facts }) => facts);
  }

  /**
   * Takes a snapshot of the index beside its writer, which goes on meanwhile.
   * @throws when the shelf or the disk refuses, or `signal` is given
   */
  async take(signal: AbortSignal): Promise<SnapshotFacts> {
    const copy = `${this.#path}.copy`;
    try {
      removeIndexFile(copy);
      const source = new DatabaseSync(this.#path, { readOnly: true });
      try {
        await backup(source, copy, { rate: ALL_PAGES });
      } finally {
        source.close();
      }
      const opened = SearchIndex.open(copy, this.#meaning(), 'reader');
      if (!('index' in opened)) throw new Error(`The copy of the search index cannot be read: ${opened.reason}`);
      const { position, embedder = null } = opened.index;
      opened.index.close();
      const digest = createHash('sha256');
      await pipeline(createReadStream(copy), digest, { signal });
      const facts: SnapshotFacts = {
        format: this.#format,
        position: Number(position ?? 0),
        embedder,
        bytes: statSync(copy).size,
        sha256: digest.digest('hex'),
        at: this.#now(),
      };
      const slot = await this.#slotToOverwrite();
      const packed = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
      const packing = pipeline(createReadStream(copy), packed, { signal });
      await Promise.all([this.#shelf.put(this.#id(slot), Readable.from(withFirstLine(facts, packed))), packing]);
      return facts;
    } finally {
      removeIndexFile(copy);
    }
  }

  /**
   * Puts the furthest usable snapshot in the place of the index, where it is worth it.
   * @param lastPosition of the event log: a snapshot beyond it is of a store that was there before
   * @param onRefused hears of a snapshot that cannot be used after all
   * @param letGo is called before the index is replaced, which nobody may have open then to write
   * @returns the snapshot; null: the index is as it was
   */
  async restore(
    lastPosition: number,
    onRefused: (facts: SnapshotFacts, reason: string) => void,
    letGo: () => void = () => undefined,
  ): Promise<SnapshotFacts | null> {
    // Of a process that was killed on the way.
    for (const end of ['.copy', '.fetched']) removeIndexFile(this.#path + end);
    const own = this.#ownPosition();
    for (const { slot, facts } of await this.#usable()) {
      if (facts.position > lastPosition || (own !== null && facts.position < own + WORTH_FETCHING)) continue;
      const fetched = `${this.#path}.fetched`;
      try {
        removeIndexFile(fetched);
        const stream = await this.#shelf.open(this.#id(slot));
        if (stream === null) continue;
        const digest = createHash('sha256');
        const digesting = new Transform({
          transform(chunk: Buffer, _, done) {
            digest.update(chunk);
            done(null, chunk);
          },
        });
        await pipeline(
          Readable.from(afterFirstLine(stream)),
          createZstdDecompress(),
          digesting,
          createWriteStream(fetched, { mode: 0o600, flush: true }),
        );
        if (digest.digest('hex') !== facts.sha256) throw new Error('its checksum is another one than it says');
        const opened = SearchIndex.open(fetched, this.#meaning(), 'reader');
        if (!('index' in opened)) throw new Error(opened.reason);
        opened.index.close();
        letGo();
        removeIndexFile(this.#path);
        renameSync(fetched, this.#path);
        return facts;
      } catch (error) {
        onRefused(facts, (error as Error).message);
      } finally {
        removeIndexFile(fetched);
      }
    }
    return null;
  }

  /** Removes them all: nobody shall start from an index that is being built anew for some reason. */
  async forget(): Promise<void> {
    for (const slot of SLOTS) await this.#shelf.remove(this.#id(slot));
  }

  /** Where the index stands that is there; null when there is none that can be used, or nothing in it. */
  #ownPosition(): number | null {
    const opened = SearchIndex.open(this.#path, this.#meaning(), 'reader');
    if (!('index' in opened)) return null;
    const { position } = opened.index;
    opened.index.close();
    return position === null ? null : Number(position);
  }

  async #usable(): Promise<{ slot: Slot; facts: SnapshotFacts }[]> {
    const found: { slot: Slot; facts: SnapshotFacts }[] = [];
    for (const slot of SLOTS) {
      const facts = await this.#facts(slot);
      if (facts?.format === this.#format) found.push({ slot, facts });
    }
    return found.sort((a, b) => b.facts.position - a.facts.position);
  }

  /** That of the older, whatever its format: during an upgrade machines of both versions keep one each. */
  async #slotToOverwrite(): Promise<Slot> {
    const [a, b] = [await this.#facts('a'), await this.#facts('b')];
    if (a === null || b === null) return a === null ? 'a' : 'b';
    return a.at <= b.at ? 'a' : 'b';
  }

  /** Null for what is not there, or says nothing that can be read. */
  async #facts(slot: Slot): Promise<SnapshotFacts | null> {
    const stream = await this.#shelf.open(this.#id(slot));
    if (stream === null) return null;
    try {
      const { line } = await readFirstLine(stream[Symbol.asyncIterator]());
      return line === null ? null : (JSON.parse(line) as SnapshotFacts);
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw error;
    } finally {
      stream.destroy();
    }
  }

  #id(slot: Slot): string {
    return `search-snapshots/${shareText(this.#share).replace('/', '-of-')}/${slot}`;
  }

  #meaning() {
    return { version: indexVersion(this.#share), terms: () => [], vectors: () => undefined };
  }
}

async function* withFirstLine(facts: SnapshotFacts, packed: Readable): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(facts)}\n`);
  yield* packed;
}

async function* afterFirstLine(stream: Readable): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const { rest } = await readFirstLine(chunks);
  yield rest;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}

/** The first line without its end, and what was read beyond it; null: it is longer than any of ours. */
async function readFirstLine(chunks: AsyncIterator<Buffer>): Promise<{ line: string | null; rest: Buffer }> {
  let read = Buffer.alloc(0);
  while (read.length < MAX_FACTS_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    read = Buffer.concat([read, next.value]);
    const end = read.indexOf('\n');
    if (end !== -1) return { line: read.toString('utf8', 0, end), rest: read.subarray(end + 1) };
  }
  return { line: null, rest: read };
}
