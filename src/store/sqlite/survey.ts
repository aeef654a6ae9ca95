import Big from 'big.js';
import type { RunStatus } from '../../domain/run.ts';
import {
  bucketSpan,
  type EvaluationSurvey,
  quantile,
  type RunSurvey,
  type SeenValues,
  type SurveyBucket,
  type SurveyFacet,
  type WorkflowSurvey,
} from '../../domain/run-survey.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { filterToSql, Parameters, type SqlColumns, type SqlValue } from '../sql/filter-to-sql.ts';
import type { ListSource } from '../sql/keyset.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import type { EvaluationSurveyRequest, FoundRun, SeenRequest, SurveyRequest, WorkflowSurveyRequest } from '../store.ts';
import { certaintySql, columnsOf, inSet, smallestSet } from './access.ts';
import { type Certainty, certaintiesOf } from './certainty.ts';
import type { Connection } from './connection.ts';
import { runs } from './lists.ts';

/** How much work is done in which way. Tests make both small, to go all ways with little data. */
export interface SurveyLimits {
  /** Rows that an index leads to and that are looked at in whatever order they lie. */
  readonly few: number;
  /** Rows of one statement. */
  readonly stretch: number;
}

/** Counting so many entries takes 2 ms, reading a stretch 4. */
const LIMITS: SurveyLimits = { few: 20_000, stretch: 4096 };

/** Values of a facet that are given; what is rarer is counted with the rest. */
const FACET_VALUES = 1000;

/** Current evaluations whose runs are looked at for the facet of verdicts: 1 µs each. */
const VERDICTS_READ = 50_000;

/** Facets that a run tells by itself; the verdict comes from the evaluations. */
const TALLIED = [
  'status',
  'workflowId',
  'source',
  'targetType',
  'targetVersion',
  'failureCode',
] as const satisfies Exclude<SurveyFacet, 'verdict'>[];

/** Parts the values of the facets of one run, in one text: read and counted together they take a third of the time. No value has it. */
const PART = '\u001f';
/** Stands for a facet without a value. */
const NONE = '\u001e';

/**
 * Looks at the runs that a filter finds, newest first, until all are seen or the time is up: what is counted then is said of those that were seen.
 * A step takes some milliseconds, so that a page of a list need not wait.
 *
 * Runs of one transaction of the log may be seen in either state, as between two pages of a list.
 */
export function* surveyRuns(
  on: Connection,
  request: SurveyRequest,
  limits: SurveyLimits = LIMITS,
): Generator<undefined, RunSurvey> {
  const source = runs({ payloads: false });
  const filter = bounded(request);
  const tally = new Tally();
  let spent = 0;
  let isPartial = false;
  for (const read of stretches(on, source, request.workspaceId, filter, limits)) {
    const began = performance.now();
    read(tally);
    spent += performance.now() - began;
    if (spent > request.budgetMs) {
      isPartial = true;
      break;
    }
    yield;
  }
  yield;
  return tally.survey(request, isPartial, verdicts(on, source, request.workspaceId, filter, tally.size));
}

/** The filter with the bounds of time as part of it. */
function bounded({ filter, from, to }: SurveyRequest): CheckedFilter | null {
  const target = { column: 'createdAt', kind: 'datetime', path: [] } as const;
  const terms: CheckedFilter[] = filter === null ? [] : [filter];
  if (from !== null) terms.push({ kind: 'order', target, order: 'gte', value: from });
  if (to !== null) terms.push({ kind: 'order', target, order: 'lt', value: to });
  const [only] = terms;
  return terms.length > 1 ? { kind: 'and', terms } : (only ?? null);
}

/**
 * The ways to the runs, stretch by stretch: through the index that leads to few of them, else newest first through the one that lies so. Whatever
 * is chosen, the filter looks at every row.
 */
