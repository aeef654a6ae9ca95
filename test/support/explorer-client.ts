import type { Answer, Wire } from './client.ts';
import { Client } from './client.ts';

/** The page of the explorer, as a browser sends its requests: with the session's cookie, from the same origin, with its own header. */
export class ExplorerClient {
  readonly url: string;
  readonly #client: Client;
  readonly cookie: string;

  constructor(url: string, cookie: string) {
    this.url = url;
    this.cookie = cookie;
    this.#client = new Client(url, null);
  }

  /** Signs in with a key. @throws Error when the key is refused */
  static async signIn(url: string, key: string): Promise<ExplorerClient> {
    const answer = await new ExplorerClient(url, '').send('POST', '/session', { key });
    if (answer.status !== 200) throw new Error(`Signing in answered ${answer.status}: ${answer.text}`);
    return new ExplorerClient(url, answer.headers.get('set-cookie')!.split(';')[0]!);
  }

  /** @param path below `/explorer/v1` */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = OWN_PAGE,
  ): Promise<Answer> {
    return this.#client.send(method, `/explorer/v1${path}`, body, {
      ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      ...headers,
    });
  }

  /** The body of an answer that must be 2xx. @throws Error with the answer otherwise */
  async ok(method: string, path: string, body?: unknown): Promise<Wire> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  get(path: string): Promise<Wire> {
    return this.ok('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<Wire> {
    return this.ok('POST', path, body);
  }

  /** Opens a live view. */
  async live(path: string, headers: Readonly<Record<string, string>> = {}): Promise<LiveView> {
    const ending = new AbortController();
    const response = await fetch(`${this.url}/explorer/v1${path}`, {
      headers: { cookie: this.cookie, ...headers },
      signal: ending.signal,
    });
    return new LiveView(response, ending);
  }
}

/** What a browser says of a request that the page itself makes. */
export const OWN_PAGE: Readonly<Record<string, string>> = {
  'x-millrun-explorer': '1',
  'sec-fetch-site': 'same-origin',
};

/** An event of a live view. */
interface LiveEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Wire;
}

/** A stream of server-sent events, read one by one. */
export class LiveView {
  readonly #ending: AbortController;
  readonly #events: AsyncIterator<LiveEvent>;

  constructor(response: Response, ending: AbortController) {
    this.#ending = ending;
    this.#events = eventsOf(response);
  }

  /** The next event that fits; events before it are dropped. @throws Error when the stream ends before */
  async next(fits: (event: LiveEvent) => boolean = () => true): Promise<LiveEvent> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done) throw new Error('The stream ended.');
      if (fits(value)) return value;
    }
  }

  /** Everything until the server ends the stream. */
  async rest(): Promise<LiveEvent[]> {
    const events: LiveEvent[] = [];
    for (let next = await this.#events.next(); !next.done; next = await this.#events.next()) events.push(next.value);
    return events;
  }

  close(): void {
    this.#ending.abort();
  }
}

async function* eventsOf(response: Response): AsyncGenerator<LiveEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const [event, data] = [field('event'), field('data')];
      if (event !== undefined && data !== undefined) yield { id: field('id'), event, data: JSON.parse(data) };
    }
  }
}
