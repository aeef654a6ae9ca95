import { platform, setPriority } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { BlobMissing, type Blobs } from './blobs/blobs.ts';
import { type Payload, referencedBlob } from './domain/payload.ts';
import { holds, readShare } from './domain/search-share.ts';
import { type BlobSettings, openBlobs } from './platform-blobs.ts';
import { openBuiltinEmbedder } from './search/embed/builtin/builtin.ts';
import { cached } from './search/embed/cached.ts';
import { type Embedder, EmbeddingError } from './search/embed/embedder.ts';
import { openLocalEmbedder } from './search/embed/local.ts';
import { EmbedderOnDemand } from './search/embed/on-demand.ts';
import { openOpenAiEmbedder } from './search/embed/openai.ts';
import { projected } from './search/embed/projected.ts';
import { UsageMeter } from './search/embed/usage-meter.ts';
import type { FromReader, FromWriter, ToReader, ToWriter } from './search/service.ts';
import { DamagedIndexError, INDEX_FILE_NAME } from './search/sqlite/index-file.ts';
import { IndexReader } from './search/sqlite/index-reader.ts';
import { IndexWriter } from './search/sqlite/index-writer.ts';
import { type SnapshotShelf, Snapshots } from './search/sqlite/snapshots.ts';
import { DIMENSIONS } from './search/sqlite/vectors.ts';
import { openPostgresRunReader } from './store/postgres/run-reader.ts';
import { openRunReader } from './store/sqlite/run-reader.ts';
import { createGuardedHttp } from './system/guarded-http.ts';

/** Which embedder to open, and with what. */
export type EmbedderSettings =
  | { readonly kind: 'builtin' }
  | {
      readonly kind: 'openai';
      readonly baseUrl: string;
      readonly apiKey: string | null;
      /** `host:port` of `baseUrl`, which may be private. */
      readonly host: string;
      readonly model: string;
      readonly dimensions: number | null;
      /** US dollars for a million tokens. */
      readonly price: string | null;
    }
  | { readonly kind: 'local'; readonly modelsDirectory: string; readonly model: string; readonly download: boolean };

/** What a search thread is given when it starts. */
export interface SearchThreadData {
  readonly role: 'writer' | 'reader';
  readonly folder: string;
  /** Where the store is; in the folder, when it is left out or null. */
  readonly store?: string | null;
  /** Where blobs are; in the folder, when it is left out or null. */
  readonly blobs?: BlobSettings;
  readonly maxCharacters: number;
  readonly embedder: EmbedderSettings;
  /** The partitions whose runs are indexed, as `1-4/16`; all when left out. */
  readonly share?: string;
  /** Milliseconds between two snapshots of the index; none are taken, and none is started from, when it is left out or null. */
  readonly snapshotMs?: number | null;
}

/**
 * Scheduling priority of the thread that indexes (nice, 0 to 19): below requests and runs, so that a busy server is slowed little, and high enough
 * to get a share of a busy processor.
 */
const INDEXING_NICENESS = 5;

/** Milliseconds before a batch that could not be indexed is tried again: a disk may be full. */
const RETRY_MS = 2000;

/** Milliseconds before a snapshot is tried again that could not be taken. */
const SNAPSHOT_RETRY_MS = 60_000;

/** Milliseconds before an embedder that is away is asked again. Whoever searches meanwhile is answered by words at once. */
const REST_MS = 10_000;

/** Milliseconds that somebody who searches waits for an endpoint; there is no second try, as words can answer. */
const QUERY_TIMEOUT_MS = 5000;

// The composition root of the search threads, as platform.ts is of the process.
const data = workerData as SearchThreadData;
const port = parentPort!;
const path = join(data.folder, INDEX_FILE_NAME);
const runs = data.store ? openPostgresRunReader(data.store) : openRunReader(data.folder);
const tell = (message: FromWriter | FromReader) => port.postMessage(message);
const share = readShare(data.share ?? '1/1');
/** Opened by the first large payload that is read, or the first snapshot. */
let blobs: Promise<Blobs> | null = null;
/** The blobs, where payloads that are too large for the store lie, and snapshots. */
const openedBlobs = (): Promise<Blobs> => {
  blobs ??= openBlobs(data.blobs ?? null, data.folder).catch((error) => {
    blobs = null;
    throw error;
  });
  return blobs;
};
const embedder = new EmbedderOnDemand(openEmbedder, REST_MS);

