import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRunStore, type RunStore } from '../../../test/support/run-store.ts';
import { readFilter } from '../../filter/filter.ts';
import { noxusVocabulary } from '../../filter/noxus-vocabulary.ts';
import { openRunReader } from '../../store/sqlite/run-reader.ts';
import type { RunReader } from '../../store/store.ts';
import { openBuiltinEmbedder } from '../embed/builtin/builtin.ts';
import { EmbedderOnDemand } from '../embed/on-demand.ts';
import type { RunSearchRequest, SearchResult } from '../search.ts';
import { DamagedIndexError } from './index-file.ts';
import { IndexReader } from './index-reader.ts';
import { IndexWriter } from './index-writer.ts';

const embedder = openBuiltinEmbedder();
const onDemand = new EmbedderOnDemand(async () => embedder, 0);
let runs: RunStore;
let reader: RunReader;
let path: string;
let searching: IndexReader;
let open: { close(): void }[];

beforeEach(() => {
  runs = openRunStore();
  reader = openRunReader(runs.folder);
  path = join(runs.folder, 'search.db');
  searching = new IndexReader({ path, reader, embedder: onDemand, highlighter: embedder });
  open = [reader];
});

afterEach(async () => {
  searching.forget();
  for (const one of open.reverse()) one.close();
  await runs.close();
});

function writerOf(): IndexWriter {
  const readPayload = async (payload: string) => payload;
  const parts = { path, reader, embedder: onDemand, atOnce: true, readPayload, maxCharacters: 1e6 };
  const writer = new IndexWriter({ ...parts, onCut: () => undefined });
  open.push(writer);
  return writer;
}

async function indexed(writer: IndexWriter): Promise<void> {
  while (await writer.step());
}

function search(query: string, more: Partial<RunSearchRequest> = {}): Promise<SearchResult> {
  const common = { exact: true, similarityThreshold: 0, limit: 100, contextSize: 10, maxMatchesPerRun: 3 };
  return searching.search({ workspaceId: runs.workspaceId, query, ...common, ...more });
}

const idsOf = ({ hits }: SearchResult) => hits.map(({ runId }) => runId);

test('before there is an index nothing is found, no file is begun, and the answer does not pretend to be complete', async () => {
  expect(await search('heron')).toEqual({ hits: [], total: 0, totalIsLowerBound: true, position: null });
  const writer = writerOf();
  expect(writer.fresh).toBe(true);
  const { id } = await runs.addRun({ Text: 'heron' });
  await indexed(writer);
  expect(idsOf(await search('heron'))).toEqual([id]);
});

test('what a writer adds is found at once, and so is what it begins anew', async () => {
  const writer = writerOf();
  const one = await runs.addRun({ Text: 'heron' });
  await indexed(writer);
  expect(idsOf(await search('heron'))).toEqual([one.id]);
  const two = await runs.addRun({ Text: 'heron' });
  await indexed(writer);
  expect(idsOf(await search('heron'))).toEqual([two.id, one.id]);
  writer.restart();
  expect(idsOf(await search('heron'))).toEqual([]);
  await indexed(writer);
  expect(idsOf(await search('heron'))).toEqual([two.id, one.id]);
});

test.each([
  ['removed', () => rmSync(path)],
  ['cut short', () => truncateSync(path, 5000)],
])('a file that is %s under the reader is damage, told at the next search', async (_, damage) => {
  const writer = writerOf();
  await runs.addRun({ Text: 'heron' });
  await indexed(writer);
  await search('heron');
  // Closing moves everything from the write-ahead log to the file.
  writer.close();
  await search('heron');
  damage();
  await expect(search('heron')).rejects.toThrow(DamagedIndexError);
});

test('a file that is no index is damage, told when it is opened, and left alone', async () => {
  writeFileSync(path, 'no index at all, and never was one; '.repeat(10));
  await expect(search('heron')).rejects.toThrow(DamagedIndexError);
});

test('a filter is asked for both kinds of search, and counts', async () => {
  const writer = writerOf();
  const good = await runs.addRun({ Text: 'a heron by the lake' });
  const bad = await runs.addRun({ Text: 'a heron by the lake' }, { status: 'failed' });
  await indexed(writer);
  const { filter } = readFilter('status:failed', noxusVocabulary, { now: 0, strict: true });
  if (!filter) throw new Error('The filter has a mistake.');
  for (const exact of [true, false]) {
    expect(new Set(idsOf(await search('heron', { exact })))).toEqual(new Set([good.id, bad.id]));
    const filtered = await search('heron', { exact, filter });
    expect(idsOf(filtered)).toEqual([bad.id]);
    expect(filtered.total).toBe(1);
  }
});
