import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SearchDocument } from '../document.ts';
import type { SearchRequest } from '../search.ts';
import type { Meaning } from './documents.ts';
import { DamagedIndexError } from './index-file.ts';
import { SearchIndex } from './search-index.ts';

let folder: string;
let path: string;
let opened: SearchIndex[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-search-'));
  path = join(folder, 'search.db');
  opened = [];
});

afterEach(() => {
  for (const index of opened) index.close();
  rmSync(folder, { recursive: true });
});

function open(state: 'created' | 'ready' = 'created'): SearchIndex {
  const found = SearchIndex.open(path);
  if (!('index' in found)) throw new Error(`${found.state}: ${found.reason}`);
  opened.push(found.index);
  expect(found.state).toBe(state);
  return found.index;
}

function runId(run: number): string {
  return `01890000-0000-7000-8000-${String(run).padStart(12, '0')}`;
}

function document(run: number, output: string, workspaceId = 'w', workflowId = 'f'): SearchDocument {
  return { workspaceId, workflowId, runId: runId(run), segments: [{ field: 'output', path: '$.text', text: output }] };
}

function request(query: string, more: Partial<SearchRequest> = {}): SearchRequest {
  return { workspaceId: 'w', query, limit: 10, contextSize: 10, maxMatchesPerRun: 3, ...more };
}

function found(index: SearchIndex, query: string, more: Partial<SearchRequest> = {}): string[] {
  return index.search(request(query, more)).hits.map((hit) => hit.runId);
}

test('a match says where it is, with its surroundings as they were written', () => {
  const index = open();
  index.apply({ put: [document(1, 'Die längste Straße 👩‍🚀 der Welt')], position: '7' });
  expect(index.search(request('STRASSE', { contextSize: 4 }))).toEqual({
    hits: [
      {
        runId: runId(1),
        similarity: 1,
        matches: [
          {
            field: 'output',
            path: '$.text',
            match: 'Straße',
            context: 'ste Straße 👩‍🚀',
            before: 'ste ',
            after: ' 👩‍🚀',
            start: '12',
            end: '18',
          },
        ],
      },
    ],
    total: 1,
    totalIsLowerBound: false,
    position: '7',
  });
});

test('a replaced run is found by what it says now, a removed one not at all', () => {
  const index = open();
  index.apply({ put: [document(1, 'first words'), document(2, 'other words')] });
  index.apply({ put: [document(1, 'second thoughts')] });
  expect(found(index, 'first words')).toEqual([]);
  expect(found(index, 'second')).toEqual([runId(1)]);
  index.apply({
    remove: [
      { workspaceId: 'w', runId: runId(2) },
      { workspaceId: 'v', runId: runId(1) },
    ],
  });
  expect(found(index, 'words')).toEqual([]);
  expect(found(index, 'thoughts')).toEqual([runId(1)]);
  expect(index.stats().documents).toBe(1);
  index.check();
});

test('the newest run comes first, in whatever order runs were indexed', () => {
  const index = open();
  for (const run of [5, 1, 9, 3, 8, 2, 7]) index.apply({ put: [document(run, 'same needle')] });
  const newestFirst = [9, 8, 7, 5, 3, 2, 1].map(runId);
  expect(found(index, 'needle')).toEqual(newestFirst);
  expect(found(index, 'needle', { limit: 2 })).toEqual(newestFirst.slice(0, 2));
  expect(found(index, 'needle', { limit: 2, offset: 3 })).toEqual(newestFirst.slice(3, 5));
  expect(found(index, 'needle', { limit: 2, before: runId(8) })).toEqual(newestFirst.slice(2, 4));
  index.close();
  const again = open('ready');
  again.apply({ remove: [{ workspaceId: 'w', runId: runId(9) }], put: [document(6, 'same needle')] });
  expect(found(again, 'needle', { limit: 4 })).toEqual([8, 7, 6, 5].map(runId));
});

test('a run of another workspace or workflow is never found', () => {
  const index = open();
  index.apply({ put: [document(1, 'needle'), document(2, 'needle', 'v'), document(3, 'needle', 'w', 'g')] });
  for (const query of ['needle', 'ne', 'n']) {
    expect(found(index, query)).toEqual([runId(3), runId(1)]);
    expect(found(index, query, { workspaceId: 'v' })).toEqual([runId(2)]);
    expect(found(index, query, { workspaceId: 'nobody' })).toEqual([]);
    expect(found(index, query, { workflowIds: ['f'] })).toEqual([runId(1)]);
    expect(found(index, query, { workflowIds: [] })).toEqual([]);
  }
});

