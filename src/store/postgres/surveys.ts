import type { EvaluationSurvey, RunSurvey, SeenValues, WorkflowSurvey } from '../../domain/run-survey.ts';
import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { type Bind, filterToSql, type SqlValue } from '../sql/filter-to-sql.ts';
import { joinsOf, type ListSource } from '../sql/keyset.ts';
import type { Row } from '../sql/rows.ts';
import { runs } from '../sql/run-lists.ts';
import {
  evaluationSurveyOf,
  facetsSql,
  LONGEST_SEEN,
  type SurveyedRun,
  Tally,
  VERDICTS_READ,
  workflowSurvey,
} from '../sql/survey-tally.ts';
import type { EvaluationSurveyRequest, FoundRun, SeenRequest, SurveyRequest, WorkflowSurveyRequest } from '../store.ts';
import type { Reads } from './connection.ts';
import { BoundParameters, postgresFilter, valueAt } from './postgres-filter.ts';
import { postgresLists } from './postgres-lists.ts';
import { among } from './queries.ts';

/** How much work is done in which way. Tests make both small, to go all ways with little data. */
export interface SurveyLimits {
  /** Rows that an index leads to and that are looked at in whatever order they lie. */
  readonly few: number;
  /** Rows of one statement: what the event loop takes in one piece, some milliseconds. */
  readonly stretch: number;
}

/** Of 200,000 runs, 100,000 are read in 0.3 s, 0.2 s of that in this process; runs of a failure code among them in 7 ms. */
const LIMITS: SurveyLimits = { few: 20_000, stretch: 4096 };

/** A test that a filter says must hold, on a column that begins an index. */
type SureTest = Extract<CheckedFilter, { kind: 'in' }>;

/**
 * Looks at the runs that a filter finds until all are seen or the time is up: those that an index leads to where these are few, else stretch by stretch,
 * newest first. No statement looks at more rows than a stretch, so that the time is kept to whatever the filter lets through.
 */
export async function surveyRuns(
  reads: Reads,
  request: SurveyRequest,
  limits: SurveyLimits = LIMITS,
): Promise<RunSurvey> {
  const source = runs({ payloads: false }, postgresLists);
  const tally = new Tally();
  const began = performance.now();
  let isPartial = false;
  for await (const found of stretches(reads, source, request, limits)) {
    for (const { at, duration_ms, cost, facets } of found) {
      tally.add([at, duration_ms, cost, facets] as Parameters<Tally['add']>[0]);
    }
    if (performance.now() - began > request.budgetMs) {
      isPartial = true;
      break;
    }
  }
  return tally.survey(request, isPartial, await verdicts(reads, source, request, tally.size));
}

/** The conditions that a request makes beside that of the workspace. */
function conditionsOf(source: ListSource<FoundRun>, { filter, from, to }: SurveyRequest, bind: Bind): string[] {
  return [
    ...(from === null ? [] : [`r.created_at >= ${bind(from)}`]),
    ...(to === null ? [] : [`r.created_at < ${bind(to)}`]),
    ...(filter === null ? [] : [filterToSql(filter, source.columns, postgresFilter, bind)]),
  ];
}

async function* stretches(
  reads: Reads,
  source: ListSource<FoundRun>,
  request: SurveyRequest,
  { few, stretch }: SurveyLimits,
): AsyncGenerator<readonly Row[]> {
  const { workspaceId, filter } = request;
  const sure = await sureTests(reads, source, workspaceId, filter);
  // Nothing is one of no values. The server would look at every row to find that out.
  if (sure.some(({ values }) => values.length === 0)) return;
  const sizes = await Promise.all(sure.map((test) => sizeOf(reads, source, workspaceId, test, few + 1)));
  const smallest = sizes.indexOf(Math.min(...sizes));
  const test = sure[smallest];
  if (test !== undefined && (sizes[smallest] ?? 0) <= few) {
    yield await read(reads, source, request, (bind) => [testSql(source, test, bind)]);
    return;
  }
  // An index by this column lies by time within each value of it.
  const fixed = sure.find(
    ({ target, values }) =>
      values.length === 1 &&
      source.indexes.some(({ columns }) => columns[0] === target.column && columns[1] === 'createdAt'),
  );
  let start: readonly SqlValue[] | null = null;
  for (;;) {
    const before: readonly SqlValue[] | null = start;
    const lane = (bind: Bind): string[] => [
      ...(fixed ? [testSql(source, fixed, bind)] : []),
      ...(before ? [`(r.created_at, r.id) < (${before.map(bind).join(', ')})`] : []),
    ];
    const end = await endOf(reads, request, stretch, lane);
    yield await read(reads, source, request, (bind) => [
      ...lane(bind),
      ...(end ? [`(r.created_at, r.id) >= (${end.map(bind).join(', ')})`] : []),
    ]);
    if (end === null) return;
    start = end;
  }
}

