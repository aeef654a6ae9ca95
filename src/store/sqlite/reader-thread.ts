import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { connection } from './connection.ts';
import { SLOW_QUERIES } from './queries.ts';
import type { ReaderAnswer, ReaderQuestion } from './readers.ts';

// The body of a reader thread: one read-only connection that answers one query at a time.
const { path } = workerData as { path: string };
const db = new DatabaseSync(path, { readOnly: true });
db.exec('pragma query_only = on; pragma mmap_size = 268435456;');
const on = connection(db);

parentPort?.on('message', (question: ReaderQuestion) => {
  let answer: ReaderAnswer;
  try {
    const query = SLOW_QUERIES[question.query] as (...args: unknown[]) => unknown;
    answer = { id: question.id, value: query(on, ...question.args) };
  } catch (error) {
    answer = { id: question.id, error: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
