import { PlatformError } from '../domain/error.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import type { Trigger, TriggerEvent, WebhookDefinition, WebhookMethod } from '../domain/trigger.ts';
import type { Engine } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import { parseJson } from '../nodes/json-text.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import { SealBroken, type Sealing } from '../system/sealing.ts';
import type { System } from '../system/system.ts';
import { placeOf } from './keyring.ts';
import type { TriggerFiring } from './trigger-firing.ts';
import { refusalOf, type SignedRequest } from './webhook-signature.ts';

/** Headers by which senders name a delivery, in the order in which they are looked at. */
const DELIVERY_HEADERS = ['webhook-id', 'x-github-delivery', 'idempotency-key'];

/** Headers that open something: they reach no run. */
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key']);

/** Requests a minute that are refused with an event of their own for each trigger: whoever knows an address could fill the store otherwise. */
const RECORDED_REFUSALS = 30;

/** Characters of a body that an event keeps. */
const SHOWN_BODY = 2000;

/** Characters of a delivery's name that are looked at. */
const MAX_DELIVERY = 255;

/** A request to the address of a trigger. */
export interface WebhookRequest extends SignedRequest {
  readonly triggerId: string;
  readonly method: string;
  readonly query: JsonObject;
}

/** What the sender is told. */
export interface WebhookAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes what is sent to the addresses of triggers. */
export class Webhooks {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #payloads: Payloads;
  readonly #firing: TriggerFiring;
  readonly #sealing: Sealing;
  readonly #system: System;
  readonly #log: Log;

  constructor(parts: {
    store: Store;
    engine: Engine;
    payloads: Payloads;
    firing: TriggerFiring;
    sealing: Sealing;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#payloads = parts.payloads;
    this.#firing = parts.firing;
    this.#sealing = parts.sealing;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** Starts a run for a request, once for each delivery. */
  async receive(request: WebhookRequest): Promise<WebhookAnswer> {
    const trigger = await this.#store.findTrigger(request.triggerId);
    if (trigger === null || trigger.definition.type !== 'webhook') return said(404, 'There is no webhook here.');
    const { definition } = trigger;
    const unproven = refusalOf(definition, this.#secretOf(trigger), request, this.#system.now());
    if (unproven !== null) return this.#refuse(trigger, request, 401, unproven);
    const wait = await this.#waitOf(trigger, trigger.id, definition.rateLimit);
    if (wait > 0) {
      const after = String(Math.ceil(wait / 1000));
      const message = `This webhook takes ${definition.rateLimit} requests a minute. Try again in ${after} s.`;
      return this.#refuse(trigger, request, 429, message, { 'retry-after': after });
    }
    if (!trigger.enabled) return this.#refuse(trigger, request, 409, 'This trigger is switched off.');
    if (!definition.methods.includes(request.method as WebhookMethod)) {
      const allow = definition.methods.join(', ');
      return this.#refuse(trigger, request, 405, `This webhook takes ${allow}.`, { allow });
    }
    if (request.body.length > definition.maxBytes) {
      const message = `The body has ${request.body.length} bytes; this webhook takes ${definition.maxBytes}.`;
      return this.#refuse(trigger, request, 413, message);
    }
    const key = deliveryOf(definition, request.headers);
    const before = key === null ? null : await this.#store.findTriggerEvent(trigger.workspaceId, trigger.id, key);
    if (before !== null) return this.#answer(definition, before, true);
    const body = bodyOf(request);
    if ('problem' in body) return this.#refuse(trigger, request, 400, body.problem);
    return this.#start(trigger, definition, request, key, body.value);
  }

  async #start(
    trigger: Trigger,
    definition: WebhookDefinition,
    request: WebhookRequest,
    key: string | null,
    body: JsonValue,
  ): Promise<WebhookAnswer> {
    const headers = headersFor(definition, request.headers);
    const came = { body, query: request.query, headers, method: request.method };
    const data = shownOf(request);
    const firings = await this.#firing.prepare(trigger, [
      { kind: 'webhook', key, came, main: ['body', 'query'], data },
    ]);
    const refused = firings.events.find(({ outcome }) => outcome === 'refused');
    if (refused !== undefined) return this.#refuse(trigger, request, 422, refused.reason ?? '');
    const kept = await this.#firing.keep(firings, []);
    const event = kept?.[0] ?? null;
    if (event === null) {
      // The same delivery came twice at once, or the trigger was removed.
      const first = key === null ? null : await this.#store.findTriggerEvent(trigger.workspaceId, trigger.id, key);
      return first === null ? said(404, 'There is no webhook here.') : this.#answer(definition, first, true);
    }
    if (event.runId === null) return said(422, event.reason ?? '');
    return this.#answer(definition, event, false);
  }

