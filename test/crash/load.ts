import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, ServerProcess } from './server-process.ts';
import { type Sample, samples } from './workflows.ts';
import type { World } from './world.ts';

/** Clients of each sort. Together they keep some thirty runs in flight. */
const CREATORS = 3;
const WAITERS = 4;
const WATCHERS = 2;

/** Milliseconds between two calls of one client, at most. */
const PAUSE_MS = 60;

/** One workflow of these tests as the server knows it. */
export interface StoredSample {
  readonly sample: Sample;
  readonly id: string;
}

/** `asked`: no answer came, so that it may have been done or not. */
type Done = 'no' | 'asked' | 'answered';

/** What the clients know of one run that they asked for. */
export interface AskedRun {
  readonly token: string;
  readonly stored: StoredSample;
  readonly callback: boolean;
  /** Known once the server has acknowledged the run. */
  id: string | null;
  /** The output that a synchronous call was answered with. */
  answered: unknown;
  /** The end that the server has told somebody. */
  end: { readonly status: string; readonly output: string } | null;
  stopped: Done;
  deleted: Done;
}

/** A run as the API answers it. */
export interface ShownRun {
  readonly id: string;
  readonly status: string;
  readonly input: { readonly Token: string };
  readonly output: unknown;
  readonly error: string | null;
  readonly progress_details: {
    readonly per_node_progress: Readonly<
      Record<string, { readonly status: string; readonly usage?: { readonly input_tokens: number } }>
    >;
  };
}

export const isOver = (status: string): boolean => ['completed', 'failed', 'stopped'].includes(status);

/** What the clients were told over all lives of a server. */
export class Ledger {
  readonly runs = new Map<string, AskedRun>();
  /** Answers that must never come. */
  readonly broken: string[] = [];

  of(id: string): AskedRun | undefined {
    for (const run of this.runs.values()) if (run.id === id) return run;
    return undefined;
  }

  get acknowledged(): AskedRun[] {
    return [...this.runs.values()].filter((run) => run.id !== null);
  }
}

/** Saves the workflows of these tests on a server. */
export async function saveSamples(server: ServerProcess, world: string): Promise<StoredSample[]> {
  const stored: StoredSample[] = [];
  for (const { definition, ...sample } of samples(world)) {
    const { status, body } = await server.call('POST', '/v1/workflows', { name: sample.name, definition });
    const saved = body as { id: string; validation: unknown[] };
    if (status !== 200 || saved.validation.length > 0)
      throw new Error(`${sample.name}: ${status} ${JSON.stringify(body)}`);
    stored.push({ sample, id: saved.id });
  }
  return stored;
}

/** The effect names of a run, as the world knows them. */
export const effectsOf = (run: AskedRun): string[] => run.stored.sample.effects.map((name) => `${run.token}/${name}`);

/** Clients that create runs, wait for runs, look at runs, stop and delete runs, until they are stopped or the server is gone. */
export class Load {
  readonly #server: ServerProcess;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #stored: readonly StoredSample[];
  readonly #random: () => number;
  readonly #loops: Promise<void>[];
  readonly #isShaken: () => boolean;
  /** From now on the server may break off what it is asked. */
  #ending = false;

