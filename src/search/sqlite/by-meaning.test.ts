import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Segment } from '../document.ts';
import { openBuiltinEmbedder } from '../embed/builtin/builtin.ts';
import { quantise } from '../embed/vector.ts';
import { passagesOf, termsOf } from '../meaning.ts';
import type { SearchRequest } from '../search.ts';
import { type MeaningResult, searchByMeaning } from './by-meaning.ts';
import { SearchIndex } from './search-index.ts';

const embedder = openBuiltinEmbedder();
let folder: string;
let index: SearchIndex;
let prepared: Map<string, readonly Int8Array[]>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-meaning-'));
  prepared = new Map();
  const vectors = (_: unknown, { runId }: { runId: string }) => prepared.get(runId) ?? [];
  const opened = SearchIndex.open(join(folder, 'search.db'), { version: 'test', terms: termsOf, vectors });
  if (!('index' in opened)) throw new Error(opened.reason);
  index = opened.index;
});

afterEach(() => {
  index.close();
  rmSync(folder, { recursive: true });
});

const runId = (run: number) => `01890000-0000-7000-8000-${String(run).padStart(12, '0')}`;

/** Puts a run into the index as the writer does. */
async function put(run: number, segments: readonly Segment[], workspaceId = 'w', workflowId = 'f'): Promise<void> {
  const vectors = await embedder.embed(passagesOf(segments), 'document');
  prepared.set(runId(run), vectors.map(quantise));
  index.apply({ put: [{ workspaceId, workflowId, runId: runId(run), segments }], position: String(run) });
}

const said = (text: string, field: Segment['field'] = 'input'): Segment => ({ field, path: '$.Text', text });

function search(
  query: string,
  more: Partial<SearchRequest> & { similarityThreshold?: number } = {},
): Promise<MeaningResult> {
  const common = { similarityThreshold: 0, limit: 10, contextSize: 10, maxMatchesPerRun: 3 };
  const question = async () => ({
    meaning: { embedder, vector: (await embedder.embed([query], 'query'))[0]! },
    highlighter: embedder,
  });
  return question().then((asked) => searchByMeaning(index, asked, { workspaceId: 'w', query, ...common, ...more }));
}

const found = async (...asked: Parameters<typeof search>) =>
  (await search(...asked)).hits.map((hit) => Number(hit.runId.slice(-4)));

test('the nearest in meaning come first, and a run with the very words before all others', async () => {
  await put(1, [said('My parcel arrived crushed and the vase inside is in pieces.')]);
  await put(2, [said('How do I change the language of the keyboard?')]);
  await put(3, [said('A package was damaged during delivery.')]);
  expect((await found('package damaged during delivery')).slice(0, 2)).toEqual([3, 1]);
});

test('a word that no vector knows, such as a number of an order, is found by itself', async () => {
  for (let run = 1; run <= 20; run++) await put(run, [said(`Please look after order ZK-${1000 + run} soon.`)]);
  expect((await found('ZK-1013'))[0]).toBe(13);
});

test('only sentences of the searched fields are compared and shown', async () => {
  await put(1, [said('A stork nests on the chimney.'), said('The invoice is overdue.', 'output')]);
  await put(2, [said('The invoice is overdue.'), said('A stork nests on the chimney.', 'output')]);
  expect((await found('unpaid bill', { searchIn: ['input'] }))[0]).toBe(2);
  expect((await found('unpaid bill', { searchIn: ['output'] }))[0]).toBe(1);
  const { hits } = await search('unpaid bill', { searchIn: ['output'] });
  expect(hits.flatMap(({ matches }) => matches).every(({ field }) => field === 'output')).toBe(true);
});

test('of a run, the sentences nearest to the question are shown, the best first, with the words that carried them', async () => {
  const text = 'Good morning. The coat is two sizes too big. I live at number six. It is blue.';
  await put(1, [
    { field: 'input', path: '$.message', text: 'message' },
    { ...said(text), path: '$.message' },
  ]);
  const { hits } = await search('return a garment that does not fit', { maxMatchesPerRun: 1, contextSize: 5 });
  expect(hits[0]?.matches).toEqual([
    {
      field: 'input',
      path: '$.message',
      match: 'The coat is two sizes too big.',
      context: 'ing. The coat is two sizes too big. I li',
      before: 'ing. ',
      after: ' I li',
      start: '14',
      end: '44',
      words: expect.stringContaining('coat'),
    },
  ]);
});

test('a sentence that a run repeats is shown once', async () => {
  const nodes: Segment = { field: 'other', path: '$.nodes.in.output', nodeId: 'in', text: 'The invoice is overdue.' };
  await put(1, [said('The invoice is overdue.'), nodes]);
  const { hits } = await search('unpaid bill');
  expect(hits[0]?.matches.map(({ field, match }) => [field, match])).toEqual([['input', 'The invoice is overdue.']]);
});

test('other workspaces, other workflows and what a filter keeps back are never answered', async () => {
  await put(1, [said('The invoice is overdue.')]);
  await put(2, [said('The invoice is overdue.')], 'strangers');
  await put(3, [said('The invoice is overdue.')], 'w', 'g');
  expect(new Set(await found('unpaid bill'))).toEqual(new Set([1, 3]));
  expect(await found('unpaid bill', { workflowIds: ['g'] })).toEqual([3]);
  expect(await found('unpaid bill', { workflowIds: [] })).toEqual([]);
  expect(await found('unpaid bill', { allowed: (ids) => new Set(ids.filter((id) => id === runId(1))) })).toEqual([1]);
});

test('pages follow one another without gaps and repetitions, and the count is that of all', async () => {
  for (let run = 1; run <= 30; run++) await put(run, [said(`The invoice of client ${run} is overdue by ${run} days.`)]);
  const all = await found('unpaid bill', { limit: 100 });
  expect(new Set(all).size).toBe(30);
  const pages = await Promise.all([0, 10, 20, 30].map((offset) => found('unpaid bill', { offset })));
  expect(pages.flat()).toEqual(all);
  expect(await search('unpaid bill', { limit: 1 })).toMatchObject({ total: 30, totalIsLowerBound: false });
});

test('runs below the threshold are neither answered nor counted', async () => {
  await put(1, [said('The invoice is overdue.')]);
  await put(2, [said('A stork nests on the chimney.')]);
  const { hits } = await search('overdue invoice');
  expect(hits[0]!.similarity).toBeGreaterThan(0.8);
  expect(await search('overdue invoice', { similarityThreshold: 0.8 })).toMatchObject({
    hits: [{ runId: runId(1) }],
    total: 1,
  });
  expect(await search('overdue invoice', { similarityThreshold: 1.1 })).toMatchObject({ hits: [], total: 0 });
});

test('a part of a long document is found, and shown', async () => {
  const filler = 'The quick brown fox jumps over the lazy dog. '.repeat(200);
  await put(1, [said(`${filler}The tenant must repaint the rooms before moving out. ${filler}`)]);
  await put(2, [said(filler)]);
  const { hits } = await search('renter has to paint the flat when leaving', { maxMatchesPerRun: 1 });
  expect(hits[0]?.runId).toBe(runId(1));
  expect(hits[0]?.matches[0]?.match).toBe('The tenant must repaint the rooms before moving out.');
});

test('a question that says nothing finds nothing', async () => {
  await put(1, [said('The invoice is overdue.')]);
  for (const query of ['?!', ' ', 'of the']) expect(await found(query), query).toEqual([]);
});
