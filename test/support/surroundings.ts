/** Where programs, homes and temporary folders are, and how text is written. */
const TAKEN_OVER = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|NODE_V8_COVERAGE|NODE_COMPILE_CACHE)$/;

/**
 * The environment of a program that a test starts. It names what it takes over, since everything else may change what the program does:
 * `CI` and `NO_COLOR` take colours away, `PGHOST` leads to another database, and a developer's settings of the product are theirs.
 */
export function surroundings(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => TAKEN_OVER.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}
