/** A run of letters, marks and digits; an underscore, a dot or a dash separates, so `flat_lease.pdf` is three words. */
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’]\p{L}+)?/uy;

/** Scripts written without spaces between words: only these need a dictionary to be cut. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** Made on first use: it loads the dictionaries of ICU. */
let segmenter: Intl.Segmenter | undefined;

/**
 * The words of `text` in order, in lower case and compatibility form (Unicode NFKC). Words that come again are often the same string
 * object, which makes looking them up fast, and none keeps `text` in memory.
 *
 * Words of ASCII are cut by hand and others by {@link WORD}, with the same result: measured on prose, 10 µs for 2,000 characters where the
 * pattern alone takes 100. `Intl.Segmenter` (UAX 29) is asked only about scripts without spaces: elsewhere it would keep `flat_lease` and
 * `10.0.0.4` in one piece, and it takes longer.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  const lower = text.normalize('NFKC').toLowerCase();
  const letters = unitsOf(lower);
  const { length } = lower;
  for (let at = 0; at < length; ) {
    const unit = letters[at]!;
    if (unit < ASCII && IN_WORD[unit] === NOT) {
      at++;
      continue;
    }
    const end = asciiWordEnd(letters, at, length);
    if (end !== undefined) {
      words.push(asciiWord(lower, letters, at, end));
      at = end;
      continue;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(lower)?.[0];
    if (word === undefined) {
      at += (lower.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    at += word.length;
    if (!UNSPACED.test(word)) {
      words.push(copy(word.replace('’', "'")));
      continue;
    }
    segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
    for (const part of segmenter.segment(word)) if (part.isWordLike) words.push(copy(part.segment));
  }
  return words;
}

const ASCII = 128;
const APOSTROPHE = 0x27;
/** What an ASCII character in lower case is in a word. */
const NOT = 0;
const DIGIT = 1;
const LETTER = 2;
const IN_WORD = Uint8Array.from({ length: ASCII }, (_, unit) => {
  const char = String.fromCharCode(unit);
  return /[a-z]/.test(char) ? LETTER : /[0-9]/.test(char) ? DIGIT : NOT;
});

/** Where the word at `start` ends if it and what follows is ASCII; undefined when only {@link WORD} can tell. */
function asciiWordEnd(letters: Uint16Array, start: number, length: number): number | undefined {
  let end = start;
  while (end < length && letters[end]! < ASCII && IN_WORD[letters[end]!] !== NOT) end++;
  if (end === length) return end;
  if (letters[end]! >= ASCII) return undefined;
  if (letters[end] !== APOSTROPHE) return end;
  let after = end + 1;
  while (after < length && letters[after]! < ASCII && IN_WORD[letters[after]!] === LETTER) after++;
  if (after < length && letters[after]! >= ASCII) return undefined;
  return after > end + 1 ? after : end;
}

/** Longer texts get an array of their own each time. */
const COMMON_LENGTH = 1 << 15;
const commonUnits = new Uint16Array(COMMON_LENGTH);

/** The UTF-16 units of a text, and more behind them: reading them here takes a fifth of the time. Overwritten by the next call. */
function unitsOf(text: string): Uint16Array {
  const units = text.length <= COMMON_LENGTH ? commonUnits : new Uint16Array(text.length);
  Buffer.from(units.buffer).write(text, 'utf16le');
  return units;
}

/** The last word of each hash, and its letters; longer words are codes as often as not. */
const RECENT_WORDS = 1 << 15;
const RECENT_LENGTH = 16;
const recentWords = new Array<string>(RECENT_WORDS).fill('');
const recentLetters = new Uint8Array(RECENT_WORDS * RECENT_LENGTH);

/** A part of a text that is ASCII, as a string that can be kept. */
function asciiWord(text: string, letters: Uint16Array, start: number, end: number): string {
  const length = end - start;
  if (length > RECENT_LENGTH) return copy(text.slice(start, end));
  let hash = length;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ letters[at]!, 0x9e3779b1);
  const slot = hash >>> 17;
  const first = slot * RECENT_LENGTH;
  const recent = recentWords[slot]!;
  let same = 0;
  if (recent.length === length) while (same < length && recentLetters[first + same] === letters[start + same]) same++;
  if (same === length) return recent;
  const word = copy(text.slice(start, end));
  recentWords[slot] = word;
  for (let at = 0; at < length; at++) recentLetters[first + at] = letters[start + at]!;
  return word;
}

/** A text without what it was cut from: V8 keeps the whole where the part has 13 characters or more. */
function copy(part: string): string {
  return part.length < 13 ? part : Buffer.from(part).toString();
}

/** English function words: they are in every text and tell nothing of its subject. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about above after again against all also am an and any are as at be because been before being below between both
  but by can could d did do does doing don down during each eg etc few for from further g e i had has have having he her
  here hers herself him himself his how if in into is it its itself just ll m may me might more most must my myself no
  nor not now of off on once one only or other our ours ourselves out over own re s same shall she should so some such t
  than that the their theirs them themselves then there these they this those through to too under until up us used ve
  very was we were what when where which while who whom why will with would you your yours yourself yourselves`.split(
    /\s+/,
  ),
);

/** True when `word` (lower case) is an English function word. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}
