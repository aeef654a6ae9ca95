import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../domain/json.ts';
import { type ComfyuiType, coerce, type ScalarType } from './coerce.ts';
import { type ComfyuiInput, extract } from './extract.ts';
import type { Graph } from './graph.ts';
import { buildPrompt, fitToServer, markOutputs, nodeErrors, readValues } from './prompt.ts';

function declared(name: string, type: ComfyuiType, more: Partial<ComfyuiInput> = {}): ComfyuiInput {
  const base = { displayName: name, description: '', required: true, default: null, nodeId: '1', field: 'value' };
  return { name, type, ...base, ...more };
}

/** The prompt that a graph becomes with these values; files by the names that the server gave them. */
function promptOf(
  graph: Graph,
  scalars: Record<string, string | number | boolean>,
  files: Record<string, string> = {},
  renamed: Record<string, string> = {},
  inputs: readonly ComfyuiInput[] = extract(graph).inputs,
): Graph {
  const maps = [scalars, files, renamed].map((one) => new Map(Object.entries(one)));
  const [scalarMap, fileMap, renamedMap] = maps as [Map<string, string>, Map<string, string>, Map<string, string>];
  return buildPrompt(graph, inputs, { scalars: scalarMap, files: fileMap, renamed: renamedMap });
}

const runflow = (suffix: string, input_id: string, more: Record<string, JsonValue> = {}) => ({
  class_type: `RunflowInput${suffix}`,
  inputs: { input_id, display_name: '', description: '', ...more },
});

describe('a value', () => {
  it.each<[ScalarType, JsonValue, string | number | boolean]>([
    ['STRING', 'a', 'a'],
    ['STRING', '', ''],
    ['STRING', 5, '5'],
    ['STRING', true, 'true'],
    ['INT', 5, 5],
    ['INT', 5.0, 5],
    ['INT', ' -12 ', -12],
    ['INT', '18446744073709551615', '18446744073709551615'],
    ['FLOAT', 0.5, 0.5],
    ['FLOAT', '1e-3', 0.001],
    ['BOOLEAN', true, true],
    ['BOOLEAN', 0, false],
    ['BOOLEAN', 'YES', true],
    ['BOOLEAN', ' off ', false],
    ['BOOLEAN', '1', true],
  ])('of %s may be %j', (type, given, value) => {
    expect(coerce(type, given)).toEqual({ value });
  });

  it.each<[ScalarType, JsonValue]>([
    ['STRING', ['a']],
    ['STRING', {}],
    ['INT', true],
    ['INT', 1.5],
    ['INT', ''],
    ['INT', '1.5'],
    ['INT', 2 ** 60],
    ['FLOAT', false],
    ['FLOAT', ''],
    ['FLOAT', 'NaN'],
    ['FLOAT', 'many'],
    ['BOOLEAN', 2],
    ['BOOLEAN', ''],
    ['BOOLEAN', 'maybe'],
    ['BOOLEAN', ['true']],
  ])('of %s may not be %j', (type, given) => {
    expect(coerce(type, given)).toEqual({ problem: expect.stringMatching(/^takes /) });
  });
});

describe('the values of a run', () => {
  it('are coerced, and told what is wrong with all of them at once', () => {
    const inputs = [
      declared('steps', 'INT'),
      declared('cfg', 'FLOAT', { required: false }),
      declared('hd', 'BOOLEAN'),
      declared('Photo', 'IMAGE'),
    ];
    const read = readValues(inputs, { steps: true, cfg: '7.5', Photo: null, photos: 'x', zzz: 1 });
    expect([...read.scalars]).toEqual([['cfg', 7.5]]);
    expect(read.problems).toEqual([
      'Input "steps" takes a whole number; given was true.',
      'Input "hd" (BOOLEAN) is missing.',
      'Input "Photo" (IMAGE) is missing.',
      'The workflow has no input "photos". Did you mean "Photo"?',
      'The workflow has no input "zzz". It takes steps, cfg, hd, Photo.',
    ]);
  });

  it('may be left out, or be null, where there is a default', () => {
    const inputs = [
      declared('a', 'STRING', { required: false, default: 'x' }),
      declared('b', 'FILE', { required: false, default: 'a.bin' }),
      declared('c', 'IMAGE', { required: false, default: 'https://example.com/a.png' }),
    ];
    const read = readValues(inputs, { a: null });
    expect(read.problems).toEqual([]);
    // A default that is an address is fetched; the name of a file that the server has stays in the graph.
    expect([[...read.scalars], [...read.files]]).toEqual([[], [['c', 'https://example.com/a.png']]]);
  });
});

