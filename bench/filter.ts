/*
 * How long does a page of filtered runs take? A page of 50 through the store, from asking to having the runs with their payloads; beside it, in the
 * same process, the same page by SQL that was written by hand for that one question.
 *
 *   npm run bench -- filter [--runs 1000000] [--rounds 60] [--folder <of an earlier --keep>] [--keep]
 *
 * Then, while filters without any index are at work: how late the event loop is at worst, and how long the newest page takes meanwhile.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { readFilter } from '../src/filter/filter.ts';
import { runVocabulary } from '../src/filter/run-vocabulary.ts';
import { readSort } from '../src/filter/sort.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { FindRequest, Store } from '../src/store/store.ts';
import { fillStore, idOf, NEWEST_AT, SPAN_MS, WORKSPACE } from './filter-store.ts';

/** A question in the filter language, and what a person would write for it in SQL who knows the tables. */
interface Question {
  readonly filter: string;
  readonly sort?: string;
  readonly sql: string;
}

const ago = (share: number): string => new Date(NEWEST_AT - share * SPAN_MS).toISOString();
const msAgo = (share: number): number => NEWEST_AT - share * SPAN_MS;
const NEWEST = 'order by r.created_at desc, r.id desc';

/** Each once where it finds much, and once where it finds some forty. */
const QUESTIONS: readonly Question[] = [
  { filter: '', sql: NEWEST },
  { filter: 'status_code:failed', sql: `and r.status = 'failed' ${NEWEST}` },
  { filter: 'status_code:partial_succeeded', sql: `and r.status = 'partial' ${NEWEST}` },
  { filter: 'status_code.in:(failed,canceled)', sql: `and r.status in ('failed', 'canceled') ${NEWEST}` },
  { filter: 'status_code!=succeeded', sql: `and r.status <> 'succeeded' ${NEWEST}` },
  {
    filter: `status_code:succeeded AND created_at>=${ago(0.6)} AND created_at<${ago(0.5)}`,
    sql: `and r.status = 'succeeded' and r.created_at >= ${msAgo(0.6)} and r.created_at < ${msAgo(0.5)} ${NEWEST}`,
  },
  {
    filter: `status_code:failed AND created_at>=${ago(0.6)} AND created_at<${ago(0.5996)}`,
    sql: `and r.status = 'failed' and r.created_at >= ${msAgo(0.6)} and r.created_at < ${msAgo(0.5996)} ${NEWEST}`,
  },
  { filter: `created_at<${ago(0.7)}`, sql: `and r.created_at < ${msAgo(0.7)} ${NEWEST}` },
  {
    filter: `created_at>=${ago(0.5)} AND created_at<${ago(0.49996)}`,
    sql: `and r.created_at >= ${msAgo(0.5)} and r.created_at < ${msAgo(0.49996)} ${NEWEST}`,
  },
  { filter: 'client_ref:nightly', sql: `and r.client_ref = 'nightly' ${NEWEST}` },
  { filter: "client_ref:'grid-777'", sql: `and r.client_ref = 'grid-777' ${NEWEST}` },
  {
    filter: "client_ref.startswith:'grid-77'",
    sql: `and r.client_ref >= 'grid-77' and r.client_ref < 'grid-78' ${NEWEST}`,
  },
  { filter: `batch_id:'${idOf(999)}'`, sql: `and r.batch_id = '${idOf(999)}' ${NEWEST}` },
  { filter: `batch_id:'${idOf(1100)}'`, sql: `and r.batch_id = '${idOf(1100)}' ${NEWEST}` },
  { filter: `flow_id:'${idOf(0)}'`, sql: `and r.workflow_id = '${idOf(0)}' ${NEWEST}` },
  { filter: `model_id:'${idOf(19)}'`, sql: `and r.workflow_id = '${idOf(19)}' ${NEWEST}` },
  { filter: 'model.slug:model-0', sql: `and r.workflow_id = '${idOf(10)}' ${NEWEST}` },
  { filter: "comfyui_workflow.slug:'comfyui_workflow-9'", sql: `and r.workflow_id = '${idOf(29)}' ${NEWEST}` },
  {
    filter: 'flow.slug:flow-0 AND status_code:failed',
    sql: `and r.workflow_id = '${idOf(0)}' and r.status = 'failed' ${NEWEST}`,
  },
  { filter: 'cost>=0.5', sql: `and r.cost_key >= '100005' ${NEWEST}` },
  { filter: 'cost>=1.99', sql: `and r.cost_key >= '10001199' ${NEWEST}` },
  { filter: 'cost>100', sql: `and r.cost_key > '10003100' ${NEWEST}` },
  {
    filter: 'cost>=1.99 AND source_code:playground',
    sql: `and r.cost_key >= '10001199' and r.source = 'playground' ${NEWEST}`,
  },
  { filter: 'duration_ms>100', sql: `and r.duration_ms > 100 ${NEWEST}` },
  { filter: 'duration_ms>3600000', sql: `and r.duration_ms > 3600000 ${NEWEST}` },
  { filter: 'failure_code:provider', sql: `and r.failure_code = 'provider' ${NEWEST}` },
  { filter: 'failure_code:too_large', sql: `and r.failure_code = 'too_large' ${NEWEST}` },
  { filter: 'source_code:playground', sql: `and r.source = 'playground' ${NEWEST}` },
  { filter: '', sort: 'cost:asc', sql: 'and r.cost_key is not null order by r.cost_key, r.id' },
  {
    filter: 'status_code:succeeded',
    sort: 'duration_ms:asc',
    sql: "and r.status = 'succeeded' order by r.duration_ms, r.id",
  },
  { filter: '', sort: 'status_code:asc,created_at:desc', sql: `and r.status = 'canceled' ${NEWEST}` },
];

