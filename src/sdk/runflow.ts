import { type Call, caller } from './call.ts';
import type { Condition } from './filter.ts';
import type { CallOptions, Http } from './http.ts';
import { List } from './list.ts';
import { type RunEvent, type WatchOptions, watchRun } from './run-events.ts';
import type { HumanRequest, NodeRun, Run as RunBody, Runflow, RunLog } from './runflow-api.ts';

type Body<Name extends keyof Runflow> = Runflow[Name]['body'];

/** A resource: the API calls every property optional, but this one is always there. */
type Identified<T> = T & { readonly id: string };

/** A run as the Runflow API has it. */
export type Run = Identified<RunBody>;

/** What a list takes besides what is its own. */
export interface ListQuery {
  /** A condition, or the text of one. */
  readonly q?: Condition | string;
  /** Fields with a direction: `cost:desc,created_at:desc`. */
  readonly sort_by?: string;
  /** Items of a page, at most 500; 50 when left out. */
  readonly limit?: number;
  /** Properties of an item that are wanted, joined by commas. */
  readonly fields?: string;
  /** Relations that come with an item, joined by commas. */
  readonly embed?: string;
}

/** A stored file. */
export interface Asset {
  readonly id: string;
  readonly name: string;
  /** Opens the file for a while, without a key. */
  readonly url: string;
  readonly mime_type: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly access_expires_at: string;
}

/** What can be run, by the word that its addresses have. */
type Target = 'models' | 'flows' | 'comfyui-workflows';

/** The Runflow API: `docs/dialects/runflow.md`. Requests that change something carry an Idempotency-Key, so that they may be sent again. */
export class RunflowClient {
  /** Any operation of the API, by method and path. */
  readonly call: Call<Runflow>;
  readonly models: RunflowTarget<'models'>;
  readonly flows: RunflowTarget<'flows'>;
  readonly comfyuiWorkflows: RunflowTarget<'comfyui-workflows'>;
  readonly runs: RunflowRuns;
  readonly people: RunflowPeople;
  readonly assets: RunflowAssets;

  /** @param noxus the other API, which has the stream of what runs do */
  constructor(http: Http, noxus: Http) {
    this.call = caller<Runflow>(http);
    this.models = new RunflowTarget(http, 'models');
    this.flows = new RunflowTarget(http, 'flows');
    this.comfyuiWorkflows = new RunflowTarget(http, 'comfyui-workflows');
    this.runs = new RunflowRuns(this.call, http, noxus);
    this.people = new RunflowPeople(this.call, http);
    this.assets = new RunflowAssets(this.call, http);
  }
}

/** Models, flows or ComfyUI workflows as what runs are started of: named by id, or by slug with or without its owner. */
class RunflowTarget<T extends Target> {
  readonly #http: Http;
  readonly #noun: T;

  constructor(http: Http, noun: T) {
    this.#http = http;
    this.#noun = noun;
  }

  /** Starts a run. */
  async run(target: string, run: Body<`POST /v1/${T}/{target}/runs`>, options?: CallOptions): Promise<Run> {
    return (await this.#http.json({ method: 'POST', path: this.#path(target), body: run }, options)) as Run;
  }

  /** Its runs, newest first. */
  runs(target: string, query?: Omit<ListQuery, 'embed'>, options?: CallOptions): List<Run> {
    return cursored(this.#http, this.#path(target), query, options);
  }

  /** Slugs of models have slashes, which stay. */
  #path(target: string): string {
    return `/v1/${this.#noun}/${target.split('/').map(encodeURIComponent).join('/')}/runs`;
  }
}

/** Runs: find, read, wait, cancel. */
class RunflowRuns {
  readonly #call: Call<Runflow>;
  readonly #http: Http;
  readonly #noxus: Http;

  constructor(call: Call<Runflow>, http: Http, noxus: Http) {
    this.#call = call;
    this.#http = http;
    this.#noxus = noxus;
  }