async function openEmbedder(): Promise<Embedder> {
  const settings = data.embedder;
  if (settings.kind === 'builtin') return openBuiltinEmbedder();
  if (settings.kind === 'local') return projected(await openLocalEmbedder(settings), DIMENSIONS);
  const { baseUrl, apiKey, host, model, dimensions, price } = settings;
  const meter = new UsageMeter((facts) => {
    tell({
      kind: 'note',
      level: 'info',
      message: 'search: tokens used for embeddings',
      facts: { ...facts, for: data.role },
    });
  });
  const opened = await openOpenAiEmbedder({
    baseUrl,
    model,
    ...(apiKey === null ? {} : { apiKey }),
    ...(dimensions === null ? {} : { dimensions, shorten: true }),
    ...(price === null ? {} : { pricePerMillionTokens: Number(price) }),
    ...(data.role === 'reader' ? { timeout: QUERY_TIMEOUT_MS, retries: 0 } : {}),
    fetch: createGuardedHttp({ allow: [host] }).fetch,
    onUsage: (usage) => meter.add(usage),
  });
  return projected(opened, DIMENSIONS);
}

async function readPayload(payload: Payload): Promise<string | null> {
  const reference = referencedBlob(payload);
  if (reference === null) return payload;
  try {
    const blobs = await openedBlobs();
    return (await blobs.get(reference.blobId)).toString('utf8');
  } catch (error) {
    if (error instanceof BlobMissing) return null;
    throw error;
  }
}

/** What snapshots need of the blobs. */
const shelf: SnapshotShelf = {
  put: async (id, bytes) => (await openedBlobs()).put(id, bytes),
  remove: async (id) => (await openedBlobs()).remove(id),
  async open(id) {
    try {
      return (await (await openedBlobs()).open(id)).stream;
    } catch (error) {
      if (error instanceof BlobMissing) return null;
      throw error;
    }
  },
};

const note = (level: 'info' | 'warn', message: string, facts: object) => tell({ kind: 'note', level, message, facts });

/** Starts from the furthest snapshot, if it is far beyond the index that is there. Where that fails the log is read. */
async function startFromSnapshot(snapshots: Snapshots, letGo?: () => void): Promise<void> {
  try {
    const onRefused = (facts: object, reason: string) =>
      note('warn', 'search: a snapshot of the index cannot be used', { ...facts, reason });
    const started = await snapshots.restore(runs.lastPosition(), onRefused, letGo);
    if (started !== null) note('info', 'search: the index starts from a snapshot', started);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    note('warn', 'search: snapshots of the index cannot be reached; it is built from the log', { reason });
  }
}

