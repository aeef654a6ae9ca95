/** Why the platform refuses a call. One entry a kind; each dialect maps every kind to its own status and body. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_many'
  | 'too_large'
  | 'unavailable';

/** One thing that is wrong in what a caller gave. */
export interface Problem {
  /** Where: path segments from the request's root, e.g. `['body', 'input', 'Ticket']`. */
  readonly at: readonly (string | number)[];
  /** What was given, what is allowed, what to do. */
  readonly message: string;
  /** A short stable word for programs, e.g. `missing`, `unknown_node_type`. */
  readonly type: string;
  /** What to do, when the message does not say it. */
  readonly hint?: string;
  /** The place in a text that a person wrote, in UTF-16 code units. */
  readonly span?: { readonly from: number; readonly to: number };
  readonly nodeId?: string;
  readonly edgeId?: string;
}

/** A refused call. Thrown by operations, mapped to HTTP by the dialects; never stored. */
export class PlatformError extends Error {
  readonly kind: ErrorKind;
  readonly problems: readonly Problem[];
  /** Seconds after which a retry makes sense (`too_many`, `unavailable`). */
  readonly retryAfter: number | undefined;
  /** The noun of what was not found. */
  readonly noun: string | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { problems?: readonly Problem[]; retryAfter?: number; noun?: string } = {},
  ) {
    super(message);
    this.name = 'PlatformError';
    this.kind = kind;
    this.problems = options.problems ?? [];
    this.retryAfter = options.retryAfter;
    this.noun = options.noun;
  }
}

/** The error for input that breaks one or more rules: all of them are listed, the message is the first. */
export function invalid(problems: readonly Problem[]): PlatformError {
  const first = problems[0]?.message ?? 'The request is not valid.';
  return new PlatformError('invalid', first, { problems });
}

/** The error for a thing that does not exist, or belongs to another workspace: callers cannot tell which. */
export function notFound(noun: string, id: string): PlatformError {
  return new PlatformError('not_found', `No ${noun} with id ${id} in this workspace.`, { noun });
}
