import type { RunEvent } from '../../domain/event.ts';
import { isTerminal, type Run } from '../../domain/run.ts';
import { NODE_STATUS_WORD, RUN_STATUS_WORD } from './words.ts';

/** One message of the event stream: `{type, data, redisId}` (noxus-api.md 1.7). */
export interface EventMessage {
  readonly type: 'content' | 'state';
  readonly data: object;
  readonly redisId: string;
}

/** A `content` for each node whose status an event changed. Names come twice, as `id` and as `node_id`: a known client reads the latter. */
export function contentMessages(event: RunEvent): EventMessage[] {
  return (event.data.nodes ?? []).map(([nodeId, status], index) => ({
    type: 'content',
    data: { id: nodeId, node_id: nodeId, status: NODE_STATUS_WORD[status], at: new Date(event.at).toISOString() },
    redisId: `${event.position}-${index}`,
  }));
}

/**
 * A `content` with a piece of a running node's text. It has no place in the log, and carries that of the message before it, from which a client may go on.
 * `offset` says how many characters came before; 0 begins anew, also where another model's answer takes the place of one that broke off.
 */
export function textMessage(
  piece: { nodeId: string; iteration: number; text: string; offset: number },
  redisId: string,
): EventMessage {
  const { nodeId, iteration, text, offset } = piece;
  return {
    type: 'content',
    data: { id: nodeId, node_id: nodeId, status: NODE_STATUS_WORD.running, content: text, offset, iteration },
    redisId,
  };
}

/** The state of the whole run as it is now, sent behind an event's contents. */
export function stateMessage(event: RunEvent, run: Run, progressDetails: object): EventMessage {
  return {
    type: 'state',
    data: { status: RUN_STATUS_WORD[run.status], progress: run.progress, progress_details: progressDetails },
    redisId: `${event.position}-${event.data.nodes?.length ?? 0}`,
  };
}

/**
 * The last message of a stream. Clients end their waiting only at `completed` or `failed`: a stopped run therefore ends its stream with
 * `failed`, and the run that they read then says `stopped`.
 */
export function endMessage(event: RunEvent): EventMessage {
  return {
    type: 'content',
    data: {
      id: event.runId,
      status: RUN_STATUS_WORD[event.data.status],
      workflow_status: event.data.status === 'succeeded' ? 'completed' : 'failed',
    },
    redisId: `${event.position}-${(event.data.nodes?.length ?? 0) + 1}`,
  };
}

/** Whether nothing comes after this event: the run has ended, or waits for a person, which clients take for the end of the stream. */
export function endsStream(event: RunEvent): boolean {
  return isTerminal(event.data.status) || event.data.status === 'waiting' || event.kind === 'deleted';
}

/** Where a watcher left off: the position in the log and the message within that event. `0-0` and nonsense mean the beginning. */
export function readEtag(etag: string | undefined): { position: number; message: number } {
  const match = /^(\d{1,15})-(\d{1,9})$/.exec(etag ?? '');
  return match ? { position: Number(match[1]), message: Number(match[2]) } : { position: 0, message: -1 };
}
