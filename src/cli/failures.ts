/** Errors whose message is meant for the operator; a stack would only hide it. */
const EXPLAINED = new Set(['ConfigError', 'StoreInUse', 'NewerSchema', 'TypeError']);

/**
 * Runs a command and turns mistakes of the operator into a message and exit code 2.
 * @returns the exit code
 */
export async function explained(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const isFlagMistake = code?.startsWith('ERR_PARSE_ARGS') === true;
    if (code === 'EADDRINUSE') {
      process.stderr.write(
        `The port is taken: ${error.message}. Stop the other server, or choose another one with MILLRUN_PORT.\n`,
      );
      return 2;
    }
    if (!isFlagMistake && (!EXPLAINED.has(error.name) || error.name === 'TypeError')) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}
