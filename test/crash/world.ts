import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { randomOf, seedOf } from './random.ts';
import { EFFECTS_BEFORE } from './workflows.ts';

/** Milliseconds that an effect takes at most: long enough that kills land inside of it. */
const SLOWEST_MS = 250;

/** Turns of the event loop in which a connection that waits is taken, and what came over it is read, several times over. */
const TURNS_TO_READ = 20;

/** Milliseconds for which calls come in that were on their way when something was cut off. */
const ON_ITS_WAY_MS = 1_000;

/** Tokens that a model answer claims to have used: their sum tells how many answers a node has recorded. */
export const TOKENS_PER_ANSWER = 10;

/** One call of one effect. */
interface Call {
  /** Which life of the server made it. */
  readonly life: number;
  /** The idempotency key that came with it. */
  readonly key: string | undefined;
  /** What was to be answered; 0: the connection breaks off. */
  readonly status: number;
  /** When the answer was given, epoch milliseconds; null while it is worked on. */
  answeredAt: number | null;
}

interface Effect {
  readonly calls: Call[];
}

export interface ReceivedCallback {
  readonly webhookId: string;
  readonly body: { readonly run_id: string; readonly status: string; readonly outputs: unknown };
}

/**
 * What lies outside of the product: a service whose effects are counted, a language model and a receiver of callbacks, on one port.
 *
 * An effect is named `<token>/<node>` (with `/<item>` in a list), and the token names a run. What an effect answers, how long it takes and how
 * often it fails before follows from its name alone. The world notices by itself what must never happen, and keeps it in `broken`.
 */
export class World {
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #effects = new Map<string, Effect>();
  readonly #keys = new Map<string, string>();
  readonly #settled = new Map<string, string>();
  /** When the runs of effects were stopped. Settled from the next life on: what a stop cuts off may still be on its way. */
  readonly #stopped = new Map<string, number>();
  readonly #callbacks = new Map<string, ReceivedCallback[]>();
  readonly #refusesFirst: boolean;
  #life = 0;
  /** Until when whatever comes may be a repetition, epoch milliseconds. */
  #shakenUntil = 0;
  /** Whether no call has come in since then. */
  #isShaken = false;
  /** When each life ended, epoch milliseconds. */
  readonly #ends: number[] = [];
  readonly broken: string[] = [];

