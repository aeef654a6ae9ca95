// After an install: fills the compile cache, so that the first start is as quick and small as every other one, and builds the pages and the client.
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

// Under node_modules Node strips no types: a package that lies there has of these what it was packed with.
const isPacked = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24 && !isPacked) {
  modules.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/millrun', import.meta.url)));
  try {
    await import('../src/cli/commands/serve.ts');
    modules.flushCompileCache();
  } catch (error) {
    // An install is not the place to fail for it: the first start compiles what is missing, and says what is wrong.
    process.stderr.write(`The compile cache was not filled: ${error}\n`);
  }
  try {
    await import('./build-web.ts');
  } catch (error) {
    process.stderr.write(
      `The pages were not built: ${error}\nThe server runs without them; \`npm run build\` tries again.\n`,
    );
  }
  try {
    await import('./build-client.ts');
  } catch (error) {
    process.stderr.write(
      `millrun/client was not built: ${error}\nThe server needs it not; \`npm run build\` tries again.\n`,
    );
  }
}
