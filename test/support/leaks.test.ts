import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** A test file's body, and what the guard says of it. */
const FILES: Readonly<Record<string, { readonly body: string; readonly left: string | null }>> = {
  worker: { body: `new Worker('setInterval(() => {}, 1e6)', { eval: true }).unref();`, left: 'worker thread' },
  server: { body: `createServer().listen(0);`, left: 'server' },
  timer: { body: `setInterval(() => {}, 1e6);`, left: 'timer' },
  child: { body: `spawn('sleep', ['5']);`, left: 'child process' },
  'fake-clock': { body: `vi.useFakeTimers(); createServer().listen(0);`, left: 'server' },
  closing: {
    body: `const server = createServer().listen(0); server.close(); setTimeout(() => {}, 50);
      const worker = new Worker('setInterval(() => {}, 1e6)', { eval: true }); void worker.terminate();`,
    left: null,
  },
};

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string; readonly message: string }[];
}

let folder: string;
let report: Report;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrun-leaks-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const setup = JSON.stringify(join(ROOT, 'test/support/leaks.ts'));
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `export default { test: { pool: 'forks', maxWorkers: 6, setupFiles: [${setup}] } };`,
  );
  for (const [name, { body }] of Object.entries(FILES)) {
    const imports = `import { spawn } from 'node:child_process';
      import { createServer } from 'node:http';
      import { Worker } from 'node:worker_threads';
      import { it, vi } from 'vitest';`;
    await writeFile(join(folder, `${name}.test.mjs`), `${imports}\nit('passes', () => { ${body} });`);
  }
  report = await runTests(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(Object.keys(FILES))('the guard sees what the test file "%s" leaves alive', (name) => {
  const result = report.testResults.find((file) => file.name.endsWith(`/${name}.test.mjs`));
  const left = FILES[name]?.left;
  expect(result?.status).toBe(left ? 'failed' : 'passed');
  if (left) expect(result?.message).toContain(`left alive: ${left} (opened in ${name}.test.mjs).`);
});

async function runTests(root: string): Promise<Report> {
  const output = join(root, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  await new Promise<void>((done) => {
    execFile(process.execPath, [vitest, 'run', '--reporter=json', '--outputFile', output], { cwd: root }, () => done());
  });
  return JSON.parse(await readFile(output, 'utf8'));
}
