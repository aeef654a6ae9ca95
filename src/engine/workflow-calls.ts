import { createHash } from 'node:crypto';
import { PlatformError } from '../domain/error.ts';
import type { Failure } from '../domain/failure.ts';
import { CALL_SOURCE, callerOf, FAILED_RUN, isTerminal, type Run } from '../domain/run.ts';
import type { Task } from '../domain/task.ts';
import type { WorkflowCall, WorkflowCallEnd } from '../nodes/node-type.ts';
import type { Store } from '../store/store.ts';
import { calledRunId, spanIdOf } from '../system/derived-id.ts';
import type { Engine, NewRun } from './engine.ts';
import { resolveInput } from './run-input.ts';

/** Calls inside calls: an agent whose workflow runs an agent, and so on. An agent that may call itself would not end otherwise. */
const MAX_CALL_DEPTH = 5;

/** Runs workflows for nodes that wait for them. */
export class WorkflowCalls {
  readonly #engine: Engine;
  readonly #store: Store;

  constructor(parts: { engine: Engine; store: Store }) {
    this.#engine = parts.engine;
    this.#store = parts.store;
  }

  /**
   * Runs a workflow to its end. The run's id is derived from the call, so that a call made again finds the run that it made.
   * @param task the pass that calls
   * @param isGivenBack aborted when the pass is not this process's any more, or its run has ended
   */
  async run(task: Task, call: WorkflowCall, isGivenBack: AbortSignal): Promise<WorkflowCallEnd> {
    const parent = await this.#store.getRun(task.workspaceId, task.runId);
    if (parent === null) return refused({ code: 'internal', message: 'The run of this node is gone.' });
    const id = calledRunId(parent.id, callKey(task, call));
    let run = await this.#store.getRun(task.workspaceId, id);
    if (run === null) {
      const made = await this.#start(id, parent, task, call);
      if ('failure' in made) return refused(made.failure);
      run = made.run;
    }
    const ended = await this.#engine.waitForEnd(run.workspaceId, run.id, call.timeoutMs, call.signal);
    if (ended !== null && isTerminal(ended.status)) return this.#end(ended);
    // A pass that is given back is taken up by whoever comes next, who finds the run by its id.
    if (isGivenBack.aborted && !(await this.#hasEnded(parent))) return this.#end(run);
    const seconds = call.timeoutMs / 1_000;
    const message = call.signal.aborted
      ? 'The agent that called this workflow does not wait for it any more.'
      : `The agent that called this workflow waits ${seconds} s for it at most.`;
    const meta = { run_id: parent.id, node_id: task.nodeId };
    const canceled = await this.#engine.cancel(run.workspaceId, run.id, { message, meta });
    if (canceled?.stopped === false) return this.#end(canceled.run);
    const failure: Failure = {
      code: 'timeout',
      message: `The workflow did not end within ${seconds} s, and its run was stopped. Raise the tool's "timeout_seconds" if it needs longer.`,
    };
    return { runId: run.id, status: 'canceled', output: {}, failure };
  }

  async #start(
    id: string,
    parent: Run,
    task: Task,
    call: WorkflowCall,
  ): Promise<{ readonly run: Run } | { readonly failure: Failure }> {
    const { workspaceId } = parent;
    // What a subflow calls is as deep as what the run calls that invoked it.
    const root = parent.parent === null ? parent : await this.#store.getRun(workspaceId, parent.parent.rootId);
    const depth = depthOf(root ?? parent) + 1;
    if (depth > MAX_CALL_DEPTH) {
      const message = `Agents have called workflows ${MAX_CALL_DEPTH} deep, which is the most allowed. Look for one that calls itself.`;
      return { failure: { code: 'subflow_depth', message } };
    }
    // What fails of the work of an error handler starts no error handler.
    const { context } = root ?? parent;
    const failedRunId = callerOf(root ?? parent)[FAILED_RUN] ?? context?.[FAILED_RUN];
    const handling = failedRunId === undefined ? {} : { [FAILED_RUN]: failedRunId };
    const workflow = await this.#store.getWorkflow(workspaceId, call.workflowId);
    if (workflow === null || workflow.deletedAt !== null) {
      const message = `There is no workflow ${call.workflowId} in this workspace. Correct "workflow_id".`;
      return { failure: { code: 'invalid_config', message } };
    }
    const version = await this.#store.getVersion(workspaceId, workflow.currentVersionId);
    if (version === null) throw new Error(`Workflow ${workflow.id} has lost its version ${workflow.currentVersionId}.`);
    const [mistake] = version.validation;
    if (mistake !== undefined) {
      const message = `The workflow "${workflow.name}" cannot run yet: ${mistake.message}`;
      return { failure: { code: 'invalid_config', message } };
    }
    const scope = { nodeIds: null, singleNodeId: null };
    const { problems } = resolveInput(this.#engine.graphOf(version), scope, call.input);
    if (problems.length > 0) {
      return { failure: { code: 'invalid_input', message: problems.map(({ message }) => message).join(' ') } };
    }
    const newRun: NewRun = {
      id,
      kind: workflow.kind,
      version,
      versionPinned: false,
      input: call.input,
      ...scope,
      source: CALL_SOURCE,
      meta: null,
      context: { called_by: { run_id: parent.id, node_id: task.nodeId, call: call.place, depth, ...handling } },
      clientRef: null,
      batchId: null,
      requestId: null,
      dialect: parent.dialect,
      callbackUrl: null,
      apiKeyId: parent.apiKeyId,
      tracing: parent.tracing,
      trace: parent.trace && {
        traceId: parent.trace.traceId,
        parentSpanId: spanIdOf(parent.id, {
          nodeId: task.nodeId ?? '',
          iteration: task.iteration,
          attempt: task.attempt,
        }),
      },
      debugger: null,
    };
    try {
      return { run: await this.#engine.enqueue(newRun) };
    } catch (error) {
      // A workflow that it invokes is not there, or cannot run.
      if (error instanceof PlatformError) return { failure: { code: 'invalid_config', message: error.message } };
      throw error;
    }
  }

  async #end(run: Run): Promise<WorkflowCallEnd> {
    const { id: runId, status } = run;
    if (status === 'succeeded' || status === 'partial') {
      return { runId, status, output: await this.#engine.outputOf(run), failure: null };
    }
    const stopped: Failure = { code: 'subflow_stopped', message: 'The run of the workflow was stopped.' };
    return { runId, status, output: {}, failure: run.failure ?? stopped };
  }

  async #hasEnded({ workspaceId, id }: Run): Promise<boolean> {
    const run = await this.#store.getRun(workspaceId, id);
    return run === null || isTerminal(run.status);
  }
}

function refused(failure: Failure): WorkflowCallEnd {
  return { runId: null, status: null, output: {}, failure };
}

/** What makes two calls one: the try that makes them, their place in it, and what is called with what. */
function callKey({ nodeId, iteration, attempt }: Task, { place, workflowId, input }: WorkflowCall): string {
  const called = createHash('sha256')
    .update(JSON.stringify([workflowId, input]))
    .digest('hex');
  return JSON.stringify([nodeId, iteration, attempt, place, called]);
}

/** Calls above a run. */
function depthOf(run: Run): number {
  const depth = callerOf(run)['depth'];
  return typeof depth === 'number' ? depth : 0;
}
