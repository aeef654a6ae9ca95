import { setTimeout as sleep } from 'node:timers/promises';
import { BlobMissing } from '../blobs/blobs.ts';
import type { Batch } from '../domain/batch.ts';
import type { Delivery, DeliveryAttempt } from '../domain/callback.ts';
import type { RunEvent } from '../domain/event.ts';
import type { Payload } from '../domain/payload.ts';
import type { PersonRequest } from '../domain/person-request.ts';
import type { Dialect, Run } from '../domain/run.ts';
import { traceparentOf } from '../domain/trace.ts';
import type { Write } from '../store/change.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import { spanIdOf } from '../system/derived-id.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { attemptDelivery } from './attempt.ts';
import { afterAttempt, DELIVERY_RETRY } from './schedule.ts';

/** The name that the position in the log is kept under. */
const FOLLOWER = 'callbacks';

/** Events passed by before the position is kept although none asked for a callback: a sync less per batch, for some 13 ms of reading at a start. */
const KEEP_POSITION_EVERY = 5_000;

/** Deliveries made in one commit: each holds a run's whole output in memory. */
const CREATE_AT_ONCE = 32;

/** Deliveries on their way at the same time: receivers that stall hold up others only when there are this many of them. */
const CONCURRENCY = 8;

/** Milliseconds for one try. Receivers are expected to take a delivery and work on it later. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** Longest sleep between two looks at what is due: bounds what a clock that was set costs. */
const MAX_SLEEP_MS = 60_000;

/** Milliseconds that a delivery is this process's to make: a try, and the time to record it where the store is slow. */
const CLAIM_MS = 3 * ATTEMPT_TIMEOUT_MS;

/** Milliseconds before a store that failed is asked again. */
const STORE_RETRY_MS = 1_000;

export interface CallbacksParts {
  readonly store: Store;
  readonly system: System;
  /** Deliveries go through its guard. */
  readonly http: HttpClient;
  readonly log: Log;
  /** Of Millrun, for the user agent. */
  readonly version: string;
  /** The JSON text of a payload. @throws BlobMissing */
  readonly readPayload: (payload: Payload) => Promise<string>;
  /** The body of a run's callback in the words of each API, as JSON text. @param output JSON text */
  readonly presentRun: Readonly<Record<Dialect, (run: Run, output: string | null) => string>>;
  /** The body that tells of a person being asked in a run, in the words of each API, as JSON text. */
  readonly presentPersonRequest: Readonly<Record<Dialect, (run: Run, request: PersonRequest) => string>>;
  /** The body of a batch's callback, as JSON text. */
  readonly presentBatch: (batch: Batch) => string;
  /** The key that a workspace's deliveries are signed with: `whsec_` and base64. */
  readonly deriveSecret: (workspaceId: string) => string;
  /** The text of a callback secret. */
  readonly callbackSecretText: (secretId: string) => string;
  /** Milliseconds for one try; 10 s when left out. */
  readonly attemptTimeoutMs?: number;
}

/**
 * Tells the address that a run was started with whom it asks and how it ended.
 *
 * Two halves that meet in the store only. The first follows the log and makes one delivery of each finished run and each request to a person that wants one, in the same commit as
 * its new position: a crash neither forgets nor doubles a delivery. The second makes the tries that are due and records each of them. A crash
 * between a try and its record repeats the try, under the same `webhook-id`.
 */
export class Callbacks {
  readonly #parts: CallbacksParts;
  readonly #userAgent: string;
  readonly #inHand = new Map<string, Promise<void>>();
  /** Aborted when what is in hand must end now. */
  readonly #cut = new AbortController();
  #follower: Follower | undefined;
  #delivering: Promise<void> | undefined;
  #woken = Promise.withResolvers<void>();
  #stopping = false;
  /** The follower's position as last seen in the store. */
  #kept = 0;

  constructor(parts: CallbacksParts) {
    this.#parts = parts;
    this.#userAgent = `Millrun/${parts.version}`;
  }

