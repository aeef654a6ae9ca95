import type { Readable } from 'node:stream';
import { callbackUrlProblem } from '../callbacks/callback-url.ts';
import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import type { RunEvent } from '../domain/event.ts';
import type { JsonObject, JsonValue } from '../domain/json.ts';
import type { Iteration, NodeRun, NodeStatus } from '../domain/node-run.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { type Dialect, type Feedback, isTerminal, type Run, type Usage } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { TraceContext } from '../domain/trace.ts';
import { WORKFLOW_KINDS, type WorkflowVersion } from '../domain/workflow.ts';
import type { Engine, NewRun } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import { resolveInput } from '../engine/run-input.ts';
import { addUsage } from '../engine/usage.ts';
import type { Change } from '../store/change.ts';
import type { FindOptions, FindRequest, FoundRun, RunStats, StatsSelection, Store } from '../store/store.ts';

export type { EvaluationCondition } from '../store/store.ts';
export type { FoundRun };

import type { HttpClient } from '../system/http-client.ts';
import type { System } from '../system/system.ts';
import { demand, demandVerdicts, SCOPE_OF_KIND } from './access.ts';
import type { Keyring } from './keyring.ts';
import type { LiveRuns } from './live.ts';
import { progressOfRun, type RunProgress } from './progress.ts';
import { deleteRun } from './run-deletion.ts';
import type { RunSearch } from './search.ts';
import { SubflowReader } from './subflow-progress.ts';
import type { Workflows } from './workflows.ts';

/** Log lines that a run's progress carries. All of them are listed by workflow and by run, page by page. */
const LOGS_IN_PROGRESS = 1000;

/** Runs that its nodes invoked whose progress a run's carries: the last ones. All are listed by node, page by page. */
const RUNS_BELOW_IN_PROGRESS = 100;

/** Workflows that statistics name: the top of them, as the reference says. */
const WORKFLOWS_IN_STATS = 20;

/** Runs that one bulk deletion removes: some 10 s of work. More is said in the report, and asked for again. */
const BULK_DELETE_LIMIT = 10_000;

/** A run as it is asked for. */
export interface RunRequest {
  readonly workflowId: string;
  readonly versionId: string | null;
  /** The workspace it shall run in; null: the caller's. */
  readonly workspaceId: string | null;
  readonly input: JsonObject;
  readonly nodeIds: readonly string[] | null;
  readonly singleNodeId: string | null;
  readonly callbackUrl: string | null;
  readonly tracing: boolean;
  readonly debugger: string | null;
  /** The trace that its caller is in. */
  readonly trace?: TraceContext | null;
  readonly source: string;
  readonly meta?: JsonObject | null;
  readonly context?: JsonObject | null;
  readonly clientRef?: string | null;
  readonly batchId?: string | null;
  readonly requestId?: string | null;
  /** The same request came before, and its answer was lost: a run that it made is given back instead of another. */
  readonly isRepeat?: boolean;
  /** Without it: `noxus`. */
  readonly dialect?: Dialect;
}

/** Which runs a bulk deletion is about: these, or those made before a time. */
export type DeletionRequest = {
  readonly dryRun: boolean;
  /** The number the caller believes it to be; another one conflicts. */
  readonly expectedCount: number | null;
} & ({ readonly runIds: readonly string[] } | { readonly before: number; readonly workflowId: string | null });

/** What a deletion did: runs that could not be deleted are named with the reason. */
export interface DeletionReport {
  readonly succeeded: number;
  readonly failed: number;
  readonly errors: Readonly<Record<string, string>>;
  readonly matched: number;
}

/** Inputs and outputs of one pass of one node, as JSON texts. */
export interface NodeIo {
  readonly nodeId: string;
  readonly iteration: number;
  readonly totalIterations: number;
  readonly status: NodeStatus;
  readonly inputs: string | null;
  readonly outputs: string | null;
  readonly failure: string | null;
}

export class Runs {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #payloads: Payloads;
  readonly #http: HttpClient;
  readonly #system: System;
  readonly #live: LiveRuns;
  readonly #search: RunSearch;
  readonly #keyring: Keyring;

