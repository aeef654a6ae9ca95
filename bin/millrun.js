#!/usr/bin/env node
// Hands over to the Node that came with the package: the machine's own may be too old to run TypeScript source.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const node = createRequire(import.meta.url).resolve('node/bin/node');
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? (signal ? 1 : 0));
