import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Builds the pages into `web/dist`. `npm ci` calls it, so that `npm start` serves them. Where the packages it needs were left out
 * (`npm ci --omit=dev`) it says so and lets the install go on: the server does without pages.
 */

const ROOT = join(import.meta.dirname, '..');

if (existsSync(join(ROOT, 'node_modules/vite/package.json'))) {
  const { build } = await import('vite');
  const start = performance.now();
  await build({
    root: join(ROOT, 'web'),
    configFile: join(ROOT, 'web/vite.config.ts'),
    configLoader: 'native',
    logLevel: 'warn',
  });
  process.stdout.write(`web/dist was built in ${((performance.now() - start) / 1000).toFixed(1)} s.\n`);
} else {
  process.stdout.write('The pages were not built: the development packages are not installed. `npm ci` brings them.\n');
}