  /** What an event that started a run is answered with: at once, or when the run has ended. */
  async #answer(definition: WebhookDefinition, event: TriggerEvent, isRepeat: boolean): Promise<WebhookAnswer> {
    const { workspaceId, runId } = event;
    const about = { run_id: runId, ...(isRepeat && { repeated: true }) };
    if (definition.waitSeconds === null || runId === null)
      return { ...EMPTY, status: 202, body: JSON.stringify(about) };
    const run = await this.#engine.waitForEnd(workspaceId, runId, definition.waitSeconds * 1000);
    if (run === null || !isTerminal(run.status)) {
      return { ...EMPTY, status: 202, body: JSON.stringify({ ...about, status: run?.status ?? null }) };
    }
    const headers = { 'x-run-id': runId };
    if (run.status === 'succeeded' || run.status === 'partial') {
      return { status: 200, body: await this.#outputOf(run), headers };
    }
    const failed = { ...about, status: run.status, error: run.failure?.message ?? null };
    return { status: 500, body: JSON.stringify(failed), headers };
  }

  /** Milliseconds after which the next request is taken, counted with all processes of the store. */
  #waitOf({ workspaceId }: Trigger, bucket: string, perMinute: number): Promise<number> {
    return this.#store.takeRequest(workspaceId, bucket, perMinute, this.#system.elapsed());
  }

  async #outputOf(run: Run): Promise<string> {
    return run.output === null ? '{}' : this.#payloads.text(run.output);
  }

  /** Refuses a request, with an event of it as long as there are not too many. */
  async #refuse(
    trigger: Trigger,
    request: WebhookRequest,
    status: number,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<WebhookAnswer> {
    if ((await this.#waitOf(trigger, `${trigger.id} refusals`, RECORDED_REFUSALS)) === 0) {
      const { body: _, ...data } = shownOf(request);
      const event: TriggerEvent = {
        ...this.#firing.event(trigger, 'webhook'),
        ...{ outcome: 'refused', reason, data },
      };
      await this.#store.commit([{ kind: 'addTriggerEvent', event }]);
      this.#log.info({ triggerId: trigger.id, status }, `a webhook was refused: ${reason}`);
    }
    return { ...said(status, reason), headers };
  }

  /** @throws PlatformError `unavailable` when it cannot be opened */
  #secretOf(trigger: Trigger): string {
    try {
      return this.#sealing.open(trigger.secret?.sealed ?? '', placeOf(trigger, 'secret'));
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      this.#log.error({ triggerId: trigger.id }, `the secret of a trigger cannot be opened: ${error.message}`);
      throw new PlatformError(
        'unavailable',
        'The secret of this webhook cannot be opened. The log of the server says why.',
      );
    }
  }
}

const EMPTY = { headers: {} };

function said(status: number, detail: string): WebhookAnswer {
  return { status, body: JSON.stringify({ detail }), headers: {} };
}

function deliveryOf(definition: WebhookDefinition, headers: SignedRequest['headers']): string | null {
  const names = definition.deliveryHeader === null ? DELIVERY_HEADERS : [definition.deliveryHeader];
  const name = names.find((one) => headers[one] !== undefined && headers[one] !== '');
  return name === undefined ? null : `${name}:${headers[name]?.slice(0, MAX_DELIVERY)}`;
}

/** Headers as a run sees them. */
function headersFor({ verify, header }: WebhookDefinition, headers: SignedRequest['headers']): JsonObject {
  const isOpen = (name: string) => !SECRET_HEADERS.has(name) && !(verify === 'header' && name === header);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isOpen(name)));
}

/** A body as a value: JSON and forms as what they say, texts as they are, other bytes in base64. */
function bodyOf({ headers, body }: WebhookRequest): { readonly value: JsonValue } | { readonly problem: string } {
  if (body.length === 0) return { value: null };
  const type = (headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase();
  if (type === 'application/json' || type.endsWith('+json')) {
    const parsed = parseJson(body.toString('utf8'));
    return 'problem' in parsed ? { problem: `The body is not what it says it is. ${parsed.problem}` } : parsed;
  }
  if (type === 'application/x-www-form-urlencoded') return { value: formOf(body.toString('utf8')) };
  if (type.startsWith('text/') || type.endsWith('xml')) return { value: body.toString('utf8') };
  return { value: body.toString('base64') };
}

/** Fields of a form, a list where one comes several times. */
function formOf(text: string): JsonObject {
  const form = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** What an event says of a request. The secret may stand in its path, which is not kept. */
function shownOf({ method, headers, body }: WebhookRequest): JsonObject {
  const { 'content-type': contentType = null, 'user-agent': userAgent = null } = headers;
  const text = body.subarray(0, SHOWN_BODY * 4).toString('utf8');
  return {
    method,
    content_type: contentType,
    user_agent: userAgent,
    bytes: body.length,
    body: text.slice(0, SHOWN_BODY),
  };
}
