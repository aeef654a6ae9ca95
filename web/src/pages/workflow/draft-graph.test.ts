import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/domain/json.ts';
import type { CatalogueEntry, CatalogueSocket } from '../../explorer-api.ts';
import {
  type Catalogue,
  copiedText,
  isEditable,
  readDocument,
  withCopied,
  withEdge,
  withKey,
  withNewNode,
  without,
  writeDocument,
} from './draft-graph.ts';
import { graphDiff } from './graph-diff.ts';
import { laidOut } from './layout.ts';
import { keyFor, refusalOf, socketsOf } from './sockets.ts';

const socket = (
  name: string,
  kind = 'connector',
  dataType: CatalogueSocket['type']['dataType'] = 'str',
): CatalogueSocket => ({
  ...{ name, label: name, kind, type: { dataType, isList: false }, optional: false },
  ...{ propagatesList: true, choices: [] },
});

const entry = (
  type: string,
  inputs: CatalogueSocket[],
  outputs: CatalogueSocket[],
  more: Partial<CatalogueEntry> = {},
): CatalogueEntry => ({
  ...{ type, title: type, description: '', category: 'core', purity: 'pure' as const, role: null, inputs, outputs },
  ...{ hasOwnOutputs: false, gathersList: false, config: {} },
  ...more,
});

const CATALOGUE: Catalogue = new Map(
  [
    entry('InputNode', [], [{ ...socket('output'), choices: [{ dataType: 'number', isList: false }] }], {
      role: 'input',
    }),
    entry('ComposeTextNode', [socket('variables', 'variable_connector')], [socket('output'), socket('on_error')]),
    entry('SwitchNode', [socket('value')], [socket('default')], { hasOwnOutputs: true }),
    entry('FileNode', [], [socket('output', 'connector', 'File')]),
  ].map((one) => [one.type, one]),
);

const DOCUMENT: JsonObject = {
  flow_version: 'v1',
  note: 'kept',
  nodes: [
    {
      ...{ id: 'in', type: 'InputNode', name: 'Name', credential_ids: { mail: 'x' } },
      ...{ display: { position: { x: 10, y: 20 }, colour: 'red' }, node_config: { label: 'Name', type: 'number' } },
      connector_config: { inputs: [], outputs: [] },
    },
    {
      ...{ id: 'say', type: 'ComposeTextNode', name: 'Say', display: { position: { x: 300, y: 20 } } },
      node_config: { template: '((Name))' },
      connector_config: { inputs: [{ name: 'variables', keys: ['Name'], optional: true }], outputs: [] },
    },
  ],
  edges: [
    {
      id: 'e1',
      from_id: { node_id: 'in', connector_name: 'output', key: null },
      to_id: { node_id: 'say', connector_name: 'variables', key: 'Name', optional: false },
    },
  ],
};

const graph = readDocument(DOCUMENT);

describe('a definition in work', () => {
  it('goes back as it came, with what the editor does not know', () => {
    expect(writeDocument(graph, CATALOGUE)).toEqual(DOCUMENT);
    expect(JSON.stringify(writeDocument(readDocument(writeDocument(graph, CATALOGUE)), CATALOGUE))).toBe(
      JSON.stringify(writeDocument(graph, CATALOGUE)),
    );
  });

  it('reads addresses in both forms', () => {
    const [edge] = readDocument({ nodes: [], edges: [{ from_id: 'in::output', to_id: 'say::variables::Name' }] }).edges;
    expect(edge).toEqual({
      id: 'edge-1',
      from: { nodeId: 'in', connector: 'output', key: null },
      to: { nodeId: 'say', connector: 'variables', key: 'Name' },
      optional: false,
    });
  });

  it('leaves out outputs that follow from the configuration, so that a case that was renamed is gone', () => {
    const outputs = [{ name: 'default' }, { name: 'urgent' }];
    const old = readDocument({
      nodes: [{ id: 's', type: 'SwitchNode', connector_config: { inputs: [], outputs } }],
      edges: [],
    });
    expect(writeDocument(old, CATALOGUE)['nodes']).toMatchObject([
      { connector_config: { outputs: [{ name: 'default' }] } },
    ]);
  });

  it('is not drawn in the second form', () => {
    expect(isEditable(DOCUMENT)).toBe(true);
    expect(isEditable({ flow_version: 'v2' })).toBe(false);
  });

  it('gives new nodes ids that say what they are', () => {
    const first = withNewNode(graph, CATALOGUE.get('ComposeTextNode')!, { x: 0, y: 0 });
    const second = withNewNode(first.graph, CATALOGUE.get('ComposeTextNode')!, { x: 0, y: 0 });
    expect([first.id, second.id]).toEqual(['compose-text', 'compose-text-2']);
  });

  it('loses the edges of a node that is removed, and those of a key that is', () => {
    expect(without(graph, new Set(['in'])).edges).toEqual([]);
    const changed = withKey(graph, 'say', 'inputs', 'variables', 'Name', false);
    expect(changed.edges).toEqual([]);
    expect(changed.nodes[1]?.inputs).toEqual([{ name: 'variables', keys: [], optional: true }]);
  });

  it('copies nodes with what connects them, under ids and labels of their own', () => {
    const text = copiedText(graph, new Set(['in', 'say']), CATALOGUE);
    const pasted = withCopied(graph, text)!;
    expect([...pasted.ids]).toEqual(['in-2', 'say-2']);
    expect(pasted.graph.nodes[2]).toMatchObject({ name: 'Name 2', config: { label: 'Name 2' }, x: 50, y: 60 });
    expect(pasted.graph.edges[1]).toMatchObject({ from: { nodeId: 'in-2' }, to: { nodeId: 'say-2', key: 'Name' } });
    expect(withCopied(graph, 'some other text')).toBe(null);
  });
});

