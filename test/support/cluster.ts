import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from '../../src/store/postgres/driver.ts';
import { surroundings } from './surroundings.ts';

/** How long a cluster may take to accept connections. */
const START = { looks: 600, everyMs: 50 };

/** Begins each entry of the server's log, so that statements of several lines are one entry. */
const ENTRY = '\u00a7';

/** A PostgreSQL cluster on a free port, in a folder that goes with it. A server does not run as root: then it runs as the user `postgres` that the package has made. */
export class PostgresCluster {
  readonly #program: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #port: number;
  #server: ChildProcess | null = null;

  private constructor(program: string, settings: Readonly<Record<string, string>>, folder: string, port: number) {
    this.#program = program;
    this.#settings = settings;
    this.#folder = folder;
    this.#port = port;
  }

  /**
   * Makes a cluster and starts its server.
   * @param program the path of `postgres`
   * @param settings of the server, beside those that suit tests
   * @throws Error with what the server said when it does not start
   */
  static async open(program: string, settings: Readonly<Record<string, string>> = {}): Promise<PostgresCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'millrun-postgres-'));
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    const made = spawnSync(
      join(dirname(program), 'initdb'),
      ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
      { ...owner(), encoding: 'utf8', cwd: folder },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const cluster = new PostgresCluster(program, settings, folder, await freePort());
    await cluster.start();
    return cluster;
  }

  /** A connection string to its database. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** Starts the server and waits until it takes connections. */
  async start(): Promise<void> {
    const given = {
      listen_addresses: '127.0.0.1',
      port: String(this.#port),
      unix_socket_directories: this.#folder,
      // Tests of durability ask for it.
      fsync: 'off',
      max_connections: '200',
      log_line_prefix: ENTRY,
      ...this.#settings,
    };
    const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#server = spawn(
      'sh',
      ['-c', `exec "$@" >>"$LOG" 2>&1`, 'sh', this.#program, '-D', join(this.#folder, 'data'), ...flags],
      { ...owner(), stdio: 'ignore', env: { ...surroundings(), LOG: join(this.#folder, 'log') } },
    );
    for (let look = 0; look < START.looks; look += 1) {
      const client = postgres(this.url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
      try {
        await client.unsafe('select 1');
        return;
      } catch {
        await sleep(START.everyMs);
      } finally {
        await client.end({ timeout: 0 });
      }
    }
    throw new Error(`PostgreSQL did not start:\n${readFileSync(join(this.#folder, 'log'), 'utf8')}`);
  }

  /** Ends the server: at once as a power cut does (`pg_ctl stop -m immediate`), or in good order once its clients are cut off. */
  async stop(how: 'immediate' | 'fast'): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const ended = once(server, 'exit');
    server.kill(how === 'immediate' ? 'SIGQUIT' : 'SIGINT');
    await ended;
  }

  /** Everything the server was asked to do since it started, where its settings have it logged. */
  statements(): string[] {
    const logged = readFileSync(join(this.#folder, 'log'), 'utf8').split(ENTRY);
    return logged.flatMap((entry) => {
      const found = /^LOG: {2}(?:statement|execute [^:]+): ([\s\S]*)$/.exec(entry);
      return found?.[1] === undefined ? [] : [found[1].trim()];
    });
  }

  /** Ends the server and removes what it kept. */
  async remove(): Promise<void> {
    await this.stop('fast');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port is free.');
  return address.port;
}
