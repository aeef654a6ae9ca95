import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Builds `millrun/client` into `dist/client`, as JavaScript with its types: Node strips no types in `node_modules`, and browsers strip none at all.
 * `npm ci` and `npm pack` call it. Where TypeScript was left out (`npm ci --omit=dev`) it says so and lets the install go on.
 */

const ROOT = join(import.meta.dirname, '..');
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc');

if (existsSync(COMPILER)) {
  // What an earlier build made and this one does not would be packed with it.
  rmSync(join(ROOT, 'dist/client'), { recursive: true, force: true });
  execFileSync(process.execPath, [COMPILER, '-p', 'src/sdk/tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
} else {
  process.stdout.write(
    'millrun/client was not built: the development packages are not installed. `npm ci` brings them.\n',
  );
}
