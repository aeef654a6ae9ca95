import { describe, expect, it } from 'vitest';
import { edge, node } from '../../test/support/definitions.ts';
import type { Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { compile } from './graph.ts';
import { differences, takeover } from './takeover.ts';

const input = (id: string) => node(id, inputNode, { label: id });
const text = (id: string, template = `((x)) by ${id}`) => node(id, composeText, { template });
const output = (id: string) => node(id, outputNode, { label: id });
const link = (from: string, to: string) =>
  edge(`${from}::output`, `${to}::${to.startsWith('out') ? 'input' : 'variables::x'}`);

/** in → a → b → out, and in → c → out2. */
const NODES: readonly NodeDefinition[] = [input('in'), text('a'), text('b'), output('out'), text('c'), output('out2')];
const EDGES: readonly EdgeDefinition[] = [
  link('in', 'a'),
  link('a', 'b'),
  link('b', 'out'),
  link('in', 'c'),
  link('c', 'out2'),
];
const DEFINITION: Definition = { nodes: NODES, edges: EDGES };

const record = (nodeId: string, set: Partial<NodeRun> = {}): NodeRun => ({
  nodeId,
  status: 'succeeded',
  currentIteration: 1,
  totalIterations: 1,
  iterates: false,
  attempts: 1,
  startedAt: 1,
  finishedAt: 2,
  inputs: '{}',
  outputs: '{"output":"x"}',
  taken: ['output'],
  failure: null,
  warnings: [],
  usage: null,
  ...set,
});

const FAILED = { status: 'failed', outputs: null, taken: null } as const;

const taken = (...records: readonly NodeRun[]) =>
  takeover(compile(DEFINITION, createCatalogue()), records).taken.map(({ nodeId }) => nodeId);

describe('what a run that repeats another takes over', () => {
  it('is what succeeded before and beside the failure', () => {
    expect(taken(record('in'), record('a'), record('b', FAILED), record('c'), record('out2'))).toEqual([
      'in',
      'a',
      'c',
      'out2',
    ]);
  });

  it('is nothing that comes after what runs anew, though it succeeded', () => {
    const partial = { warnings: [{ identifier: 'general', detail: 'One of two.', partial: true }] } as const;
    expect(taken(record('in'), record('a', partial), record('b'), record('out'))).toEqual(['in']);
    expect(taken(record('in', FAILED))).toEqual([]);
    expect(taken()).toEqual([]);
  });

  it('is nothing that was cut off, and nothing that was skipped: that is decided again', () => {
    const skipped = { status: 'skipped', outputs: null, taken: null } as const;
    expect(taken(record('in'), record('a', skipped), record('b'), record('c', { status: 'canceled' }))).toEqual([
      'in',
      'b',
    ]);
  });

  it('is a failure that the graph dealt with', () => {
    expect(taken(record('in'), record('a', { status: 'failed', taken: ['on_error'] }), record('b', FAILED))).toEqual([
      'in',
      'a',
    ]);
  });

  it('rests on everything before it', () => {
    const skipped = { status: 'skipped', outputs: null, taken: null } as const;
    const records = [record('in'), record('a', skipped), record('b')];
    expect([...takeover(compile(DEFINITION, createCatalogue()), records).rest].sort()).toEqual(['a', 'b', 'in']);
  });
});

describe('the difference between two definitions', () => {
  const of = (now: Definition, ...ids: string[]) => differences(DEFINITION, now, new Set(ids));

  it('is none where nodes do the same on the same, whatever they are called and whatever comes after', () => {
    const renamed = NODES.map((each) => ({ ...each, name: `new ${each.id}`, config: { ...each.config } }));
    const edges = EDGES.map((each) => ({ ...each, id: `new ${each.id}` }));
    const nodes = renamed.map((each) => (each.id === 'b' ? text('b', 'other') : each));
    expect(of({ nodes, edges }, 'in', 'a', 'c')).toEqual([]);
  });

  it('names nodes that are gone, do something else, or are led something else', () => {
    const nodes = [input('in'), text('a', 'other'), text('b'), output('out'), output('out2')];
    const edges = [link('in', 'a'), link('in', 'b'), link('b', 'out')];
    expect(of({ nodes, edges }, 'in', 'a', 'b', 'c')).toEqual([
      { nodeId: 'a', kind: 'changed' },
      { nodeId: 'b', kind: 'connected otherwise' },
      { nodeId: 'c', kind: 'removed' },
    ]);
  });
});
