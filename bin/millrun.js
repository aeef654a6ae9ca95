#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { createRequire, enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const main = new URL('../src/cli/main.ts', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Before the first TypeScript source: what comes from the cache needs no type stripper, whose WebAssembly takes 25 MB and 0.1 s.
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/millrun', import.meta.url)));
  await import(main.href);
} else {
  // The machine's own Node is too old to run TypeScript source; the one that came with the package is not.
  const node = createRequire(import.meta.url).resolve('node/bin/node');
  const { status } = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
