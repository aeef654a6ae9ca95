import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Secrets that servers and workers on one store have in common. */
export const SHARED_SECRETS = { MILLRUN_SECRET: '1'.repeat(64), MILLRUN_ENCRYPTION_KEY: '2'.repeat(64) };

/** The key of every benchmark's server. */
export const BENCH_KEY = 'bench_key_0123456789';

/** Clock ticks per second of `/proc/<pid>/stat` on Linux. */
const TICKS = 100;

/** A server of the product in a process of its own, as an operator would start it. */
export interface BenchServer {
  readonly url: string;
  readonly key: string;
  readonly folder: string;
  readonly pid: number;
  /** CPU milliseconds the process has used so far, all threads. */
  cpuMs(): number;
  /** Resident memory, megabytes. */
  memoryMb(): number;
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port with a data folder that is removed at the end (or a given one that stays).
 * @param options `args`: another command; `ready`: what it says when it is ready, with its address as the first group
 */
export async function startServer(
  options: { folder?: string; nodeArgs?: string[]; args?: string[]; ready?: RegExp } = {},
): Promise<BenchServer> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'millrun-bench-'));
  const key = BENCH_KEY;
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      new URL('../bin/millrun.js', import.meta.url).pathname,
      ...(options.args ?? ['serve', '--port', '0']),
    ],
    {
      // Those that share a store share its secrets.
      env: { ...process.env, ...SHARED_SECRETS, MILLRUN_DATA: folder, MILLRUN_API_KEY: key, MILLRUN_LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      const match = (options.ready ?? /listening on (\S+)/).exec(output);
      if (match?.[1]) resolve(match[1]);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code} before it was ready.`)));
  });
  const pid = child.pid!;
  return {
    url,
    key,
    folder,
    pid,
    cpuMs() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
    },
    memoryMb() {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    },
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
