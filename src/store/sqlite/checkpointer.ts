import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { endThread } from '../../system/end-thread.ts';

/** Groups of commits between two looks at the log's size: at most some 2 MB each. */
const LOOK_EVERY = 64;

/** Milliseconds a commit waits for a lock that somebody from outside holds: a backup, a person with a shell. */
export const BUSY_TIMEOUT_MS = 5000;

/** Log bytes that start a checkpoint. Smaller checkpoints more often write the same hot pages again and again. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/** What stands before each page in the log (https://sqlite.org/fileformat2.html#walformat). */
const FRAME_HEADER_BYTES = 24;

/**
 * Moves the write-ahead log into the database file.
 *
 * Doing so takes tens of milliseconds of copying and two syncs; a thread does it (`passive`: beside readers and the writer) so that the event
 * loop is not held up. What was written meanwhile is little, so that the closing `restart`, which lets the log begin anew, is short.
 *
 * The log's file is written over from its beginning and never cut: a sync of a file that grows costs the file system's journal as well, measured
 * at twice the time of one that does not.
 */
export class Checkpointer {
  readonly #db: DatabaseSync;
  readonly #path: string;
  #worker: Worker | undefined;
  readonly #frameBytes: number;
  #busy = false;
  #commits = 0;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    const { page_size: pageBytes } = db.prepare('pragma page_size').get() as { page_size: number };
    this.#frameBytes = pageBytes + FRAME_HEADER_BYTES;
  }

  /** To be called after each group of commits. */
  committed(): void {
    this.#commits += 1;
    if (this.#busy || this.#commits % LOOK_EVERY !== 0) return;
    if (this.#logBytes() < CHECKPOINT_BYTES) return;
    this.#busy = true;
    this.#thread().postMessage('checkpoint');
  }

  async close(): Promise<void> {
    await endThread(this.#worker, null);
    this.#worker = undefined;
  }

  /** Bytes of the log that hold commits. The file itself stays as long as it ever was. */
  #logBytes(): number {
    const { log } = this.#db.prepare('pragma wal_checkpoint(noop)').get() as { log: number };
    return log * this.#frameBytes;
  }

  /** Lets the log begin anew, unless somebody reads from it: then the next checkpoint does. */
  #restart(): void {
    try {
      // Without this it waits for readers, and the event loop with it: measured 5 s beside a reading that stays open.
      this.#db.exec('pragma busy_timeout = 0; pragma wal_checkpoint(restart)');
    } catch {
      // As with the thread: the next commit meets the same disk and tells.
    } finally {
      this.#db.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: { path: this.#path } });
    worker.unref();
    worker.on('message', () => {
      this.#busy = false;
      if (this.#worker) this.#restart();
    });
    // A disk that takes no checkpoint takes no commit either, and that is where it is told.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      this.#busy = false;
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }
}
