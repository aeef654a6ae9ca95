/**
 * A stretch of a text that was rewritten: `length` UTF-16 units at `at` of the new text stand for `original` in the old one.
 * Whatever lies between two edits is the same in both.
 */
export interface Edit {
  readonly at: number;
  readonly length: number;
  readonly original: string;
}

/** A text and how it came from another one, the edits in ascending order. */
export interface Rewritten {
  readonly text: string;
  readonly edits: readonly Edit[];
}

/** Separates the segments of a field. A folded text never contains it, so no match spans two segments. */
export const SEGMENT_END = '\uFFFF';

/** What stands for U+0000 in a folded text: SQLite's text functions take NUL for the end. */
const FOLDED_NUL = '\uFDD0';
/** What stands for the noncharacters U+FFFE and U+FFFF, which the index needs for itself. */
const FOLDED_NONCHARACTER = '\uFDD1';

/**
 * Characters that can join the one before them when normalised: marks, vowel and final consonant letters of Hangul in all
 * their forms, halfwidth voicing marks, Kirat Rai vowels. Too many here costs nothing but coarser edits.
 */
const JOINING = String.raw`\p{M}\u1160-\u11FF\u3130-\u318F\uA960-\uA97F\uD7B0-\uD7FF\uFF9E-\uFFDF\u{16D40}-\u{16D7F}`;
const CHANGING = String.raw`\p{Changes_When_NFKC_Casefolded}\0\uFFFE\uFFFF`;

/** A stretch whose folding may differ from itself, cut where no normalisation reaches across. */
const UNSTABLE = new RegExp(`[${CHANGING}][${JOINING}]*|[^${JOINING}]?[${JOINING}]+`, 'gu');
/** Anything that needs more than lower case; NUL does, too. */
const NOT_PLAIN = /[\0\P{ASCII}]/u;
const CHEROKEE = /\p{Script=Cherokee}/u;

/** Folding a stretch costs about 1 µs; prose has few different ones. Emptied when it holds this many. */
const CACHED_STRETCHES = 20_000;
const foldedStretches = new Map<string, string>();

/** Full case folding of each code point (CaseFolding.txt, status C and F), which JavaScript lacks. */
function foldCase(text: string): string {
  let folded = '';
  for (const char of text) {
    // Dotless i has the capital I, yet only Turkic folding takes it for i.
    if (char === 'ı') folded += char;
    // The one script that folds to its capitals: its small letters came later.
    else if (CHEROKEE.test(char)) folded += char.toUpperCase();
    // One code point at a time: as a whole string, a final sigma would come out as another letter.
    else for (const upper of char.toLowerCase().toUpperCase()) folded += upper.toLowerCase();
  }
  return folded;
}

/** Unicode's compatibility caseless form (The Unicode Standard, definition D146), composed. */
function foldStretch(stretch: string): string {
  const known = foldedStretches.get(stretch);
  if (known !== undefined) return known;
  const once = foldCase(stretch.normalize('NFD')).normalize('NFKC');
  const folded = foldCase(once.normalize('NFD'))
    .normalize('NFKC')
    .replaceAll('\0', FOLDED_NUL)
    .replace(/[\uFFFE\uFFFF]/g, FOLDED_NONCHARACTER);
  if (foldedStretches.size >= CACHED_STRETCHES) foldedStretches.clear();
  foldedStretches.set(stretch, folded);
  return folded;
}

/**
 * Folds a text so that equal folded texts are equal to a reader: NFKC and full case folding, accents kept.
 * Lone surrogates are no text and become U+FFFD.
 */
export function fold(text: string): string {
  if (!NOT_PLAIN.test(text)) return text.toLowerCase();
  return text.toWellFormed().replace(UNSTABLE, foldStretch);
}

const ASCII_END = 0x80;

function isCapital(unit: number): boolean {
  return unit >= 0x41 && unit <= 0x5a;
}

/** {@link fold}, with the edits that lead back to the text. */
export function foldWithEdits(text: string): Rewritten {
  if (NOT_PLAIN.test(text)) return foldUnstable(text.toWellFormed());
  const edits: Edit[] = [];
  for (let at = 0; at < text.length; at++) {
    if (isCapital(text.charCodeAt(at))) edits.push({ at, length: 1, original: text.charAt(at) });
  }
  return { text: edits.length === 0 ? text : text.toLowerCase(), edits };
}

/** {@link UNSTABLE} at one place. */
const UNSTABLE_HERE = new RegExp(UNSTABLE, 'uy');

/**
 * Folds a text that is not all ASCII. Goes through it by hand and asks the pattern only where it is not, with the same result: 25 µs for
 * 2,000 characters with a few dashes instead of 80.
 */
function foldUnstable(text: string): Rewritten {
  const edits: Edit[] = [];
  let folded = '';
  let done = 0;
  const edit = (at: number, end: number, changed: string) => {
    folded += text.slice(done, at);
    edits.push({ at: folded.length, length: changed.length, original: text.slice(at, end) });
    folded += changed;
    done = end;
  };
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    // What follows may be a mark that joins it. (Behind the end there is NaN, which is never greater.)
    if (unit !== 0 && unit < ASCII_END && !(text.charCodeAt(at + 1) >= ASCII_END)) {
      if (isCapital(unit)) edit(at, at + 1, text.charAt(at).toLowerCase());
      at++;
      continue;
    }
    UNSTABLE_HERE.lastIndex = at;
    const stretch = UNSTABLE_HERE.exec(text)?.[0];
    const end = at + (stretch?.length ?? ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1));
    const changed = stretch === undefined ? undefined : foldStretch(stretch);
    if (changed !== undefined && changed !== stretch) edit(at, end, changed);
    at = end;
  }
  return { text: folded + text.slice(done), edits };
}