test('a filter is asked for candidates only, and the total counts what it lets through', () => {
  const index = open();
  index.apply({ put: Array.from({ length: 500 }, (_, run) => document(run, run % 5 === 0 ? 'needle' : 'straw')) });
  const asked: string[] = [];
  const allowed = (runIds: readonly string[]) => {
    asked.push(...runIds);
    return new Set(runIds.filter((run) => run.endsWith('0')));
  };
  const result = index.search(request('needle', { allowed, limit: 2 }));
  expect(result.hits.map((hit) => hit.runId)).toEqual([runId(490), runId(480)]);
  expect(result).toMatchObject({ total: 50, totalIsLowerBound: false });
  expect(asked.every((run) => Number(run.slice(-12)) % 5 === 0)).toBe(true);
});

test('a total beyond what is counted is a lower bound, and stays right while runs come and go', () => {
  const index = open();
  index.apply({ put: Array.from({ length: 300 }, (_, run) => document(run, 'needle')) });
  const count = () => {
    const { total, totalIsLowerBound } = index.search(request('needle', { limit: 1, countUpTo: 20 }));
    return [total, totalIsLowerBound];
  };
  expect(count()).toEqual([20, true]);
  expect(count()).toEqual([20, true]);
  const remove = (from: number, to: number) =>
    index.apply({
      remove: Array.from({ length: to - from }, (_, run) => ({ workspaceId: 'w', runId: runId(from + run) })),
    });
  remove(0, 279);
  expect(count()).toEqual([20, true]);
  remove(279, 280);
  expect(count()).toEqual([20, false]);
  index.apply({ put: [document(999, 'needle')] });
  expect(count()).toEqual([20, true]);
});

test('a total that is just what is counted up to is exact', () => {
  const index = open();
  index.apply({ put: [document(1, 'needle')] });
  expect(index.search(request('needle', { limit: 1, countUpTo: 1 }))).toMatchObject({
    total: 1,
    totalIsLowerBound: false,
  });
});

test('a total is exact after every change, whatever was counted before', () => {
  const index = open();
  const total = () => {
    const { total, totalIsLowerBound } = index.search(request('needle', { limit: 2 }));
    expect(totalIsLowerBound).toBe(false);
    return total;
  };
  index.apply({ put: Array.from({ length: 20 }, (_, run) => document(run, 'a needle')) });
  expect(total()).toBe(20);
  index.apply({ put: [document(30, 'a needle'), document(31, 'a thimble')] });
  expect(total()).toBe(21);
  index.apply({ put: [document(25, 'a needle that came late')] });
  expect(total()).toBe(22);
  index.apply({
    put: [document(31, 'a needle now'), document(3, 'none now')],
    remove: [{ workspaceId: 'w', runId: runId(4) }],
  });
  expect(total()).toBe(21);
  index.apply({ remove: [{ workspaceId: 'w', runId: runId(31) }], put: [document(32, 'a needle')] });
  expect(total()).toBe(21);
});

test('a count that runs out of time is a lower bound, and is gone on with by the next searches', () => {
  const index = open();
  const count = () => index.search(request('needle', { countForMs: 0 }));
  // All have the grams of the needle.
  const text = (run: number) => (run % 20 === 0 ? 'needle' : 'nee eed edl dle');
  const put = (from: number, to: number) => {
    const runs = Array.from({ length: to - from }, (_, place) => document(from + place, text(from + place)));
    index.apply({ put: runs });
  };
  put(0, 9000);
  expect(count()).toMatchObject({ total: 450, totalIsLowerBound: false });
  for (let from = 10_000; from < 30_000; from += 1000) put(from, from + 1000);
  const totals: number[] = [];
  for (let exact = false; !exact; ) {
    const { hits, total, totalIsLowerBound } = count();
    expect(hits).toHaveLength(10);
    totals.push(total);
    exact = !totalIsLowerBound;
  }
  expect(totals.length).toBeGreaterThan(1);
  expect(totals).toEqual(totals.toSorted((a, b) => a - b));
  expect(totals.at(-1)).toBe(1450);
});