  constructor(parts: {
    store: Store;
    engine: Engine;
    workflows: Workflows;
    payloads: Payloads;
    http: HttpClient;
    system: System;
    live: LiveRuns;
    search: RunSearch;
    keyring: Keyring;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#payloads = parts.payloads;
    this.#http = parts.http;
    this.#system = parts.system;
    this.#live = parts.live;
    this.#search = parts.search;
    this.#keyring = parts.keyring;
  }

  get live(): LiveRuns {
    return this.#live;
  }

  /**
   * Records a run and queues it; a worker takes it from there.
   * @throws PlatformError `not_found`; `invalid` with every mistake of the request, or of a definition that cannot run yet
   */
  async create(caller: Caller, request: RunRequest): Promise<Run> {
    const made = request.isRepeat === true ? await this.madeBy(caller, request.requestId ?? null) : null;
    if (made !== null) return made;
    return this.#engine.enqueue(await this.#prepare(caller, request));
  }

  /** Runs to the end and answers then, or as it stands after `timeoutMs`. @throws as `create` */
  async runToEnd(caller: Caller, request: RunRequest, timeoutMs: number): Promise<Run> {
    const run = await this.#engine.startNow(await this.#prepare(caller, request));
    if (isTerminal(run.status)) return run;
    return (await this.#engine.waitForEnd(run.workspaceId, run.id, timeoutMs)) ?? run;
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, runId: string): Promise<Run> {
    demand(caller, 'runs:read');
    const run = await this.#store.getRun(caller.workspaceId, runId);
    if (run === null) throw notFound('run', runId);
    return run;
  }

  /** @throws PlatformError `not_found`, also for a run of another workflow */
  async getOfWorkflow(caller: Caller, workflowId: string, runId: string): Promise<Run> {
    const run = await this.get(caller, runId);
    if (run.workflowId !== workflowId) throw notFound('run', runId);
    return run;
  }

  /** Newest first. */
  async list(
    caller: Caller,
    workflowId: string | null,
    page: PageRequest,
    options: { output: boolean },
  ): Promise<Page<Run>> {
    demand(caller, 'runs:read');
    if (workflowId !== null && (await this.#store.getWorkflow(caller.workspaceId, workflowId)) === null) {
      throw notFound('workflow', workflowId);
    }
    const selection = { workspaceId: caller.workspaceId, ...(workflowId === null ? {} : { workflowId }) };
    return this.#store.listRuns(selection, page, options);
  }

  /** One page of runs that a filter lets through. */
  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>, options?: FindOptions) {
    demand(caller, 'runs:read');
    // Verdicts must not be read off a list that they filter.
    if (options?.evaluation) demand(caller, 'evaluations:read');
    demandVerdicts(caller, request.filter, request.sort);
    return this.#store.find('runs', { ...request, workspaceId: caller.workspaceId }, options);
  }

  /** Runs by day, by workflow and by source. Workflows that the caller may not read are not named. */
  async stats(caller: Caller, bounds: Pick<StatsSelection, 'from' | 'to'>): Promise<RunStats> {
    demand(caller, 'runs:read');
    const kinds = WORKFLOW_KINDS.filter((kind) => caller.scopes.has(SCOPE_OF_KIND[kind]));
    return this.#store.runStats({ workspaceId: caller.workspaceId, ...bounds, kinds, workflows: WORKFLOWS_IN_STATS });
  }

  /** A run that the caller has, as lists give it. */
  async found(run: Run): Promise<FoundRun> {
    const [nodeRuns, logs] = await Promise.all([
      this.#store.listNodeRuns(run.workspaceId, run.id, { payloads: false }),
      this.#store.listRunLogs(run.workspaceId, run.id, 1),
    ]);
    return { run, hasLogs: logs.length > 0, hasNodeRuns: nodeRuns.length > 0 };
  }

  /** The JSON texts of a run's input and output. */
  async payloads(run: Run): Promise<{ input: string; output: string | null }> {
    const [input, output] = await Promise.all([
      this.text(run.input),
      run.output === null ? null : this.text(run.output),
    ]);
    return { input, output };
  }

  /** @param runsBelow runs that its nodes invoked whose progress is in it, at most */
  async progress(run: Run, runsBelow: number = RUNS_BELOW_IN_PROGRESS): Promise<RunProgress> {
    const graph = await this.#engine.graphOfRun(run);
    // As it was recorded first, without nodes that it took over: there is nothing to read.
    const isUntouched = run.status === 'queued' && run.revision === 0 && run.nodesCompleted === 0;
    const [nodeRuns, logs] = isUntouched
      ? [[], []]
      : await Promise.all([
          this.#store.listNodeRuns(run.workspaceId, run.id, { payloads: false }),
          this.#store.listRunLogs(run.workspaceId, run.id, LOGS_IN_PROGRESS),
        ]);
    const reader = new SubflowReader(this.#store, (version) => this.#engine.graphOf(version), runsBelow);
    return progressOfRun(graph, run, nodeRuns, logs, await reader.of(run, graph, nodeRuns));
  }

  /**
   * The runs that a node of a run invoked, in the order of its passes; they are in no other list. @param iteration only those of this pass
   * @throws PlatformError `not_found` for a run that is not there, or a node that it has no record of
   */
  async listInvoked(
    caller: Caller,
    runId: string,
    nodeId: string,
    page: PageRequest,
    iteration: number | null = null,
  ): Promise<Page<Run>> {
    const { workspaceId } = await this.get(caller, runId);
    if ((await this.#store.getNodeRun(workspaceId, runId, nodeId)) === null) {
      throw new PlatformError('not_found', `Run ${runId} has no record of a node "${nodeId}".`);
    }
    return this.#store.listInvoked({ workspaceId, runId, nodeId, ...(iteration !== null && { iteration }) }, page);
  }

  /** The records of a run's nodes, and of the steps inside them, without inputs and outputs. */
  async nodeRuns(caller: Caller, runId: string): Promise<NodeRun[]> {
    const run = await this.get(caller, runId);
    return this.#store.listNodeRuns(run.workspaceId, runId, { payloads: false });
  }

  /** What some nodes used together. */
  usage(nodeRuns: readonly NodeRun[]): Usage | null {
    return nodeRuns.reduce<Usage | null>((sum, { usage }) => addUsage(sum, usage), null);
  }

  /** Passes of a node that are recorded, from number `from` on (1-based), without inputs and outputs. @throws PlatformError `not_found` */
  async iterations(
    caller: Caller,
    runId: string,
    nodeId: string,
    page: { from: number; limit: number },
  ): Promise<Iteration[]> {
    const run = await this.get(caller, runId);
    return this.#store.listIterations(run.workspaceId, runId, nodeId, page);
  }

  /** The frozen definition that a run executes. */
  async version(run: Run): Promise<WorkflowVersion> {
    const version = await this.#store.getVersion(run.workspaceId, run.workflowVersionId);
    if (version === null) throw new Error(`Run ${run.id} has lost its version ${run.workflowVersionId}.`);
    return version;
  }

  /** The JSON text of a run's input or output. */
  text(payload: string): Promise<string> {
    return this.#payloads.text(payload);
  }

  /** The JSON text of a run's input or output, as a stream where it is large. */
  open(payload: string): Promise<{ text: string | Readable; bytes: number }> {
    return this.#payloads.open(payload);
  }

  /** The first characters of a run's input or output, without reading all of it. */
  beginning(payload: string, length: number): Promise<{ text: string; bytes: number }> {
    return this.#payloads.beginning(payload, length);
  }

  /** The output keyed by `<node id>::<output>` whatever labels there are. */
  async outputById(run: Run): Promise<JsonObject> {
    const graph = await this.#engine.graphOfRun(run);
    const output: JsonObject = {};
    for (const node of graph.nodes) {
      if (node.type.role !== 'output') continue;
      const record = await this.#store.getNodeRun(run.workspaceId, run.id, node.id);
      for (const [name, value] of Object.entries((await this.#payloads.parse(record?.outputs ?? null)) ?? {})) {
        output[`${node.id}::${name}`] = value;
      }
    }
    return output;
  }

  /** What happened to a run after a position of the log, oldest first. */
  async eventsSince(caller: Caller, runId: string, position: number): Promise<RunEvent[]> {
    demand(caller, 'runs:read');
    return this.#store.readRunEvents(caller.workspaceId, runId, position);
  }

  /** Stops a run and answers how it stands then; one that has ended stays as it is. @throws PlatformError `not_found` */
  async stop(caller: Caller, runId: string): Promise<Run> {
    demand(caller, 'runs:stop');
    const canceled = await this.#engine.cancel(caller.workspaceId, runId);
    if (canceled === null) throw notFound('run', runId);
    return canceled.run;
  }

  /**
   * Stops a run and keeps the reason in its log; one that has ended stays as it is, and nothing is written.
   * @throws PlatformError `not_found`
   */
  async cancel(caller: Caller, runId: string, reason: string | null): Promise<{ run: Run; stopped: boolean }> {
    demand(caller, 'runs:stop');
    const message = `The run was canceled with the key "${caller.keyName}"${reason === null ? '.' : `: ${reason}`}`;
    const canceled = await this.#engine.cancel(caller.workspaceId, runId, { message, meta: { reason } });
    if (canceled === null) throw notFound('run', runId);
    return canceled;
  }

  /**
   * Keeps what a person thinks of a run, at any time of its life; what is left out stays. A verdict of null takes it all back.
   * @throws PlatformError `not_found`
   */
  async setFeedback(caller: Caller, runId: string, given: Partial<Feedback>): Promise<FoundRun> {
    demand(caller, 'runs:create');
    const { workspaceId } = caller;
    const before = await this.#store.getRun(workspaceId, runId);
    if (before === null) throw notFound('run', runId);
    const next = { isPositive: null, reason: null, ...before.feedback, ...given };
    const feedback = given.isPositive === null || (next.isPositive === null && next.reason === null) ? null : next;
    await this.#store.commit([{ kind: 'setFeedback', workspaceId, runId, feedback }]);
    return this.found({ ...before, feedback });
  }

  /** Deletes one finished run. @throws PlatformError `not_found` */
  async delete(caller: Caller, runId: string): Promise<DeletionReport> {
    demand(caller, 'runs:delete');
    if ((await this.#store.getRun(caller.workspaceId, runId)) === null) throw notFound('run', runId);
    return this.deleteMany(caller, { dryRun: false, expectedCount: null, runIds: [runId] });
  }

  /** Deletes finished runs with everything they own. @throws PlatformError `conflict` when `expectedCount` differs */
  async deleteMany(caller: Caller, request: DeletionRequest): Promise<DeletionReport> {
    demand(caller, 'runs:delete');
    const { runIds, matched, errors } = await this.#deletable(caller, request);
    if (request.expectedCount !== null && request.expectedCount !== matched) {
      throw new PlatformError(
        'conflict',
        `${matched} runs match, ${request.expectedCount} were expected. Nothing was deleted; look again and send the new count.`,
      );
    }
    if (request.dryRun) return { succeeded: 0, failed: Object.keys(errors).length, errors, matched };
    let succeeded = 0;
    const parts = { store: this.#store, engine: this.#engine, payloads: this.#payloads, system: this.#system };
    for (const runId of runIds) {
      const problem = await deleteRun(parts, caller.workspaceId, runId);
      if (problem === null) succeeded += 1;
      else errors[runId] = problem;
    }
    if (succeeded > 0) await this.#search.forgetDeleted(caller.workspaceId);
    return { succeeded, failed: Object.keys(errors).length, errors, matched };
  }

  /** @throws PlatformError `not_found` for a node that this run has no record of, or a pass that it did not make */
  async nodeIo(caller: Caller, runId: string, nodeId: string, iteration: number): Promise<NodeIo> {
    const run = await this.get(caller, runId);
    const nodeRun = await this.#store.getNodeRun(run.workspaceId, runId, nodeId);
    if (nodeRun === null) throw new PlatformError('not_found', `Run ${runId} has no record of a node "${nodeId}".`);
    const wanted = Math.max(1, iteration);
    if (wanted > Math.max(1, nodeRun.totalIterations)) {
      throw new PlatformError(
        'not_found',
        `Node "${nodeId}" made ${nodeRun.totalIterations} passes; there is none with number ${wanted}.`,
      );
    }
    const pass = nodeRun.iterates ? await this.#store.getIteration(run.workspaceId, runId, nodeId, wanted) : null;
    const io = await this.#ioOf(pass ?? nodeRun, nodeId, wanted, nodeRun.totalIterations);
    return nodeRun.iterates && pass === null ? this.#passOf(run, io) : io;
  }

  /** One pass of a pure node: its passes are not recorded one by one, they are taken out of the lists that were. */
  async #passOf(run: Run, io: NodeIo): Promise<NodeIo> {
    const node = (await this.#engine.graphOfRun(run)).byId.get(io.nodeId);
    const iterated = new Set(node?.inputs.filter((socket) => socket.iterates).map((socket) => socket.name));
    const inputs = itemsOf(io.inputs, (name, list) =>
      iterated.has(name) ? (list[list.length === 1 ? 0 : io.iteration - 1] ?? null) : list,
    );
    // A branch that some passes did not take has a shorter list, which does not tell whose values they are: it is left out.
    const outputs = itemsOf(io.outputs, (_, list) =>
      list.length === io.totalIterations ? list[io.iteration - 1] : undefined,
    );
    return { ...io, inputs, outputs };
  }

  /** Inputs and outputs of every node that was reached. */
  async allNodeIo(run: Run): Promise<NodeIo[]> {
    const nodeRuns = await this.#store.listNodeRuns(run.workspaceId, run.id, { payloads: true });
    return Promise.all(
      nodeRuns.map((nodeRun) => this.#ioOf(nodeRun, nodeRun.nodeId, nodeRun.currentIteration, nodeRun.totalIterations)),
    );
  }

  /** Log lines of a workflow's runs, newest first. */
  async workflowLogs(caller: Caller, workflowId: string, page: PageRequest): Promise<Page<RunLog>> {
    demand(caller, 'runs:read');
    await this.#workflows.get(caller, workflowId);
    return this.#store.listWorkflowLogs(caller.workspaceId, workflowId, page);
  }

  /** Deliveries of a run's callback with every attempt. */
  async deliveries(caller: Caller, runId: string) {
    await this.get(caller, runId);
    return this.#store.listDeliveries(caller.workspaceId, runId);
  }

  async #ioOf(
    record: Pick<NodeRun, 'status' | 'inputs' | 'outputs' | 'failure'>,
    nodeId: string,
    iteration: number,
    totalIterations: number,
  ): Promise<NodeIo> {
    return {
      nodeId,
      iteration,
      totalIterations,
      status: record.status,
      inputs: record.inputs === null ? null : await this.text(record.inputs),
      outputs: record.outputs === null ? null : await this.text(record.outputs),
      failure: record.failure?.message ?? null,
    };
  }

  /**
   * Records several runs and queues them, all of them or none.
   * @param batch makes the batch that they are, of their ids; it rests on nothing that could have changed
   * @throws as `create`
   */
  async createBatch(
    caller: Caller,
    requests: readonly RunRequest[],
    batch: (runs: readonly Run[]) => Change,
  ): Promise<Run[]> {
    const prepared: NewRun[] = [];
    for (const request of requests) prepared.push(await this.#prepare(caller, request));
    const runs = await this.#engine.enqueueAll(prepared, batch);
    if (runs === null) throw new Error('A batch that rests on nothing was refused as stale.');
    return runs;
  }

  /** The run that a request made, whose answer was lost with a process. */
  async madeBy(caller: Caller, requestId: string | null): Promise<Run | null> {
    if (requestId === null) return null;
    const ofRequest = {
      kind: 'in',
      target: { column: 'requestId', kind: 'text', path: [] },
      values: [requestId],
    } as const;
    // It is the caller's own: whoever may start a run is given the one that it started.
    const first = { sort: [], limit: 1, from: null, backward: false, workspaceId: caller.workspaceId } as const;
    const found = await this.#store.find('runs', { ...first, filter: ofRequest });
    return found.items[0]?.run ?? null;
  }

  async #prepare(caller: Caller, request: RunRequest): Promise<NewRun> {
    demand(caller, 'runs:create');
    if (request.workspaceId !== null && request.workspaceId !== caller.workspaceId) {
      throw new PlatformError(
        'not_found',
        `This key belongs to the workspace ${caller.workspaceId}; it sees no other. Leave the workspace out, or use a key of ${request.workspaceId}.`,
      );
    }
    const { workflow, version } = await this.#workflows.runnable(caller, request.workflowId, request.versionId);
    const { problems } = resolveInput(this.#engine.graphOf(version), request, request.input);
    const all = [...this.#callbackProblems(request.callbackUrl), ...problems];
    if (all.length > 0) throw invalid(all);
    const redactor = await this.#keyring.redactorOf(caller.workspaceId);
    const clean = <T extends JsonValue>(said: T): T => redactor?.value(said) ?? said;
    return {
      kind: workflow.kind,
      version,
      versionPinned: request.versionId !== null,
      input: redactor?.values(request.input) ?? request.input,
      nodeIds: request.nodeIds,
      singleNodeId: request.singleNodeId,
      source: request.source,
      meta: clean(request.meta ?? null),
      context: clean(request.context ?? null),
      clientRef: clean(request.clientRef ?? null),
      batchId: request.batchId ?? null,
      requestId: request.requestId ?? null,
      dialect: request.dialect ?? 'noxus',
      callbackUrl: request.callbackUrl,
      apiKeyId: caller.keyId,
      tracing: request.tracing,
      debugger: request.debugger,
      trace: request.trace ?? null,
    };
  }

  /** An address to be called back at, as it is. @throws PlatformError `invalid` */
  checkedCallbackUrl(url: string | null): string | null {
    const problems = this.#callbackProblems(url);
    if (problems.length > 0) throw invalid(problems);
    return url;
  }

  #callbackProblems(url: string | null): Problem[] {
    const problem = url === null ? null : callbackUrlProblem(url, this.#http);
    return problem === null ? [] : [{ at: ['body', 'callback_url'], message: problem, type: 'callback_url' }];
  }

  async #deletable(caller: Caller, request: DeletionRequest) {
    const errors: Record<string, string> = {};
    if (!('runIds' in request)) {
      const selection = {
        workspaceId: caller.workspaceId,
        before: request.before,
        ...(request.workflowId === null ? {} : { workflowId: request.workflowId }),
      };
      const found = await this.#store.findRunsBefore(selection, BULK_DELETE_LIMIT);
      return { runIds: found.runIds, matched: found.total, errors };
    }
    const runIds: string[] = [];
    let matched = 0;
    for (const runId of new Set(request.runIds)) {
      const run = await this.#store.getRun(caller.workspaceId, runId);
      if (run === null) errors[runId] = 'There is no such run.';
      else if (run.parent !== null) {
        errors[runId] = `The run is a part of run ${run.parent.rootId} and goes with it. Delete that one.`;
      } else {
        matched += 1;
        if (isTerminal(run.status)) runIds.push(runId);
        else errors[runId] = `The run is ${run.status}; only finished runs can be deleted. Stop it first.`;
      }
    }
    return { runIds, matched, errors };
  }
}

/** The JSON text of an object with `pick` made of each list in it. */
function itemsOf(
  text: string | null,
  pick: (name: string, list: readonly JsonValue[]) => JsonValue | readonly JsonValue[] | undefined,
): string | null {
  if (text === null) return null;
  const values = Object.entries(JSON.parse(text) as JsonObject);
  return JSON.stringify(
    Object.fromEntries(values.map(([name, value]) => [name, Array.isArray(value) ? pick(name, value) : value])),
  );
}
