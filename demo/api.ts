import type { Connection } from './connect.ts';

/** A workflow as the API gives it: what the demo reads of it. */
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly validation: readonly { readonly message: string }[];
}

/** A run as lists give it: what the demo reads of it. Times are ISO 8601. */
export interface Run {
  readonly id: string;
  readonly status: string;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly output: Readonly<Record<string, unknown>> | null;
  readonly error?: string | null;
}

/** How far each node of a run has come: what the demo reads of it. */
export interface RunProgress {
  readonly per_node_progress: Readonly<Record<string, { readonly status: string; readonly total_it: number }>>;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly pages: number;
}

/** Items of a page: the most that lists give. */
const PAGE_SIZE = 100;

/** The few calls of the public API that the demo makes (`/noxus/openapi.json` lists all). */
export class Api {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Saves the workflow under its name: updates the one that has it, or makes it. Running the demo twice leaves one workflow. */
  async saveWorkflow(body: { readonly name: string }): Promise<{ workflow: Workflow; isNew: boolean }> {
    for await (const known of this.#pages<Workflow>('/v1/workflows')) {
      if (known.name !== body.name) continue;
      const workflow = await this.#call<Workflow>('PATCH', `/v1/workflows/${known.id}?force=true`, body);
      return { workflow, isNew: false };
    }
    return { workflow: await this.#call<Workflow>('POST', '/v1/workflows', body), isNew: true };
  }

  /** Runs a workflow and waits for its end. @returns the run's id, however it ended */
  async runToEnd(workflowId: string, input: object): Promise<string> {
    const path = `/v1/workflows/${workflowId}/runs/sync`;
    return (await this.#call<{ id: string }>('POST', path, { input })).id;
  }

  /** Runs of a workflow, newest first. */
  runs(workflowId: string): AsyncGenerator<Run> {
    return this.#pages<Run>(`/v1/workflows/${workflowId}/runs`);
  }

  /** What the nodes of one run did. */
  async progress(workflowId: string, runId: string): Promise<RunProgress> {
    const path = `/v1/workflows/${workflowId}/runs/${runId}`;
    return (await this.#call<{ progress_details: RunProgress }>('GET', path)).progress_details;
  }

  /** Ids of the runs that a filter lets through, in the order that `sort` says. Asked of the other API over the same runs, whose lists take filters. */
  async find(filter: string, sort: string): Promise<string[]> {
    const found: string[] = [];
    const query = new URLSearchParams({ q: filter, sort_by: sort, fields: 'id', limit: '500' });
    for (;;) {
      const page = await this.#call<{ items: { id: string }[]; next: string | null }>(
        'GET',
        `/runflow/v1/runs?${query}`,
      );
      found.push(...page.items.map(({ id }) => id));
      if (page.next === null) return found;
      query.set('pq', page.next);
    }
  }

  async *#pages<T>(path: string): AsyncGenerator<T> {
    for (let page = 1, pages = 1; page <= pages; page++) {
      const answer = await this.#call<Page<T>>('GET', `${path}?page=${page}&size=${PAGE_SIZE}`);
      pages = answer.pages;
      yield* answer.items;
    }
  }

  /** @throws Error with what the server says when it refuses */
  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.#connection.url}${path}`, {
      method,
      // Each of the two APIs has its own way to take the key, and looks at no other.
      headers: {
        'x-api-key': this.#connection.key,
        authorization: `Bearer ${this.#connection.key}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
    return JSON.parse(text) as T;
  }
}
