import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { needsProgram } from './programs.ts';

/** How long a cluster may take to accept connections. */
const START = { looks: 200, everyMs: 50 };

/** Begins each entry of the server's log, so that statements of several lines are one entry. */
const ENTRY = '\u00a7';

/** A PostgreSQL cluster of its own for one test file. */
export interface Cluster {
  /** A connection string to its database. */
  readonly url: string;
  /** The same with a schema of its own, which nobody has written to. */
  newSchema(): { readonly url: string; drop(): Promise<void> };
  /** Everything the server was asked to do since it started. */
  statements(): string[];
  /** Kills the server as a power cut does, and starts it again. */
  crash(): Promise<void>;
  /** Kills the server; `start` starts it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Starts a cluster before the tests of a file and removes it after them. Where PostgreSQL is missing the tests are skipped with the command that
 * brings it. A server does not run as root: then it runs as the user `postgres` that the package has made.
 * @param settings of the server, beside those that suit tests
 */
export function startsPostgres(settings: Readonly<Record<string, string>> = {}): Cluster {
  const program = needsProgram('postgres');
  let folder = '';
  let port = 0;
  let server: ReturnType<typeof spawn> | null = null;
  let schemas = 0;
  let admin: ReturnType<typeof postgres> | null = null;
  const url = () => `postgres://postgres@127.0.0.1:${port}/postgres`;

  async function start(): Promise<void> {
    const given = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: folder,
      // Tests of durability ask for it.
      fsync: 'off',
      max_connections: '200',
      log_statement: 'all',
      log_parameter_max_length: '0',
      log_line_prefix: ENTRY,
      ...settings,
    };
    const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const log = spawn(
      'sh',
      ['-c', `exec "$@" >>"$LOG" 2>&1`, 'sh', program ?? '', '-D', join(folder, 'data'), ...flags],
      {
        ...owner(),
        stdio: 'ignore',
        env: { ...process.env, LOG: join(folder, 'log') },
      },
    );
    server = log;
    for (let look = 0; look < START.looks; look += 1) {
      const client = postgres(url(), { max: 1, connect_timeout: 2, onnotice: () => undefined });
      try {
        await client.unsafe('select 1');
        return;
      } catch {
        await sleep(START.everyMs);
      } finally {
        await client.end({ timeout: 0 });
      }
    }
    throw new Error(`PostgreSQL did not start:\n${readFileSync(join(folder, 'log'), 'utf8')}`);
  }

  async function kill(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
    server = null;
  }

  beforeAll(async () => {
    if (program === null) return;
    folder = mkdtempSync(join(tmpdir(), 'millrun-postgres-'));
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    port = await freePort();
    const made = spawnSync(
      join(dirname(program), 'initdb'),
      ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
      { ...owner(), encoding: 'utf8', cwd: folder },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    await start();
    admin = postgres(url(), { max: 1, onnotice: () => undefined });
  }, 60_000);

  afterAll(async () => {
    await admin?.end({ timeout: 1 });
    await kill('SIGINT');
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  return {
    get url() {
      return url();
    },
    newSchema() {
      schemas += 1;
      const name = `test_${schemas}`;
      return {
        url: `${url()}?schema=${name}`,
        drop: async () => {
          await admin?.unsafe(`drop schema if exists ${name} cascade`);
        },
      };
    },
    statements() {
      const logged = readFileSync(join(folder, 'log'), 'utf8').split(ENTRY);
      return logged.flatMap((entry) => {
        const found = /^LOG: {2}(?:statement|execute [^:]+): ([\s\S]*)$/.exec(entry);
        return found?.[1] === undefined ? [] : [found[1].trim()];
      });
    },
    async crash() {
      await kill('SIGQUIT');
      await start();
    },
    stop: () => kill('SIGQUIT'),
    start,
  };
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
