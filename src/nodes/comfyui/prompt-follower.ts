import type { OpenWebSocket } from '../../system/http-client.ts';
import { httpClientError } from '../http-outcome.ts';
import type { ComfyuiServer } from '../node-type.ts';
import { ComfyuiClient, ComfyuiError, type ComfyuiEvent, type HistoryEntry } from './comfyui-client.ts';

/** How often a server is asked about a prompt. */
export interface Pace {
  /** Milliseconds between looks while the websocket is open, for an end that it did not tell. */
  readonly quietMs: number;
  /** Milliseconds between looks without a websocket; the last one repeats. */
  readonly looksMs: readonly number[];
  /** Looks in a row that a server may leave unanswered. */
  readonly unanswered: number;
}

/** A server that restarts loads its nodes for half a minute and more: with this it has some two and a half minutes. */
export const PACE: Pace = { quietMs: 15_000, looksMs: [100, 200, 400, 800, 1_600, 3_200, 5_000], unanswered: 35 };

/** What one call to cancel a prompt may take. The engine stops listening two seconds after it aborts a node. */
const CANCEL_MS = 1_500;

/** Messages after which a prompt has ended, or is about to: the history is written right after the first three, and before the last. */
const ENDINGS: ReadonlySet<string> = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

/**
 * Follows one prompt to its end: by the websocket while that is open, else by asking the history and the queue. The history has the last word:
 * an `execution_error` need not be the end of a prompt, and a websocket may be silent about one.
 */
export class PromptFollower {
  readonly #client: ComfyuiClient;
  readonly #clientId: string;
  readonly #signal: AbortSignal;
  readonly #onEvent: (event: ComfyuiEvent) => void;
  readonly #pace: Pace;
  #socket: OpenWebSocket | null = null;
  #promptId: string | null = null;
  /** Events from before the prompt's id was known: the answer to its submission may come after them. */
  #held: ComfyuiEvent[] = [];
  #isEnding = false;
  #isClosed = false;
  #wake: (() => void) | null = null;

  constructor(parts: {
    client: ComfyuiClient;
    clientId: string;
    signal: AbortSignal;
    onEvent: (event: ComfyuiEvent) => void;
    pace: Pace;
  }) {
    this.#client = parts.client;
    this.#clientId = parts.clientId;
    this.#signal = parts.signal;
    this.#onEvent = parts.onEvent;
    this.#pace = parts.pace;
  }

  /** Opens the websocket: before the prompt is submitted, so that nothing is missed. @throws HttpClientError */
  async open(): Promise<void> {
    let isGone = false;
    const socket = await this.#client.events(
      this.#clientId,
      (event) => this.#hear(event),
      () => {
        isGone = true;
        this.#socket = null;
        this.#wake?.();
      },
    );
    this.#socket = isGone ? null : socket;
  }

  /** How the prompt ended; null when the server has lost it, or does not answer any more. @throws the signal's reason, ComfyuiError */
  async follow(promptId: string): Promise<HistoryEntry | null> {
    this.#promptId = promptId;
    for (const event of this.#held.splice(0)) this.#hear(event);
    let looks = 0;
    let unanswered = 0;
    for (;;) {
      this.#signal.throwIfAborted();
      // What happened until it is open again is not told on it: one more look, before it is trusted.
      let isReopened = false;
      try {
        const found = await this.#look(promptId);
        unanswered = 0;
        if (found !== 'waiting') return found;
        if (this.#socket === null) {
          await this.open();
          isReopened = true;
        }
      } catch (error) {
        if (this.#signal.aborted || !isPassing(error)) throw error;
        unanswered++;
        if (unanswered >= this.#pace.unanswered) return null;
      }
      if (this.#socket !== null && !this.#isEnding && !isReopened) {
        looks = 0;
        await this.#sleep(this.#pace.quietMs);
      } else {
        await this.#sleep(this.#pace.looksMs[Math.min(looks, this.#pace.looksMs.length - 1)] ?? 0);
        looks++;
      }
    }
  }

  /** Ends the websocket. Nothing is told after it. */
  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  #hear(event: ComfyuiEvent): void {
    if (this.#isClosed) return;
    const { data, type } = event;
    if (this.#promptId === null) {
      this.#held.push(event);
      return;
    }
    // The websocket also tells what becomes of other clients' prompts.
    if (data['prompt_id'] !== this.#promptId) return;
    const isEnd = type === 'executing' && data['node'] === null;
    if (!isEnd) this.#onEvent(event);
    if (!isEnd && !ENDINGS.has(type)) return;
    this.#isEnding = true;
    this.#wake?.();
  }

  async #look(promptId: string): Promise<HistoryEntry | 'waiting' | null> {
    const ended = await this.#client.history(promptId);
    if (ended !== null) return ended;
    const queue = await this.#client.queue();
    if (queue.some(({ id }) => id === promptId)) return 'waiting';
    // It may have ended between the two questions.
    return this.#client.history(promptId);
  }

  /** Waits, until there is something to look at, or the signal aborts. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
      this.#signal.addEventListener('abort', done, { once: true });
      if (this.#signal.aborted) done();
    });
  }
}

/** True for what a server that restarts, or a proxy before it, may answer for a while. */
function isPassing(error: unknown): boolean {
  if (error instanceof ComfyuiError) return error.status >= 500 || error.status === 404;
  const reason = httpClientError(error)?.reason;
  return reason === 'network' || reason === 'timeout';
}

/** Takes a prompt out of the queue, or interrupts it when it runs. Does what it can in the time there is, and never throws. */
export async function cancelPrompt(server: ComfyuiServer, promptId: string): Promise<void> {
  const client = new ComfyuiClient(server, AbortSignal.timeout(CANCEL_MS));
  try {
    await client.dequeue(promptId);
    const queue = await client.queue();
    // Older servers interrupt whatever runs, whoever asked for it.
    if (queue.some(({ id, isRunning }) => isRunning && id === promptId)) await client.interrupt(promptId);
  } catch (error) {
    if (!(error instanceof ComfyuiError) && httpClientError(error) === null) throw error;
  }
}