function* stretches(
  on: Connection,
  source: ListSource<FoundRun>,
  workspaceId: string,
  filter: CheckedFilter | null,
  limits: SurveyLimits,
): Generator<(tally: Tally) => void> {
  const certain = certaintiesOf(on, source, workspaceId, filter);
  const sets = source.indexes.flatMap((index) => {
    const certainty = certain.get(index.columns[0] ?? '');
    return certainty === undefined ? [] : [{ index, certainty }];
  });
  const few = smallestSet(on, source, workspaceId, sets, () => limits.few);
  if (few !== null) {
    const { values, bind } = new Parameters();
    yield reading(on, source, workspaceId, filter, few.index.name, inSet(source, few, bind), values);
    return;
  }
  const times = certain.get('createdAt') ?? {};
  const fixed = sets.find(({ index, certainty }) => index.columns[1] === 'createdAt' && certainty.values?.length === 1);
  // Ids grow with time: without bounds of time the table itself lies in that order, and a row need not be looked up.
  const isWhole = fixed === undefined && times.low === undefined && times.high === undefined;
  const along = isWhole ? ['id'] : ['createdAt', 'id'];
  const name = fixed?.index.name ?? (isWhole ? 'sqlite_autoindex_runs_1' : 'runs_by_creation');
  const columns = along.map((column) => source.columns[column]).join(', ');
  let start: readonly SqlValue[] | null = null;
  for (;;) {
    const lane = (bind: Parameters['bind'], end: readonly SqlValue[] | null): string => {
      const low: Certainty = times.low ? { low: times.low } : {};
      const high: Certainty = times.high ? { high: times.high } : {};
      const conditions = [
        ...(fixed ? [`${source.columns[fixed.index.columns[0]!]} = ${bind(fixed.certainty.values![0]!)}`] : []),
        // One limit a side: given two, SQLite may seek by the wider one.
        ...(start ? [`(${columns}) < (${start.map(bind).join(', ')})`] : isWhole ? [] : bound(high, bind)),
        ...(end ? [`(${columns}) >= (${end.map(bind).join(', ')})`] : isWhole ? [] : bound(low, bind)),
      ];
      return conditions.length === 0 ? 'true' : conditions.join(' and ');
    };
    const end = endOf(on, source, workspaceId, name, along, limits.stretch, lane);
    const { values, bind } = new Parameters();
    yield reading(on, source, workspaceId, filter, name, lane(bind, end), values);
    if (end === null) return;
    start = end;
  }
}

const bound = (certainty: Certainty, bind: Parameters['bind']): string[] =>
  certainty.low || certainty.high ? [certaintySql('r.created_at', certainty, bind)] : [];

/** Where the next stretch ends; null when it is the last one. */
function endOf(
  on: Connection,
  source: ListSource<FoundRun>,
  workspaceId: string,
  index: string,
  along: readonly string[],
  rows: number,
  lane: (bind: Parameters['bind'], end: null) => string,
): readonly SqlValue[] | null {
  const { values, bind } = new Parameters();
  const columns = along.map((column) => source.columns[column]);
  const condition = lane(bind, null);
  const sql = `select ${columns.join(', ')} from ${source.table} indexed by ${index}
    where ${source.workspace} = ${bind(workspaceId)} and ${condition}
    order by ${columns.map((column) => `${column} desc`).join(', ')} limit 1 offset ${rows - 1}`;
  const row = on.recent(sql).get(...values);
  return row === undefined ? null : (Object.values(row) as SqlValue[]);
}

/** Reads one stretch. `values` are those that the condition has bound already. */
function reading(
  on: Connection,
  source: ListSource<FoundRun>,
  workspaceId: string,
  filter: CheckedFilter | null,
  index: string,
  condition: string,
  values: SqlValue[],
): (tally: Tally) => void {
  const bind = (value: SqlValue) => `?${values.push(value)}`;
  const facets = TALLIED.map((facet) => `coalesce(${source.columns[facet]}, '${NONE}')`).join(`||'${PART}'||`);
  const sql = `select r.created_at, r.duration_ms, r.cost, ${facets}
    from ${source.table} indexed by ${index} ${joinsOf(source, filter)}
    where ${source.workspace} = ${bind(workspaceId)} and ${condition}${matching(source, filter, bind)}`;
  return (tally) => {
    const statement = on.recent(sql);
    statement.setReturnArrays(true);
    for (const row of statement.all(...values) as unknown as ReadRow[]) tally.add(row);
  };
}

function joinsOf(source: ListSource<FoundRun>, filter: CheckedFilter | null): string {
  const used = columnsOf(filter);
  return source.joins
    .filter(({ columns }) => used.some((column) => columns.has(column)))
    .map(({ sql }) => sql)
    .join(' ');
}

