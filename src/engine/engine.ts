import type { DebugCommand, DebugSession } from '../domain/debug-session.ts';
import { invalid, PlatformError, type Problem } from '../domain/error.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import type { NodeRun } from '../domain/node-run.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import type { Dialect, Run } from '../domain/run.ts';
import { isTerminal, takesPlace } from '../domain/run.ts';
import type { LogLevel, RunLog } from '../domain/run-log.ts';
import type { Lease } from '../domain/task.ts';
import { ownTraceOf, type TraceContext } from '../domain/trace.ts';
import type { WorkflowKind, WorkflowVersion } from '../domain/workflow.ts';
import type { Catalogue } from '../nodes/catalogue.ts';
import type { NodeInput, NodeStep, Outcome, StepProgress } from '../nodes/node-type.ts';
import type { Change, Write } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import { ActiveRun, type InvokedStanding, type MadePass } from './active-run.ts';
import { compile, type Graph, type GraphNode } from './graph.ts';
import { Payloads } from './payloads.ts';
import { endedInvocation, type Subflow, type Subflows } from './subflow.ts';

/** Compiled definitions kept in memory: a version never changes, and a hot one is asked for at every run. */
const GRAPHS_KEPT = 500;

/** Runs in flight kept in memory. Others are read again when their next task is claimed. */
const RUNS_KEPT = 2000;

const NO_SUBFLOWS: Subflows = new Map();

/** What the engine needs to begin a run; checks of the caller and of the input come before. */
export interface NewRun {
  /** Its id; without it a new one. */
  readonly id?: string;
  readonly kind: WorkflowKind;
  readonly version: WorkflowVersion;
  readonly versionPinned: boolean;
  readonly input: JsonObject;
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
  readonly source: string;
  readonly meta: JsonObject | null;
  readonly context: JsonObject | null;
  readonly clientRef: string | null;
  readonly batchId: string | null;
  readonly requestId: string | null;
  readonly dialect: Dialect;
  readonly callbackUrl: string | null;
  readonly apiKeyId: string | null;
  readonly tracing: boolean;
  readonly debugger: string | null;
  /** The trace that it goes on with; without it a traced run begins one. */
  readonly trace?: TraceContext | null;
  /** The versions that the workflows it invokes had for another run; without them: those they have now. */
  readonly subflows?: Run['subflows'];
}

interface Held {
  readonly active: ActiveRun;
  /** Changes of this run on their way to the store, in order. */
  committing: number;
  /** Set while a change of this run waits for its large payloads: later changes wait behind it. */
  tail: Promise<unknown> | null;
  /** The change given last: what the memory says is true once it is kept. */
  last: Promise<'kept' | 'stale'>;
}

/** Those who wait for the end of a run. */
interface Waiting {
  readonly workspaceId: string;
  readonly resolves: Set<(run: Run) => void>;
}

/**
 * What becomes of runs: starts them, takes in what their nodes answer, stops them, and takes them up again after a crash.
 *
 * Every step is decided in memory and committed as one change. A commit that turns out stale means that the memory was wrong (another process
 * or a stop came first): the run is forgotten here and read again from the store.
 */
