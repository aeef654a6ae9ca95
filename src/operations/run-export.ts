import type { Caller } from '../domain/caller.ts';
import type { Iteration } from '../domain/node-run.ts';
import type { RecordedEvaluation, RecordedParts, RecordedRun } from '../domain/recorded-run.ts';
import type { Run } from '../domain/run.ts';
import type { Workflow, WorkflowVersion } from '../domain/workflow.ts';
import type { Payloads } from '../engine/payloads.ts';
import type { Store } from '../store/store.ts';
import { demand, SCOPE_OF_KIND } from './access.ts';

/** Log lines and passes of one run that a record has: as many as one may bring (`domain/recorded-run.ts`). */
const MAX_LOGS = 100_000;
const MAX_PASSES = 100_000;

/** Runs, and the workflows that they executed, whole: what `RunImport` takes in. */
export class RunExport {
  readonly #store: Store;
  readonly #payloads: Payloads;

  constructor(parts: { store: Store; payloads: Payloads }) {
    this.#store = parts.store;
    this.#payloads = parts.payloads;
  }

  /** A run with all that it recorded, payloads as JSON texts. Its verdict is in it for whoever may read evaluations. */
  async record(caller: Caller, run: Run): Promise<RecordedRun> {
    demand(caller, 'runs:read');
    const below: RecordedParts[] = [];
    const ids = run.parent === null ? await this.#store.listRunsBelow(run.workspaceId, run.id) : [];
    for (const id of ids) {
      const child = await this.#store.getRun(run.workspaceId, id);
      if (child !== null) below.push(await this.#parts(child));
    }
    return {
      ...(await this.#parts(run)),
      evaluation: caller.scopes.has('evaluations:read') ? await this.#evaluation(run) : null,
      // Each after the one that invoked it.
      below: below.toSorted((a, b) => (a.run.parent?.depth ?? 0) - (b.run.parent?.depth ?? 0)),
    };
  }

  /** A workflow, also one that was deleted, with its current version and some others of it. Null to whoever may not read it. */
  async workflow(
    caller: Caller,
    workflowId: string,
    versionIds: readonly string[],
  ): Promise<{ readonly workflow: Workflow; readonly versions: readonly WorkflowVersion[] } | null> {
    demand(caller, 'runs:read');
    const { workspaceId } = caller;
    const [found] = await this.#store.listWorkflowsById(workspaceId, [workflowId]);
    if (found === undefined || !caller.scopes.has(SCOPE_OF_KIND[found.workflow.kind])) return null;
    const ids = [...new Set([found.workflow.currentVersionId, ...versionIds])];
    const versions = await Promise.all(ids.map((id) => this.#store.getVersion(workspaceId, id)));
    return { workflow: found.workflow, versions: versions.filter((version) => version !== null) };
  }

  async #parts(run: Run): Promise<RecordedParts> {
    const { workspaceId, id } = run;
    const [nodeRuns, lines] = await Promise.all([
      this.#store.listNodeRuns(workspaceId, id, { payloads: true }),
      this.#store.listRunLogs(workspaceId, id, MAX_LOGS),
    ]);
    const iterations: Iteration[] = [];
    for (const { nodeId, iterates } of nodeRuns) {
      if (!iterates) continue;
      const page = { from: 1, limit: MAX_PASSES };
      for (const { iteration } of await this.#store.listIterations(workspaceId, id, nodeId, page)) {
        const pass = await this.#store.getIteration(workspaceId, id, nodeId, iteration);
        if (pass !== null) iterations.push(await this.#withTexts(pass));
      }
    }
    return {
      run: { ...run, input: await this.#payloads.text(run.input), output: await this.#text(run.output) },
      nodeRuns: await Promise.all(nodeRuns.map((nodeRun) => this.#withTexts(nodeRun))),
      iterations,
      logs: lines,
    };
  }

  async #withTexts<T extends { readonly inputs: string | null; readonly outputs: string | null }>(io: T): Promise<T> {
    return { ...io, inputs: await this.#text(io.inputs), outputs: await this.#text(io.outputs) };
  }

  async #text(payload: string | null): Promise<string | null> {
    return payload === null ? null : this.#payloads.text(payload);
  }

  async #evaluation({ workspaceId, id }: Run): Promise<RecordedEvaluation | null> {
    const [evaluation] = await this.#store.currentEvaluations(workspaceId, [id]);
    if (evaluation === undefined) return null;
    return { evaluation, judges: await this.#store.listJudges(workspaceId, [evaluation.id]) };
  }
}
