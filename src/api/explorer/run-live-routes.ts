import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { PlatformError } from '../../domain/error.ts';
import type { RunEvent } from '../../domain/event.ts';
import { isTerminal } from '../../domain/run.ts';
import type { RunLog } from '../../domain/run-log.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { demandVerdicts } from '../../operations/access.ts';
import { within } from '../keyset-list.ts';
import { type EventStream, openEventStream } from '../sse.ts';
import { exactly, readQ } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { presentLog } from './present-log.ts';
import { presentRows } from './present-run.ts';
import { readRunState } from './present-run-detail.ts';
import type * as wire from './wire.ts';

const RunsQuery = exactly({ q: Type.Optional(Type.String()), position: Type.Optional(Type.Integer({ minimum: 0 })) });
const RunQuery = exactly({ position: Type.Optional(Type.Integer({ minimum: 0 })) });

/** Milliseconds for which changes are gathered: a run of five nodes is one event, and nobody sees that it came later. */
const GATHER_MS = 250;

/** Runs that are told one by one; of more at once a list is read sooner. */
const MOST_RUNS = 200;

/** Log lines read at a time. */
const LINES = 500;

/** Live views: of all runs that a filter lets through, and of one run. */
export function runLiveRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { runs, records, clock } = parts;

  api.get('/v1/runs/live', { schema: { querystring: RunsQuery } }, async (request, reply) => {
    const { caller } = request;
    const given = request.query as Static<typeof RunsQuery>;
    // Read anew for each batch: `now` goes on.
    const filter = () => readQ(given.q, explorerVocabulary, clock());
    demandVerdicts(caller, filter());
    const since = positionOf(request, given.position);
    const gathered = new Gathered();
    const unwatch = await runs.live.watchAll(caller, (event) => gathered.add(event));
    try {
      // The watch begins before the past is read; positions sort out what both bring.
      const start = since ?? (await runs.live.position());
      const past = await runs.live.since(caller, start);
      if (past === null) gathered.reset();
      else for (const event of past.events) gathered.add(event);
    } catch (error) {
      unwatch();
      throw error;
    }
    const stream = openEventStream(request, reply);
    void stream.closed.then(() => gathered.end());
    try {
      for (;;) {
        const batch = await gathered.next();
        if (batch === null) break;
        if (batch.isReset || batch.runs.size > MOST_RUNS) {
          const position = Math.max(batch.position, await runs.live.position());
          send(stream, { event: 'reset', data: { position } }, position);
          continue;
        }
        const lives = await changed(caller, batch.runs, (ids) => within(filter(), 'id', ids));
        for (const [index, live] of lives.entries()) {
          // Whoever has the place of the batch has all of it: a view that breaks off before is given it again.
          send(stream, { event: 'run', data: live }, index === lives.length - 1 ? batch.position : undefined);
        }
      }
    } catch (error) {
      request.log.error({ err: error }, 'a live view of runs failed');
    } finally {
      unwatch();
      stream.end();
    }
  });

  api.get('/v1/runs/:id/live', { schema: { querystring: RunQuery } }, async (request, reply) => {
    const { caller } = request;
    const { id } = request.params as { id: string };
    const since = positionOf(request, (request.query as Static<typeof RunQuery>).position);
    await runs.get(caller, id);
    const gathered = new Gathered();
    const unwatch = await runs.live.watch(id, (event) => gathered.add(event));
    const stream = openEventStream(request, reply);
    void stream.closed.then(() => gathered.end());
    const unwatchContent = runs.live.watchContent(id, (piece) => send(stream, { event: 'content', data: piece }));
    const lines = new NewLines((after) => linesAfter(caller, id, after));
    try {
      // What a client that says nothing has is not known: the first state is sent in any case.
      let isOver = await sendState(stream, caller, id, since, lines);
      while (!isOver) {
        const batch = await gathered.next();
        if (batch === null) break;
        isOver = await sendState(stream, caller, id, null, lines);
      }
    } catch (error) {
      request.log.error({ err: error, runId: id }, 'a live view of a run failed');
    } finally {
      unwatch();
      unwatchContent();
      stream.end();
    }
  });

  /** Sends the run as it is and the lines since; true when it will not change any more. */
  async function sendState(
    stream: EventStream,
    caller: Caller,
    id: string,
    known: number | null,
    lines: NewLines,
  ): Promise<boolean> {
    const standing = await readRunState(parts, caller, id).catch((error) => {
      if (error instanceof PlatformError && error.kind === 'not_found') return null;
      throw error;
    });
    if (standing === null) {
      send(stream, { event: 'end', data: { status: 'deleted' } });
      return true;
    }
    const { state } = standing;
    if (known === null || known < state.position) send(stream, { event: 'state', data: state }, state.position);
    for (let more = await lines.next(); more.length > 0; more = await lines.next()) {
      send(stream, { event: 'logs', data: { lines: more.map(presentLog) } }, state.position);
    }
    if (!isTerminal(state.run.status)) return false;
    send(stream, { event: 'end', data: { status: state.run.status } });
    return true;
  }

  async function linesAfter(caller: Caller, runId: string, after: string | null): Promise<readonly RunLog[]> {
    const target = { column: 'id', kind: 'uuid', path: [] } as const;
    const filter = after === null ? null : ({ kind: 'order', target, order: 'gt', value: after } as const);
    const sort = [{ column: 'id', direction: 'asc' }] as const;
    return (await records.findLogs(caller, runId, { filter, sort, limit: LINES, from: null, backward: false })).items;
  }

  /** Some runs as they are now, and whether the filter lets them through. */
  async function changed(
    caller: Caller,
    happened: ReadonlyMap<string, boolean>,
    fitting: (ids: readonly string[]) => ReturnType<typeof within>,
  ): Promise<wire.LiveRun[]> {
    const ids = [...happened.keys()];
    const page = { sort: [], limit: ids.length, from: null, backward: false };
    const [all, fit] = await Promise.all([
      runs.find(caller, { ...page, filter: within(null, 'id', ids) }, { payloads: false }),
      runs.find(caller, { ...page, filter: fitting(ids) }, { payloads: false }),
    ]);
    const fits = new Set(fit.items.map(({ run }) => run.id));
    const rows = await presentRows(
      parts,
      caller,
      all.items.map(({ run }) => run),
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => ({
      id,
      fits: fits.has(id),
      isNew: happened.get(id) === true,
      row: byId.get(id) ?? null,
    }));
  }
}