describe('the prompt of a run', () => {
  it('has the values in every node that shares an id, over links too, and leaves the graph as it is', () => {
    const graph: Graph = {
      '1': runflow('Int', 'seed', { value: 1 }),
      '2': runflow('Int', ' seed ', { value: ['9', 0] }),
      '3': runflow('String', 'text', { value: 'default' }),
      '9': { class_type: 'PrimitiveInt', inputs: { value: 4 } },
    };
    const before = structuredClone(graph);
    const prompt = promptOf(graph, { seed: 7 });
    expect([prompt['1'], prompt['2'], prompt['3']].map((node) => node?.inputs['value'])).toEqual([7, 7, 'default']);
    expect(graph).toEqual(before);
  });

  it('loads an image in a node of its own, with the next number', () => {
    const graph: Graph = {
      '12': runflow('Image', 'photo'),
      '75:3': runflow('Image', 'photo'),
      '7': runflow('Image', 'mask', { value: ['12', 0] }),
    };
    const prompt = promptOf(graph, {}, { photo: 'a (1).png', mask: 'm.png' });
    expect(prompt['13']).toEqual({ class_type: 'LoadImage', inputs: { image: 'm.png' } });
    expect(prompt['14']).toEqual({ class_type: 'LoadImage', inputs: { image: 'a (1).png' } });
    expect([prompt['12'], prompt['75:3'], prompt['7']].map((node) => node?.inputs['value'])).toEqual([
      ['14', 0],
      ['14', 0],
      ['13', 0],
    ]);
    expect(Object.keys(promptOf({ a: runflow('Image', 'photo') }, {}, { photo: 'a.png' }))).toEqual(['1000', 'a']);
  });

  it('names a file by the name the server gave it', () => {
    const prompt = promptOf({ '1': runflow('File', 'lora', { file_name: 'old.bin' }) }, {}, { lora: 'new.bin' });
    expect(prompt['1']?.inputs).toMatchObject({ value: 'new.bin', file_name: 'old.bin' });
  });

  it('takes declared inputs of any node and field', () => {
    const graph: Graph = {
      '1': { class_type: 'LoadImage', inputs: { image: 'example.png' } },
      '2': { class_type: 'KSampler', inputs: { seed: 1, latent_image: ['1', 0] } },
      '3': { class_type: 'Blend', inputs: { image: ['1', 0] } },
    };
    const inputs = [
      declared('Seed', 'INT', { nodeId: '2', field: 'seed' }),
      declared('Loaded', 'IMAGE', { nodeId: '1', field: 'image' }),
      declared('Linked', 'IMAGE', { nodeId: '3', field: 'image' }),
    ];
    const prompt = promptOf(graph, { Seed: 9 }, { Loaded: 'l.png', Linked: 'k.png' }, {}, inputs);
    expect(prompt['2']?.inputs['seed']).toBe(9);
    expect(prompt['1']?.inputs['image']).toBe('l.png');
    expect(prompt['3']?.inputs['image']).toEqual(['4', 0]);
    const edited = [declared('Seed', 'INT', { nodeId: '2', field: 'seed', required: false, default: 42 })];
    expect(promptOf(graph, {}, {}, {}, edited)['2']?.inputs['seed']).toBe(42);
  });

  it('uses the names under which the server keeps resources', () => {
    const graph: Graph = { '1': { class_type: 'LoadImage', inputs: { image: 'masks/a.png', other: 'a.png' } } };
    expect(promptOf(graph, {}, {}, { 'masks/a.png': 'masks/a (1).png' })['1']?.inputs).toEqual({
      image: 'masks/a (1).png',
      other: 'a.png',
    });
  });

  it('marks the nodes that make files, so that they are never answered from a cache', () => {
    const graph: Graph = {
      '1': { class_type: 'VAEDecode', inputs: {} },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0] } },
      '3': { class_type: 'RunflowOutputImage', inputs: { output_id: 'a', value: ['1', 0] } },
    };
    const marked = (outputs = extract(graph).outputs) => {
      const prompt = structuredClone(graph);
      markOutputs(prompt, outputs, 'r1');
      return Object.keys(prompt).filter((id) => prompt[id]?.inputs['millrun_run'] === 'r1');
    };
    expect(marked()).toEqual(['3']);
    expect(marked([])).toEqual(['2', '3']);
  });
});

