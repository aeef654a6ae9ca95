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
  expect(passages).toEqual([{ segment: 1, start: 0, end: 22, text: 'The vase is in pieces.\nAnn\nTicket triage' }]);
});

test('a run of names alone has no passage', () => {
  expect(passagesOf([input('$.a', 'a'), input("$['b c']", 'b c')])).toEqual([]);
});

test('passages of a long text hold all of it, in order, none too long and no character cut', () => {
  const texts = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 6000 });
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 4 }), (parts) => {
      const segments = parts.map((text, place) => input(`$[${place}]`, text));
      const passages = passagesOf(segments);
      for (const { text } of passages) {
        expect(text.length).toBeLessThan(2000 + 2 * parts.length);
        expect(text.isWellFormed()).toBe(true);
      }
      for (const [place, { text }] of segments.entries()) {
        if (text.length <= 2000) continue;
        const own = passages.filter(({ segment, start, end }) => segment === place && end - start > 0);
        const cut = own.filter((passage) => text.slice(passage.start, passage.end) === passage.text);
        expect(cut.map((passage) => passage.text).join('')).toBe(text);
      }
    }),
    { numRuns: 30 },
  );
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
