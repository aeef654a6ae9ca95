import { ConnectionError, RefusedError, TimeoutError } from './error.ts';

/** Milliseconds that one try may take. */
const TIMEOUT_MS = 60_000;

/** Tries beyond the first. */
const RETRIES = 2;

/** Milliseconds before the first of them; each later one waits twice as long. */
const FIRST_DELAY_MS = 250;

/** Milliseconds to wait at most, also when the server asks for more: who calls would rather know. */
const MAX_DELAY_MS = 30_000;

/** Answers after which another try makes sense: what is in between the client and the server, or the server that starts or stops. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** Where a server is and how it is asked. */
export interface ClientOptions {
  /** e.g. `http://127.0.0.1:8080` */
  readonly url: string;
  readonly key: string;
  /** Milliseconds that one try of a request may take; 60,000 when left out. */
  readonly timeoutMs?: number;
  /** Tries beyond the first where it does no harm; 2 when left out. */
  readonly retries?: number;
  /** What sends requests, for proxies and tests; the one of the platform when left out. */
  readonly fetch?: typeof fetch;
}

/** What every request takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /**
   * A text that is new for each thing to be made: a request that comes again with it is answered as the first was. The Runflow API takes it, and
   * one is made where none is given.
   */
  readonly idempotencyKey?: string;
}

/** A request of one API. */
export interface HttpRequest {
  readonly method: string;
  /** Behind the address of the server, or a whole one. */
  readonly path: string;
  readonly query?: object;
  /** Sent as JSON, unless it is a form or a file. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another try does no harm, whatever the method. */
  readonly isRepeatable?: boolean;
}

/** How one API is spoken to. */
export interface ApiFace {
  /** `/noxus` or `/runflow`. */
  readonly prefix: string;
  credentials(key: string): Readonly<Record<string, string>>;
  /** Whether it answers a request that changes something, and comes again with its `Idempotency-Key`, as it answered the first. */
  readonly honoursIdempotencyKeys: boolean;
}

/** Sends requests: with a time limit, and again where that does no harm. */
export class Http {
  readonly #options: ClientOptions;
  readonly #face: ApiFace;
  readonly #url: string;

  constructor(options: ClientOptions, face: ApiFace) {
    this.#options = options;
    this.#face = face;
    this.#url = options.url.replace(/\/+$/, '');
  }

  /** The JSON of an answer; undefined for an empty one. @throws as `send` */
  async json(request: HttpRequest, options: CallOptions = {}): Promise<unknown> {
    const response = await this.send(request, options);
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  /**
   * An answer that is a success. The time limit ends with its head: what it holds may take its time.
   * @throws RefusedError, ConnectionError, TimeoutError; whatever the caller's signal was aborted with
   */
  async send(request: HttpRequest, options: CallOptions = {}): Promise<Response> {
    const headers: Record<string, string> = { ...request.headers };
    const changes = request.method !== 'GET' && !request.isRepeatable;
    if (changes && this.#face.honoursIdempotencyKeys) headers['idempotency-key'] = options.idempotencyKey ?? newKey();
    const mayRepeat = !changes || this.#face.honoursIdempotencyKeys;
    const retries = this.#options.retries ?? RETRIES;
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#once({ ...request, headers }, options);
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        const delay = tries < retries ? delayOf(error, tries, mayRepeat) : null;
        if (delay === null) throw error;
        await pause(delay, options.signal);
      }
    }
  }

  async #once({ method, path, query, body, headers }: HttpRequest, options: CallOptions): Promise<Response> {
    const { key, fetch: send = fetch, timeoutMs = TIMEOUT_MS } = this.#options;
    const isOurs = path.startsWith('/');
    const timeLimit = options.timeoutMs ?? timeoutMs;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeLimit);
    const isJson = body !== undefined && !(body instanceof FormData) && !(body instanceof Blob);
    let response: Response;
    try {
      response = await send(isOurs ? `${this.#url}${this.#face.prefix}${path}${queryText(query)}` : path, {
        method,
        headers: {
          // The key is for this server alone.
          ...(isOurs ? this.#face.credentials(key) : {}),
          ...(isJson ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as FormData | Blob) }),
        signal: AbortSignal.any([late.signal, ...(options.signal ? [options.signal] : [])]),
      });
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (late.signal.aborted)
        throw new TimeoutError(`${method} ${path} had no answer within ${timeLimit} ms.`, { cause });
      throw new ConnectionError(`${method} ${path} had no answer: ${(cause as Error).message}`, { cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return response;
    const told = await response.text().then(parsed, () => undefined);
    throw new RefusedError(response.status, told, secondsOf(response.headers.get('retry-after')));
  }
}

/** Milliseconds until another try; null: there is none. */
function delayOf(error: unknown, tries: number, mayRepeat: boolean): number | null {
  // Who waits with others must not come back with all of them at once.
  const backoff = FIRST_DELAY_MS * 2 ** tries * (0.5 + Math.random() / 2);
  if (!(error instanceof RefusedError)) return mayRepeat && isConnectionTrouble(error) ? backoff : null;
  const { status, retryAfter } = error;
  // Over the rate limit nothing was worked on. A conflict that names a time is the same request, still being worked on.
  const isWelcomeAgain =
    status === 429 || (mayRepeat && (PASSING.has(status) || (status === 409 && retryAfter !== null)));
  if (!isWelcomeAgain) return null;
  const asked = retryAfter === null ? backoff : retryAfter * 1000;
  return asked <= MAX_DELAY_MS ? asked : null;
}

const isConnectionTrouble = (error: unknown): boolean =>
  error instanceof ConnectionError || error instanceof TimeoutError;

/** Waits so many milliseconds, or until the signal is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
    return undefined;
  });
}

/** 128 random bits. Not `crypto.randomUUID`, which browsers have on secure pages only. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Names with a value; a condition is sent as its text. */
function queryText(query: object = {}): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? '');
  return header !== null && header !== '' && Number.isFinite(seconds) ? seconds : null;
}
