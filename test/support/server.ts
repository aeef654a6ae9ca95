import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { readConfig } from '../../src/config/read.ts';
import { openPlatform } from '../../src/platform.ts';
import type { Store } from '../../src/store/store.ts';
import { openLog } from '../../src/system/log.ts';
import { Client } from './client.ts';
import { openStoreOf, storeAddressOf, storeEnvironment } from './store-under-test.ts';
import { surroundings } from './surroundings.ts';

const BINARY = join(import.meta.dirname, '../../bin/millrun.js');

/** Gives a command a terminal of its own (util-linux). */
const TERMINAL = 'script';

/** The key of the first workspace, with every right. */
export const KEY = 'test_key_0123456789';

/** A server to talk to over HTTP. */
export interface TestServer {
  readonly url: string;
  readonly folder: string;
  /** Calls with the key of the first workspace. */
  readonly client: Client;
  /** Ends it in good order. The data folder goes with it unless it was given. */
  stop(): Promise<void>;
}

/**
 * Starts the real platform inside this process, on a free port, with a data folder of its own.
 * @param options `settings` by flag name; `prepare` writes to the store before the platform opens it
 */
export async function startPlatform(
  options: {
    settings?: Readonly<Record<string, string>>;
    folder?: string;
    prepare?: (store: Store) => Promise<void>;
  } = {},
): Promise<TestServer> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrun-test-'));
  if (options.prepare) {
    const store = await openStoreOf(folder);
    await options.prepare(store);
    await store.close();
  }
  const store = storeAddressOf(folder);
  const flags = {
    data: folder,
    'api-key': KEY,
    'http-allow': '127.0.0.1',
    ...(store !== null && { store }),
    ...options.settings,
  };
  const { config } = readConfig(flags, {});
  const platform = await openPlatform(config, '0.0.0', openLog('silent'));
  await platform.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = platform.server.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    folder,
    client: new Client(url, KEY),
    async stop() {
      await platform.stop(0);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a process of the product said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the real binary to its end. @param stdin what it reads; null: nothing is there to read */
export async function runBinary(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = tmpdir(),
  stdin: string | null = null,
): Promise<Ended> {
  const child = spawnBinary(args, env, cwd, process.execPath, stdin === null ? 'ignore' : 'pipe');
  child.stdin?.end(stdin);
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: child.exitCode, stdout, stderr };
}

/**
 * Runs a command of the real binary on a terminal of its own, 100 columns wide, to its end. What it says on either stream comes as the terminal got it.
 * @param press what is typed once `waitsFor` was said
 */
export async function runOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  press?: { readonly waitsFor: string; readonly keys: string },
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const quoted = [process.execPath, BINARY, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn(TERMINAL, ['-qec', `stty cols 100 rows 40; exec ${quoted}`, '/dev/null'], {
    env: { ...surroundings(), TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let screen = '';
  let isPressed = press === undefined;
  child.stdout.on('data', (chunk) => {
    screen += chunk;
    if (isPressed || !screen.includes(press!.waitsFor)) return;
    isPressed = true;
    child.stdin.write(press!.keys);
  });
  await once(child, 'close');
  return { code: child.exitCode, screen };
}

/** A server in a process of its own, as an operator starts it. */
export interface SpawnedServer extends TestServer {
  /** The key that it printed, or the preset one. */
  readonly key: string;
  readonly child: ChildProcess;
  /** Sends SIGTERM and waits for the end. */
  end(): Promise<Ended>;
}

/** Starts the real binary on a free port, with `serve` and by the Node that the tests run on unless others are given. @throws Error with what it said when it does not get ready */
export async function spawnServer(
  options: { env?: Readonly<Record<string, string>>; folder?: string; node?: string; command?: readonly string[] } = {},
): Promise<SpawnedServer> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrun-test-'));
  const env = { MILLRUN_DATA: folder, MILLRUN_PORT: '0', ...storeEnvironment(folder), ...options.env };
  const child = spawnBinary(options.command ?? ['serve'], env, folder, options.node);
  let stdout = '';
  const stderr = text(child.stderr!);
  const ready = Promise.withResolvers<string>();
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
    const url = /listening on (\S+)/.exec(stdout)?.[1];
    if (url && stdout.endsWith('\n\n')) ready.resolve(url);
  });
  const exited = once(child, 'exit');
  void exited.then(async () => ready.reject(new Error(`The server did not get ready: ${await stderr}`)));
  const url = await ready.promise;
  const key = /API key: (mr_\w+)/.exec(stdout)?.[1] ?? options.env?.['MILLRUN_API_KEY'] ?? '';
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
    return { code: child.exitCode, stdout, stderr: await stderr };
  };
  return {
    url,
    folder,
    key,
    child,
    client: new Client(url, key),
    end,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await end();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A process that works for servers, and what it says of itself. */
export interface SpawnedWorker {
  /** Where it answers `/readyz` and `/metrics`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends SIGTERM, or nothing when it has ended, and waits for the end. */
  stop(): Promise<void>;
}

/** Starts `millrun worker` of the real binary. @throws Error with what it said when it does not get ready */
export async function spawnWorker(env: Readonly<Record<string, string>>): Promise<SpawnedWorker> {
  const folder = env['MILLRUN_DATA'] ?? tmpdir();
  const child = spawnBinary(['worker'], { MILLRUN_WORKER_PORT: '0', ...env }, folder);
  let stdout = '';
  const stderr = text(child.stderr!);
  const ready = Promise.withResolvers<string>();
  child.stdout!.on('data', (chunk) => {
    stdout += chunk;
    const port = /metrics on port (\d+)/.exec(stdout)?.[1];
    if (port) ready.resolve(`http://127.0.0.1:${port}`);
  });
  const exited = once(child, 'exit');
  void exited.then(async () => ready.reject(new Error(`The worker did not get ready: ${await stderr}`)));
  return {
    url: await ready.promise,
    child,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Without the settings of whoever runs the tests. */
function spawnBinary(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  node = process.execPath,
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  return spawn(node, [BINARY, ...args], {
    env: { ...surroundings(), ...env },
    cwd,
    stdio: [stdin, 'pipe', 'pipe'],
  });
}