test('of many runs a sample tells that there are more than 10,000, and no longer once they are gone', () => {
  const index = open();
  for (let from = 0; from < 24_000; from += 1000) {
    index.apply({ put: Array.from({ length: 1000 }, (_, run) => document(from + run, 'heron')) });
  }
  const ask = () => {
    const { total, totalIsLowerBound } = index.search(request('heron', { maxMatchesPerRun: 0 }));
    return { total, totalIsLowerBound };
  };
  for (let asked = 0; asked < 20; asked++) expect(ask()).toEqual({ total: 10_000, totalIsLowerBound: true });
  const some = Array.from({ length: 14_000 }, (_, run) => ({ workspaceId: 'w', runId: runId(run) }));
  index.apply({ remove: some });
  expect(ask()).toEqual({ total: 10_000, totalIsLowerBound: false });
  index.apply({ put: [document(30_000, 'heron')] });
  expect(ask()).toEqual({ total: 10_000, totalIsLowerBound: true });
});

test('a run is found by the beginning of its id, not by what else is in it', () => {
  const index = open();
  index.apply({ put: [document(12, 'x'), document(345, 'mentions 01890000-0000')] });
  expect(found(index, '01890000-0000-7000-8000-000000000012')).toEqual([runId(12)]);
  expect(found(index, '01890000')).toEqual([runId(345), runId(12)]);
  expect(found(index, '000000345')).toEqual([]);
  expect(found(index, '01890000', { searchIn: ['output'] })).toEqual([runId(345)]);
  expect(index.search(request('01890000', { searchIn: ['run_id'], limit: 1 })).hits[0]?.matches).toMatchObject([
    { field: 'run_id', path: '$', match: '01890000', start: '0', end: '8' },
  ]);
});

test('text of any length is found to its last character, and so are needles', () => {
  const index = open();
  const long = `${'lorem ipsum '.repeat(200_000)}the very end`;
  index.apply({ put: [document(1, long), document(2, 'lorem')] });
  expect(found(index, 'the very end')).toEqual([runId(1)]);
  expect(found(index, long.slice(-100_000))).toEqual([runId(1)]);
  expect(found(index, `${long.slice(-100_000)}s`)).toEqual([]);
});

test('an empty query is refused, saying what to give', () => {
  expect(() => open().search(request(''))).toThrow('The search query is empty; give at least one character.');
});

test('documents and position are kept together, or neither', () => {
  const index = open();
  index.apply({ put: [document(1, 'kept')], position: '1' });
  const broken = { ...document(2, 'lost'), runId: Symbol('no id') as unknown as string };
  expect(() => index.apply({ put: [document(2, 'lost'), broken], position: '2' })).toThrow();
  expect(index.position).toBe('1');
  expect(found(index, 'lost')).toEqual([]);
  index.apply({ put: [document(3, 'later')], position: '3' });
  expect(found(index, 'e', { searchIn: ['output'] })).toEqual([runId(3), runId(1)]);
  index.check();
});

test('another connection sees a change as soon as it is applied', () => {
  const writer = open();
  const reader = open('ready');
  expect(found(reader, 'news')).toEqual([]);
  writer.apply({ put: [document(1, 'news')] });
  expect(found(reader, 'news')).toEqual([runId(1)]);
  expect(reader.search(request('news', { limit: 0 })).total).toBe(1);
  writer.apply({ put: [document(2, 'news')] });
  expect(reader.search(request('news', { limit: 1 })).total).toBe(2);
});

test('a deleted or empty file begins a new index', () => {
  open().apply({ put: [document(1, 'x')], position: '1' });
  opened.pop()?.close();
  truncateSync(path);
  expect(open().position).toBeNull();
  opened.pop()?.close();
  SearchIndex.remove(path);
  expect(open().position).toBeNull();
});

test('a file that was cut short is reported, wherever it was cut', () => {
  const index = open();
  for (let batch = 0; batch < 10; batch++) {
    index.apply({
      put: Array.from({ length: 100 }, (_, run) => document(batch * 100 + run, `some text ${run}`.repeat(100))),
    });
  }
  index.close();
  const { size } = statSync(path);
  for (const left of [size - 1, size - 16_384, Math.floor(size / 2), 16_384, 5000, 50]) {
    truncateSync(path, left);
    expect(SearchIndex.open(path)).toMatchObject({ state: 'damaged' });
  }
});

