import type { Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { JsonObject } from '../domain/json.ts';
import { RECORDED_NODE } from '../nodes/builtin/recorded.ts';
import type { GivenDefinition } from './workflows.ts';

/** A node of a workflow that ran elsewhere. */
export interface StandInNode {
  readonly id: string;
  readonly name: string;
  /** What it was there. */
  readonly type: string;
  readonly config?: JsonObject;
}

/** The graph of a workflow that ran elsewhere. */
export interface StandInGraph {
  readonly nodes: readonly StandInNode[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

const ANY = { dataType: 'Any', isList: false } as const;
const INPUT = { name: 'input', type: ANY, optional: true, propagatesList: false };
const OUTPUT = { name: 'output', type: ANY, optional: false, propagatesList: true };

/** Levels of a graph are drawn this far apart, and nodes of a level. */
const COLUMN = 300;
const ROW = 140;

/**
 * A definition that shows a graph and cannot run. Edges that lead nowhere, come twice or close a circle are left out: elsewhere loops are drawn as
 * circles. A graph without nodes gets one, since nothing would keep an empty one from running.
 */
export function standInDefinition({ nodes, edges }: StandInGraph): GivenDefinition {
  const ids = new Set<string>();
  const unique = nodes.filter(({ id }) => !ids.has(id) && ids.add(id));
  const shown = unique.length > 0 ? unique : [{ id: 'run', name: 'Run', type: 'run' }];
  const levels = new Map<string, number>(shown.map(({ id }) => [id, 0]));
  const kept = withoutCircles(levels, edges);
  const rows = new Map<number, number>();
  const documents = shown.map(({ id, name, type, config }) => {
    const level = levels.get(id) ?? 0;
    const row = rows.get(level) ?? 0;
    rows.set(level, row + 1);
    return {
      id,
      type: RECORDED_NODE,
      name,
      display: { position: { x: COLUMN * level, y: ROW * row } },
      node_config: configOf(type, config),
      connector_config: { inputs: [], outputs: [] },
    };
  });
  const definition: Definition = {
    nodes: shown.map(
      ({ id, name, type, config }): NodeDefinition => ({
        id,
        type: RECORDED_NODE,
        name,
        config: configOf(type, config),
        inputs: [INPUT],
        outputs: [OUTPUT],
      }),
    ),
    edges: kept.map(
      ({ from, to }): EdgeDefinition => ({
        id: `${from} -> ${to}`,
        from: { nodeId: from, connector: OUTPUT.name, key: null },
        to: { nodeId: to, connector: INPUT.name, key: null },
        optional: true,
        orderOnly: false,
      }),
    ),
  };
  const document = {
    flow_version: 'v1',
    nodes: documents,
    edges: definition.edges.map(({ id, from, to }) => ({
      id,
      from_id: { node_id: from.nodeId, connector_name: from.connector },
      to_id: { node_id: to.nodeId, connector_name: to.connector, optional: true },
    })),
  };
  return { definition, document: JSON.stringify(document), issues: [] };
}

const configOf = (type: string, config: JsonObject | undefined): JsonObject => ({
  recorded_type: type,
  ...(config === undefined ? {} : { recorded_config: config }),
});

/** The edges that can be ordered, and in `levels` the place of each node in that order. */
function withoutCircles(levels: Map<string, number>, edges: StandInGraph['edges']): StandInGraph['edges'] {
  const next = new Map<string, string[]>([...levels.keys()].map((id) => [id, []]));
  const seen = new Set<string>();
  const known = edges.filter(({ from, to }) => {
    const name = JSON.stringify([from, to]);
    if (!levels.has(from) || !levels.has(to) || from === to || seen.has(name)) return false;
    seen.add(name);
    next.get(from)!.push(to);
    return true;
  });
  const state = new Map<string, 'open' | 'done'>();
  const circular = new Set<string>();
  const order: string[] = [];
  for (const root of levels.keys()) {
    if (state.has(root)) continue;
    // A stack of its own: a graph may be deeper than calls.
    const stack = [{ id: root, at: 0 }];
    state.set(root, 'open');
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const to = next.get(top.id)?.[top.at];
      top.at += 1;
      if (to === undefined) {
        state.set(top.id, 'done');
        order.push(top.id);
        stack.pop();
      } else if (state.get(to) === 'open') circular.add(JSON.stringify([top.id, to]));
      else if (!state.has(to)) {
        state.set(to, 'open');
        stack.push({ id: to, at: 0 });
      }
    }
  }
  const kept = known.filter(({ from, to }) => !circular.has(JSON.stringify([from, to])));
  const byFrom = Map.groupBy(kept, ({ from }) => from);
  for (const id of order.toReversed()) {
    for (const { to } of byFrom.get(id) ?? []) levels.set(to, Math.max(levels.get(to) ?? 0, (levels.get(id) ?? 0) + 1));
  }
  return kept;
}
