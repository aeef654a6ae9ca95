import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/**
 * Builds the pages into `web/dist`. `npm ci` calls it, so that `npm start` serves them. Where the packages it needs were left out
 * (`npm ci --omit=dev`) it says so and lets the install go on: the server does without pages.
 */

const ROOT = join(import.meta.dirname, '..');

/** Brotli's second best: the best takes four times as long for 3 % less. */
const QUALITY = 9;

if (existsSync(join(ROOT, 'node_modules/vite/package.json'))) {
  // Whatever it says where this is called from: tests say "test", for which React would be built with its checks.
  process.env['NODE_ENV'] = 'production';
  const { build } = await import('vite');
  const start = performance.now();
  await build({
    root: join(ROOT, 'web'),
    configFile: join(ROOT, 'web/vite.config.ts'),
    configLoader: 'native',
    logLevel: 'warn',
  });
  compress(join(ROOT, 'web/dist/assets'));
  process.stdout.write(`web/dist was built in ${((performance.now() - start) / 1000).toFixed(1)} s.\n`);
} else {
  process.stdout.write('The pages were not built: the development packages are not installed. `npm ci` brings them.\n');
}

/** Puts beside each file what the server sends of it to browsers that take it compressed. */
function compress(folder: string): void {
  for (const name of globSync('*.{js,css}', { cwd: folder })) {
    const file = join(folder, name);
    const bytes = readFileSync(file);
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}
