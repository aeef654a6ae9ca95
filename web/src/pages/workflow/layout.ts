import type { DraftGraph } from './draft-graph.ts';

/** Pixels. A node is as wide as `node-card.module.css` says, and the canvas keeps to a grid. */
export const NODE_WIDTH = 232;
export const GRID = 8;
const COLUMN_GAP = 80;
const ROW_GAP = 40;

/** Sweeps that put nodes beside those they are connected with; more change nothing that an eye sees. */
const SWEEPS = 4;

/**
 * Puts nodes in columns from left to right, each behind all that feed it, and orders each column so that few edges cross.
 * @param heightOf pixels of a node
 */
export function laidOut(graph: DraftGraph, heightOf: (id: string) => number): DraftGraph {
  const ids = graph.nodes.map(({ id }) => id);
  const sources = new Map<string, string[]>(ids.map((id) => [id, []]));
  const targets = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of graph.edges) {
    if (!targets.has(from.nodeId) || !sources.has(to.nodeId)) continue;
    targets.get(from.nodeId)?.push(to.nodeId);
    sources.get(to.nodeId)?.push(from.nodeId);
  }
  const column = columnsOf(ids, sources, targets);
  const columns: string[][] = [];
  for (const id of ids) {
    const at = column.get(id) ?? 0;
    while (columns.length <= at) columns.push([]);
    columns[at]?.push(id);
  }
  const center = new Map<string, number>();
  const settle = (order: readonly string[]) => {
    let y = 0;
    for (const id of order) {
      center.set(id, y + heightOf(id) / 2);
      y += heightOf(id) + ROW_GAP;
    }
    // Columns are centred on a line, so that a chain is straight.
    for (const id of order) center.set(id, (center.get(id) ?? 0) - (y - ROW_GAP) / 2);
  };
  for (const order of columns) settle(order);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const order of forward ? columns : columns.toReversed()) {
      const wish = new Map(
        order.map((id) => [id, mean((forward ? sources : targets).get(id) ?? [], center) ?? center.get(id) ?? 0]),
      );
      order.sort((one, other) => (wish.get(one) ?? 0) - (wish.get(other) ?? 0));
      settle(order);
    }
  }
  const onGrid = (value: number) => Math.round(value / GRID) * GRID;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      x: (column.get(node.id) ?? 0) * (NODE_WIDTH + COLUMN_GAP),
      y: onGrid((center.get(node.id) ?? 0) - heightOf(node.id) / 2),
    })),
  };
}

/** How many edges a node is away from the furthest beginning. Nodes of a circle, which none of them could ever leave, stand at the front. */
function columnsOf(
  ids: readonly string[],
  sources: ReadonlyMap<string, readonly string[]>,
  targets: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, number> {
  const column = new Map<string, number>();
  const open = new Map(ids.map((id) => [id, sources.get(id)?.length ?? 0]));
  const ready = ids.filter((id) => open.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    const at = column.get(id) ?? 0;
    column.set(id, at);
    for (const target of targets.get(id) ?? []) {
      column.set(target, Math.max(column.get(target) ?? 0, at + 1));
      const left = (open.get(target) ?? 1) - 1;
      open.set(target, left);
      if (left === 0) ready.push(target);
    }
  }
  return column;
}

function mean(ids: readonly string[], center: ReadonlyMap<string, number>): number | null {
  if (ids.length === 0) return null;
  return ids.reduce((sum, id) => sum + (center.get(id) ?? 0), 0) / ids.length;
}