/** A plus before every column: which index is used is decided here, and not by SQLite's planner. */
function matching(source: ListSource<FoundRun>, filter: CheckedFilter | null, bind: Parameters['bind']): string {
  if (filter === null) return '';
  const columns: SqlColumns = Object.fromEntries(
    Object.entries(source.columns).map(([column, sql]) => [column, `+${sql}`]),
  );
  return ` and ${filterToSql(filter, columns, sqliteFilter, bind)}`;
}

/** Counts by verdict, out of the newest evaluations that are current: there are fewer of them than runs. */
function verdicts(
  on: Connection,
  source: ListSource<FoundRun>,
  workspaceId: string,
  filter: CheckedFilter | null,
  runsSeen: number,
): [string | null, number][] {
  const { values, bind } = new Parameters();
  const sql = `select case e.passed when 1 then 'passed' else 'failed' end as verdict, count(*) as n
    from (select run_id, passed from evaluations indexed by evaluations_by_verdict where workspace_id = ${bind(workspaceId)}
        and passed in (0, 1) and run_id is not null and status = 'completed' and superseded_at is null limit ${VERDICTS_READ}) e
      cross join ${source.table} ${joinsOf(source, filter)}
    where ${source.workspace} = ${bind(workspaceId)} and r.id = e.run_id${matching(source, filter, bind)} group by 1`;
  const found = on.recent(sql).all(...values);
  const counts = found.map((row): [string, number] => [row['verdict'] as string, Number(row['n'])]);
  const without = runsSeen - counts.reduce((sum, [, n]) => sum + n, 0);
  return without > 0 ? [...counts, [null, without]] : counts;
}

/** What is read of a run: its time, its duration, its cost and its facets. */
type ReadRow = readonly [at: number, durationMs: number | null, cost: string | null, facets: string];

/** Runs that have all facets in common. */
interface Alike {
  readonly values: readonly string[];
  runs: number;
}

/** What the runs of one span of time come to. */
interface Bucket {
  runs: number;
  readonly byStatus: Map<string, number>;
  readonly durations: number[];
  readonly cost: Money;
}

/** What was seen of runs so far. */
class Tally {
  readonly #alike = new Map<string, Alike>();
  readonly #runs: {
    readonly at: number;
    readonly durationMs: number | null;
    readonly cost: string | null;
    readonly alike: Alike;
  }[] = [];

  get size(): number {
    return this.#runs.length;
  }

  add([at, durationMs, cost, facets]: ReadRow): void {
    let alike = this.#alike.get(facets);
    if (alike === undefined) {
      alike = { values: facets.split(PART), runs: 0 };
      this.#alike.set(facets, alike);
    }
    alike.runs += 1;
    this.#runs.push({ at, durationMs, cost, alike });
  }

  survey(request: SurveyRequest, isPartial: boolean, verdict: [string | null, number][]): RunSurvey {
    let oldest = Number.POSITIVE_INFINITY;
    let newest = 0;
    for (const { at } of this.#runs) {
      if (at < oldest) oldest = at;
      if (at > newest) newest = at;
    }
    const { now, buckets: wanted } = request;
    const last = request.to ?? Math.max(newest + 1, now);
    const first = request.from ?? (this.size === 0 ? last - 1 : oldest);
    const bucketMs = bucketSpan(Math.max(1, last - first), wanted);
    const from = Math.floor(first / bucketMs) * bucketMs;
    const facets = Object.fromEntries(TALLIED.map((facet, index) => [facet, this.#facet(index)]));
    return {
      scanned: { runs: this.size, isPartial, oldest: isPartial && this.size > 0 ? oldest : null },
      facets: { ...facets, verdict } as unknown as RunSurvey['facets'],
      from,
      to: from + Math.ceil((last - from) / bucketMs) * bucketMs,
      bucketMs,
      buckets: this.#buckets(from, bucketMs),
    };
  }

  #facet(index: number): [string | null, number][] {
    const counts = new Map<string | null, number>();
    for (const { values, runs } of this.#alike.values()) {
      const value = values[index] === NONE ? null : (values[index] ?? null);
      counts.set(value, (counts.get(value) ?? 0) + runs);
    }
    return [...counts].sort(([, a], [, b]) => b - a).slice(0, FACET_VALUES);
  }

  #buckets(from: number, bucketMs: number): SurveyBucket[] {
    const buckets: Bucket[] = [];
    for (const { at, durationMs, cost, alike } of this.#runs) {
      const index = Math.floor((at - from) / bucketMs);
      const bucket: Bucket = buckets[index] ?? { runs: 0, byStatus: new Map(), durations: [], cost: new Money() };
      buckets[index] = bucket;
      const status = alike.values[0] ?? '';
      bucket.runs += 1;
      bucket.byStatus.set(status, (bucket.byStatus.get(status) ?? 0) + 1);
      if (durationMs !== null) bucket.durations.push(durationMs);
      bucket.cost.add(cost);
    }
    // Spans of time without runs are holes, which this leaves out.
    return Object.entries(buckets).map(([index, { runs, byStatus, durations, cost }]) => ({
      at: from + Number(index) * bucketMs,
      runs,
      byStatus: Object.fromEntries(byStatus) as Partial<Record<RunStatus, number>>,
      duration: spread(durations),
      cost: cost.toString(),
    }));
  }
}

