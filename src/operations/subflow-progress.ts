import type { NodeRun } from '../domain/node-run.ts';
import type { Run } from '../domain/run.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import type { Graph } from '../engine/graph.ts';
import type { Store } from '../store/store.ts';
import { progressOfRun, type RunProgress, type SubflowProgress } from './progress.ts';

/** Reads the progress of the runs below a run, as far as a budget goes: those of ten thousand items are a list, not a part of an answer. */
export class SubflowReader {
  readonly #store: Store;
  readonly #graphOf: (version: WorkflowVersion) => Graph;
  readonly #versions = new Map<string, WorkflowVersion>();
  /** Runs that may still be read. */
  #budget: number;

  constructor(store: Store, graphOf: (version: WorkflowVersion) => Graph, budget: number) {
    this.#store = store;
    this.#graphOf = graphOf;
    this.#budget = budget;
  }

  /** Of the nodes of a run that invoke workflows and have begun. */
  async of(run: Run, graph: Graph, nodeRuns: readonly NodeRun[]): Promise<SubflowProgress[]> {
    if (graph.invoked.length === 0) return [];
    const found: SubflowProgress[] = [];
    for (const record of nodeRuns) {
      const node = graph.byId.get(record.nodeId);
      if (node?.subflowId && record.startedAt !== null) {
        const progress = await this.#ofNode(run, record);
        if (progress !== null) found.push(progress);
      }
    }
    return found;
  }

  async #ofNode({ workspaceId, id: runId }: Run, record: NodeRun): Promise<SubflowProgress | null> {
    const of = { workspaceId, runId, nodeId: record.nodeId };
    const { items: first, total } = await this.#store.listInvoked(of, { page: 1, size: 1 });
    const sample = first[0];
    if (sample === undefined) return null;
    const version = await this.#version(sample);
    if (version === null) return null;
    const workflow = await this.#store.getWorkflow(workspaceId, sample.workflowId);
    return {
      nodeId: record.nodeId,
      workflowId: sample.workflowId,
      workflowName: workflow?.name ?? '',
      version,
      totalIterations: record.totalIterations,
      iterations: await this.#lastOnes(of, total, record.iterates, this.#graphOf(version)),
    };
  }

  async #lastOnes(
    of: { workspaceId: string; runId: string; nodeId: string },
    total: number,
    iterates: boolean,
    graph: Graph,
  ): Promise<Map<number, RunProgress & { runId: string }>> {
    const iterations = new Map<number, RunProgress & { runId: string }>();
    const size = Math.max(1, Math.min(this.#budget, total));
    // Pages of the wanted size: the last two hold the last ones, in order.
    const last = Math.ceil(total / size);
    const pages = await Promise.all(
      [last - 1, last].filter((page) => page >= 1).map((page) => this.#store.listInvoked(of, { page, size })),
    );
    for (const run of pages.flatMap(({ items }) => items).slice(-size)) {
      if (this.#budget === 0 || run.parent === null) break;
      this.#budget -= 1;
      const nodeRuns = await this.#store.listNodeRuns(run.workspaceId, run.id, { payloads: false });
      const below = await this.of(run, graph, nodeRuns);
      const progress = progressOfRun(graph, run, nodeRuns, [], below);
      iterations.set(iterates ? run.parent.iteration : run.parent.ordinal, { ...progress, runId: run.id });
    }
    return iterations;
  }

  async #version({ workspaceId, workflowVersionId }: Run): Promise<WorkflowVersion | null> {
    const known = this.#versions.get(workflowVersionId);
    if (known !== undefined) return known;
    const version = await this.#store.getVersion(workspaceId, workflowVersionId);
    if (version !== null) this.#versions.set(workflowVersionId, version);
    return version;
  }
}