/** Where the stretch ends that begins a lane; null when it is the last one. The filter has no say: it is the rows looked at that are counted. */
async function endOf(
  reads: Reads,
  request: SurveyRequest,
  stretch: number,
  lane: (bind: Bind) => string[],
): Promise<readonly SqlValue[] | null> {
  const { values, bind } = new BoundParameters();
  const { from, to } = request;
  const conditions = [
    'r.workspace_id = $1',
    ...lane(bind),
    ...(from === null ? [] : [`r.created_at >= ${bind(from)}`]),
    ...(to === null ? [] : [`r.created_at < ${bind(to)}`]),
  ];
  const [row] = await reads.rows(
    request.workspaceId,
    `select r.created_at, r.id from runs r where ${conditions.join(' and ')}
     order by r.created_at desc, r.id desc limit 1 offset ${stretch - 1}`,
    values,
    'rare',
  );
  return row === undefined ? null : [row['created_at'] as number, row['id'] as string];
}

function read(
  reads: Reads,
  source: ListSource<FoundRun>,
  request: SurveyRequest,
  lane: (bind: Bind) => string[],
): Promise<readonly Row[]> {
  const { values, bind } = new BoundParameters();
  const conditions = ['r.workspace_id = $1', ...lane(bind), ...conditionsOf(source, request, bind)];
  return reads.rows(
    request.workspaceId,
    `select r.created_at as at, r.duration_ms, r.cost, ${facetsSql(source.columns)} as facets
     from runs r ${joinsOf(source, request.filter)} where ${conditions.join(' and ')}`,
    values,
    'rare',
  );
}

/** Tests that must all hold for a run to be found, or follow from one that must, on columns that begin an index. */
async function sureTests(
  reads: Reads,
  source: ListSource<FoundRun>,
  workspaceId: string,
  filter: CheckedFilter | null,
): Promise<SureTest[]> {
  const tests: SureTest[] = [];
  for (const term of filter === null ? [] : termsOf(filter)) {
    if (term.kind !== 'in' || term.target.path.length > 0) continue;
    const { column } = term.target;
    if (source.indexes.some(({ columns }) => columns[0] === column)) tests.push(term);
    const narrowing = source.narrows?.[column];
    if (narrowing === undefined) continue;
    const target = { column: narrowing.column, kind: 'text', path: [] } as const;
    const isSame = narrowing.lookup === undefined;
    tests.push({
      kind: 'in',
      target,
      values: isSame ? term.values : await workflowsOf(reads, workspaceId, column, term.values),
    });
  }
  return tests;
}

const termsOf = (filter: CheckedFilter): readonly CheckedFilter[] =>
  filter.kind === 'and' ? filter.terms.flatMap(termsOf) : [filter];

/** Ids of workflows by what a column of runs says of theirs: the name, or the slug, which is enough to narrow by whatever the kind. */
async function workflowsOf(
  reads: Reads,
  workspaceId: string,
  column: string,
  values: SureTest['values'],
): Promise<string[]> {
  const by = column === 'workflowName' ? 'name' : 'slug';
  const found = await reads.rows(
    workspaceId,
    `select w.id from workflows w where w.workspace_id = $1 and w.${by} ${among('$2')}`,
    [JSON.stringify(values)],
  );
  return found.map((row) => row['id'] as string);
}

const testSql = (source: ListSource<FoundRun>, test: SureTest, bind: Bind): string =>
  filterToSql(test, source.columns, postgresFilter, bind);

/** How many runs pass a test, counted up to `most`. */
async function sizeOf(
  reads: Reads,
  source: ListSource<FoundRun>,
  workspaceId: string,
  test: SureTest,
  most: number,
): Promise<number> {
  const { values, bind } = new BoundParameters();
  const [row] = await reads.rows(
    workspaceId,
    `select count(*) as n from (select 1 from runs r where r.workspace_id = $1 and ${testSql(source, test, bind)} limit ${most}) s`,
    values,
    'rare',
  );
  return Number(row?.['n']);
}

/** Counts by verdict, out of evaluations that are current: there are fewer of them than runs. */
async function verdicts(
  reads: Reads,
  source: ListSource<FoundRun>,
  request: SurveyRequest,
  runsSeen: number,
): Promise<[string | null, number][]> {
  const { values, bind } = new BoundParameters();
  const conditions = ['r.workspace_id = $1', 'r.id = v.run_id', ...conditionsOf(source, request, bind)];
  const found = await reads.rows(
    request.workspaceId,
    `select v.verdict, count(*) as n
     from (select e.run_id, case e.passed when 1 then 'passed' else 'failed' end as verdict from evaluations e where e.workspace_id = $1
        and e.passed in (0, 1) and e.run_id is not null and e.status = 'completed' and e.superseded_at is null limit ${VERDICTS_READ}) v
       cross join runs r ${joinsOf(source, request.filter)}
     where ${conditions.join(' and ')} group by 1 order by 1`,
    values,
    'rare',
  );
  const counts = found.map((row): [string, number] => [row['verdict'] as string, Number(row['n'])]);
  const without = runsSeen - counts.reduce((sum, [, n]) => sum + n, 0);
  return without > 0 ? [...counts, [null, without]] : counts;
}

