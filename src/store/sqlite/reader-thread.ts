import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { connection } from './connection.ts';
import { SLOW_QUERIES } from './queries.ts';
import type { ReaderAnswer, ReaderQuestion } from './readers.ts';
import { TakingTurns } from './taking-turns.ts';

// The body of the reader thread: one read-only connection. What takes long is a generator, and others have their turn between its steps.
const { path } = workerData as { path: string };
const db = new DatabaseSync(path, { readOnly: true });
// Mapped: rows looked up all over a file of 1 GB take a third less time than by reading pages, and the memory is the system's to take back.
db.exec('pragma query_only = on; pragma mmap_size = 1073741824;');
const on = connection(db);
const turns = new TakingTurns();

/** One look at the store: all of it sees the same state. */
function inOneSnapshot<T>(read: () => T): T {
  on.prepared('begin').run();
  try {
    return read();
  } finally {
    on.prepared('commit').run();
  }
}

/** @param question null: the thread is to end. What it has in hand then finds the database closed. */
parentPort?.on('message', (question: ReaderQuestion | null) => {
  if (question === null) {
    db.close();
    parentPort?.close();
    return;
  }
  const { id, query, args } = question;
  const answer = (answer: ReaderAnswer) => parentPort?.postMessage(answer);
  const ask = SLOW_QUERIES[query] as (...args: unknown[]) => unknown;
  const isStepwise = query === 'find' || query === 'surveyRuns';
  const steps = isStepwise ? (ask(on, ...args) as Iterator<undefined, unknown>) : undefined;
  turns.add(() => {
    try {
      const { done = false, value } = inOneSnapshot(() => steps?.next() ?? { done: true, value: ask(on, ...args) });
      if (done) answer({ id, value });
      return done;
    } catch (error) {
      answer({ id, error: error instanceof Error ? error.message : String(error) });
      return true;
    }
  });
});
