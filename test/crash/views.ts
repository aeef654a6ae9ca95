import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal } from '../../src/domain/run.ts';
import { ExplorerClient } from '../support/explorer-client.ts';
import { type AskedRun, isOver, type Ledger, type ShownRun } from './load.ts';
import { type EventMessage, KEY, type ServerProcess } from './server-process.ts';

/** Milliseconds before a view that broke off is opened again. */
const AGAIN_MS = 50;

/** Followers of single runs. */
const FOLLOWERS = 6;

/**
 * Live views of several servers: the event streams of single runs, as the official client reads them, and the view of all runs that the explorer has.
 * Each is opened again at any of the servers when it breaks off, from where it was.
 */
export class Views {
  readonly #servers: () => readonly ServerProcess[];
  readonly #ledger: Ledger;
  readonly #random: () => number;
  readonly #loops: Promise<void>[];
  /** Messages with a place in the log that were seen of each run that was followed to its end, by the run's id. */
  readonly followed = new Map<string, string[]>();
  /** Runs that the view of all has shown as ended. */
  readonly shownEnded = new Set<string>();
  reopened = 0;
  #isOver = false;

  constructor(parts: { servers: () => readonly ServerProcess[]; ledger: Ledger; random: () => number }) {
    this.#servers = parts.servers;
    this.#ledger = parts.ledger;
    this.#random = parts.random;
    this.#loops = [this.#watchAll(), ...Array.from({ length: FOLLOWERS }, () => this.#followSome())];
  }

  /** What the streams of ended runs tell and those who followed them did not see, and the other way round. @param read all messages of a run, from its beginning */
  async broken(read: (runId: string) => Promise<readonly EventMessage[]>): Promise<string[]> {
    const problems: string[] = [];
    for (const [runId, seen] of this.followed) {
      if (this.#ledger.of(runId)?.deleted !== 'no') continue;
      const all = contents(await read(runId));
      if (all.join() !== seen.join())
        problems.push(`who followed ${runId} saw ${seen.join(' ')}, and it tells ${all.join(' ')}`);
    }
    for (const { id, end, deleted, token } of this.#ledger.acknowledged) {
      if (id !== null && end !== null && deleted === 'no' && !this.shownEnded.has(id))
        problems.push(`the view of all runs has not shown the end of ${token} (${id})`);
    }
    return problems;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  #server(): ServerProcess | undefined {
    const servers = this.#servers();
    return servers[Math.floor(this.#random() * servers.length)];
  }

  async #followSome(): Promise<void> {
    while (!this.#isOver) {
      const candidates = [...this.#ledger.runs.values()].filter(
        ({ id, end, deleted }) => id !== null && end === null && deleted === 'no' && !this.followed.has(id),
      );
      const run = candidates[Math.floor(this.#random() * candidates.length)];
      if (run === undefined) await sleep(AGAIN_MS);
      else await this.#follow(run);
    }
  }

  async #follow(run: AskedRun): Promise<void> {
    const seen: string[] = [];
    let last = '0-0';
    while (run.deleted === 'no' && !this.#isOver) {
      const server = this.#server();
      try {
        for await (const message of server?.stream(`/v1/runs/${run.id}/events?etag=${last}`) ?? []) {
          // Pieces of text have no place of their own.
          if (message.redisId === last) continue;
          last = message.redisId;
          seen.push(...contents([message]));
          if (message.data.id !== run.id) continue;
          this.followed.set(run.id ?? '', seen);
          return;
        }
      } catch {
        // Cut off: opened again, somewhere.
      }
      this.reopened += 1;
      await sleep(AGAIN_MS);
    }
  }

  async #watchAll(): Promise<void> {
    let position: string | undefined;
    while (!this.#isOver) {
      const server = this.#server();
      if (server === undefined) {
        await sleep(AGAIN_MS);
        continue;
      }
      try {
        const page = await ExplorerClient.signIn(server.url, KEY);
        position ??= '0';
        const view = await page.live(`/runs/live?position=${position}`);
        const closing = setInterval(() => {
          if (this.#isOver) view.close();
        }, AGAIN_MS);
        try {
          for (;;) {
            const { id, event, data } = await view.next();
            if (event === 'run' && isTerminal(data.row?.status ?? 'running')) this.shownEnded.add(data.id);
            if (event === 'reset') await this.#readAll(server);
            position = id ?? position;
          }
        } finally {
          clearInterval(closing);
          view.close();
        }
      } catch {
        this.reopened += 1;
        await sleep(AGAIN_MS);
      }
    }
  }

  /** What a page does that was told to read anew. */
  async #readAll(server: ServerProcess): Promise<void> {
    for (let page = 1; ; page += 1) {
      const { body } = await server.call('GET', `/v1/runs?page=${page}&size=100`);
      const { items, pages } = body as { items: readonly ShownRun[]; pages: number };
      for (const { id, status } of items) if (isOver(status)) this.shownEnded.add(id);
      if (page >= pages) return;
    }
  }
}

/** The places of messages that every reader of a stream sees; states are of the moment. */
function contents(messages: readonly EventMessage[]): string[] {
  return messages.filter(({ type }) => type === 'content').map(({ redisId }) => redisId);
}
