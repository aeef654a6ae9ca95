import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { BlobMissing } from './blobs/blobs.ts';
import { createDiskBlobs } from './blobs/disk/disk-blobs.ts';
import { type Payload, referencedBlob } from './domain/payload.ts';
import { openBuiltinEmbedder } from './search/embed/builtin/builtin.ts';
import type { Embedder } from './search/embed/embedder.ts';
import type { FromReader, FromWriter, ToReader, ToWriter } from './search/service.ts';
import { DamagedIndexError } from './search/sqlite/index-file.ts';
import { IndexReader } from './search/sqlite/index-reader.ts';
import { IndexWriter } from './search/sqlite/index-writer.ts';
import { openRunReader } from './store/sqlite/run-reader.ts';

/** What a search thread is given when it starts. */
export interface SearchThreadData {
  readonly role: 'writer' | 'reader';
  readonly folder: string;
  readonly maxCharacters: number;
}

/** Milliseconds before a batch that could not be indexed is tried again: an embedding server may be down. */
const RETRY_MS = 2000;

// The composition root of the search threads, as platform.ts is of the process.
const data = workerData as SearchThreadData;
const port = parentPort!;
const path = join(data.folder, 'search.db');
const runs = openRunReader(data.folder);
const embedder: Embedder = openBuiltinEmbedder();
if (data.role === 'writer') write();
else read();

async function readPayload(payload: Payload): Promise<string | null> {
  const reference = referencedBlob(payload);
  if (reference === null) return payload;
  try {
    return (await createDiskBlobs(join(data.folder, 'blobs')).get(reference.blobId)).toString('utf8');
  } catch (error) {
    if (error instanceof BlobMissing) return null;
    throw error;
  }
}

/** Follows the log into the index for as long as the thread lives. */
function write(): void {
  const writer = new IndexWriter({
    path,
    reader: runs,
    embedder,
    readPayload,
    maxCharacters: data.maxCharacters,
    onCut: (run) => port.postMessage({ kind: 'cut', ...run } satisfies FromWriter),
  });
  let rebuilding = writer.fresh;
  let renewed = writer.fresh;
  let working = false;
  let again = false;

  const tell = () => {
    const at: FromWriter = {
      kind: 'at',
      position: writer.position,
      indexedRuns: writer.documents,
      totalRuns: rebuilding ? runs.countRuns() : 0,
      rebuilding,
      renewed,
    };
    renewed = false;
    port.postMessage(at);
  };
  const restart = () => {
    writer.restart();
    rebuilding = true;
    renewed = true;
  };
  const work = async () => {
    working = true;
    do {
      again = false;
      while (await writer.step()) tell();
      if (rebuilding && writer.documents > 0) writer.optimize();
      rebuilding = false;
      tell();
    } while (again);
    working = false;
  };
  const start = () => {
    again = true;
    if (working) return;
    work().catch((error: unknown) => {
      working = false;
      if (error instanceof DamagedIndexError) {
        restart();
        start();
        return;
      }
      // An embedder that is away, a full disk: the log waits.
      process.emitWarning(error instanceof Error ? error : String(error));
      setTimeout(start, RETRY_MS);
    });
  };
  port.on('message', (message: ToWriter) => {
    if (message.kind === 'rebuild') restart();
    start();
  });
}

/** Answers searches one after the other. */
function read(): void {
  const reader = new IndexReader({ path, reader: runs, embedder });
  port.on('message', (message: ToReader) => {
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
        if (damaged) reader.forget();
        return { kind: 'failed', id, message: error instanceof Error ? error.message : String(error), damaged };
      })
      .then((answer) => port.postMessage(answer));
  });
}
