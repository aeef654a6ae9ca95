import { BlobMissing } from '../blobs/blobs.ts';
import { invalid, PlatformError } from '../domain/error.ts';
import type { RunEvent } from '../domain/event.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { Payload } from '../domain/payload.ts';
import { callerOf, FAILED_RUN, type Run } from '../domain/run.ts';
import type { Workflow } from '../domain/workflow.ts';
import type { Engine, NewRun } from '../engine/engine.ts';
import type { Graph } from '../engine/graph.ts';
import type { Payloads } from '../engine/payloads.ts';
import { resolveInput } from '../engine/run-input.ts';
import type { Change } from '../store/change.ts';
import { type Follower, follow } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import { errorHandlerRunId, spanIdOf } from '../system/derived-id.ts';
import type { Log } from '../system/log.ts';
import type { System } from '../system/system.ts';
import type { Workflows } from './workflows.ts';

/** `Run.source` of the runs that handle errors. */
const ERROR_HANDLER_SOURCE = 'error_handler';

/** The name that the position in the log is kept under; the migration that brought error handlers set it to the end of the log. */
const FOLLOWER = 'error_handlers';

/** Events passed by before the position is kept although none of them was a failure: a sync less per batch, for some 20 ms of reading at a start. */
const KEEP_POSITION_EVERY = 5_000;

/** The name of the input that is given all facts at once. */
const ALL_FACTS = 'failed_run';

/**
 * Whether the failure of a run is handed to its workflow's error handler; the one place that says so. A handler's own runs never are, so that a failing
 * handler starts no other: neither those that were started for it, nor repetitions of them, nor runs of a workflow of that type, nor those that their agents call. A node that somebody
 * tries alone fails before their eyes. What fails below another run is that run's to deal with.
 */
function isHandled(run: Run, workflow: Workflow): boolean {
  const isHandler =
    run.source === ERROR_HANDLER_SOURCE ||
    workflow.type === 'handler' ||
    run.context?.[FAILED_RUN] !== undefined ||
    callerOf(run)[FAILED_RUN] !== undefined;
  return !isHandler && run.singleNodeId === null && run.parent === null;
}

/**
 * Starts the error handler of a workflow when a run of it fails: once for each failed run.
 *
 * Follows the log. The handler's run is written together with the follower's position, under an id that follows from the failed run's, so that neither a crash nor
 * a position that was lost makes it twice. What keeps a handler from being started is written to the log of the failed run and not tried again.
 */
export class ErrorHandlers {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #payloads: Payloads;
  readonly #system: System;
  readonly #log: Log;
  #follower: Follower | undefined;
  /** The follower's position as last seen in the store. */
  #kept = 0;

  constructor(parts: {
    store: Store;
    engine: Engine;
    workflows: Workflows;
    payloads: Payloads;
    system: System;
    log: Log;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#payloads = parts.payloads;
    this.#system = parts.system;
    this.#log = parts.log;
  }

  /** Begins where the last process stopped. */
  async start(): Promise<void> {
    this.#kept = await this.#store.followerPosition(FOLLOWER);
    this.#follower = follow(
      this.#store,
      this.#kept,
      (events) => this.#take(events),
      (error) => this.#log.error({ err: error }, 'error handlers could not be started; trying again'),
    );
  }

  /** Ends after what is in hand. */
  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  async #take(events: readonly RunEvent[]): Promise<void> {
    const failures = events.filter(
      ({ kind, data }) => kind === 'finished' && data.status === 'failed' && !data.imported,
    );
    for (const event of failures) await this.#handle(event);
    const last = events.at(-1)?.position ?? this.#kept;
    // A failure that was passed by is never looked at again: a handler that is set tomorrow is not for the errors of today.
    if (failures.length > 0 || last - this.#kept >= KEEP_POSITION_EVERY) await this.#keep(last, () => []);
  }

