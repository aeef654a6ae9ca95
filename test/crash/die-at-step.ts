import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

/**
 * To be imported before the product: kills the process right before its n-th step in the data folder, n being CRASH_AT_STEP. A step is a call
 * that opens, writes, syncs, closes or renames a file there, or an SQL text. Node's own calls, thousands while it loads modules, are none.
 */

const ON_PATHS = ['openSync', 'renameSync', 'linkSync', 'unlinkSync'] as const;
const ON_FILES = ['writeSync', 'fsyncSync', 'closeSync'] as const;

const folder = process.env['MILLRUN_DATA'] ?? '';
const last = Number(process.env['CRASH_AT_STEP']);
const opened = new Set<unknown>();
let steps = 0;

function step(): void {
  steps += 1;
  if (steps === last) process.kill(process.pid, 'SIGKILL');
}

/** The same function, with a step before those calls that count. */
function counted<F extends (this: never, ...args: never[]) => unknown>(
  original: F,
  counts: (first: unknown) => boolean,
  after: (result: unknown) => void = () => {},
): F {
  return new Proxy(original, {
    apply(target, self, args) {
      const isStep = counts(args[0]);
      if (isStep) step();
      const result = Reflect.apply(target, self, args);
      if (isStep) after(result);
      return result;
    },
  });
}

if (isMainThread) {
  const isInside = (path: unknown) => String(path).startsWith(folder);
  for (const name of ON_PATHS) Object.assign(fs, { [name]: counted(fs[name], isInside, (file) => opened.add(file)) });
  for (const name of ON_FILES) Object.assign(fs, { [name]: counted(fs[name], (file) => opened.has(file)) });
  syncBuiltinESMExports();
  DatabaseSync.prototype.exec = counted(DatabaseSync.prototype.exec, () => true);
}
