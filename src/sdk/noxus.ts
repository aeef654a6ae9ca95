import { type Call, caller } from './call.ts';
import type { CallOptions, Http } from './http.ts';
import { List } from './list.ts';
import type {
  FileRecord,
  ListedRun,
  Noxus,
  PublicRunWithSearchData,
  SimplifiedRun,
  WorkflowRecord,
} from './noxus-api.ts';
import { type RunEvent, type WatchOptions, watchRun } from './run-events.ts';

type Body<Name extends keyof Noxus> = Noxus[Name]['body'];
type Query<Name extends keyof Noxus> = Noxus[Name]['query'];
type HumanRequest = Noxus['GET /v1/human-requests/{request_id}']['answer'];

/** Items of a page of a list that is gone through. */
const PAGE_SIZE = 50;

/** The Noxus API: `docs/dialects/noxus.md`. */
export class NoxusClient {
  /** Any operation of the API, by method and path. */
  readonly call: Call<Noxus>;
  readonly workflows: NoxusWorkflows;
  readonly runs: NoxusRuns;
  readonly people: NoxusPeople;
  readonly files: NoxusFiles;

  constructor(http: Http) {
    this.call = caller<Noxus>(http);
    this.workflows = new NoxusWorkflows(this.call);
    this.runs = new NoxusRuns(this.call, http);
    this.people = new NoxusPeople(this.call);
    this.files = new NoxusFiles(http);
  }
}

/** Workflows: graphs that are saved. */
class NoxusWorkflows {
  readonly #call: Call<Noxus>;

  constructor(call: Call<Noxus>) {
    this.#call = call;
  }

  /** Last changed first. */
  list(options?: CallOptions): List<WorkflowRecord> {
    return numbered((page) => this.#call('GET /v1/workflows', { query: page }, options));
  }

  get(id: string, options?: CallOptions): Promise<WorkflowRecord> {
    return this.#call(
      'GET /v1/workflows/{workflow_id}',
      { path: { workflow_id: id } },
      options,
    ) as Promise<WorkflowRecord>;
  }

  create(workflow: Body<'POST /v1/workflows'>, options?: CallOptions): Promise<WorkflowRecord> {
    return this.#call('POST /v1/workflows', { body: workflow }, options);
  }
}

/** Runs: start, watch, find, stop. */
class NoxusRuns {
  readonly #call: Call<Noxus>;
  readonly #http: Http;

  constructor(call: Call<Noxus>, http: Http) {
    this.#call = call;
    this.#http = http;
  }

  /** Starts a run. The API knows no idempotency key: a request whose answer is lost is not sent again. */
  create(
    workflowId: string,
    run: Body<'POST /v1/workflows/{workflow_id}/runs'>,
    options?: CallOptions,
  ): Promise<SimplifiedRun> {
    return this.#call(
      'POST /v1/workflows/{workflow_id}/runs',
      { path: { workflow_id: workflowId }, body: run },
      options,
    );
  }

  /** A run with its output. */
  get(run: Pick<SimplifiedRun, 'id' | 'workflow_id'>, options?: CallOptions): Promise<SimplifiedRun> {
    const path = { workflow_id: run.workflow_id, run_id: run.id };
    return this.#call('GET /v1/workflows/{workflow_id}/runs/{run_id}', { path }, options);
  }

  /** Waits until a run has ended or waits for a person, however long that takes: end it with a signal. */
  async wait(run: Pick<SimplifiedRun, 'id' | 'workflow_id'>, options?: CallOptions): Promise<SimplifiedRun> {
    for await (const _ of this.events(run.id, options));
    return this.get(run, options);
  }

  /** What a run does, as it happens, until it has ended or waits for a person. A line that breaks off is taken up again. */
  events(runId: string, options?: WatchOptions): AsyncGenerator<RunEvent, void, undefined> {
    return watchRun(this.#http, runId, options);
  }

  /** Newest first. */
  list(options?: CallOptions): List<ListedRun> {
    return numbered((page) => this.#call('GET /v1/runs', { query: page }, options));
  }

  /** Runs that say something: by their words where `exact` is set, newest first; otherwise by meaning, best first. */
  search(
    wanted: Omit<Body<'POST /v1/runs/search'>, 'limit' | 'offset' | 'filter'> & {
      filter?: { toString(): string } | string;
    },
    options?: CallOptions,
  ): List<PublicRunWithSearchData> {
    const { filter, ...rest } = wanted;
    const body = { ...rest, ...(filter === undefined ? {} : { filter: String(filter) }), limit: PAGE_SIZE };
    return new List(async (cursor) => {
      const offset = Number(cursor ?? 0);
      // It only reads.
      const given = { ...options, isRepeatable: true };
      const { items } = await this.#call('POST /v1/runs/search', { body: { ...body, offset } }, given);
      return { items, next: items.length < PAGE_SIZE ? null : String(offset + PAGE_SIZE) };
    });
  }

  /** Stops a run; one that has ended stays as it is. */
  stop(runId: string, options?: CallOptions): Promise<SimplifiedRun> {
    return this.#call('POST /v1/runs/{run_id}/stop', { path: { run_id: runId } }, { ...options, isRepeatable: true });
  }
}

/** What runs ask persons. */
class NoxusPeople {
  readonly #call: Call<Noxus>;

  constructor(call: Call<Noxus>) {
    this.#call = call;
  }

  /** Those that wait longest first; pending ones unless `status` says otherwise. */
  list(query: Omit<Query<'GET /v1/human-requests'>, 'after'> = {}, options?: CallOptions): List<HumanRequest> {
    return new List(async (after) => {
      const given = { ...query, ...(after === null ? {} : { after }) };
      return this.#call('GET /v1/human-requests', { query: given }, options);
    });
  }

  /** Answers a request, and its run goes on. */
  answer(
    requestId: string,
    answer: Body<'POST /v1/human-requests/{request_id}/answer'>,
    options?: CallOptions,
  ): Promise<HumanRequest> {
    const path = { request_id: requestId };
    return this.#call('POST /v1/human-requests/{request_id}/answer', { path, body: answer }, options);
  }
}

/** Files that go with runs. */
class NoxusFiles {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Hands a file in. A run takes it as `{ uri: 'spot://<id>' }`. */
  async upload(file: Blob, name: string, options?: CallOptions): Promise<FileRecord> {
    const body = new FormData();
    body.append('file', file, name);
    return (await this.#http.json({ method: 'POST', path: '/v1/file', body }, options)) as FileRecord;
  }

  async download(fileId: string, options?: CallOptions): Promise<Blob> {
    const path = `/v1/file/${encodeURIComponent(fileId)}`;
    return (await this.#http.send({ method: 'GET', path }, options)).blob();
  }
}

/** A list in numbered pages. */
function numbered<T>(
  read: (page: { page: number; size: number }) => Promise<{ items: readonly T[]; total: number; size: number }>,
): List<T> {
  return new List(async (cursor) => {
    const page = cursor === null ? 1 : Number(cursor);
    const { items, total } = await read({ page, size: PAGE_SIZE });
    return { items, next: page * PAGE_SIZE < total ? String(page + 1) : null };
  });
}
