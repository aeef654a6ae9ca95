import type { NodeRun } from '../domain/node-run.ts';
import { isSettled } from '../domain/node-run.ts';
import type { Run } from '../domain/run.ts';
import type { RunLog } from '../domain/run-log.ts';
import type { WorkflowVersion } from '../domain/workflow.ts';
import { type EdgeStatus, edgeStatus, type NodeState } from '../engine/decide.ts';
import type { Graph } from '../engine/graph.ts';
import { resolveInput } from '../engine/run-input.ts';

/** How far a run is, node by node and edge by edge. */
export interface RunProgress {
  /** Node ids in the order of the graph. */
  readonly executed: readonly string[];
  readonly running: readonly string[];
  readonly remaining: readonly string[];
  readonly skipped: readonly string[];
  readonly errorHandlers: readonly string[];
  /** Without payloads, in the order of the graph; behind them the steps inside nodes (`stepRecordId`). */
  readonly nodes: readonly NodeRun[];
  readonly edges: readonly (readonly [edgeId: string, status: EdgeStatus])[];
  /** The first lines; see `Store.listRunLogs`. */
  readonly logs: readonly RunLog[];
  /** Of the nodes that have invoked a workflow. */
  readonly subflows: readonly SubflowProgress[];
}

/** How far the runs are that one node invoked. */
export interface SubflowProgress {
  readonly nodeId: string;
  readonly workflowId: string;
  readonly workflowName: string;
  /** The frozen definition that all of them execute. */
  readonly version: WorkflowVersion;
  readonly totalIterations: number;
  /** The last ones, by the item or the round that they are about, from 1. */
  readonly iterations: ReadonlyMap<number, RunProgress & { readonly runId: string }>;
}

/** Puts a run's records beside its definition. Nothing of it is stored: definition and node records say it all. */
export function progressOfRun(
  graph: Graph,
  run: Run,
  nodeRuns: readonly NodeRun[],
  logs: readonly RunLog[],
  subflows: readonly SubflowProgress[] = [],
): RunProgress {
  const { selected } = resolveInput(graph, run, {});
  const states = new Map<string, NodeState>();
  const records = new Map<string, NodeRun>();
  for (const record of nodeRuns) {
    records.set(record.nodeId, record);
    const outputs = record.taken === null ? null : Object.fromEntries(record.taken.map((name) => [name, null]));
    states.set(record.nodeId, { status: record.status, iterates: record.iterates, outputs, failure: record.failure });
  }
  const state = { selected, given: new Map(), nodes: states, alone: run.singleNodeId !== null };
  const ids = graph.nodes.map((node) => node.id).filter((id) => selected.has(id));
  const statusOf = (id: string) => records.get(id)?.status;
  return {
    executed: ids.filter((id) => statusOf(id) === 'succeeded' || statusOf(id) === 'failed'),
    running: ids.filter((id) => records.has(id) && !isSettled(records.get(id)!.status)),
    remaining: ids.filter((id) => !records.has(id)),
    skipped: ids.filter((id) => statusOf(id) === 'skipped' || statusOf(id) === 'canceled'),
    errorHandlers: graph.nodes.filter((node) => node.handlesErrors && selected.has(node.id)).map((node) => node.id),
    nodes: [...ids.flatMap((id) => records.get(id) ?? []), ...nodeRuns.filter(({ nodeId }) => !graph.byId.has(nodeId))],
    edges: state.alone
      ? []
      : graph.edges
          .filter((edge) => selected.has(edge.from.id) && selected.has(edge.to.id))
          .map((edge) => [edge.id, edgeStatus(edge, state)] as const),
    logs,
    subflows,
  };
}
