import type { Failure } from '../../domain/failure.ts';
import type { LogLevel } from '../../domain/run-log.ts';
import type { HttpClient } from '../../system/http-client.ts';

/** Languages that run on this server; `python` runs at an external runner. */
export type SandboxLanguage = 'javascript' | 'typescript';

/** What one run of code may use. */
export interface CodeLimits {
  /** Milliseconds from the first line of the code to its result. */
  readonly timeoutMs: number;
  /** Bytes of its heap. */
  readonly memoryBytes: number;
}

/** Code to be run once. Nothing but the texts in it reaches the code. */
export interface CodeJob {
  /** Code of different workspaces never shares a WebAssembly memory, not even one after the other. */
  readonly workspaceId: string;
  readonly language: SandboxLanguage;
  /** Declares a function `main`. */
  readonly source: string;
  /** A JSON object: what `main` is called with. */
  readonly inputs: string;
  readonly limits: CodeLimits;
  /** Chance is drawn from the code and its inputs, and the clock stands at 1970-01-01T00:00:00Z. */
  readonly deterministic: boolean;
}

/** How it ended. */
export type CodeOutcome =
  /** `outputs` is the JSON text of an object. */
  | { readonly kind: 'returned'; readonly outputs: string }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly retryable: boolean };

/** Runs code that nobody has looked at. */
export interface CodeSandbox {
  /**
   * Runs the code as soon as there is room. Resolves whatever the code does: its mistakes are outcomes.
   * @param options.signal ends it, also while it waits for room
   * @param options.log takes each line that it writes to its console
   */
  run(
    job: CodeJob,
    options: { readonly signal: AbortSignal; log(level: LogLevel, message: string): void },
  ): Promise<CodeOutcome>;
}

/** A server of the operator's that runs languages which this one does not; see docs/code.md for what they say to each other. */
export interface CodeRunner {
  readonly url: string;
  /** The Authorization header that it wants; null: none. */
  readonly authorization: string | null;
  /** A client that may call it. The general one may not: the runner would run whatever a workflow's HTTP request brought it. */
  readonly http: HttpClient;
}

/** Where code nodes have their code run. */
export interface CodeAccess {
  readonly sandbox: CodeSandbox;
  /** Null: none is configured. */
  readonly runner: CodeRunner | null;
}

/** The failure of code whose time was up. */
export function timedOut(timeoutMs: number): Failure {
  const message = `The code did not end within ${timeoutMs / 1_000} s. Let it do less, or raise "timeout_seconds".`;
  return { code: 'timeout', message };
}