describe('sockets', () => {
  const of = (id: string) => socketsOf(graph.nodes.find((node) => node.id === id)!, graph.edges, CATALOGUE, undefined);

  it('have the type that an input was given, and the keys that a family was given', () => {
    expect(of('in').outputs).toMatchObject([{ connector: 'output', type: { dataType: 'number' } }]);
    expect(of('say').inputs).toMatchObject([{ connector: 'variables', key: 'Name', optional: true }]);
    expect(of('say').families.inputs).toMatchObject([{ connector: 'variables' }]);
  });

  it('of which no type knows are shown, since an edge ends there', () => {
    const wrong = withEdge(
      graph,
      { nodeId: 'in', connector: 'gone', key: null },
      { nodeId: 'say', connector: 'variables', key: 'X' },
    );
    const sockets = socketsOf(wrong.nodes[0]!, wrong.edges, CATALOGUE, undefined);
    expect(sockets.outputs.at(-1)).toMatchObject({ connector: 'gone', isUnknown: true });
  });

  it('are joined only where it makes sense, and a refusal says why', () => {
    const text = { dataType: 'str', isList: false } as const;
    const at = (nodeId: string, connector: string, key: string | null = null) => ({
      nodeId,
      connector,
      key,
      type: text,
    });
    expect(refusalOf(graph, at('in', 'output'), at('say', 'variables', 'Other'))).toBe(null);
    expect(refusalOf(graph, at('in', 'output'), at('say', 'variables', 'Name'))).toBe('They are connected already.');
    expect(refusalOf(graph, at('say', 'output'), at('say', 'variables', 'Name'))).toBe('A node cannot feed itself.');
    expect(refusalOf(graph, at('say', 'output'), at('in', 'input'))).toBe(
      'That would close a circle: Name → Say → Name.',
    );
    const file = { ...at('in', 'output'), type: { dataType: 'File', isList: false } as const };
    expect(refusalOf(graph, file, at('say', 'variables', 'Other'))).toMatch(
      'Name gives File, and Other of Say takes str.',
    );
  });

  it('of a family are named like what feeds them', () => {
    expect(keyFor(graph, { nodeId: 'in', connector: 'output', key: null })).toBe('Name');
  });
});

describe('what changed', () => {
  it('is told by node, setting and connection, whatever the ids of edges and wherever nodes lie', () => {
    const moved = {
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, x: node.x + 5 })),
      edges: graph.edges.map((edge) => ({ ...edge, id: 'other' })),
    };
    expect(graphDiff(graph, moved)).toMatchObject({ nodes: [], edges: [] });
    const added = withNewNode(graph, CATALOGUE.get('FileNode')!, { x: 0, y: 0 });
    const changed = without(
      {
        ...added.graph,
        nodes: added.graph.nodes.map((node) => (node.id === 'say' ? { ...node, config: { template: 'Hi' } } : node)),
      },
      new Set(['in']),
    );
    const diff = graphDiff(graph, changed);
    expect(diff.nodes.map(({ node, mark, settings }) => [node.id, mark, settings])).toEqual([
      ['say', 'changed', [{ name: 'template', before: '((Name))', after: 'Hi' }]],
      ['file', 'added', []],
      ['in', 'removed', []],
    ]);
    expect(diff.edges.map(({ mark }) => mark)).toEqual(['removed']);
    expect(diff.union.nodes.map(({ id }) => id)).toEqual(['say', 'file', 'in']);
    expect(diff.union.edges).toHaveLength(1);
  });
});

describe('the layout', () => {
  it('puts every node behind all that feed it, and none on another', () => {
    const chain = ['a', 'b', 'c', 'd'].map((id) => ({ ...graph.nodes[0]!, id, x: 0, y: 0 }));
    const joined = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'd'],
      ['c', 'd'],
    ].reduce(
      (now, [from, to]) =>
        withEdge(now, { nodeId: from!, connector: 'o', key: null }, { nodeId: to!, connector: 'i', key: null }),
      { nodes: chain, edges: [], rest: {} } as ReturnType<typeof readDocument>,
    );
    const { nodes } = laidOut(joined, () => 100);
    const at = Object.fromEntries(nodes.map(({ id, x, y }) => [id, { x, y }]));
    expect(at['a']!.x).toBeLessThan(at['b']!.x);
    expect(at['b']!.x).toBe(at['c']!.x);
    expect(at['c']!.x).toBeLessThan(at['d']!.x);
    expect(Math.abs(at['b']!.y - at['c']!.y)).toBeGreaterThanOrEqual(100);
    expect(at['a']!.y).toBe(at['d']!.y);
  });
});