  /** Runs that a condition lets through, newest first unless `sort_by` says otherwise. */
  list(query?: ListQuery & RunsQuery, options?: CallOptions): List<Run> {
    return cursored(this.#http, '/v1/runs', query, options);
  }

  get(id: string, query: Pick<ListQuery, 'fields' | 'embed'> = {}, options?: CallOptions): Promise<Run> {
    return this.#call('GET /v1/runs/{id}', { path: { id }, query }, options) as Promise<Run>;
  }

  /** Waits until a run has ended or waits for a person, however long that takes: end it with a signal. */
  async wait(id: string, options?: CallOptions): Promise<Run> {
    for await (const _ of this.events(id, options));
    return this.get(id, {}, options);
  }

  /** What a run does, as it happens, in the words of the Noxus API, until it has ended or waits for a person. */
  events(id: string, options?: WatchOptions): AsyncGenerator<RunEvent, void, undefined> {
    return watchRun(this.#noxus, id, options);
  }

  /** The nodes of a run in the order of time. */
  nodeRuns(id: string, query?: Omit<ListQuery, 'embed'>, options?: CallOptions): List<Identified<NodeRun>> {
    return cursored(this.#http, `/v1/runs/${encodeURIComponent(id)}/node-runs`, query, options);
  }

  /** The log lines of a run, oldest first. */
  logs(id: string, query?: ListQuery, options?: CallOptions): List<Identified<RunLog>> {
    return cursored(this.#http, `/v1/runs/${encodeURIComponent(id)}/logs`, query, options);
  }

  /** Stops a run; one that has ended stays as it is. */
  cancel(id: string, reason?: string, options?: CallOptions): Promise<Run> {
    return this.#call('POST /v1/runs/{id}/cancellation', { path: { id }, body: { reason } }, options) as Promise<Run>;
  }
}

/** Of runs: what their current evaluation says. */
type RunsQuery = Pick<
  Runflow['GET /v1/runs']['query'],
  'evaluation_status' | 'evaluation_issue_category' | 'evaluation_issue_subcategory'
>;

/** What runs ask persons. */
class RunflowPeople {
  readonly #call: Call<Runflow>;
  readonly #http: Http;

  constructor(call: Call<Runflow>, http: Http) {
    this.#call = call;
    this.#http = http;
  }

  /** Those that wait longest first; pending ones unless `status_code` says otherwise. */
  list(
    query?: Omit<ListQuery, 'embed'> & Pick<Runflow['GET /v1/human-requests']['query'], 'status_code'>,
    options?: CallOptions,
  ): List<Identified<HumanRequest>> {
    return cursored(this.#http, '/v1/human-requests', query, options);
  }

  /** Answers a request, and its run goes on. */
  answer(
    id: string,
    answer: Body<'POST /v1/human-requests/{id}/answer'>,
    options?: CallOptions,
  ): Promise<HumanRequest> {
    return this.#call('POST /v1/human-requests/{id}/answer', { path: { id }, body: answer }, options);
  }
}

/** Files that go with runs. */
class RunflowAssets {
  readonly #call: Call<Runflow>;
  readonly #http: Http;

  constructor(call: Call<Runflow>, http: Http) {
    this.#call = call;
    this.#http = http;
  }

  /** Hands a file in: announces it, sends it, confirms it. A run takes it by its address, or as `runflow://<id>`. */
  async upload(file: Blob, filename: string, options?: CallOptions): Promise<Asset> {
    const mime = file.type === '' ? 'application/octet-stream' : file.type;
    const body = { filename, mime_type: mime, size_bytes: file.size };
    const announced = (await this.#call('POST /v1/asset-uploads', { body }, options)) as {
      readonly asset_id: string;
      readonly upload_url: string;
    };
    const headers = { 'content-type': mime };
    // The same bytes twice are one file.
    await this.#http.send(
      { method: 'PUT', path: announced.upload_url, body: file, headers, isRepeatable: true },
      options,
    );
    const path = { id: announced.asset_id };
    // A key is of one request: the caller's was that of the announcement.
    const last = { ...options, idempotencyKey: `confirmation of ${announced.asset_id}` };
    return (await this.#call('POST /v1/asset-uploads/{id}/confirmations', { path, body: {} }, last)) as Asset;
  }

  get(id: string, options?: CallOptions): Promise<Asset> {
    return this.#call('GET /v1/assets/{id}', { path: { id } }, options) as Promise<Asset>;
  }
}

/** A list that is gone through by cursors. */
function cursored<T>(http: Http, path: string, query: ListQuery = {}, options?: CallOptions): List<T> {
  return new List(async (pq) => {
    const page = (await http.json({ method: 'GET', path, query: { ...query, pq } }, options)) as {
      readonly items: readonly T[];
      readonly next: string | null;
    };
    return { items: page.items, next: page.next };
  });
}
