import { type Answer, Client, type Wire } from './client.ts';
import { KEY } from './server.ts';

/** A caller of the Runflow API, over real HTTP. */
export class RunflowClient {
  readonly #client: Client;
  readonly #key: string;

  constructor({ url }: { readonly url: string }, key: string = KEY) {
    this.#client = new Client(url, null);
    this.#key = key;
  }

  send(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#client.send(method, path, body, { authorization: `Bearer ${this.#key}`, ...headers });
  }

  /** The body of an answer that must be a success. @throws Error with the answer otherwise */
  async get(path: string, query: Readonly<Record<string, unknown>> = {}): Promise<Wire> {
    const address = withQuery(path, query);
    const answer = await this.send('GET', address);
    if (answer.status !== 200) throw new Error(`GET ${address} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  /** The items of one page of a list. */
  async items(path: string, query: Readonly<Record<string, unknown>> = {}): Promise<Wire[]> {
    return (await this.get(path, query)).items;
  }

  /** What a query is refused with: where, and why. */
  async refusal(path: string, query: Readonly<Record<string, unknown>> = {}): Promise<Wire> {
    const answer = await this.send('GET', withQuery(path, query));
    return { status: answer.status, ...answer.body };
  }
}

function withQuery(path: string, query: Readonly<Record<string, unknown>>): string {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return text === '' ? path : `${path}?${text}`;
}
