import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { RunReader } from '../store.ts';
import type { Questions, RunReaderData } from './run-reader-thread.ts';

/** Milliseconds that an answer may take: beyond it the server is away, and whoever asked tries again. */
const ANSWER_MS = 30_000;

/**
 * Opens the store for the search threads, which read synchronously: a thread beside them asks PostgreSQL, and they wait for its answer. They have
 * nothing else to do meanwhile, and the event loop of the process is not theirs.
 */
export function openPostgresRunReader(address: string): RunReader {
  const { port1: port, port2 } = new MessageChannel();
  const answered = new SharedArrayBuffer(4);
  const signal = new Int32Array(answered);
  const workerData: RunReaderData = { address, port: port2, answered };
  const thread = new Worker(new URL('./run-reader-thread.ts', import.meta.url), { workerData, transferList: [port2] });
  thread.unref();
  let waiting = 0;

  function ask<K extends keyof Questions>(question: K, ...given: Parameters<RunReader[K]>): ReturnType<RunReader[K]> {
    const before = Atomics.load(signal, 0);
    port.postMessage({ question, given });
    waiting += 1;
    const deadline = Date.now() + ANSWER_MS;
    for (let seen = before; ; seen = Atomics.load(signal, 0)) {
      Atomics.wait(signal, 0, seen, Math.max(1, deadline - Date.now()));
      // An answer that came too late for the one who asked is passed over.
      for (let message = receiveMessageOnPort(port); message !== undefined; message = receiveMessageOnPort(port)) {
        waiting -= 1;
        if (waiting > 0) continue;
        if ('error' in message.message) throw new Error(message.message.error);
        return message.message.answer;
      }
      if (Date.now() >= deadline) throw new Error(`The store has not answered for ${ANSWER_MS / 1000} seconds.`);
    }
  }

  return {
    readLog: (position, limit) => ask('readLog', position, limit),
    lastPosition: () => ask('lastPosition'),
    runsByWorkspace: () => ask('runsByWorkspace'),
    records: (workspaceId, runId) => ask('records', workspaceId, runId),
    filter: (workspaceId, runIds, filter) => ask('filter', workspaceId, runIds, filter),
    close() {
      port.close();
      void thread.terminate();
    },
  };
}
