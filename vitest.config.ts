import { defineConfig } from 'vitest/config';

/** Long variants of tests (more cases, more crashes, more data) run when asked for. */
const long = process.env['MILLRUN_LONG_TESTS'] === '1';

export default defineConfig({
  test: {
    include: ['{src,test,bench,web}/**/*.test.{ts,tsx}'],
    // A process for each file, as in production: signals, the working directory and worker threads behave as they do there.
    pool: 'forks',
    setupFiles: ['test/support/leaks.ts'],
    // Limits against hanging, far above what a test takes. No test measures time.
    testTimeout: long ? 900_000 : 60_000,
    hookTimeout: long ? 300_000 : 60_000,
    // What is polled comes in milliseconds; on a machine that is busy with something else it still comes. Its own second is no measure of either.
    expect: { poll: { timeout: 20_000 } },
  },
});
