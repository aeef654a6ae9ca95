import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import postgres from '../../src/store/postgres/driver.ts';
import { startsPostgres } from '../support/postgres.ts';
import { brokenLaws, unrest } from './laws.ts';
import { Ledger, Load, type StoredSample, saveSamples } from './load.ts';
import { randomOf } from './random.ts';
import { NotReady, type ServerProcess, startServer } from './server-process.ts';
import { Views } from './views.ts';
import { World } from './world.ts';

const LONG = process.env['MILLRUN_LONG_TESTS'] === '1';

/** What happens to the members and to the database, over and over in another order. */
const ROUND = ['kill', 'kill', 'kill', 'stop', 'cut'] as const;

/** Members that are killed. */
const KILLS = LONG ? 100 : 3;

/** What happens follows from the seed as far as clocks allow. MILLRUN_CRASH_SEED=… repeats one. */
const SEED = Number(process.env['MILLRUN_CRASH_SEED'] ?? Date.now() % 1_000_000);

/** Milliseconds between two disturbances. */
const SHORTEST_CALM_MS = 100;
const LONGEST_CALM_MS = 1_500;

/** Milliseconds before a member that found no database is started again, as whoever looks after it would. */
const START_AGAIN_MS = 100;

/** Milliseconds that the database is away at most. */
const LONGEST_AWAY_MS = 1_000;

/** Milliseconds for which servers may say that their store is away, once it is back: their connections are made anew. */
const SHAKEN_MS = 3_000;

/** Milliseconds by which all servers have heard that a run was stopped. */
const HEARD_MS = 5_000;

/** Milliseconds within which everything must come to rest after the last disturbance, against hanging. */
const QUIET_MS = 90_000;

/** Milliseconds between two looks at something that is waited for. */
const POLL_MS = 100;

/** Milliseconds for which a run may be stuck after the last disturbance: what the product promises, on a machine with room to work. */
const STUCK_MS = 15_000;

/** The same for all servers. */
const SECRET = 'c'.repeat(64);

const cluster = startsPostgres({ log_statement: 'none' });

/** A process of the product that is killed and started again, with a data folder of its own. */
interface Member {
  readonly command: 'serve' | 'worker';
  readonly folder: string;
  process: ServerProcess | null;
  load: Load | null;
}

let folder: string;
let world: World;
let members: Member[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-cluster-'));
  mkdirSync(join(folder, 'blobs'));
  members = COMMANDS.map((command, index) => {
    const own = join(folder, `${command}-${index}`);
    mkdirSync(own);
    // Bytes are in a place that all of them reach.
    symlinkSync(join(folder, 'blobs'), join(own, 'blobs'));
    return { command, folder: own, process: null, load: null };
  });
  world = new World({ refusesFirst: LONG });
  await world.open();
});

