import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { type Dialect, isTerminal, type Run } from '../domain/run.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import type { Engine } from '../engine/engine.ts';
import type { Graph } from '../engine/graph.ts';
import type { Payloads } from '../engine/payloads.ts';
import { overridden, type ResolvedInput, resolveInput } from '../engine/run-input.ts';
import { type Beginning, differences, type NodeDifference, takeover } from '../engine/takeover.ts';
import type { Store } from '../store/store.ts';
import { demand } from './access.ts';
import type { Dispatch, TakeInMedia } from './dispatch.ts';
import type { Keyring } from './keyring.ts';
import type { Workflows } from './workflows.ts';

/** A run that repeats another one, as it is asked for. */
export interface ReplayRequest {
  /**
   * `failed_node`: what succeeded before the failure is taken over and does not run again. A list: so is everything but these nodes and what comes
   * after them.
   */
  readonly from: 'start' | 'failed_node' | readonly string[];
  /** Whether the definition is the one that the run had, or the one that its workflow has now. */
  readonly version: 'original' | 'current';
  /** In place of the input that the run had; null: that one. */
  readonly input: JsonObject | null;
  /** Values that replace those of the input, by its keys. */
  readonly overrides: JsonObject;
  readonly requestId: string | null;
  readonly dialect: Dialect;
}

/** What of a run's context tells of the run that it repeats, or of what came of its own failure. */
const CONTEXT_OF_REPLAY = /^(retry_|error_handler_run_id$)/;

/** Node ids that a message lists at most: enough to choose from. */
const LISTED_NODES = 20;

/** Repeats runs. What comes of it is a run of its own, which names the one that it repeats in `context.retry_of`. */
export class Replays {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #payloads: Payloads;
  readonly #dispatch: Pick<Dispatch, 'check'>;
  readonly #takeInMedia: TakeInMedia;
  readonly #keyring: Keyring;

  constructor(parts: {
    store: Store;
    engine: Engine;
    workflows: Workflows;
    payloads: Payloads;
    dispatch: Pick<Dispatch, 'check'>;
    takeInMedia: TakeInMedia;
    keyring: Keyring;
  }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#payloads = parts.payloads;
    this.#dispatch = parts.dispatch;
    this.#takeInMedia = parts.takeInMedia;
    this.#keyring = parts.keyring;
  }

  /**
   * @throws PlatformError `not_found`; `conflict` for a run that has not ended, or that has nothing to be repeated from a failed node;
   *   `invalid` for nodes that do not take part, for an input that is wrong or would not be used, and when the current version cannot go on with
   *   what the original did, naming each node that differs
   */
  async replay(caller: Caller, runId: string, request: ReplayRequest): Promise<Run> {
    demand(caller, 'runs:create');
    const run = await this.#store.getRun(caller.workspaceId, runId);
    if (run === null) throw notFound('run', runId);
    if (!isTerminal(run.status)) {
      const message = `Run ${runId} is ${run.status}. Wait for its end, or cancel it, and retry it then.`;
      throw new PlatformError('conflict', message);
    }
    const versionId = request.version === 'original' ? run.workflowVersionId : null;
    const { workflow, version } = await this.#workflows.runnable(caller, run.workflowId, versionId);
    const graph = this.#engine.graphOf(version);
    const before = (await this.#payloads.parse(run.input)) ?? {};
    const input = this.#edited(workflow, graph, run, before, request);
    const resolved = resolveInput(graph, run, input);
    const unknown = typeof request.from === 'string' ? [] : nodeProblems(request.from, run, graph, resolved.selected);
    const problems = [...unknown, ...resolved.problems];
    if (problems.length > 0) throw invalid(problems);
    const { from } = request;
    const taken = from === 'start' ? [] : await this.#takenOver(run, before, version, resolved, { ...request, from });
    const isEdited = !isDeepStrictEqual(input, before);
    return this.#engine.enqueue(
      {
        kind: workflow.kind,
        version,
        versionPinned: request.version === 'original' && run.versionPinned,
        input: isEdited ? await this.#kept(caller, input, request.dialect) : input,
        nodeIds: run.nodeIds,
        singleNodeId: run.singleNodeId,
        source: 'retry',
        meta: run.meta,
        context: contextOf(run, request, isEdited),
        clientRef: run.clientRef,
        // Its batch has counted the run that is repeated.
        batchId: null,
        requestId: request.requestId,
        dialect: request.dialect,
        // The receiver of a run that was invoked by another one waits for that one.
        callbackUrl: run.parent === null ? run.callbackUrl : null,
        apiKeyId: caller.keyId,
        tracing: run.tracing,
        debugger: null,
        ...(request.version === 'original' ? { subflows: run.subflows } : {}),
      },
      taken,
    );
  }

