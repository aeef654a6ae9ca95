import type { Worker } from 'node:worker_threads';

/** Milliseconds that a thread may go on with what it has in hand when it is to end. */
const GRACE_MS = 3000;

/**
 * Lets a thread end by itself, between two steps of its work: cut off inside SQLite, or with a database open, a thread was seen to take the process down
 * with it (SIGSEGV or SIGTRAP), once in some hundred times. One that does not heed is cut off.
 * @param message what tells the thread to close what it has open, and its port
 */
export async function endThread(thread: Worker | undefined, message: unknown): Promise<void> {
  if (thread === undefined || thread.threadId === -1) return;
  const exit = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const cut = setTimeout(() => void thread.terminate(), GRACE_MS);
  thread.postMessage(message);
  await exit;
  clearTimeout(cut);
}
