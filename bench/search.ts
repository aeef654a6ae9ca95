/*
 * How fast is search, and how large its index? Runs of 2 KB, mixed from the paragraphs of README files, with planted needles of
 * known frequency; beside them, in the same process and file system, SQLite's LIKE over the same texts and FTS5's own trigram
 * table.
 *
 *   node bench/search.ts --runs 100000 [--seconds 5] [--bare 100000] [--meaning]
 *
 * `--meaning` indexes words and one random vector of 256 dimensions for each run, too, and searches by them.
 * `--bare` limits the runs that LIKE and bare FTS5 get, as building that table takes longer than everything else.
 */
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import type { SearchDocument } from '../src/search/document.ts';
import type { Meaning } from '../src/search/sqlite/documents.ts';
import { SearchIndex } from '../src/search/sqlite/search-index.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    bare: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '3' },
    meaning: { type: 'boolean', default: false },
  },
});
const RUNS = Number(values.runs);
const BARE_RUNS = Math.min(RUNS, Number(values.bare));
const SECONDS = Number(values.seconds);
const BATCH = 1000;
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

function planted(run: number): string {
  let text = '';
  for (const frequency of FREQUENCIES) {
    // One run in `every` has one of the needles of its class.
    for (let number = 0; number < NEEDLES; number++) {
      const every = Math.max(1, Math.floor(RUNS / frequency));
      // Of the most frequent, 20 needles of 100,000 runs each would leave no text; 3 have to do.
      if (frequency === 100_000 && number >= 3) break;
      if (run % every === mixed(frequency + number, every) && Math.floor(run / every) < frequency)
        text += `${needle(frequency, number)}. `;
    }
  }
  return text;
}