  /** @param options.refusesFirst whether some callbacks are refused at the first try: their next one comes some 5 s later */
  constructor(options: { refusesFirst: boolean }) {
    this.#refusesFirst = options.refusesFirst;
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** To be called when the server is killed. */
  lifeEnds(): void {
    this.#ends[this.#life] = Date.now();
  }

  /**
   * To be called between two lives of the server, when the old one has ended. What it sent before may still lie in sockets that nobody has read from: the end of
   * a process is told in the same turn.
   */
  async nextLife(): Promise<void> {
    for (let turn = 0; turn < TURNS_TO_READ; turn += 1) await setImmediate();
    this.shaken(0, 0);
  }

  /**
   * To be called when one of several servers, or something behind them, was cut off: what it had in hand may be done again.
   * @param graceMs how long ago a run must have been stopped for all servers to have heard of it
   * @param forMs for how long every call is a life of its own, since it may have been begun before, and be repeated by whoever has its task since
   */
  shaken(graceMs: number, forMs = ON_ITS_WAY_MS): void {
    this.#life += 1;
    this.#shakenUntil = Date.now() + forMs;
    this.#isShaken = true;
    for (const [id, at] of this.#stopped) {
      if (at > Date.now() - graceMs) continue;
      this.settle(id, 'its run was stopped in an earlier life');
      this.#stopped.delete(id);
    }
  }

  /** The server has said, in whatever way, that the result of this effect is recorded: it must never be called again. */
  settle(id: string, why: string): void {
    if (!this.#settled.has(id)) this.#settled.set(id, why);
  }

  /** The run of this effect was stopped. */
  stop(id: string): void {
    if (!this.#stopped.has(id)) this.#stopped.set(id, Date.now());
  }

  /** Calls of an effect so far. */
  callsOf(id: string): readonly Call[] {
    return this.#effects.get(id)?.calls ?? [];
  }

  callbacksOf(token: string): readonly ReceivedCallback[] {
    return this.#callbacks.get(token) ?? [];
  }

  /**
   * Effects called and calls made of them; effects that were repeated although they had been done, and the milliseconds at most by which they
   * had been answered before the kill that forgot it.
   */
  figures() {
    const all = [...this.#effects.values()].map(({ calls }) => calls);
    const done = all.map((calls) => calls.filter(({ status }) => status === 200)).filter(({ length }) => length > 1);
    const forgotten = done.flatMap((calls) => calls.slice(0, -1));
    const leads = forgotten.map(({ life, answeredAt }) => (this.#ends[life] ?? 0) - (answeredAt ?? Infinity));
    return { effects: all.length, calls: all.flat().length, repeated: done.length, longestLead: Math.max(0, ...leads) };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, kind, ...rest] = (request.url ?? '').split('/');
    const text = Buffer.concat(await request.toArray().catch(() => [])).toString();
    // A call that was cut off on its way was not made.
    if (!request.complete) return;
    if (kind === 'effect') {
      return this.#effect(rest.join('/'), request, response, { type: 'text/plain', text: `${rest.at(-1)}(${text})` });
    }
    if (kind === 'v1') return this.#complete(text, request, response);
    if (kind === 'callback') return this.#callback(rest.join('/'), text, request, response);
    response.writeHead(404).end();
  }

  async #effect(
    id: string,
    request: IncomingMessage,
    response: ServerResponse,
    answer: { type: string; text: string },
  ): Promise<void> {
    const random = randomOf(seedOf(id));
    const [delay, failures, how] = [random() * SLOWEST_MS, random(), random()];
    const effect = this.#effects.get(id) ?? { calls: [] };
    this.#effects.set(id, effect);
    if (this.#isShaken) this.#life += 1;
    if (Date.now() >= this.#shakenUntil) this.#isShaken = false;
    this.#watch(id, effect, request);
    const failedBefore = effect.calls.filter(({ status, answeredAt }) => status !== 200 && answeredAt !== null).length;
    const planned = failures < 0.75 ? 0 : failures < 0.95 ? 1 : 2;
    const failing = failedBefore < planned ? (how < 0.5 ? 500 : 0) : 200;
    const status = id.endsWith('/refused') ? 400 : failing;
    const call: Call = { life: this.#life, key: keyOf(request), status, answeredAt: null };
    effect.calls.push(call);
    await sleep(delay);
    call.answeredAt = Date.now();
    if (call.status === 0) response.destroy();
    else if (call.status === 200) response.writeHead(200, { 'content-type': answer.type }).end(answer.text);
    else response.writeHead(call.status, { 'content-type': 'text/plain' }).end('no');
  }

  /** Holds a call that begins against what is known of its effect. */
  #watch(id: string, effect: Effect, request: IncomingMessage): void {
    const settled = this.#settled.get(id);
    if (settled !== undefined) this.broken.push(`${id} was called again in life ${this.#life}, though ${settled}`);
    const key = keyOf(request);
    this.#watchKey(id, effect, key);
    if (key !== undefined && (this.#keys.get(key) ?? id) !== id) {
      this.broken.push(`${id} and ${this.#keys.get(key)} share an idempotency key`);
    }
    if (key !== undefined) this.#keys.set(key, id);
    const last = effect.calls.at(-1);
    if (last?.life === this.#life && (last.status === 200 || last.status === 400 || last.answeredAt === null)) {
      this.broken.push(`${id} was called twice in life ${this.#life} without a failure in between`);
    }
    for (const earlier of EFFECTS_BEFORE[id.slice(id.lastIndexOf('/') + 1)] ?? []) {
      this.settle(`${id.slice(0, id.indexOf('/'))}/${earlier}`, `${id} was called after it`);
    }
  }

  /** A try that a crash repeats has the key that it had; one after a failure that was heard of has a new one. */
  #watchKey(id: string, { calls }: Effect, key: string | undefined): void {
    const last = calls.at(-1);
    if (key === undefined || last === undefined) return;
    // Whether a server that died has heard of a failure nobody can tell: the try may be the same or the next.
    const failed = last.status !== 200 && last.answeredAt !== null;
    if (key === last.key) {
      if (failed && last.life === this.#life)
        this.broken.push(`${id} was tried again with the key of a try that failed`);
    } else if (!failed) this.broken.push(`${id} was repeated with another idempotency key`);
    else if (this.#keys.has(key)) this.broken.push(`${id} was tried again with a key that was used before`);
  }

  async #complete(text: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messages } = JSON.parse(text) as { messages: { content: string }[] };
    const id = messages[0]!.content;
    const content = `each(${id.slice(id.lastIndexOf('/') + 1)})`;
    const completion = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: TOKENS_PER_ANSWER, completion_tokens: 0, total_tokens: TOKENS_PER_ANSWER },
    };
    return this.#effect(id, request, response, { type: 'application/json', text: JSON.stringify(completion) });
  }

  #callback(token: string, text: string, request: IncomingMessage, response: ServerResponse): void {
    const received = this.#callbacks.get(token) ?? [];
    this.#callbacks.set(token, received);
    received.push({ webhookId: String(request.headers['webhook-id']), body: JSON.parse(text) });
    const refused = this.#refusesFirst && received.length === 1 && seedOf(token) % 10 === 0;
    response.writeHead(refused ? 500 : 204).end();
  }
}

function keyOf(request: IncomingMessage): string | undefined {
  const key = request.headers['idempotency-key'];
  return Array.isArray(key) ? key.join() : key;
}
