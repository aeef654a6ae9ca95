import { createHash } from 'node:crypto';
import type { ModelCallRecord } from '../domain/attempt.ts';
import type { Credential } from '../domain/credential.ts';
import type { Failure } from '../domain/failure.ts';
import type { Run } from '../domain/run.ts';
import type { Lease } from '../domain/task.ts';
import { traceparentOf } from '../domain/trace.ts';
import type { CodeAccess } from '../nodes/code/sandbox.ts';
import type {
  ComfyuiServer,
  EffectNodeType,
  ModelAccess,
  NodeContext,
  NodeFiles,
  NodeInput,
  Outcome,
  WorkflowCall,
  WorkflowCallEnd,
} from '../nodes/node-type.ts';
import type { Store } from '../store/store.ts';
import { spanIdOf } from '../system/derived-id.ts';
import type { HttpClient } from '../system/http-client.ts';
import type { Log } from '../system/log.ts';
import { SealBroken } from '../system/sealing.ts';
import type { System } from '../system/system.ts';
import { internalFailure } from './active-run.ts';
import type { Engine } from './engine.ts';
import type { GraphNode } from './graph.ts';
import type { ContentStream, LiveContent } from './live-content.ts';
import { redactedContent } from './redacted-content.ts';
import type { Redactor } from './redactor.ts';
import { WorkflowCalls } from './workflow-calls.ts';

/** Grace for a node that does not heed its signal, at its timeout or when it is aborted, before the worker stops listening to it. */
const DEAF_GRACE_MS = 2_000;

/** How often a worker looks at its leases in the time of one; it renews them at every second look. */
const LOOKS_PER_LEASE = 6;

/**
 * Milliseconds after which a lease is asked about before a node touches the world. What a store that crashed gave out last it may give to another when it
 * is back, and whoever waited for it meanwhile would do again what that one has done.
 */
const SURE_MS = 300;

/** Model calls of one try that are kept: more than any agent makes, few enough for a row. */
const MODEL_CALLS_KEPT = 1_000;

/** What effects may use of the world. */
export interface WorkerTools {
  readonly http: HttpClient;
  /** The models that a workspace may use. */
  modelsOf(workspaceId: string): Promise<ModelAccess>;
  /** See `NodeContext.credential`. */
  credentialOf(workspaceId: string, nameOrId: string): Promise<Credential | null>;
  /** Takes the secrets of a workspace out of what its nodes say; null: it has none. */
  redactorOf(workspaceId: string): Promise<Redactor | null>;
  readonly comfyui: readonly ComfyuiServer[];
  readonly gpuRates: NodeContext['gpuRates'];
  readonly code: CodeAccess;
  readonly content: LiveContent;
  /** Whether what models are asked and answer is kept of runs that are traced; left out, it is not. */
  readonly tracesContent?: boolean;
  filesOf(workspaceId: string): NodeFiles;
}

/** What is taken out of what one pass says. */
interface Said {
  redactor: Redactor | null;
}

/** What one pass has besides its input. */
interface Pass {
  readonly abort: AbortController;
  readonly models: ModelAccess;
  readonly said: Said;
  readonly tracing: NodeContext['tracing'];
}

interface Running {
  readonly lease: Lease;
  readonly abort: AbortController;
  readonly done: Promise<void>;
  /** Epoch milliseconds. */
  readonly takenAt: number;
  /** Until when nobody else is given the task, epoch milliseconds. */
  heldUntil: number;
  /** Whether somebody else may have the task by now: what comes of it here is nobody's to take in. */
  isLost: boolean;
}

export interface WorkerParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly system: System;
  readonly tools: WorkerTools;
  readonly log: Log;
  /** Effects that run at the same time. */
  readonly concurrency: number;
}

/** Runs tasks that were claimed, keeps their leases, and hands their outcomes to the engine. Which tasks, a dispatcher says. One a process. */
export class Worker {
  /** Places that there are. */
  readonly concurrency: number;
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #system: System;
  readonly #tools: WorkerTools;
  readonly #log: Log;
  readonly #running = new Map<string, Running>();
  readonly #calls: WorkflowCalls;
  /** Tasks in hand that wait for a workflow that they called. */
  readonly #calling = new Map<string, number>();
  /** Tasks in hand by workspace. */
  readonly #held = new Map<string, number>();
  readonly #roomListeners = new Set<() => void>();
  readonly #unsubscribe: () => void;
  readonly #renewal: NodeJS.Timeout;
  #stopping = false;
  #looks = 0;

