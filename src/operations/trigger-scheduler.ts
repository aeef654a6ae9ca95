import type { ScheduleDefinition, Trigger, TriggerEvent } from '../domain/trigger.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import type { Polls } from './polls.ts';
import { firingOf, jitterOf, MAX_MADE_UP, nextTime } from './schedule.ts';
import type { Occurrence, TriggerFiring } from './trigger-firing.ts';

/** Milliseconds after which it looks although nothing is known to be due: another process may have died, or have made triggers and died. */
const LOOK_EVERY_MS = 30_000;

/** Milliseconds between looks at the least. */
const LEAST_SLEEP_MS = 20;

/** Triggers taken up at once. */
const BATCH = 200;

/** Addresses looked at at the same time. */
const POLLS_AT_ONCE = 8;

/** Milliseconds before a look that failed is made again. */
const RETRY_MS = 1000;

/** Events kept of each trigger: so long and so many. What is older has its run still. */
const KEPT_MS = 30 * 86_400_000;
const KEPT_EVENTS = 10_000;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * Fires what is due, in every process that shares a store: the firing of a trigger is one write that rests on the trigger's revision, so that of all
 * processes one makes it. When a trigger is due next stands in the store, so that nothing is lost while no process runs.
 */
export class TriggerScheduler {
  readonly #store: Store;
  readonly #firing: TriggerFiring;
  readonly #polls: Polls;
  readonly #system: System;
  readonly #log: Log;
  readonly #looks = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | null = null;
  #isPoked = false;
  #isStopping = false;
  /** Whether a firing failed that was tried last: it is due still. */
  #hasFailed = false;
  #prunedAt: number;

  constructor(parts: { store: Store; firing: TriggerFiring; polls: Polls; system: System; log: Log }) {
    this.#store = parts.store;
    this.#firing = parts.firing;
    this.#polls = parts.polls;
    this.#system = parts.system;
    this.#log = parts.log;
    this.#prunedAt = parts.system.elapsed();
  }

  /** Begins to look. */
  start(): void {
    this.poke();
  }

