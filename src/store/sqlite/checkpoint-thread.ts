import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

// The body of the checkpoint thread; see checkpointer.ts.
const { path } = workerData as { path: string };
const db = new DatabaseSync(path, { timeout: 5000 });
db.exec('pragma synchronous = full;');

/** @param asked null: the thread is to end */
parentPort?.on('message', (asked: string | null) => {
  if (asked === null) {
    db.close();
    parentPort?.close();
    return;
  }
  try {
    db.exec('pragma wal_checkpoint(passive)');
  } finally {
    parentPort?.postMessage('done');
  }
});