/** @param position of the log, which a client that comes back says it has come to */
function send(stream: EventStream, { event, data }: wire.RunsLiveEvent | wire.RunLiveEvent, position?: number): void {
  stream.send(event, JSON.stringify(data), position === undefined ? undefined : String(position));
}

/** The position that a client has come to: the id of the last event it saw, or what it says. */
function positionOf(request: FastifyRequest, given: number | undefined): number | null {
  const last = request.headers['last-event-id'];
  if (typeof last === 'string' && /^\d{1,15}$/.test(last)) return Number(last);
  return given ?? null;
}

/** What happened to which runs within a moment. */
interface Batch {
  /** Whether the run was created, by its id. */
  readonly runs: Map<string, boolean>;
  position: number;
  isReset: boolean;
}

/** Gathers events for a moment, so that what happens to one run is told once. */
class Gathered {
  #batch: Batch | null = null;
  #wake: (() => void) | undefined;
  #isOver = false;

  add(event: RunEvent): void {
    this.#batch ??= { runs: new Map(), position: 0, isReset: false };
    const { runs } = this.#batch;
    runs.set(event.runId, runs.get(event.runId) === true || event.kind === 'created');
    this.#batch.position = Math.max(this.#batch.position, event.position);
    this.#wake?.();
  }

  /** What happened before is not known. */
  reset(): void {
    this.#batch = { runs: new Map(), position: 0, isReset: true };
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Waits until something has happened, and a moment more; null: nobody listens any more. */
  async next(): Promise<Batch | null> {
    while (this.#batch === null && !this.#isOver) await this.#woken();
    if (this.#isOver) return null;
    // The timer says itself that it was there: by the clock it may come early, since it counts from when this turn of the event loop began.
    let hasGathered = false;
    const timer = setTimeout(() => {
      hasGathered = true;
      this.#wake?.();
    }, GATHER_MS);
    while (!hasGathered && !this.#isOver) await this.#woken();
    clearTimeout(timer);
    const batch = this.#batch;
    this.#batch = null;
    return this.#isOver ? null : batch;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The lines of a log that were not given yet. */
class NewLines {
  readonly #read: (after: string | null) => Promise<readonly RunLog[]>;
  #last: string | null = null;

  constructor(read: (after: string | null) => Promise<readonly RunLog[]>) {
    this.#read = read;
  }

  async next(): Promise<readonly RunLog[]> {
    const lines = await this.#read(this.#last);
    this.#last = lines.at(-1)?.id ?? this.#last;
    return lines;
  }
}
