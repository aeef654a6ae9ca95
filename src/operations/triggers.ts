import type { Caller } from '../domain/caller.ts';
import type { SealedField } from '../domain/credential.ts';
import { invalid, notFound, PlatformError } from '../domain/error.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Trigger, TriggerDefinition, TriggerEvent } from '../domain/trigger.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Store, TriggerEventSelection } from '../store/store.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { Log } from '../system/log.ts';
import { SealBroken, type Sealing } from '../system/sealing.ts';
import type { System } from '../system/system.ts';
import { demand, SCOPE_OF_KIND } from './access.ts';
import { endingOf } from './credential-fields.ts';
import { placeOf } from './keyring.ts';
import type { Polls } from './polls.ts';
import { jitterOf, nextTime, nextTimes } from './schedule.ts';
import { readTriggerDefinition, readTriggerInputs } from './trigger-definition.ts';
import type { Occurrence, TriggerFiring } from './trigger-firing.ts';
import type { TriggerScheduler } from './trigger-scheduler.ts';
import { newWebhookSecret, secretProblem } from './webhook-signature.ts';
import type { Workflows } from './workflows.ts';

export const MAX_TRIGGER_NAME = 255;

/** Triggers of a workspace: a list that a person can still look through, and that is read whole. */
const MAX_TRIGGERS = 1000;

/** Tries of a change that firings of the same trigger get in the way of. */
const CHANGE_TRIES = 10;

/** A trigger to be made. */
export interface NewTrigger {
  /** Without one it is named after its type. */
  readonly name?: string | null;
  readonly versionId?: string | null;
  readonly enabled?: boolean;
  /** In the words of `domain/trigger.ts`. */
  readonly definition: JsonObject;
  readonly inputs?: JsonValue;
  /** Of a webhook: the sender's own secret; without it one is made. */
  readonly secret?: string | null;
}

/** What is to change; what is left out stays. A definition replaces the one before. */
export type TriggerChange = Partial<Omit<NewTrigger, 'secret'>>;

/** A trigger, and its secret where it has just been made: it is never shown again. */
export interface MadeTrigger {
  readonly trigger: Trigger;
  readonly secret: string | null;
}

/** A definition as it would be kept, and what it would do. */
export interface TriggerPreview {
  readonly definition: TriggerDefinition;
  /** Of a schedule: its next times, epoch milliseconds. */
  readonly nextTimes: readonly number[];
  /** Of a poll: what is there now. */
  readonly items: readonly JsonValue[];
  readonly problem: string | null;
}

/** Keeps what starts runs by itself. */
export class Triggers {
  readonly #store: Store;
  readonly #workflows: Workflows;
  readonly #firing: TriggerFiring;
  readonly #polls: Polls;
  readonly #scheduler: Pick<TriggerScheduler, 'poke'>;
  readonly #sealing: Sealing;
  readonly #http: HttpClient;
  readonly #system: System;
  readonly #log: Log;

