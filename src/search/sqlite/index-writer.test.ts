import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRunStore, type RunStore } from '../../../test/support/run-store.ts';
import { partitionOf, type SearchShare } from '../../domain/search-share.ts';
import { openRunReader } from '../../store/sqlite/run-reader.ts';
import type { RunReader } from '../../store/store.ts';
import type { CutRun } from '../document.ts';
import { openBuiltinEmbedder } from '../embed/builtin/builtin.ts';
import { type Embedder, EmbeddingError } from '../embed/embedder.ts';
import { EmbedderOnDemand } from '../embed/on-demand.ts';
import type { RunSearchRequest } from '../search.ts';
import { IndexReader } from './index-reader.ts';
import { IndexWriter } from './index-writer.ts';

const builtin = openBuiltinEmbedder();
let runs: RunStore;
let reader: RunReader;
let path: string;
let cut: CutRun[];
let open: { close(): void }[];

beforeEach(() => {
  runs = openRunStore();
  reader = openRunReader(runs.folder);
  path = join(runs.folder, 'search.db');
  cut = [];
  open = [reader];
});

afterEach(async () => {
  for (const one of open.reverse()) one.close();
  await runs.close();
});

const onDemand = (embedder: Embedder) => new EmbedderOnDemand(async () => embedder, 0);

function writerOf(embedder: Embedder = builtin, maxCharacters = 1e6, atOnce = true): IndexWriter {
  const onCut = (run: CutRun) => void cut.push(run);
  const readPayload = async (payload: string) => payload;
  const writer = new IndexWriter({
    path,
    reader,
    embedder: onDemand(embedder),
    atOnce,
    readPayload,
    maxCharacters,
    onCut,
  });
  open.push(writer);
  return writer;
}

const refused = (runId: string) => {
  throw new Error(`The text of ${runId} was refused.`);
};

async function catchUp(writer: IndexWriter): Promise<void> {
  while (await writer.step());
}

async function found(query: string, more: Partial<RunSearchRequest> = {}, embedder = builtin): Promise<string[]> {
  const searching = new IndexReader({ path, reader, embedder: onDemand(embedder), highlighter: builtin });
  const { hits } = await searching.search({
    workspaceId: runs.workspaceId,
    query,
    exact: true,
    similarityThreshold: 0,
    limit: 100,
    contextSize: 10,
    maxMatchesPerRun: 3,
    ...more,
  });
  searching.forget();
  return hits.map(({ runId }) => runId);
}

/** The built-in embedder under a name of its own, which tells what it was asked and may be held up. */
function toldEmbedder(id = builtin.id) {
  const texts: string[] = [];
  let hold: Promise<void> | undefined;
  let letGo = () => {};
  const embedder: Embedder = {
    ...builtin,
    id,
    async embed(asked, purpose) {
      texts.push(...asked);
      await hold;
      return builtin.embed(asked, purpose);
    },
  };
  return {
    embedder,
    texts,
    hold: () => {
      hold = new Promise((resolve) => {
        letGo = resolve;
      });
    },
    letGo: () => letGo(),
  };
}

test('the index follows the log: new runs, changed runs, deleted runs', async () => {
  const writer = writerOf();
  expect(writer.fresh).toBe(true);
  const one = await runs.addRun({ Text: 'a heron by the lake' });
  const two = await runs.addRun({ Text: 'a kestrel in the air' });
  await catchUp(writer);
  expect(writer.position).toBe(await runs.lastPosition());
  expect(await found('heron')).toEqual([one.id]);
  expect(await found('bird of prey', { exact: false })).toContain(two.id);

  await runs.changeRun(one, { output: '{"Result":"a marmot"}' });
  await runs.deleteRun(two);
  await catchUp(writer);
  expect(await found('marmot')).toEqual([one.id]);
  expect(await found('kestrel')).toEqual([]);
  expect(await found('bird of prey', { exact: false })).not.toContain(two.id);
  expect(writer.documents).toBe(1);
});

test('more events than are taken in at once are taken in step by step, each run as it is by now', async () => {
  const writer = writerOf();
  let run = await runs.addRun({ Text: 'heron' });
  for (let change = 0; change < 600; change++)
    run = await runs.changeRun(run, { output: `{"Result":"change ${change}."}` });
  expect(await writer.step()).toBe(true);
  expect(await found('change 599.')).toEqual([run.id]);
  expect(await writer.step()).toBe(false);
  expect(writer.documents).toBe(1);
});

test('an index goes on where it was when it is opened again', async () => {
  const first = writerOf();
  const one = await runs.addRun({ Text: 'heron' });
  await catchUp(first);
  first.close();
  const two = await runs.addRun({ Text: 'heron' });
  const second = writerOf();
  expect(second.fresh).toBe(false);
  await catchUp(second);
  expect(await found('heron')).toEqual([two.id, one.id]);
});

