import { RE2JS } from 're2js';

/** Longer patterns are almost surely generated; the engine's working memory grows with the pattern. */
export const MAX_PATTERN_LENGTH = 1_000;

/** Instructions of a compiled pattern: matching costs (instructions x text length) at worst, so `(a{900}){900}` must not pass. */
const MAX_PROGRAM_SIZE = 4_000;

/** UTF-16 units of text that a pattern is run over; with the program limit it bounds how long a synchronous node can take. */
export const MAX_SUBJECT_LENGTH = 1_000_000;

interface PatternOptions {
  readonly caseSensitive: boolean;
  /** `^` and `$` also match at line breaks. */
  readonly multiline?: boolean;
  /** `.` also matches a line break. */
  readonly dotAll?: boolean;
}

/**
 * Compiles a pattern in RE2 syntax, which has no back-references and no lookaround: matching time grows with the length of
 * the text, never exponentially (Cox, "Regular Expression Matching Can Be Simple And Fast").
 * @returns the pattern, or what is wrong with it.
 */
export function compilePattern(
  pattern: string,
  options: PatternOptions,
): { readonly pattern: RE2JS } | { readonly problem: string } {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return { problem: `The pattern has ${pattern.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed.` };
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, flags(options));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      problem: `The pattern ${pattern} cannot be used: ${reason}. RE2 syntax is understood: no back-references, no lookaround.`,
    };
  }
  if (compiled.programSize() > MAX_PROGRAM_SIZE) {
    return { problem: `The pattern ${pattern} is too costly to run. Use smaller repetition counts.` };
  }
  return { pattern: compiled };
}

function flags(options: PatternOptions): number {
  let bits = 0;
  if (!options.caseSensitive) bits |= RE2JS.CASE_INSENSITIVE;
  if (options.multiline) bits |= RE2JS.MULTILINE;
  if (options.dotAll) bits |= RE2JS.DOTALL;
  return bits;
}
