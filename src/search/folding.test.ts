import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeEdits,
  encodeEdits,
  fold,
  foldWithEdits,
  original,
  removeAccents,
  removeAccentsWithEdits,
  SEGMENT_END,
  sourceRange,
} from './folding.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(
      'e',
      'E',
      'é',
      '\u0301',
      '\u0323',
      'ß',
      'İ',
      'ﬁ',
      'Σ',
      'ς',
      '\u1100',
      '\u1161',
      '\u11A8',
      'ㅏ',
      'ｶ',
      'ﾞ',
      '\0',
      'ͅ',
    ),
  }),
);

/** Unicode's definition, on the whole text at once. */
function foldWhole(whole: string): string {
  const once = foldCase(whole.toWellFormed().normalize('NFD')).normalize('NFKC');
  return foldCase(once.normalize('NFD'))
    .normalize('NFKC')
    .replaceAll('\0', '\uFDD0')
    .replace(/[\uFFFE\uFFFF]/g, '\uFDD1');
}

function foldCase(chars: string): string {
  return Array.from(chars, (char) => {
    if (char === 'ı') return char;
    if (/\p{Script=Cherokee}/u.test(char)) return char.toUpperCase();
    return Array.from(char.toLowerCase().toUpperCase(), (upper) => upper.toLowerCase()).join('');
  }).join('');
}

test('folding by stretches gives what folding the whole text gives', () => {
  fc.assert(
    fc.property(text, (sample) => {
      expect(fold(sample)).toBe(foldWhole(sample));
    }),
    { numRuns: 3000 },
  );
});

/** Ideographs and syllables, which are many. */
const NEVER_JOINS =
  /[\p{Script=Han}\p{Script=Yi}\p{Script=Tangut}\p{Script=Cuneiform}\p{Script=Egyptian_Hieroglyphs}\p{Script=Nushu}\uAC00-\uD7A3]/u;

test('no character joins the one before it across a cut', () => {
  const starters = ['a', 'E', 'ㄱ', '\u1100', '가', 'か', 'ｶ', 'ৗ', '\u09C7', '\u{16D63}', '\u{11347}', 'Ω', 'ﬁ', '½'];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    if (!/[\p{M}\p{Lm}\p{Lo}\p{Changes_When_NFKC_Casefolded}]/u.test(char) || NEVER_JOINS.test(char)) continue;
    for (const starter of starters) {
      if (fold(starter + char) !== foldWhole(starter + char)) expect.fail(`U+${code.toString(16)} after ${starter}`);
    }
  }
});

test('one-to-one foldings agree with the case-insensitive regular expressions of the language', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const char = String.fromCodePoint(code);
    if (!/\p{Changes_When_Casefolded}/u.test(char)) continue;
    const folded = fold(char);
    if ([...folded].length === 1 && char.normalize('NFKC') === char)
      expect(folded).toMatch(new RegExp(`^${char}$`, 'iu'));
  }
});

test('letters that differ only in case, width or composition fold to the same text', () => {
  expect(fold('STRASSE')).toBe(fold('straße'));
  expect(fold('ΟΔΟΣ')).toBe(fold('οδος'));
  expect(fold('ﬁle ＡＢＣ ｶﾞ')).toBe('file abc ガ');
  expect(fold('E\u0301')).toBe('é');
  expect(fold('ı')).not.toBe(fold('i'));
});

test('folding twice changes nothing more', () => {
  fc.assert(
    fc.property(text, (sample) => {
      expect(fold(fold(sample))).toBe(fold(sample));
    }),
    { numRuns: 2000 },
  );
});

test('a folded text never contains NUL or the separator of segments', () => {
  fc.assert(
    fc.property(text, (sample) => {
      expect(fold(sample)).not.toContain('\0');
      expect(fold(`${sample}\uFFFF`)).not.toContain(SEGMENT_END);
    }),
  );
});

test('the edits lead back to the text, also through bytes', () => {
  fc.assert(
    fc.property(text, (sample) => {
      const folded = foldWithEdits(sample);
      expect(folded.text).toBe(fold(sample));
      expect(original(folded)).toBe(sample.toWellFormed());
      const edits = decodeEdits(folded.text, encodeEdits(folded.text, folded.edits));
      expect(edits).toEqual(folded.edits);
      const bare = removeAccentsWithEdits(folded.text);
      expect(bare.text).toBe(removeAccents(folded.text));
      expect(original(bare)).toBe(folded.text);
    }),
    { numRuns: 2000 },
  );
});

test('a range within an edit takes in all that was rewritten', () => {
  const { edits } = foldWithEdits('die Straße ﬃ');
  expect(sourceRange(edits, { start: 9, end: 10 })).toEqual({ start: 8, end: 9 });
  expect(sourceRange(edits, { start: 4, end: 11 })).toEqual({ start: 4, end: 10 });
  expect(sourceRange(edits, { start: 13, end: 14 })).toEqual({ start: 11, end: 12 });
});

test('marks removed after a range belong to it, marks removed before it do not', () => {
  const { text: bare, edits } = removeAccentsWithEdits('x\u0301a\u0323\u0304b');
  expect(bare).toBe('xab');
  expect(sourceRange(edits, { start: 1, end: 2 })).toEqual({ start: 2, end: 5 });
});

test('only accents are removed', () => {
  expect(removeAccents('résumé ố ñ ガ कु 한')).toBe('resume o n ガ कु 한');
});
