import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lemmaOf } from './lemma.ts';
import { readLexicon } from './lexicon.ts';
import { wordsOf } from './words.ts';

it.each([
  ['The client’s flat_lease.pdf', ['the', "client's", 'flat', 'lease', 'pdf']],
  ['ECONNREFUSED 10.0.0.4:5432', ['econnrefused', '10', '0', '0', '4', '5432']],
  ['Ｆｕｌｌ ﬁle', ['full', 'file']],
  ['Müller naïve नमस्ते', ['müller', 'naïve', 'नमस्ते']],
  ['会議は火曜日です', ['会議', 'は', '火曜日', 'です']],
  ['— 🦊 …', []],
])('cuts "%s" into words', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

it('cuts words of ASCII, of other letters and of both by one rule', () => {
  const unit = fc.constantFrom(..."abzAZ019 '’_.-\n", 'é', 'ß', 'e\u0301', 'İ', '—', '🦊', 'Ａ', 'я', '\ud83e');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const lower = text.normalize('NFKC').toLowerCase();
      const words = Array.from(lower.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’]\p{L}+)?/gu), ([word]) => word);
      expect(wordsOf(text)).toEqual(words.map((word) => word.replace('’', "'")));
    }),
    { numRuns: 1000 },
  );
});

it('cuts a text of any length, and long words', () => {
  const text = `${'supercalifragilistic word '.repeat(5000)}${'x'.repeat(100)}`;
  const words = wordsOf(text);
  expect(words).toHaveLength(10_001);
  expect(new Set(words)).toEqual(new Set(['supercalifragilistic', 'word', 'x'.repeat(100)]));
});

const { senseCount } = readLexicon();

it.each([
  ['invoices', 'invoice'],
  ['companies', 'company'],
  ['boxes', 'box'],
  ['women', 'woman'],
  ['bought', 'buy'],
  ['children', 'child'],
  ['planned', 'plan'],
  ['calling', 'call'],
  ['making', 'make'],
  ['hoped', 'hope'],
  ["driver's", 'driver'],
  ['glass', 'glass'],
  ['news', 'news'],
  ['meeting', 'meeting'],
  ['days', 'day'],
  ['running', 'run'],
])('finds the dictionary form of "%s"', (word, lemma) => {
  expect(lemmaOf(word, senseCount)).toBe(lemma);
});

it('has no dictionary form for a word that no dictionary has', () => {
  expect(lemmaOf('qwrtzing', senseCount)).toBeUndefined();
});
