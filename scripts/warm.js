// Fills the compile cache after an install, so that the first start is as quick and small as every other one.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

if (Number(process.versions.node.split('.')[0]) >= 24) {
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/millrun', import.meta.url)));
  await import('../src/cli/commands/serve.ts');
  flushCompileCache();
}