  /** The input of the new run. One that was edited is checked as that of a first run is. */
  #edited(workflow: Workflow, graph: Graph, run: Run, before: JsonObject, request: ReplayRequest): JsonObject {
    const { input, overrides } = request;
    if (input === null && Object.keys(overrides).length === 0) return before;
    const wanted = overridden(graph, run, input ?? before, overrides);
    const checked = this.#dispatch.check(workflow, wanted);
    if (checked.problems.length > 0) throw invalid(checked.problems);
    return checked.input;
  }

  /** An input as a run keeps it: without secrets. In the one API media may stand in it. */
  async #kept(caller: Caller, input: JsonObject, dialect: Dialect): Promise<JsonObject> {
    const taken = dialect === 'runflow' ? (await this.#takeInMedia(caller, { input, metadata: null })).input : input;
    return (await this.#keyring.redactorOf(caller.workspaceId))?.values(taken) ?? taken;
  }

  async #takenOver(
    run: Run,
    before: JsonObject,
    version: WorkflowVersion,
    { selected, given }: ResolvedInput,
    request: ReplayRequest & { readonly from: 'failed_node' | readonly string[] },
  ): Promise<NodeRun[]> {
    const { from } = request;
    if (from === 'failed_node' && run.status === 'succeeded') {
      const message = `Run ${run.id} succeeded: there is no failed node to retry it from. Name the nodes to begin at, or retry it from the start.`;
      throw new PlatformError('conflict', message);
    }
    const original = await this.#store.getVersion(run.workspaceId, run.workflowVersionId);
    if (original === null) throw new Error(`Run ${run.id} has lost its version ${run.workflowVersionId}.`);
    const records = await this.#store.listNodeRuns(run.workspaceId, run.id, { payloads: true });
    const graph = this.#engine.graphOf(original);
    const beginning: Beginning = {
      from: from === 'failed_node' ? null : new Set(from),
      graph: this.#engine.graphOf(version),
      selected,
    };
    const { taken, rest } = takeover(graph, records, beginning);
    const changed = version.id === original.id ? [] : differences(original.definition, version.definition, rest);
    const below = request.version === 'original' ? [] : await this.#changedBelow(run, graph, rest);
    if (changed.length + below.length > 0)
      throw invalid([...changed.map(differenceProblem), ...below.map(belowProblem)]);
    const givenBefore = resolveInput(graph, run, before).given;
    const unused = taken.filter(({ nodeId }) => !isDeepStrictEqual(given.get(nodeId), givenBefore.get(nodeId)));
    if (unused.length > 0) throw invalid(unused.map(({ nodeId }) => unusedProblem(graph, nodeId)));
    return Promise.all(taken.map((record) => this.#copied(run, record)));
  }

  /** Which of some nodes invoke a workflow that is, or invokes, another one now than it was for the old run. */
  async #changedBelow(run: Run, graph: Graph, nodeIds: ReadonlySet<string>): Promise<string[]> {
    const changed: string[] = [];
    for (const { id, subflowId } of graph.nodes) {
      if (nodeIds.has(id) && subflowId !== null && (await this.#isChanged(run, subflowId))) changed.push(id);
    }
    return changed;
  }

  async #isChanged(run: Run, workflowId: string): Promise<boolean> {
    const known = new Set([workflowId]);
    for (const each of known) {
      const workflow = await this.#store.getWorkflow(run.workspaceId, each);
      const versionId = run.subflows?.[each];
      const before = versionId === undefined ? null : await this.#store.getVersion(run.workspaceId, versionId);
      const now = workflow && (await this.#store.getVersion(run.workspaceId, workflow.currentVersionId));
      if (before === null || now === null || !isDeepStrictEqual(before.definition, now.definition)) return true;
      // What they invoke is looked at in its turn: a set gives what is added to it while it is walked.
      for (const below of this.#engine.graphOf(before).invoked) known.add(below);
    }
    return false;
  }

  /** A record as the new run begins with it: what it used was charged to the run that it ran in, which is named. */
  async #copied(run: Run, record: NodeRun): Promise<NodeRun> {
    const text = async (payload: string | null) => (payload === null ? null : this.#payloads.text(payload));
    const isTaken = record.warnings.some(({ params }) => params?.['taken_over_from'] !== undefined);
    const params: JsonObject = { taken_over_from: run.id };
    const detail = `The node did not run again: its outputs are those of run ${run.id}.`;
    return {
      ...record,
      inputs: await text(record.inputs),
      outputs: await text(record.outputs),
      warnings: isTaken ? record.warnings : [...record.warnings, { identifier: 'general', detail, params }],
      usage: null,
    };
  }
}

/** What the new run says of where it comes from. What the old one says of the run that it repeats itself is not handed on. */
function contextOf(run: Run, { from, version }: ReplayRequest, isEdited: boolean): JsonObject {
  const handedOn = Object.entries(run.context ?? {}).filter(([name]) => !CONTEXT_OF_REPLAY.test(name));
  return {
    ...Object.fromEntries(handedOn),
    retry_of: run.id,
    retry_from: typeof from === 'string' ? from : 'nodes',
    ...(typeof from === 'string' ? {} : { retry_nodes: [...new Set(from)] }),
    retry_version: version,
    ...(isEdited ? { retry_input: 'edited' } : {}),
  };
}

function nodeProblems(ids: readonly string[], run: Run, graph: Graph, selected: ReadonlySet<string>): Problem[] {
  const known = graph.nodes.filter(({ id }) => selected.has(id));
  const all = `It can begin at ${known
    .slice(0, LISTED_NODES)
    .map(({ id }) => id)
    .join(', ')}.`;
  return ids.flatMap((given, index): Problem[] => {
    const at = ['body', 'from_nodes', index];
    if (selected.has(given)) return [];
    if (graph.byId.has(given)) {
      const message = `The node "${given}" takes no part in run ${run.id}, which is about some nodes only.`;
      return [{ at, message, type: 'unknown_node', hint: all }];
    }
    const named = known.find(({ name, label }) => name === given || label === given)?.id;
    const near = named ?? nearest(given, selected);
    const message = `No node has the id ${JSON.stringify(given)} in the version that is to run.`;
    return [{ at, message, type: 'unknown_node', hint: near === undefined ? all : `Did you mean ${near}?` }];
  });
}

function differenceProblem({ nodeId, kind }: NodeDifference): Problem {
  const message = `The node "${nodeId}" is ${kind} in the current version, so that what it did cannot be taken over. Retry with version: original, or from the start.`;
  return { at: ['body', 'version'], message, type: 'version_differs', nodeId };
}

function belowProblem(nodeId: string): Problem {
  const message = `The workflow that the node "${nodeId}" runs has changed since, so that what the node did cannot be taken over. Retry with version: original, or begin at "${nodeId}" as well.`;
  return { at: ['body', 'version'], message, type: 'version_differs', nodeId };
}

function unusedProblem(graph: Graph, nodeId: string): Problem {
  const label = graph.byId.get(nodeId)?.label ?? nodeId;
  const message = `The input "${label}" was changed, but its node "${nodeId}" is taken over with what it gave: the new value would not be used. Begin at "${nodeId}" as well, or leave the value as it was.`;
  return { at: ['body', 'input', label], message, type: 'unused_input', nodeId };
}
