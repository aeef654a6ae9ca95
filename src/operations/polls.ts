import { isAllowedHost } from '../domain/credential.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { isJsonObject } from '../domain/json.ts';
import type { PollDefinition, PollState, Trigger, TriggerEvent } from '../domain/trigger.ts';
import { credentialHeader } from '../nodes/credential-header.ts';
import type { Store } from '../store/store.ts';
import { type HttpAnswer, type HttpClient, HttpClientError } from '../system/http-client.ts';
import type { Log } from '../system/log.ts';
import { SealBroken } from '../system/sealing.ts';
import type { System } from '../system/system.ts';
import type { Keyring } from './keyring.ts';
import { itemsOf, MAX_ITEMS, type PollItem } from './poll-items.ts';
import type { Occurrence, TriggerFiring } from './trigger-firing.ts';

/** Milliseconds for a look. */
const TIMEOUT_MS = 30_000;

/** Milliseconds after which another process takes over a look that has not ended: its process has died, or nearly. */
const LOOK_LEASE_MS = 2 * TIMEOUT_MS;

/** Bytes of an answer: the largest feeds have a few. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Runs that one look starts. What is new beyond them is found at the next. */
const MAX_RUNS = 50;

/** Digests kept of a trigger, 16 characters each: those of what is there, and of what was there before. */
const MAX_SEEN = 2 * MAX_ITEMS;

/** Longest wait after failures, unless the trigger looks more seldom anyway. */
const MAX_BACKOFF_MS = 3_600_000;

/** Characters of an item that its event keeps. */
const SHOWN_ITEM = 2000;

const NOTHING_SEEN: PollState = {
  etag: null,
  lastModified: null,
  seen: null,
  lastPolledAt: null,
  failures: 0,
  lastError: null,
};

/** What a look came to. */
type Looked =
  | { readonly items: readonly PollItem[]; readonly etag: string | null; readonly lastModified: string | null }
  | { readonly unchanged: true }
  /** The process is stopping. */
  | { readonly broken: true }
  | { readonly problem: string; readonly retryAfterMs: number };

/** Looks at the addresses of triggers, and starts runs for what is new there. */
export class Polls {
  readonly #store: Store;
  readonly #firing: TriggerFiring;
  readonly #keyring: Keyring;
  readonly #http: HttpClient;
  readonly #system: System;
  readonly #log: Log;
  readonly #stopping = new AbortController();

