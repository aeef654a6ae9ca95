#!/usr/bin/env node
import { spawn } from 'node:child_process';
// Not by name: Node 20 has no `enableCompileCache`, and would refuse this file before it can start the newer one.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const main = new URL('../src/cli/main.ts', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // WebAssembly that calls JavaScript often gets a wrapper of its own, which V8 may free while another thread is about to: seen to end the process
  // (`UnregisterWasmAllocation`, Node 24.21), with the type stripper on several threads. They all do with the common wrapper.
  setFlagsFromString('--wasm-wrapper-tiering-budget=1000000000');
  // Before the first TypeScript source: what comes from the cache needs no type stripper, whose WebAssembly takes 25 MB and 0.1 s. Threads look
  // for it in the environment only.
  const cache = fileURLToPath(new URL('../node_modules/.cache/millrun', import.meta.url));
  modules.enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE ??= cache;
  await import(main.href);
} else {
  // The machine's own Node is too old to run TypeScript source; the one that came with the package is not.
  const node = modules.createRequire(import.meta.url).resolve('node/bin/node');
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Whoever stops this process means the other one. A terminal tells both by itself.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
