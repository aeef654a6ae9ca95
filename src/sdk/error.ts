/** Why the server refused, whatever the API calls it. */
export type RefusalKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_many'
  | 'too_large'
  | 'unavailable'
  | 'failed';

/** One thing that is wrong in what was sent. */
export interface Problem {
  /** Where: `['body', 'input', 'Name']`. */
  readonly at: readonly (string | number)[];
  readonly message: string;
  /** A short stable word: `missing`. */
  readonly type: string;
  readonly hint: string | null;
}

/** The server refused a request, or failed on it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly kind: RefusalKind;
  /** Of HTTP. */
  readonly status: number;
  /** The word of the Runflow API (`RUN_NOT_FOUND`); null where the API has none. */
  readonly code: string | null;
  readonly problems: readonly Problem[];
  /** Seconds after which another try makes sense; null where it does not, or nobody knows. */
  readonly retryAfter: number | null;

  constructor(status: number, body: unknown, retryAfter: number | null) {
    const told = readBody(body);
    super(told.message === '' ? `The server answered ${status}.` : told.message);
    this.status = status;
    this.kind = KIND_OF_STATUS[status] ?? (status >= 500 ? 'failed' : 'invalid');
    this.code = told.code;
    this.problems = told.problems;
    this.retryAfter = retryAfter;
  }
}

/** No answer came, or it broke off: nobody knows whether the request was worked on. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** No answer came in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

const KIND_OF_STATUS: Readonly<Record<number, RefusalKind>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  429: 'too_many',
  503: 'unavailable',
};

interface Told {
  readonly message: string;
  readonly code: string | null;
  readonly problems: readonly Problem[];
}

/** Reads the body of a refusal: `{detail}` of the Noxus API, `{code, message, errors}` of the Runflow API. */
function readBody(body: unknown): Told {
  if (typeof body !== 'object' || body === null) return { message: '', code: null, problems: [] };
  const { detail, code, message, errors } = body as Readonly<Record<string, unknown>>;
  const list = Array.isArray(detail) ? detail : Array.isArray(errors) ? errors : [];
  const problems = list.map((one: Readonly<Record<string, unknown>>) => ({
    at: Array.isArray(one['loc']) ? one['loc'] : [],
    message: String(one['msg'] ?? ''),
    type: String(one['type'] ?? ''),
    hint: typeof one['hint'] === 'string' ? one['hint'] : null,
  }));
  const said = typeof detail === 'string' ? detail : typeof message === 'string' ? message : problems[0]?.message;
  return { message: said ?? '', code: typeof code === 'string' ? code : null, problems };
}
