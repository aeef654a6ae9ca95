import type { Caller } from '../domain/caller.ts';
import type { Breakpoint, DebugCommand, DebugMode, DebugSession } from '../domain/debug-session.ts';
import { notFound, PlatformError } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import { isTerminal, type Run } from '../domain/run.ts';
import type { Engine } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import type { Store } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { demand } from './access.ts';
import type { Keyring } from './keyring.ts';
import type { LiveRuns } from './live.ts';

/** A session, its run, and what the node that it is held at has been given and gave. */
export interface DebugView {
  readonly session: DebugSession;
  readonly run: Run | null;
  readonly pause: (Breakpoint & { readonly inputs: JsonObject | null; readonly outputs: JsonObject | null }) | null;
}

/** Sessions of debuggers: runs that are held at nodes, looked into, changed, and let go on. */
export class DebugSessions {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #payloads: Payloads;
  readonly #keyring: Keyring;
  readonly #live: LiveRuns;
  readonly #system: System;

  constructor(parts: {
    store: Store;
    engine: Engine;
    payloads: Payloads;
    keyring: Keyring;
    live: LiveRuns;
    system: System;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#payloads = parts.payloads;
    this.#keyring = parts.keyring;
    this.#live = parts.live;
    this.#system = parts.system;
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, id: string): Promise<DebugView> {
    demand(caller, 'runs:read');
    return this.#view(await this.#read(caller, id));
  }

  /** Makes a session, or sets another one's breakpoints, also while its run is held. @param mode null: it stays as it is */
  async put(
    caller: Caller,
    id: string,
    breakpoints: readonly Breakpoint[],
    mode: DebugMode | null,
  ): Promise<DebugView> {
    demandBoth(caller);
    const { workspaceId } = caller;
    const known = await this.#store.getDebugSession(workspaceId, id);
    if (known !== null) {
      const changed = await this.#engine.command(known, { kind: 'breakpoints', breakpoints });
      if (changed !== null) return this.#view(changed);
    }
    const before = known ?? { runId: null, mode: 'run', pauses: [], edits: {} };
    const session: DebugSession = {
      ...before,
      id,
      workspaceId,
      mode: mode ?? before.mode,
      breakpoints,
      updatedAt: this.#system.now(),
    };
    await this.#store.commit([{ kind: 'putDebugSession', session }]);
    return this.#view(session);
  }

  /** Lets the run go on, to the next breakpoint or by one node. @throws PlatformError `not_found`; `conflict` when it is not held */
  async go(caller: Caller, id: string, mode: DebugMode): Promise<DebugView> {
    return this.#command(caller, id, { kind: 'go', mode });
  }

  /**
   * Changes what the node that the run is held at is given, or what it gave.
   * @throws PlatformError `not_found`; `conflict` when the run is not held at that node, or it has failed
   */
  async edit(caller: Caller, id: string, nodeId: string, values: JsonObject): Promise<DebugView> {
    const redactor = await this.#keyring.redactorOf(caller.workspaceId);
    return this.#command(caller, id, { kind: 'edit', nodeId, values: redactor?.values(values) ?? values });
  }

  /** Calls `onChange` when something may have happened to the session's run, or a run may have begun in it. Returns the way to stop it. */
  async watch(caller: Caller, id: string, onChange: () => void): Promise<() => void> {
    let runId = (await this.#read(caller, id)).runId;
    return this.#live.watchAll(caller, (event) => {
      if (event.runId === runId) return onChange();
      if (event.kind !== 'created' && event.kind !== 'advanced' && event.kind !== 'finished') return;
      void this.#store.getDebugSession(caller.workspaceId, id).then(
        (session) => {
          if (session?.runId !== event.runId) return;
          runId = event.runId;
          onChange();
        },
        // The next event looks again.
        () => undefined,
      );
    });
  }

  async #command(caller: Caller, id: string, command: DebugCommand): Promise<DebugView> {
    demandBoth(caller);
    const session = await this.#read(caller, id);
    const changed = await this.#engine.command(session, command);
    if (changed !== null) return this.#view(changed);
    throw new PlatformError('conflict', await this.#whyNot(session, command));
  }

  async #whyNot({ id, workspaceId, runId, pauses }: DebugSession, command: DebugCommand): Promise<string> {
    const run = runId === null ? null : await this.#store.getRun(workspaceId, runId);
    if (run === null)
      return `No run is debugged in the session ${JSON.stringify(id)}. Start one with "debugger": ${JSON.stringify(id)}.`;
    if (isTerminal(run.status)) return `Run ${run.id} has ended. Start another one to debug it.`;
    const [pause] = pauses;
    if (pause === undefined) return `Run ${run.id} is not held. Set a breakpoint at a node that it has not reached.`;
    if (command.kind === 'edit' && command.nodeId === pause.nodeId) {
      return `The node "${pause.nodeId}" has failed, so that there is nothing of it to change. Hold the run before it and change its inputs.`;
    }
    return `Run ${run.id} is held at the node "${pause.nodeId}"; only what that one is given or gave can be changed now.`;
  }

  async #view(session: DebugSession): Promise<DebugView> {
    const { workspaceId, runId, pauses } = session;
    const run = runId === null ? null : await this.#store.getRun(workspaceId, runId);
    const [pause] = pauses;
    if (run === null || pause === undefined) return { session, run, pause: null };
    const nodeRun = await this.#store.getNodeRun(workspaceId, run.id, pause.nodeId);
    const [inputs, outputs] = await Promise.all([
      this.#payloads.parse(nodeRun?.inputs ?? null),
      this.#payloads.parse(nodeRun?.outputs ?? null),
    ]);
    return { session, run, pause: { ...pause, inputs, outputs } };
  }

  async #read({ workspaceId }: Caller, id: string): Promise<DebugSession> {
    const session = await this.#store.getDebugSession(workspaceId, id);
    if (session === null) throw notFound('debug session', id);
    return session;
  }
}

/** What holds a run changes it, and the answer shows what is in it. */
function demandBoth(caller: Caller): void {
  demand(caller, 'runs:create');
  demand(caller, 'runs:read');
}