  constructor(parts: {
    store: Store;
    workflows: Workflows;
    firing: TriggerFiring;
    polls: Polls;
    scheduler: Pick<TriggerScheduler, 'poke'>;
    sealing: Sealing;
    http: HttpClient;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#workflows = parts.workflows;
    this.#firing = parts.firing;
    this.#polls = parts.polls;
    this.#scheduler = parts.scheduler;
    this.#sealing = parts.sealing;
    this.#http = parts.http;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** Oldest first; with a workflow, those of it. @throws PlatformError `not_found` for a workflow that is not there */
  async list(caller: Caller, workflowId: string | null): Promise<Trigger[]> {
    demand(caller, 'triggers:read');
    if (workflowId !== null) await this.#demandWorkflow(caller, workflowId);
    return this.#store.listTriggers(caller.workspaceId, workflowId);
  }

  /** @throws PlatformError `not_found`, also for a trigger of another workflow than the one given */
  async get(caller: Caller, triggerId: string, workflowId: string | null = null): Promise<Trigger> {
    demand(caller, 'triggers:read');
    return this.#read(caller, triggerId, workflowId);
  }

  /**
   * A trigger is as good as a key that starts runs of one workflow: making it takes the right to start runs.
   * @throws PlatformError `not_found` for a workflow or version that is not there; `invalid` with every mistake; `conflict` when there are too many;
   *   `unavailable` when the server has no key to keep secrets with
   */
  async create(caller: Caller, workflowId: string, wanted: NewTrigger): Promise<MadeTrigger> {
    demand(caller, 'triggers:write');
    demand(caller, 'runs:create');
    const { workspaceId } = caller;
    await this.#demandWorkflow(caller, workflowId);
    const versionId = wanted.versionId ?? null;
    await this.#demandVersion(caller, workflowId, versionId);
    const now = this.#system.now();
    const definition = readTriggerDefinition(wanted.definition, { http: this.#http, now });
    const id = this.#system.newId();
    const enabled = wanted.enabled ?? true;
    const sealed = this.#secretFor({ workspaceId, id }, definition, wanted.secret ?? null);
    const trigger: Trigger = {
      ...{ id, workspaceId, workflowId, versionId, enabled, definition },
      name: nameOf(wanted.name ?? null) ?? definition.type,
      inputs: readTriggerInputs(wanted.inputs),
      secret: sealed?.field ?? null,
      ...{ createdBy: caller.keyId, createdAt: now, updatedAt: now },
      ...dueTimes(id, definition, enabled, now),
      ...{ state: null, revision: 1 },
    };
    const others = await this.#store.listTriggers(workspaceId, null);
    if (others.length >= MAX_TRIGGERS) {
      const message = `This workspace has ${others.length} triggers, which is as many as it may have. Delete one that is not used any more.`;
      throw new PlatformError('conflict', message);
    }
    await this.#store.commit([{ kind: 'putTrigger', trigger }]);
    this.#scheduler.poke();
    this.#log.info({ triggerId: id, type: definition.type, by: caller.keyId }, 'a trigger was made');
    return { trigger, secret: sealed?.text ?? null };
  }

  /**
   * Changes a trigger. One that begins to be verified in another way is given a new secret, since the form of the old one may not do.
   * @throws PlatformError `not_found`; otherwise as `create`
   */
  async change(
    caller: Caller,
    triggerId: string,
    change: TriggerChange,
    workflowId: string | null = null,
  ): Promise<MadeTrigger> {
    demand(caller, 'triggers:write');
    demand(caller, 'runs:create');
    return this.#changed(caller, triggerId, workflowId, async (before) => {
      const now = this.#system.now();
      const versionId = change.versionId === undefined ? before.versionId : change.versionId;
      if (versionId !== before.versionId) await this.#demandVersion(caller, before.workflowId, versionId);
      const definition =
        change.definition === undefined
          ? before.definition
          : readTriggerDefinition(change.definition, { http: this.#http, now });
      const enabled = change.enabled ?? before.enabled;
      const needsSecret = definition.type === 'webhook' && formOf(definition) !== formOf(before.definition);
      const sealed = needsSecret ? this.#secretFor(before, definition, null) : null;
      const isSame = JSON.stringify(definition) === JSON.stringify(before.definition);
      const trigger: Trigger = {
        ...before,
        ...{ versionId, enabled, definition },
        name: change.name === undefined ? before.name : (nameOf(change.name) ?? definition.type),
        inputs: change.inputs === undefined ? before.inputs : readTriggerInputs(change.inputs),
        secret: definition.type === 'webhook' ? (sealed?.field ?? before.secret) : null,
        updatedAt: now,
        // A change of its name must not make it pass a time by.
        ...(isSame && enabled === before.enabled ? {} : dueTimes(before.id, definition, enabled, now)),
        // What was seen at one address says nothing of another.
        state: isSame || placeOfPoll(definition) === placeOfPoll(before.definition) ? before.state : null,
      };
      return { trigger, secret: sealed?.text ?? null };
    });
  }

  /** Gives a webhook a new secret: the one before opens nothing from then on. @throws PlatformError `not_found`; `invalid` for what has none */
  async rotateSecret(caller: Caller, triggerId: string, secret: string | null): Promise<MadeTrigger> {
    demand(caller, 'triggers:write');
    demand(caller, 'runs:create');
    return this.#changed(caller, triggerId, null, async (before) => {
      if (before.definition.type !== 'webhook') {
        const message = `A trigger of the type ${before.definition.type} has no secret. Webhooks have one.`;
        throw invalid([{ at: ['path', 'trigger_id'], message, type: 'value_error' }]);
      }
      const sealed = this.#secretFor(before, before.definition, secret);
      const trigger = { ...before, secret: sealed?.field ?? null, updatedAt: this.#system.now() };
      return { trigger, secret: sealed?.text ?? null };
    });
  }

  /** Removes a trigger with its events; runs that it started stay. @throws PlatformError `not_found` */
  async remove(caller: Caller, triggerId: string): Promise<void> {
    demand(caller, 'triggers:write');
    const { workspaceId } = caller;
    const result = await this.#store.commit([{ kind: 'removeTrigger', workspaceId, triggerId }]);
    if (result === 'stale') throw notFound('trigger', triggerId);
    this.#log.info({ triggerId, by: caller.keyId }, 'a trigger was removed');
  }

  /**
   * Fires a trigger now, also one that is switched off, as if `payload` had come.
   * @param payload by name, as `trigger-inputs.ts` reads it: `body` of a webhook, `item` of a poll
   * @returns the event, which says why when no run was started
   */
  async fire(caller: Caller, triggerId: string, payload: JsonObject): Promise<TriggerEvent> {
    demand(caller, 'triggers:write');
    demand(caller, 'runs:create');
    const trigger = await this.#read(caller, triggerId, null);
    const now = new Date(this.#system.now()).toISOString();
    const came: JsonObject = {
      ...{ due_at: now, fired_at: now, trigger: { id: trigger.id, name: trigger.name } },
      ...payload,
    };
    const data: JsonObject = {
      by: caller.keyName,
      ...(Object.keys(payload).length > 0 && { payload: shown(payload) }),
    };
    const occurrence: Occurrence = { kind: 'manual', key: null, came, main: ['body', 'query', 'item'], data };
    const firings = await this.#firing.prepare(trigger, [occurrence]);
    const [event] = (await this.#firing.keep(firings, [])) ?? [];
    if (event === undefined) throw notFound('trigger', triggerId);
    return event;
  }

  /** Newest first. @throws PlatformError `not_found` for a trigger or workflow that is not there */
  async events(
    caller: Caller,
    selection: Omit<TriggerEventSelection, 'workspaceId'>,
    page: PageRequest,
  ): Promise<Page<TriggerEvent>> {
    demand(caller, 'triggers:read');
    if (selection.triggerId !== undefined) await this.#read(caller, selection.triggerId, selection.workflowId ?? null);
    return this.#store.listTriggerEvents({ ...selection, workspaceId: caller.workspaceId }, page);
  }

  /** The last event of each of some triggers, by trigger. */
  async lastEvents(caller: Caller, triggers: readonly Trigger[]): Promise<ReadonlyMap<string, TriggerEvent>> {
    const page = { page: 1, size: 1 };
    const { workspaceId } = caller;
    const found = await Promise.all(
      triggers.map(({ id: triggerId }) => this.#store.listTriggerEvents({ workspaceId, triggerId }, page)),
    );
    return new Map(found.flatMap(({ items }) => items.map((event) => [event.triggerId, event] as const)));
  }

  /** Triggers of some workflows, by workflow; none for a caller who may not see them. */
  async ofWorkflows(caller: Caller, workflowIds: readonly string[]): Promise<ReadonlyMap<string, readonly Trigger[]>> {
    if (!caller.scopes.has('triggers:read') || workflowIds.length === 0) return new Map();
    const only = workflowIds.length === 1 ? (workflowIds[0] ?? null) : null;
    return Map.groupBy(await this.#store.listTriggers(caller.workspaceId, only), ({ workflowId }) => workflowId);
  }

  /** Names of the workflows of some triggers, by id: those that are there and that the caller may read. */
  async workflowNames(caller: Caller, triggers: readonly Trigger[]): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(triggers.map(({ workflowId }) => workflowId))];
    const found = await this.#store.listWorkflowsById(caller.workspaceId, ids);
    const isShown = ({ kind, deletedAt }: Workflow) => deletedAt === null && caller.scopes.has(SCOPE_OF_KIND[kind]);
    return new Map(found.flatMap(({ workflow }) => (isShown(workflow) ? [[workflow.id, workflow.name] as const] : [])));
  }

  /**
   * What a definition would be and do, without keeping it. @param withItems whether the address of a poll is asked
   * @throws PlatformError `invalid`
   */
  async preview(caller: Caller, given: JsonObject, withItems: boolean): Promise<TriggerPreview> {
    demand(caller, 'triggers:write');
    const now = this.#system.now();
    const definition = readTriggerDefinition(given, { http: this.#http, now });
    const asked =
      definition.type === 'poll' && withItems
        ? await this.#polls.preview(caller.workspaceId, definition)
        : { items: [], problem: null };
    return { definition, nextTimes: definition.type === 'schedule' ? nextTimes(definition, now) : [], ...asked };
  }

  /** The next times at which a trigger fires, epoch milliseconds; empty for what is switched off or has none. */
  nextTimes({ id, enabled, definition, dueAt }: Trigger): number[] {
    if (!enabled) return [];
    if (definition.type !== 'schedule') return dueAt === null ? [] : [dueAt];
    const jitter = jitterOf(id, definition.jitterSeconds);
    return nextTimes(definition, this.#system.now() - jitter).map((at) => at + jitter);
  }

  async #changed(
    caller: Caller,
    triggerId: string,
    workflowId: string | null,
    make: (before: Trigger) => Promise<MadeTrigger>,
  ): Promise<MadeTrigger> {
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const made = await make(await this.#read(caller, triggerId, workflowId));
      const trigger = { ...made.trigger, revision: made.trigger.revision + 1 };
      if ((await this.#store.commit([{ kind: 'putTrigger', trigger }])) === 'kept') {
        this.#scheduler.poke();
        this.#log.info({ triggerId, by: caller.keyId }, 'a trigger was changed');
        return { ...made, trigger };
      }
    }
    throw new PlatformError('conflict', `The trigger ${triggerId} is being changed by others. Try again.`);
  }

  async #read({ workspaceId }: Caller, triggerId: string, workflowId: string | null): Promise<Trigger> {
    const trigger = await this.#store.getTrigger(workspaceId, triggerId);
    if (trigger === null || (workflowId !== null && trigger.workflowId !== workflowId)) {
      throw notFound('trigger', triggerId);
    }
    return trigger;
  }

  async #demandWorkflow({ workspaceId }: Caller, workflowId: string): Promise<void> {
    if ((await this.#store.getWorkflow(workspaceId, workflowId)) === null) throw notFound('workflow', workflowId);
  }

  async #demandVersion(caller: Caller, workflowId: string, versionId: string | null): Promise<void> {
    if (versionId !== null) await this.#workflows.runnable(caller, workflowId, versionId);
  }

  /** A secret in clear and sealed; null for what has none. @throws PlatformError `invalid`; `unavailable` */
  #secretFor(
    place: Pick<Trigger, 'workspaceId' | 'id'>,
    definition: TriggerDefinition,
    given: string | null,
  ): { readonly text: string; readonly field: SealedField } | null {
    if (definition.type !== 'webhook') {
      if (given === null) return null;
      const message = 'Only webhooks have a secret. Leave it out.';
      throw invalid([{ at: ['body', 'secret'], message, type: 'exclusive' }]);
    }
    const problem = given === null ? null : secretProblem(given, definition);
    if (problem !== null) throw invalid([{ at: ['body', 'secret'], message: problem, type: 'value_error' }]);
    const text = given ?? newWebhookSecret(definition);
    try {
      return { text, field: { sealed: this.#sealing.seal(text, placeOf(place, 'secret')), ending: endingOf(text) } };
    } catch (error) {
      if (error instanceof SealBroken) throw new PlatformError('unavailable', error.message);
      throw error;
    }
  }
}

/** When a trigger is due from a moment on. */
function dueTimes(
  id: string,
  definition: TriggerDefinition,
  enabled: boolean,
  now: number,
): Pick<Trigger, 'dueAt' | 'wakeAt'> {
  if (!enabled || definition.type === 'webhook') return { dueAt: null, wakeAt: null };
  if (definition.type === 'poll') return { dueAt: now, wakeAt: now };
  const jitter = jitterOf(id, definition.jitterSeconds);
  const dueAt = nextTime(definition, now - jitter);
  return { dueAt, wakeAt: dueAt === null ? null : dueAt + jitter };
}

/** What a definition asks of its secret. */
function formOf(definition: TriggerDefinition): string {
  return definition.type === 'webhook' ? definition.verify : '';
}

function placeOfPoll(definition: TriggerDefinition): string | null {
  return definition.type === 'poll' ? JSON.stringify([definition.url, definition.source, definition.idPath]) : null;
}

/** @throws PlatformError `invalid` */
function nameOf(given: string | null): string | null {
  const name = given?.trim() ?? '';
  if (name.length <= MAX_TRIGGER_NAME) return name === '' ? null : name;
  const message = `A name has at most ${MAX_TRIGGER_NAME} characters, given were ${name.length}.`;
  throw invalid([{ at: ['body', 'name'], message, type: 'too_long' }]);
}

function shown(payload: JsonObject): string {
  return JSON.stringify(payload).slice(0, 2000);
}
