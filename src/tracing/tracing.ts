import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../domain/event.ts';
import type { Payload } from '../domain/payload.ts';
import type { Run } from '../domain/run.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Hold, Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { OtlpExporter, OtlpTarget } from './otlp-exporter.ts';
import { type InvokingTry, spansOfRun } from './run-spans.ts';
import type { Span } from './span.ts';

/** The name that the position in the log is kept under. */
const FOLLOWER = 'tracing';

/** Spans of one request: without contents some 300 KB, which every receiver takes. */
const SPANS_AT_ONCE = 512;

/** Characters of what they say, where contents go along: collectors take 4 MiB to 20 MiB, and refuse the whole request beyond. */
const CHARACTERS_AT_ONCE = 1024 * 1024;

/** Times that a request is made, beside the tries that the library makes of each, and milliseconds before the first repetition; each wait is twice as long. */
const TRIES = 5;
const FIRST_WAIT_MS = 2_000;

/** Events passed by before the position is kept although no traced run ended: a sync less per batch. */
const KEEP_POSITION_EVERY = 5_000;

/** What one process at a time has in hand: that it sends the spans. It is of no workspace. */
const TURN: Hold = { workspaceId: '', name: 'tracing' };

/** Milliseconds after which another process sends them when the one that did was not heard of. It says so three times in that time. */
const TURN_MS = 30_000;

/** Log lines of a run that are read for its spans. */
const LOGS_READ = 2_000;

/** What became of spans since the start. */
export interface TracingCounts {
  readonly sent: number;
  /** Given up, since the receiver did not take them. */
  readonly dropped: number;
}

export interface TracingParts {
  readonly store: Store;
  readonly log: Log;
  readonly target: OtlpTarget;
  /** Whether inputs and outputs go with the spans. */
  readonly exportsContent: boolean;
  /** The JSON text of a payload. */
  readPayload(payload: Payload): Promise<string>;
  /** Milliseconds before the first repetition of a request. */
  readonly firstWaitMs?: number;
  /** Milliseconds for which a process that was not heard of is taken to be at it. */
  readonly turnMs?: number;
}

/**
 * Sends the spans of traced runs once they have ended.
 *
 * Follows the log, which is the queue: what is in memory is one request and one run. The position is kept when everything up to it was sent or given up,
 * so that a crash sends some spans twice, under the same ids, and loses none. A receiver that is down is waited for, and costs nothing but spans:
 * runs know nothing of it. Of the processes on a store one sends, for as long as it is heard of: others would send the same.
 */
export class Tracing {
  readonly #parts: TracingParts;
  readonly #stopping = new AbortController();
  #exporter: OtlpExporter | undefined;
  #follower: Follower | undefined;
  #turns: Promise<void> | undefined;
  #kept = 0;
  #buffer: Span[] = [];
  #sent = 0;
  #dropped = 0;

  constructor(parts: TracingParts) {
    this.#parts = parts;
  }

