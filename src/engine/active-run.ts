import Big from 'big.js';
import type { ModelCallRecord } from '../domain/attempt.ts';
import { bindTokens } from '../domain/config-tokens.ts';
import type { DebugCommand, DebugSession } from '../domain/debug-session.ts';
import type { Failure } from '../domain/failure.ts';
import type { JsonObject } from '../domain/json.ts';
import { type Iteration, isSettled, type NodeRun, type NodeStatus, stepRecordId } from '../domain/node-run.ts';
import {
  outputsOfAnswer,
  type PersonAsk,
  type PersonRequest,
  type PersonSettlement,
} from '../domain/person-request.ts';
import { isTriedAgain, retryDelay } from '../domain/retry.ts';
import { isTerminal, type Parent, type Run, type Usage } from '../domain/run.ts';
import type { Task } from '../domain/task.ts';
import type { Warning } from '../domain/warning.ts';
import type {
  Ended,
  EndedInvocation,
  Invocation,
  InvokingNodeType,
  InvokingPass,
  NodeInput,
  NodeStep,
  Outcome,
  StepProgress,
} from '../nodes/node-type.ts';
import type { Change, Write } from '../store/change.ts';
import type { AskedPass, LoadedRun } from '../store/store.ts';
import type { System } from '../system/system.ts';
import { RunDebug } from './debug.ts';
import {
  type Activation,
  fatalFailure,
  gather,
  isErrorRouted,
  type NodeState,
  outputsOfFailure,
  progressOf,
  runOutput,
  type ScheduleState,
  type Standing,
  standing,
  type Verdict,
  valuesOfPass,
  verdictOn,
} from './decide.ts';
import { type GpuTime, gpuCost, gpuTimes } from './gpu-cost.ts';
import type { Graph, GraphNode } from './graph.ts';
import { priceOf } from './pricing.ts';
import { resolveInput } from './run-input.ts';
import { inputFailure, MAX_DEPTH, type Subflow, type Subflows, socketsOf } from './subflow.ts';
import { addUsage } from './usage.ts';

/** Warnings kept of one node: those of ten thousand passes would be written anew with each of them. */
const WARNINGS_KEPT = 100;

/** How the passes of an iterating node ended so far; a node that does not iterate has one pass, number 0. */
interface Passes {
  readonly activation: Activation;
  readonly outputs: (JsonObject | null)[];
  /** The next pass to be started, 1-based. */
  next: number;
  ended: number;
}

/** One try of one pass. */
type Pass = Pick<Task, 'iteration' | 'attempt'>;

/** A pass as it was made. Times are epoch milliseconds. */
export interface MadePass {
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Of a run that is traced. */
  readonly modelCalls?: readonly ModelCallRecord[];
}

/** A pass that waits for a person. */
interface Asked extends Pick<AskedPass, 'requestId' | 'createdAt'> {
  /** The task that ends the wait at its due time; null: there is none. */
  readonly timerId: string | null;
}

/** A run that a pass has invoked and is still to hear of. */
interface Invoked {
  readonly runId: string;
  readonly attempt: number;
  readonly ordinal: number;
  /** Whether it waits for a person. */
  readonly isWaiting: boolean;
}

/** How a run that was invoked stands. */
export interface InvokedStanding {
  readonly run: Run;
  /** Null while it has not ended. */
  readonly ended: EndedInvocation | null;
}

/**
 * A run in flight in this process: what `decide` knows of it, and the changes that its next steps amount to.
 *
 * Each method that changes it returns the writes that record the step, and the memory is already one step further: the engine commits
 * them in order, and forgets this object when a commit does not hold.
 */