export class Engine {
  readonly #store: Store;
  readonly #catalogue: Catalogue;
  readonly #system: System;
  readonly #payloads: Payloads;
  readonly #log: Log;
  readonly #tracesAll: boolean;
  readonly #graphs = new Map<string, Graph>();
  /** By version. */
  readonly #subflows = new Map<string, { readonly workspaceId: string; readonly subflow: Subflow }>();
  readonly #held = new Map<string, Held>();
  readonly #loading = new Map<string, Promise<Held | null>>();
  readonly #endListeners = new Set<(runId: string) => void>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: {
    store: Store;
    catalogue: Catalogue;
    system: System;
    payloads: Payloads;
    log: Log;
    /** Whether every run is traced, rather than those that ask for it. */
    tracesAll?: boolean;
  }) {
    this.#store = parts.store;
    this.#catalogue = parts.catalogue;
    this.#system = parts.system;
    this.#payloads = parts.payloads;
    this.#log = parts.log;
    this.#store.onEndElsewhere((runIds) => this.#hearOfEnds(runIds));
    this.#tracesAll = parts.tracesAll ?? false;
  }

  /** The compiled definition of a version. @throws Error when the definition is not runnable */
  graphOf(version: WorkflowVersion): Graph {
    const known = this.#graphs.get(version.id);
    if (known) return known;
    const graph = compile(version.definition, this.#catalogue);
    const oldest = this.#graphs.keys().next().value;
    if (this.#graphs.size >= GRAPHS_KEPT && oldest !== undefined) this.#graphs.delete(oldest);
    this.#graphs.set(version.id, graph);
    return graph;
  }

  /**
   * Records a run and queues its work in one write; it is on disk when this resolves, and a worker takes it from there.
   * The workflows that it invokes, and those that they invoke, are frozen as they are now.
   * @throws PlatformError `invalid` when one of them is not there or cannot run
   * @param taken settled nodes that the run begins with: they are recorded with it and do not run. Their payloads are JSON texts.
   */
  async enqueue(newRun: NewRun, taken: readonly NodeRun[] = []): Promise<Run> {
    const debug = await this.#debugFor(newRun);
    const active = this.#create(newRun, await this.#subflowsFor(newRun), taken, debug);
    // As it is recorded: by the time the commit resolves, the run may be further.
    const { run } = active;
    await this.#commit(this.#hold(active), [...this.#enqueued(run, taken), ...sessionOf(active)]);
    return run;
  }

  /**
   * Records several runs and queues them, all of them or none.
   * @param beside what is recorded in the same write, e.g. the batch that they are
   * @returns null when something that `beside` rests on no longer holds; nothing was written then
   */
  async enqueueAll(newRuns: readonly NewRun[], beside: (runs: readonly Run[]) => Change): Promise<Run[] | null> {
    const runs: Run[] = [];
    for (const newRun of newRuns) runs.push(this.#create(newRun, await this.#subflowsFor(newRun)).run);
    const change = [...runs.flatMap((run) => this.#enqueued(run)), ...beside(runs)];
    const kept = await this.#store.commit(Payloads.needsMove(change) ? await this.#payloads.moveOut(change) : change);
    return kept === 'kept' ? runs : null;
  }

  /** The writes of a run that a worker shall take up. */
  #enqueued(run: Run, taken: readonly NodeRun[] = []): Write[] {
    return [
      { kind: 'createRun', run },
      ...taken.map((nodeRun): Write => ({ kind: 'putNodeRun', workspaceId: run.workspaceId, runId: run.id, nodeRun })),
      {
        kind: 'addTask',
        task: {
          id: this.#system.newId(),
          workspaceId: run.workspaceId,
          runId: run.id,
          nodeId: null,
          iteration: 0,
          attempt: 1,
          dueAt: run.createdAt,
          startOf: takesPlace(run) ? run.workflowId : null,
          outputs: null,
        },
      },
      {
        kind: 'appendEvent',
        event: {
          workspaceId: run.workspaceId,
          runId: run.id,
          workflowId: run.workflowId,
          at: run.createdAt,
          kind: 'created',
          data: { status: 'queued', progress: 0 },
        },
      },
    ];
  }

  /**
   * Records a run and goes as far as pure nodes lead in the same write: a run without effects has ended when this resolves.
   * For callers that wait for the result anyway. A run that would be under way beyond a limit is queued instead.
   */
  async startNow(newRun: NewRun): Promise<Run> {
    const debug = await this.#debugFor(newRun);
    const active = this.#create(newRun, await this.#subflowsFor(newRun), [], debug);
    const first = active
      .advance()
      .map((write): Write => (write.kind === 'updateRun' ? { kind: 'createRun', run: write.run } : write));
    const change = [...first, ...sessionOf(active)];
    // The step's result: by the time the commit resolves, the run may be further.
    const { run } = active;
    if ((await this.#commit(this.#hold(active), change)) === 'kept') return run;
    // Their payloads went before them; no row ever pointed there.
    const made = Payloads.needsMove(change) ? change.filter((write) => write.kind === 'createRun') : [];
    for (const write of made) await this.#payloads.remove(write.run.id);
    return this.enqueue(newRun);
  }

  /** Goes on with a run whose turn has come (a task without a node). */
  async advance(lease: Lease): Promise<'kept' | 'stale'> {
    const held = await this.#find(lease.task.workspaceId, lease.task.runId);
    const isUnwanted = held?.active.run.parent ? await this.#isUnwanted(held.active.run) : false;
    return this.#step(lease, (active) => {
      if (active.ended) return null;
      const { parent } = active.run;
      if (isUnwanted) return [{ kind: 'endTask', lease }, ...active.cancel()];
      const isLate = parent !== null && parent.deadlineAt !== null && parent.deadlineAt <= this.#system.now();
      if (isLate) return [{ kind: 'endTask', lease }, ...active.expire()];
      return active.advance([{ kind: 'endTask', lease }]);
    });
  }

  /** Whether nobody waits for a run that was invoked: the run that did has ended, or is there no more. */
  async #isUnwanted({ workspaceId, parent }: Run): Promise<boolean> {
    if (parent === null) return false;
    const held = this.#held.get(parent.runId);
    if (held && !held.active.ended) return false;
    const run = await this.#store.getRun(workspaceId, parent.runId);
    return run === null || isTerminal(run.status);
  }

  /**
   * Looks at the run that a pass has invoked, and goes on with the pass as that run stands. The run is read again at each try: between two of them
   * it may have gone on.
   */
  async follow(lease: Lease): Promise<'kept' | 'stale'> {
    const { workspaceId, runId, nodeId, iteration } = lease.task;
    for (;;) {
      const standing = await this.#standingOfInvoked(workspaceId, runId, nodeId ?? '', iteration);
      const decided = await this.#decide(workspaceId, runId, (active) =>
        active.follow(lease.task, standing, [{ kind: 'endTask', lease }]),
      );
      if (decided === null) return 'stale';
      if ((await this.#commit(decided.held, decided.made)) === 'kept') return 'kept';
      const lost = await this.#store.renewLeases([lease], this.#system.now(), this.#store.leaseMs);
      if (lost.length > 0) return 'stale';
    }
  }

  async #standingOfInvoked(
    workspaceId: string,
    runId: string,
    nodeId: string,
    iteration: number,
  ): Promise<InvokedStanding | null> {
    const run = await this.#store.lastInvoked(workspaceId, runId, nodeId, iteration);
    if (run === null) return null;
    const input = (await this.#payloads.parse(run.input)) ?? {};
    return { run, ended: endedInvocation(run, input, await this.#payloads.parse(run.output)) };
  }

  /** Lets go of a task that has nothing to do any more. */
  async drop(lease: Lease): Promise<void> {
    await this.#store.commit([{ kind: 'endTask', lease }]);
  }

  /** What the pass that a task is about gets to work on; null when it is not wanted any more. */
  async inputFor(lease: Lease): Promise<{ node: GraphNode; input: NodeInput; run: Run } | null> {
    const { workspaceId, runId } = lease.task;
    const decided = await this.#decide(workspaceId, runId, (active) => active.inputFor(lease.task));
    return decided && { ...decided.made, run: decided.held.active.run };
  }

  /** The recorded outputs of a task that was to wait. */
  async outputsOf(lease: Lease): Promise<JsonObject> {
    return (await this.#payloads.parse(lease.task.outputs)) ?? {};
  }

  /** Takes in how a pass ended. `stale`: the run has ended, or somebody else settled it; nothing changed. */
  async settle(lease: Lease, outcome: Outcome, made: MadePass): Promise<'kept' | 'stale'> {
    return this.#step(lease, (active) => {
      const writes: Write[] = [{ kind: 'endTask', lease }];
      if (outcome.kind === 'failed') writes.push(this.#failureLog(lease, outcome.failure.message));
      return active.settle(lease.task, outcome, made, writes);
    });
  }

  /**
   * Takes in that a person answered a request, or that it was canceled, and goes on with its run. `stale`: it is not waited for any more.
   * @param failure why the node fails; null: it succeeds with the answer
   */
  async settleRequest(
    request: PersonRequest,
    settlement: PersonSettlement,
    failure: Failure | null,
  ): Promise<'kept' | 'stale'> {
    const { workspaceId, runId } = request;
    for (;;) {
      const before = this.#held.get(runId);
      const decided = await this.#decide(workspaceId, runId, (active) =>
        active.settleRequest(request, settlement, failure),
      );
      if (decided === null) {
        // When it is settled in memory, whether that holds is known once it is kept.
        const held = this.#held.get(runId) ?? before;
        if (held !== undefined && (await held.last) !== 'kept') continue;
        return 'stale';
      }
      if ((await this.#commit(decided.held, decided.made)) === 'kept') return 'kept';
    }
  }

  /** Takes in what a running node does inside. Dropped when the run has ended, or the pass is no longer this lease's. */
  recordSteps(lease: Lease, steps: readonly NodeStep[], progress: StepProgress | null): void {
    const record = async (): Promise<void> => {
      for (;;) {
        const { workspaceId, runId } = lease.task;
        const decided = await this.#decide(workspaceId, runId, (active) =>
          active.recordSteps(lease.task, steps, progress),
        );
        if (decided === null || (await this.#commit(decided.held, decided.made)) === 'kept') return;
      }
    };
    record().catch((error) => this.#log.error({ err: error, runId: lease.task.runId }, 'steps of a node were lost'));
  }

  /**
   * Stops a run. A run that has ended stays as it is. Null: there is no such run in this workspace.
   * @param reason a line for the run's log, written when this stops it
   */
  async cancel(
    workspaceId: string,
    runId: string,
    reason: Pick<RunLog, 'message' | 'meta'> | null = null,
  ): Promise<{ run: Run; stopped: boolean } | null> {
    for (;;) {
      const before = this.#held.get(runId);
      const decided = await this.#decide(workspaceId, runId, (active) => {
        if (active.ended) return null;
        const change = [...active.cancel(), ...(reason ? [this.#reasonLog(active.run, reason)] : [])];
        return { change, run: active.run };
      });
      if (decided === null) {
        // When it ended in memory, whether that holds is known once it is kept.
        const held = this.#held.get(runId) ?? before;
        if (held?.active.ended && (await held.last) !== 'kept') continue;
        const run = await this.#store.getRun(workspaceId, runId);
        return run && { run, stopped: false };
      }
      const { change, run } = decided.made;
      if ((await this.#commit(decided.held, change)) === 'kept') return { run, stopped: true };
    }
  }

  /** Ends a run that was invoked and whose time is over. One that has ended stays as it is. */
  async expire(workspaceId: string, runId: string): Promise<void> {
    for (;;) {
      const decided = await this.#decide(workspaceId, runId, (active) => (active.ended ? null : active.expire()));
      if (decided === null || (await this.#commit(decided.held, decided.made)) === 'kept') return;
    }
  }

  /** Stops what goes on here in the name of runs that were deleted. */
  letGo(runIds: readonly string[]): void {
    for (const runId of runIds) {
      const held = this.#held.get(runId);
      if (held) this.#ended(held, held.active.run);
    }
  }

  /** Writes a line of a running node. Lines of a run that has ended are dropped: nobody waits for them. */
  log(lease: Lease, level: LogLevel, message: string, meta: JsonObject | null): void {
    const { workspaceId, runId, nodeId, iteration } = lease.task;
    const log = { id: this.#system.newId(), runId, nodeId, iteration, level, message, at: this.#system.now(), meta };
    this.#store.commit([{ kind: 'appendLog', workspaceId, log }]).catch((error) => {
      this.#log.error({ err: error, runId }, 'a log line of a run was lost');
    });
  }

  /** Called with every run that ends, in this process or another one. Returns the way to stop it. */
  onEnd(listener: (runId: string) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** What came out of a run that has ended. */
  async outputOf(run: Run): Promise<JsonObject> {
    return (await this.#payloads.parse(run.output)) ?? {};
  }

  /** The run once it has ended, or as it stands after `timeoutMs` milliseconds or at the signal. Null: there is no such run. */
  async waitForEnd(
    workspaceId: string,
    runId: string,
    timeoutMs: number,
    signal: AbortSignal | null = null,
  ): Promise<Run | null> {
    const ended = Promise.withResolvers<Run | null>();
    const waiting = this.#waiting.get(runId) ?? { workspaceId, resolves: new Set() };
    this.#waiting.set(runId, waiting);
    const { resolves } = waiting;
    resolves.add(ended.resolve);
    const giveUp = () => ended.resolve(null);
    const timer = setTimeout(giveUp, timeoutMs);
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      // The run may have ended before the listener was there.
      const now = await this.#store.getRun(workspaceId, runId);
      if (now === null || isTerminal(now.status)) return now;
      return (await ended.promise) ?? (await this.#store.getRun(workspaceId, runId));
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      resolves.delete(ended.resolve);
      if (resolves.size === 0) this.#waiting.delete(runId);
    }
  }

  /**
   * Commits what `decide` makes of the run that a lease is about. When another step of the run came first, it decides again on what the store
   * says, as long as the lease holds: the work behind an outcome is not done twice because two answers arrived together.
   */
  async #step(lease: Lease, decide: (active: ActiveRun) => Change | null): Promise<'kept' | 'stale'> {
    for (;;) {
      const decided = await this.#decide(lease.task.workspaceId, lease.task.runId, decide);
      if (decided === null) return 'stale';
      if ((await this.#commit(decided.held, decided.made)) === 'kept') return 'kept';
      const lost = await this.#store.renewLeases([lease], this.#system.now(), this.#store.leaseMs);
      if (lost.length > 0) return 'stale';
    }
  }

  /**
   * What is made of a run as the memory has it. Whoever changes the memory of a run that is under way does it here, so that changes are given to the store in the
   * order in which they were decided. A change that was decided on an old memory is stale when it is committed; that there is nothing to do is
   * committed nowhere. So where other processes go on with runs too, nothing is taken for an answer from the store only.
   * @returns null when there is nothing to do, or no run under way
   */
  async #decide<T>(
    workspaceId: string,
    runId: string,
    make: (active: ActiveRun) => T | null,
  ): Promise<{ readonly held: Held; readonly made: T } | null> {
    const held = await this.#find(workspaceId, runId);
    const made = held && this.#make(held, make);
    if (held !== null && made !== null) return { held, made };
    if (held === null || !this.#store.isShared) return null;
    const anew = await this.#findAnew(workspaceId, runId);
    const madeAnew = anew && this.#make(anew, make);
    return anew === null || madeAnew === null ? null : { held: anew, made: madeAnew };
  }

  /** @throws what `make` throws; the memory, which may be half a step further than the store, is forgotten then */
  #make<T>(held: Held, make: (active: ActiveRun) => T | null): T | null {
    try {
      return make(held.active);
    } catch (error) {
      this.#forget(held);
      throw error;
    }
  }

  async #subflowsFor({ version, subflows }: NewRun): Promise<Subflows> {
    const graph = this.graphOf(version);
    if (graph.invoked.length === 0) return NO_SUBFLOWS;
    return this.#subflowsOf(version.workspaceId, graph, subflows ?? null);
  }

  /**
   * The workflows that a graph invokes, and those that they invoke.
   * @param frozen the versions they are to have; one that is not named has its current one
   * @throws PlatformError `invalid` naming each that is not there or cannot run
   */
  async #subflowsOf(workspaceId: string, graph: Graph, frozen: Run['subflows']): Promise<Subflows> {
    const found = new Map<string, Subflow>();
    const problems: Problem[] = [];
    const open = [...graph.invoked];
    for (let workflowId = open.pop(); workflowId !== undefined; workflowId = open.pop()) {
      if (found.has(workflowId)) continue;
      const known = this.#subflows.get(frozen?.[workflowId] ?? '');
      if (known !== undefined && known.workspaceId === workspaceId) {
        found.set(workflowId, known.subflow);
        open.push(...known.subflow.graph.invoked);
        continue;
      }
      const workflow = await this.#store.getWorkflow(workspaceId, workflowId);
      const versionId = frozen?.[workflowId] ?? workflow?.currentVersionId ?? null;
      const version = versionId === null ? null : await this.#store.getVersion(workspaceId, versionId);
      const at = ['definition', 'subflows', workflowId];
      if (version === null) {
        const message = `The workflow ${workflowId} that is to be run as a subflow is not in this workspace. Save it, or name another one.`;
        problems.push({ at, message, type: 'unknown_workflow' });
      } else if (version.validation.length > 0) {
        const why = version.validation.map((issue) => issue.message).join(' ');
        const message = `The subflow "${workflow?.name ?? workflowId}" cannot run yet: ${why}`;
        problems.push({ at, message, type: 'incomplete_subflow' });
      } else {
        const compiled = this.graphOf(version);
        const subflow: Subflow = {
          workflowId,
          versionId: version.id,
          name: workflow?.name ?? workflowId,
          graph: compiled,
        };
        found.set(workflowId, subflow);
        this.#keepSubflow(workspaceId, subflow);
        open.push(...compiled.invoked);
      }
    }
    if (problems.length > 0) throw invalid(problems);
    return found;
  }

  /** A version never changes, and each run below a run asks for those that it invokes. */
  #keepSubflow(workspaceId: string, subflow: Subflow): void {
    const oldest = this.#subflows.keys().next().value;
    if (this.#subflows.size >= GRAPHS_KEPT && oldest !== undefined) this.#subflows.delete(oldest);
    this.#subflows.set(subflow.versionId, { workspaceId, subflow });
  }

  /**
   * The session that a run is debugged in, as it is set up, or a new one without breakpoints.
   * @throws PlatformError `conflict` when another run is debugged in it
   */
  async #debugFor({ version: { workspaceId }, debugger: id }: NewRun): Promise<DebugSession | null> {
    if (id === null) return null;
    const known = await this.#store.getDebugSession(workspaceId, id);
    if (known === null) {
      const none = { runId: null, mode: 'run', breakpoints: [], pauses: [], edits: {} } as const;
      return { id, workspaceId, ...none, updatedAt: this.#system.now() };
    }
    const run = known.runId === null ? null : await this.#store.getRun(workspaceId, known.runId);
    if (run === null || isTerminal(run.status)) return { ...known, pauses: [], edits: {} };
    const message = `Run ${run.id} is debugged in the session ${JSON.stringify(id)} and has not ended. Let it end, stop it, or name another session.`;
    throw new PlatformError('conflict', message);
  }

  /**
   * Does what a debugger wants of the run of its session. Null: there is no such run any more, it is not held, or not at the node that is to be changed.
   */
  async command({ workspaceId, id, runId }: DebugSession, command: DebugCommand): Promise<DebugSession | null> {
    if (runId === null) return null;
    for (;;) {
      const before = this.#held.get(runId);
      const decided = await this.#decide(workspaceId, runId, (active) => {
        const change = active.debug?.id === id ? active.command(command) : null;
        // As it is kept: by the time the commit resolves, the run may be further.
        return change && { change, debug: active.debug };
      });
      if (decided === null) {
        // What the memory says is true once it is kept.
        const held = this.#held.get(runId) ?? before;
        if (held !== undefined && (await held.last) !== 'kept') continue;
        return null;
      }
      if ((await this.#commit(decided.held, decided.made.change)) === 'kept') return decided.made.debug;
    }
  }

  #create(
    newRun: NewRun,
    subflows: Subflows,
    taken: readonly NodeRun[] = [],
    debug: DebugSession | null = null,
  ): ActiveRun {
    const id = newRun.id ?? this.#system.newId();
    const tracing = newRun.tracing || this.#tracesAll;
    const run: Run = {
      id,
      workspaceId: newRun.version.workspaceId,
      kind: newRun.kind,
      workflowId: newRun.version.workflowId,
      workflowVersionId: newRun.version.id,
      versionPinned: newRun.versionPinned,
      status: 'queued',
      revision: 0,
      progress: 0,
      nodesTotal: 0,
      nodesCompleted: 0,
      createdAt: this.#system.now(),
      startedAt: null,
      finishedAt: null,
      source: newRun.source,
      nodeIds: newRun.nodeIds,
      singleNodeId: newRun.singleNodeId,
      input: JSON.stringify(newRun.input),
      output: null,
      failure: null,
      meta: newRun.meta,
      context: newRun.context,
      clientRef: newRun.clientRef,
      batchId: newRun.batchId,
      requestId: newRun.requestId,
      cost: null,
      costBreakdown: null,
      feedback: null,
      dialect: newRun.dialect,
      callbackUrl: newRun.callbackUrl,
      apiKeyId: newRun.apiKeyId,
      tracing,
      trace: newRun.trace ?? (tracing ? ownTraceOf(id) : null),
      debugger: newRun.debugger,
      parent: null,
      subflows:
        subflows.size === 0
          ? null
          : Object.fromEntries([...subflows.values()].map(({ workflowId, versionId }) => [workflowId, versionId])),
    };
    const graph = this.graphOf(newRun.version);
    const loaded = { run, nodeRuns: taken, iterations: [], tasks: [], asked: [], invoked: [] };
    const parse = (payload: string | null) => (payload === null ? null : (JSON.parse(payload) as JsonObject));
    const session = debug && { ...debug, runId: id };
    return ActiveRun.restore(loaded, graph, newRun.input, this.#system, parse, subflows, session).counted();
  }

  #reasonLog({ workspaceId, id }: Run, { message, meta }: Pick<RunLog, 'message' | 'meta'>): Write {
    const place = { id: this.#system.newId(), runId: id, nodeId: null, iteration: 0 };
    return {
      kind: 'appendLog',
      workspaceId,
      log: { ...place, level: 'warning', message, at: this.#system.now(), meta },
    };
  }

  #failureLog(lease: Lease, message: string): Write {
    const { workspaceId, runId, nodeId, iteration, attempt } = lease.task;
    return {
      kind: 'appendLog',
      workspaceId,
      log: {
        id: this.#system.newId(),
        runId,
        nodeId,
        iteration,
        level: 'error',
        message,
        at: this.#system.now(),
        meta: { attempt },
      },
    };
  }

  #hold(active: ActiveRun): Held {
    const held: Held = { active, committing: 0, tail: null, last: Promise.resolve('kept') };
    if (this.#held.size >= RUNS_KEPT) this.#makeRoom();
    this.#held.set(active.run.id, held);
    return held;
  }

  /** Forgets the run that was longest untouched among those with nothing on its way to the store. */
  #makeRoom(): void {
    for (const [runId, held] of this.#held) {
      if (held.committing > 0) continue;
      this.#held.delete(runId);
      return;
    }
  }

  async #find(workspaceId: string, runId: string): Promise<Held | null> {
    const held = this.#held.get(runId);
    if (held) {
      if (held.active.run.workspaceId !== workspaceId) return null;
      // Moved to the end: `#makeRoom` takes from the beginning.
      this.#held.delete(runId);
      this.#held.set(runId, held);
      return held;
    }
    let loading = this.#loading.get(runId);
    if (!loading) {
      loading = this.#load(workspaceId, runId).finally(() => this.#loading.delete(runId));
      this.#loading.set(runId, loading);
    }
    return loading;
  }

  /** The run as the store has it from now on: a reading that is under way may have begun too early. */
  async #findAnew(workspaceId: string, runId: string): Promise<Held | null> {
    await this.#loading.get(runId)?.catch(() => undefined);
    const held = this.#held.get(runId);
    if (held) this.#forget(held);
    return this.#find(workspaceId, runId);
  }

  async #load(workspaceId: string, runId: string): Promise<Held | null> {
    const loaded = await this.#store.loadRun(workspaceId, runId);
    if (loaded === null || isTerminal(loaded.run.status)) return null;
    const graph = await this.graphOfRun(loaded.run);
    const payloads = [...loaded.nodeRuns, ...loaded.iterations].map((record) => record.outputs);
    const parsed = new Map<string, JsonObject | null>();
    for (const payload of payloads) if (payload !== null) parsed.set(payload, await this.#payloads.parse(payload));
    const input = (await this.#payloads.parse(loaded.run.input)) ?? {};
    const subflows =
      graph.invoked.length === 0 ? NO_SUBFLOWS : await this.#subflowsOf(workspaceId, graph, loaded.run.subflows);
    const parse = (payload: string | null) => (payload === null ? null : (parsed.get(payload) ?? null));
    const { debugger: sessionId } = loaded.run;
    const session = sessionId === null ? null : await this.#store.getDebugSession(workspaceId, sessionId);
    const debug = session?.runId === runId ? session : null;
    return this.#hold(ActiveRun.restore(loaded, graph, input, this.#system, parse, subflows, debug));
  }

  /** The compiled definition that a run executes. */
  async graphOfRun({ id, workspaceId, workflowVersionId }: Run): Promise<Graph> {
    const known = this.#graphs.get(workflowVersionId);
    if (known) return known;
    const version = await this.#store.getVersion(workspaceId, workflowVersionId);
    if (version === null) throw new Error(`Run ${id} has lost its version ${workflowVersionId}.`);
    return this.graphOf(version);
  }

  async #commit(held: Held, change: Change): Promise<'kept' | 'stale'> {
    const { run } = held.active;
    held.committing += 1;
    try {
      held.last = this.#submit(held, change);
      const result = await held.last;
      if (result === 'kept' && isTerminal(run.status)) this.#ended(held, run);
      return result;
    } finally {
      held.committing -= 1;
    }
  }

  #submit(held: Held, change: Change): Promise<'kept' | 'stale'> {
    // Where others write the same run, a change must not be given before the one it rests on has held: with another process's change in the place of that
    // one, the revision would be the expected one, and what was decided on would not.
    const mayFollow = !this.#store.isShared || held.committing === 1;
    if (held.tail === null && mayFollow && !Payloads.needsMove(change)) {
      const written = this.#write(held, change);
      if (!this.#store.isShared) return written;
      const first = written.finally(() => {
        if (held.tail === first) held.tail = null;
      });
      held.tail = first;
      return first;
    }
    const step = (held.tail ?? Promise.resolve()).catch(() => undefined).then(() => this.#write(held, change));
    held.tail = step;
    return step.finally(() => {
      if (held.tail === step) held.tail = null;
    });
  }

  async #write(held: Held, change: Change): Promise<'kept' | 'stale'> {
    // A change before this one did not hold, so that neither does the memory that this one was decided on.
    if (this.#held.get(held.active.run.id) !== held) return 'stale';
    try {
      const result = await this.#store.commit(
        Payloads.needsMove(change) ? await this.#payloads.moveOut(change) : change,
      );
      if (result === 'stale') this.#forget(held);
      return result;
    } catch (error) {
      // The memory is a step further than the store: only reading it again makes them agree.
      this.#forget(held);
      throw error;
    }
  }

  #forget(held: Held): void {
    if (this.#held.get(held.active.run.id) === held) this.#held.delete(held.active.run.id);
  }

  /** At once, since the turns that are queued for them wait for places of the worker, which may all be held by what is to be stopped. */
  async #stopBelow(workspaceId: string, runIds: readonly string[]): Promise<void> {
    try {
      for (const runId of runIds) await this.cancel(workspaceId, runId);
    } catch (error) {
      this.#log.warn({ err: error }, 'runs below a run that ended are stopped when their turn comes');
    }
  }

  #ended(held: Held, run: Run): void {
    this.#forget(held);
    for (const listener of this.#endListeners) listener(run.id);
    void this.#stopBelow(run.workspaceId, held.active.abandoned);
    for (const resolve of this.#waiting.get(run.id)?.resolves ?? []) resolve(run);
  }

  /** @param runIds null: any may have ended unheard */
  #hearOfEnds(runIds: readonly string[] | null): void {
    for (const runId of runIds ?? []) {
      const held = this.#held.get(runId);
      if (held) this.#forget(held);
      for (const listener of this.#endListeners) listener(runId);
    }
    for (const runId of runIds ?? this.#waiting.keys()) {
      const waiting = this.#waiting.get(runId);
      if (waiting === undefined) continue;
      this.#lookAt(runId, waiting).catch((error) => {
        this.#log.warn({ err: error, runId }, 'a run that is waited for could not be read; it is waited for on');
      });
    }
  }

  async #lookAt(runId: string, { workspaceId, resolves }: Waiting): Promise<void> {
    const run = await this.#store.getRun(workspaceId, runId);
    if (run === null || !isTerminal(run.status)) return;
    for (const resolve of resolves) resolve(run);
  }
}

/** What keeps the session that a new run is debugged in. */
function sessionOf({ debug }: ActiveRun): Write[] {
  return debug === null ? [] : [{ kind: 'putDebugSession', session: debug }];
}
