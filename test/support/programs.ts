import { beforeEach } from 'vitest';
import { findProgram, PROGRAMS } from './find-program.ts';

/**
 * To be called in a test file, or in a `describe`, whose tests need a program of the machine. Where it is missing they are skipped with the
 * command that brings it (`.ci/run` counts a skipped test as failed).
 *
 * @returns the path of the program, or null.
 */
export function needsProgram(program: keyof typeof PROGRAMS, path?: string): string | null {
  const found = findProgram(program, path);
  const missing = `${program} is missing on this machine: ${PROGRAMS[program].bring}`;
  // The runner's usual report keeps a skipped test's reason to itself.
  if (!found) console.warn(missing);
  beforeEach(({ skip }) => skip(!found, missing));
  return found;
}
