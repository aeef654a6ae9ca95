/** What a served model says. */
export interface Said {
  /** Its text; several pieces come one by one where it streams. */
  readonly text: string | readonly string[];
  readonly finish?: 'stop' | 'length' | 'filter';
  /** Tokens; null: the provider tells none. */
  readonly usage?: { readonly input: number; readonly output: number } | null;
  /** Log-probabilities, for the protocols that have them. */
  readonly tokens?: readonly { readonly token: string; readonly logprob: number }[];
}

/** How one provider speaks: real paths, bodies and frames. */
export interface Wire {
  modelOf(path: string, body: Body): string;
  isStreamed(path: string, body: Body): boolean;
  /** The body of an answer that comes at once, to this request. */
  whole(said: Said, body: Body): object;
  readonly streamType: string;
  /** The frames of an answer that streams, in order. */
  frames(said: Said): readonly (string | Buffer)[];
  /** The body of an error. */
  error(status: number, message: string): object;
}

/** The JSON of a request. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at what each provider is sent, which is different for each.
export type Body = Record<string, any>;

export function piecesOf({ text }: Said): readonly string[] {
  return typeof text === 'string' ? [text] : text;
}

export function textOf(said: Said): string {
  return piecesOf(said).join('');
}

export function tokensOf({ usage }: Said): { input: number; output: number } | null {
  return usage === undefined ? { input: 1000, output: 20 } : usage;
}

/** One server-sent event. */
export function sse(data: object | string, event?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`;
}
