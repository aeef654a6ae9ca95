import type { EvaluationSurvey, RunSurvey, SeenValues, WorkflowSurvey } from '../../domain/run-survey.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { filterToSql, Parameters, type SqlColumns, type SqlValue } from '../sql/filter-to-sql.ts';
import { joinsOf, type ListSource } from '../sql/keyset.ts';
import { runs } from '../sql/run-lists.ts';
import { sqliteFilter } from '../sql/sqlite-filter.ts';
import {
  evaluationSurveyOf,
  facetsSql,
  LONGEST_SEEN,
  type ReadRow,
  type SurveyedRun,
  Tally,
  VERDICTS_READ,
  workflowSurvey,
} from '../sql/survey-tally.ts';
import type { EvaluationSurveyRequest, FoundRun, SeenRequest, SurveyRequest, WorkflowSurveyRequest } from '../store.ts';
import { certaintySql, inSet, smallestSet } from './access.ts';
import { type Certainty, certaintiesOf } from './certainty.ts';
import type { Connection } from './connection.ts';
import { sqliteLists } from './sqlite-lists.ts';

/** How much work is done in which way. Tests make both small, to go all ways with little data. */
export interface SurveyLimits {
  /** Rows that an index leads to and that are looked at in whatever order they lie. */
  readonly few: number;
  /** Rows of one statement. */
  readonly stretch: number;
}

/** Counting so many entries takes 2 ms, reading a stretch 4. */
const LIMITS: SurveyLimits = { few: 20_000, stretch: 4096 };

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
  const source = runs({ payloads: false }, sqliteLists);
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
  const sql = `select r.created_at, r.duration_ms, r.cost, ${facetsSql(source.columns)}
    from ${source.table} indexed by ${index} ${joinsOf(source, filter)}
    where ${source.workspace} = ${bind(workspaceId)} and ${condition}${matching(source, filter, bind)}`;
  return (tally) => {
    const statement = on.recent(sql);
    statement.setReturnArrays(true);
    for (const row of statement.all(...values) as unknown as ReadRow[]) tally.add(row);
  };
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
    const found = statement.all(workspaceId, workflowId, since, mostRuns + 1) as unknown as SurveyedRun[];
    return workflowSurvey(workflowId, found, mostRuns);
  });
}

/** A whole number that JavaScript has no exact number for would be refused by the driver. */
const SEEN = `case when typeof(v) = 'integer' and v not between ${Number.MIN_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER} then cast(v as real) else v end`;

/** See `Store.seenValues`. */
export function seenValues(on: Connection, { workspaceId, target, prefix, mostRuns, limit }: SeenRequest): SeenValues {
  const source = runs({}, sqliteLists);
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
  return evaluationSurveyOf({ verdicts, byTime, byKind }, bucketMs);
}