/** The combining marks that accents are made of; vowel signs of Indic scripts and voicing marks of kana are none. */
const ACCENTS = /[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]/g;
const PERHAPS_ACCENTED = /[\u0080-\u2E7F\uE000-\uFFFF]/g;
const bareChars = new Map<string, string>();

function withoutAccent(char: string): string {
  let bare = bareChars.get(char);
  if (bare === undefined) {
    const decomposed = char.normalize('NFD');
    const stripped = decomposed.replace(ACCENTS, '');
    bare = stripped === decomposed ? char : stripped.normalize('NFC');
    bareChars.set(char, bare);
  }
  return bare;
}

/**
 * Takes the accents off a folded text, one code point at a time, so that what is part of a text stays part of it.
 */
export function removeAccents(folded: string): string {
  return NOT_PLAIN.test(folded) ? folded.replace(PERHAPS_ACCENTED, withoutAccent) : folded;
}

/** {@link removeAccents}, with the edits that lead back to the folded text. */
export function removeAccentsWithEdits(folded: string): Rewritten {
  return rewrite(folded, PERHAPS_ACCENTED, withoutAccent);
}

function rewrite(text: string, stretches: RegExp, change: (stretch: string) => string): Rewritten {
  const edits: Edit[] = [];
  let rewritten = '';
  let done = 0;
  stretches.lastIndex = 0;
  for (let found = stretches.exec(text); found !== null; found = stretches.exec(text)) {
    const original = found[0];
    const changed = change(original);
    if (changed === original) continue;
    rewritten += text.slice(done, found.index);
    edits.push({ at: rewritten.length, length: changed.length, original });
    rewritten += changed;
    done = found.index + original.length;
  }
  return { text: rewritten + text.slice(done), edits };
}

/** The text that `rewritten` came from. */
export function original({ text, edits }: Rewritten): string {
  let source = '';
  let done = 0;
  for (const edit of edits) {
    source += text.slice(done, edit.at) + edit.original;
    done = edit.at + edit.length;
  }
  return source + text.slice(done);
}

/** A range of UTF-16 units, the end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Where a range of a rewritten text came from.
 *
 * A range that begins or ends within an edit takes in the whole of what was rewritten; marks that were removed after the
 * range belong to it, marks removed before it do not.
 */
export function sourceRange(edits: readonly Edit[], range: Range): Range {
  let start = range.start;
  let end = range.end;
  for (const edit of edits) {
    const editEnd = edit.at + edit.length;
    const grown = edit.original.length - edit.length;
    if (editEnd <= range.start) start += grown;
    else if (edit.at < range.start) start -= range.start - edit.at;
    if (edit.at > range.end || (edit.at === range.end && edit.length > 0)) break;
    if (editEnd <= range.end) end += grown;
    else end += edit.original.length - (range.end - edit.at);
  }
  return { start, end };
}

/*
 * Edits as bytes: numbers in half bytes, of three bits and one that says whether more follow, the lowest first. Nearly every edit is a
 * capital and written as one more than what lies between it and the edit before; any other as 0, that distance, its length, and the
 * original as its size and UTF-8. Measured on READMEs: 71 bytes for 95 edits, where whole bytes take 107.
 */
const NOT_CAPITAL = 0;
/** Fills the last byte: a number that has no end. */
const PADDING = 8;

/** Writes edits as bytes, less than one for each capital letter. */
export function encodeEdits(folded: string, edits: readonly Edit[]): Uint8Array {
  const halves: number[] = [];
  let done = 0;
  for (const { at, length, original: source } of edits) {
    const capital = length === 1 && source.length === 1 && folded.charAt(at).toUpperCase() === source;
    if (capital) pushNumber(halves, at - done + 1);
    else {
      const text = Buffer.from(source);
      for (const number of [NOT_CAPITAL, at - done, length, text.length]) pushNumber(halves, number);
      for (const byte of text) halves.push(byte & 15, byte >> 4);
    }
    done = at + length;
  }
  if (halves.length % 2 === 1) halves.push(PADDING);
  const bytes = new Uint8Array(halves.length / 2);
  for (let place = 0; place < bytes.length; place++) bytes[place] = halves[2 * place]! | (halves[2 * place + 1]! << 4);
  return bytes;
}

/** Reads what {@link encodeEdits} wrote. */
export function decodeEdits(folded: string, bytes: Uint8Array): Edit[] {
  const edits: Edit[] = [];
  const end = bytes.length > 0 && bytes.at(-1)! >> 4 === PADDING ? 2 * bytes.length - 1 : 2 * bytes.length;
  let next = 0;
  const readHalf = (): number => {
    const byte = bytes[next >> 1]!;
    return next++ % 2 === 0 ? byte & 15 : byte >> 4;
  };
  const readNumber = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 8) {
      const half = readHalf();
      value += (half & 7) * factor;
      if (half < 8) return value;
    }
  };
  let at = 0;
  while (next < end) {
    const head = readNumber();
    if (head !== NOT_CAPITAL) {
      at += head - 1;
      edits.push({ at, length: 1, original: folded.charAt(at).toUpperCase() });
      at += 1;
      continue;
    }
    at += readNumber();
    const length = readNumber();
    const source = Buffer.alloc(readNumber());
    for (let place = 0; place < source.length; place++) source[place] = readHalf() | (readHalf() << 4);
    edits.push({ at, length, original: source.toString() });
    at += length;
  }
  return edits;
}

function pushNumber(halves: number[], value: number): void {
  let rest = value;
  for (; rest >= 8; rest = Math.floor(rest / 8)) halves.push((rest % 8) | 8);
  halves.push(rest);
}
