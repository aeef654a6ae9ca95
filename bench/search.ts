/*
 * How fast is search, and how large its index? Runs of 2 KB, mixed from the paragraphs of README files, with planted needles of
 * known frequency; beside them, in the same process and file system, SQLite's LIKE over the same texts and FTS5's own trigram
 * table.
 *
 *   npm run bench -- search [--runs 100000] [--seconds 3] [--bare 100000] [--folder x] [--meaning] [--loop]
 *
 * `--meaning` indexes words and vectors of the built-in embedder, too, and searches by them.
 * `--bare` limits the runs that LIKE and bare FTS5 get, as building that table takes longer than everything else.
 * `--folder` keeps what was built there, and uses it the next time.
 * `--loop` measures instead how long the whole product's event loop is held up while it answers searches.
 */
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../src/config/read.ts';
import { openPlatform } from '../src/platform.ts';
import type { SearchDocument } from '../src/search/document.ts';
import { openBuiltinEmbedder } from '../src/search/embed/builtin/builtin.ts';
import { cached } from '../src/search/embed/cached.ts';
import { quantise } from '../src/search/embed/vector.ts';
import { passagesOf, termsOf } from '../src/search/meaning.ts';
import { COUNT_LIMIT } from '../src/search/search.ts';
import { searchByMeaning } from '../src/search/sqlite/by-meaning.ts';
import type { Meaning } from '../src/search/sqlite/documents.ts';
import { COUNT_FOR_MS } from '../src/search/sqlite/index-reader.ts';
import { SearchIndex } from '../src/search/sqlite/search-index.ts';
import { openLog } from '../src/system/log.ts';
import { BENCH_KEY } from './server.ts';

interface Options {
  readonly runs: number;
  readonly bareRuns: number;
  readonly seconds: number;
  readonly meaning: boolean;
}

/** `npm run bench -- search`; see the head of this file. */
export async function bench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string' },
      bare: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '3' },
      folder: { type: 'string' },
      meaning: { type: 'boolean', default: false },
      loop: { type: 'boolean', default: false },
    },
  });
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'millrun-bench-'));
  mkdirSync(folder, { recursive: true });
  try {
    if (values.loop) {
      await holdUp(folder, Number(values.runs ?? 3000));
      return;
    }
    const runs = Number(values.runs ?? 100_000);
    const { meaning } = values;
    const options = { runs, bareRuns: Math.min(runs, Number(values.bare)), seconds: Number(values.seconds), meaning };
    const index = await build(join(folder, 'search.db'), options);
    const bare = buildBare(join(folder, 'bare.db'), options);
    readThrough(join(folder, 'search.db'));
    compare(index, bare, options);
    shortNeedles(index);
    if (meaning) await byMeaning(index, options);
    index.close();
    bare.close();
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true });
  }
}

/** As many runs as the product puts at once when it catches up. */
const BATCH = 512;
const TEXT = 2000;

/** Each class has this many different needles, so that first searches can be told from repeated ones. */
const NEEDLES = 20;
const FREQUENCIES = [1, 10, 1000, 100_000];

const paragraphs = globSync('node_modules/**/*.md')
  .sort()
  .flatMap((path) => readFileSync(path, 'utf8').split(/\n\s*\n/))
  .filter((paragraph) => paragraph.length > 40 && paragraph.length < 1500);

/** A number below `below` that depends on nothing but its arguments, so that any run can be made again. */
function mixed(seed: number, below: number): number {
  let hash = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % below;
}

/** Needles made of common words: their grams are everywhere, as those of what people look for. */
const WORDS = 'invoice customer please summary translate report weather answer because station morning library'.split(
  ' ',
);

function needle(frequency: number, number: number): string {
  const word = (place: number) => WORDS[mixed(frequency * 1000 + number * 10 + place, WORDS.length)] ?? '';
  return `${word(1)} ${word(2)} ${frequency}-${number} ${word(3)}`;
}

function planted(run: number, runs: number): string {
  let text = '';
  for (const frequency of FREQUENCIES) {
    // One run in `every` has one of the needles of its class.
    for (let number = 0; number < NEEDLES; number++) {
      const every = Math.max(1, Math.floor(runs / frequency));
      // Of the most frequent, 20 needles of 100,000 runs each would leave no text; 3 have to do.
      if (frequency === 100_000 && number >= 3) break;
      if (run % every === mixed(frequency + number, every) && Math.floor(run / every) < frequency)
        text += `${needle(frequency, number)}. `;
    }
  }
  return text;
}

