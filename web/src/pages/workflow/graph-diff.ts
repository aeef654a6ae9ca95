import type { JsonValue } from '../../../../src/domain/json.ts';
import type { DraftEdge, DraftGraph, DraftNode } from './draft-graph.ts';

export type Mark = 'added' | 'removed' | 'changed';

/** One setting that differs. `undefined`: it was not there. */
export interface SettingChange {
  readonly name: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

export interface NodeChange {
  readonly node: DraftNode;
  readonly mark: Mark;
  /** Of changed ones. */
  readonly settings: readonly SettingChange[];
}

export interface EdgeChange {
  readonly edge: DraftEdge;
  readonly mark: 'added' | 'removed';
}

export interface GraphDiff {
  readonly nodes: readonly NodeChange[];
  readonly edges: readonly EdgeChange[];
  /** Both at once, to be drawn: what is there now, and what was removed. */
  readonly union: DraftGraph;
}

/** What changed between two definitions. Where nodes lie is no change; an edge is the same when it joins the same sockets. */
export function graphDiff(before: DraftGraph, after: DraftGraph): GraphDiff {
  const earlier = new Map(before.nodes.map((node) => [node.id, node]));
  const later = new Set(after.nodes.map(({ id }) => id));
  const nodes: NodeChange[] = [];
  for (const node of after.nodes) {
    const old = earlier.get(node.id);
    if (!old) nodes.push({ node, mark: 'added', settings: [] });
    else {
      const settings = settingChanges(old, node);
      if (settings.length > 0) nodes.push({ node, mark: 'changed', settings });
    }
  }
  const removed = before.nodes.filter(({ id }) => !later.has(id));
  nodes.push(...removed.map((node) => ({ node, mark: 'removed' as const, settings: [] })));
  const was = new Map(before.edges.map((edge) => [edgeKey(edge), edge]));
  const is = new Map(after.edges.map((edge) => [edgeKey(edge), edge]));
  const gone = [...was].flatMap(([key, edge]) => (is.has(key) ? [] : [edge]));
  const edges: EdgeChange[] = [
    ...[...is].flatMap(([key, edge]) => (was.has(key) ? [] : [{ edge, mark: 'added' as const }])),
    ...gone.map((edge) => ({ edge, mark: 'removed' as const })),
  ];
  const taken = new Set(after.edges.map(({ id }) => id));
  return {
    nodes,
    edges,
    union: {
      nodes: [...after.nodes, ...removed],
      // An id may mean another edge by now.
      edges: [
        ...after.edges,
        ...gone.map((edge) => (taken.has(edge.id) ? { ...edge, id: `${edge.id} (removed)` } : edge)),
      ],
      rest: after.rest,
    },
  };
}

/** Says what an edge joins, whatever its id. */
function edgeKey({ from, to, optional }: DraftEdge): string {
  return JSON.stringify([from.nodeId, from.connector, from.key, to.nodeId, to.connector, to.key, optional]);
}

function settingChanges(before: DraftNode, after: DraftNode): SettingChange[] {
  const about: SettingChange[] = [
    { name: 'name', before: before.name, after: after.name },
    { name: 'type', before: before.type, after: after.type },
  ];
  const names = new Set([...Object.keys(before.config), ...Object.keys(after.config)]);
  const config = [...names].map((name) => ({ name, before: before.config[name], after: after.config[name] }));
  return [...about, ...config].filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}
