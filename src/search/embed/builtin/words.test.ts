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
