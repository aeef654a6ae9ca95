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
import { type Engine, LEASE_MS } from './engine.ts';
import type { GraphNode } from './graph.ts';
import type { ContentStream, LiveContent } from './live-content.ts';
import { redactedContent } from './redacted-content.ts';
import type { Redactor } from './redactor.ts';
import { WorkflowCalls } from './workflow-calls.ts';

/** Longest sleep between two looks at the queue: bounds what a missed wake-up costs. */
const MAX_SLEEP_MS = 5_000;

/** Grace for a node that does not heed its signal, at its timeout or when it is aborted, before the worker stops listening to it. */
const DEAF_GRACE_MS = 2_000;

/**
 * One of so many places is kept for workspaces that have none: little enough to cost a busy workspace hardly anything, enough that several newcomers
 * find one. A worker of less than two places has none to keep.
 */
const RESERVED_SHARE = 8;

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
}

/** Claims due tasks, runs them, and hands their outcomes to the engine. One a process. */
export class Worker {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #system: System;
  readonly #tools: WorkerTools;
  readonly #log: Log;
  readonly #concurrency: number;
  readonly #running = new Map<string, Running>();
  readonly #calls: WorkflowCalls;
  /** Tasks in hand that wait for a workflow that they called. */
  readonly #calling = new Map<string, number>();
  /** Tasks in hand by workspace. */
  readonly #held = new Map<string, number>();
  readonly #unsubscribe: (() => void)[];
  readonly #renewal: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  /** The look under way. */
  #looking: Promise<void> | null = null;
  #again = false;
  #stopping = false;

  constructor(parts: {
    engine: Engine;
    store: Store;
    system: System;
    tools: WorkerTools;
    log: Log;
    /** Effects that run at the same time. */
    concurrency: number;
  }) {
    this.#engine = parts.engine;
    this.#store = parts.store;
    this.#system = parts.system;
    this.#tools = parts.tools;
    this.#log = parts.log;
    this.#concurrency = parts.concurrency;
    this.#calls = new WorkflowCalls(parts);
    this.#unsubscribe = [
      this.#store.onLog(() => this.#look()),
      this.#engine.onEnd((run) => {
        for (const running of this.#running.values()) {
          if (running.lease.task.runId === run.id) running.abort.abort(new Error('The run has ended.'));
        }
      }),
    ];
    this.#renewal = setInterval(() => void this.#renew(), LEASE_MS / 3);
    this.#look();
  }

  /** Tasks in hand. */
  get busy(): number {
    return this.#running.size;
  }

  /**
   * Takes no more tasks and waits up to `graceMs` for those in hand; then gives the rest back, to be run again by whoever comes next.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#looking;
    clearTimeout(this.#timer);
    const all = () => Promise.allSettled([...this.#running.values()].map((running) => running.done));
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, graceMs);
    await Promise.race([all(), grace.promise]);
    clearTimeout(timer);
    clearInterval(this.#renewal);
    const left = [...this.#running.values()];
    await this.#store.returnLeases(left.map((running) => running.lease));
    for (const running of left) running.abort.abort(new Error('The platform stops.'));
    await all();
  }

  /** Looks for due tasks now, or right after the look that is under way. */
  #look(): void {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#claim()
      .catch((error) => this.#log.error({ err: error }, 'claiming tasks failed'))
      .finally(() => {
        this.#looking = null;
        if (!this.#again || this.#stopping) return;
        this.#again = false;
        this.#look();
      });
  }

  async #claim(): Promise<void> {
    // Before anything that may fail or find nothing: the leases of a worker that died elsewhere run out without a sign.
    this.#sleep(MAX_SLEEP_MS);
    while (!this.#stopping) {
      // Those that wait for a workflow hold no place: it may need one to come to its end.
      const limit = this.#concurrency - this.#running.size + this.#calling.size;
      // A full worker looks again when one of its tasks ends.
      if (limit <= 0) return;
      const reserved = this.#concurrency < 2 ? 0 : Math.ceil(this.#concurrency / RESERVED_SHARE);
      const now = this.#system.now();
      const leases = await this.#store.claimTasks({ limit, now, leaseMs: LEASE_MS, reserved, held: this.#held });
      if (this.#stopping) {
        await this.#store.returnLeases(leases);
        return;
      }
      for (const lease of leases) this.#start(lease);
      if (leases.length < limit) break;
    }
    if (this.#stopping) return;
    const dueAt = await this.#store.nextTaskDueAt();
    if (dueAt !== null) this.#sleep(Math.min(MAX_SLEEP_MS, Math.max(1, dueAt - this.#system.now())));
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #start(lease: Lease): void {
    const abort = new AbortController();
    const done = this.#run(lease, abort)
      .catch((error) =>
        this.#log.error({ err: error, runId: lease.task.runId, nodeId: lease.task.nodeId }, 'a task failed'),
      )
      .finally(() => {
        this.#running.delete(lease.task.id);
        this.#count(lease.task.workspaceId, -1);
        if (!this.#stopping) this.#look();
      });
    this.#running.set(lease.task.id, { lease, abort, done });
    this.#count(lease.task.workspaceId, 1);
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
    // Given back or stopped: whoever has the task now will settle it.
    if (outcome === null || (this.#stopping && abort.signal.aborted)) return;
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
    const deadline = this.#atDeadline(work.run);
    const tracing = this.#tracingOf(lease, work.run, said, modelCalls);
    const outcome = await this.#runEffect(type, work.input, lease, work.node, { abort, models, said, tracing }).finally(
      () => clearTimeout(deadline),
    );
    return said.redactor === null ? outcome : said.redactor.outcome(outcome);
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
    this.#look();
    try {
      return await this.#calls.run(lease.task, call, ended);
    } finally {
      const left = (this.#calling.get(id) ?? 1) - 1;
      if (left === 0) this.#calling.delete(id);
      else this.#calling.set(id, left);
    }
  }

  async #renew(): Promise<void> {
    try {
      const leases = [...this.#running.values()].map((running) => running.lease);
      const lost = await this.#store.renewLeases(leases, this.#system.now(), LEASE_MS);
      for (const lease of lost) this.#running.get(lease.task.id)?.abort.abort(new Error('The lease was lost.'));
    } catch (error) {
      this.#log.error({ err: error }, 'renewing leases failed');
    }
  }
}
