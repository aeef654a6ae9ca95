import type { Boundary, KeysetPage } from '../../domain/keyset.ts';
import { type Bind, filterToSql } from '../sql/filter-to-sql.ts';
import { beyond, frameOf, type ListSource, type OrderKey, orderBy, orderOf } from '../sql/keyset.ts';
import type { ListDialect } from '../sql/list-dialect.ts';
import { LIST_SOURCES } from '../sql/list-sources.ts';
import type { Row } from '../sql/rows.ts';
import type { EvaluationCondition, FindOptions, FindRequest, Listed } from '../store.ts';
import type { Reads } from './connection.ts';
import { BoundParameters, postgresFilter } from './postgres-filter.ts';

/** Lists on PostgreSQL. */
export const postgresLists: ListDialect = {
  join: 'join',
  indexed: () => '',
  property(column, key, kind) {
    const value = `(json_of(${column}) -> '${key}')`;
    switch (kind) {
      case 'object':
      case 'list':
        return `(${value}::text)`;
      case 'boolean':
        return `(case ${value} when 'true' then 1 when 'false' then 0 end)`;
      case 'integer':
      case 'datetime':
        return `(case jsonb_typeof(${value}) when 'number' then ${value}::numeric::bigint end)`;
      default:
        return `((json_of(${column}) ->> '${key}') collate "C")`;
    }
  },
  flag: (condition) => `(${condition})::int`,
  countOf: (column, key, text) =>
    `(select count(*) from jsonb_array_elements(json_of(${column})) e where e.value ->> '${key}' = '${text}')`,
  merged(column, values) {
    const pairs = Object.entries(values).map(([key, sql]) => `'${key}', ${sql}`);
    return `((coalesce(json_of(${column}), '{}') || jsonb_build_object(${pairs.join(', ')}))::text)`;
  },
};

/** In the words of the partial indexes. */
const IS_CURRENT = "e.status = 'completed' and e.superseded_at is null";

/**
 * See `Store.find`. One statement: which index to walk, and how far, is the planner's choice, which has statistics and knows the values. A page never
 * skips rows, so that it costs the same wherever it begins.
 */
export async function find<K extends keyof Listed>(
  reads: Reads,
  what: K,
  request: FindRequest,
  options: FindOptions,
): Promise<KeysetPage<Listed[K]>> {
  const source = LIST_SOURCES[what](options, postgresLists) as ListSource<Listed[K]>;
  const order = orderOf(source, request);
  const { values, bind } = new BoundParameters();
  const { filter, from, limit } = request;
  const conditions = [
    `${source.workspace} = $1`,
    ...(source.where === undefined ? [] : [source.where]),
    ...(filter === null ? [] : [filterToSql(filter, source.columns, postgresFilter, bind)]),
    ...(options.evaluation ? evaluated(options.evaluation, bind) : []),
    ...(from === null ? [] : [...startOf(order, from, bind), beyond(order, from, bind)]),
  ];
  const keys = order.map(({ sql }, index) => `${sql} as boundary_${index}`);
  const found = await reads.rows(
    request.workspaceId,
    `select ${source.select}, ${keys.join(', ')} from ${source.table} ${source.joins.map(({ sql }) => sql).join(' ')}
     where ${conditions.join(' and ')} order by ${orderBy(order)} limit ${bind(limit + 1)}`,
    values,
    'rare',
  );
  const { previous, next } = frameOf(
    found.map((row) => boundaryOf(row, order)),
    request,
  );
  const shown = found.slice(0, limit);
  if (request.backward) shown.reverse();
  return { items: shown.map((row) => source.item(row)), previous, next };
}

const boundaryOf = (row: Row, order: readonly OrderKey[]): Boundary =>
  order.map((_, index) => (row[`boundary_${index}`] ?? null) as string | number | null);

/** Where an index is entered: the boundary itself is alternatives, which no index can be entered by. */
function startOf([first]: readonly OrderKey[], from: Boundary, bind: Bind): string[] {
  const value = from[0] ?? null;
  if (first === undefined || first.nullable || value === null) return [];
  return [`${first.sql} ${first.descending ? '<=' : '>='} ${bind(value)}`];
}

/** Conditions on the current evaluation of a run, of which there is one at most. */
function evaluated({ verdict, category, subcategory }: EvaluationCondition, bind: Bind): string[] {
  const ofRun = 'e.workspace_id = r.workspace_id and e.run_id = r.id';
  const withVerdict = (test: string) =>
    `exists (select 1 from evaluations e where ${ofRun} and ${IS_CURRENT} and e.passed ${test})`;
  const conditions: string[] = [];
  if (verdict === 'not_evaluated') conditions.push(`not ${withVerdict('is not null')}`);
  else if (verdict !== null) conditions.push(withVerdict(verdict === 'passed' ? '= 1' : '= 0'));
  const issue = Object.entries({ category, subcategory }).flatMap(([column, value]) =>
    value === null ? [] : [`e.${column} = ${bind(value)}`],
  );
  if (issue.length > 0) {
    const tests = [ofRun, 'e.is_current = 1', ...issue].join(' and ');
    conditions.push(`exists (select 1 from evaluation_issues e where ${tests})`);
  }
  return conditions;
}