afterEach(async () => {
  for (const { process } of members) process?.signal('SIGKILL');
  await Promise.all(members.map((member) => member.process?.exited));
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const COMMANDS = ['serve', 'serve', 'worker', 'worker', 'worker'] as const;

it('a member killed, a database stopped and connections cut under load, servers on one store go on where they were', {
  timeout: QUIET_MS + 60_000 + KILLS * 15_000,
}, async () => {
  const random = randomOf(SEED);
  const ledger = new Ledger();
  const schema = cluster.newSchema();
  let shakenUntil = 0;
  const isShaken = () => Date.now() < shakenUntil;
  const env = { MILLRUN_STORE: schema.url, MILLRUN_SECRET: SECRET, MILLRUN_ENCRYPTION_KEY: SECRET };

  const start = async (member: Member): Promise<void> => {
    const { command } = member;
    // Servers leave the work to the workers.
    const more = command === 'serve' ? { MILLRUN_WORKER_CONCURRENCY: '0' } : {};
    const begin = () =>
      startServer({ folder: member.folder, world: world.address, env: { ...env, ...more }, command }).catch((error) => {
        if (error instanceof NotReady && error.message.includes('store cannot be reached')) return null;
        throw error;
      });
    let started = await begin();
    for (; started === null; started = await begin()) await sleep(START_AGAIN_MS);
    const { exited, output } = started;
    member.process = started;
    void exited.then((signal) => {
      if (signal !== 'SIGKILL') ledger.broken.push(`a ${command} ended by itself (${signal}):\n${output()}`);
    });
  };
  let stored: StoredSample[] = [];
  const load = (member: Member): void => {
    if (member.command === 'worker' || member.process === null) return;
    member.load = new Load({ server: member.process, world, ledger, stored, random, isShaken, isLight: true });
  };
  const kill = async (member: Member): Promise<void> => {
    member.load?.end();
    world.lifeEnds();
    member.process?.signal('SIGKILL');
    world.shaken(HEARD_MS);
    await Promise.all([member.process?.exited, member.load?.done()]);
    member.process = null;
  };
  const servers = () => members.flatMap(({ command, process }) => (command === 'serve' && process ? [process] : []));
  const cutConnections = async (): Promise<void> => {
    const admin = postgres(cluster.url, { max: 1, onnotice: () => undefined });
    const chosen = random() < 0.5 ? 1 : 0.3;
    await admin.unsafe(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'millrun %' and random() < ${chosen}`,
    );
    await admin.end();
  };

  await Promise.all(members.map(start));
  stored = await saveSamples(servers()[0]!, world.address);
  for (const member of members) load(member);
  const views = new Views({ servers, ledger, random });

  let [kills, stops, cuts] = [0, 0, 0];
  let round: (typeof ROUND)[number][] = [];
  const starting: Promise<void>[] = [];
  while (kills < KILLS || round.length > 0) {
    await sleep(SHORTEST_CALM_MS + random() * (LONGEST_CALM_MS - SHORTEST_CALM_MS));
    if (round.length === 0) round = [...ROUND];
    const [which] = round.splice(Math.floor(random() * round.length), 1);
    if (which === 'kill') {
      let living = members.filter(({ process }) => process !== null);
      for (; living.length === 0; living = members.filter(({ process }) => process !== null)) await sleep(POLL_MS);
      const member = living[Math.floor(random() * living.length)]!;
      await kill(member);
      kills += 1;
      // The others go on meanwhile.
      starting.push(start(member).then(() => load(member)));
      if (kills % 10 === 0) console.info(`${kills} kills, ${ledger.acknowledged.length} runs acknowledged`);
      continue;
    }
    shakenUntil = Number.POSITIVE_INFINITY;
    world.shaken(HEARD_MS, Number.POSITIVE_INFINITY);
    if (which === 'stop') {
      await cluster.stop();
      await sleep(random() * LONGEST_AWAY_MS);
      await cluster.start();
      stops += 1;
    } else {
      await cutConnections();
      cuts += 1;
    }
    shakenUntil = Date.now() + SHAKEN_MS;
    world.shaken(HEARD_MS);
  }
  await Promise.all(starting);
  for (const member of members) member.load?.end();
  await Promise.all(members.map((member) => member.load?.done()));

  const recovered = Date.now();
  const [server] = servers();
  let restless = await unrest(server!, ledger, world);
  let lastRunning = recovered;
  while (restless.length > 0 && Date.now() < recovered + QUIET_MS) {
    if (restless.some((problem) => !problem.startsWith('the callback'))) lastRunning = Date.now();
    await sleep(POLL_MS);
    restless = await unrest(server!, ledger, world);
  }
  const stuckMs = lastRunning - recovered;
  const broken = [...restless, ...(await brokenLaws(server!, ledger, world))];
  // Views have what there was a moment ago.
  await sleep(1_000);
  await views.end();
  broken.push(...(await views.broken((runId) => server!.events(`/v1/runs/${runId}/events`))));
  const disturbances = { kills, stops, cuts, stuckMs, followed: views.followed.size, reopened: views.reopened };
  const runs = { runs: ledger.runs.size, acknowledged: ledger.acknowledged.length };
  console.info(JSON.stringify({ seed: SEED, ...disturbances, ...runs, ...world.figures() }));
  expect(broken, `seed ${SEED}`).toEqual([]);
  if (LONG) expect(stuckMs).toBeLessThan(STUCK_MS);
});
