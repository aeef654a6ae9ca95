import { expect, it } from 'vitest';
import { outputsOf, runPure } from '../test-kit.ts';
import { modelOutput } from './model-output.ts';
import { modelOutputs } from './model-outputs.ts';

it('values of a workflow become outputs: files and lists of files, texts, and other values as they are', () => {
  const file = { uri: 'spot://f1', name: 'a.mp4', content_type: 'video/mp4', size: 3 };
  const made = runPure(
    modelOutputs,
    {},
    {
      'values::clip': file,
      'values::frames': [
        { ...file, content_type: 'image/png' },
        { ...file, content_type: 'text/plain' },
      ],
      'values::note': 'Hi',
      'values::data': [1, { a: 2 }],
      'values::none': null,
      'values::web': { uri: 'https://x.test/a.png' },
    },
  );
  const entry = { url: 'spot://f1', size_bytes: 3, filename: 'a.mp4' };
  expect(outputsOf(made)['outputs']).toEqual([
    { ...entry, type: 'video', name: 'clip', mime_type: 'video/mp4' },
    { ...entry, type: 'image', name: 'frames', mime_type: 'image/png' },
    { ...entry, type: 'file', name: 'frames', mime_type: 'text/plain' },
    { type: 'text', name: 'note', text: 'Hi', mime_type: 'text/plain' },
    { type: 'json', name: 'data', value: [1, { a: 2 }] },
    { type: 'json', name: 'web', value: { uri: 'https://x.test/a.png' } },
  ]);
});

it('what a model that runs a ComfyUI workflow gathers is outputs already', () => {
  const outputs = [{ type: 'image', url: 'spot://f1', name: 'Save', mime_type: 'image/png' }];
  expect(outputsOf(runPure(modelOutputs, {}, { 'values::outputs': outputs }))['outputs']).toEqual(outputs);
});

it('an output of a workflow passes its value on, and is no output of the run', () => {
  expect(outputsOf(runPure(modelOutput, {}, { input: 5 }))).toEqual({ output: 5 });
  expect(modelOutput.role).toBeUndefined();
});
