import { ConnectionError, RefusedError } from './error.ts';
import { readEvents } from './event-stream.ts';
import { type CallOptions, type Http, pause } from './http.ts';
import type { RunNoIO, WorkflowProgress } from './noxus-api.ts';

/** What a run does, as it happens. */
export type RunEvent = {
  /** Give it as `after` to go on behind this event. */
  readonly id: string;
} & (
  | {
      /** A node came to another status, or said a piece of text. The last one is the run's own, under the run's id. */
      readonly type: 'content';
      readonly data: {
        readonly id: string;
        readonly status: string;
        readonly at?: string;
        /** A piece of text that the node makes, and how many characters came before; 0 begins anew. */
        readonly content?: string;
        readonly offset?: number;
        readonly iteration?: number;
      };
    }
  | {
      /** How the whole run stands now. */
      readonly type: 'state';
      readonly data: {
        readonly status: RunNoIO['status'];
        /** In percent. */
        readonly progress: number;
        readonly progress_details: WorkflowProgress;
      };
    }
);

export interface WatchOptions extends CallOptions {
  /** The id of the last event that was seen; without it all that happened is told. */
  readonly after?: string;
}

/** Milliseconds of silence after which a line is taken for dead: the server says every 15 s that it is there. */
const SILENCE_MS = 45_000;

/** Milliseconds between two tries to go on, and tries in a row that may fail. */
const PAUSE_MS = 1000;
const TRIES = 10;

/** Statuses that nothing comes after, until somebody answers. */
const RESTING: ReadonlySet<string> = new Set(['completed', 'failed', 'stopped', 'awaiting_human_feedback']);

/**
 * Tells what a run does, until it has ended or waits for a person. A line that breaks off is taken up again behind the last event.
 * @throws RefusedError; ConnectionError when the server cannot be reached for long; whatever the signal was aborted with
 */
export async function* watchRun(
  http: Http,
  runId: string,
  options: WatchOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  let after = options.after;
  for (let failures = 0; ; failures += 1) {
    if (failures > 0) await pause(PAUSE_MS, options.signal);
    try {
      for await (const event of streamOf(http, runId, after, options.signal)) {
        after = event.id;
        failures = 0;
        yield event;
        if (event.type === 'content' && event.data.id === runId) return;
      }
      // The stream ended without the last event: the run waits for a person, its end came before `after`, or the server stops.
      const run = (await http.json(
        { method: 'GET', path: `/v1/runs/${encodeURIComponent(runId)}` },
        options,
      )) as RunNoIO;
      if (RESTING.has(run.status)) return;
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      const isPassing = error instanceof RefusedError ? error.status === 429 || error.status >= 500 : true;
      if (!isPassing || failures >= TRIES) throw error;
    }
  }
}

async function* streamOf(
  http: Http,
  runId: string,
  after: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent, void, undefined> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  const onActivity = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), SILENCE_MS);
  };
  try {
    const response = await http.send(
      {
        method: 'GET',
        path: `/v1/runs/${encodeURIComponent(runId)}/events`,
        headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      },
      { signal: AbortSignal.any([silent.signal, ...(signal ? [signal] : [])]) },
    );
    if (response.body === null) return;
    for await (const { id, data } of readEvents(response.body, onActivity)) {
      const message = JSON.parse(data) as { type: string; data: object; redisId: string };
      yield { id: id ?? message.redisId, type: message.type, data: message.data } as RunEvent;
    }
  } catch (error) {
    if (silent.signal.aborted)
      throw new ConnectionError(`The server said nothing for ${SILENCE_MS} ms.`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
