import { expect, it } from 'vitest';
import { NO_VERDICT } from '../domain/evaluation.ts';
import type { JsonObject } from '../domain/json.ts';
import { readVerdict } from './judge-verdict.ts';

const read = (output: JsonObject) => readVerdict(output, 'mine', () => 'id');

it.each<[string, JsonObject, boolean | null]>([
  ['in an output of its own', { passed: true }, true],
  ['under another name and in other case', { 'Is OK': 'No' }, false],
  ['as a word', { Verdict: ' PASSED ' }, true],
  ['as a number', { pass: 0 }, false],
  ['in an object', { result: { passed: false } }, false],
  ['in a text of JSON', { verdict: '{"passed": true}' }, true],
  ['in a fence', { Answer: 'Sure!\n```json\n{"passed": true}\n```' }, true],
  ['that is null', { passed: null }, null],
  ['that is no word for it', { passed: 'perhaps' }, null],
  ['that is a list', { passed: [true] }, null],
  ['nowhere', {}, null],
])('a verdict is found %s', (_, output, passed) => {
  expect(read(output).passed).toBe(passed);
});

it('everything that a judge says is read, and cut where it is too long', () => {
  const verdict = read({
    verdict: {
      passed: 'no',
      confidence: '80%',
      reason: 'x'.repeat(30_000),
      evidence: 'one',
      strengths: ['light', '', 3],
      sub_points: { hands: 1 },
      issues: [
        { category: 'anatomy', subcategory: 'hands', detail: 'six fingers' },
        { type: 'x'.repeat(500) },
        'blurred',
        null,
      ],
    },
  });
  expect(verdict).toEqual({
    passed: false,
    confidence: 0.8,
    reasoning: 'x'.repeat(20_000),
    evidence: ['one'],
    strengths: ['light', '3'],
    subPoints: { hands: 1 },
    issues: [
      { id: 'id', category: 'anatomy', subcategory: 'hands', detail: 'six fingers' },
      { id: 'id', category: 'x'.repeat(200), subcategory: null, detail: null },
      { id: 'id', category: 'mine', subcategory: null, detail: 'blurred' },
    ],
  });
});

it('issues are kept without a verdict', () => {
  expect(read({ verdict: { issues: ['dull'] } })).toMatchObject({ passed: null, issues: [{ detail: 'dull' }] });
});

it('what is no verdict is kept as reasoning', () => {
  expect(read({ text: 'I would rather not say.' })).toEqual({ ...NO_VERDICT, reasoning: 'I would rather not say.' });
});

it.each([-1, 101, 'much', true, null])('a confidence of %s is none', (confidence) => {
  expect(read({ passed: true, confidence }).confidence).toBeNull();
});

it('no more than a hundred issues are kept', () => {
  expect(read({ passed: false, issues: Array.from({ length: 500 }, () => 'x') }).issues).toHaveLength(100);
});
