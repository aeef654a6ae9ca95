import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookAtImage } from './image.ts';
import { NotReady, type ServerProcess, startServer } from './server-process.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** Each step that the first start takes on disk, or every so manieth of them. */
const STRIDE = LONG ? 1 : 5;

/** More steps than any start takes. */
const MOST_STEPS = 100;

const PRELOAD = fileURLToPath(new URL('./die-at-step.ts', import.meta.url));

let folder: string;
let server: ServerProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-first-start-'));
});

afterEach(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

async function end(): Promise<void> {
  server?.signal('SIGKILL');
  await server?.exited;
  server = undefined;
}

/** Whether the first start in the folder was killed before this step; false when it became ready without taking so many. */
async function diesAt(step: number): Promise<boolean> {
  try {
    server = await startServer({ folder, preload: PRELOAD, env: { CRASH_AT_STEP: String(step) } });
    return false;
  } catch (error) {
    if (!(error instanceof NotReady) || !error.message.includes('SIGKILL')) throw error;
    return true;
  }
}

it('a first start that is killed at any step on disk is made good by the next', { timeout: 180_000 }, async () => {
  const broken: string[] = [];
  let tried = 0;
  for (let step = 1 + (Date.now() % STRIDE); step < MOST_STEPS && (await diesAt(step)); step += STRIDE) {
    tried += 1;
    try {
      server = await startServer({ folder });
      const { status } = await server.call('GET', '/v1/workflows');
      if (status !== 200) broken.push(`step ${step}: the preset key was answered with ${status}`);
      await end();
      broken.push(...lookAtImage(folder).broken.map((problem) => `step ${step}: ${problem}`));
    } catch (error) {
      broken.push(`step ${step}: ${String(error)}`);
    }
    rmSync(folder, { recursive: true, force: true });
  }
  expect(broken).toEqual([]);
  expect(tried).toBeGreaterThan(0);
});
