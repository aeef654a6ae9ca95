import { expect, test } from 'vitest';
import { GramCutter, GramSample, soonest } from './grams.ts';

function sampleOf(texts: readonly string[]): GramSample {
  const cutter = new GramCutter();
  return new GramSample(texts.map((text) => Uint8Array.from(cutter.cut([text], []))));
}

/** 100 texts that all have `abc`, every second `def`, too, every fifth `ghi`, and the first `xyz`. */
const sample = sampleOf(
  Array.from({ length: 100 }, (_, place) => {
    const words = ['abc', ...(place % 2 ? [] : ['def']), ...(place % 5 ? [] : ['ghi']), ...(place ? [] : ['xyz'])];
    return words.join('|');
  }),
);
const chosen = (grams: readonly string[]) => sample.worthwhile(grams).map(({ gram }) => gram);

test('of the grams of a needle those are asked for that leave fewer candidates, the rarest first', () => {
  expect(chosen(['abc', 'def', 'ghi'])).toEqual(['ghi', 'def']);
  expect(sample.worthwhile(['def', 'ghi'])[1]?.share).toBeCloseTo(0.1);
});

test('a gram that all candidates have is left out, unless there is no other', () => {
  expect(chosen(['abc', 'bc|'])).toHaveLength(1);
  expect(chosen(['ghi', '|gh', 'abc'])).toHaveLength(1);
});

test('a rare gram is enough where the others are frequent', () => {
  expect(chosen(['abc', 'xyz'])).toEqual(['xyz']);
});

test('the newest of frequent runs are found with fewer grams, those of rare ones with all', () => {
  const grams = sample.worthwhile(['abc', 'def', 'ghi']);
  expect(soonest(grams, 10, 0.1)).toEqual(grams.slice(0, 1));
  expect(soonest(grams, 10, 0.0001)).toEqual(grams);
  expect(soonest(grams, 10, 0)).toEqual(grams);
});
