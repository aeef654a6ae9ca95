/** Limits of code nodes, each with its reason. Time and memory are the author's to choose, up to what is said here. */

/** UTF-16 units of source: twenty times a long file, and little enough to be read in milliseconds. */
export const MAX_SOURCE_LENGTH = 256 * 1024;

/** UTF-16 units of the inputs as JSON. Read inside the sandbox they take some ten times as much, which the largest memory still holds. */
export const MAX_INPUT_LENGTH = 8 * 1024 * 1024;

/** UTF-16 units of the outputs as JSON: the event loop reads them at once, in some 20 ms. */
export const MAX_OUTPUT_LENGTH = 4 * 1024 * 1024;

export const MAX_OUTPUTS = 100;
export const MAX_OUTPUT_NAME_LENGTH = 100;

export const DEFAULT_TIMEOUT_SECONDS = 10;
/** A thread is taken for all that time. What needs longer is no glue between nodes. */
export const MAX_TIMEOUT_SECONDS = 300;

export const DEFAULT_MEMORY_MB = 64;
/** Times the number of threads, it is what code may cost the server in all. */
export const MAX_MEMORY_MB = 256;
/** The engine's own objects take some 300 KB; below this not even the inputs find room. */
export const MIN_MEMORY_MB = 4;

/** Bytes of the sandbox's stack: some 1,500 calls deep. V8's own stack in the thread, which calls use up too, lasts longer than that. */
export const STACK_BYTES = 256 * 1024;

/** Lines of one run that are kept: each is a row in the store. */
export const MAX_LOG_LINES = 200;
export const MAX_LOG_LENGTH = 2_000;

/** UTF-16 units of an error's text that a failure repeats. */
export const MAX_ERROR_LENGTH = 1_000;
