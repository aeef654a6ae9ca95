import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What some tests need and npm does not bring: where it may lie besides PATH, and the command that brings it. */
export const PROGRAMS = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    besides: [],
    bring: 'apt-get install -y chromium',
  },
  script: { names: ['script'], besides: [], bring: 'apt-get install -y bsdutils' },
  postgres: { names: ['postgres'], besides: ['/usr/lib/postgresql/*/bin'], bring: 'apt-get install -y postgresql' },
} as const;

/** The path of a program of the machine, or null. */
export function findProgram(program: keyof typeof PROGRAMS, path = process.env['PATH'] ?? ''): string | null {
  const { names, besides } = PROGRAMS[program];
  const folders = [...path.split(delimiter), ...besides.flatMap((pattern) => globSync(pattern).sort().reverse())];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? null;
}
