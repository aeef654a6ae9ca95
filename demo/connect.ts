import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { answers, folderKey, serverUrl } from '../src/cli/server-access.ts';
import { readConfig } from '../src/config/read.ts';

/** Something the reader of the demo has to do first. The message says what. */
export class Obstacle extends Error {}

/** A server to talk to. */
export interface Connection {
  readonly url: string;
  readonly key: string;
  /** Whether the demo started it, and will stop it. */
  readonly started: boolean;
  /** Whether the environment already holds the key, so that it need not be shown. */
  readonly keyIsPreset: boolean;
  close(): Promise<void>;
}

/**
 * The server that runs, or one that is started on the default data folder. Settings are read as the server reads them, so that both mean the
 * same address, folder and key; `MILLRUN_URL` names another server.
 * @throws Obstacle
 */
export async function connect(): Promise<Connection> {
  const { config } = readConfig({});
  const elsewhere = process.env['MILLRUN_URL']?.replace(/\/+$/, '');
  const url = elsewhere || serverUrl(config);
  if (!(await answers(url))) {
    if (elsewhere) throw new Obstacle(`No Millrun server answers at ${url}. Start it there, or unset MILLRUN_URL.`);
    return startServer(config.apiKey);
  }
  const key = config.apiKey ?? (elsewhere ? null : folderKey(config));
  if (key !== null && (await knowsKey(url, key))) {
    return { url, key, started: false, keyIsPreset: config.apiKey !== null, close: async () => {} };
  }
  throw new Obstacle(
    `The server at ${url} ${key === null ? 'asks for an API key' : 'does not know the API key'}. It printed its key at the start; give it to the demo:\n\n  MILLRUN_API_KEY=mr_... npm run demo\n`,
  );
}

async function knowsKey(url: string, key: string): Promise<boolean> {
  const answer = await fetch(`${url}/v1/admin/me`, { headers: { 'x-api-key': key } });
  return answer.ok;
}

async function startServer(presetKey: string | null): Promise<Connection> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/millrun.js'), 'serve'], {
    env: { ...process.env, MILLRUN_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A server must not outlive a demo that was told to stop.
  process.once('exit', () => child.kill());
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const welcome = await welcomeOf(child);
  const key = presetKey ?? welcome.key;
  const close = async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  if (welcome.url === undefined || key === undefined) {
    await close();
    throw new Obstacle(
      'The server started without showing an API key. Set MILLRUN_API_KEY, for the server and the demo.',
    );
  }
  return { url: welcome.url, key, started: true, keyIsPreset: presetKey !== null, close };
}

/** The server's address and, where it shows one, its key. */
const WELCOME = /listening on (?<url>\S+)[\s\S]*?API key: (?<key>mr_\w+)?.*\n/;

/** What the server says up to the point where it is ready. @throws Obstacle with its words when it ends before */
async function welcomeOf(child: ChildProcess): Promise<{ url?: string; key?: string }> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const welcome = WELCOME.exec(said);
      if (welcome?.groups) resolve(welcome.groups);
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Obstacle(`The server ended with code ${code}. It said:\n${said}`)));
  });
}
