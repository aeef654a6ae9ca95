import { expect, it } from 'vitest';
import { outputsOf, runPure } from '../test-kit.ts';
import { outputNode } from './output.ts';

it.each(['text', 0, null, [1, 'a'], { a: [] }].map((value) => ({ value })))('gives $value on as it is', ({ value }) => {
  expect(outputsOf(runPure(outputNode, { label: 'Reply' }, { input: value }))).toEqual({ output: value });
});

it('gives nothing when nothing arrived', () => {
  expect(outputsOf(runPure(outputNode, {}, {}))).toEqual({});
});
