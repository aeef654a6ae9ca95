import type { Definition } from '../../../../src/domain/definition.ts';
import type { NodeRow, RunDetail } from '../../explorer-api.ts';

/** A node of the run with the steps that happened inside of it. */
export interface NodeEntry {
  readonly node: NodeRow;
  readonly steps: readonly NodeRow[];
  /** When it could have begun: what it waits for had ended. Null for a node that has not begun. */
  readonly readyAt: number | null;
}

/** Nodes in the order in which they began, those that have not begun at the end in the order of the definition. */
export function nodeEntries({ nodes, run, version }: RunDetail): NodeEntry[] {
  const steps = Map.groupBy(
    nodes.filter(({ nodeId }) => holderOf(nodeId) !== null),
    ({ nodeId }) => holderOf(nodeId) as string,
  );
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const begun = run.startedAt ?? run.createdAt;
  const place = new Map(topologicalOrder(version.definition).map((nodeId, index) => [nodeId, index]));
  return nodes
    .filter(({ nodeId }) => holderOf(nodeId) === null)
    .map((node) => ({
      node,
      steps: (steps.get(node.nodeId) ?? []).toSorted(
        (one, other) => (one.startedAt ?? 0) - (other.startedAt ?? 0) || one.nodeId.localeCompare(other.nodeId),
      ),
      readyAt: node.startedAt === null ? null : readyAt(node.nodeId, version.definition, byId, begun),
    }))
    .toSorted(
      (one, other) =>
        (one.node.startedAt ?? Number.MAX_SAFE_INTEGER) - (other.node.startedAt ?? Number.MAX_SAFE_INTEGER) ||
        (place.get(one.node.nodeId) ?? 0) - (place.get(other.node.nodeId) ?? 0),
    );
}

/** The node that a step belongs to; null for a node of the definition. */
export function holderOf(nodeId: string): string | null {
  const slash = nodeId.indexOf('/');
  return slash < 0 ? null : nodeId.slice(0, slash);
}

/** What a step is called below its node: `001.00.model`. */
function stepName(nodeId: string): string {
  return nodeId.slice(nodeId.indexOf('/') + 1);
}

/** What a node or a step is called. */
export function nodeLabel({ nodeId, name }: NodeRow): string {
  return holderOf(nodeId) === null ? name : stepName(nodeId);
}

function readyAt(nodeId: string, { edges }: Definition, nodes: ReadonlyMap<string, NodeRow>, begun: number): number {
  const ends = edges
    .filter(({ to }) => to.nodeId === nodeId)
    .map(({ from }) => nodes.get(from.nodeId)?.finishedAt ?? 0);
  return Math.max(begun, ...ends);
}

/** Ids so that each stands behind everything that it waits for. */
export function topologicalOrder({ nodes, edges }: Definition): string[] {
  const waitsFor = new Map(nodes.map(({ id }) => [id, 0]));
  for (const { to } of edges) waitsFor.set(to.nodeId, (waitsFor.get(to.nodeId) ?? 0) + 1);
  const ready = nodes.filter(({ id }) => waitsFor.get(id) === 0).map(({ id }) => id);
  // What `ready` grows by while it is walked through is walked through as well.
  for (const id of ready) {
    for (const { from, to } of edges) {
      if (from.nodeId !== id) continue;
      const left = (waitsFor.get(to.nodeId) ?? 0) - 1;
      waitsFor.set(to.nodeId, left);
      if (left === 0) ready.push(to.nodeId);
    }
  }
  return ready;
}

/** Milliseconds that a node has taken, up to now while it goes on; null for one that has not begun. */
export function spentMs({ startedAt, finishedAt }: NodeRow, now: number): number | null {
  return startedAt === null ? null : Math.max(0, (finishedAt ?? now) - startedAt);
}
