import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRunStore, type RunStore } from '../../../test/support/run-store.ts';
import { BlobMissing } from '../../blobs/blobs.ts';
import { createDiskBlobs } from '../../blobs/disk/disk-blobs.ts';
import { readShare, WHOLE_SHARE } from '../../domain/search-share.ts';
import { openRunReader } from '../../store/sqlite/run-reader.ts';
import type { RunReader } from '../../store/store.ts';
import { openBuiltinEmbedder } from '../embed/builtin/builtin.ts';
import { EmbedderOnDemand } from '../embed/on-demand.ts';
import { IndexReader } from './index-reader.ts';
import { IndexWriter } from './index-writer.ts';
import { type SnapshotFacts, type SnapshotShelf, Snapshots } from './snapshots.ts';

const builtin = openBuiltinEmbedder();
const never = new AbortController().signal;

let runs: RunStore;
let reader: RunReader;
let shelf: SnapshotShelf;
let open: { close(): void }[];
let refused: string[];

beforeEach(() => {
  runs = openRunStore();
  reader = openRunReader(runs.folder);
  open = [reader];
  refused = [];
  const blobs = createDiskBlobs(join(runs.folder, 'blobs'));
  shelf = {
    put: (id, bytes) => blobs.put(id, bytes),
    remove: (id) => blobs.remove(id),
    open: (id) =>
      blobs.open(id).then(
        ({ stream }) => stream,
        (error) => (error instanceof BlobMissing ? null : Promise.reject(error)),
      ),
  };
});

afterEach(async () => {
  for (const one of open.reverse()) one.close();
  await runs.close();
});

const pathOf = (name: string) => join(runs.folder, `${name}.db`);

const snapshotsOf = (name: string, share = WHOLE_SHARE) =>
  new Snapshots({ shelf, path: pathOf(name), share, now: () => runs.system.now() });

const restore = async (name: string, share = WHOLE_SHARE): Promise<SnapshotFacts | null> =>
  snapshotsOf(name, share).restore(await runs.lastPosition(), (_, reason) => refused.push(reason));

/** Brings the index of a name up to the log, which begins where it is. @returns how many events were read */
async function index(name: string): Promise<number> {
  const before = reader.lastPosition();
  const writer = new IndexWriter({
    path: pathOf(name),
    reader,
    embedder: new EmbedderOnDemand(async () => builtin, 0),
    atOnce: true,
    readPayload: async (payload: string) => payload,
    maxCharacters: 1e6,
    onCut: () => undefined,
  });
  const from = writer.position;
  while (await writer.step());
  writer.close();
  return before - from;
}

async function found(name: string, query: string): Promise<string[]> {
  const searcher = new IndexReader({
    path: pathOf(name),
    reader,
    embedder: new EmbedderOnDemand(async () => builtin, 0),
    highlighter: builtin,
  });
  const { hits } = await searcher.search({
    workspaceId: runs.workspaceId,
    query,
    exact: true,
    similarityThreshold: 0,
    limit: 10,
    contextSize: 0,
    maxMatchesPerRun: 0,
  });
  searcher.forget();
  return hits.map(({ runId }) => runId);
}

const blobOf = (slot: 'a' | 'b') => join(runs.folder, 'blobs/search-snapshots/1-of-1', slot);

test('another machine starts from a snapshot, and reads the log from its position on only', async () => {
  const early = await runs.addRun({ Text: 'heron' });
  await index('one');
  const taken = await snapshotsOf('one').take(never);
  expect(taken).toMatchObject({ position: 1, embedder: builtin.id });

  const late = await runs.addRun({ Text: 'heron again' });
  expect(await restore('other')).toEqual(taken);
  expect(await found('other', 'heron')).toEqual([early.id]);
  expect(await index('other')).toBe(1);
  expect(await found('other', 'heron')).toEqual([late.id, early.id]);
  expect(refused).toEqual([]);
  // Nothing of the way there is left.
  expect(readdirSync(runs.folder).filter((file) => /\.(copy|fetched)/.test(file))).toEqual([]);
});

test('the last two are kept, and the furthest is started from', async () => {
  const positions: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    await runs.addRun({ Text: `heron ${n}` });
    await index('one');
    await snapshotsOf('one').take(never);
    positions.unshift((await snapshotsOf('one').usable())[0]!.position);
  }
  expect((await snapshotsOf('one').usable()).map(({ position }) => position)).toEqual(positions.slice(0, 2));
  expect((await restore('other'))?.position).toBe(3);
});

test('one that is damaged is passed over for the one before, and said', async () => {
  for (const text of ['heron', 'egret']) {
    await runs.addRun({ Text: text });
    await index('one');
    await snapshotsOf('one').take(never);
  }
  const bytes = readFileSync(blobOf('b'));
  const at = bytes.length - 100;
  bytes[at] = bytes[at]! ^ 0xff;
  writeFileSync(blobOf('b'), bytes);
  expect((await restore('other'))?.position).toBe(1);
  writeFileSync(blobOf('a'), readFileSync(blobOf('a')).subarray(0, 2000));
  expect(await restore('third')).toBeNull();
  expect(refused).toHaveLength(3);
  expect(existsSync(pathOf('third'))).toBe(false);
  // What is no snapshot at all is none.
  writeFileSync(blobOf('a'), 'x'.repeat(10_000));
  writeFileSync(blobOf('b'), 'not JSON\n');
  expect(await snapshotsOf('one').usable()).toEqual([]);
});

test('one of a log that was longer, of another share, or hardly ahead of the index that is there is of no use', async () => {
  const { folder } = runs;
  await runs.addRun({ Text: 'heron' });
  await index('one');
  await snapshotsOf('one').take(never);
  expect(await snapshotsOf('other').restore(0, () => undefined)).toBeNull();
  expect(await restore('other', readShare('1/2'))).toBeNull();
  await runs.addRun({ Text: 'egret' });
  await index('two');
  expect(await restore('two')).toBeNull();
  await snapshotsOf('one').forget();
  expect(await restore('other')).toBeNull();
  expect(readdirSync(join(folder, 'blobs/search-snapshots/1-of-1'))).toEqual([]);
});

test('one that is given up in the making leaves nothing', async () => {
  await runs.addRun({ Text: 'heron' });
  await index('one');
  await expect(snapshotsOf('one').take(AbortSignal.abort())).rejects.toThrow();
  expect(await snapshotsOf('one').usable()).toEqual([]);
  expect(readdirSync(runs.folder).filter((file) => file.includes('copy'))).toEqual([]);
});
