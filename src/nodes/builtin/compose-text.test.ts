import { expect, it } from 'vitest';
import { failureOf, outputsOf, runPure } from '../test-kit.ts';
import { composeText } from './compose-text.ts';

it('fills the template with the values connected under its keys', () => {
  const outcome = runPure(
    composeText,
    { template: 'Dear ((Name)),\n((Text))' },
    { 'variables::Name': 'Ada', 'variables::Text': 5 },
  );
  expect(outputsOf(outcome)).toEqual({ output: 'Dear Ada,\n5' });
});

it('warns of keys that nothing is connected to', () => {
  expect(runPure(composeText, { template: '((Name))' }, {})).toMatchObject({
    kind: 'succeeded',
    outputs: { output: '((Name))' },
    warnings: [{ identifier: 'general' }],
  });
});

it('fails when the text would be too long', () => {
  const outcome = runPure(composeText, { template: '((a))'.repeat(100) }, { 'variables::a': 'x'.repeat(1_000_000) });
  expect(failureOf(outcome)).toMatch(/^too_large/);
});
