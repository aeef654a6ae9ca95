import { invalid, PlatformError } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import {
  TRIGGER_SOURCE,
  type Trigger,
  type TriggerEvent,
  type TriggerEventKind,
  triggerMeta,
} from '../domain/trigger.ts';
import type { Engine, NewRun } from '../engine/engine.ts';
import { resolveInput } from '../engine/run-input.ts';
import type { Change } from '../store/change.ts';
import type { System } from '../system/system.ts';
import type { Keyring } from './keyring.ts';
import { triggerInput } from './trigger-inputs.ts';
import type { Workflows } from './workflows.ts';

/** Something that came, and shall start a run. */
export interface Occurrence {
  readonly kind: TriggerEventKind;
  /** See `TriggerEvent.key`. */
  readonly key: string | null;
  /** What the run's input is made of, by name. */
  readonly came: JsonObject;
  /** The parts of it whose fields fill inputs by name. */
  readonly main: readonly string[];
  /** What of it the event keeps. */
  readonly data: JsonObject;
}

/** What came of occurrences: their events, and the runs of those that start one. */
export interface Firings {
  readonly events: readonly TriggerEvent[];
  readonly runs: readonly NewRun[];
}

/** Makes runs and events of what comes to a trigger, and keeps both in one write. */
export class TriggerFiring {
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #keyring: Keyring;
  readonly #system: System;

  constructor(parts: { engine: Engine; workflows: Workflows; keyring: Keyring; system: System }) {
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#keyring = parts.keyring;
    this.#system = parts.system;
  }

  /** What becomes of some occurrences. One that cannot start a run has an event that says why. */
  async prepare(trigger: Trigger, occurrences: readonly Occurrence[]): Promise<Firings> {
    const events: TriggerEvent[] = [];
    const runs: NewRun[] = [];
    const redactor = await this.#keyring.redactorOf(trigger.workspaceId);
    for (const occurrence of occurrences) {
      const data = redactor?.value(occurrence.data) ?? occurrence.data;
      const event = { ...this.event(trigger, occurrence.kind), key: occurrence.key, data };
      try {
        const run = await this.#runOf(trigger, occurrence, event.id);
        runs.push({ ...run, input: redactor?.values(run.input) ?? run.input });
        events.push({ ...event, runId: run.id });
      } catch (error) {
        const reason = reasonOf(error);
        // What was refused may be sent again once its cause is mended.
        events.push({ ...event, key: null, outcome: 'refused', reason: redactor?.text(reason) ?? reason });
      }
    }
    return { events, runs };
  }

  /** An event of now without anything in it, which started a run as long as nobody says otherwise. */
  event(trigger: Trigger, kind: TriggerEventKind): TriggerEvent {
    const { workspaceId, id: triggerId, workflowId } = trigger;
    const about = { id: this.#system.newId(), workspaceId, triggerId, workflowId, at: this.#system.now(), kind };
    return { ...about, outcome: 'started', key: null, runId: null, reason: null, data: {} };
  }

  /**
   * Keeps events and their runs, all of it or none.
   * @param beside what is kept in the same write, such as the trigger as it is from then on
   * @returns the events as they were kept; null: something that it rests on no longer holds, and nothing was kept
   */
  async keep({ events, runs }: Firings, beside: Change): Promise<readonly TriggerEvent[] | null> {
    const change = (kept: readonly TriggerEvent[]): Change => [
      ...beside,
      ...kept.map((event) => ({ kind: 'addTriggerEvent', event }) as const),
    ];
    try {
      return (await this.#engine.enqueueAll(runs, () => change(events))) === null ? null : events;
    } catch (error) {
      // A workflow that one of them invokes cannot run: that is found when it is recorded.
      if (!(error instanceof PlatformError)) throw error;
      const reason = reasonOf(error);
      const refused = events.map((event): TriggerEvent => {
        if (event.outcome !== 'started') return event;
        return { ...event, outcome: 'refused', key: null, runId: null, reason };
      });
      return (await this.#engine.enqueueAll([], () => change(refused))) === null ? null : refused;
    }
  }

  /** @throws PlatformError when the workflow is not there or cannot run with what came; RangeError when that is too large */
  async #runOf(
    trigger: Trigger,
    { came, main }: Occurrence,
    eventId: string,
  ): Promise<NewRun & { readonly id: string }> {
    const { workflow, version } = await this.#workflows.runnable(trigger, trigger.workflowId, trigger.versionId);
    const graph = this.#engine.graphOf(version);
    const input = triggerInput(graph, trigger.inputs, came, main);
    const { problems } = resolveInput(graph, { nodeIds: null, singleNodeId: null }, input);
    if (problems.length > 0) throw invalid(problems);
    return {
      id: this.#system.newId(),
      kind: workflow.kind,
      version,
      versionPinned: trigger.versionId !== null,
      input,
      nodeIds: null,
      singleNodeId: null,
      source: TRIGGER_SOURCE,
      meta: triggerMeta(trigger, eventId),
      context: null,
      clientRef: null,
      batchId: null,
      requestId: null,
      dialect: 'noxus',
      callbackUrl: null,
      apiKeyId: trigger.createdBy,
      tracing: false,
      debugger: null,
    };
  }
}

/** Why a run was not started, for people. @throws what is no refusal */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return error.message;
  if (!(error instanceof PlatformError)) throw error;
  const { problems, message } = error;
  return problems.length === 0 ? message : problems.map((problem) => problem.message).join(' ');
}
