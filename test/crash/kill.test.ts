import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookAtImage } from './image.ts';
import { brokenLaws, unrest } from './laws.ts';
import { Ledger, Load, type StoredSample, saveSamples } from './load.ts';
import { randomOf } from './random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { World } from './world.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** Folders that live through kills one after the other, and kills of each. */
const FOLDERS = LONG ? 4 : 1;
const KILLS = LONG ? 15 : 5;

/** What happens follows from the seed as far as clocks allow. MILLRUN_CRASH_SEED=… repeats one. */
const SEED = Number(process.env['MILLRUN_CRASH_SEED'] ?? Date.now() % 1_000_000);

/** Milliseconds from a server's start to its end. */
const SHORTEST_LIFE_MS = 50;
const LONGEST_LIFE_MS = 1_500;

/** Of the kills, those that find the server stopping already. */
const STOPPING_SHARE = 0.2;

/** Milliseconds for what a dead server sent last to arrive, on one machine. */
const STRAGGLER_MS = 20;

/** Milliseconds within which the last server must become quiet: far above the longest chain of retries. */
const QUIET_MS = 60_000;

let folder: string;
let world: World;
let server: ServerProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-crash-'));
  world = new World({ refusesFirst: LONG });
  await world.open();
});

afterEach(async () => {
  server?.signal('SIGKILL');
  await server?.exited;
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Ends the server in one of the ways that a machine has. */
async function end(current: ServerProcess, load: Load, random: () => number): Promise<void> {
  if (random() < STOPPING_SHARE) {
    load.end();
    current.signal('SIGTERM');
    await sleep(random() * LONGEST_LIFE_MS);
  }
  load.end();
  world.lifeEnds();
  current.signal('SIGKILL');
  await Promise.all([current.exited, load.done()]);
  await sleep(STRAGGLER_MS);
}

/** What the server itself complained of. */
const complaints = (current: ServerProcess): string[] =>
  current
    .output()
    .split('\n')
    .filter((line) => /"level":[56]0/.test(line));

const seeds = Array.from({ length: FOLDERS }, (_, index) => SEED + index);

/** A server that does not become quiet is to be told of as that, not as a test that took too long. */
const timeout = QUIET_MS + 10 * KILLS * LONGEST_LIFE_MS;

const NAME = 'killed again and again under load, a server goes on where it was (seed %i)';

it.each(seeds)(NAME, { timeout }, async (seed) => {
  const random = randomOf(seed);
  const ledger = new Ledger();
  const broken: string[] = [];
  let stored: StoredSample[] | undefined;
  let orphans = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await world.nextLife();
    server = await startServer({ folder, world: world.address });
    stored ??= await saveSamples(server, world.address);
    const load = new Load({ server, world, ledger, stored, random });
    await sleep(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    await end(server, load, random);
    const image = lookAtImage(folder);
    orphans = image.orphans;
    broken.push(...image.broken.map((problem) => `after kill ${kill}: ${problem}`));
    broken.push(...complaints(server));
  }

  await world.nextLife();
  server = await startServer({ folder, world: world.address });
  let restless = await unrest(server, ledger, world);
  for (const until = Date.now() + QUIET_MS; restless.length > 0 && Date.now() < until; ) {
    await sleep(100);
    restless = await unrest(server, ledger, world);
  }
  broken.push(...restless, ...(await brokenLaws(server, ledger, world)), ...complaints(server));
  const figures = { seed, kills: KILLS, runs: ledger.runs.size, acknowledged: ledger.acknowledged.length, orphans };
  console.info(JSON.stringify({ ...figures, ...world.figures() }));
  expect(broken, `seed ${seed}`).toEqual([]);
});
