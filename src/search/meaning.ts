import { stemmer } from 'stemmer';
import { isKey, type Segment } from './document.ts';
import { isStopWord, wordsOf } from './embed/builtin/words.ts';

/**
 * UTF-16 units of a passage that gets one vector. A vector is the mean of its words: much longer passages mean a little of everything, much
 * shorter ones cost more space than their text. Measured on the paraphrases of both labelled sets, each text put somewhere in 6,000
 * characters of README files: nDCG@10 of the vectors is 0.13 with 1,000, 0.09 with 2,000, 0.15 with 2,500 and 0.14 with 2,800.
 */
const PASSAGE_LENGTH = 2500;

/** Changes whenever the same run would give other terms or passages. */
export const MEANING_VERSION = '3';

/** Stems that are remembered, some 100 bytes each: stemming takes 1 µs, looking up 50 ns. Emptied when it holds this many. */
const STEMS_KEPT = 32_768;

/** By word; null for a word that tells nothing. */
const stems = new Map<string, string | null>();

function stemOf(word: string): string | null {
  const known = stems.get(word);
  if (known !== undefined) return known;
  const stem = isStopWord(word) ? null : stemmer(word);
  if (stems.size >= STEMS_KEPT) stems.clear();
  stems.set(word, stem);
  return stem;
}

/** The words of a text that tell something, stemmed (Porter). */
export function termsOf(text: string): string[] {
  const terms = new Set<string>();
  for (const word of wordsOf(text)) {
    const stem = stemOf(word);
    if (stem !== null) terms.add(stem);
  }
  return [...terms];
}

/**
 * Cuts what a run says into passages, stretches that get a vector each: parts of a long segment, or several short ones in a row. What went
 * through its nodes is left out: it is nearly always the input and the output again. Names of fields are left out, too: every run of a
 * workflow has the same, so that they make unlike runs alike. A passage that comes again counts once.
 */
export function passagesOf(segments: readonly Segment[]): string[] {
  const passages: string[] = [];
  let open: string[] = [];
  let length = 0;
  const close = () => {
    if (open.length > 0) passages.push(open.join('\n'));
    open = [];
    length = 0;
  };
  for (const segment of segments) {
    if (segment.path.startsWith('$.nodes') || isKey(segment)) continue;
    const { text } = segment;
    if (length + text.length > PASSAGE_LENGTH) close();
    if (text.length <= PASSAGE_LENGTH) {
      open.push(text);
      length += text.length;
    } else for (const { start, end } of stretches(text, PASSAGE_LENGTH)) passages.push(text.slice(start, end));
  }
  close();
  return [...new Set(passages)];
}

/** A sentence, or a line where there are no sentences, with its place in UTF-16 units. */
export interface Sentence {
  readonly start: number;
  readonly end: number;
}

/** Characters of a sentence that is shown at most: longer ones (tables, code) are shown in part. */
const SENTENCE_LENGTH = 300;

/** The sentences of a text, none longer than can be shown. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let start = 0;
  for (const match of text.matchAll(/[.!?。！？]+["'”’)\]]*(?=\s|$)|\n+/g)) {
    const end = match.index + match[0].length;
    sentences.push(...shown(text, start, end));
    start = end;
  }
  sentences.push(...shown(text, start, text.length));
  return sentences;
}

function shown(text: string, start: number, end: number): Sentence[] {
  return stretches(text.slice(start, end), SENTENCE_LENGTH).flatMap((part) => {
    const piece = text.slice(start + part.start, start + part.end);
    const left = piece.length - piece.trimStart().length;
    const right = piece.trimEnd().length;
    return right > left ? [{ start: start + part.start + left, end: start + part.start + right }] : [];
  });
}

/** Cuts a text into stretches of at most `length`, at white space where there is some in the second half. */
function stretches(text: string, length: number): Sentence[] {
  const parts: Sentence[] = [];
  let start = 0;
  while (text.length - start > length) {
    const window = text.slice(start, start + length);
    const space = window.search(/\s\S*$/);
    let end = start + (space > length / 2 ? space + 1 : length);
    // Never between the two halves of a character beyond the basic plane.
    if ((text.charCodeAt(end) & 0xfc00) === 0xdc00) end -= 1;
    parts.push({ start, end });
    start = end;
  }
  parts.push({ start, end: text.length });
  return parts;
}