  constructor(parts: {
    server: ServerProcess;
    world: World;
    ledger: Ledger;
    stored: readonly StoredSample[];
    random: () => number;
    /** Whether something behind the server is being cut off, so that it may refuse what it is asked; never, when left out. */
    isShaken?: () => boolean;
    /** One client of each sort, where several loads work side by side. */
    isLight?: boolean;
  }) {
    this.#server = parts.server;
    this.#world = parts.world;
    this.#ledger = parts.ledger;
    this.#stored = parts.stored;
    this.#random = parts.random;
    this.#isShaken = parts.isShaken ?? (() => false);
    const clients: [number, () => Promise<void>][] = [
      [parts.isLight ? 1 : CREATORS, () => this.#create()],
      [parts.isLight ? 1 : WAITERS, () => this.#runAndWait()],
      [parts.isLight ? 1 : WATCHERS, () => this.#look()],
      [1, () => this.#stop()],
      [1, () => this.#delete()],
    ];
    this.#loops = clients.flatMap(([count, act]) => Array.from({ length: count }, () => this.#repeat(act)));
  }

  /** The server is about to be killed: no client begins anything new, and what breaks off is no surprise. */
  end(): void {
    this.#ending = true;
  }

  /** Resolves when all clients have their answers, or know that none comes. */
  async done(): Promise<void> {
    await Promise.all(this.#loops);
  }

  async #repeat(act: () => Promise<void>): Promise<void> {
    while (!this.#ending) {
      try {
        await act();
      } catch (error) {
        if (this.#ending) return;
        if (!this.#isShaken()) {
          const { cause } = error as Error;
          this.#ledger.broken.push(`the server broke a call off: ${String(error)} (${String(cause)})`);
          return;
        }
      }
      await sleep(this.#random() * PAUSE_MS);
    }
  }

  async #call(method: string, path: string, body?: object): Promise<Answer | null> {
    const answer = await this.#server.call(method, path, body);
    if (answer.status === 200 || answer.status === 404) return answer;
    // A server that stops takes no more; the clients' next calls find nobody. One whose store is away says so.
    if (answer.status !== 503 || !(this.#ending || this.#isShaken())) {
      this.#ledger.broken.push(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return null;
  }

  async #create(): Promise<void> {
    const run = this.#newRun();
    const answer = await this.#call('POST', `/v1/workflows/${run.stored.id}/runs`, this.#request(run));
    if (answer) run.id = (answer.body as ShownRun).id;
  }

  async #runAndWait(): Promise<void> {
    const run = this.#newRun();
    const answer = await this.#call('POST', `/v1/workflows/${run.stored.id}/runs/sync`, this.#request(run));
    if (!answer) return;
    const ended = answer.body as ShownRun;
    run.id = ended.id;
    run.answered = ended.output;
    this.#seen(run, ended, false);
  }

  /** Looks at one run: what it shows as recorded must not be done again, and an end must stay the end. */
  async #look(): Promise<void> {
    const run = this.#pick((candidate) => candidate.id !== null && candidate.deleted === 'no');
    if (!run) return;
    const { sample, id } = run.stored;
    const hadEnded = run.end !== null;
    const answer = await this.#call('GET', `/v1/workflows/${id}/runs/${run.id}`);
    if (!answer) return;
    if (answer.status === 404) {
      if (run.deleted === 'no') this.#ledger.broken.push(`run ${run.id} (${run.token}) was acknowledged and is lost`);
      return;
    }
    const shown = answer.body as ShownRun;
    this.#seen(run, shown, hadEnded);
    for (const [node, { status }] of Object.entries(shown.progress_details.per_node_progress)) {
      if (status === 'running') continue;
      for (const name of sample.effects.filter((effect) => effect.split('/')[0] === node)) {
        // What a stop has skipped may be on its way to the world still.
        if (shown.status === 'stopped' && status === 'skipped') this.#world.stop(`${run.token}/${name}`);
        else this.#world.settle(`${run.token}/${name}`, `its node was shown as ${status}`);
      }
    }
    if (sample.name === 'list' && shown.progress_details.per_node_progress['each']) await this.#lookAtPass(run);
  }

  async #lookAtPass(run: AskedRun): Promise<void> {
    const items = run.stored.sample.effects.filter((name) => name.startsWith('each/'));
    const name = items[Math.floor(this.#random() * items.length)]!;
    const answer = await this.#call('GET', `/v1/runs/${run.id}/io/each?it=${name.split('/')[1]}`);
    if ((answer?.body as { status?: string } | undefined)?.status !== 'succeeded') return;
    this.#world.settle(`${run.token}/${name}`, 'its pass was shown as succeeded');
  }

  async #stop(): Promise<void> {
    const run = this.#pick((candidate) => candidate.id !== null && candidate.end === null, 0.2);
    if (!run) return;
    if (run.stopped === 'no') run.stopped = 'asked';
    const answer = await this.#call('POST', `/v1/runs/${run.id}/stop`);
    if (answer?.status !== 200) return;
    const shown = answer.body as ShownRun;
    if (shown.status === 'stopped') run.stopped = 'answered';
    this.#seen(run, shown, false);
  }

  async #delete(): Promise<void> {
    const run = this.#pick((candidate) => candidate.end !== null && candidate.deleted === 'no', 0.3);
    if (!run) return;
    run.deleted = 'asked';
    const answer = await this.#call('DELETE', `/v1/runs/${run.id}`);
    if ((answer?.body as { succeeded?: number } | undefined)?.succeeded === 1) run.deleted = 'answered';
  }

  #newRun(): AskedRun {
    const total = this.#stored.reduce((sum, { sample }) => sum + sample.weight, 0);
    let left = this.#random() * total;
    const stored = this.#stored.find(({ sample }) => {
      left -= sample.weight;
      return left < 0;
    })!;
    const run: AskedRun = {
      token: `${stored.sample.name}-${this.#ledger.runs.size + 1}`,
      stored,
      callback: this.#random() < 0.4,
      id: null,
      answered: undefined,
      end: null,
      stopped: 'no',
      deleted: 'no',
    };
    this.#ledger.runs.set(run.token, run);
    return run;
  }

  #request(run: AskedRun): object {
    return {
      input: run.stored.sample.input(run.token),
      ...(run.callback ? { callback_url: `http://${this.#world.address}/callback/${run.token}` } : {}),
    };
  }

  /** @param hadEnded whether its end had been told when this was asked for: answers of several servers may cross */
  #seen(run: AskedRun, shown: ShownRun, hadEnded: boolean): void {
    if (!isOver(shown.status)) {
      if (run.end && hadEnded)
        this.#ledger.broken.push(`${run.token} had ${run.end.status} and is ${shown.status} again`);
      return;
    }
    const output = JSON.stringify(shown.output);
    if (run.end && (run.end.status !== shown.status || run.end.output !== output)) {
      this.#ledger.broken.push(`${run.token} ended as ${run.end.status}, and is shown as ${shown.status} now`);
    }
    run.end ??= { status: shown.status, output };
    for (const id of effectsOf(run)) {
      if (shown.status === 'stopped') this.#world.stop(id);
      else this.#world.settle(id, `its run was shown as ${shown.status}`);
    }
  }

  #pick(wanted: (run: AskedRun) => boolean, chance = 1): AskedRun | undefined {
    if (this.#random() >= chance) return undefined;
    const candidates = [...this.#ledger.runs.values()].filter(wanted);
    return candidates[Math.floor(this.#random() * candidates.length)];
  }
}
