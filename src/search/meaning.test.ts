import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Segment } from './document.ts';
import { passagesOf, sentencesOf, termsOf } from './meaning.ts';

const input = (path: string, text: string): Segment => ({ field: 'input', path, text });

test('terms are the stems of the words that tell something, each once', () => {
  expect(termsOf('The parcels arrived; a parcel is arriving')).toEqual(['parcel', 'arriv']);
  expect(termsOf('is it of the')).toEqual([]);
});

test('short texts in a row are one passage, without the names of fields and what nodes carried along', () => {
  const passages = passagesOf([
    input('$.message', 'message'),
    input('$.message', 'The vase is in pieces.'),
    input('$.list[0].name', 'name'),
    input('$.list[0].name', 'Ann'),
    { field: 'other', path: '$.workflow_name', text: 'Ticket triage' },
    { field: 'other', path: '$.nodes.in.output.message', nodeId: 'in', text: 'The vase is in pieces.' },
  ]);
  expect(passages).toEqual(['The vase is in pieces.\nAnn\nTicket triage']);
});

test('a run of names alone has no passage', () => {
  expect(passagesOf([input('$.a', 'a'), input("$['b c']", 'b c')])).toEqual([]);
});

test('passages of a long text hold all of it, in order, none too long and no character cut', () => {
  const texts = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 6000 });
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 4 }), (parts) => {
      const passages = passagesOf(parts.map((text, place) => input(`$[${place}]`, text)));
      for (const passage of passages) {
        expect(passage.length).toBeLessThan(2500 + 2 * parts.length);
        expect(passage.isWellFormed()).toBe(true);
      }
      const all = parts.join('').replaceAll('\n', '');
      const said = passages.join('').replaceAll('\n', '');
      expect(new Set(passages).size).toBe(passages.length);
      if (new Set(parts).size === parts.length) expect(said).toBe(all);
    }),
    { numRuns: 30 },
  );
});

test('a passage that comes again counts once', () => {
  const long = 'The vase is in pieces. '.repeat(80);
  expect(passagesOf([input('$.a', long), input('$.b', long), input('$.c', 'Ann')])).toEqual([long, `${long}\nAnn`]);
  expect(passagesOf([input('$.a', long), input('$.b', long)])).toEqual([long]);
});

test('sentences end at their marks and at line breaks, in any script, and have no blanks around them', () => {
  const text = ' One. Two! “Three?” 3.5 kg\n\nfour\n東京。 大阪。';
  expect(sentencesOf(text).map(({ start, end }) => text.slice(start, end))).toEqual([
    'One.',
    'Two!',
    '“Three?”',
    '3.5 kg',
    'four',
    '東京。',
    '大阪。',
  ]);
  expect(sentencesOf(' \n ')).toEqual([]);
});

test('sentences too long to be shown are cut where there is space', () => {
  const text = 'word '.repeat(200).trim();
  const sentences = sentencesOf(text);
  expect(sentences.length).toBeGreaterThan(2);
  for (const { start, end } of sentences) {
    expect(end - start).toBeLessThanOrEqual(300);
    expect(text.slice(start, end)).toMatch(/^word.*word$/);
  }
});
