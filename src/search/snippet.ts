import type { Segment } from './document.ts';
import { type Edit, original, type Range, type Rewritten, removeAccentsWithEdits, sourceRange } from './folding.ts';
import type { SearchField, SearchMatch } from './search.ts';

/** A segment as the index keeps it: folded, with the way back. */
export interface FoldedSegment extends Omit<Segment, 'field' | 'text'> {
  readonly field: SearchField;
  readonly folded: Rewritten;
}

/** How snippets are cut. */
export interface SnippetOptions {
  readonly ignoreAccents: boolean;
  /** Code points on each side of a match. */
  readonly contextSize: number;
  readonly maxMatches: number;
}

/**
 * The first matches of a needle in the segments of a run, each with its surroundings as they were written. Matches do not overlap.
 *
 * @param needle folded, and without accents if they are ignored; not empty.
 */
export function snippets(segments: Iterable<FoldedSegment>, needle: string, options: SnippetOptions): SearchMatch[] {
  const matches: SearchMatch[] = [];
  for (const segment of segments) {
    if (matches.length >= options.maxMatches) break;
    const ranges = occurrences(segment, needle, options.ignoreAccents, options.maxMatches - matches.length);
    if (ranges.length > 0) matches.push(...cut(segment, ranges, options.contextSize));
  }
  return matches;
}

/** Ranges of the original text where the needle is. */
function occurrences(segment: FoldedSegment, needle: string, ignoreAccents: boolean, max: number): Range[] {
  const folded = segment.folded;
  const searched = ignoreAccents ? removeAccentsWithEdits(folded.text) : { text: folded.text, edits: NO_EDITS };
  const ranges: Range[] = [];
  let start = searched.text.indexOf(needle);
  while (start >= 0 && ranges.length < max) {
    // The id of a run is looked for by its beginning only: its other digits are chance.
    if (segment.field === 'run_id' && start > 0) break;
    const end = start + needle.length;
    ranges.push(sourceRange(folded.edits, sourceRange(searched.edits, { start, end })));
    start = searched.text.indexOf(needle, end);
  }
  return ranges;
}

const NO_EDITS: readonly Edit[] = [];

/** The snippets of some ranges of a segment, which are in order. */
export function cut(segment: FoldedSegment, ranges: readonly Range[], contextSize: number): SearchMatch[] {
  const text = original(segment.folded);
  let counted = 0;
  let codePoints = 0;
  const codePointsTo = (index: number): string => {
    codePoints += countCodePoints(text, counted, index);
    counted = index;
    return String(codePoints);
  };
  return ranges.map(({ start, end }) => {
    const match = text.slice(start, end);
    const before = text.slice(contextStart(text, start, contextSize), start);
    const after = text.slice(end, contextEnd(text, end, contextSize));
    return {
      field: segment.field,
      path: segment.path,
      ...(segment.nodeId === undefined ? {} : { node_id: segment.nodeId }),
      match,
      context: before + match + after,
      before,
      after,
      // Counting goes on from the last place. Two matches within one rewritten character overlap in the original.
      start: start < counted ? String(countCodePoints(text, 0, start)) : codePointsTo(start),
      end: end < counted ? String(countCodePoints(text, 0, end)) : codePointsTo(end),
    };
  });
}

/** Code points between two indexes. Surrogates come in pairs: texts are well-formed. */
function countCodePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) if (!isLowSurrogate(text, index)) count++;
  return count;
}

function isLowSurrogate(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00;
}

/** Where the context before `end` begins: `size` code points earlier, or later so as not to cut a grapheme. */
function contextStart(text: string, end: number, size: number): number {
  let start = end;
  for (let left = size; left > 0 && start > 0; left--) start -= isLowSurrogate(text, start - 1) ? 2 : 1;
  if (start === 0 || start === end) return start;
  const around = graphemeAround(text, start, end);
  return around.start === start ? start : around.end;
}

/** Where the context after `start` ends: `size` code points later, or earlier so as not to cut a grapheme. */
function contextEnd(text: string, start: number, size: number): number {
  let end = start;
  for (let left = size; left > 0 && end < text.length; left--) end += isLowSurrogate(text, end + 1) ? 2 : 1;
  if (end === text.length || end === start) return end;
  const nextEnd = end + (isLowSurrogate(text, end + 1) ? 2 : 1);
  return Math.max(start, graphemeAround(text, end, nextEnd).start);
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Characters that never join a neighbour of the same kind to a grapheme, in whatever surroundings (UAX #29, table 3b). */
const STANDS_ALONE =
  /[\x20-\x7E\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const MARK = /\p{M}/u;

/** The grapheme that holds the code point at `index`, its end at most `limit`. */
function graphemeAround(text: string, index: number, limit: number): Range {
  // The segmenter reads from a known boundary on, as from the start of a long text it would take long.
  let safe = index;
  while (safe > 0 && !(standsAlone(text, safe) && standsAlone(text, safe - 1))) safe--;
  const found = GRAPHEMES.segment(text.slice(safe, limit)).containing(index - safe);
  if (found === undefined) return { start: index, end: limit };
  const start = safe + found.index;
  return { start, end: start + found.segment.length };
}

function standsAlone(text: string, index: number): boolean {
  const char = text.charAt(index);
  return STANDS_ALONE.test(char) && !MARK.test(char);
}