  async #handle({ workspaceId, runId, position }: RunEvent): Promise<void> {
    const run = await this.#store.getRun(workspaceId, runId);
    const workflow = run && (await this.#store.getWorkflow(workspaceId, run.workflowId));
    if (!run || !workflow || workflow.errorHandlerId === null || !isHandled(run, workflow)) return;
    const id = errorHandlerRunId(run.id);
    if ((await this.#store.getRun(workspaceId, id)) !== null) return;
    try {
      await this.#start(run, await this.#prepare(run, workflow, workflow.errorHandlerId, id), position);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      await this.#keep(position, () => [this.#notStarted(run, workflow, error)]);
    }
  }

  /** @throws PlatformError when a workflow that the handler invokes is not there, or cannot run */
  async #start({ workspaceId, id: runId }: Run, newRun: NewRun & { readonly id: string }, position: number) {
    for (;;) {
      const before = await this.#store.followerPosition(FOLLOWER);
      if (before >= position) return;
      const link: Change = [
        { kind: 'followed', follower: FOLLOWER, position, before },
        { kind: 'setErrorHandlerRun', workspaceId, runId, handlerRunId: newRun.id },
      ];
      if ((await this.#engine.enqueueAll([newRun], () => link)) === null) continue;
      this.#kept = position;
      return;
    }
  }

  /** @throws PlatformError when the handler is not there, or cannot run with what is known of a failure */
  async #prepare(
    run: Run,
    workflow: Workflow,
    handlerId: string,
    id: string,
  ): Promise<NewRun & { readonly id: string }> {
    const { workflow: handler, version } = await this.#workflows.runnable(run, handlerId, null);
    const graph = this.#engine.graphOf(version);
    const input = asked(graph, await this.#factsOf(run, workflow));
    const { problems } = resolveInput(graph, { nodeIds: null, singleNodeId: null }, input);
    if (problems.length > 0) throw invalid(problems);
    return {
      id,
      kind: handler.kind,
      version,
      versionPinned: false,
      input,
      nodeIds: null,
      singleNodeId: null,
      source: ERROR_HANDLER_SOURCE,
      meta: null,
      context: { [FAILED_RUN]: run.id, failed_workflow_id: workflow.id },
      clientRef: null,
      batchId: null,
      requestId: null,
      dialect: run.dialect,
      callbackUrl: null,
      apiKeyId: run.apiKeyId,
      tracing: run.tracing,
      trace: run.trace && { traceId: run.trace.traceId, parentSpanId: spanIdOf(run.id, {}) },
      debugger: null,
    };
  }

  /** What is known of a run that failed, by name. */
  async #factsOf(run: Run, workflow: Workflow): Promise<JsonObject> {
    const { code, message, nodeId } = run.failure ?? {};
    const node = nodeId === undefined ? null : await this.#store.getNodeRun(run.workspaceId, run.id, nodeId);
    const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
    return {
      run_id: run.id,
      workflow_id: workflow.id,
      workflow_name: workflow.name,
      status: run.status,
      error: { code: code ?? null, message: message ?? null, node_id: nodeId ?? null },
      input: await this.#valueOf(run, run.input),
      output: await this.#valueOf(run, run.output),
      started_at: time(run.startedAt),
      finished_at: time(run.finishedAt),
      attempts: node?.attempts ?? 0,
    };
  }

  async #valueOf(run: Run, payload: Payload | null): Promise<JsonValue> {
    try {
      return await this.#payloads.parse(payload);
    } catch (error) {
      // One lost file must not keep every later failure from being handled.
      if (!(error instanceof BlobMissing)) throw error;
      this.#log.error(
        { err: error, runId: run.id },
        'a payload of a failed run is lost; its error handler goes without',
      );
      return null;
    }
  }

  #notStarted(run: Run, { errorHandlerId }: Workflow, error: PlatformError): Change[number] {
    const reasons = error.problems.length === 0 ? [error.message] : error.problems.map((problem) => problem.message);
    const message = `The error handler ${errorHandlerId} was not started: ${reasons.join(' ')}`;
    this.#log.warn(
      { runId: run.id, workflowId: run.workflowId, err: error.message },
      'an error handler was not started',
    );
    const place = { id: this.#system.newId(), runId: run.id, nodeId: null, iteration: 0 };
    return {
      kind: 'appendLog',
      workspaceId: run.workspaceId,
      log: { ...place, level: 'error', message, at: this.#system.now(), meta: null },
    };
  }

  /** Keeps a position with what was made of the events up to it, unless somebody else has. */
  async #keep(position: number, make: () => Change): Promise<void> {
    for (;;) {
      const before = await this.#store.followerPosition(FOLLOWER);
      this.#kept = Math.max(before, position);
      if (before >= position) return;
      const followed = { kind: 'followed', follower: FOLLOWER, position, before } as const;
      if ((await this.#store.commit([followed, ...make()])) === 'kept') return;
    }
  }
}

/**
 * Of all facts those that a workflow has inputs for, and all of them under one name when it has one for that. What is not known is left out. An
 * input for texts gets an object as JSON.
 */
function asked(graph: Graph, facts: JsonObject): JsonObject {
  const inputs = graph.nodes.filter((node) => node.type.role === 'input');
  const given: JsonObject = {};
  for (const [name, value] of Object.entries({ ...facts, [ALL_FACTS]: facts })) {
    const input = inputs.find(({ label, name: own, id }) => [label, own, id].includes(name));
    if (input === undefined || value === null) continue;
    given[name] = input.config['type'] === 'str' && typeof value === 'object' ? JSON.stringify(value) : value;
  }
  return given;
}