  constructor(parts: {
    store: Store;
    firing: TriggerFiring;
    keyring: Keyring;
    http: HttpClient;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#firing = parts.firing;
    this.#keyring = parts.keyring;
    this.#http = parts.http;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** Breaks off what is being asked; other processes may ask at once. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * Looks at a trigger's address. First the look itself is claimed, so that one process at a time asks; then what was seen, the events and the runs are
   * kept in one write, so that a crash in between makes the next look find the same again.
   */
  async look(trigger: Trigger, definition: PollDefinition): Promise<void> {
    const claimed: Trigger = {
      ...trigger,
      wakeAt: this.#system.now() + LOOK_LEASE_MS,
      revision: trigger.revision + 1,
    };
    if ((await this.#store.commit([{ kind: 'putTrigger', trigger: claimed }])) === 'stale') return;
    const state = claimed.state ?? NOTHING_SEEN;
    const looked = await this.#ask(claimed, definition, state);
    if ('broken' in looked) await this.#giveBack(claimed, trigger.wakeAt);
    else if ('problem' in looked) await this.#failed(claimed, definition, state, looked);
    else if ('unchanged' in looked) await this.#keep(claimed, definition, { ...state, failures: 0, lastError: null });
    else await this.#found(claimed, definition, state, looked);
  }

  /** What a look would find now, without changing anything: for a person who makes a trigger. */
  async preview(
    workspaceId: string,
    definition: PollDefinition,
  ): Promise<{ items: JsonValue[]; problem: string | null }> {
    const looked = await this.#ask({ workspaceId }, definition, NOTHING_SEEN);
    if ('problem' in looked) return { items: [], problem: looked.problem };
    if ('broken' in looked) return { items: [], problem: 'The server is being stopped. Try again.' };
    return { items: 'unchanged' in looked ? [] : looked.items.map(({ value }) => value), problem: null };
  }

  async #found(
    trigger: Trigger,
    definition: PollDefinition,
    state: PollState,
    { items, etag, lastModified }: Extract<Looked, { items: unknown }>,
  ): Promise<void> {
    const seen = new Set(state.seen ?? []);
    const isFirst = state.seen === null;
    const fresh = isFirst && definition.startWith === 'new' ? [] : items.filter(({ digest }) => !seen.has(digest));
    // The oldest first, as if each had been found when it came.
    const taken = fresh.toReversed().slice(0, definition.runPer === 'item' ? MAX_RUNS : MAX_ITEMS);
    const left = new Set(fresh.map(({ digest }) => digest));
    for (const { digest } of taken) left.delete(digest);
    const there = items.map(({ digest }) => digest).filter((digest) => !left.has(digest));
    const next: PollState = {
      // With items left, the next look has to get the whole again.
      etag: left.size > 0 ? null : etag,
      lastModified: left.size > 0 ? null : lastModified,
      seen: [...new Set([...there, ...seen])].slice(0, MAX_SEEN),
      lastPolledAt: state.lastPolledAt,
      failures: 0,
      lastError: null,
    };
    const occurrences =
      definition.runPer === 'item'
        ? taken.map(({ value }) => occurrenceOf(definition, { item: value }, ['item'], shownItem(value)))
        : taken.length === 0
          ? []
          : [
              occurrenceOf(definition, { items: taken.map(({ value }) => value), count: taken.length }, [], {
                items: taken.length,
              }),
            ];
    await this.#keep(trigger, definition, next, occurrences, left.size > 0);
  }

  /** The next process need not wait for the end of the time that this one took for its look. */
  async #giveBack(trigger: Trigger, wakeAt: number | null): Promise<void> {
    await this.#store.commit([{ kind: 'putTrigger', trigger: { ...trigger, wakeAt, revision: trigger.revision + 1 } }]);
  }

  async #failed(
    trigger: Trigger,
    definition: PollDefinition,
    state: PollState,
    { problem, retryAfterMs }: Extract<Looked, { problem: string }>,
  ): Promise<void> {
    const failures = state.failures + 1;
    const now = this.#system.now();
    const every = definition.everySeconds * 1000;
    const backoff = Math.max(every, Math.min(every * 2 ** Math.min(failures - 1, 20), MAX_BACKOFF_MS));
    const dueAt = now + Math.max(backoff, Math.min(retryAfterMs, MAX_BACKOFF_MS));
    const redactor = await this.#keyring.redactorOf(trigger.workspaceId);
    const reason = redactor?.text(problem) ?? problem;
    const event: TriggerEvent = {
      ...this.#firing.event(trigger, 'poll'),
      ...{ outcome: 'failed', reason, data: { url: definition.url, failures } },
    };
    const after: Trigger = {
      ...trigger,
      ...{ dueAt, wakeAt: dueAt, revision: trigger.revision + 1 },
      state: { ...state, failures, lastError: reason, lastPolledAt: now },
    };
    this.#log.warn({ triggerId: trigger.id, failures }, 'an address that a trigger looks at could not be read');
    await this.#store.commit([
      { kind: 'putTrigger', trigger: after },
      { kind: 'addTriggerEvent', event },
    ]);
  }

  /** Keeps a good look with what it starts. Somebody who changed the trigger meanwhile has made it due anew: then nothing is kept. */
  async #keep(
    trigger: Trigger,
    definition: PollDefinition,
    state: PollState,
    occurrences: readonly Occurrence[] = [],
    isMore = false,
  ): Promise<void> {
    const now = this.#system.now();
    // What is left over is not made to wait.
    const dueAt = now + (isMore ? 1000 : definition.everySeconds * 1000);
    const after: Trigger = {
      ...trigger,
      ...{ dueAt, wakeAt: dueAt, revision: trigger.revision + 1 },
      state: { ...state, lastPolledAt: now },
    };
    const firings = await this.#firing.prepare(trigger, occurrences);
    await this.#firing.keep(firings, [{ kind: 'putTrigger', trigger: after }]);
  }

  async #ask(trigger: Pick<Trigger, 'workspaceId'>, definition: PollDefinition, state: PollState): Promise<Looked> {
    const headers: Record<string, string> = {
      accept:
        definition.source === 'json'
          ? 'application/json'
          : 'application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5',
      ...(state.etag === null ? {} : { 'if-none-match': state.etag }),
      ...(state.lastModified === null ? {} : { 'if-modified-since': state.lastModified }),
    };
    const originHeaders: string[] = [];
    if (definition.credential !== null) {
      const header = await this.#credentialHeader(trigger.workspaceId, definition.credential, definition.url);
      if ('problem' in header) return { problem: header.problem, retryAfterMs: 0 };
      headers[header.name] = header.value;
      originHeaders.push(header.name);
    }
    let answer: HttpAnswer;
    try {
      const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, followRedirects: true };
      const { signal } = this.#stopping;
      answer = await this.#http.request({
        method: 'GET',
        url: definition.url,
        headers,
        originHeaders,
        ...limits,
        signal,
      });
    } catch (error) {
      if (!(error instanceof HttpClientError)) throw error;
      if (this.#stopping.signal.aborted) return { broken: true };
      return { problem: `No answer: ${error.message}`, retryAfterMs: 0 };
    }
    if (answer.status === 304) return { unchanged: true };
    if (answer.status < 200 || answer.status > 299) {
      const seconds = Number(answer.headers['retry-after'] ?? 0);
      const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : 0;
      return { problem: `The address answered with status ${answer.status}.`, retryAfterMs };
    }
    const read = await itemsOf(definition, new TextDecoder().decode(answer.body));
    if ('problem' in read) return { problem: read.problem, retryAfterMs: 0 };
    const { etag = null, 'last-modified': lastModified = null } = answer.headers;
    return { items: read.items, etag, lastModified };
  }

  async #credentialHeader(
    workspaceId: string,
    nameOrId: string,
    url: string,
  ): Promise<{ readonly name: string; readonly value: string } | { readonly problem: string }> {
    try {
      const credential = await this.#keyring.credentialOf(workspaceId, nameOrId);
      if (credential === null) return { problem: `There is no credential "${nameOrId}" in this workspace.` };
      const header = credentialHeader(credential);
      if (header === null)
        return { problem: `The credential "${credential.name}" is not one that is sent in a header.` };
      if (!isAllowedHost(credential.hosts, new URL(url))) {
        return { problem: `The credential "${credential.name}" may not be sent to ${new URL(url).host}.` };
      }
      return { name: header[0], value: header[1] };
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      return { problem: error.message };
    }
  }
}

function occurrenceOf(
  { url }: PollDefinition,
  came: JsonObject,
  main: readonly string[],
  data: JsonObject,
): Occurrence {
  return { kind: 'poll', key: null, came: { ...came, url }, main, data: { url, ...data } };
}

function shownItem(value: JsonValue): JsonObject {
  if (isJsonObject(value) && typeof value['title'] === 'string') {
    return { title: value['title'].slice(0, SHOWN_ITEM), link: value['link'] ?? null };
  }
  return { item: JSON.stringify(value).slice(0, SHOWN_ITEM) };
}