function document(run: number): SearchDocument {
  let text = planted(run);
  for (let part = 0; text.length < TEXT; part++)
    text += `${paragraphs[mixed(run * 131 + part, paragraphs.length)]}\n\n`;
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

/** Words as they are, and vectors that mean nothing: what the index does with them takes as long. */
const MEANING: Meaning = {
  version: 'bench',
  terms: (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [],
  passages: (segments) => {
    const text = segments[0]?.text ?? '';
    return [{ segment: 0, start: 0, end: text.length, vector: randomVector(text.length * 7919 + text.charCodeAt(9)) }];
  },
};

function randomVector(seed: number): Int8Array {
  return Int8Array.from({ length: 256 }, (_, place) => mixed(seed * 256 + place, 255) - 127);
}

function byMeaning(index: SearchIndex): void {
  const request = { workspaceId: 'workspace' };
  const questions = [
    'invoice report',
    'how to configure the weather station',
    'returns a promise that rejects',
    'library license',
    'typescript decorators',
  ];
  console.log(
    `\nby terms, 100 runs: ${showTiming(measure(questions, (query) => index.byTerms(request, MEANING.terms(query), 100), SECONDS))}`,
  );
  const vectors = Array.from({ length: 20 }, (_, seed) => randomVector(seed));
  const search = (number: string) => index.byVector(request, vectors[Number(number)] ?? randomVector(1), 100);
  console.log(`reading the signs: ${show(timed(() => search('0')))} ms`);
  console.log(
    `by vector, 100 passages: ${showTiming(
      measure(
        vectors.map((_, number) => String(number)),
        search,
        SECONDS,
      ),
    )}`,
  );
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

const folder = mkdtempSync(join(tmpdir(), 'millrun-bench-'));
try {
  const path = join(folder, 'search.db');
  const index = build(path);
  const bare = buildBare(join(folder, 'bare.db'));
  compare(index, bare);
  shortNeedles(index);
  if (values.meaning) byMeaning(index);
  index.close();
  bare.close();
} finally {
  rmSync(folder, { recursive: true });
}

function build(path: string): SearchIndex {
  const opened = SearchIndex.open(path, values.meaning ? MEANING : undefined);
  if (opened.state !== 'created') throw new Error(`The folder is not empty: ${opened.state}.`);
  const { index } = opened;
  let bytes = 0;
  let making = 0;
  let makingCpu = 0;
  const before = process.cpuUsage();
  const all = timed(() => {
    for (let from = 0; from < RUNS; from += BATCH) {
      const put: SearchDocument[] = [];
      const start = process.cpuUsage();
      making += timed(() => {
        for (let run = from; run < Math.min(RUNS, from + BATCH); run++) put.push(document(run));
      });
      const { user, system } = process.cpuUsage(start);
      makingCpu += user + system;
      for (const { segments } of put) for (const { text } of segments) bytes += Buffer.byteLength(text);
      index.apply({ put, position: String(from) });
    }
  });
  const cpu = process.cpuUsage(before);
  index.close();
  const size = statSync(path).size;
  console.log(`${RUNS} runs, ${show(bytes / RUNS)} bytes of text each`);
  const perCpu = RUNS / ((cpu.user + cpu.system - makingCpu) / 1e6);
  console.log(
    `indexing: ${Math.round(RUNS / ((all - making) / 1000))} runs/s, ${Math.round(perCpu)} for each second of CPU time`,
  );
  console.log(`index: ${(size / bytes).toFixed(2)} times the text`);
  const again = SearchIndex.open(path, values.meaning ? MEANING : undefined);
  if (again.state !== 'ready') throw new Error(again.state);
  return again.index;
}

function buildBare(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
    CREATE TABLE run (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE VIRTUAL TABLE bare USING fts5(text, content='run', content_rowid='id', tokenize='trigram')`);
  const putText = db.prepare('INSERT INTO run VALUES (?, ?)');
  const putGrams = db.prepare('INSERT INTO bare (rowid, text) VALUES (?, ?)');
  let bytes = 0;
  const all = timed(() => {
    for (let from = 0; from < BARE_RUNS; from += BATCH) {
      db.exec('BEGIN');
      for (let run = from; run < Math.min(BARE_RUNS, from + BATCH); run++) {
        const text = document(RUNS - BARE_RUNS + run)
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
    `bare FTS5 over ${BARE_RUNS} runs: ${Math.round(BARE_RUNS / (all / 1000))} runs/s, ${(statSync(path).size / bytes).toFixed(2)} times the text`,
  );
  return db;
}

/** Milliseconds, p50 / p99, of finding the newest 10 with snippets. */
function compare(index: SearchIndex, bare: DatabaseSync): void {
  const page = { workspaceId: 'workspace', limit: 10, contextSize: 60, maxMatchesPerRun: 3 };
  const like = bare.prepare(`SELECT id, text FROM run WHERE text LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT 10`);
  const fts = bare.prepare('SELECT rowid, text FROM bare WHERE bare MATCH ? ORDER BY rowid DESC LIMIT 10');
  const classes = [
    ...FREQUENCIES.filter((frequency) => frequency <= RUNS).map((frequency) => ({
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
    '\nruns with it | first time, counted | first time, page only | again, counted | LIKE | bare FTS5 | LIKE : page',
  );
  for (const { name, needles } of classes) {
    const first = measure(needles, (query) => index.search({ ...page, query }), 0);
    const again = measure(needles, (query) => index.search({ ...page, query }), SECONDS);
    const pageOnly = measure(needles, (query) => index.search({ ...page, query, countUpTo: 0 }), SECONDS);
    const byLike = measure(needles.slice(0, 1), (query) => like.all(`%${query}%`), 1);
    const byFts = measure(needles, (query) => fts.all(`"${query}"`), 1);
    const ratio = byLike.p50 / pageOnly.p50;
    console.log(
      [name, first, pageOnly, again, byLike, byFts, `${show(ratio)} x`]
        .map((cell) => (typeof cell === 'string' ? cell : showTiming(cell)))
        .join(' | '),
    );
  }
}

function shortNeedles(index: SearchIndex): void {
  const page = { workspaceId: 'workspace', limit: 10, contextSize: 60, maxMatchesPerRun: 3 };
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
