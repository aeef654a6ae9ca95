import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startsPostgres } from '../support/postgres.ts';
import { RunflowClient } from '../support/runflow-client.ts';
import { randomOf } from './random.ts';
import { KEY, type ServerProcess, startServer } from './server-process.ts';

/** For how long callers do this and that. */
const BUSY_MS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 600_000 : 6_000;

/** What happens follows from the seed as far as clocks allow. MILLRUN_CRASH_SEED=… repeats one. */
const SEED = Number(process.env['MILLRUN_CRASH_SEED'] ?? Date.now() % 1_000_000);

const CALLERS = 6;

/** Runs that a caller keeps; beyond them it deletes. As many as a search lists at once. */
const MOST_RUNS = 60;

/** Rows of a page: a walk takes several. */
const PAGE_SIZES = [3, 7, 20];

/** Seconds that slow runs wait, so that stops find some under way. */
const SLOW_SECONDS = 1;

/** Lines of its history that are shown with what a caller found broken. */
const SHOWN_LINES = 15;

const SECRET = 'd'.repeat(64);

const cluster = startsPostgres({ log_statement: 'none' });

let folder: string;
let servers: ServerProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-history-'));
  mkdirSync(join(folder, 'blobs'));
  const env = {
    MILLRUN_STORE: cluster.newSchema().url,
    MILLRUN_SECRET: SECRET,
    MILLRUN_ENCRYPTION_KEY: SECRET,
  };
  servers = await Promise.all(
    ['one', 'other'].map((name) => {
      const own = join(folder, name);
      mkdirSync(own);
      symlinkSync(join(folder, 'blobs'), join(own, 'blobs'));
      return startServer({ folder: own, env });
    }),
  );
}, 60_000);

afterEach(async () => {
  for (const server of servers) server.signal('SIGKILL');
  await Promise.all(servers.map(({ exited }) => exited));
  rmSync(folder, { recursive: true, force: true });
});

/** A run as either dialect shows it. */
interface Shown {
  readonly id: string;
  readonly status: string;
  readonly output?: unknown;
}

interface Page {
  readonly items: readonly Shown[];
  readonly total: number;
  readonly pages: number;
}

/** What a caller was told of a run that it made and has not deleted. */
interface Known {
  /** Its last status and output, once a server has shown that it ended. */
  end: { readonly status: string; readonly output: string } | null;
}

const ENDED = ['completed', 'failed', 'stopped'];

/** Does one thing after the other, each at any of the servers, and holds every answer against all that it was told before. */
class Caller {
  readonly #name: string;
  readonly #servers: readonly ServerProcess[];
  readonly #random: () => number;
  readonly #workflows: { readonly quick: string; readonly slow: string };
  /** Its living runs by workflow and id. */
  readonly #runs: Readonly<Record<'quick' | 'slow', Map<string, Known>>> = { quick: new Map(), slow: new Map() };
  readonly #deleted = new Set<string>();
  readonly #history: string[] = [];
  readonly broken: string[] = [];
  readonly counts: Record<string, number> = {};

  constructor(
    name: string,
    parts: {
      servers: readonly ServerProcess[];
      random: () => number;
      workflows: { readonly quick: string; readonly slow: string };
    },
  ) {
    this.#name = name;
    this.#servers = parts.servers;
    this.#random = parts.random;
    this.#workflows = parts.workflows;
  }

  async work(isOver: () => boolean): Promise<void> {
    while (!isOver() && this.broken.length === 0) {
      const living = this.#runs.quick.size + this.#runs.slow.size;
      const choice = this.#random();
      if (living < 5 || (choice < 0.35 && living < MOST_RUNS)) await this.#create();
      else if (choice < 0.45) await this.#stop();
      else if (choice < 0.65) await this.#get();
      else if (choice < 0.75) await this.#walkPages();
      else if (choice < 0.83) await this.#walkCursors();
      else if (choice < 0.9) await this.#search();
      else await this.#delete();
    }
  }

  #server(act: string): { server: ServerProcess; index: number } {
    this.counts[act] = (this.counts[act] ?? 0) + 1;
    const index = Math.floor(this.#random() * this.#servers.length);
    return { server: this.#servers[index]!, index };
  }

  async #call(act: string, method: string, path: string, body?: object, wanted = 200): Promise<unknown> {
    const { server, index } = this.#server(act);
    const answer = await server.call(method, path, body);
    const told = (JSON.stringify(answer.body) ?? '').slice(0, 150);
    this.#history.push(`${new Date().toISOString()} server ${index}: ${method} ${path} -> ${answer.status} ${told}`);
    if (answer.status !== wanted) this.#break(`${method} ${path} answered ${answer.status}, and not ${wanted}`);
    return answer.body;
  }

