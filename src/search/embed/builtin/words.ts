/** A run of letters, marks and digits; an underscore, a dot or a dash separates, so `flat_lease.pdf` is three words. */
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’]\p{L}+)?/gu;

/** Scripts written without spaces between words: only these need a dictionary to be cut. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** Made on first use: it loads the dictionaries of ICU. */
let segmenter: Intl.Segmenter | undefined;

/**
 * The words of `text` in order, in lower case and compatibility form (Unicode NFKC).
 *
 * `Intl.Segmenter` (UAX 29) is asked only about scripts without spaces: elsewhere it would keep `flat_lease` and `10.0.0.4`
 * in one piece, and it takes twice the time.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORD)) {
    if (!UNSPACED.test(word)) {
      words.push(word.replace('’', "'"));
      continue;
    }
    segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
    for (const part of segmenter.segment(word)) if (part.isWordLike) words.push(part.segment);
  }
  return words;
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