test('beginning anew in the middle of a step loses nothing and leaves nothing of the old index', async () => {
  const told = toldEmbedder();
  const writer = writerOf(told.embedder);
  const { id } = await runs.addRun({ Text: 'heron' });
  told.hold();
  const step = writer.step();
  writer.restart();
  told.letGo();
  expect(await step).toBe(true);
  expect(writer.position).toBe(0);
  expect(writer.fresh).toBe(true);
  await catchUp(writer);
  expect(await found('heron')).toEqual([id]);
  expect(await found('heron', { exact: false })).toEqual([id]);
});

test('vectors of another embedder are replaced, while the text stays searchable', async () => {
  const { id } = await runs.addRun({ Text: 'heron' });
  const old = writerOf();
  await catchUp(old);
  old.close();
  const other = toldEmbedder('another/256').embedder;
  // Nobody compares the old vectors with the new embedder meanwhile: words have to do.
  expect(await found('bird', { exact: false })).toEqual([id]);
  expect(await found('bird', { exact: false }, other)).toEqual([]);
  const writer = writerOf(other);
  expect(writer).toMatchObject({ fresh: false, documents: 1 });
  expect(await writer.embedWaiting(refused)).toBe(true);
  expect(await writer.embedWaiting(refused)).toBe(false);
  expect(await found('heron', {}, other)).toEqual([id]);
  expect(await found('bird', { exact: false }, other)).toEqual([id]);
  expect(await found('bird', { exact: false })).toEqual([]);
});

test('a text that comes again is embedded once', async () => {
  const told = toldEmbedder();
  const writer = writerOf(told.embedder);
  for (let run = 0; run < 3; run++) await runs.addRun({ Text: 'the same as ever' });
  await catchUp(writer);
  await runs.addRun({ Text: 'the same as ever' });
  await runs.addRun({ Text: 'something else' });
  await catchUp(writer);
  expect(told.texts).toEqual(['the same as ever', 'something else']);
});

test.each([true, false])(
  'text is found while an embedder fails, and meaning afterwards (vectors at once: %j)',
  async (atOnce) => {
    let isDown = true;
    const embedder: Embedder = {
      ...builtin,
      embed: async (texts, purpose) => {
        if (isDown) throw new EmbeddingError('no answer', { temporary: true });
        return builtin.embed(texts, purpose);
      },
    };
    const writer = writerOf(embedder, 1e6, atOnce);
    const { id } = await runs.addRun({ Text: 'heron' });
    await catchUp(writer);
    expect(await found('heron')).toEqual([id]);
    expect(await found('heron', { exact: false }, embedder)).toEqual([id]);
    expect(await found('bird', { exact: false })).toEqual([]);
    await expect(writer.embedWaiting(refused)).rejects.toThrow('no answer');
    expect(writer.waiting).toBe(1);
    isDown = false;
    expect(await writer.embedWaiting(refused)).toBe(true);
    expect(writer.waiting).toBe(0);
    expect(await found('bird', { exact: false })).toEqual([id]);
  },
);

test('a run that says more than is indexed is named once, when it has ended, and not again when it carries the warning', async () => {
  const writer = writerOf(builtin, 1000);
  const running = await runs.addRun({ Text: 'x'.repeat(2000) }, { status: 'running', output: null });
  await runs.addRun({ Text: 'short' });
  await catchUp(writer);
  expect(cut).toEqual([]);
  const ended = await runs.changeRun(running, { status: 'succeeded' });
  await catchUp(writer);
  expect(cut).toMatchObject([
    { workspaceId: runs.workspaceId, runId: ended.id, warning: expect.stringContaining('1000') },
  ]);
  const about = { id: runs.system.newId(), runId: ended.id, nodeId: null, iteration: 0, at: 1 } as const;
  const log = { ...about, level: 'warning', message: cut[0]!.warning, meta: { search: 'cut' } } as const;
  await runs.store.commit([{ kind: 'appendLog', workspaceId: runs.workspaceId, log }]);
  await runs.changeRun(ended, { progress: 100 });
  await catchUp(writer);
  expect(cut).toHaveLength(1);
});

test('an index holds the runs of its share of the workspaces, and that of another share is begun anew', async () => {
  await runs.addRun({ Text: 'heron' });
  const own = partitionOf(runs.workspaceId, 2);
  const writerFor = (share: SearchShare) => {
    const writer = new IndexWriter({
      path,
      reader,
      embedder: onDemand(builtin),
      atOnce: true,
      readPayload: async (payload: string) => payload,
      maxCharacters: 1e6,
      onCut: () => undefined,
      share,
    });
    open.push(writer);
    return writer;
  };
  for (const [partition, documents] of [
    [own, 1],
    [3 - own, 0],
  ] as const) {
    const writer = writerFor({ first: partition, last: partition, of: 2 });
    expect(writer.fresh).toBe(true);
    await catchUp(writer);
    expect([writer.documents, writer.position]).toEqual([documents, reader.lastPosition()]);
    writer.close();
  }
  expect(writerFor({ first: 1, last: 2, of: 2 }).fresh).toBe(true);
});
