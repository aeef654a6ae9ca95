import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Long variants of tests (more cases, more crashes, more data) run when asked for. */
const long = process.env['MILLRUN_LONG_TESTS'] === '1';

/** Everything that speaks to a server from outside, on PostgreSQL instead of the store in the data folder, and nothing else. */
const allOnPostgres = process.env['MILLRUN_TEST_STORE'] === 'postgres';

/** What of it runs with all other tests. */
const SOME_ON_POSTGRES = [
  'test/journeys/{runs,runflow-runs,explorer-runs,explorer-bulk,people}.test.ts',
  'test/recordings/{recordings,runflow-recordings,runflow-dispatch,waiting}.test.ts',
];

const millrun = {
  extends: true as const,
  test: { name: 'millrun', include: ['{src,test,bench,web}/**/*.test.{ts,tsx}'] },
};

const postgres = {
  extends: true as const,
  test: {
    name: 'postgres',
    // It goes from one store to the other by itself.
    exclude: ['test/journeys/migrate-store.test.ts'],
    include: allOnPostgres ? ['test/{journeys,recordings,ui}/*.test.ts'] : SOME_ON_POSTGRES,
    globalSetup: ['test/support/postgres-run.ts'],
    setupFiles: ['test/support/needs-postgres.ts'],
  },
};

// As `bin/millrun.js` has it, for the processes of the tests and their threads.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/millrun');

export default defineConfig({
  test: {
    projects: allOnPostgres ? [postgres] : [millrun, postgres],
    // A process for each file, as in production: signals, the working directory and worker threads behave as they do there.
    pool: 'forks',
    execArgv: ['--wasm-wrapper-tiering-budget=1000000000'],
    // Vitest leaves a core free, which is half of a machine with two: most files wait for servers, browsers and clocks for half of their time.
    ...(availableParallelism() === 2 && { maxWorkers: 2 }),
    setupFiles: ['test/support/leaks.ts'],
    // Limits against hanging, far above what a test takes. No test measures time.
    testTimeout: long ? 900_000 : 60_000,
    hookTimeout: long ? 300_000 : 60_000,
    // What is polled comes in milliseconds; on a machine that is busy with something else it still comes. Its own second is no measure of either.
    expect: { poll: { timeout: 20_000 } },
  },
});