export class ActiveRun {
  readonly graph: Graph;
  run: Run;
  readonly #system: System;
  readonly #state: {
    readonly selected: ReadonlySet<string>;
    readonly given: ReadonlyMap<string, JsonObject>;
    readonly nodes: Map<string, NodeState>;
    readonly alone: boolean;
  };
  readonly #records = new Map<string, NodeRun>();
  readonly #passes = new Map<string, Passes>();
  /** Passes that wait for a person, by node and iteration. */
  readonly #asked = new Map<string, Map<number, Asked>>();
  /** Passes that wait for a run that they invoked, by node and iteration. */
  readonly #invoked = new Map<string, Map<number, Invoked>>();
  readonly #subflows: Subflows;
  /** The session of the debugger that watches this run; null: none. */
  readonly #debug: RunDebug | null;
  #dirty = new Set<string>();
  /** Requests made in this step. */
  #newRequests: string[] = [];
  /** Runs that were invoked and had not ended when this one did. */
  #abandoned: readonly string[] = [];
  /** What the node that reports steps said last. */
  #steps: StepProgress | null = null;

  constructor(
    run: Run,
    graph: Graph,
    input: JsonObject,
    system: System,
    subflows: Subflows = new Map(),
    debug: DebugSession | null = null,
  ) {
    this.run = run;
    this.graph = graph;
    this.#system = system;
    this.#subflows = subflows;
    this.#debug = debug && new RunDebug(debug, system);
    const { selected, given } = resolveInput(graph, run, input);
    this.#state = { selected, given, nodes: new Map(), alone: run.singleNodeId !== null };
  }

  /** Rebuilds the memory of a run from its records. `parse` gives the JSON object of a payload. */
  static restore(
    loaded: LoadedRun,
    graph: Graph,
    input: JsonObject,
    system: System,
    parse: (payload: string | null) => JsonObject | null,
    subflows: Subflows = new Map(),
    debug: DebugSession | null = null,
  ): ActiveRun {
    const active = new ActiveRun(loaded.run, graph, input, system, subflows, debug);
    const iterations = Map.groupBy(loaded.iterations, (iteration) => iteration.nodeId);
    // Nodes that run are activated anew below, from the outputs of the nodes before them: those must be known first.
    for (const record of loaded.nodeRuns) {
      active.#records.set(record.nodeId, record);
      if (!graph.byId.has(record.nodeId)) {
        // A step inside a node: it is no node of the graph. Where the count is another than that of the nodes, the steps are what counts.
        const { nodesTotal: total, nodesCompleted: completed } = loaded.run;
        if (total !== active.#state.selected.size) active.#steps = { total, completed };
        continue;
      }
      active.#state.nodes.set(record.nodeId, {
        status: record.status,
        iterates: record.iterates,
        outputs: parse(record.outputs),
        failure: record.failure,
      });
    }
    for (const record of loaded.nodeRuns) {
      const node = graph.byId.get(record.nodeId);
      if (isSettled(record.status) || !node || active.#debug?.isHeldBefore(node.id)) continue;
      const verdict = verdictOn(node, active.#state);
      if (verdict.kind !== 'run') continue;
      const passes = newPasses(active.#debug?.edited(node.id, verdict.activation) ?? verdict.activation);
      for (const iteration of iterations.get(node.id) ?? []) {
        passes.outputs[iteration.iteration - 1] = parse(iteration.outputs);
        passes.ended += 1;
        passes.next = Math.max(passes.next, iteration.iteration + 1);
      }
      // Passes start in order, so that whatever has a result or a task was started, and so was everything before it.
      for (const task of loaded.tasks)
        if (task.nodeId === node.id) passes.next = Math.max(passes.next, task.iteration + 1);
      active.#passes.set(node.id, passes);
      const recorded = new Set((iterations.get(node.id) ?? []).map((pass) => pass.iteration));
      for (const { runId, nodeId, iteration, attempt, ordinal, status } of loaded.invoked) {
        // A pass that is recorded has been followed to its end, whatever task of it is left.
        if (nodeId !== node.id || recorded.has(iteration)) continue;
        const ofPass = loaded.tasks.filter((task) => task.nodeId === node.id && task.iteration === iteration);
        // One that has ended and is to be tried again has been looked at.
        if (ofPass.some((task) => task.attempt > attempt)) continue;
        passes.next = Math.max(passes.next, iteration + 1);
        active.#expect(node.id, iteration, { runId, attempt, ordinal, isWaiting: status === 'waiting' });
      }
      for (const { requestId, iteration, createdAt } of loaded.asked.filter(({ nodeId }) => nodeId === node.id)) {
        passes.next = Math.max(passes.next, iteration + 1);
        const timer = loaded.tasks.find((task) => task.nodeId === node.id && task.iteration === iteration);
        active.#wait(node.id, iteration, { requestId, createdAt, timerId: timer?.id ?? null });
      }
    }
    return active;
  }

  /** The same run with the number of its nodes. */
  counted(): this {
    this.run = { ...this.run, ...this.#counts() };
    return this;
  }

  get state(): ScheduleState {
    return this.#state;
  }

  get ended(): boolean {
    return isTerminal(this.run.status);
  }

  /** Runs that nobody waits for any more since this one has ended. */
  get abandoned(): readonly string[] {
    return this.#abandoned;
  }

  /** The input of the pass that a task is about, or null when that node no longer runs. */
  inputFor(task: Task): { node: GraphNode; input: NodeInput } | null {
    const node = task.nodeId === null ? undefined : this.graph.byId.get(task.nodeId);
    const passes = node && this.#passes.get(node.id);
    if (!node || !passes || this.ended) return null;
    return { node, input: this.#inputOf(node, passes.activation, task.iteration) };
  }

  /**
   * Goes as far as is possible without touching the world: pure nodes run, effects become tasks, a run with nothing left ends.
   * @returns the writes of this step, the run's own and its event included
   */
  advance(extra: readonly Write[] = []): Change {
    const writes: Write[] = [...extra];
    const before = this.run.status;
    const startedAt = this.run.startedAt ?? this.#system.now();
    let broken = fatalFailure(this.graph, this.#state) !== null;
    for (const node of this.graph.nodes) {
      if (broken || this.#isHeld()) break;
      if (!this.#state.selected.has(node.id) || this.#state.nodes.has(node.id)) continue;
      const verdict = this.#verdictOn(node);
      if (verdict.kind === 'wait' || this.#holdBefore(node, verdict)) continue;
      if (verdict.kind === 'skip') this.#put(node, skippedRecord(node), 'skipped', null, null);
      else if (verdict.kind === 'fail') this.#settleFailed(node, verdict.failure, [], null);
      else this.#begin(node, verdict.activation, writes);
      broken = this.#isFatal(node);
    }
    const now = this.#standing();
    const finished = now.kind !== 'going' && now.kind !== 'waiting';
    if (finished) this.#cancelRunning();
    const finishedAt = finished ? this.#system.now() : null;
    this.run = {
      ...this.run,
      status: now.kind === 'going' ? 'running' : now.kind === 'succeeded' && this.#isPartial() ? 'partial' : now.kind,
      revision: this.run.revision + 1,
      progress: now.kind === 'succeeded' ? 100 : progressOf(this.#state),
      ...this.#counts(),
      ...(finishedAt === null ? {} : this.#charge(now.kind === 'succeeded' ? finishedAt - startedAt : null)),
      startedAt,
      finishedAt,
      output: finished ? JSON.stringify(runOutput(this.graph, this.#state)) : null,
      failure: now.kind === 'failed' ? now.failure : null,
    };
    if (now.kind === 'failed') this.#endAll(writes);
    return this.#record(writes, before);
  }

  /** What becomes of a node, with what a debugger has changed of its inputs. */
  #verdictOn(node: GraphNode): Verdict {
    const verdict = verdictOn(node, this.#state);
    if (this.#debug === null || verdict.kind !== 'run') return verdict;
    return { ...verdict, activation: this.#debug.edited(node.id, verdict.activation) };
  }

  /** Whether nothing may begin: the run is held, or steps and a node of it is under way. */
  #isHeld(): boolean {
    if (this.#debug === null) return false;
    if (this.#debug.isHeld) return true;
    if (this.#debug.session.mode !== 'step') return false;
    for (const { status } of this.#state.nodes.values()) if (!isSettled(status)) return true;
    return false;
  }

  /** Holds the run at a node that would begin now, where a debugger wants it. */
  #holdBefore(node: GraphNode, verdict: Verdict): boolean {
    const debug = this.#debug;
    if (debug === null || verdict.kind !== 'run') return false;
    const pause = { nodeId: node.id, when: 'before' } as const;
    if (debug.session.mode !== 'step' && !debug.has(pause)) return false;
    debug.hold(pause);
    const { values, total, iterates } = verdict.activation;
    const inputs = JSON.stringify(values);
    const record = { ...skippedRecord(node), totalIterations: total, iterates, inputs };
    this.#put(node, record, 'waiting', null, null);
    return true;
  }

  /** A run that is held after its last node has not ended: what came out of it may still be changed. */
  #standing(): Standing {
    const now = standing(this.graph, this.#state);
    if (this.#debug?.isHeld !== true || now.kind === 'failed') return now;
    for (const { status } of this.#state.nodes.values()) if (status === 'running') return now;
    return { kind: 'waiting' };
  }

  /** The session as it stands; null: nobody debugs this run. */
  get debug(): DebugSession | null {
    return this.#debug?.session ?? null;
  }

  /** Does what a debugger wants. Null: the run has ended or has none, is not held, or not at the node that is to be changed. */
  command(command: DebugCommand): Change | null {
    const debug = this.#debug;
    if (debug === null || this.ended) return null;
    if (command.kind === 'breakpoints') {
      debug.set({ breakpoints: command.breakpoints });
      return this.advance();
    }
    const [pause] = debug.session.pauses;
    if (pause === undefined) return null;
    const node = this.graph.byId.get(pause.nodeId);
    if (command.kind === 'edit') {
      if (node === undefined || command.nodeId !== pause.nodeId) return null;
      if (pause.when === 'before') this.#editInputs(node, command.values);
      else if (!this.#editOutputs(node, command.values)) return null;
      return this.advance();
    }
    debug.set({ mode: command.mode });
    debug.release();
    const writes: Write[] = [];
    if (node !== undefined && pause.when === 'before') {
      this.#state.nodes.delete(node.id);
      const verdict = this.#verdictOn(node);
      // Nothing that it rests on has changed since it was held.
      if (verdict.kind === 'run') this.#begin(node, verdict.activation, writes);
    }
    return this.advance(writes);
  }

  #editInputs(node: GraphNode, values: JsonObject): void {
    const debug = this.#debug!;
    debug.set({ edits: { ...debug.session.edits, [node.id]: { ...debug.session.edits[node.id], ...values } } });
    const record = this.#records.get(node.id)!;
    this.#state.nodes.delete(node.id);
    const verdict = this.#verdictOn(node);
    const inputs = verdict.kind === 'run' ? JSON.stringify(verdict.activation.values) : null;
    this.#put(node, { ...record, inputs }, 'waiting', null, null);
  }

  /** Only what succeeded has outputs that others wait for. */
  #editOutputs(node: GraphNode, values: JsonObject): boolean {
    const state = this.#state.nodes.get(node.id);
    const record = this.#records.get(node.id);
    if (state?.status !== 'succeeded' || record === undefined) return false;
    const outputs = { ...state.outputs, ...values };
    this.#state.nodes.set(node.id, { ...state, outputs });
    this.#records.set(node.id, { ...record, outputs: JSON.stringify(outputs), taken: Object.keys(outputs) });
    this.#dirty.add(node.id);
    return true;
  }

  /** Ends the run because somebody asked for it. */
  cancel(): Change {
    return this.#break('canceled', null);
  }

  #break(status: 'canceled' | 'failed', failure: Failure | null): Change {
    const before = this.run.status;
    this.#cancelRunning();
    this.run = {
      ...this.run,
      status,
      failure,
      revision: this.run.revision + 1,
      progress: progressOf(this.#state),
      ...this.#counts(),
      ...this.#charge(null),
      finishedAt: this.#system.now(),
      output: JSON.stringify(runOutput(this.graph, this.#state)),
    };
    const writes: Write[] = [];
    this.#endAll(writes);
    return this.#record(writes, before);
  }

  /** Ends a run that was invoked because its time is over. */
  expire(): Change {
    const { parent } = this.run;
    const seconds = ((parent?.deadlineAt ?? this.run.createdAt) - this.run.createdAt) / 1000;
    const message = `The run did not end within ${seconds} s, the time that the node "${parent?.nodeId}" gives it. Raise its node_timeout if it needs longer.`;
    return this.#break('failed', { code: 'timeout', message });
  }

  /** What a run that did not come to its end leaves behind is wanted no more. */
  #endAll(writes: Write[]): void {
    const { workspaceId, id: runId } = this.run;
    writes.push({ kind: 'endTasksOfRun', workspaceId, runId });
    // They see that nobody waits for them any more when they come to their turn.
    this.#abandoned = [...this.#invoked.values()].flatMap((ofNode) => [...ofNode.values()].map(({ runId }) => runId));
    for (const id of this.#abandoned) writes.push({ kind: 'addTask', task: this.#turnOf(id) });
    this.#invoked.clear();
    if (this.#asked.size === 0) return;
    writes.push({ kind: 'cancelPersonRequests', workspaceId, runId, at: this.#system.now() });
    this.#asked.clear();
  }

  /**
   * Takes in how a task's pass ended, then goes on. Null when the node does not run any more: the answer came too late.
   * @param times when the pass began and ended, and the models it called
   */
  settle(task: Task, outcome: Outcome, times: MadePass, writes: Write[]): Change | null {
    const node = task.nodeId === null ? undefined : this.graph.byId.get(task.nodeId);
    const passes = node && this.#passes.get(node.id);
    const record = node && this.#records.get(node.id);
    if (!node || !passes || !record || this.ended) return null;
    const asked = this.#asked.get(node.id)?.get(task.iteration);
    if (asked !== undefined) {
      // Nothing but the end of its time settles a pass that a person is asked about, other than the person.
      if (task.id !== asked.timerId || outcome.kind !== 'succeeded') return null;
      const settlement: PersonSettlement = { status: 'expired', answer: null, settledBy: null, keyId: null };
      this.#settleRequest(node.id, task.iteration, settlement, writes);
      return this.#finish(node, passes, record, task, outcome, { ...times, startedAt: asked.createdAt }, writes);
    }
    if (outcome.kind === 'person') {
      this.#ask(node, passes, record, task, outcome, writes);
      return this.advance(writes);
    }
    if (outcome.kind === 'later') {
      writes.push({
        kind: 'addTask',
        task: {
          ...task,
          id: this.#system.newId(),
          dueAt: outcome.dueAt,
          outputs: JSON.stringify(outcome.outputs),
        },
      });
      return this.advance(writes);
    }
    return this.#finish(node, passes, record, task, outcome, times, writes);
  }

  /**
   * Takes in that a person answered a request or that it was canceled, then goes on. Null when it is not waited for any more.
   * @param failure why the node fails; null: it succeeds with the answer
   */
  settleRequest(request: PersonRequest, settlement: PersonSettlement, failure: Failure | null): Change | null {
    const { nodeId, iteration } = request;
    const node = this.graph.byId.get(nodeId);
    const passes = this.#passes.get(nodeId);
    const record = this.#records.get(nodeId);
    const asked = this.#asked.get(nodeId)?.get(iteration);
    if (!node || !passes || !record || asked?.requestId !== request.id || this.ended) return null;
    const { workspaceId, id: runId } = this.run;
    const writes: Write[] = [];
    if (asked.timerId !== null) writes.push({ kind: 'dropTask', workspaceId, runId, taskId: asked.timerId });
    this.#settleRequest(nodeId, iteration, settlement, writes);
    const outcome: Ended =
      failure === null
        ? {
            kind: 'succeeded',
            outputs: outputsOfAnswer(settlement.answer ?? {}, 'answered', settlement.settledBy),
          }
        : { kind: 'failed', failure, retryable: false };
    const times = { startedAt: asked.createdAt, finishedAt: this.#system.now() };
    return this.#finish(node, passes, record, { iteration, attempt: 1 }, outcome, times, writes);
  }

  /** Makes a request of what a pass asks. No task is left but the one that ends the wait, where it has an end. */
  #ask(
    node: GraphNode,
    passes: Passes,
    record: NodeRun,
    task: Task,
    { ask, warnings = [] }: Extract<Outcome, { kind: 'person' }>,
    writes: Write[],
  ): void {
    const createdAt = this.#system.now();
    const request = this.#requestOf(ask, task, createdAt);
    writes.push({ kind: 'createPersonRequest', request });
    this.#newRequests.push(request.id);
    let timerId: string | null = null;
    if (ask.dueAt !== null) {
      const outputs = JSON.stringify(outputsOfAnswer(ask.fallback ?? {}, 'expired', null));
      const timer = { ...task, id: this.#system.newId(), dueAt: ask.dueAt, outputs };
      writes.push({ kind: 'addTask', task: timer });
      timerId = timer.id;
    }
    this.#wait(node.id, task.iteration, { requestId: request.id, createdAt, timerId });
    if (passes.activation.iterates) this.#startPasses(node, passes, writes);
    const told = { ...record, warnings: [...record.warnings, ...warnings] };
    this.#put(node, told, this.#statusOf(node, passes), null, record.failure);
  }

  #requestOf(ask: PersonAsk, { nodeId, iteration }: Task, createdAt: number): PersonRequest {
    return {
      ...ask,
      id: this.#system.newId(),
      workspaceId: this.run.workspaceId,
      runId: this.run.id,
      workflowId: this.run.workflowId,
      nodeId: nodeId ?? '',
      iteration,
      status: 'pending',
      answer: null,
      settledBy: null,
      keyId: null,
      createdAt,
      settledAt: null,
      revision: 1,
    };
  }

  #wait(nodeId: string, iteration: number, asked: Asked): void {
    const ofNode = this.#asked.get(nodeId) ?? new Map<number, Asked>();
    ofNode.set(iteration, asked);
    this.#asked.set(nodeId, ofNode);
  }

  #settleRequest(nodeId: string, iteration: number, settlement: PersonSettlement, writes: Write[]): void {
    const ofNode = this.#asked.get(nodeId)!;
    const { requestId } = ofNode.get(iteration)!;
    ofNode.delete(iteration);
    if (ofNode.size === 0) this.#asked.delete(nodeId);
    const { workspaceId } = this.run;
    writes.push({ kind: 'settlePersonRequest', workspaceId, requestId, settlement, at: this.#system.now() });
  }

  /** Passes that were started, have not ended, and wait for nobody. */
  #busy({ id }: GraphNode, { activation, next, ended }: Passes): number {
    const started = activation.iterates ? next - 1 : 1;
    let waiting = this.#asked.get(id)?.size ?? 0;
    for (const { isWaiting } of this.#invoked.get(id)?.values() ?? []) if (isWaiting) waiting += 1;
    return started - ended - waiting;
  }

  /**
   * Looks at how the run stands that a pass has invoked, and goes on accordingly: with the pass, with another run, or with nothing but what is
   * known of it. Null when the pass is over.
   * @param standing of the run that the pass invoked last; null: none yet
   */
  follow(task: Task, standing: InvokedStanding | null, writes: Write[]): Change | null {
    const node = task.nodeId === null ? undefined : this.graph.byId.get(task.nodeId);
    const passes = node && this.#passes.get(node.id);
    const record = node && this.#records.get(node.id);
    if (!node || !passes || !record || this.ended || !isInvoking(node)) return null;
    const parent = standing?.run.parent ?? null;
    const pass = { iteration: task.iteration, attempt: task.attempt };
    const expected = this.#invoked.get(node.id)?.get(task.iteration);
    if (standing === null || parent === null || parent.attempt < task.attempt) {
      // One that was made in this process may not be on disk yet.
      if (expected !== undefined && expected.attempt >= task.attempt) return null;
      const begun = this.#begun(node, passes.activation, task.iteration);
      return this.#followed(node, passes, record, pass, 1, begun, this.run.createdAt, writes);
    }
    // What was looked at before is settled, or being tried again.
    if (expected?.runId !== standing.run.id) return null;
    if (standing.ended === null) {
      this.#expect(node.id, task.iteration, { ...expected, isWaiting: standing.run.status === 'waiting' });
      if (passes.activation.iterates) this.#startPasses(node, passes, writes);
      this.#put(node, record, this.#statusOf(node, passes), null, record.failure);
      return this.advance(writes);
    }
    this.#unexpect(node.id, task.iteration);
    const next = this.#next(node, passes.activation, task.iteration, standing.ended);
    const used = addUsage(record.usage, usageOfRun(standing.run));
    const known = { ...record, usage: used };
    this.#records.set(node.id, known);
    const made = { iteration: task.iteration, attempt: parent.attempt };
    return this.#followed(node, passes, known, made, parent.ordinal + 1, next, standing.run.createdAt, writes);
  }

  /** Goes on with what a node that invokes has decided for a pass. */
  #followed(
    node: InvokingNode,
    passes: Passes,
    record: NodeRun,
    pass: Pass,
    ordinal: number,
    decided: Invocation | Ended,
    startedAt: number,
    writes: Write[],
  ): Change {
    if (decided.kind === 'invoke') {
      const refused = this.#invoke(node, pass, ordinal, decided, writes);
      if (refused === null) {
        const isLoop = !passes.activation.iterates && ordinal > 1;
        const rounds = isLoop ? { currentIteration: ordinal - 1, totalIterations: ordinal } : {};
        this.#put(node, { ...record, ...rounds }, this.#statusOf(node, passes), null, record.failure);
        return this.advance(writes);
      }
      return this.#finish(node, passes, record, pass, refused, this.#times(startedAt), writes);
    }
    return this.#finish(node, passes, record, pass, decided, this.#times(startedAt), writes);
  }

  #times(startedAt: number): { startedAt: number; finishedAt: number } {
    return { startedAt, finishedAt: this.#system.now() };
  }

  #begun(node: InvokingNode, activation: Activation, iteration: number): Invocation | Ended {
    try {
      return node.type.begin(this.#inputOf(node, activation, iteration), this.#passOf(node, iteration));
    } catch (error) {
      return { kind: 'failed', failure: internalFailure(error), retryable: false };
    }
  }

  #next(node: InvokingNode, activation: Activation, iteration: number, ended: EndedInvocation): Invocation | Ended {
    try {
      return node.type.next(this.#inputOf(node, activation, iteration), this.#passOf(node, iteration), ended);
    } catch (error) {
      return { kind: 'failed', failure: internalFailure(error), retryable: false };
    }
  }

  #passOf(node: InvokingNode, iteration: number): InvokingPass {
    const subflow = this.#subflows.get(node.subflowId ?? '');
    return { iteration, subflow: subflow ? socketsOf(subflow) : { name: '', inputs: [], outputs: [] } };
  }

  /** Makes the run that a pass goes on with. @returns why there is none */
  #invoke(node: InvokingNode, pass: Pass, ordinal: number, { input }: Invocation, writes: Write[]): Ended | null {
    const subflow = this.#subflows.get(node.subflowId ?? '');
    if (subflow === undefined) {
      const message = `The workflow ${node.subflowId ?? 'that is to be run'} is not known to this run.`;
      return { kind: 'failed', failure: { code: 'invalid_config', message }, retryable: false };
    }
    const depth = (this.run.parent?.depth ?? 0) + 1;
    if (depth > MAX_DEPTH) {
      const message = `"${subflow.name}" would be run ${depth} levels below the run that was started; ${MAX_DEPTH} are allowed.`;
      return { kind: 'failed', failure: { code: 'subflow_depth', message }, retryable: false };
    }
    const failure = inputFailure(subflow, input);
    if (failure !== null) return { kind: 'failed', failure, retryable: false };
    const now = this.#system.now();
    const child = this.#childOf(subflow, input, now, {
      runId: this.run.id,
      rootId: this.run.parent?.rootId ?? this.run.id,
      nodeId: node.id,
      ...pass,
      ordinal,
      depth,
      deadlineAt: node.timeoutMs === 0 ? null : now + node.timeoutMs,
    });
    // It goes as far as pure nodes lead in the same write: a turn of its own would cost a commit and a reading of what is at hand here.
    const active = new ActiveRun(child, subflow.graph, input, this.#system, this.#subflows);
    for (const write of active.advance()) {
      writes.push(write.kind === 'updateRun' ? { kind: 'createRun', run: write.run } : write);
    }
    const deadlineAt = active.ended ? null : child.parent!.deadlineAt;
    if (deadlineAt !== null) writes.push({ kind: 'addTask', task: { ...this.#turnOf(child.id), dueAt: deadlineAt } });
    this.#expect(node.id, pass.iteration, { runId: child.id, attempt: pass.attempt, ordinal, isWaiting: false });
    return null;
  }

  #childOf(subflow: Subflow, input: JsonObject, now: number, parent: Parent): Run {
    return {
      ...this.run,
      id: this.#system.newId(),
      kind: 'flow',
      workflowId: subflow.workflowId,
      workflowVersionId: subflow.versionId,
      versionPinned: false,
      status: 'queued',
      revision: 0,
      progress: 0,
      nodesTotal: subflow.graph.nodes.length,
      nodesCompleted: 0,
      createdAt: now,
      startedAt: null,
      finishedAt: null,
      source: 'subflow',
      nodeIds: null,
      singleNodeId: null,
      parent,
      input: JSON.stringify(input),
      output: null,
      failure: null,
      meta: null,
      context: null,
      clientRef: null,
      batchId: null,
      cost: null,
      costBreakdown: null,
      feedback: null,
    };
  }

  /** The turn of a run: it looks at what becomes of it. */
  #turnOf(runId: string): Task {
    const now = this.#system.now();
    const { workspaceId } = this.run;
    const id = this.#system.newId();
    return { id, workspaceId, runId, nodeId: null, iteration: 0, attempt: 1, dueAt: now, startOf: null, outputs: null };
  }

  #expect(nodeId: string, iteration: number, invoked: Invoked): void {
    const ofNode = this.#invoked.get(nodeId) ?? new Map<number, Invoked>();
    ofNode.set(iteration, invoked);
    this.#invoked.set(nodeId, ofNode);
  }

  #unexpect(nodeId: string, iteration: number): void {
    const ofNode = this.#invoked.get(nodeId);
    ofNode?.delete(iteration);
    if (ofNode?.size === 0) this.#invoked.delete(nodeId);
  }

  /** The status of a node that has not ended: `waiting` when all of its passes under way wait for persons. */
  #statusOf(node: GraphNode, passes: Passes): 'running' | 'waiting' {
    return this.#busy(node, passes) > 0 ? 'running' : 'waiting';
  }

  #finish(
    node: GraphNode,
    passes: Passes,
    record: NodeRun,
    task: Pass,
    outcome: Ended,
    times: MadePass,
    writes: Write[],
  ): Change {
    const warnings = [...record.warnings, ...(outcome.warnings ?? [])];
    const usage = addUsage(record.usage, outcome.usage ?? null);
    if (this.run.tracing) this.#keepAttempt(node, task, outcome, times, writes);
    const retry = this.#retry(node, task, outcome, warnings, usage, writes);
    if (retry) return this.advance(writes);

    const failure = outcome.kind === 'failed' ? { ...outcome.failure, nodeId: node.id } : null;
    const tolerated = failure === null ? null : toleratedOutputs(node, failure, task.iteration);
    if (tolerated !== null) warnings.push(toleratedWarning(failure!, task.iteration));
    const outputs =
      outcome.kind === 'succeeded'
        ? { ...outcome.outputs }
        : (tolerated ?? outputsOfFailure(node, failure!, this.#state));
    if (task.iteration === 0) {
      this.#passes.delete(node.id);
      const settled: NodeRun = {
        ...record,
        attempts: record.attempts + 1,
        currentIteration: record.totalIterations,
        startedAt: record.startedAt ?? times.startedAt,
        finishedAt: times.finishedAt,
        warnings: failure ? [...warnings, ...this.#continued(node, failure)] : warnings,
        usage,
        failure,
      };
      this.#put(node, settled, failure ? 'failed' : 'succeeded', outputs, failure);
    } else {
      const gained = { warnings, usage, isTolerated: tolerated !== null };
      this.#settlePass(node, passes, record, task, outputs, failure, times, gained, writes);
    }
    return this.advance(writes);
  }

  /** A try as a trace tells it. Of one that waited between its two turns, the first of them is when it began. */
  #keepAttempt(node: GraphNode, { iteration, attempt }: Pass, outcome: Ended, made: MadePass, writes: Write[]): void {
    writes.push({
      kind: 'putAttempt',
      workspaceId: this.run.workspaceId,
      runId: this.run.id,
      attempt: {
        nodeId: node.id,
        iteration,
        attempt,
        startedAt: made.startedAt,
        finishedAt: made.finishedAt,
        failure: outcome.kind === 'failed' ? { ...outcome.failure, nodeId: node.id } : null,
        usage: outcome.usage ?? null,
        modelCalls: made.modelCalls ?? [],
      },
    });
  }

  /** Takes in what a running node does inside. Null when the node does not run any more. */
  recordSteps(task: Task, steps: readonly NodeStep[], progress: StepProgress | null): Change | null {
    const nodeId = task.nodeId ?? '';
    if (this.ended || !this.#passes.has(nodeId)) return null;
    if (progress !== null) this.#steps = progress;
    for (const step of steps) {
      const id = stepRecordId(nodeId, step.id);
      this.#records.set(id, stepRecord(id, step));
      this.#dirty.add(id);
    }
    this.run = { ...this.run, revision: this.run.revision + 1, ...this.#counts() };
    return this.#record([], this.run.status);
  }

  #isPartial(): boolean {
    for (const { warnings } of this.#records.values()) if (warnings.some((warning) => warning.partial)) return true;
    return false;
  }

  #counts(): Pick<Run, 'nodesTotal' | 'nodesCompleted'> {
    if (this.#steps) return { nodesTotal: this.#steps.total, nodesCompleted: this.#steps.completed };
    let completed = 0;
    for (const node of this.#state.nodes.values()) if (isSettled(node.status)) completed += 1;
    return { nodesTotal: this.#state.selected.size, nodesCompleted: completed };
  }

  /**
   * What the run costs: by its price list, else what its nodes say they used.
   * @param durationMs how long it took; null: it did not succeed, which a price list charges nothing for
   */
  #charge(durationMs: number | null): Pick<Run, 'cost' | 'costBreakdown'> {
    const nodes: JsonObject = {};
    let used: Usage | null = null;
    let gpuMs = 0;
    const onGpu: GpuTime[] = [];
    for (const [nodeId, { usage, startedAt, finishedAt, warnings }] of this.#records) {
      // What another run did and this one took over was charged there.
      const isOwn = !warnings.some(({ params }) => params?.['taken_over_from'] !== undefined);
      const node = this.graph.byId.get(nodeId);
      if (isOwn && node?.type.effect && !isInvoking(node)) {
        const measured = gpuTimes(this.#state.nodes.get(nodeId)?.outputs ?? null);
        onGpu.push(...measured);
        gpuMs +=
          measured.length > 0
            ? measured.reduce((sum, { seconds }) => sum + Math.round(Number(seconds) * 1000), 0)
            : (finishedAt ?? 0) - (startedAt ?? finishedAt ?? 0);
      }
      if (usage === null) continue;
      used = addUsage(used, usage);
      nodes[nodeId] = { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens, cost: usage.cost };
    }
    const gpu = gpuCost(onGpu);
    const parts = used === null && gpu === null ? null : { ...(used === null ? {} : { nodes }), ...gpu?.parts };
    if (this.graph.pricing.length === 0) {
      return { cost: addedUp(used?.cost ?? null, gpu?.cost ?? null), costBreakdown: parts };
    }
    if (durationMs === null) return { cost: '0', costBreakdown: { ...parts, pricing: [], billed: false } };
    const { cost, lines } = priceOf(this.graph.pricing, {
      createdAt: this.run.createdAt,
      input: this.#input(),
      output: runOutput(this.graph, this.#state),
      usage: used,
      durationMs,
      gpuMs,
    });
    return { cost, costBreakdown: { ...parts, pricing: lines, billed: true } };
  }

  /** The values that entered the graph, by label. */
  #input(): JsonObject {
    const input: JsonObject = {};
    for (const node of this.graph.nodes) {
      const value = node.type.role === 'input' ? this.#state.nodes.get(node.id)?.outputs?.['output'] : undefined;
      if (value !== undefined) input[node.label ?? node.id] = value;
    }
    return input;
  }

  #begin(node: GraphNode, activation: Activation, writes: Write[]): void {
    if (node.type.effect && activation.total > 0) {
      this.#beginEffect(node, activation, writes);
      return;
    }
    const startedAt = this.#system.now();
    const run = node.type.effect ? undefined : node.type.run;
    const warnings = [...activation.warnings];
    const passes: (JsonObject | null)[] = [];
    let failure: Failure | null = null;
    for (let pass = 1; pass <= activation.total && run; pass += 1) {
      const outcome = runPure(run, this.#inputOf(node, activation, activation.iterates ? pass : 0));
      if (outcome.kind === 'succeeded') {
        warnings.push(...(outcome.warnings ?? []));
        passes.push(outcome.outputs);
        continue;
      }
      failure = {
        ...(outcome.kind === 'failed'
          ? outcome.failure
          : { code: 'internal', message: `The pure node type ${node.type.type} asked to wait.` }),
        nodeId: node.id,
      };
      const outputs = outputsOfFailure(node, failure, this.#state);
      if (outputs === null) break;
      warnings.push(...this.#continued(node, failure));
      passes.push(outputs);
    }
    const fatal = failure !== null && passes.length < activation.total;
    const outputs = fatal ? null : activation.iterates ? gather(node, passes) : passes[0]!;
    const record: NodeRun = {
      nodeId: node.id,
      status: failure ? 'failed' : 'succeeded',
      currentIteration: passes.length,
      totalIterations: activation.total,
      iterates: activation.iterates,
      attempts: activation.total,
      startedAt,
      finishedAt: this.#system.now(),
      inputs: JSON.stringify(activation.values),
      outputs: null,
      taken: null,
      failure,
      warnings,
      usage: null,
    };
    this.#put(node, record, record.status, outputs, failure);
  }

  #beginEffect(node: GraphNode, activation: Activation, writes: Write[]): void {
    const passes = newPasses(activation);
    this.#passes.set(node.id, passes);
    const record: NodeRun = {
      nodeId: node.id,
      status: 'running',
      currentIteration: 0,
      totalIterations: activation.total,
      iterates: activation.iterates,
      attempts: 0,
      startedAt: this.#system.now(),
      finishedAt: null,
      // The inputs of an iterating node are written once, at its end: rewriting a list of 10,000 items at each of them would take hours.
      inputs: activation.iterates ? null : JSON.stringify(activation.values),
      outputs: null,
      taken: null,
      failure: null,
      warnings: activation.warnings,
      usage: null,
    };
    this.#put(node, record, 'running', null, null);
    if (!activation.iterates) this.#startPass(node, passes, 0, writes);
    else this.#startPasses(node, passes, writes);
  }

  #startPasses(node: GraphNode, passes: Passes, writes: Write[]): void {
    while (passes.next <= passes.activation.total && this.#busy(node, passes) < node.concurrency) {
      this.#startPass(node, passes, passes.next, writes);
      passes.next += 1;
    }
  }

  /** A pass of a node that invokes begins with its run; one that cannot have any fails in a turn of its own, as every pass does. */
  #startPass(node: GraphNode, { activation }: Passes, iteration: number, writes: Write[]): void {
    if (isInvoking(node)) {
      const begun = this.#begun(node, activation, iteration);
      const pass = { iteration, attempt: 1 };
      if (begun.kind === 'invoke' && this.#invoke(node, pass, 1, begun, writes) === null) return;
    }
    writes.push({ kind: 'addTask', task: this.#task(node, iteration, 1, this.#system.now()) });
  }

  #settlePass(
    node: GraphNode,
    passes: Passes,
    record: NodeRun,
    task: Pass,
    outputs: JsonObject | null,
    failure: Failure | null,
    times: { startedAt: number; finishedAt: number },
    gained: { warnings: readonly Warning[]; usage: Usage | null; isTolerated: boolean },
    writes: Write[],
  ): void {
    const iteration: Iteration = {
      nodeId: node.id,
      iteration: task.iteration,
      status: failure ? 'failed' : 'succeeded',
      attempts: task.attempt,
      startedAt: times.startedAt,
      finishedAt: times.finishedAt,
      inputs: JSON.stringify(valuesOfPass(passes.activation, task.iteration)),
      outputs: outputs === null ? null : JSON.stringify(outputs),
      failure,
    };
    writes.push({ kind: 'putIteration', workspaceId: this.run.workspaceId, runId: this.run.id, iteration });
    passes.outputs[task.iteration - 1] = outputs;
    passes.ended += 1;
    const ended = passes.ended === passes.activation.total;
    const fatal = failure !== null && outputs === null;
    const anyFailure = gained.isTolerated ? record.failure : (failure ?? record.failure);
    const next: NodeRun = {
      ...record,
      attempts: record.attempts + 1,
      currentIteration: passes.ended,
      warnings:
        failure && !fatal && !gained.isTolerated
          ? [...gained.warnings, ...this.#continued(node, failure)]
          : gained.warnings,
      usage: gained.usage,
      failure: anyFailure,
    };
    if (!ended && !fatal) {
      this.#startPasses(node, passes, writes);
      this.#put(node, next, this.#statusOf(node, passes), null, anyFailure);
      return;
    }
    this.#passes.delete(node.id);
    const settled = {
      ...next,
      finishedAt: times.finishedAt,
      inputs: JSON.stringify(passes.activation.values),
    };
    const gathered = fatal ? null : gather(node, passes.outputs);
    this.#put(node, settled, anyFailure ? 'failed' : 'succeeded', gathered, anyFailure);
  }

  /** Whether the pass is tried again: a task for the next attempt, and a warning that says so. */
  #retry(
    node: GraphNode,
    task: Pass,
    outcome: Ended,
    warnings: readonly Warning[],
    usage: Usage | null,
    writes: Write[],
  ): boolean {
    if (outcome.kind !== 'failed' || task.attempt > node.retry.retries) return false;
    if (!isTriedAgain(node.retry, outcome.failure, outcome.retryable)) return false;
    const record = this.#records.get(node.id)!;
    const delay = Math.max(
      retryDelay(node.retry, task.attempt, this.#system.random()),
      Math.min(Math.ceil(outcome.retryAfterMs ?? 0), node.retry.maxDelayMs),
    );
    const detail = `Try ${task.attempt} of ${node.retry.retries + 1} failed: ${outcome.failure.message} Trying again in ${(delay / 1000).toFixed(1)} s.`;
    const warned: Warning = {
      identifier: 'retry_warning',
      detail,
      params: { attempt: task.attempt, iteration: task.iteration, delay_ms: delay },
    };
    this.#put(
      node,
      { ...record, attempts: record.attempts + 1, warnings: [...warnings, warned], usage },
      'running',
      null,
      record.failure,
    );
    writes.push({
      kind: 'addTask',
      task: this.#task(node, task.iteration, task.attempt + 1, this.#system.now() + delay),
    });
    return true;
  }

  #continued(node: GraphNode, failure: Failure): Warning[] {
    if (!node.continueOnError || isErrorRouted(node, this.#state)) return [];
    return [{ identifier: 'continue_on_error', detail: `The node failed and the run went on: ${failure.message}` }];
  }

  #settleFailed(node: GraphNode, failure: Failure, warnings: readonly Warning[], inputs: string | null): void {
    const now = this.#system.now();
    const outputs = outputsOfFailure(node, failure, this.#state);
    const record: NodeRun = {
      ...skippedRecord(node),
      startedAt: now,
      finishedAt: now,
      inputs,
      failure,
      warnings: [...warnings, ...(outputs ? this.#continued(node, failure) : [])],
    };
    this.#put(node, record, 'failed', outputs, failure);
  }

  /** Nodes that run when the run ends have no answer to give any more. */
  #cancelRunning(): void {
    for (const [id, record] of this.#records) {
      if (isSettled(record.status)) continue;
      const node = this.graph.byId.get(id);
      if (node === undefined) {
        this.#records.set(id, { ...record, status: 'canceled', finishedAt: this.#system.now() });
        this.#dirty.add(id);
        continue;
      }
      this.#passes.delete(id);
      this.#put(node, { ...record, finishedAt: this.#system.now() }, 'canceled', null, null);
    }
  }

  #isFatal(node: GraphNode): boolean {
    const state = this.#state.nodes.get(node.id);
    return state?.status === 'failed' && state.outputs === null;
  }

  #inputOf(node: GraphNode, activation: Activation, iteration: number): NodeInput {
    return {
      nodeId: node.id,
      config: bindTokens(node.config, activation.tokens),
      values: iteration === 0 ? activation.values : valuesOfPass(activation, iteration),
    };
  }

  #task(node: GraphNode, iteration: number, attempt: number, dueAt: number): Task {
    return {
      id: this.#system.newId(),
      workspaceId: this.run.workspaceId,
      runId: this.run.id,
      nodeId: node.id,
      iteration,
      attempt,
      dueAt,
      startOf: null,
      outputs: null,
    };
  }

  #put(
    node: GraphNode,
    record: NodeRun,
    status: NodeStatus,
    outputs: JsonObject | null,
    failure: Failure | null,
  ): void {
    this.#records.set(node.id, {
      ...record,
      warnings: keptWarnings(record.warnings),
      status,
      failure,
      outputs: outputs === null ? null : JSON.stringify(outputs),
      taken: outputs === null ? null : Object.keys(outputs),
    });
    this.#state.nodes.set(node.id, { status, iterates: record.iterates, outputs, failure });
    this.#dirty.add(node.id);
    const pause = { nodeId: node.id, when: 'after' } as const;
    if (outputs !== null && isSettled(status) && this.#debug?.has(pause)) this.#debug.hold(pause);
  }

  /**
   * Has the parent look at this run when it ends, and when it begins or ceases to wait. Its own steps are no events: whoever watches or searches looks
   * at the run at the root. Only what it asks of persons is told there at once.
   */
  #tellParent(parent: Parent, before: Run['status'], asked: readonly string[], writes: Write[]): void {
    const { workspaceId, id: runId, workflowId, status } = this.run;
    if (this.ended && parent.deadlineAt !== null) writes.push({ kind: 'endTasksOfRun', workspaceId, runId });
    if (this.ended || (status === 'waiting') !== (before === 'waiting')) {
      const { nodeId, iteration, attempt } = parent;
      const task = { ...this.#turnOf(parent.runId), nodeId, iteration, attempt };
      writes.push({ kind: 'addTask', task });
    }
    if (asked.length === 0 || this.run.callbackUrl === null) return;
    writes.push({
      kind: 'appendEvent',
      event: {
        workspaceId,
        runId: parent.rootId,
        workflowId,
        at: this.#system.now(),
        kind: 'advanced',
        data: { status: 'running', progress: 0, asked },
      },
    });
  }

  /** Closes a step: the node records that changed, the run, one event. */
  #record(writes: Write[], before: Run['status']): Change {
    const { workspaceId, id: runId } = this.run;
    const nodes: [string, NodeStatus][] = [];
    for (const nodeId of this.#dirty) {
      const nodeRun = this.#records.get(nodeId)!;
      nodes.push([nodeId, nodeRun.status]);
      writes.push({ kind: 'putNodeRun', workspaceId, runId, nodeRun });
      // The store keeps payloads it has when it is given none: holding their text in memory for the rest of the run serves nobody.
      this.#records.set(nodeId, { ...nodeRun, inputs: null, outputs: null });
    }
    this.#dirty = new Set();
    const asked = this.#newRequests;
    this.#newRequests = [];
    if (this.ended) this.#debug?.set({ pauses: [] });
    const session = this.#debug?.takeChanged() ?? null;
    if (session !== null) writes.push({ kind: 'putDebugSession', session });
    writes.push({ kind: 'updateRun', run: this.run, before });
    if (this.run.parent !== null) {
      this.#tellParent(this.run.parent, before, asked, writes);
      return writes;
    }
    writes.push({
      kind: 'appendEvent',
      event: {
        workspaceId,
        runId,
        workflowId: this.run.workflowId,
        at: this.run.finishedAt ?? this.#system.now(),
        kind: this.ended ? 'finished' : 'advanced',
        data: {
          status: this.run.status,
          progress: this.run.progress,
          nodes,
          ...(this.ended && isAwaited(this.run) ? { callback: true as const } : {}),
          ...(asked.length > 0 && this.run.callbackUrl !== null ? { asked } : {}),
        },
      },
    });
    return writes;
  }
}

type InvokingNode = GraphNode & { readonly type: InvokingNodeType };

function isInvoking(node: GraphNode): node is InvokingNode {
  return node.type.effect && node.type.invokes === true;
}

/** What a pass that failed for good delivers, so that its node goes on; null: it fails. */
function toleratedOutputs(node: GraphNode, failure: Failure, iteration: number): JsonObject | null {
  if (!isInvoking(node) || iteration === 0) return null;
  return node.type.outputsOfFailedPass?.(node.config, failure, iteration) ?? null;
}

function toleratedWarning({ message }: Failure, iteration: number): Warning {
  return {
    identifier: 'continue_on_error',
    detail: `Item ${iteration} failed and the others went on: ${message}`,
    params: { iteration },
  };
}

function keptWarnings(warnings: readonly Warning[]): readonly Warning[] {
  if (warnings.length <= WARNINGS_KEPT) return warnings;
  const detail = `There were more warnings than the ${WARNINGS_KEPT} that are kept of one node.`;
  return [...warnings.slice(0, WARNINGS_KEPT - 1), { identifier: 'general', detail }];
}

/** What the models of a run used, and what it cost. */
function usageOfRun({ cost, costBreakdown }: Run): Usage | null {
  const nodes = Object.values((costBreakdown?.['nodes'] ?? {}) as Record<string, JsonObject>);
  const sum = (name: string) => nodes.reduce((total, node) => total + Number(node[name] ?? 0), 0);
  if (cost === null && nodes.length === 0) return null;
  return { inputTokens: sum('input_tokens'), outputTokens: sum('output_tokens'), cost };
}

/** The sum of two amounts of money; null stands for none. */
function addedUp(left: string | null, right: string | null): string | null {
  return left === null || right === null ? (left ?? right) : new Big(left).plus(right).toFixed();
}

/** Whether somebody may want to be told when the run ends: its own receiver, or that of its batch. */
function isAwaited(run: Run): boolean {
  return run.callbackUrl !== null || run.batchId !== null;
}

/** A node type that throws has a fault of its own; the run fails with it instead of taking the process down. */
function runPure(run: (input: NodeInput) => Outcome, input: NodeInput): Outcome {
  try {
    return run(input);
  } catch (error) {
    return { kind: 'failed', failure: internalFailure(error), retryable: false };
  }
}

/** The failure of a node whose code threw. */
export function internalFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `The node broke off with an unexpected error: ${message}` };
}

function newPasses(activation: Activation): Passes {
  return { activation, outputs: new Array<JsonObject | null>(activation.total).fill(null), next: 1, ended: 0 };
}

function stepRecord(nodeId: string, step: NodeStep): NodeRun {
  const text = (value: JsonObject | null) => (value === null ? null : JSON.stringify(value));
  return {
    nodeId,
    status: step.status,
    currentIteration: step.finishedAt === null ? 0 : 1,
    totalIterations: 1,
    iterates: false,
    attempts: step.status === 'cached' ? 0 : 1,
    startedAt: step.startedAt,
    finishedAt: step.finishedAt,
    inputs: text(step.inputs),
    outputs: text(step.outputs),
    taken: null,
    failure: step.failure,
    warnings: [],
    usage: null,
  };
}

function skippedRecord(node: GraphNode): NodeRun {
  return {
    nodeId: node.id,
    status: 'skipped',
    currentIteration: 0,
    totalIterations: 1,
    iterates: false,
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    inputs: null,
    outputs: null,
    taken: null,
    failure: null,
    warnings: [],
    usage: null,
  };
}
