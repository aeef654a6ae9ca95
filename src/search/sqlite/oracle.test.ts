import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SearchDocument, Segment } from '../document.ts';
import { SEARCH_FIELDS, type SearchField, type SearchMatch, type SearchRequest, type SearchResult } from '../search.ts';
import { SearchIndex } from './search-index.ts';

/*
 * The index against brute force over the same runs, written for being obvious. SEARCH_ORACLE sets the number of needles.
 */
const NEEDLES = Number(process.env['SEARCH_ORACLE'] ?? (process.env['MILLRUN_LONG_TESTS'] === '1' ? 10_000 : 1000));
const RUNS = 2000;
const SEED = Number(process.env['SEARCH_SEED'] ?? 7);

const folder = mkdtempSync(join(tmpdir(), 'millrun-oracle-'));
let index: SearchIndex;
let corpus: SearchDocument[];

beforeAll(() => {
  const opened = SearchIndex.open(join(folder, 'search.db'));
  if (opened.state !== 'created') throw new Error(opened.state);
  index = opened.index;
  corpus = fill(index);
});

afterAll(() => {
  index.close();
  rmSync(folder, { recursive: true });
});

// The corpus: words of many scripts in any order, so that needles of every kind have few and many matches.

const random = (() => {
  let state = SEED;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
})();
const pick = <T>(items: readonly T[]): T => {
  const item = items[random(items.length)];
  if (item === undefined) throw new RangeError('Nothing to pick from.');
  return item;
};

const WORDS =
  `the quick brown fox jumps over the lazy dog THE END of all runs needle Invoice 1.50 -2e5 0 42 {"a":[1]} \\n null
  Straße STRASSE ß ẞ ﬁne ﬃ İstanbul ıstanbul ΟΔΟΣ οδός ς Σ é É è résumé re\u0301sume\u0301 naïve q\u0301\u0323 Å Å ǆ ŉ
  привет МИР ё Ё שלום שָׁלוֹם مرحبا مُحَمَّد नमस्ते क्षत्रिय কো ไทย ภาษา ខ្មែរ မြန်မာ 日本語 東京 テスト ﾃｽﾄ ｶﾞ ガ がんばれ 中文 搜索 한국어 한국 가각 ㄱㅏ
  😀 👩‍🚀 👨‍👩‍👧‍👦 🇩🇪🇫🇷 ☃️ 🏳️‍🌈 1️⃣ \u{1D4D0}\u{1D4D1} 𠮷野家 % _ %% a_b 100% ' " "" '' \\ \\\\ * ? [ ] [a-z] ^ $ ( ) AND OR NOT NEAR --
  \u0001 \u0000 \u0002x \uFFFD \uFFFE \uFFFF \uFDD0 \u200B \u200D \u00AD \u0301 \u0345 \r\n \t x\u0300\u0301y ½ ² ﷺ ㌔ Ꭰ ꭰ`
    .split(/[ \n]+/)
    .concat(['\n', '  ', '\ud800', '\r\n']);

function someText(words: number): string {
  let text = '';
  for (let word = 0; word < words; word++) text += pick(WORDS) + pick([' ', ' ', ' ', '', '\n']);
  return text;
}

function someDocument(run: number): SearchDocument {
  const segments: Segment[] = [];
  for (const field of ['input', 'output', 'other'] as const) {
    for (let count = random(4); count > 0; count--) {
      const segment = {
        field,
        path: `$.${pick(['a', 'b'])}[${count}]`,
        text: someText(1 + random(random(10) === 0 ? 120 : 12)),
      };
      segments.push(random(3) === 0 ? { ...segment, nodeId: pick(['n1', 'n2']) } : segment);
    }
  }
  return {
    workspaceId: run % 10 === 0 ? 'small' : 'large',
    workflowId: pick(['f1', 'f2', 'f3']),
    runId: runId(run),
    segments,
  };
}