function spread(durations: number[]): SurveyBucket['duration'] {
  if (durations.length === 0) return null;
  const ascending = Float64Array.from(durations).sort();
  return { p50: quantile(ascending, 0.5), p95: quantile(ascending, 0.95), max: ascending[ascending.length - 1]! };
}

/** A sum of money, exact: most costs are added as whole numbers of a billionth, which a double holds; the others take longer. */
class Money {
  #billionths = 0;
  #others = new Big(0);

  add(cost: string | null): void {
    if (cost === null) return;
    const [, places = ''] = cost.split('.');
    const value = Number(cost);
    if (places.length <= PLACES && Math.abs(value) < SMALL) this.#billionths += Math.round(value * 10 ** PLACES);
    else this.#others = this.#others.plus(cost);
  }

  toString(): string {
    return this.#others.plus(new Big(this.#billionths).times(`1e-${PLACES}`)).toFixed();
  }
}

const PLACES = 9;

/** US dollars below which nine million costs can be added in a double. */
const SMALL = 1000;

/** See `Store.workflowSurveys`. Through the index by workflow and time, the newest runs of each. */
export function workflowSurveys(
  on: Connection,
  { workspaceId, workflowIds, since, mostRuns }: WorkflowSurveyRequest,
): WorkflowSurvey[] {
  const statement = on.prepared(
    `select created_at, status, duration_ms, cost from runs indexed by runs_by_target
     where workspace_id = ? and workflow_id = ? and created_at >= ? order by created_at desc limit ?`,
  );
  statement.setReturnArrays(true);
  return workflowIds.map((workflowId) => {
    const found = statement.all(workspaceId, workflowId, since, mostRuns + 1) as unknown as [
      at: number,
      status: RunStatus,
      durationMs: number | null,
      cost: string | null,
    ][];
    const days = new Map<number, { at: number; runs: number; failed: number }>();
    const durations: number[] = [];
    const counts = { succeeded: 0, failed: 0 };
    const spent = new Money();
    for (const [at, status, durationMs, cost] of found.slice(0, mostRuns)) {
      const begin = Math.floor(at / DAY_MS) * DAY_MS;
      const day = days.get(begin) ?? { at: begin, runs: 0, failed: 0 };
      days.set(begin, day);
      day.runs += 1;
      if (status === 'failed') {
        day.failed += 1;
        counts.failed += 1;
      }
      if (status === 'succeeded' || status === 'partial') counts.succeeded += 1;
      if (durationMs !== null) durations.push(durationMs);
      spent.add(cost);
    }
    const { p50, p95 } = spread(durations) ?? { p50: null, p95: null };
    return {
      workflowId,
      days: [...days.values()].sort((a, b) => a.at - b.at),
      runs: Math.min(found.length, mostRuns),
      succeeded: counts.succeeded,
      failed: counts.failed,
      p50,
      p95,
      cost: spent.toString(),
      isPartial: found.length > mostRuns,
    };
  });
}

const DAY_MS = 86_400_000;

/** A whole number that JavaScript has no exact number for would be refused by the driver. */
const SEEN = `case when typeof(v) = 'integer' and v not between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER} then cast(v as real) else v end`;