function document(run: number, runs: number): SearchDocument {
  let text = planted(run, runs);
  for (let part = 0; text.length < TEXT; part++)
    text += `${paragraphs[mixed(run * 131 + part, paragraphs.length)]}\n\n`;
  // As texts come from the store: in one piece.
  text = Buffer.from(text).toString();
  const cut = Math.floor(text.length / 3);
  return {
    workspaceId: 'workspace',
    workflowId: `workflow-${run % 50}`,
    runId: `${(1_700_000_000_000 + run)
      .toString(16)
      .padStart(12, '0')
      .replace(/(.{8})/, '$1-')}-7000-8000-${run.toString(16).padStart(12, '0')}`,
    segments: [
      { field: 'input', path: '$.prompt', text: text.slice(0, cut) },
      { field: 'output', path: '$.answer', text: text.slice(cut) },
    ],
  };
}

const embedder = openBuiltinEmbedder();
const vectors = new Map<string, readonly Int8Array[]>();

/** As the product indexes: the vectors of a batch are prepared before it is put. */
const MEANING: Meaning = { version: 'bench', terms: termsOf, vectors: (_, { runId }) => vectors.get(runId) };

async function embed(documents: readonly SearchDocument[]): Promise<void> {
  vectors.clear();
  for (const { runId, segments } of documents) {
    vectors.set(runId, (await embedder.embed(passagesOf(segments), 'document')).map(quantise));
  }
}

const QUESTIONS = [
  'invoice report',
  'how to configure the weather station',
  'returns a promise that rejects',
  'library license',
  'typescript decorators',
  'customer wants the money back',
  'memory leak in the event emitter',
  'colors in the terminal',
  'read a directory recursively',
  'validate what a user typed',
];

/** Milliseconds of searches by meaning, and of their two halves within the index. */
async function byMeaning(index: SearchIndex, { seconds }: Options): Promise<void> {
  const request = { workspaceId: 'workspace', similarityThreshold: 0, limit: 10, contextSize: 30, maxMatchesPerRun: 5 };
  const asked = await embedder.embed(QUESTIONS, 'query');
  const vectorOf = new Map(QUESTIONS.map((query, place) => [query, asked[place]!]));
  const highlighter = cached(embedder);
  const whole: number[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    for (const query of QUESTIONS) {
      const meaning = { embedder, vector: vectorOf.get(query)! };
      const start = performance.now();
      await searchByMeaning(index, { meaning, highlighter }, { ...request, query });
      whole.push(performance.now() - start);
    }
  }
  const terms = measure(QUESTIONS, (query) => index.byTerms(request, termsOf(query), 200), seconds);
  const near = measure(QUESTIONS, (query) => index.byVector(request, quantise(vectorOf.get(query)!), 200), seconds);
  console.log(`\nby meaning, ten runs with their sentences: ${showTiming(timing(whole))}`);
  console.log(`of it by terms, 200 runs: ${showTiming(terms)}; by vector, 200 runs: ${showTiming(near)}`);
}

interface Timing {
  readonly p50: number;
  readonly p99: number;
}

