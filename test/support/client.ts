/** JSON as it comes over the wire; tests say what they expect of it. */
// biome-ignore lint/suspicious/noExplicitAny: an answer has no type until a test has looked at it.
export type Wire = any;

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, undefined when it is none. */
  readonly body: Wire;
}

/** A caller with a key, over real HTTP. */
export class Client {
  readonly url: string;
  readonly key: string | null;

  constructor(url: string, key: string | null) {
    this.url = url;
    this.key = key;
  }

  /** Sends a request; objects go as JSON, texts and forms as they are. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const isForm = body instanceof FormData;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.key === null ? {} : { 'x-api-key': this.key }),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  }

  /** The body of an answer that must be 200. @throws Error with the answer otherwise */
  async ok(method: string, path: string, body?: unknown): Promise<Wire> {
    const answer = await this.send(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  get(path: string): Promise<Wire> {
    return this.ok('GET', path);
  }

  post(path: string, body?: unknown): Promise<Wire> {
    return this.ok('POST', path, body);
  }

  /** Saves a workflow and gives its record. */
  save(definition: unknown, more: object = {}): Promise<Wire> {
    return this.post('/v1/workflows', { name: 'Test', type: 'flow', definition, ...more });
  }

  /** Starts a run and gives it as it is once it has one of the statuses. */
  async run(
    workflowId: string,
    body: object,
    until: readonly string[] = ['completed', 'failed', 'stopped'],
  ): Promise<Wire> {
    const { id } = await this.post(`/v1/workflows/${workflowId}/runs`, body);
    return this.until(workflowId, id, until);
  }

  /** Reads a run until it has one of the statuses; the test's own timeout bounds the wait. */
  async until(workflowId: string, runId: string, statuses: readonly string[]): Promise<Wire> {
    for (;;) {
      const run = await this.get(`/v1/workflows/${workflowId}/runs/${runId}`);
      if (statuses.includes(run.status)) return run;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function parsed(text: string): Wire {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
