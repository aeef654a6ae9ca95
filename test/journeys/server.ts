import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeEnvironment } from '../support/store-under-test.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The product in a process of its own, with a data folder of its own. */
export interface Server {
  readonly url: string;
  readonly key: string;
  /** Its data folder, removed when it stops. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** Starts the product on a free port, configured by environment variables alone. */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'millrun-journey-'));
  const key = 'mr_journey_0123456789';
  const child = spawn(process.execPath, [join(ROOT, 'bin/millrun.js'), 'serve'], {
    // A millrun.json or a variable of whoever runs the tests must not reach the server.
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      MILLRUN_DATA: folder,
      MILLRUN_PORT: '0',
      MILLRUN_API_KEY: key,
      MILLRUN_LOG_LEVEL: 'warn',
      ...storeEnvironment(folder),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /listening on (\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code} before it was ready: ${said}`)));
  });
  return {
    url,
    key,
    folder,
    async stop() {
      if (child.exitCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