/** See `Store.workflowSurveys`. Through the index by workflow and time, the newest runs of each. */
export async function workflowSurveys(
  reads: Reads,
  { workspaceId, workflowIds, since, mostRuns }: WorkflowSurveyRequest,
): Promise<WorkflowSurvey[]> {
  const surveys: WorkflowSurvey[] = [];
  // One after the other: all at once would take every connection for one page.
  for (const workflowId of workflowIds) {
    const found = await reads.rows(
      workspaceId,
      `select created_at, status, duration_ms, cost from runs
       where workspace_id = $1 and workflow_id = $2 and created_at >= $3 order by created_at desc limit $4`,
      [workflowId, since, mostRuns + 1],
    );
    const seen = found.map((row) => [row['created_at'], row['status'], row['duration_ms'], row['cost']]);
    surveys.push(workflowSurvey(workflowId, seen as unknown as SurveyedRun[], mostRuns));
  }
  return surveys;
}

/** See `Store.seenValues`. A JSON value is offered when it is a text, a number or a boolean. */
export async function seenValues(
  reads: Reads,
  { workspaceId, target, prefix, mostRuns, limit }: SeenRequest,
): Promise<SeenValues> {
  const source = runs({}, postgresLists);
  const column = source.columns[target.column];
  if (column === undefined) throw new Error(`The column ${target.column} has no SQL.`);
  const { values, bind } = new BoundParameters();
  // A decimal is compared by a key that nobody reads.
  const sql = target.column === 'cost' ? 'r.cost' : column;
  const isJson = target.path.length > 0;
  const value = isJson ? valueAt(sql, target.path, bind) : sql;
  const join = source.joins.filter(({ columns }) => columns.has(target.column)).map((each) => each.sql);
  const text = isJson ? `(s.v #>> '{}')` : 's.v::text';
  const conditions = [
    's.v is not null',
    ...(isJson ? [`jsonb_typeof(s.v) in ('string', 'number', 'boolean')`] : []),
    `length(${text}) <= ${LONGEST_SEEN}`,
    `${text} collate "C" ilike ${bind(`${prefix.replaceAll(/[\\%_]/g, '\\$&')}%`)}`,
  ];
  const [found, [seen]] = await Promise.all([
    reads.rows(
      workspaceId,
      `select ${isJson ? 's.v::text' : 's.v'} as v, count(*) as n from (select ${value} as v from runs r ${join.join(' ')}
         where r.workspace_id = $1 order by r.id desc limit ${bind(mostRuns)}) s
       where ${conditions.join(' and ')} group by s.v order by 2 desc, s.v limit ${bind(limit)}`,
      values,
      'rare',
    ),
    reads.rows(workspaceId, 'select count(*) as n from (select 1 from runs where workspace_id = $1 limit $2) s', [
      mostRuns,
    ]),
  ]);
  const seenOf = ({ v }: Row) => (isJson ? JSON.parse(v as string) : v) as string | number | boolean;
  return {
    values: found.map((row) => [seenOf(row), Number(row['n'])] as const),
    scanned: Number(seen?.['n']),
  };
}

/** See `Store.evaluationSurvey`. */
export async function evaluationSurvey(
  reads: Reads,
  { workspaceId, from, to, bucketMs }: EvaluationSurveyRequest,
): Promise<EvaluationSurvey> {
  const current = `from evaluations e where e.workspace_id = $1 and e.created_at >= $2 and e.created_at < $3
    and e.status = 'completed' and e.superseded_at is null`;
  const issues = `from (select e.id, e.created_at ${current}) c
    join evaluation_issues i on i.workspace_id = $1 and i.evaluation_id = c.id`;
  const [verdicts, byTime, byKind] = await Promise.all([
    reads.rows(
      workspaceId,
      `select e.created_at / $4 as bucket, count(*) filter (where e.passed = 1) as passed, count(*) filter (where e.passed = 0) as failed,
         count(*) filter (where e.passed is null) as none ${current} group by 1 order by 1`,
      [from, to, bucketMs],
    ),
    reads.rows(
      workspaceId,
      `select c.created_at / $4 as bucket, i.category, count(distinct c.id) as n ${issues} group by 1, 2 order by 1, 2`,
      [from, to, bucketMs],
    ),
    reads.rows(
      workspaceId,
      `select i.category, i.subcategory, count(distinct c.id) as n ${issues} group by 1, 2 order by 3 desc, 2 nulls first`,
      [from, to],
    ),
  ]);
  return evaluationSurveyOf({ verdicts, byTime, byKind }, bucketMs);
}
