import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach } from 'vitest';

/** What some tests need and npm does not bring: where it may lie besides PATH, and the command that brings it. */
const PROGRAMS = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    besides: [],
    bring: 'apt-get install -y chromium',
  },
  script: { names: ['script'], besides: [], bring: 'apt-get install -y bsdutils' },
  postgres: { names: ['postgres'], besides: ['/usr/lib/postgresql/*/bin'], bring: 'apt-get install -y postgresql' },
} as const;

/**
 * To be called in a test file, or in a `describe`, whose tests need a program of the machine. Where it is missing they are skipped with the
 * command that brings it (`.ci/run` counts a skipped test as failed).
 *
 * @returns the path of the program, or null.
 */
export function needsProgram(program: keyof typeof PROGRAMS, path = process.env['PATH'] ?? ''): string | null {
  const { names, besides, bring } = PROGRAMS[program];
  const folders = [...path.split(delimiter), ...besides.flatMap((pattern) => globSync(pattern).sort().reverse())];
  const found =
    names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? null;
  const missing = `${program} is missing on this machine: ${bring}`;
  // The runner's usual report keeps a skipped test's reason to itself.
  if (!found) console.warn(missing);
  beforeEach(({ skip }) => skip(!found, missing));
  return found;
}