  /** To be called when a trigger was made or changed here: it may be due sooner than what was known. */
  poke(): void {
    this.#isPoked = true;
    if (this.#working !== null || this.#isStopping) return;
    clearTimeout(this.#timer);
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (this.#isPoked) this.poke();
    });
  }

  /** Ends after what is in hand. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#isPoked = false;
    clearTimeout(this.#timer);
    this.#polls.stop();
    await this.#working;
    await Promise.all(this.#looks.values());
    clearTimeout(this.#timer);
  }

  /** Fires everything that is due now, and waits for the addresses that are looked at. */
  async fireDue(): Promise<void> {
    for (;;) {
      const found = await this.#takeUp();
      if (!found) break;
    }
    await Promise.all(this.#looks.values());
  }

  async #work(): Promise<void> {
    this.#isPoked = false;
    let sleep = RETRY_MS;
    try {
      while (!this.#isStopping && (await this.#takeUp()));
      if (this.#system.elapsed() - this.#prunedAt >= PRUNE_EVERY_MS) await this.#prune();
      const next = await this.#store.nextTriggerAt();
      const wait = next === null ? LOOK_EVERY_MS : next - this.#system.now();
      // Polls that wait for a place are due already: the end of one pokes.
      const least = this.#looks.size >= POLLS_AT_ONCE || this.#hasFailed ? RETRY_MS : LEAST_SLEEP_MS;
      sleep = Math.min(Math.max(wait, least), LOOK_EVERY_MS);
    } catch (error) {
      this.#log.error({ err: error }, 'triggers that are due could not be fired; trying again');
    }
    if (!this.#isStopping) this.#timer = setTimeout(() => this.poke(), sleep);
  }

  /** @returns whether there may be more to take up at once */
  async #takeUp(): Promise<boolean> {
    const due = await this.#store.dueTriggers(this.#system.now(), BATCH);
    let tookAny = false;
    this.#hasFailed = false;
    for (const trigger of due) {
      if (this.#isStopping) return false;
      try {
        tookAny = (await this.#take(trigger)) || tookAny;
      } catch (error) {
        // One that cannot be fired must not keep the others from it.
        this.#hasFailed = true;
        this.#log.error({ err: error, triggerId: trigger.id }, 'a trigger could not be fired; trying again');
      }
    }
    return tookAny && due.length === BATCH;
  }

  /** @returns whether it is dealt with, so that it is not due any more */
  async #take(trigger: Trigger): Promise<boolean> {
    const { definition, workspaceId, workflowId } = trigger;
    if ((await this.#store.getWorkflow(workspaceId, workflowId)) === null) {
      await this.#switchOff(trigger);
      return true;
    }
    if (definition.type === 'schedule') {
      await this.#fire(trigger, definition);
      return true;
    }
    if (definition.type !== 'poll' || this.#looks.has(trigger.id) || this.#looks.size >= POLLS_AT_ONCE) return false;
    this.#look(trigger, () => this.#polls.look(trigger, definition));
    return false;
  }

  #look(trigger: Trigger, look: () => Promise<void>): void {
    const looking = look()
      .catch((error: unknown) => this.#log.error({ err: error, triggerId: trigger.id }, 'a look of a trigger failed'))
      .finally(() => {
        this.#looks.delete(trigger.id);
        this.poke();
      });
    this.#looks.set(trigger.id, looking);
  }

  async #fire(trigger: Trigger, definition: ScheduleDefinition): Promise<void> {
    const jitter = jitterOf(trigger.id, definition.jitterSeconds);
    const now = this.#system.now() - jitter;
    const due = trigger.dueAt ?? now;
    const dueAt = nextTime(definition, Math.max(now, due));
    const after: Trigger = {
      ...trigger,
      ...{ dueAt, wakeAt: dueAt === null ? null : dueAt + jitter, revision: trigger.revision + 1 },
    };
    const { fire, passed, passedMore } = firingOf(definition, due, now);
    const prepared = await this.#firing.prepare(
      trigger,
      fire.map((at) => occurrenceAt(trigger, at, this.#system.now())),
    );
    const skipped: TriggerEvent[] = [];
    if (passed > 0) {
      const reason = `${passedMore ? `More than ${MAX_MADE_UP}` : passed} ${passed === 1 ? 'time' : 'times'} went by while no server looked; the trigger's rule for missed times is "${definition.missed}".`;
      const since = new Date(due).toISOString();
      skipped.push({ ...this.#firing.event(trigger, 'schedule'), outcome: 'skipped', reason, data: { passed, since } });
    }
    const put = { kind: 'putTrigger', trigger: after } as const;
    const kept = await this.#firing.keep({ ...prepared, events: [...skipped, ...prepared.events] }, [put]);
    if (kept !== null) return;
    const current = await this.#store.getTrigger(trigger.workspaceId, trigger.id);
    if (current?.revision !== trigger.revision) return;
    // Nobody else fired it, so that one of these times has an event already: somebody has set the clock back. It goes on from here.
    this.#log.warn({ triggerId: trigger.id, dueAt: due }, 'a time of a trigger has been fired before; it is passed by');
    await this.#store.commit([put]);
  }

  /** A trigger whose workflow was deleted would be refused for ever. */
  async #switchOff(trigger: Trigger): Promise<void> {
    const { definition, workflowId, revision } = trigger;
    const kind = definition.type === 'poll' ? 'poll' : 'schedule';
    const reason = `The workflow ${workflowId} is there no more: the trigger was switched off.`;
    const event: TriggerEvent = { ...this.#firing.event(trigger, kind), outcome: 'refused', reason };
    await this.#store.commit([
      {
        kind: 'putTrigger',
        trigger: { ...trigger, enabled: false, dueAt: null, wakeAt: null, revision: revision + 1 },
      },
      { kind: 'addTriggerEvent', event },
    ]);
  }

  async #prune(): Promise<void> {
    this.#prunedAt = this.#system.elapsed();
    const before = this.#system.now() - KEPT_MS;
    for (const { id: workspaceId } of await this.#store.listWorkspaces()) {
      for (const { id: triggerId } of await this.#store.listTriggers(workspaceId, null)) {
        await this.#store.commit([{ kind: 'pruneTriggerEvents', workspaceId, triggerId, before, keep: KEPT_EVENTS }]);
      }
    }
  }
}

function occurrenceAt({ id, name }: Trigger, at: number, now: number): Occurrence {
  const dueAt = new Date(at).toISOString();
  const came = { due_at: dueAt, fired_at: new Date(now).toISOString(), trigger: { id, name } };
  return { kind: 'schedule', key: `due ${dueAt}`, came, main: [], data: { due_at: dueAt } };
}