describe('a prompt for a server without the Runflow nodes', () => {
  const stock = (name: string) => !name.startsWith('Runflow') && name !== 'Fancy';

  it('has literals and loaded images where input nodes were, and saves images with ComfyUI’s own node', () => {
    const graph: Graph = {
      '1': runflow('String', 'text'),
      '2': runflow('Image', 'photo'),
      '3': { class_type: 'CLIPTextEncode', inputs: { text: ['1', 0], clip: ['4', 1] } },
      '4': { class_type: 'Loader', inputs: { image: ['2', 0] } },
      '5': {
        class_type: 'RunflowOutputImage',
        inputs: { output_id: '../Final %date%', value: ['4', 0] },
        _meta: { title: 'T' },
      },
      '6': { class_type: 'PreviewImage', inputs: { images: ['5', 0] } },
      '7': runflow('File', 'file', { file_name: 'a.bin' }),
      '8': { class_type: 'Reader', inputs: { path: ['7', 0] } },
    };
    const { prompt, problems } = fitToServer(promptOf(graph, { text: 'cat' }, { photo: 'p.png' }), stock);
    expect(problems).toEqual([]);
    expect(prompt).toEqual({
      '3': { class_type: 'CLIPTextEncode', inputs: { text: 'cat', clip: ['4', 1] } },
      '4': { class_type: 'Loader', inputs: { image: ['9', 0] } },
      '5': {
        class_type: 'SaveImage',
        inputs: { images: ['4', 0], filename_prefix: '_Final _date_' },
        _meta: { title: 'T' },
      },
      '6': { class_type: 'PreviewImage', inputs: { images: ['4', 0] } },
      '8': { class_type: 'Reader', inputs: { path: 'a.bin' } },
      '9': { class_type: 'LoadImage', inputs: { image: 'p.png' } },
    });
  });

  it('follows chains of input nodes, leaves out what nobody gave, and survives a circle', () => {
    const graph: Graph = {
      '1': runflow('Int', 'a', { value: 5 }),
      '2': runflow('Int', 'b', { value: ['1', 0] }),
      '3': runflow('Int', 'c'),
      '4': runflow('Int', 'd', { value: ['5', 0] }),
      '5': runflow('Int', 'e', { value: ['4', 0] }),
      '6': { class_type: 'Sum', inputs: { b: ['2', 0], c: ['3', 0], d: ['4', 0], e: 1 } },
    };
    expect(fitToServer(graph, stock).prompt).toEqual({ '6': { class_type: 'Sum', inputs: { b: 5, e: 1 } } });
  });

  it('stays as it is where the server has them', () => {
    const graph: Graph = { '1': runflow('Int', 'a'), '2': { class_type: 'Sum', inputs: { a: ['1', 0] } } };
    expect(fitToServer(graph, () => true)).toEqual({ prompt: graph, problems: [] });
  });

  it('cannot be made where nothing stands in for a class, and says which', () => {
    const graph: Graph = {
      '1': { class_type: 'Fancy', inputs: {} },
      '2': { class_type: 'Fancy', inputs: {} },
      '3': { class_type: 'RunflowOutputFile', inputs: { output_id: 'f', value: ['1', 0] } },
    };
    expect(fitToServer(graph, stock).problems).toEqual([
      'It has no class Fancy (node 1, 2). Install the custom nodes that bring it.',
      expect.stringMatching(/^It has no class RunflowOutputFile \(node 3\)\. .*install the Runflow nodes/),
    ]);
  });
});

it('the errors that ComfyUI lists by node become sentences', () => {
  const prompt: Graph = { '4': { class_type: 'Loader', inputs: {} } };
  const listed = {
    '4': {
      errors: [{ message: 'Value not in list', details: "ckpt: 'x'" }, { message: 'Missing' }],
      class_type: 'Loader',
    },
    '5': { errors: [] },
  };
  expect(nodeErrors(listed, prompt)).toEqual([
    "Node 4 (Loader): Value not in list: ckpt: 'x'.",
    'Node 4 (Loader): Missing.',
    'Node 5 is not valid.',
  ]);
  expect(nodeErrors(null, prompt)).toEqual([]);
});
