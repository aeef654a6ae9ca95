import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';

/** A PostgreSQL cluster of a benchmark, with the settings of the package: every commit is synced. */
export interface BenchPostgres {
  readonly url: string;
  /** CPU milliseconds that its processes have used so far. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Starts a cluster in a new folder. @throws Error when PostgreSQL is not installed */
export async function startPostgres(settings: readonly string[] = []): Promise<BenchPostgres> {
  const found = spawnSync('sh', ['-c', 'command -v postgres || ls /usr/lib/postgresql/*/bin/postgres'], {
    encoding: 'utf8',
  });
  const program = found.stdout.trim().split('\n')[0];
  if (!program) throw new Error('PostgreSQL is missing: apt-get install postgresql');
  const bin = dirname(realpathSync(program));
  const folder = mkdtempSync(join(tmpdir(), 'millrun-bench-postgres-'));
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  // A server does not run as root.
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'],
    { ...owner, cwd: folder, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const server = spawn(
    join(bin, 'postgres'),
    [
      '-D',
      data,
      '-c',
      `port=${port}`,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${folder}`,
      ...settings,
    ],
    { ...owner, cwd: folder, stdio: 'ignore' },
  );
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  for (let look = 0; ; look += 1) {
    const client = postgres(url, { max: 1, onnotice: () => undefined });
    try {
      await client.unsafe('select 1');
      break;
    } catch (error) {
      if (look > 200) throw error;
      await sleep(50);
    } finally {
      await client.end({ timeout: 0 });
    }
  }
  return {
    url,
    cpuMs() {
      // Of those that have ended, the postmaster has the sum.
      const own = cpuOf(server.pid!, true);
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ');
      return own + children.reduce((sum, pid) => sum + cpuOf(Number(pid), false), 0);
    },
    async stop() {
      server.kill('SIGINT');
      await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Clock ticks per second of `/proc/<pid>/stat` on Linux. */
const TICKS = 100;

function cpuOf(pid: number, withEnded: boolean): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It has ended since it was listed, and is the postmaster's to count.
    return 0;
  }
  const fields = stat
    .split(') ')[1]!
    .split(' ')
    .slice(11, withEnded ? 15 : 13);
  return (fields.reduce((sum, ticks) => sum + Number(ticks), 0) * 1000) / TICKS;
}
