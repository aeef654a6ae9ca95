import type { Definition } from '../../../../src/domain/definition.ts';
import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import { topologicalOrder } from './node-rows.ts';

/** Pixels of a node, all the same: what is in it is cut. */
export const NODE_WIDTH = 208;
export const NODE_HEIGHT = 56;

/** Pixels between two layers, and between two nodes of one. */
const LAYER_GAP = 48;
const NODE_GAP = 28;

/** Sweeps over the layers that bring connected nodes beside one another; more change nothing in graphs of some hundred nodes. */
const SWEEPS = 4;

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Where nodes stand: as the author put them, or in layers where places are missing or nodes would lie on one another. */
export function placesOf(definition: Definition, document: JsonObject): ReadonlyMap<string, Place> {
  const saved = savedPlaces(document);
  const all = definition.nodes.map(({ id }) => saved.get(id));
  const isWhole = all.every((place) => place !== undefined);
  return isWhole && !overlaps(all as Place[]) ? saved : layered(definition);
}

/** The places in a document in the form of the Noxus API, which has its nodes at the top or below `definition`. */
function savedPlaces(document: JsonObject): Map<string, Place> {
  const holder = isJsonObject(document['definition']) ? document['definition'] : document;
  const nodes = Array.isArray(holder['nodes']) ? holder['nodes'] : [];
  const places = new Map<string, Place>();
  for (const node of nodes) {
    if (!isJsonObject(node) || !isJsonObject(node['display'])) continue;
    const { position } = node['display'];
    if (!isJsonObject(position)) continue;
    const { x, y } = position;
    if (typeof x === 'number' && typeof y === 'number') places.set(String(node['id']), { x, y });
  }
  return places;
}

function overlaps(places: readonly Place[]): boolean {
  const byColumn = places.toSorted((one, other) => one.x - other.x);
  return byColumn.some((one, index) => {
    for (let at = index + 1; at < byColumn.length; at++) {
      const other = byColumn[at] as Place;
      if (other.x - one.x >= NODE_WIDTH) return false;
      if (Math.abs(other.y - one.y) < NODE_HEIGHT) return true;
    }
    return false;
  });
}

/** Each node behind all that it waits for, from left to right; within a layer near to what it is connected with. */
function layered(definition: Definition): Map<string, Place> {
  const { edges } = definition;
  const before = Map.groupBy(edges, ({ to }) => to.nodeId);
  const after = Map.groupBy(edges, ({ from }) => from.nodeId);
  const layer = new Map<string, number>();
  for (const id of topologicalOrder(definition)) {
    const behind = (before.get(id) ?? []).map(({ from }) => (layer.get(from.nodeId) ?? 0) + 1);
    layer.set(id, Math.max(0, ...behind));
  }
  const layers: string[][] = [];
  for (const [id, index] of layer) {
    while (layers.length <= index) layers.push([]);
    layers[index]?.push(id);
  }
  const rank = new Map<string, number>();
  for (const ids of layers) rankAll(ids, rank);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const ids of isForward ? layers : layers.toReversed()) {
      const middle = new Map(
        ids.map((id) => {
          const beside = isForward
            ? (before.get(id) ?? []).map(({ from }) => from.nodeId)
            : (after.get(id) ?? []).map(({ to }) => to.nodeId);
          const own = rank.get(id) ?? 0;
          if (beside.length === 0) return [id, own];
          return [id, beside.reduce((sum, other) => sum + (rank.get(other) ?? 0), 0) / beside.length];
        }),
      );
      ids.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0));
      rankAll(ids, rank);
    }
  }
  const places = new Map<string, Place>();
  for (const [index, ids] of layers.entries()) {
    for (const id of ids) {
      places.set(id, { x: index * (NODE_WIDTH + LAYER_GAP), y: (rank.get(id) ?? 0) * (NODE_HEIGHT + NODE_GAP) });
    }
  }
  return places;
}

/** Numbers the nodes of a layer around zero, so that layers stand centred beside one another. */
function rankAll(ids: readonly string[], rank: Map<string, number>): void {
  for (const [index, id] of ids.entries()) rank.set(id, index - (ids.length - 1) / 2);
}
