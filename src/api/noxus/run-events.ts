import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../domain/caller.ts';
import type { RunEvent } from '../../domain/event.ts';
import { isTerminal, type Run } from '../../domain/run.ts';
import type { Runs } from '../../operations/runs.ts';
import { openEventStream } from '../sse.ts';
import {
  contentMessages,
  type EventMessage,
  endMessage,
  endsStream,
  readEtag,
  stateMessage,
  textMessage,
} from './events.ts';
import { presentProgress } from './present.ts';

/** The one SSE event name that official clients listen to. */
const EVENT_NAME = 'message';

/** Runs that its nodes invoked whose progress each message carries: a stream tells of every step. */
const RUNS_BELOW_IN_STREAM = 10;

/**
 * Streams a run's events: what happened since `etag`, then what happens, until the run ends.
 * The watch begins before the past is read, and positions sort out what both bring: nothing is missed and nothing comes twice.
 */
export async function streamRunEvents(
  runs: Runs,
  caller: Caller,
  run: Run,
  etag: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const since = readEtag(etag);
  const queue: RunEvent[] = [];
  let wake: (() => void) | undefined;
  const unwatch = await runs.live.watch(run.id, (event) => {
    queue.push(event);
    wake?.();
  });
  let isOver: boolean;
  try {
    // In this order: once the run is over, everything that happened to it is among the past.
    isOver = isTerminal((await runs.get(caller, run.id)).status);
    queue.unshift(...(await runs.eventsSince(caller, run.id, Math.max(0, since.position - 1))));
  } catch (error) {
    unwatch();
    throw error;
  }
  const stream = openEventStream(request, reply);
  let open = true;
  void stream.closed.then(() => {
    open = false;
    wake?.();
  });
  let lastId = `${since.position}-${Math.max(0, since.message)}`;
  const unwatchContent = runs.live.watchContent(run.id, (piece) => {
    // A client that does not keep up sees by the offset that something is missing; the whole text is in the node's output.
    if (open && !stream.isBehind) stream.send(EVENT_NAME, JSON.stringify(textMessage(piece, lastId)));
  });
  const send = (message: EventMessage) => {
    const [position, index] = message.redisId.split('-').map(Number) as [number, number];
    if (position < since.position || (position === since.position && index <= since.message)) return;
    stream.send(EVENT_NAME, JSON.stringify(message), message.redisId);
    lastId = message.redisId;
  };

  let sent = since.position - 1;
  try {
    while (open) {
      const event = queue.shift();
      if (event === undefined) {
        // The etag is behind the end of the run: nothing will ever come.
        if (isOver) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (event.position <= sent) continue;
      sent = event.position;
      for (const message of contentMessages(event)) send(message);
      // The state is the run's as it is now: with more events at hand it would only be sent twice.
      const last = queue.at(-1);
      const isLatest = last === undefined || last.position <= sent;
      if (isLatest) {
        const now = await runs.get(caller, run.id).catch(() => null);
        if (now) send(stateMessage(event, now, presentProgress(await runs.progress(now, RUNS_BELOW_IN_STREAM))));
      }
      // A run that waited, and was answered since, goes on in this stream.
      if (!endsStream(event) || (event.data.status === 'waiting' && !isLatest)) continue;
      if (isTerminal(event.data.status)) send(endMessage(event));
      break;
    }
  } finally {
    unwatch();
    unwatchContent();
    stream.end();
  }
}