  constructor(parts: WorkerParts) {
    this.concurrency = parts.concurrency;
    this.#engine = parts.engine;
    this.#store = parts.store;
    this.#system = parts.system;
    this.#tools = parts.tools;
    this.#log = parts.log;
    this.#calls = new WorkflowCalls(parts);
    this.#unsubscribe = this.#engine.onEnd((runId) => {
      for (const running of this.#running.values()) {
        if (running.lease.task.runId === runId) running.abort.abort(new Error('The run has ended.'));
      }
    });
    this.#renewal = setInterval(() => this.#keepLeases(), this.#store.leaseMs / LOOKS_PER_LEASE);
  }

  /** Tasks in hand. */
  get busy(): number {
    return this.#running.size;
  }

  /** Places that are free. Tasks that wait for a workflow hold none: it may need one to come to its end. */
  get room(): number {
    return this.concurrency - this.#running.size + this.#calling.size;
  }

  /** Tasks in hand by workspace. */
  get held(): ReadonlyMap<string, number> {
    return this.#held;
  }

  /** Calls `listener` whenever a place has become free. */
  onRoom(listener: () => void): void {
    this.#roomListeners.add(listener);
  }

  /**
   * Runs a claimed task to its end, also beyond the places there are: it is the dispatcher that heeds them. Resolves when it is done with, however
   * that went; whatever it has made due is in the store by then.
   * @param heldUntil when the lease runs out unless it is renewed, epoch milliseconds
   */
  take(lease: Lease, heldUntil: number): Promise<void> {
    const abort = new AbortController();
    const takenAt = heldUntil - this.#store.leaseMs;
    // Given out twice: the earlier lease is worth nothing, whether or not it has run out.
    const earlier = this.#running.get(lease.task.id);
    if (earlier) this.#lose(earlier);
    const done = this.#run(lease, abort)
      .catch((error) =>
        this.#log.error({ err: error, runId: lease.task.runId, nodeId: lease.task.nodeId }, 'a task failed'),
      )
      .finally(() => {
        if (this.#running.get(lease.task.id)?.lease === lease) this.#running.delete(lease.task.id);
        this.#count(lease.task.workspaceId, -1);
        this.#tellRoom();
      });
    this.#running.set(lease.task.id, { lease, abort, done, takenAt, heldUntil, isLost: false });
    this.#count(lease.task.workspaceId, 1);
    return done;
  }

  /** Waits up to `graceMs` for the tasks in hand; then gives the rest back, to be run again by whoever comes next. To be given none any more. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#unsubscribe();
    const all = () => Promise.allSettled([...this.#running.values()].map((running) => running.done));
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, graceMs);
    await Promise.race([all(), grace.promise]);
    clearTimeout(timer);
    clearInterval(this.#renewal);
    const left = [...this.#running.values()];
    await this.#store.returnLeases(left.map((running) => running.lease)).catch((error) => {
      this.#log.warn(
        { err: error, tasks: left.length },
        'tasks could not be given back; others take them when their leases run out',
      );
    });
    for (const running of left) running.abort.abort(new Error('The platform stops.'));
    await all();
  }

  #tellRoom(): void {
    for (const listener of this.#roomListeners) listener();
  }

  #count(workspaceId: string, by: number): void {
    const held = (this.#held.get(workspaceId) ?? 0) + by;
    if (held === 0) this.#held.delete(workspaceId);
    else this.#held.set(workspaceId, held);
  }

  async #run(lease: Lease, abort: AbortController): Promise<void> {
    if (lease.task.nodeId === null) {
      // A run that has ended has no turn to take.
      if ((await this.#engine.advance(lease)) === 'stale') await this.#engine.drop(lease);
      return;
    }
    const startedAt = this.#system.now();
    const modelCalls: ModelCallRecord[] = [];
    const outcome = await this.#outcome(lease, abort, modelCalls);
    // Given back, lost or stopped: whoever has the task now will settle it.
    const running = this.#running.get(lease.task.id);
    const isOurs = running?.lease === lease && !running.isLost && !(this.#stopping && abort.signal.aborted);
    if (outcome === null || !isOurs) return;
    await this.#engine.settle(lease, outcome, { startedAt, finishedAt: this.#system.now(), modelCalls });
  }

  /** @param modelCalls takes those that are made, of a run that is traced */
  async #outcome(lease: Lease, abort: AbortController, modelCalls: ModelCallRecord[]): Promise<Outcome | null> {
    if (lease.task.outputs !== null) {
      return { kind: 'succeeded', outputs: await this.#engine.outputsOf(lease) };
    }
    const work = await this.#engine.inputFor(lease);
    if (work === null) {
      await this.#engine.drop(lease);
      return null;
    }
    const { type } = work.node;
    if (type.effect && type.invokes === true) {
      if ((await this.#engine.follow(lease)) === 'stale') await this.#engine.drop(lease);
      return null;
    }
    if (!type.effect) return { kind: 'failed', failure: internalFailure('a pure node was queued'), retryable: false };
    const { workspaceId } = lease.task;
    const models = await this.#tools.modelsOf(workspaceId);
    const said: Said = { redactor: await this.#tools.redactorOf(workspaceId) };
    if (!(await this.#isStillOurs(lease))) return null;
    const deadline = this.#atDeadline(work.run);
    const tracing = this.#tracingOf(lease, work.run, said, modelCalls);
    const outcome = await this.#runEffect(type, work.input, lease, work.node, { abort, models, said, tracing }).finally(
      () => clearTimeout(deadline),
    );
    return said.redactor === null ? outcome : said.redactor.outcome(outcome);
  }

  /** Whether nobody else has been given a task by now: asked when there was time for that. */
  async #isStillOurs(lease: Lease): Promise<boolean> {
    const running = this.#running.get(lease.task.id);
    if (running === undefined || running.lease !== lease || running.isLost) return false;
    const now = this.#system.now();
    if (!this.#store.isShared || now < running.takenAt + SURE_MS) return true;
    return (await this.#store.renewLeases([lease], now, this.#store.leaseMs)).length === 0;
  }

  #tracingOf({ task }: Lease, run: Run, said: Said, modelCalls: ModelCallRecord[]): NodeContext['tracing'] {
    if (run.trace === null) return null;
    const { nodeId, iteration, attempt } = task;
    const spanId = spanIdOf(run.id, { nodeId: nodeId ?? '', iteration, attempt });
    return {
      traceparent: traceparentOf(run.trace.traceId, spanId, run.tracing),
      keepsContent: run.tracing && this.#tools.tracesContent === true,
      modelCall: (call) => {
        if (!run.tracing || modelCalls.length >= MODEL_CALLS_KEPT) return;
        const { redactor } = said;
        const clean = (text: string) => redactor?.text(text) ?? text;
        const failure = call.failure && { ...call.failure, message: clean(call.failure.message) };
        const exchange = call.said && { input: clean(call.said.input), output: clean(call.said.output) };
        modelCalls.push({ ...call, failure, said: exchange });
      },
    };
  }

  /** The turn that ends a run at its time waits for a place, and all of them may be held by what is to be ended. */
  #atDeadline({ workspaceId, id, parent }: Run): NodeJS.Timeout | undefined {
    if (parent === null || parent.deadlineAt === null) return undefined;
    const expire = () => {
      this.#engine.expire(workspaceId, id).catch((error) => {
        this.#log.warn({ err: error, runId: id }, 'a run whose time is over ends when its turn comes');
      });
    };
    return setTimeout(expire, Math.max(0, parent.deadlineAt - this.#system.now()));
  }

  async #runEffect(
    type: EffectNodeType,
    input: NodeInput,
    lease: Lease,
    node: GraphNode,
    pass: Pass,
  ): Promise<Outcome> {
    const { timeoutMs } = node;
    const { abort } = pass;
    const timeout = AbortSignal.timeout(timeoutMs);
    const { runId, nodeId, iteration } = lease.task;
    const content = redactedContent(this.#tools.content.open(runId, nodeId ?? '', iteration), () => pass.said.redactor);
    const context = this.#context(lease, node, AbortSignal.any([abort.signal, timeout]), pass, content);
    const deaf = Promise.withResolvers<Outcome>();
    const timedOut: Failure = {
      code: 'timeout',
      message: `The node did not answer within ${timeoutMs / 1000} s. Raise its node_timeout if it needs longer.`,
    };
    const giveUp = () => deaf.resolve({ kind: 'failed', failure: timedOut, retryable: true });
    const timer = setTimeout(giveUp, timeoutMs + DEAF_GRACE_MS);
    // Nobody takes the outcome of an aborted pass: giving up on it frees its place, and lets the worker stop.
    let abortTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      abortTimer = setTimeout(giveUp, DEAF_GRACE_MS);
    };
    abort.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const outcome = await Promise.race([type.run(input, context), deaf.promise]);
      if (outcome.kind === 'failed' && timeout.aborted) return { ...outcome, failure: timedOut, retryable: true };
      return outcome;
    } catch (error) {
      if (timeout.aborted) return { kind: 'failed', failure: timedOut, retryable: true };
      const failure: Failure =
        error instanceof SealBroken ? { code: 'not_configured', message: error.message } : internalFailure(error);
      return { kind: 'failed', failure, retryable: false };
    } finally {
      content.end();
      clearTimeout(timer);
      clearTimeout(abortTimer);
      abort.signal.removeEventListener('abort', onAbort);
    }
  }

  /** All that a node says goes through here or is its outcome: nothing of it gets further with a secret in it. */
  #context(
    lease: Lease,
    node: GraphNode,
    signal: AbortSignal,
    { abort, models, said, tracing }: Pass,
    content: ContentStream,
  ): NodeContext {
    const { workspaceId, runId, nodeId, iteration, attempt } = lease.task;
    const ended = abort.signal;
    const files = this.#tools.filesOf(workspaceId);
    return {
      workspaceId,
      runId,
      attempt,
      iteration,
      idempotencyKey: createHash('sha256').update(`${runId} ${nodeId} ${iteration} ${attempt}`).digest('base64url'),
      signal,
      now: () => this.#system.now(),
      log: (level, message, meta) => {
        if (ended.aborted) return;
        const { redactor } = said;
        if (redactor === null) this.#engine.log(lease, level, message, meta ?? null);
        else this.#engine.log(lease, level, redactor.text(message), meta === undefined ? null : redactor.value(meta));
      },
      redact: (text) => said.redactor?.text(text) ?? text,
      steps: (steps, progress) => {
        if (ended.aborted) return;
        const { redactor } = said;
        this.#engine.recordSteps(lease, redactor ? steps.map((step) => redactor.step(step)) : steps, progress);
      },
      runWorkflow: (call) =>
        this.#call(lease, { ...call, input: said.redactor?.values(call.input) ?? call.input }, ended),
      stream: (text, isAnew) => {
        if (!signal.aborted) content.write(text, isAnew ?? false);
      },
      tracing,
      http: this.#tools.http,
      files: {
        read: (id) => files.read(id),
        save: (file) => files.save(said.redactor ? { ...file, bytes: said.redactor.bytes(file.bytes) } : file),
      },
      models,
      credentialIds: node.credentialIds,
      credential: async (nameOrId) => {
        const credential = await this.#tools.credentialOf(workspaceId, nameOrId);
        // It may be newer than the pass.
        said.redactor = await this.#tools.redactorOf(workspaceId);
        return credential;
      },
      comfyui: this.#tools.comfyui,
      gpuRates: this.#tools.gpuRates,
      code: this.#tools.code,
    };
  }

  async #call(lease: Lease, call: WorkflowCall, ended: AbortSignal): Promise<WorkflowCallEnd> {
    const { id } = lease.task;
    this.#calling.set(id, (this.#calling.get(id) ?? 0) + 1);
    this.#tellRoom();
    try {
      return await this.#calls.run(lease.task, call, ended);
    } finally {
      const left = (this.#calling.get(id) ?? 1) - 1;
      if (left === 0) this.#calling.delete(id);
      else this.#calling.set(id, left);
    }
  }

  /** Renews the leases now and then, and lets go of what may be another's by now: a worker that is cut off hears of it from nobody. */
  #keepLeases(): void {
    const latest = this.#system.now() + this.#store.leaseMs / LOOKS_PER_LEASE;
    for (const running of this.#running.values()) if (running.heldUntil <= latest) this.#lose(running);
    this.#looks += 1;
    if (this.#looks % 2 === 0) return;
    this.#renew().catch((error) => this.#log.error({ err: error }, 'renewing leases failed'));
  }

  async #renew(): Promise<void> {
    const { leaseMs } = this.#store;
    const now = this.#system.now();
    const renewed = [...this.#running.values()];
    const lost = await this.#store.renewLeases(
      renewed.map((running) => running.lease),
      now,
      leaseMs,
    );
    const isLost = new Set(lost.map((lease) => lease.task.id));
    for (const running of renewed) {
      if (isLost.has(running.lease.task.id)) this.#lose(running);
      else running.heldUntil = Math.max(running.heldUntil, now + leaseMs);
    }
  }

  #lose(running: Running): void {
    running.isLost = true;
    running.abort.abort(new Error('The lease was lost.'));
  }
}