  get counts(): TracingCounts {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  /** Begins where the last process stopped, when it is this one's turn; the first time ever, with the runs that are still to end. */
  async start(): Promise<void> {
    const { store } = this.#parts;
    this.#kept = await store.followerPosition(FOLLOWER);
    if (this.#kept === 0) await this.#keep((await store.stats()).lastPosition);
    this.#turns = this.#takeTurns();
  }

  /** Ends after the request in hand; what is not sent by then is sent after the next start, or by another process at once. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The platform stops.'));
    await this.#turns;
    await this.#endTurn();
    await this.#exporter?.close();
  }

  async #takeTurns(): Promise<void> {
    const { store, log, turnMs = TURN_MS } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (!(await store.hold(TURN, turnMs))) await this.#endTurn();
        else if (!signal.aborted) this.#follower ??= await this.#follow();
      } catch (error) {
        log.warn({ err: error }, 'whose turn it is to send traces is not known; trying again');
      }
      await sleep(turnMs / 3, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(): Promise<Follower> {
    const { store, log } = this.#parts;
    this.#kept = await store.followerPosition(FOLLOWER);
    return follow(
      store,
      this.#kept,
      (events) => this.#take(events),
      (error) => {
        if (!this.#stopping.signal.aborted) log.error({ err: error }, 'traces could not be made; trying again');
      },
    );
  }

  async #endTurn(): Promise<void> {
    if (this.#follower === undefined) return;
    await this.#follower.stop();
    this.#follower = undefined;
    // What is not let go ends by itself.
    await this.#parts.store.letGo(TURN).catch(() => undefined);
  }

  async #take(events: readonly RunEvent[]): Promise<void> {
    this.#buffer = [];
    let isTraced = false;
    for (const { kind, workspaceId, runId } of events) {
      if (kind !== 'finished') continue;
      const run = await this.#parts.store.getRun(workspaceId, runId);
      if (run === null || !run.tracing || run.trace === null || run.finishedAt === null) continue;
      isTraced = true;
      await this.#spansOf(run, run.finishedAt);
    }
    while (this.#buffer.length > 0) await this.#flush();
    const last = events.at(-1)?.position ?? this.#kept;
    if (isTraced || last - this.#kept >= KEEP_POSITION_EVERY) await this.#keep(last);
  }

  /** The spans of a run and of those below it, run by run. */
  async #spansOf(root: Run, endedBy: number): Promise<void> {
    const { store } = this.#parts;
    const ids = await store.listRunsBelow(root.workspaceId, root.id);
    // Ids alone: a run may have ten thousand below it.
    const invoked = new Map<string, InvokingTry[]>();
    for (const id of ids) {
      const run = await store.getRun(root.workspaceId, id);
      if (run?.parent == null) continue;
      const { runId, nodeId, iteration, attempt } = run.parent;
      const ofRun = invoked.get(runId) ?? [];
      ofRun.push({ nodeId, iteration, attempt, startedAt: run.createdAt });
      invoked.set(runId, ofRun);
    }
    for (const id of [root.id, ...ids]) {
      const run = id === root.id ? root : await store.getRun(root.workspaceId, id);
      if (run === null) continue;
      // One by one: arguments of a call are on the stack, which has no room for those of a list of a hundred thousand items.
      for (const span of await this.#spansOfOne(run, endedBy, invoked.get(run.id) ?? [])) this.#buffer.push(span);
      while (this.#buffer.length >= SPANS_AT_ONCE) await this.#flush();
    }
  }

  async #spansOfOne(run: Run, endedBy: number, invoked: readonly InvokingTry[]): Promise<Span[]> {
    const { store, exportsContent } = this.#parts;
    const { workspaceId, id } = run;
    const [workflow, version, nodeRuns, attempts, logs] = await Promise.all([
      store.getWorkflow(workspaceId, run.workflowId),
      store.getVersion(workspaceId, run.workflowVersionId),
      store.listNodeRuns(workspaceId, id, { payloads: exportsContent }),
      store.listAttempts(workspaceId, id),
      store.listRunLogs(workspaceId, id, LOGS_READ),
    ]);
    const iterating = nodeRuns.filter(({ iterates }) => iterates);
    const iterations = await Promise.all(
      iterating.map(({ nodeId, totalIterations: limit }) =>
        store.listIterations(workspaceId, id, nodeId, { from: 1, limit }),
      ),
    );
    const workflowName = workflow?.name ?? run.workflowId;
    const nodes = version?.definition.nodes ?? [];
    const record = { run, workflowName, nodes, nodeRuns, iterations: iterations.flat(), attempts, logs, endedBy };
    return spansOfRun({ ...record, content: exportsContent ? await this.#contentOf(run) : null }, invoked);
  }

  async #contentOf({ input, output }: Run): Promise<{ input: string; output: string | null }> {
    // What lies in a blob is too large for a span.
    const inline = async (payload: string | null) =>
      payload === null || payload.startsWith('@') ? null : this.#parts.readPayload(payload);
    return { input: (await inline(input)) ?? '', output: await inline(output) };
  }

  /** Sends the first spans of the buffer, or gives them up. @throws Error when the platform stops meanwhile */
  async #flush(): Promise<void> {
    const { log, firstWaitMs = FIRST_WAIT_MS } = this.#parts;
    const spans = this.#buffer.slice(0, countAtOnce(this.#buffer));
    for (let attempt = 1; ; attempt += 1) {
      this.#stopping.signal.throwIfAborted();
      try {
        await (await this.#open()).send(spans);
        this.#sent += spans.length;
        break;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        // What is refused as it is will be refused again.
        if (attempt === TRIES || (error as { code?: number }).code === 400) {
          this.#dropped += spans.length;
          log.warn({ err: error, spans: spans.length }, 'spans were given up, since the receiver did not take them');
          break;
        }
        await sleep(firstWaitMs * 2 ** (attempt - 1), undefined, { signal: this.#stopping.signal });
      }
    }
    this.#buffer = this.#buffer.slice(spans.length);
  }

  async #open(): Promise<OtlpExporter> {
    if (this.#exporter === undefined) {
      const { OtlpExporter: Exporter } = await import('./otlp-exporter.ts');
      this.#exporter = new Exporter(this.#parts.target);
    }
    return this.#exporter;
  }

  /** Keeps a position, unless another process has come further. */
  async #keep(position: number): Promise<void> {
    const { store } = this.#parts;
    for (;;) {
      const before = await store.followerPosition(FOLLOWER);
      this.#kept = Math.max(before, position);
      if (before >= position) return;
      if ((await store.commit([{ kind: 'followed', follower: FOLLOWER, position, before }])) === 'kept') return;
    }
  }
}

/** How many of the first spans go in one request: one at least. */
export function countAtOnce(spans: readonly Span[]): number {
  let characters = 0;
  for (const [index, { attributes, events }] of spans.slice(0, SPANS_AT_ONCE).entries()) {
    for (const said of [attributes, ...events.map((event) => event.attributes)]) {
      for (const value of Object.values(said)) characters += typeof value === 'string' ? value.length : 0;
    }
    if (index > 0 && characters > CHARACTERS_AT_ONCE) return index;
  }
  return Math.min(spans.length, SPANS_AT_ONCE);
}
