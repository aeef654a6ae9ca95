import { expect, it } from 'vitest';
import { node, queuedRun } from '../../test/support/definitions.ts';
import { heldSystem } from '../../test/support/system.ts';
import type { EvaluationSubject } from '../domain/evaluation.ts';
import type { JsonObject } from '../domain/json.ts';
import { compile } from '../engine/graph.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { factsOf, judgeInput, subjectOf } from './evaluation-facts.ts';

const NOTHING: EvaluationSubject = {
  ...{ taskType: null, taskDescription: null, prompt: null, imageUrl: null },
  ...{ inputAttributes: null, instructions: null, referenceImages: [] },
};
const system = heldSystem();
const run = queuedRun({ workspaceId: 'w', workflowId: 'f' }, system, { status: 'succeeded' });

it.each<[string, JsonObject, string | null]>([
  [
    'of the normal form',
    {
      outputs: [
        { type: 'video', url: 'v' },
        { type: 'image', url: 'a' },
      ],
    },
    'a',
  ],
  ['in a list of addresses', { image_urls: ['b'] }, 'b'],
  ['in a list of objects', { images: [{ url: 'c' }] }, 'c'],
  ['alone', { image: { url: 'd' } }, 'd'],
  ['as an address', { output_url: 'e' }, 'e'],
  ['that is none', { Reply: 'f', url: '' }, null],
])('the picture that is judged is the first %s', (_, output, imageUrl) => {
  const of = { run, input: { Prompt: 'a bicycle' }, output };
  expect(subjectOf(NOTHING, of)).toMatchObject({ imageUrl, prompt: 'a bicycle' });
  expect(subjectOf({ ...NOTHING, imageUrl: 'given', prompt: 'said' }, of)).toMatchObject({
    imageUrl: 'given',
    prompt: 'said',
  });
});

it('no fact is null, whatever is not known', () => {
  for (const of of [null, { run, input: {}, output: {} }]) {
    expect(Object.values(factsOf(NOTHING, of))).not.toContain(null);
  }
});

it('a judge is told what its inputs are called after, objects as JSON where it wants text', () => {
  const input = (id: string, label: string, type: string) => node(id, inputNode, { label, type });
  const nodes = [
    ...[input('a', 'Output', 'Any'), input('b', 'output', 'str'), input('c', 'Image-URL', 'str')],
    ...[input('d', 'Task type', 'str'), input('e', 'Temperature', 'number')],
  ];
  const graph = compile({ nodes, edges: [] }, createCatalogue());
  const facts = factsOf({ ...NOTHING, taskType: 'headshot' }, { run, input: {}, output: { url: 'x', n: 1 } });
  expect(judgeInput(graph, facts)).toEqual({
    Output: { url: 'x', n: 1 },
    output: '{"url":"x","n":1}',
    'Image-URL': 'x',
    'Task type': 'headshot',
  });
});