/** See `Store.seenValues`. */
export function seenValues(on: Connection, { workspaceId, target, prefix, mostRuns, limit }: SeenRequest): SeenValues {
  const source = runs({});
  const column = source.columns[target.column];
  if (column === undefined) throw new Error(`The column ${target.column} has no SQL.`);
  const { values, bind } = new Parameters();
  // A decimal is compared by a key that nobody reads.
  const sql = target.column === 'cost' ? 'r.cost' : column;
  const path = target.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${JSON.stringify(key)}`)).join('');
  const value = target.path.length === 0 ? sql : `json_extract(${sql}, ${bind(`$${path}`)})`;
  const join = source.joins.filter(({ columns }) => columns.has(target.column)).map((each) => each.sql);
  const wanted = bind(`${prefix.replaceAll(/[\\%_]/g, '\\$&')}%`);
  const rows = on
    .recent(
      `select ${SEEN} as seen, count(*) as n from (select ${value} as v from ${source.table} ${join.join(' ')}
         where ${source.workspace} = ${bind(workspaceId)} order by r.id desc limit ${bind(mostRuns)})
       where v is not null and typeof(v) <> 'blob' and length(v) <= ${LONGEST_SEEN} and v like ${wanted} escape '\\'
       group by 1 order by 2 desc, 1 limit ${bind(limit)}`,
    )
    .all(...values);
  const seen = on.prepared('select count(*) as n from (select 1 from runs where workspace_id = ? limit ?)');
  return {
    values: rows.map((row) => [row['seen'] as string | number, Number(row['n'])] as const),
    scanned: Number(seen.get(workspaceId, mostRuns)?.['n']),
  };
}

/** Characters of a value that is offered: nobody chooses a longer one from a list. */
const LONGEST_SEEN = 200;

/** See `Store.evaluationSurvey`. Numbers are bound as doubles, so that a quotient is one, too: hence the casts. */
export function evaluationSurvey(
  on: Connection,
  { workspaceId, from, to, bucketMs }: EvaluationSurveyRequest,
): EvaluationSurvey {
  const current = `from evaluations e indexed by evaluations_by_time where e.workspace_id = ?1 and e.created_at >= ?2 and e.created_at < ?3
    and e.status = 'completed' and e.superseded_at is null`;
  const verdicts = on
    .prepared(
      `select cast(e.created_at / ?4 as integer) as bucket, sum(e.passed = 1) as passed, sum(e.passed = 0) as failed, sum(e.passed is null) as none
       ${current} group by 1 order by 1`,
    )
    .all(workspaceId, from, to, bucketMs);
  // An evaluation counts once for a category, however many of its issues are of it.
  const issues = `from (select e.id, e.created_at ${current}) e
    cross join evaluation_issues i on i.workspace_id = ?1 and i.evaluation_id = e.id`;
  const byTime = on
    .prepared(
      `select cast(e.created_at / ?4 as integer) as bucket, i.category, count(distinct e.id) as n ${issues} group by 1, 2`,
    )
    .all(workspaceId, from, to, bucketMs);
  const byKind = on
    .prepared(`select i.category, i.subcategory, count(distinct e.id) as n ${issues} group by 1, 2 order by 3 desc, 2`)
    .all(workspaceId, from, to);
  const inBucket = new Map<number, Record<string, number>>();
  const inAll = new Map<string, number>();
  for (const row of byTime) {
    const [bucket, category, n] = [Number(row['bucket']), row['category'] as string, Number(row['n'])];
    inBucket.set(bucket, { ...inBucket.get(bucket), [category]: n });
    inAll.set(category, (inAll.get(category) ?? 0) + n);
  }
  return {
    buckets: verdicts.map((row) => ({
      at: Number(row['bucket']) * bucketMs,
      passed: Number(row['passed']),
      failed: Number(row['failed']),
      withoutVerdict: Number(row['none']),
      issues: inBucket.get(Number(row['bucket'])) ?? {},
    })),
    categories: [...inAll]
      .sort(([, a], [, b]) => b - a)
      .map(([category, evaluations]) => ({
        category,
        evaluations,
        subcategories: byKind
          .filter((row) => row['category'] === category)
          .map((row) => ({ subcategory: row['subcategory'] as string | null, evaluations: Number(row['n']) })),
      })),
  };
}
