import { decimalKey } from '../../filter/decimal.ts';
import type { Bind, FilterDialect, SqlValue } from '../sql/filter-to-sql.ts';

/** Positions in a JSON list that PostgreSQL can be asked for; no list is longer. */
const MOST_POSITIONS = 2 ** 31;

/**
 * Filters on PostgreSQL. What it expects of the tables: text of the collation "C", which orders by code point, flags as 0 and 1, datetimes as epoch
 * milliseconds, JSON as valid text, for a decimal a column with its `decimalKey`, and the functions of `value-functions.ts`.
 */
export const postgresFilter: FilterDialect = {
  stored(value, kind) {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return kind === 'decimal' ? decimalKey(String(value)) : value;
  },

  /** ILIKE under the collation "C" folds A to Z and nothing else, as the language wants it. */
  like: (subject, pattern, ignoreCase, bind) => `${subject} ${ignoreCase ? 'ILIKE' : 'LIKE'} ${bind(pattern)}`,

  jsonIsNull: (column, path, bind) => `coalesce(jsonb_typeof(${valueAt(column, path, bind)}), 'null') = 'null'`,

  json(column, path, { text, number, booleans = [] }, bind) {
    const value = valueAt(column, path, bind);
    const among = booleans.length === 0 ? null : booleans.map((boolean) => `'${boolean}'`).join(', ');
    const branches = [
      text && `WHEN 'string' THEN ${text(`((${value} #>> '{}') COLLATE "C")`)}`,
      number && `WHEN 'number' THEN ${number(`json_number(${value})`)}`,
      among && `WHEN 'boolean' THEN ${value} IN (${among})`,
    ].filter((branch) => typeof branch === 'string');
    return `CASE coalesce(jsonb_typeof(${value}), 'null') WHEN 'null' THEN NULL ${branches.join(' ')} ELSE FALSE END`;
  },
};

/** What lies at a path: a text steps into objects and a number into lists only; both give null for anything else. */
export function valueAt(column: string, path: readonly (string | number)[], bind: Bind): string {
  return path.reduce<string>((value, key) => {
    if (typeof key === 'string') return `(${value} -> ${bind(key)}::text)`;
    return key >= 0 && key < MOST_POSITIONS ? `json_item(${value}, ${bind(key)}::int)` : 'NULL::jsonb';
  }, `json_of(${column})`);
}

/** Collects the parameters of a statement whose first one is the workspace. */
export class BoundParameters {
  readonly values: SqlValue[] = [];
  readonly bind: Bind = (value) => `$${this.values.push(value) + 1}`;
}