function runId(run: number): string {
  const digits = (run * 7919).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7abc-8def-${run.toString(16).padStart(12, '0')}`;
}

/** Puts runs nearly in order, then changes and removes some: what remains is the corpus. */
function fill(target: SearchIndex): SearchDocument[] {
  const runs = Array.from({ length: RUNS }, (_, run) => run).sort(
    (a, b) => a - b + (random(20) === 0 ? random(300) - 150 : 0),
  );
  const documents = new Map<string, SearchDocument>();
  for (let from = 0; from < runs.length; from += 100) {
    const put = runs.slice(from, from + 100).map(someDocument);
    const again = [...documents.values()].filter(() => random(50) === 0);
    for (const { workspaceId, runId } of again) {
      const changed = { ...someDocument(1), workspaceId, runId };
      put.push(changed);
    }
    const remove = [...documents.values()].filter(() => random(200) === 0);
    const removed = new Set(remove.map((document) => document.runId));
    const kept = put.filter((document) => !removed.has(document.runId));
    target.apply({ put: kept, remove, position: String(from) });
    for (const { runId } of remove) documents.delete(runId);
    for (const document of kept) documents.set(document.runId, document);
  }
  return [...documents.values()].sort((a, b) => (a.runId < b.runId ? 1 : -1));
}

function someNeedle(): string {
  const kind = random(10);
  if (kind === 0) return someText(1 + random(3)).slice(random(3)) || 'x';
  if (kind === 1) return pick(WORDS).slice(0, 1 + random(3)) || 'é';
  if (kind === 2) return pick(corpus).runId.slice(random(5) === 0 ? 3 : 0, 1 + random(36)) || '0';
  const segment = pick(pick(corpus).segments.concat({ field: 'input', path: '$', text: 'THE END' }));
  const length = Math.ceil(2 ** (random(1100) / 100));
  const start = random(segment.text.length);
  const needle = segment.text.slice(start, start + length) || 'e';
  if (kind === 3) return needle.toUpperCase();
  if (kind === 4) return needle.normalize('NFD');
  if (kind === 5) return needle.normalize('NFKC').toLowerCase();
  if (kind === 6) return needle + pick(WORDS).slice(0, 2);
  return needle;
}

function someRequest(query: string): SearchRequest {
  const fields = SEARCH_FIELDS.filter(() => random(2) === 0);
  const third = (runs: readonly string[]) => new Set(runs.filter((run) => run.endsWith('3') || run.endsWith('a')));
  return {
    workspaceId: pick(['large', 'large', 'small']),
    query,
    limit: pick([1, 10, 30]),
    contextSize: pick([0, 1, 5, 40]),
    maxMatchesPerRun: pick([1, 3, 100]),
    ...(random(4) === 0 && { searchIn: fields.length > 0 ? fields : ['output' as const] }),
    ...(random(4) === 0 && { ignoreAccents: true }),
    ...(random(5) === 0 && { workflowIds: ['f1', pick(['f2', 'f9'])] }),
    ...(random(5) === 0 && { allowed: third }),
    ...(random(5) === 0 && { before: pick(corpus).runId }),
    ...(random(8) === 0 && { offset: random(20) }),
    ...(random(8) === 0 && { countUpTo: 1 + random(100) }),
  };
}

// Brute force.

function fold(text: string): string {
  const once = foldCase(text.toWellFormed().normalize('NFD')).normalize('NFKC');
  return foldCase(once.normalize('NFD'))
    .normalize('NFKC')
    .replaceAll('\0', '\uFDD0')
    .replace(/[\uFFFE\uFFFF]/g, '\uFDD1');
}

function foldCase(text: string): string {
  return Array.from(text, (char) => {
    if (char === 'ı') return char;
    if (/\p{Script=Cherokee}/u.test(char)) return char.toUpperCase();
    return Array.from(char.toLowerCase().toUpperCase(), (upper) => upper.toLowerCase()).join('');
  }).join('');
}

function bare(text: string): string {
  return Array.from(text, (char) => {
    const whole = char.normalize('NFD');
    const base = whole.replace(/[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]/g, '');
    return base === whole ? char : base.normalize('NFC');
  }).join('');
}

/** A searched text; for each of its UTF-16 units, the part of the original it came from. */
interface Searched {
  readonly text: string;
  readonly from: readonly { start: number; end: number }[];
}

function searched(original: string, ignoreAccents: boolean): Searched {
  // A character with all that might join it is one piece, unless folding leaves it as it is.
  const joining = String.raw`\p{M}\u1160-\u11FF\u3130-\u318F\uA960-\uA97F\uD7B0-\uD7FF\uFF9E-\uFFDF`;
  let text = '';
  const from: { start: number; end: number }[] = [];
  for (const { 0: piece, index: start } of original.matchAll(
    new RegExp(`[^${joining}]?[${joining}]+|[^${joining}]`, 'gsu'),
  )) {
    const folded = fold(piece);
    let unit = start;
    for (const char of folded) {
      const whole = { start, end: start + piece.length };
      const part = (offset: number) => (folded === piece ? { start: unit + offset, end: unit + offset + 1 } : whole);
      const units = ignoreAccents ? bare(char) : char;
      if (units === char) for (let offset = 0; offset < char.length; offset++) from.push(part(offset));
      else if (units.length > 0)
        for (const _ of units) from.push({ start: part(0).start, end: part(char.length - 1).end });
      else {
        // An accent that is ignored belongs to what is before it, in whatever piece that is.
        const last = from.at(-1);
        if (last !== undefined) from[from.length - 1] = { ...last, end: part(char.length - 1).end };
      }
      text += units;
      unit += char.length;
    }
  }
  return { text, from };
}

/** What is looked for, as it is looked for. */
interface Needle {
  readonly text: string;
  readonly ignoreAccents: boolean;
}

function needleOf({ query, ignoreAccents }: SearchRequest): Needle {
  const folded = fold(query);
  // Of accents alone nothing would be left.
  if (ignoreAccents !== true || bare(folded) === '') return { text: folded, ignoreAccents: false };
  return { text: bare(folded), ignoreAccents: true };
}

const remembered = new Map<boolean, Map<string, Searched>>([
  [true, new Map()],
  [false, new Map()],
]);

function searchedOnce(original: string, ignoreAccents: boolean): Searched {
  const known = remembered.get(ignoreAccents)?.get(original) ?? searched(original.toWellFormed(), ignoreAccents);
  remembered.get(ignoreAccents)?.set(original, known);
  return known;
}

/** Whether a run matches at all. */
function says(document: SearchDocument, needle: Needle, fields: readonly SearchField[]): boolean {
  return (
    (fields.includes('run_id') && document.runId.startsWith(needle.text)) ||
    document.segments.some(
      ({ field, text }) =>
        fields.includes(field) && searchedOnce(text, needle.ignoreAccents).text.includes(needle.text),
    )
  );
}

function matchesOf(document: SearchDocument, request: SearchRequest, needle: Needle): SearchMatch[] {
  const fields = request.searchIn ?? SEARCH_FIELDS;
  const matches = SEARCH_FIELDS.filter((field) => fields.includes(field)).flatMap((field) => {
    if (field === 'run_id') {
      const found = document.runId.startsWith(needle.text)
        ? matchesIn(document.runId, needle, request, { field, path: '$' })
        : [];
      return found.slice(0, 1);
    }
    const segments = document.segments.filter((segment) => segment.field === field);
    return segments.flatMap((segment) => matchesIn(segment.text, needle, request, segment));
  });
  return matches.slice(0, request.maxMatchesPerRun);
}

function matchesIn(
  segment: string,
  needle: Needle,
  { contextSize }: SearchRequest,
  place: { field: SearchField; path: string; nodeId?: string },
): SearchMatch[] {
  const original = segment.toWellFormed();
  const { text, from } = searchedOnce(segment, needle.ignoreAccents);
  const matches: SearchMatch[] = [];
  for (let at = text.indexOf(needle.text); at >= 0; at = text.indexOf(needle.text, at + needle.text.length)) {
    const start = from[at]?.start ?? 0;
    const end = from[at + needle.text.length - 1]?.end ?? 0;
    const before = pointsBefore(original);
    const near = (edge: number, place: number) => Math.abs((before[edge] ?? 0) - (before[place] ?? 0)) <= contextSize;
    const first = edgesOf(original).find((edge) => edge <= start && near(edge, start)) ?? start;
    const last = edgesOf(original).findLast((edge) => edge >= end && near(edge, end)) ?? end;
    matches.push({
      field: place.field,
      path: place.path,
      ...(place.nodeId !== undefined && { node_id: place.nodeId }),
      match: original.slice(start, end),
      context: original.slice(first, last),
      before: original.slice(first, start),
      after: original.slice(end, last),
      start: String(before[start]),
      end: String(before[end]),
    });
  }
  return matches;
}

const counted = new Map<string, readonly number[]>();

/** For each UTF-16 unit of a text and its end, the code points before it. */
function pointsBefore(text: string): readonly number[] {
  const known =
    counted.get(text) ?? Array.from(text).flatMap((char, count) => (char.length === 2 ? [count, count] : [count]));
  if (!counted.has(text)) counted.set(text, [...known, Array.from(text).length]);
  return counted.get(text) ?? known;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const edges = new Map<string, readonly number[]>();

function edgesOf(text: string): readonly number[] {
  const known = edges.get(text) ?? [...Array.from(graphemes.segment(text), ({ index }) => index), text.length];
  edges.set(text, known);
  return known;
}

function bruteForce(request: SearchRequest): Pick<SearchResult, 'hits' | 'total'> {
  const { workspaceId, workflowIds, allowed, before, offset = 0, limit } = request;
  const needle = needleOf(request);
  const found = corpus.filter(
    (document) =>
      document.workspaceId === workspaceId &&
      (workflowIds === undefined || workflowIds.includes(document.workflowId)) &&
      (allowed === undefined || allowed([document.runId]).has(document.runId)) &&
      says(document, needle, request.searchIn ?? SEARCH_FIELDS),
  );
  const page = found.filter(({ runId }) => before === undefined || runId < before).slice(offset, offset + limit);
  const hits = page.map((document) => ({
    runId: document.runId,
    similarity: 1,
    matches: matchesOf(document, request, needle),
  }));
  return { total: found.length, hits };
}

test(`${NEEDLES} random needles find the runs, snippets and offsets that brute force finds`, {
  timeout: 600_000,
}, () => {
  let matched = 0;
  for (let count = 0; count < NEEDLES; count++) {
    const request = someRequest(someNeedle());
    const expected = bruteForce(request);
    // What is counted in no time is gone on with by the next search.
    const hurried = index.search({ ...request, ...(random(4) === 0 && { countForMs: 0 }) });
    expect(hurried.total).toBeLessThanOrEqual(expected.total);
    const found = index.search(request);
    expect({ request, hits: found.hits }).toEqual({ request, hits: expected.hits });
    const upTo = request.countUpTo ?? 10_000;
    if (found.totalIsLowerBound) expect(expected.total).toBeGreaterThanOrEqual(found.total);
    else expect(found.total).toBe(expected.total);
    if (expected.total <= upTo) expect(found.totalIsLowerBound, JSON.stringify(request)).toBe(false);
    if (expected.hits.length > 0) matched++;
  }
  expect(matched).toBeGreaterThan(NEEDLES / 2);
});