test('what is no index or of another format is reported, and not touched', () => {
  writeFileSync(path, 'This was never a database. '.repeat(100));
  expect(SearchIndex.open(path)).toMatchObject({ state: 'damaged' });
  SearchIndex.remove(path);
  open().close();
  const db = new DatabaseSync(path);
  db.exec(`UPDATE fact SET value = '0' WHERE name = 'format'`);
  db.close();
  expect(SearchIndex.open(path)).toEqual({
    state: 'outdated',
    reason: 'The index has format 0; this version reads format 3/none.',
  });
});

test('a file that is cut short while it is open answers with an error of its own kind, not with less', () => {
  const index = open();
  for (let batch = 0; batch < 10; batch++) {
    index.apply({
      put: Array.from({ length: 100 }, (_, run) => document(batch * 100 + run, `some text ${run} `.repeat(200))),
    });
  }
  index.close();
  const again = open('ready');
  truncateSync(path, 5 * 16_384);
  expect(() => again.check()).toThrow(DamagedIndexError);
  expect(() => again.search(request('some text 7 ', { limit: 500 }))).toThrow(DamagedIndexError);
});

const INDEXER = `
  import { SearchIndex } from ${JSON.stringify(new URL('./search-index.ts', import.meta.url).href)};
  const { index } = SearchIndex.open(process.argv[1]);
  for (let batch = Number(index.position ?? 0); ; batch++) {
    const put = Array.from({ length: 50 }, (_, run) => ({
      workspaceId: 'w', workflowId: 'f', runId: 'run-' + String(batch * 50 + run).padStart(9, '0'),
      segments: [{ field: 'output', path: '$', text: ('batch ' + batch + '! ').repeat(200) }],
    }));
    index.apply({ put, position: String(batch + 1) });
    process.stdout.write('.');
  }`;

