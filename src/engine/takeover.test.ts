import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edge, node } from '../../test/support/definitions.ts';
import type { Definition, EdgeDefinition, NodeDefinition } from '../domain/definition.ts';
import type { NodeRun } from '../domain/node-run.ts';
import { composeText } from '../nodes/builtin/compose-text.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { outputNode } from '../nodes/builtin/output.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { compile } from './graph.ts';
import { differences, type Takeover, takeover } from './takeover.ts';

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

const ids = ({ taken: records }: Takeover) => records.map(({ nodeId }) => nodeId);

const begin = (from: readonly string[] | null, now: Definition, nodeIds?: readonly string[]) => {
  const graph = compile(now, createCatalogue());
  return { from: from && new Set(from), graph, selected: new Set(nodeIds ?? graph.byId.keys()) };
};

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

  it('is a failure that the graph dealt with, as long as it is led to the same place', () => {
    const edges = [...EDGES.slice(0, 1), edge('a::on_error', 'b::variables::x'), link('b', 'out')];
    const graph = compile({ nodes: NODES, edges }, createCatalogue());
    const records = [record('in'), record('a', { status: 'failed', taken: ['on_error'] }), record('b', FAILED)];
    expect(ids(takeover(graph, records))).toEqual(['in', 'a']);
    const without = { nodes: NODES, edges: edges.filter(({ from }) => from.connector !== 'on_error') };
    expect(ids(takeover(graph, records, begin(null, without)))).toEqual(['in']);
    const goneOn = [record('in'), record('a', { status: 'failed', taken: ['output'] }), record('b', FAILED)];
    expect(taken(...goneOn)).toEqual(['in', 'a']);
    expect(ids(takeover(compile(DEFINITION, createCatalogue()), goneOn, begin(null, { nodes: NODES, edges })))).toEqual(
      ['in'],
    );
  });

  it('rests on everything before it', () => {
    const skipped = { status: 'skipped', outputs: null, taken: null } as const;
    const records = [record('in'), record('a', skipped), record('b')];
    expect([...takeover(compile(DEFINITION, createCatalogue()), records).rest].sort()).toEqual(['a', 'b', 'in']);
  });
});

describe('what a run that begins at some nodes takes over', () => {
  const all = ['in', 'a', 'b', 'out', 'c', 'out2'].map((id) => record(id));
  const from = (start: readonly string[], records = all, now = DEFINITION, nodeIds?: readonly string[]) =>
    ids(takeover(compile(DEFINITION, createCatalogue()), records, begin(start, now, nodeIds)));

  it('is everything but these nodes and what comes after them', () => {
    expect(from(['b'])).toEqual(['in', 'a', 'c', 'out2']);
    expect(from(['b', 'c'])).toEqual(['in', 'a']);
    expect(from(['in'])).toEqual([]);
    expect(from(['out2'])).toEqual(['in', 'a', 'c', 'b', 'out']);
  });

  it('is nothing that was not settled, wherever it is', () => {
    const records = all.map((one) => (one.nodeId === 'c' ? record('c', FAILED) : one));
    expect(from(['b'], records)).toEqual(['in', 'a']);
    expect(from(['b'], records.slice(0, 2))).toEqual(['in', 'a']);
  });

  it('is also what left outputs out: it was said where to begin', () => {
    const partial = { warnings: [{ identifier: 'general', detail: 'One of two.', partial: true }] } as const;
    expect(from(['b'], [record('in'), record('a', partial), record('c')])).toEqual(['in', 'a', 'c']);
  });

  it('is nothing that comes after them in the definition that will run, and nothing that takes no part in it', () => {
    const now = { nodes: NODES, edges: [...EDGES, link('b', 'c')] };
    expect(from(['b'], all, now)).toEqual(['in', 'a']);
    const added = { nodes: [...NODES, text('new')], edges: [...EDGES, link('new', 'c')] };
    expect(from(['new'], all, added)).toEqual(['in', 'a', 'b', 'out']);
    expect(from(['b'], all, DEFINITION, ['in', 'a', 'b'])).toEqual(['in', 'a']);
  });

  it('is nothing that has anything before it which runs anew, and all of the rest', () => {
    const known = Array.from({ length: 7 }, (_, index) => `n${index}`);
    const place = fc.nat(known.length - 1);
    const arrows = fc
      .uniqueArray(fc.tuple(place, place), { selector: String })
      .map((pairs) => pairs.filter(([from, to]) => from < to));
    const status = fc.constantFrom('succeeded', 'skipped', 'failed', 'canceled', 'none');
    const statuses = fc.array(status, { minLength: known.length, maxLength: known.length });
    const definitionOf = (pairs: readonly (readonly [number, number])[]): Definition => ({
      nodes: known.map((id) => text(id)),
      edges: pairs.map(([from, to]) => edge(`n${from}::output`, `n${to}::variables::x${from}`)),
    });
    fc.assert(
      fc.property(arrows, arrows, statuses, fc.subarray(known), (before, after, ends, start) => {
        const records = known.flatMap((id, index) => {
          const end = ends[index]!;
          if (end === 'none') return [];
          return [record(id, end === 'failed' ? FAILED : { status: end })];
        });
        const graph = compile(definitionOf(before), createCatalogue());
        const found = ids(takeover(graph, records, begin(start, definitionOf(after))));
        const stands = (index: number) => ends[index] === 'succeeded' || ends[index] === 'skipped';
        const anew = new Set([...known.keys()].filter((index) => start.includes(known[index]!) || !stands(index)));
        // Arrows lead to higher numbers, so that one round in their order is enough.
        const all = [...before, ...after].toSorted(([one], [other]) => one - other);
        for (const [from, to] of all) if (anew.has(from)) anew.add(to);
        const rest = known.filter((_, index) => !anew.has(index) && ends[index] === 'succeeded');
        expect(found.toSorted()).toEqual(rest);
      }),
    );
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
