import type { CheckedFilter } from '../../filter/checked-filter.ts';
import { type Bind, Parameters } from '../sql/filter-to-sql.ts';
import type { EvaluationCondition, FindRequest } from '../store.ts';
import type { Connection } from './connection.ts';

/**
 * Matches up to which they are looked up one by one and then sorted: some 10 ms. With more of them, walking the list until a page is full is
 * quicker, since every five hundredth of a million runs is a match.
 */
const FEW = 2_000;

/**
 * The indexes are named, since without statistics the planner takes an evaluation's own key: all evaluations were read for each run, 7 s for
 * 10,000 of them.
 */
const VERDICTS = 'evaluations e indexed by evaluations_by_verdict';
const ISSUES = {
  category: 'evaluation_issues e indexed by evaluation_issues_by_category',
  subcategory: 'evaluation_issues e indexed by evaluation_issues_by_subcategory',
} as const;

/** In the words of the partial indexes, or they cannot be used. */
const IS_CURRENT = "e.status = 'completed' and e.superseded_at is null";

/** A set of runs: rows `e` with a `run_id`. */
interface RunSet {
  readonly from: string;
  readonly where: (bind: Bind) => string;
  /** Whether it has at most `FEW` members. */
  readonly isFew: boolean;
}

/**
 * The condition on runs (`r`) that their current evaluation says something. That there is one such evaluation at most, and that issues know
 * whether theirs is current, is the writer's care: so tests of verdict and issue are about the same evaluation without being joined.
 */
export function evaluationCondition(
  on: Connection,
  workspaceId: string,
  { verdict, category, subcategory }: EvaluationCondition,
): EvaluatedRuns {
  const verdictSet = (passed: boolean): RunSet => ({
    from: VERDICTS,
    where: (bind) => `e.workspace_id = ${bind(workspaceId)} and ${IS_CURRENT} and e.passed = ${bind(Number(passed))}`,
    isFew: hasFew(on, VERDICTS, `${IS_CURRENT} and e.passed`, [workspaceId, Number(passed)]),
  });
  const issueSet = (): RunSet => {
    const given = { category, subcategory };
    const tests = (['category', 'subcategory'] as const).filter((column) => given[column] !== null);
    const few = tests.find((column) =>
      hasFew(on, ISSUES[column], `e.is_current = 1 and e.${column}`, [workspaceId, given[column] ?? '']),
    );
    return {
      from: ISSUES[few ?? tests.at(-1) ?? 'category'],
      where: (bind) =>
        [`e.workspace_id = ${bind(workspaceId)}`, 'e.is_current = 1']
          .concat(tests.map((column) => `e.${column} = ${bind(given[column])}`))
          .join(' and '),
      isFew: few !== undefined,
    };
  };
  const isIn: RunSet[] = [];
  if (verdict === 'passed' || verdict === 'failed') isIn.push(verdictSet(verdict === 'passed'));
  if (category !== null || subcategory !== null) isIn.push(issueSet());
  const isNotIn = verdict === 'not_evaluated' ? [verdictSet(true), verdictSet(false)] : [];
  const few = isIn.find((set) => set.isFew);
  return {
    narrowed: (request) => (few ? { ...request, filter: withIds(request.filter, idsOf(on, few)) } : request),
    sql: (bind) => {
      const conditions = [...isIn.map((set) => exists(set, bind)), ...isNotIn.map((set) => `not ${exists(set, bind)}`)];
      return conditions.length === 0 ? 'true' : conditions.join(' and ');
    },
  };
}

/** Runs whose current evaluation says something, as what finds lists takes it. */
interface EvaluatedRuns {
  /** The same request; where few runs are meant, with a filter that names them, so that no other is looked at. */
  narrowed(request: FindRequest): FindRequest;
  readonly sql: (bind: Bind) => string;
}

function idsOf(on: Connection, { from, where }: RunSet): string[] {
  const { values, bind } = new Parameters();
  const sql = `select distinct e.run_id from ${from} where ${where(bind)} and e.run_id is not null`;
  return on
    .recent(sql)
    .all(...values)
    .map((row) => row['run_id'] as string);
}

function withIds(filter: CheckedFilter | null, ids: readonly string[]): CheckedFilter {
  const named = { kind: 'in', target: { column: 'id', kind: 'uuid', path: [] }, values: ids } as const;
  return filter === null ? named : { kind: 'and', terms: [named, filter] };
}

const exists = ({ from, where }: RunSet, bind: Bind): string =>
  `exists (select 1 from ${from} where ${where(bind)} and e.run_id = r.id)`;
/** Whether at most `FEW` rows of an index begin with these values. Reads no more than that. */
function hasFew(on: Connection, from: string, where: string, values: readonly [string, string | number]): boolean {
  const row = on
    .prepared(
      `select count(*) as n from (select 1 from ${from} where e.workspace_id = ? and ${where} = ? and e.run_id is not null
       limit ${FEW + 1})`,
    )
    .get(...values);
  return Number(row?.['n']) <= FEW;
}
