import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { type Dialect, isTerminal, type Run } from '../domain/run.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import type { Engine } from '../engine/engine.ts';
import type { Payloads } from '../engine/payloads.ts';
import { resolveInput } from '../engine/run-input.ts';
import { differences, type NodeDifference, takeover } from '../engine/takeover.ts';
import type { Store } from '../store/store.ts';
import { demand } from './access.ts';
import type { Workflows } from './workflows.ts';

/** A run that repeats another one, as it is asked for. */
export interface RetryRequest {
  /** `failed_node`: what succeeded before the failure is taken over and does not run again. */
  readonly from: 'start' | 'failed_node';
  /** Whether the definition is the one that the run had, or the one that its workflow has now. */
  readonly version: 'original' | 'current';
  readonly requestId: string | null;
  readonly dialect: Dialect;
}

/** Repeats runs. What comes of it is a run of its own, which names the one that it repeats in `context.retry_of`. */
export class Retries {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #workflows: Workflows;
  readonly #payloads: Payloads;

  constructor(parts: { store: Store; engine: Engine; workflows: Workflows; payloads: Payloads }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#workflows = parts.workflows;
    this.#payloads = parts.payloads;
  }

  /**
   * @throws PlatformError `not_found`; `conflict` for a run that has not ended, or that has nothing to be repeated from a failed node;
   *   `invalid` when the current version cannot go on with what the original did, naming each node that differs
   */
  async retry(caller: Caller, runId: string, request: RetryRequest): Promise<Run> {
    demand(caller, 'runs:create');
    const loaded = await this.#store.loadRun(caller.workspaceId, runId);
    if (loaded === null) throw notFound('run', runId);
    const { run, nodeRuns } = loaded;
    if (!isTerminal(run.status)) {
      const message = `Run ${runId} is ${run.status}. Wait for its end, or cancel it, and retry it then.`;
      throw new PlatformError('conflict', message);
    }
    const input = (await this.#payloads.parse(run.input)) ?? {};
    const versionId = request.version === 'original' ? run.workflowVersionId : null;
    const { workflow, version } = await this.#workflows.runnable(caller, run.workflowId, versionId);
    const { problems } = resolveInput(this.#engine.graphOf(version), run, input);
    if (problems.length > 0) throw invalid(problems);
    const { error_handler_run_id: _ofThatFailure, ...context } = run.context ?? {};
    const taken = request.from === 'start' ? [] : await this.#takenOver(run, nodeRuns, version);
    return this.#engine.enqueue(
      {
        kind: workflow.kind,
        version,
        versionPinned: request.version === 'original' && run.versionPinned,
        input,
        nodeIds: run.nodeIds,
        singleNodeId: run.singleNodeId,
        source: 'retry',
        meta: run.meta,
        context: { ...context, retry_of: run.id, retry_from: request.from, retry_version: request.version },
        clientRef: run.clientRef,
        // Its batch has counted the run that is repeated.
        batchId: null,
        requestId: request.requestId,
        dialect: request.dialect,
        callbackUrl: run.callbackUrl,
        apiKeyId: caller.keyId,
        tracing: run.tracing,
        debugger: run.debugger,
      },
      taken,
    );
  }

  async #takenOver(run: Run, nodeRuns: readonly NodeRun[], version: WorkflowVersion): Promise<NodeRun[]> {
    if (run.status === 'succeeded') {
      const message = `Run ${run.id} succeeded: there is no failed node to retry it from. Retry it with from: start.`;
      throw new PlatformError('conflict', message);
    }
    const original = await this.#store.getVersion(run.workspaceId, run.workflowVersionId);
    if (original === null) throw new Error(`Run ${run.id} has lost its version ${run.workflowVersionId}.`);
    const { taken, rest } = takeover(this.#engine.graphOf(original), nodeRuns);
    if (version.id !== original.id) {
      const changed = differences(original.definition, version.definition, rest);
      if (changed.length > 0) throw invalid(changed.map(differenceProblem));
    }
    return Promise.all(taken.map((record) => this.#copied(run, record)));
  }

  /** A record as the new run begins with it: what it used was charged to the old one. */
  async #copied(run: Run, record: NodeRun): Promise<NodeRun> {
    const text = async (payload: string | null) => (payload === null ? null : this.#payloads.text(payload));
    const params: JsonObject = { taken_over_from: run.id };
    const detail = `The node did not run again: its outputs are those of run ${run.id}.`;
    return {
      ...record,
      inputs: await text(record.inputs),
      outputs: await text(record.outputs),
      warnings: [...record.warnings, { identifier: 'general', detail, params }],
      usage: null,
    };
  }
}

function differenceProblem({ nodeId, kind }: NodeDifference) {
  const message = `The node "${nodeId}" is ${kind} in the current version, so that what it did cannot be taken over. Retry with version: original, or with from: start.`;
  return { at: ['body', 'version'], message, type: 'version_differs', nodeId };
}
