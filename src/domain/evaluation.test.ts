import fc from 'fast-check';
import { expect, it } from 'vitest';
import { issueOf, pendingEvaluation, pendingJudge } from '../../test/support/evaluations.ts';
import { heldSystem } from '../../test/support/system.ts';
import { conclude, type Judge } from './evaluation.ts';

const system = heldSystem();
const evaluation = pendingEvaluation({ workspaceId: 'w', runId: null }, system);
const judge = (passed: boolean | null, set: Partial<Judge> = {}): Judge =>
  pendingJudge(evaluation, system, { passed, ...set });

it.each<[string, Judge[], boolean | null, number | null]>([
  ['nobody', [], null, null],
  ['nobody with a verdict', [judge(null), judge(null, { gate: true })], null, null],
  ['half of the weight, which is enough', [judge(true), judge(false)], true, 0.5],
  ['less than half of the weight', [judge(true), judge(false, { weight: 1.1 })], false, 0.47619],
  ['all that have a verdict', [judge(true), judge(null, { weight: 100 })], true, 1],
  ['all but a gate', [judge(true, { weight: 9 }), judge(false, { gate: true })], false, 0.9],
])('with the word of %s, the verdict is what it must be', (_, judges, passed, passRate) => {
  expect(conclude(judges, 0.5)).toMatchObject({ passed, passRate });
});

it('a gate that decides against the rest is named', () => {
  const judges = [judge(true, { weight: 9 }), judge(false, { gate: true, name: 'Safety' })];
  expect(conclude(judges, 0.5).overrideReason).toBe('The gate "Safety" failed.');
  expect(conclude(judges, 0.95).overrideReason).toBeNull();
});

it('the most frequent issues and strengths are named, and what to do', () => {
  const issues = ['a/x', 'a/y', 'b', 'a/y', 'c', 'd', 'e'].map((written) => issueOf(written, system));
  const told = conclude([judge(false, { issues, strengths: ['light'] })], 0.5);
  expect(told).toMatchObject({ topIssues: ['y', 'x', 'b', 'c', 'd'], topStrengths: ['light'], action: 'retry' });
  expect([conclude([judge(true)], 0.5).action, conclude([judge(null)], 0.5).action]).toEqual(['accept', 'review']);
});

it('a further judge that passes never turns a pass into a failure', () => {
  const anyone = fc.record({
    passed: fc.constantFrom(true, false, null),
    weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
    gate: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(anyone), fc.double({ min: 0, max: 1, noNaN: true }), (some, threshold) => {
      const judges = some.map((set) => judge(set.passed, set));
      const before = conclude(judges, threshold);
      const after = conclude([...judges, judge(true)], threshold);
      expect(before.passed === true && after.passed === false).toBe(false);
      expect(before.passRate ?? 0).toBeGreaterThanOrEqual(0);
      expect(before.passRate ?? 0).toBeLessThanOrEqual(1);
    }),
  );
});
