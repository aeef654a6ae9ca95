import type { FastifyInstance } from 'fastify';
import type { Caller } from '../../domain/caller.ts';
import type { RunEvent } from '../../domain/event.ts';
import { granted } from '../../operations/access.ts';
import { within } from '../keyset-list.ts';
import { openEventStream } from '../sse.ts';
import type { ExplorerParts } from './parts.ts';
import type * as wire from './wire.ts';

/** Milliseconds for which changes are gathered: a run that asks three persons at once is one event. */
const GATHER_MS = 250;

/** Requests that are counted: of more, nobody asks how many. */
const MOST = 100;

/** The live count of what waits for persons: for the navigation, and for a list that then reads itself anew. */
export function personRequestLiveRoutes(api: FastifyInstance, { personRequests, runs }: ExplorerParts): void {
  api.get('/v1/requests/live', async (request, reply) => {
    const { caller } = request;
    let pending = await pendingOf(caller);
    const bell = new Bell();
    // Who may read requests learns from the log that some have changed, and nothing else of it.
    const unwatch = await runs.live.watchAll(granted(caller, 'runs:read'), (event) => {
      if (concerns(event, pending)) bell.ring();
    });
    const stream = openEventStream(request, reply);
    void stream.closed.then(() => bell.end());
    let said: string | null = null;
    try {
      do {
        pending = await pendingOf(caller);
        const ids = [...pending.keys()].join();
        if (ids === said) continue;
        said = ids;
        const count: wire.Count = { count: Math.min(pending.size, MOST), isLowerBound: pending.size > MOST };
        stream.send('pending', JSON.stringify(count));
      } while (await bell.rung());
    } catch (error) {
      request.log.error({ err: error }, 'the live count of requests failed');
    } finally {
      unwatch();
      stream.end();
    }
  });

  /** The ids of what waits, oldest first, each with its run. */
  async function pendingOf(caller: Caller): Promise<ReadonlyMap<string, string>> {
    const filter = within(null, 'status', ['pending']);
    const page = await personRequests.find(caller, { filter, sort: [], limit: MOST + 1, from: null, backward: false });
    return new Map(page.items.map(({ id, runId }) => [id, runId]));
  }
}

/** Whether something is asked, or something may be asked no more. */
function concerns({ runId, data }: RunEvent, pending: ReadonlyMap<string, string>): boolean {
  if (data.nodes?.some(([, status]) => status === 'waiting')) return true;
  return pending.size > MOST || [...pending.values()].includes(runId);
}

/** Rings for whoever waits, once for all that happens within a moment. */
class Bell {
  #isRung = false;
  #isOver = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Waits until it has rung, and a moment more; false: it never will again. */
  async rung(): Promise<boolean> {
    while (!(this.#isRung || this.#isOver)) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (!this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, GATHER_MS);
        this.#wake = () => {
          if (!this.#isOver) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isRung = false;
    return !this.#isOver;
  }
}