  #break(what: string): void {
    this.broken.push([`${this.#name}: ${what}`, ...this.#history.slice(-SHOWN_LINES)].join('\n  '));
  }

  #pick(): { id: string; of: 'quick' | 'slow'; known: Known } | null {
    const of = this.#random() < 0.5 && this.#runs.slow.size > 0 ? 'slow' : 'quick';
    const all = [...this.#runs[of]];
    const chosen = all[Math.floor(this.#random() * all.length)];
    return chosen === undefined ? null : { id: chosen[0], known: chosen[1], of };
  }

  /** Takes in what was shown of one of its runs. */
  #saw(known: Known, { id, status, output }: Shown, hasOutput: boolean): void {
    const text = hasOutput ? JSON.stringify(output) : null;
    const { end } = known;
    if (end !== null && (end.status !== status || (text !== null && end.output !== text)))
      this.#break(`${id} had ended as ${end.status} with ${end.output} and is ${status} with ${text}`);
    if (end === null && ENDED.includes(status) && text !== null) known.end = { status, output: text };
  }

  async #create(): Promise<void> {
    const of = this.#random() < 0.6 ? 'quick' : 'slow';
    const isSync = of === 'quick' && this.#random() < 0.5;
    const input = { Name: this.#name };
    const path = `/v1/workflows/${this.#workflows[of]}/runs${isSync ? '/sync' : ''}`;
    const run = (await this.#call('create', 'POST', path, { input })) as Shown;
    const known: Known = { end: null };
    this.#runs[of].set(run.id, known);
    this.#saw(known, run, isSync);
  }

  async #stop(): Promise<void> {
    const chosen = this.#pick();
    if (chosen === null) return;
    const shown = (await this.#call('stop', 'POST', `/v1/runs/${chosen.id}/stop`)) as Shown;
    if (!ENDED.includes(shown.status)) this.#break(`${chosen.id} was stopped and is ${shown.status}`);
    else this.#saw(chosen.known, shown, shown.output !== undefined);
  }

  async #get(): Promise<void> {
    const chosen = this.#pick();
    if (chosen === null) return;
    const path = `/v1/workflows/${this.#workflows[chosen.of]}/runs/${chosen.id}`;
    this.#saw(chosen.known, (await this.#call('get', 'GET', path)) as Shown, true);
    const [gone] = [...this.#deleted].slice(-1);
    if (gone !== undefined && this.#random() < 0.3)
      await this.#call('get deleted', 'GET', `/v1/runs/${gone}`, undefined, 404);
  }

  async #delete(): Promise<void> {
    const chosen = this.#pick();
    // A run that goes on is not deleted.
    if (chosen === null || chosen.known.end === null) return;
    const { succeeded } = (await this.#call('delete', 'DELETE', `/v1/runs/${chosen.id}`)) as { succeeded?: number };
    if (succeeded !== 1) return this.#break(`${chosen.id} had ended and was not deleted`);
    this.#runs[chosen.of].delete(chosen.id);
    this.#deleted.add(chosen.id);
  }

  /** Numbered pages, of a list that nobody else changes: exactly what there is, the newest first. */
  async #walkPages(): Promise<void> {
    const of = this.#random() < 0.5 ? 'quick' : 'slow';
    const size = this.#pageSize();
    const seen: string[] = [];
    let total = 0;
    for (let number = 1, pages = 1; number <= pages; number += 1) {
      const path = `/v1/workflows/${this.#workflows[of]}/runs?page=${number}&size=${size}`;
      const page = (await this.#call('page', 'GET', path)) as Page;
      if (this.broken.length > 0) return;
      [pages, total] = [page.pages, page.total];
      for (const shown of page.items) {
        seen.push(shown.id);
        const known = this.#runs[of].get(shown.id);
        if (known !== undefined) this.#saw(known, shown, shown.output !== undefined);
      }
    }
    const expected = [...this.#runs[of].keys()];
    if (seen.toSorted().join() !== expected.toSorted().join())
      this.#break(`pages of ${size} show ${difference(seen, expected)}`);
    if (total !== expected.length) this.#break(`pages tell of ${total} runs, and there are ${expected.length}`);
  }

  /** Pages by cursor, of all runs of all callers, who go on meanwhile: each of its own once, none of the deleted, nothing twice. */
  async #walkCursors(): Promise<void> {
    const limit = this.#pageSize() * 3;
    const order = this.#random() < 0.5 ? 'created_at:asc' : 'created_at:desc';
    const seen: string[] = [];
    let next: string | null = null;
    do {
      const { server, index } = this.#server('cursor');
      const query = { limit, sort_by: order, ...(next !== null && { pq: next }) };
      const page = await new RunflowClient(server, KEY).get('/v1/runs', query);
      const ids = page.items.map(({ id }: Shown) => id);
      this.#history.push(`${new Date().toISOString()} server ${index}: page by cursor ${order} -> ${ids.length} rows`);
      seen.push(...ids);
      next = page.next;
    } while (next !== null);
    if (new Set(seen).size !== seen.length) this.#break(`a walk by ${order} in pages of ${limit} shows a run twice`);
    const own = [...this.#runs.quick.keys(), ...this.#runs.slow.keys()];
    const shown = new Set(seen);
    const missing = own.filter((id) => !shown.has(id));
    if (missing.length > 0) this.#break(`a walk by ${order} in pages of ${limit} lacks ${missing.join()}`);
    const back = seen.filter((id) => this.#deleted.has(id));
    if (back.length > 0) this.#break(`a walk by ${order} shows ${back.join()}, which were deleted`);
  }

  async #search(): Promise<void> {
    const body = { query: this.#name, exact: true, search_in: ['input'], limit: 100 };
    const found = (await this.#call('search', 'POST', '/v1/runs/search', body)) as Page & {
      readonly total_is_lower_bound?: boolean;
    };
    if (this.broken.length > 0) return;
    const ids = found.items.map(({ id }) => id);
    const own = [...this.#runs.quick.keys(), ...this.#runs.slow.keys()];
    const strangers = ids.filter((id) => !own.includes(id));
    // An index that says it is behind may lack something, but may show nothing that is not.
    if (strangers.length > 0 || (ids.length !== own.length && found.total_is_lower_bound !== true))
      this.#break(`the search shows ${difference(ids, own)}`);
    if (found.total_is_lower_bound === true) this.counts['search behind'] = (this.counts['search behind'] ?? 0) + 1;
  }

  #pageSize(): number {
    return PAGE_SIZES[Math.floor(this.#random() * PAGE_SIZES.length)]!;
  }
}

/** How a list differs from what it should be. */
function difference(seen: readonly string[], expected: readonly string[]): string {
  const twice = seen.filter((id, index) => seen.indexOf(id) !== index);
  const more = seen.filter((id) => !expected.includes(id));
  const missing = expected.filter((id) => !seen.includes(id));
  return `twice: [${twice.join()}], too much: [${more.join()}], missing: [${missing.join()}]`;
}

const node = (id: string, type: string, config: object) => ({ id, type, node_config: config });
const link = (id: string, from: string, to: string) => ({ id, from_id: from, to_id: to });
const NAME = node('name', 'InputNode', { label: 'Name', type: 'str' });
const OUT = node('out', 'OutputNode', { label: 'Said' });

const QUICK = { nodes: [NAME, OUT], edges: [link('a', 'name::output', 'out::input')] };
const SLOW = {
  nodes: [NAME, node('wait', 'DelayNode', { seconds: SLOW_SECONDS }), OUT],
  edges: [link('a', 'name::output', 'wait::value'), link('b', 'wait::output', 'out::input')],
};

it('what a caller was told it finds again through either server, once, and as it was told', {
  timeout: BUSY_MS + 120_000,
}, async () => {
  const random = randomOf(SEED);
  const save = async (name: string, definition: object): Promise<string> =>
    ((await servers[0]!.call('POST', '/v1/workflows', { name, definition })).body as { id: string }).id;
  const callers: Caller[] = [];
  for (let index = 0; index < CALLERS; index += 1) {
    const name = `caller${String.fromCharCode(97 + index).repeat(3)}`;
    const workflows = { quick: await save(`${name} quick`, QUICK), slow: await save(`${name} slow`, SLOW) };
    callers.push(new Caller(name, { servers, random: randomOf(Math.floor(random() * 2 ** 32)), workflows }));
  }
  const until = Date.now() + BUSY_MS;
  await Promise.all(callers.map((caller) => caller.work(() => Date.now() >= until)));
  const counts: Record<string, number> = {};
  for (const caller of callers)
    for (const [act, count] of Object.entries(caller.counts)) counts[act] = (counts[act] ?? 0) + count;
  console.info(JSON.stringify({ seed: SEED, ...counts }));
  expect(callers.flatMap(({ broken }) => broken).join('\n\n'), `seed ${SEED}`).toBe('');
});
