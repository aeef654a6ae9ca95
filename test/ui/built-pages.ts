import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '../..');

/** What comes last when the pages are built. */
const BUILT = join(ROOT, 'web/dist/index.html');

const LOCK = join(ROOT, 'web/dist.lock');

/** Milliseconds after which whoever holds the lock is taken for dead: a build takes some seconds, on a busy machine some more. */
const DEAD_MS = 120_000;

/**
 * Builds the pages where a source is newer than they are. Test files run beside each other: one that built them again would take them away under the
 * browser of another.
 */
export async function buildPages(): Promise<void> {
  while (isStale()) {
    if (!takeLock()) {
      await sleep(100);
      continue;
    }
    try {
      if (!isStale()) return;
      execFileSync(process.execPath, [join(ROOT, 'scripts/build-web.ts')], {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
  }
}

function isStale(): boolean {
  if (!existsSync(BUILT)) return true;
  const builtAt = statSync(BUILT).mtimeMs;
  const sources = globSync(['web/**/*', 'src/**/*.ts', 'package-lock.json'], {
    cwd: ROOT,
    exclude: (name) => name === 'dist' || name === 'node_modules' || name === 'dist.lock',
  });
  return sources.some((name) => {
    const stat = statSync(join(ROOT, name), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.mtimeMs > builtAt;
  });
}

function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() > since + DEAD_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}
