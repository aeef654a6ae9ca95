import { expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { outputsOf, runPure } from '../test-kit.ts';
import { merge } from './merge.ts';

const values = { 'values::a': 'x', 'values::b': ['y', { z: 1 }], 'values::c': null };

it.each<[JsonObject, JsonValue]>([
  [{}, ['x', 'y', { z: 1 }, null]],
  [{ mode: 'text' }, 'x\ny\n{"z":1}\n'],
  [{ mode: 'text', separator: ', ' }, 'x, y, {"z":1}, '],
  [{ mode: 'object' }, { a: 'x', b: ['y', { z: 1 }], c: null }],
  [{ mode: 'first' }, 'x'],
])('merges with %j to %j', (config, output) => {
  expect(outputsOf(runPure(merge, config, values))).toEqual({ output });
});

it('makes something of nothing', () => {
  const outputs = ['list', 'text', 'object', 'first'].map((mode) => outputsOf(runPure(merge, { mode }, {}))['output']);
  expect(outputs).toEqual([[], '', {}, null]);
});
