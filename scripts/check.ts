import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Runs everything that reads the code without running it, side by side, and says what each found. */

const folders = ['src', 'web', 'test', 'bench', 'demo'].filter((folder) => existsSync(folder));

/** The slowest first, so that the quick ones fill up what is left. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '--pretty', '-p', '.'],
  knip: ['knip'],
  'web types': ['tsc', '--pretty', '-p', 'web'],
  'domain types': ['tsc', '--pretty', '-p', 'src/domain'],
  'client types': ['tsc', '--pretty', '-p', 'src/sdk'],
  floors: ['depcruise', ...folders],
  biome: ['biome', 'check', '--error-on-warnings'],
};

const waiting = Object.entries(CHECKS);
const failed: string[] = [];
await Promise.all(Array.from({ length: availableParallelism() }, takeTurns));

if (failed.length > 0) {
  console.error(`\n${failed.length} of ${Object.keys(CHECKS).length} checks failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

async function takeTurns(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) await check(...next);
}

async function check(name: string, [command = '', ...args]: readonly string[]): Promise<void> {
  const start = performance.now();
  const { code, said } = await run(command, args);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✔' : '✘'} ${name} (${seconds} s)`);
  if (code === 0) return;
  failed.push(name);
  console.log(`\n$ ${[command, ...args].join(' ')}\n${said}`);
}

/** Keeps what a tool says until it has ended: the words of five tools at once cannot be read. */
function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly said: string }> {
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...color } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}
