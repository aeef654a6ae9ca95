import type { Breakpoint, DebugSession } from '../domain/debug-session.ts';
import type { JsonObject } from '../domain/json.ts';
import type { System } from '../system/system.ts';
import type { Activation } from './decide.ts';

/**
 * A debugger's session as a run in flight has it. While there is a pause nothing begins; what is under way goes on to its end. It is kept in the same
 * change as the step of the run that it belongs to, so that a run that is read again is held where it was.
 */
export class RunDebug {
  readonly #system: System;
  #session: DebugSession;
  #isDirty = false;

  constructor(session: DebugSession, system: System) {
    this.#session = session;
    this.#system = system;
  }

  get session(): DebugSession {
    return this.#session;
  }

  get isHeld(): boolean {
    return this.#session.pauses.length > 0;
  }

  /** The session when it has changed since it was last asked for. */
  takeChanged(): DebugSession | null {
    if (!this.#isDirty) return null;
    this.#isDirty = false;
    return this.#session;
  }

  set(part: Partial<Pick<DebugSession, 'mode' | 'breakpoints' | 'pauses' | 'edits'>>): void {
    this.#session = { ...this.#session, ...part, updatedAt: this.#system.now() };
    this.#isDirty = true;
  }

  hold(pause: Breakpoint): void {
    this.set({ pauses: [...this.#session.pauses, pause] });
  }

  /** Lets go of the first pause. */
  release(): Breakpoint | null {
    const [first = null, ...pauses] = this.#session.pauses;
    if (first !== null) this.set({ pauses });
    return first;
  }

  has({ nodeId, when }: Breakpoint): boolean {
    return this.#session.breakpoints.some((one) => one.nodeId === nodeId && one.when === when);
  }

  isHeldBefore(nodeId: string): boolean {
    return this.#session.pauses.some((pause) => pause.nodeId === nodeId && pause.when === 'before');
  }

  /** What a node gets to work on, with what was edited of it. */
  edited(nodeId: string, activation: Activation): Activation {
    const values: JsonObject | undefined = this.#session.edits[nodeId];
    return values === undefined ? activation : { ...activation, values: { ...activation.values, ...values } };
  }
}