/** Follows the log into the index, and brings vectors after it, for as long as the thread lives. */
async function write(): Promise<void> {
  // On Linux 0 means this thread; elsewhere it means the process, which is to be left alone.
  if (platform() === 'linux') setPriority(0, INDEXING_NICENESS);
  const { snapshotMs = null } = data;
  const snapshots = snapshotMs === null ? null : new Snapshots({ shelf, path, share, now: Date.now });
  if (snapshots !== null) await startFromSnapshot(snapshots);
  const writer = new IndexWriter({
    path,
    reader: runs,
    embedder,
    atOnce: data.embedder.kind === 'builtin',
    readPayload,
    maxCharacters: data.maxCharacters,
    onCut: (run) => port.postMessage({ kind: 'cut', ...run } satisfies FromWriter),
    share,
  });
  let rebuilding = writer.fresh;
  let renewed = writer.fresh;
  let generation = 0;
  const troubles = { text: null as string | null, vectors: null as string | null };

  const report = () => {
    tell({
      kind: 'at',
      position: writer.position,
      indexedRuns: writer.documents,
      totalRuns: rebuilding ? countRuns() : 0,
      rebuilding,
      runsWithoutVectors: writer.waiting,
      trouble: troubles.text ?? troubles.vectors,
      renewed,
      generation,
    });
    renewed = false;
  };
  const restart = () => {
    writer.restart();
    rebuilding = true;
    renewed = true;
  };
  /** What a damaged index waits for before the log is read again. */
  let fetching: Promise<void> = Promise.resolve();
  const repair = () => {
    restart();
    if (snapshots === null) return;
    fetching = startFromSnapshot(snapshots, () => writer.close()).then(() => {
      writer.reopen();
      renewed = true;
    });
  };
  /** Tells of a trouble when it begins and when it ends, and not with every try. */
  const setTrouble = (of: 'text' | 'vectors', trouble: string | null) => {
    if (troubles[of] === trouble) return;
    troubles[of] = trouble;
    const what = of === 'text' ? 'search: runs' : 'search: vectors of runs';
    if (trouble === null) tell({ kind: 'note', level: 'info', message: `${what} are indexed again`, facts: {} });
    else
      tell({
        kind: 'note',
        level: 'warn',
        message: `${what} cannot be indexed and are tried again`,
        facts: { trouble },
      });
    report();
  };
  const recover = (error: unknown, of: 'text' | 'vectors') => {
    if (error instanceof DamagedIndexError) repair();
    else setTrouble(of, error instanceof Error ? error.message : String(error));
    return error instanceof DamagedIndexError ? 0 : error instanceof EmbeddingError ? REST_MS : RETRY_MS;
  };

  const followText = inTurn(
    async () => {
      await fetching;
      while (await writer.step()) report();
      if (rebuilding && writer.documents > 0) writer.optimize();
      rebuilding = false;
      setTrouble('text', null);
      report();
      followVectors();
      takeSnapshot();
    },
    (error) => recover(error, 'text'),
  );

  const stopping = new AbortController();
  let taking: Promise<unknown> = Promise.resolve();
  /** Epoch milliseconds before which no snapshot is due, whoever takes it. */
  let dueAt = 0;
  const takeSnapshot = inTurn(
    async () => {
      if (snapshots === null || snapshotMs === null || stopping.signal.aborted) return;
      if (rebuilding || writer.position === 0 || Date.now() < dueAt) return;
      // Another machine of the share may have taken one.
      dueAt = (await snapshots.usable()).reduce((at, facts) => Math.max(at, facts.at), 0) + snapshotMs;
      if (Date.now() < dueAt) return;
      dueAt = Date.now() + snapshotMs;
      taking = snapshots.take(stopping.signal);
      note('info', 'search: a snapshot of the index was taken', (await taking) as object);
    },
    (error) => {
      const reason = error instanceof Error ? error.message : String(error);
      dueAt = 0;
      if (!stopping.signal.aborted) note('warn', 'search: a snapshot of the index could not be taken', { reason });
      return SNAPSHOT_RETRY_MS;
    },
  );

  const followVectors = inTurn(
    async () => {
      const onRefused = (run: string, { message }: Error) => {
        tell({
          kind: 'note',
          level: 'warn',
          message: 'search: a run is found by its words alone',
          facts: { run, reason: message },
        });
      };
      while (await writer.embedWaiting(onRefused)) report();
      setTrouble('vectors', null);
    },
    (error) => {
      const wait = recover(error, 'vectors');
      if (error instanceof DamagedIndexError) followText();
      return wait;
    },
  );

  port.on('message', (message: ToWriter) => {
    if (message.kind === 'stop') {
      // Copies are removed by those who make them.
      stopping.abort();
      void taking.then(
        () => process.exit(),
        () => process.exit(),
      );
      return;
    }
    generation = message.generation;
    if (message.kind === 'repair') repair();
    if (message.kind === 'rebuild') {
      restart();
      snapshots?.forget().catch((error: Error) => {
        note('warn', 'search: snapshots of an index that is built anew could not be removed', {
          reason: error.message,
        });
      });
    }
    followText();
  });
}

/**
 * Work that is done once at a time, and once more when it was asked for meanwhile.
 * @param failed says after how many milliseconds work that threw is done again
 */
function inTurn(work: () => Promise<void>, failed: (error: unknown) => number): () => void {
  let working = false;
  let again = false;
  let retry: NodeJS.Timeout | undefined;
  const start = () => {
    again = true;
    if (working) return;
    clearTimeout(retry);
    working = true;
    const turns = async () => {
      while (again) {
        again = false;
        await work();
      }
    };
    turns()
      .catch((error: unknown) => {
        retry = setTimeout(start, failed(error));
      })
      .finally(() => {
        working = false;
      });
  };
  return start;
}

/** SQLite's primary codes for a file that went away while it was open: I/O error, cannot open, read-only since it was moved (https://sqlite.org/rescode.html). */
const TAKEN_AWAY: ReadonlySet<number> = new Set([10, 14, 8]);

/** Runs of the share. */
function countRuns(): number {
  let count = 0;
  for (const [workspaceId, own] of runs.runsByWorkspace()) if (holds(share, workspaceId)) count += own;
  return count;
}

function isTakenAway(error: unknown): boolean {
  const { code, errcode = 0 } = error as { code?: string; errcode?: number };
  return code === 'ENOENT' || TAKEN_AWAY.has(errcode & 0xff);
}

/** Answers searches one after the other. */
function read(): void {
  const reader = new IndexReader({ path, reader: runs, embedder, highlighter: cached(openBuiltinEmbedder()), share });
  port.on('message', (message: ToReader) => {
    if (message.kind === 'stop') process.exit();
    if (message.kind === 'forget') {
      reader.forget();
      return;
    }
    const { id, request } = message;
    reader
      .search(request)
      .then((result): FromReader => ({ kind: 'found', id, result }))
      .catch((error: unknown): FromReader => {
        const damaged = error instanceof DamagedIndexError;
        const moved = !damaged && isTakenAway(error);
        if (damaged || moved) reader.forget();
        const message = error instanceof Error ? error.message : String(error);
        return { kind: 'failed', id, message, damaged, moved };
      })
      .then(tell);
  });
}

if (data.role === 'writer') await write();
else read();