  /** Begins where the last process stopped. */
  async start(): Promise<void> {
    const { store, log } = this.#parts;
    this.#kept = await store.followerPosition(FOLLOWER);
    this.#follower = follow(
      store,
      this.#kept,
      (events) => this.#take(events),
      (error) => log.error({ err: error }, 'callbacks could not be made from the log; trying again'),
    );
    this.#delivering = this.#deliver();
  }

  /** Looks for what is due now, rather than when it was expected to be. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Begins nothing new and waits up to `graceMs` milliseconds for what is on its way. What is cut off then stays due. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.wake();
    const timer = setTimeout(() => this.#cut.abort(new Error('The platform stops.')), graceMs);
    await this.#follower?.stop();
    await this.#delivering;
    await Promise.all(this.#inHand.values());
    clearTimeout(timer);
  }

  async #take(events: readonly RunEvent[]): Promise<void> {
    const wanted = events.filter(
      ({ kind, data }) => (kind === 'finished' && data.callback === true) || data.asked !== undefined,
    );
    for (let first = 0; first < wanted.length; first += CREATE_AT_ONCE) {
      const part = wanted.slice(first, first + CREATE_AT_ONCE);
      await this.#create(part, part.at(-1)!.position);
      this.wake();
    }
    const last = events.at(-1)?.position ?? this.#kept;
    if (last - this.#kept >= KEEP_POSITION_EVERY) await this.#create([], last);
  }

  /** Makes the deliveries of these events and keeps `position`, unless somebody else has. */
  async #create(events: readonly RunEvent[], position: number): Promise<void> {
    const { store } = this.#parts;
    for (;;) {
      const before = await store.followerPosition(FOLLOWER);
      this.#kept = before;
      if (before >= position) return;
      const change: Write[] = [{ kind: 'followed', follower: FOLLOWER, position, before }];
      const told = new Set<string>();
      for (const event of events) {
        if (event.position <= before) continue;
        for (const delivery of await this.#deliveriesOf(event, told)) change.push({ kind: 'createDelivery', delivery });
      }
      if ((await store.commit(change)) === 'kept') {
        this.#kept = position;
        return;
      }
    }
  }

  /**
   * What persons that a run asks are told of to its receiver; and its end, to that and to the one of a batch that has ended with it. None when the
   * run is there no more.
   * @param told batches that this group of events has dealt with already
   */
  async #deliveriesOf(event: RunEvent, told: Set<string>): Promise<Delivery[]> {
    const run = await this.#parts.store.getRun(event.workspaceId, event.runId);
    if (run === null) return [];
    const found = await this.#deliveriesOfRequests(run, event.data.asked ?? []);
    if (event.data.callback !== true) return found;
    const ends = [await this.#deliveryOf(run), await this.#deliveryOfBatch(run, told)];
    return [...found, ...ends.filter((delivery) => delivery !== null)];
  }

  /** One for each request, however it stands by now. */
  async #deliveriesOfRequests(run: Run, requestIds: readonly string[]): Promise<Delivery[]> {
    const { store, system, presentPersonRequest } = this.#parts;
    const made: Delivery[] = [];
    for (const id of requestIds) {
      const request = await store.getPersonRequest(run.workspaceId, id);
      if (request === null) continue;
      const body = presentPersonRequest[run.dialect](run, request);
      made.push(newDelivery(run, 'run', run.dialect, body, system, true));
    }
    return made;
  }

  /** Of several runs that ended close together each may see the batch as ended: the first one tells. */
  async #deliveryOfBatch({ workspaceId, batchId }: Run, told: Set<string>): Promise<Delivery | null> {
    const { store, system, presentBatch } = this.#parts;
    const batch = batchId === null ? null : await store.getBatch(workspaceId, batchId);
    if (batch === null || batch.finishedAt === null || batch.callbackUrl === null || told.has(batch.id)) return null;
    told.add(batch.id);
    const before = await store.listDeliveries(workspaceId, batch.id);
    if (before.some(({ delivery }) => delivery.isAutomatic)) return null;
    return newDelivery(batch, 'batch', 'runflow', presentBatch(batch), system, true);
  }

  /** Null when the run wants no callback. */
  async #deliveryOf(run: Run): Promise<Delivery | null> {
    const { system, presentRun } = this.#parts;
    if (run.callbackUrl === null) return null;
    const body = presentRun[run.dialect](run, await this.#outputOf(run));
    return newDelivery(run, 'run', run.dialect, body, system, true);
  }

  async #outputOf(run: Run): Promise<string | null> {
    if (run.output === null) return null;
    try {
      return await this.#parts.readPayload(run.output);
    } catch (error) {
      // One lost file must not keep every later run's callback waiting; the receiver still learns how the run ended.
      if (!(error instanceof BlobMissing)) throw error;
      this.#parts.log.error({ err: error, runId: run.id }, 'the output of a run is lost; its callback goes without');
      return null;
    }
  }

  async #deliver(): Promise<void> {
    while (!this.#stopping) {
      // Renewed before the look, so that what becomes due during it is not missed.
      this.#woken = Promise.withResolvers();
      let sleepMs = STORE_RETRY_MS;
      try {
        sleepMs = await this.#startDue();
      } catch (error) {
        this.#parts.log.error({ err: error }, 'due callbacks could not be read; trying again');
      }
      await this.#sleep(sleepMs);
    }
  }

  /** Begins what is due, as far as there is room, and returns the milliseconds until there is more to begin. */
  async #startDue(): Promise<number> {
    const { store, system } = this.#parts;
    const now = system.now();
    const room = CONCURRENCY - this.#inHand.size;
    // The end of any of them wakes the loop.
    if (room <= 0) return MAX_SLEEP_MS;
    for (const delivery of await store.claimDeliveries(now, room, now + CLAIM_MS)) this.#start(delivery);
    const nextAt = await store.nextDeliveryAt();
    return nextAt === null ? MAX_SLEEP_MS : Math.min(MAX_SLEEP_MS, Math.max(0, nextAt - now));
  }

  #start(delivery: Delivery): void {
    const done = this.#attempt(delivery)
      .catch((error) =>
        this.#parts.log.error({ err: error, subjectId: delivery.subjectId }, 'an attempt of a callback failed'),
      )
      .finally(() => {
        this.#inHand.delete(delivery.id);
        this.wake();
      });
    this.#inHand.set(delivery.id, done);
  }

  /** Makes a delivery of a run that has ended, once more, of how it stands now. Rests on nothing: the caller has looked. */
  async redeliver(run: Run): Promise<Delivery> {
    const { store, system, presentRun } = this.#parts;
    const body = presentRun[run.dialect](run, await this.#outputOf(run));
    const delivery = newDelivery(run, 'run', run.dialect, body, system, false);
    await store.commit([{ kind: 'createDelivery', delivery }]);
    this.wake();
    return delivery;
  }

  /** As `redeliver`, of a batch. */
  async redeliverBatch(batch: Batch): Promise<Delivery> {
    const { store, system, presentBatch } = this.#parts;
    const delivery = newDelivery(batch, 'batch', 'runflow', presentBatch(batch), system, false);
    await store.commit([{ kind: 'createDelivery', delivery }]);
    this.wake();
    return delivery;
  }

  /** The secret that a delivery is signed with, where its API has such and its workspace made one. */
  async #currentSecret({ dialect, workspaceId }: Delivery): Promise<{ id: string; text: string } | null> {
    if (dialect !== 'runflow') return null;
    const secret = await this.#parts.store.currentCallbackSecret(workspaceId);
    return secret === null ? null : { id: secret.id, text: this.#parts.callbackSecretText(secret.id) };
  }

  async #traceparentOf({ subject, workspaceId, subjectId }: Delivery): Promise<string | null> {
    const run = subject === 'run' ? await this.#parts.store.getRun(workspaceId, subjectId) : null;
    return run?.trace ? traceparentOf(run.trace.traceId, spanIdOf(run.id, {}), run.tracing) : null;
  }

  async #attempt(unsigned: Delivery): Promise<void> {
    const { http, system, deriveSecret, attemptTimeoutMs: timeoutMs = ATTEMPT_TIMEOUT_MS } = this.#parts;
    const current = await this.#currentSecret(unsigned);
    const delivery = { ...unsigned, signingSecretId: current?.id ?? null };
    const at = system.now();
    const { signal } = this.#cut;
    const result = await attemptDelivery(delivery, {
      http,
      userAgent: this.#userAgent,
      keys: { deriveSecret, current },
      at,
      timeoutMs,
      signal,
      traceparent: await this.#traceparentOf(delivery),
    });
    if (result.httpStatus === null && signal.aborted) return;
    const now = system.now();
    await this.#record(afterAttempt(delivery, result, now, system.random()), {
      deliveryId: delivery.id,
      attempt: delivery.attemptCount + 1,
      at,
      durationMs: now - at,
      httpStatus: result.httpStatus,
      error: result.error,
      response: result.response,
    });
  }

  /** Records a try, however long the store takes to be well: a try that is not recorded would be made again and again. */
  async #record(delivery: Delivery, attempt: DeliveryAttempt): Promise<void> {
    const { store, log } = this.#parts;
    const about = {
      deliveryId: delivery.id,
      subjectId: delivery.subjectId,
      attempt: attempt.attempt,
      status: attempt.httpStatus,
    };
    for (;;) {
      try {
        const result = await store.commit([{ kind: 'recordAttempt', delivery, attempt }]);
        // Stale: the run was deleted meanwhile, or another process made the same try.
        if (result === 'kept' && delivery.status === 'failed')
          log.warn({ ...about, err: attempt.error }, 'a callback was given up');
        return;
      } catch (error) {
        log.error({ ...about, err: error }, 'an attempt of a callback could not be recorded; trying again');
        if (this.#cut.signal.aborted) return;
        await sleep(STORE_RETRY_MS, undefined, { signal: this.#cut.signal }).catch(() => undefined);
      }
    }
  }

  /** Sleeps until woken, or so many milliseconds. */
  async #sleep(ms: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), ms);
    await this.#woken.promise;
    clearTimeout(timer);
  }
}

/** The delivery of something that has ended, due at once. */
export function newDelivery(
  of: Pick<Run, 'id' | 'workspaceId' | 'requestId' | 'callbackUrl'>,
  subject: Delivery['subject'],
  dialect: Dialect,
  body: string,
  system: System,
  isAutomatic: boolean,
): Delivery {
  const now = system.now();
  return {
    id: system.newId(),
    workspaceId: of.workspaceId,
    subject,
    subjectId: of.id,
    dialect,
    isAutomatic,
    requestId: of.requestId,
    signingSecretId: null,
    url: of.callbackUrl ?? '',
    body,
    status: 'pending',
    attemptCount: 0,
    maxAttempts: DELIVERY_RETRY.retries + 1,
    nextAttemptAt: now,
    createdAt: now,
    finishedAt: null,
  };
}