/** Milliseconds of each of some calls. */
function timing(times: readonly number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Goes through the needles again and again, for a bounded time. */
function measure(needles: readonly string[], search: (needle: string) => void, seconds: number): Timing {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  do for (const text of needles) times.push(timed(() => search(text)));
  while (performance.now() < end);
  return timing(times);
}

const show = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const showTiming = ({ p50, p99 }: Timing) => `${show(p50)} / ${show(p99)}`;

async function build(path: string, { runs, meaning }: Options): Promise<SearchIndex> {
  const opened = SearchIndex.open(path, meaning ? MEANING : undefined);
  if (opened.state === 'ready') return opened.index;
  if (opened.state !== 'created') throw new Error(`The folder is not empty: ${opened.state}.`);
  const { index } = opened;
  let bytes = 0;
  let making = 0;
  let makingCpu = 0;
  const before = process.cpuUsage();
  const began = performance.now();
  for (let from = 0; from < runs; from += BATCH) {
    const put: SearchDocument[] = [];
    const start = process.cpuUsage();
    making += timed(() => {
      for (let run = from; run < Math.min(runs, from + BATCH); run++) put.push(document(run, runs));
      for (const { segments } of put) for (const { text } of segments) bytes += Buffer.byteLength(text);
    });
    const { user, system } = process.cpuUsage(start);
    makingCpu += user + system;
    if (meaning) await embed(put);
    index.apply({ put, position: String(from) });
  }
  const all = performance.now() - began;
  const cpu = process.cpuUsage(before);
  index.close();
  const size = statSync(path).size;
  console.log(`${runs} runs, ${show(bytes / runs)} bytes of text each`);
  const perCpu = runs / ((cpu.user + cpu.system - makingCpu) / 1e6);
  console.log(
    `indexing: ${Math.round(runs / ((all - making) / 1000))} runs/s, ${Math.round(perCpu)} for each second of CPU time`,
  );
  console.log(`index: ${(size / bytes).toFixed(2)} times the text`);
  const again = SearchIndex.open(path, meaning ? MEANING : undefined);
  if (again.state !== 'ready') throw new Error(again.state);
  return again.index;
}

/** So that the operating system has the file in memory, as it has one that is in use: here searching is measured, not the disk. */
function readThrough(path: string): void {
  const file = openSync(path, 'r');
  const bytes = Buffer.allocUnsafe(1 << 20);
  while (readSync(file, bytes) > 0);
  closeSync(file);
}

function buildBare(path: string, { runs, bareRuns }: Options): DatabaseSync {
  const known = existsSync(path);
  const db = new DatabaseSync(path);
  if (known) return db;
  db.exec(`PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
    CREATE TABLE run (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE VIRTUAL TABLE bare USING fts5(text, content='run', content_rowid='id', tokenize='trigram')`);
  const putText = db.prepare('INSERT INTO run VALUES (?, ?)');
  const putGrams = db.prepare('INSERT INTO bare (rowid, text) VALUES (?, ?)');
  let bytes = 0;
  const all = timed(() => {
    for (let from = 0; from < bareRuns; from += BATCH) {
      db.exec('BEGIN');
      for (let run = from; run < Math.min(bareRuns, from + BATCH); run++) {
        const text = document(runs - bareRuns + run, runs)
          .segments.map((segment) => segment.text)
          .join('\n');
        bytes += Buffer.byteLength(text);
        putText.run(run, text);
        putGrams.run(run, text);
      }
      db.exec('COMMIT');
    }
  });
  db.exec(`INSERT INTO bare (bare) VALUES ('optimize'); PRAGMA wal_checkpoint(TRUNCATE)`);
  console.log(
    `bare FTS5 over ${bareRuns} runs: ${Math.round(bareRuns / (all / 1000))} runs/s, ${(statSync(path).size / bytes).toFixed(2)} times the text`,
  );
  return db;
}

/** Milliseconds, p50 / p99, of finding the newest 10 with snippets. */
function compare(index: SearchIndex, bare: DatabaseSync, { runs, seconds }: Options): void {
  const page = {
    workspaceId: 'workspace',
    limit: 10,
    contextSize: 60,
    maxMatchesPerRun: 3,
    countForMs: COUNT_FOR_MS,
  };
  const like = bare.prepare(`SELECT id, text FROM run WHERE text LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT 10`);
  const fts = bare.prepare('SELECT rowid, text FROM bare WHERE bare MATCH ? ORDER BY rowid DESC LIMIT 10');
  const classes = [
    ...FREQUENCIES.filter((frequency) => frequency <= runs).map((frequency) => ({
      name: `${frequency}`,
      needles: Array.from({ length: frequency === 100_000 ? 3 : NEEDLES }, (_, number) => needle(frequency, number)),
    })),
    { name: 'none, rare letters', needles: Array.from({ length: NEEDLES }, (_, number) => `zq${number}xw vj`) },
    { name: 'none, common words', needles: Array.from({ length: NEEDLES }, (_, number) => needle(7, number)) },
    {
      name: 'common words',
      needles: ['the default', 'you can use', 'returns a', 'this is a', 'if you want to', 'installation'],
    },
  ];
  console.log(
    '\nruns with it | first time, counted | totals known | first time, page only | again, counted | LIKE | bare FTS5 | LIKE : page',
  );
  for (const { name, needles } of classes) {
    let known = 0;
    const search = (query: string) => index.search({ ...page, query });
    const first = measure(
      needles,
      (query) => {
        const { total, totalIsLowerBound } = search(query);
        if (total === COUNT_LIMIT || !totalIsLowerBound) known++;
      },
      0,
    );
    const again = measure(needles, search, seconds);
    const pageOnly = measure(needles, (query) => index.search({ ...page, query, countUpTo: 0 }), seconds);
    const byLike = measure(needles.slice(0, 1), (query) => like.all(`%${query}%`), 1);
    const byFts = measure(needles, (query) => fts.all(`"${query}"`), 1);
    const ratio = byLike.p50 / pageOnly.p50;
    console.log(
      [name, first, `${known} of ${needles.length}`, pageOnly, again, byLike, byFts, `${show(ratio)} x`]
        .map((cell) => (typeof cell === 'string' ? cell : showTiming(cell)))
        .join(' | '),
    );
  }
}

function shortNeedles(index: SearchIndex): void {
  const page = {
    workspaceId: 'workspace',
    limit: 10,
    contextSize: 60,
    maxMatchesPerRun: 3,
    countForMs: COUNT_FOR_MS,
  };
  console.log('\none or two characters | first time, counted | total');
  for (const query of ['e', 'é', '☃', '東', 'th', 'qz', 'Zx', '%%', '9-', '東京']) {
    let total = '';
    const time = timed(() => {
      const result = index.search({ ...page, query });
      total = `${result.totalIsLowerBound ? 'more than ' : ''}${result.total}`;
    });
    console.log(`${query} | ${show(time)} | ${total}`);
  }
}

const SEARCHES = 50;

/** How late the event loop of the whole product was in the worst case while it did something, in milliseconds. */
async function latenessWhile(work: () => Promise<void>): Promise<{ worst: number; p99: number }> {
  const lateness = monitorEventLoopDelay({ resolution: 1 });
  lateness.enable();
  await work();
  lateness.disable();
  return { worst: lateness.max / 1e6, p99: lateness.percentile(99) / 1e6 };
}

/** Common needles, for which most work is done, and questions, in turn. */
const ASKED = [
  'e',
  'the',
  'you can use',
  'invoice',
  'installation',
  'license',
  'configuration file',
  'returns a promise',
];

/** Measures how late the event loop gets by searches, beside what it does without them and while it answers a small list of runs. */
async function holdUp(folder: string, runs: number): Promise<void> {
  const env = { MILLRUN_DATA: folder, MILLRUN_API_KEY: BENCH_KEY };
  const platform = await openPlatform(readConfig({}, env).config, 'bench', openLog('silent'));
  const call = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const answer = await platform.server.inject({
      method,
      url,
      headers: { 'x-api-key': BENCH_KEY },
      ...(payload ? { payload } : {}),
    });
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${answer.body}`);
    return answer.json() as { id: string; total: number };
  };
  const definition = {
    nodes: [
      { id: 'in', type: 'InputNode', node_config: { label: 'Text' } },
      { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
    ],
    edges: [{ id: 'e', from_id: 'in::output', to_id: 'out::input' }],
  };
  const workflow = await call('POST', '/v1/workflows', { name: 'Echo', definition });
  for (let from = 0; from < runs; from += 50) {
    const some = Array.from({ length: Math.min(50, runs - from) }, (_, place) => {
      const Text = document(from + place, runs)
        .segments.map(({ text }) => text)
        .join(' ');
      return call('POST', `/v1/workflows/${workflow.id}/runs/sync`, { input: { Text } });
    });
    await Promise.all(some);
  }
  const searches = async (exact: boolean, more: object = {}) => {
    for (let number = 0; number < SEARCHES; number++) {
      const query = ASKED[number % ASKED.length] ?? '';
      await call('POST', '/v1/runs/search', { query, exact, ...more });
    }
  };
  // Everything is indexed, loaded and compiled.
  for (let indexed = 0; indexed < runs; await sleep(100))
    indexed = (await call('POST', '/v1/runs/search', { query: 'Result', limit: 1 })).total;
  await searches(false);
  console.log(`milliseconds that the event loop was late at worst / p99, ${runs} runs, ${SEARCHES} searches`);
  const rows = {
    'doing nothing': () => sleep(1000),
    'exact searches': () => searches(true),
    'searches by meaning': () => searches(false),
    'searches by meaning in outputs alone': () => searches(false, { search_in: ['output'] }),
    'lists of 10 runs': async () => {
      for (let number = 0; number < SEARCHES; number++) await call('GET', '/v1/runs?size=10');
    },
  };
  for (const [name, work] of Object.entries(rows)) {
    const start = performance.now();
    const { worst, p99 } = await latenessWhile(work);
    console.log(`${name} | ${show(worst)} / ${show(p99)} | ${show((performance.now() - start) / SEARCHES)} ms each`);
  }
  await platform.stop(0);
}
