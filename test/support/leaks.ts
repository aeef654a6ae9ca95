import { createHook } from 'node:async_hooks';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { afterAll } from 'vitest';

/**
 * Fails a test file that leaves something alive: a worker thread, a server, a connection, a child process, a watched file or a timer.
 * What is left alive keeps a real process from ending, and makes the next test fail in the wrong place.
 *
 * Runs once for each test file (`setupFiles`); files do not share a process. What was `unref`ed does not count, since it keeps nothing
 * alive; a worker thread counts even so: its connections and locks live on.
 */

/** Node's names for what can be left alive, and people's. */
const KINDS: Readonly<Record<string, string>> = {
  WORKER: 'worker thread',
  TCPSERVERWRAP: 'server',
  PIPESERVERWRAP: 'server',
  TCPWRAP: 'connection',
  PROCESSWRAP: 'child process',
  FSEVENTWRAP: 'watched file',
  Timeout: 'timer',
};

/** What was closed last may still be closing: some milliseconds as a rule, more on a busy machine. Nobody waits who left nothing. */
const GRACE = { looks: 100, everyMs: 20 };

/** Deep enough to look through a library's frames to the line of ours that called it. */
const FRAMES = 20;

const RUNNER = /\/node_modules\/(vitest|@vitest|vite)\//;

interface Handle {
  readonly kind: string;
  readonly openedIn: string;
  readonly resource: { hasRef?(): boolean };
}

const open = new Map<number, Handle>();

createHook({
  init(id, type, _trigger, resource) {
    const kind = KINDS[type];
    if (!kind) return;
    const files = callers();
    const opener = files[0] ?? '';
    if (RUNNER.test(opener) || opener === import.meta.filename) return;
    const ours = files.find((file) => !file.includes('/node_modules/'));
    open.set(id, { kind, openedIn: ours ? relative(process.cwd(), ours) : 'Node itself', resource });
  },
  destroy(id) {
    open.delete(id);
  },
  // Promises are many, and none is left alive in a way that matters here.
  trackPromises: false,
}).enable();

// Taken before a test can put a fake in its place.
const { setTimeout } = globalThis;

// Hooks run in reverse order: this one, registered first, sees what is left when all others have cleaned up.
afterAll(async () => {
  for (let look = 0; look < GRACE.looks && left().length > 0; look++) {
    await new Promise((resolve) => setTimeout(resolve, GRACE.everyMs));
  }
  const alive = left().map(({ kind, openedIn }) => `${kind} (opened in ${openedIn})`);
  if (alive.length === 0) return;
  throw new Error(
    `The tests of this file left alive: ${alive.join(', ')}. Close in afterEach or afterAll what a test opens.`,
  );
});

function left(): Handle[] {
  return [...open.values()].filter(({ kind, resource }) => kind === 'worker thread' || resource.hasRef?.() !== false);
}

/** Files on the stack above the hook, the innermost first, without Node's own. */
function callers(): string[] {
  return getCallSites(FRAMES, { sourceMap: false })
    .slice(2)
    .map(({ scriptName }) => (scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName))
    .filter((file) => file.startsWith('/'));
}
