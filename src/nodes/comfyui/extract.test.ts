import { describe, expect, it } from 'vitest';
import { extract, withoutDeployNodes } from './extract.ts';

const input = (suffix: string, inputs: Record<string, unknown>) => ({ class_type: `RunflowInput${suffix}`, inputs });

const messagesOf = (graph: unknown) => extract(graph).problems.map(({ at, message }) => `${at.join('.')}: ${message}`);

describe('what a graph declares', () => {
  it('are its Runflow input nodes, with name, type and default', () => {
    const graph = {
      '3': input('String', {
        input_id: ' Prompt Text ',
        display_name: 'Prompt',
        description: 'What to draw',
        value: 'cat',
      }),
      '4': input('Int', { input_id: 'steps', display_name: '', value: 20 }),
      '75:1': input('Float', { input_id: 'cfg' }),
      '5': input('Boolean', { input_id: 'hd', value: ['9', 0] }),
      '6': input('Image', { input_id: 'photo' }),
      '7': input('File', { input_id: 'lora', file_name: 'a.safetensors' }),
      '8': input('File', { input_id: 'other', file_name: 'a.bin', value: 'b.bin' }),
      '9': { class_type: 'Primitive', inputs: {} },
    };
    const { inputs, problems } = extract(graph);
    expect(problems).toEqual([]);
    const brief = inputs.map((one) => [
      one.name,
      one.displayName,
      one.type,
      one.required,
      one.default,
      one.nodeId,
      one.field,
    ]);
    expect(brief).toEqual([
      ['Prompt Text', 'Prompt', 'STRING', false, 'cat', '3', 'value'],
      ['steps', 'steps', 'INT', false, 20, '4', 'value'],
      ['hd', 'hd', 'BOOLEAN', true, null, '5', 'value'],
      ['photo', 'photo', 'IMAGE', true, null, '6', 'value'],
      ['lora', 'lora', 'FILE', false, 'a.safetensors', '7', 'value'],
      ['other', 'other', 'FILE', false, 'b.bin', '8', 'value'],
      ['cfg', 'cfg', 'FLOAT', true, null, '75:1', 'value'],
    ]);
    expect(inputs[0]?.description).toBe('What to draw');
  });

  it('are its Runflow output nodes', () => {
    const { outputs } = extract({
      '1': { class_type: 'VAEDecode', inputs: {} },
      '2': {
        class_type: 'RunflowOutputImage',
        inputs: { output_id: 'Final Image', output_name: 'Picture', value: ['1', 0] },
      },
      '3': { class_type: 'RunflowOutputFile', inputs: { output_id: 'film', output_name: '', value: ['1', 0] } },
    });
    expect(outputs.map((one) => [one.name, one.displayName, one.type, one.nodeId, one.field])).toEqual([
      ['Final Image', 'Picture', 'IMAGE', '2', 'value'],
      ['film', 'film', 'FILE', '3', 'value'],
    ]);
  });

  it('leaves out nodes with an empty id', () => {
    const graph = {
      '1': input('Int', { input_id: ' ', value: 'x' }),
      '2': { class_type: 'RunflowOutputImage', inputs: {} },
    };
    expect(extract(graph)).toMatchObject({ inputs: [], outputs: [], problems: [] });
  });

  it('is one input where nodes share an id, required unless each has a default', () => {
    const shared = (first: object, second: object) =>
      extract({ '1': input('Int', { input_id: 'seed', ...first }), '2': input('Int', { input_id: 'seed', ...second }) })
        .inputs;
    expect(shared({ value: 1 }, {})).toMatchObject([{ name: 'seed', required: true, default: 1, nodeId: '1' }]);
    expect(shared({ value: 1 }, { value: 2, description: 'Noise' })).toMatchObject([
      { required: false, default: 1, description: 'Noise' },
    ]);
  });
});

describe('the deploy node', () => {
  const SECRET = 'rf_live_secret';
  const deploy = { class_type: 'RunflowDeploy', inputs: { endpoint_name: 'a', host: 'h', api_key: SECRET } };

  it('is stripped with its key', () => {
    const { graph, problems } = extract({ '1': deploy, '2': { class_type: 'VAEDecode', inputs: {} } });
    expect(problems).toEqual([]);
    expect(Object.keys(graph)).toEqual(['2']);
    expect(JSON.stringify(extract({ '1': deploy }))).not.toContain(SECRET);
  });

  it('is stripped from the editor’s format too, in subgraphs as well', () => {
    const node = { id: 1, type: 'RunflowDeploy', widgets_values: ['a', 'h', SECRET] };
    const kept = { id: 2, type: 'KSampler', widgets_values: [1] };
    const graph = { nodes: [node, kept], definitions: { subgraphs: [{ nodes: [node] }] }, extra: { last: node } };
    expect(withoutDeployNodes(graph)).toEqual({
      nodes: [kept],
      definitions: { subgraphs: [{ nodes: [] }] },
      extra: {},
    });
    expect(graph.nodes).toHaveLength(2);
  });
});

describe('a mistake in a graph', () => {
  it.each<[string, unknown, RegExp]>([
    ['no object', [], /^workflow_json: The workflow must be a JSON object/],
    ['nothing', undefined, /^workflow_json: The workflow must be a JSON object/],
    ['no nodes', {}, /^workflow_json: The workflow has no nodes/],
    ['the editor’s format', { nodes: [], links: [] }, /Export \(API\)/],
    ['a node without a class', { '1': { inputs: {} } }, /^workflow_json.1: Node 1 needs "class_type"/],
    [
      'a link to nowhere',
      { '1': { class_type: 'A', inputs: { x: ['7', 0] } } },
      /^workflow_json.1.inputs.x: .* node 7, which/,
    ],
    ['an unknown Runflow class', { '1': input('Mask', { input_id: 'm' }) }, /^workflow_json.1.class_type: .*not known/],
    ['an output of a type there is not', { '1': { class_type: 'RunflowOutputInt', inputs: {} } }, /not known/],
    [
      'a default that does not fit',
      { '1': input('Int', { input_id: 'n', value: 'many' }) },
      /takes a whole number; given was "many"/,
    ],
    [
      'two types under one id',
      { '1': input('Int', { input_id: 'n' }), '2': input('Float', { input_id: 'n' }) },
      /"n" is INT at node 1 \(RunflowInputInt\) and FLOAT at node 2/,
    ],
  ])('is told: %s', (_, graph, message) => {
    expect(messagesOf(graph)).toEqual([expect.stringMatching(message)]);
  });

  it('is told together with all others', () => {
    const graph = { '1': {}, '2': input('Mask', {}), '3': { class_type: 'A', inputs: { x: ['8', 0], y: ['9', 1] } } };
    expect(messagesOf(graph)).toHaveLength(4);
  });
});