/** Filters that nothing leads to: each looks at all runs. */
const RARE = ["metadata.order_id:'nobody'", "output.outputs[0].url:'nobody'", 'input.seed:-1'];

/** `npm run bench -- filter`; see the head of this file. */
export async function bench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '60' },
      folder: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'millrun-filter-'));
  if (!existsSync(join(folder, 'millrun.db'))) await fillStore(folder, Number(values.runs));
  const store = openSqliteStore(folder);
  const db = new DatabaseSync(join(folder, 'millrun.db'), { readOnly: true });
  try {
    await compare(store, db, Number(values.rounds));
    await besideScans(store);
  } finally {
    db.close();
    await store.close();
    if (values.keep) console.log(`Kept in ${folder}.`);
    else if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(store: Store, db: DatabaseSync, rounds: number): Promise<void> {
  console.log('| filter, order | found | p50 ms | p99 ms | by hand: p50 ms | p99 ms | ratio |');
  console.log('|---|---|---|---|---|---|---|');
  for (const { filter, sort = '', sql } of QUESTIONS) {
    const request = requestOf(filter, sort);
    const byHand = db.prepare(
      `select r.*, p.input, p.output from runs r join run_payloads p on p.workspace_id = r.workspace_id and p.run_id = r.id
       where r.workspace_id = ? ${sql} limit 51`,
    );
    let found = 0;
    const ours = await times(rounds, async () => {
      found = (await store.find('runs', request)).items.length;
    });
    // What takes long by hand is not worth waiting for as often.
    const floor = await times(rounds, () => Promise.resolve(byHand.all(WORKSPACE)), 5000);
    const cells = [ours.p50, ours.p99, floor.p50, floor.p99].map((ms) => ms.toFixed(2));
    const name = `\`${[filter, sort && `sort ${sort}`].filter(Boolean).join(', ') || '(all)'}\``;
    console.log(`| ${name} | ${found} | ${cells.join(' | ')} | ${(ours.p50 / floor.p50).toFixed(2)} |`);
  }
}

/** What others feel while filters without an index look at every run. */
async function besideScans(store: Store): Promise<void> {
  const alone = await times(200, () => store.find('runs', requestOf('status_code:failed')));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  let isOver = false;
  const scans = Promise.all(RARE.map((filter) => store.find('runs', requestOf(filter)))).finally(() => {
    isOver = true;
  });
  const beside: number[] = [];
  while (!isOver) {
    const start = performance.now();
    await store.find('runs', requestOf('status_code:failed'));
    beside.push(performance.now() - start);
  }
  await scans;
  const seconds = (performance.now() - began) / 1000;
  delay.disable();
  const { p50, p99 } = quantiles(beside);
  console.log('');
  console.log(`${RARE.length} filters without an index, side by side: ${seconds.toFixed(1)} s.`);
  console.log(
    `A page of failed runs: ${alone.p50.toFixed(2)} / ${alone.p99.toFixed(2)} ms alone, ${p50.toFixed(2)} / ${p99.toFixed(2)} ms beside them.`,
  );
  console.log(
    `The event loop was late by ${(delay.percentile(99) / 1e6).toFixed(1)} ms (p99), ${(delay.max / 1e6).toFixed(1)} ms at worst.`,
  );
}

function requestOf(text: string, sort = ''): FindRequest {
  const { filter, diagnostics } = readFilter(text, runVocabulary, { now: NEWEST_AT });
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new Error(`${text}: ${diagnostics[0]?.message}`);
  const { keys } = readSort(sort, runVocabulary);
  return { workspaceId: WORKSPACE, filter, sort: keys, limit: 50, from: null, backward: false };
}

interface Quantiles {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Measures something again and again, until `atMostMs` are spent. */
async function times(
  rounds: number,
  measure: () => Promise<unknown>,
  atMostMs = Number.POSITIVE_INFINITY,
): Promise<Quantiles> {
  const end = performance.now() + atMostMs;
  for (let round = 0; round < 3 && performance.now() < end; round += 1) await measure();
  const measured: number[] = [];
  while (measured.length === 0 || (measured.length < rounds && performance.now() < end)) {
    const start = performance.now();
    await measure();
    measured.push(performance.now() - start);
  }
  return quantiles(measured);
}

function quantiles(times: number[]): Quantiles {
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
