/**
 * Question: how many times a second does a code node's sandbox call a small `main`?
 *
 *   npm run bench -- code [calls]
 *
 * Floor: the same function called natively in a worker thread, one message there and one back.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CodeThreads } from '../src/nodes/code/code-threads.ts';
import type { CodeJob } from '../src/nodes/code/sandbox.ts';

const SOURCE = 'function main(inputs) { return { sum: inputs.a + inputs.b }; }';
const INPUTS = '{"a":1,"b":2}';

const NATIVE = `
const { parentPort } = require('node:worker_threads');
${SOURCE}
parentPort.on('message', (inputs) => parentPort.postMessage(JSON.stringify(main(JSON.parse(inputs)))));
`;

/** Calls under way at a time: one shows what a call takes, the other what two threads do. */
const CONCURRENCIES = [1, 4];

const job = (workspaceId: string, source = SOURCE, language: CodeJob['language'] = 'javascript'): CodeJob => ({
  workspaceId,
  language,
  source,
  inputs: INPUTS,
  limits: { timeoutMs: 10_000, memoryBytes: 64 * 1024 * 1024 },
  deterministic: false,
});

function line(what: string, concurrency: number, calls: number, ms: number, cpuMs: number): void {
  const perSecond = Math.round((calls / ms) * 1000);
  console.log(`| ${what} | ${concurrency} | ${perSecond} | ${(cpuMs / calls).toFixed(3)} |`);
}

/** @param call makes the call of that number */
async function measure(
  what: string,
  concurrency: number,
  calls: number,
  call: (number: number) => Promise<unknown>,
): Promise<void> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let made = 0;
  const next = async () => {
    while (made < calls) await call(made++);
  };
  await Promise.all(Array.from({ length: concurrency }, next));
  const { user, system } = process.cpuUsage(cpu);
  line(what, concurrency, calls, performance.now() - start, (user + system) / 1000);
}

export async function bench(args: readonly string[]): Promise<void> {
  const calls = Number(args[0] ?? 5_000);
  const signal = new AbortController().signal;
  const threads = new CodeThreads();
  const run = async (given: CodeJob) => {
    const outcome = await threads.run(given, { signal, log() {} });
    if (outcome.kind === 'failed') throw new Error(outcome.failure.message);
  };

  const rssBefore = process.memoryUsage().rss;
  const start = performance.now();
  await run(job('w0'));
  const first = performance.now() - start;
  await Promise.all([run(job('w0')), run(job('w0'))]);
  const grown = (process.memoryUsage().rss - rssBefore) / 1024 / 1024;

  console.log('| what | concurrency | calls per second | CPU ms each |\n|---|---|---|---|');
  for (const concurrency of CONCURRENCIES) {
    await measure('JavaScript, one workspace', concurrency, calls, () => run(job('w0')));
  }
  const typed = 'function main(inputs: { a: number; b: number }): object { return { sum: inputs.a + inputs.b }; }';
  await measure('TypeScript, one workspace', 1, calls, () => run(job('w0', typed, 'typescript')));
  // Each call comes from another workspace than the one before, and so gets a memory that nobody used.
  await measure('JavaScript, workspaces in turn', 1, Math.ceil(calls / 5), (number) => run(job(`w${number % 7}`)));

  const native = new Worker(NATIVE, { eval: true });
  await measure('floor: native, in a worker thread', 1, calls, async () => {
    const answer = once(native, 'message');
    native.postMessage(INPUTS);
    await answer;
  });
  await native.terminate();
  await threads.close();
  console.log(`\nFirst call, its thread included: ${first.toFixed(0)} ms; two threads take ${grown.toFixed(0)} MB.`);
}
