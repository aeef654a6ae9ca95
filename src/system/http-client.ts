/** Every request that the platform makes for a user (HTTP nodes, model calls, file downloads, callbacks) goes through one such client. */
export interface HttpClient {
  /**
   * Sends one request, following redirects up to a limit; every hop's addresses are checked before a connection is opened.
   * Resolves for any HTTP status.
   * @throws HttpClientError when no answer could be had.
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** The same guard in the shape of the platform's `fetch`, for libraries that take one (model providers, embedders). Bodies stream. */
  readonly fetch: typeof globalThis.fetch;
  /**
   * Opens a websocket (RFC 6455) under the same guard, to read what it says. Resolves once it is open.
   * @throws HttpClientError when it cannot be opened.
   */
  websocket(request: WebSocketRequest): Promise<OpenWebSocket>;
  /** Why this address may not be called, or null when it may. Looks at the URL only; names are checked again when they are resolved. */
  refusal(url: string): string | null;
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds for the whole exchange, redirects and body included. */
  readonly timeoutMs: number;
  /** Bytes of decoded body that are read at most; more is an error. */
  readonly maxBytes: number;
  readonly followRedirects?: boolean;
  /** Headers, in small letters, that are not sent to another origin that a redirect points to, besides the usual ones. */
  readonly originHeaders?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The address that answered, after redirects. */
  readonly url: string;
}

export interface WebSocketRequest {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until it must be open. */
  readonly timeoutMs: number;
  /** Bytes of one decoded message at most; a larger one ends the connection. */
  readonly maxBytes: number;
  /** Ends the connection, also while it is being opened. */
  readonly signal?: AbortSignal;
  /** Each text message, in order, once it is open. Binary ones are skipped. */
  onText(text: string): void;
  /** The connection that was open has ended, whoever ended it. Called once. */
  onClose(): void;
}

/** A websocket that was opened. */
export interface OpenWebSocket {
  /** Ends it at once. */
  close(): void;
}

/** No answer: the address is refused, the network failed, time ran out, or the answer was too large. */
export class HttpClientError extends Error {
  readonly reason: 'address_refused' | 'network' | 'timeout' | 'too_large' | 'aborted';
  constructor(reason: HttpClientError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpClientError';
    this.reason = reason;
  }
}