test('an indexer that is killed goes on where it was, with nothing lost and nothing twice', {
  timeout: 60_000,
}, async () => {
  for (let kill = 0; kill < 4; kill++) {
    const indexer = spawn(process.execPath, ['--input-type=module', '-e', INDEXER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for (let batches = 0; batches < 15 + 10 * kill; ) {
      const [dots] = await once(indexer.stdout, 'data');
      batches += String(dots).length;
    }
    indexer.kill('SIGKILL');
    await once(indexer, 'exit');
    const index = open('ready');
    const batches = Number(index.position);
    index.check();
    expect(index.stats().documents).toBe(batches * 50);
    for (const batch of [0, batches - 1]) expect(index.search(request(`batch ${batch}!`)).total).toBe(50);
    expect(index.search(request(`batch ${batches}!`)).total).toBe(0);
    index.close();
  }
});

/** Words as terms, and for each segment one vector that depends on its first letter. */
const meaning: Meaning = {
  version: 'words',
  terms: (text) => text.toLowerCase().split(/\W+/),
  vectors: (segments) => segments.map(({ text }) => vectorOf(text.charCodeAt(0))),
};

function vectorOf(letter: number): Int8Array {
  return Int8Array.from({ length: 256 }, (_, place) => ((letter * (place + 7) * 2_654_435) % 255) - 127);
}

test('runs that have more telling terms come first, among equals the newest', () => {
  const found = SearchIndex.open(path, meaning);
  if (found.state !== 'created') throw new Error(found.state);
  const { index } = found;
  opened.push(index);
  const put = ['rare common', 'common', 'common words', 'rare', 'rare common again', 'rare'].map((text, run) =>
    document(run, text),
  );
  index.apply({ put: [...put, document(8, 'rare common', 'v'), document(9, 'rare common', 'w', 'g')] });
  index.apply({ put: [document(5, 'changed')], remove: [{ workspaceId: 'w', runId: runId(4) }] });
  const best = index.byTerms({ workspaceId: 'w', workflowIds: ['f'] }, ['rare', 'common', 'absent'], 10);
  expect(runsOf(index, best)).toEqual([0, 3, 2, 1].map(runId));
  expect(best[0]?.score).toBeLessThan(1);
  const first = index.byTerms({ workspaceId: 'w' }, ['rare', 'common'], 1);
  expect([runsOf(index, first), first[0]?.score]).toEqual([[runId(9)], 1]);
  const onlyThird = { workspaceId: 'w', allowed: () => new Set([runId(3)]) };
  expect(runsOf(index, index.byTerms(onlyThird, ['rare'], 10))).toEqual([runId(3)]);
});

/** The runs of what was found, in its order. */
function runsOf(index: SearchIndex, found: readonly { readonly document: number }[]): string[] {
  const runs = index.runsOf(found.map(({ document }) => document));
  return found.map(({ document }) => runs.get(document) ?? 'gone');
}

test('passages near to a vector are found within the runs that may be answered', () => {
  const found = SearchIndex.open(path, meaning);
  if (found.state !== 'created') throw new Error(found.state);
  const { index } = found;
  opened.push(index);
  index.apply({
    put: [document(1, 'apple'), document(2, 'berry'), document(3, 'apple', 'v'), document(4, 'apple', 'w', 'g')],
  });
  const near = (more = {}) => index.byVector({ workspaceId: 'w', ...more }, vectorOf('a'.charCodeAt(0)), 10);
  expect(near()).toHaveLength(3);
  const ofG = near({ workflowIds: ['g'] });
  expect([runsOf(index, ofG), ofG[0]?.similarity]).toEqual([[runId(4)], 1]);
  index.apply({ remove: [{ workspaceId: 'w', runId: runId(4) }] });
  expect([runsOf(index, near())[0], near()[0]?.similarity]).toEqual([runId(1), 1]);
});

test('an index with other terms or passages is outdated', () => {
  open().close();
  expect(SearchIndex.open(path, meaning)).toMatchObject({ state: 'outdated' });
});

describe('vectors that come after the text', () => {
  const passage = (letter: string) => [vectorOf(letter.charCodeAt(0))];
  const later: Meaning = { ...meaning, vectors: () => undefined };
  const openLater = () => {
    const found = SearchIndex.open(path, later);
    if (!('index' in found)) throw new Error(found.state);
    opened.push(found.index);
    return found.index;
  };
  const near = (index: SearchIndex) => index.byVector({ workspaceId: 'w' }, vectorOf('a'.charCodeAt(0)), 10);

  test('are waited for by the newest runs first, while text and words are found already', () => {
    const index = openLater();
    index.apply({ put: [document(1, 'apple'), document(2, 'apple')] });
    expect(index.search(request('apple')).total).toBe(2);
    expect(index.byTerms({ workspaceId: 'w' }, ['apple'], 10)).toHaveLength(2);
    expect(near(index)).toEqual([]);
    const waiting = index.waiting(10);
    expect(waiting.map((document) => document.runId)).toEqual([runId(2), runId(1)]);
    index.putVectors(new Map([[waiting[0]!.id, passage('a')]]));
    expect(runsOf(index, near(index))).toEqual([runId(2)]);
    expect(index.stats().waiting).toBe(1);
  });

  test('are dropped when the run says something else by then, or is gone', () => {
    const index = openLater();
    index.apply({ put: [document(1, 'apple'), document(2, 'apple')] });
    const vectors = new Map(index.waiting(10).map(({ id }) => [id, passage('a')]));
    index.apply({ put: [document(1, 'berry')], remove: [{ workspaceId: 'w', runId: runId(2) }] });
    index.putVectors(vectors);
    expect(near(index)).toEqual([]);
    expect(index.waiting(10).map((document) => document.runId)).toEqual([runId(1)]);
  });

  test('of another embedder are removed at once, and all runs wait for new ones', () => {
    const index = openLater();
    index.useEmbedder('one');
    index.apply({ put: [document(1, 'apple'), document(2, 'apple')] });
    index.putVectors(new Map(index.waiting(10).map(({ id }) => [id, passage('a')])));
    index.useEmbedder('one');
    expect(near(index)).toHaveLength(2);
    index.useEmbedder('two');
    expect(near(index)).toEqual([]);
    const [found] = index.byTerms({ workspaceId: 'w' }, ['apple'], 1);
    expect(index.similarities([found!.document], vectorOf('a'.charCodeAt(0)))).toEqual(new Map());
    expect(index.stats()).toMatchObject({ documents: 2, waiting: 2 });
    expect(index.search(request('apple')).total).toBe(2);
    index.check();
  });
});
