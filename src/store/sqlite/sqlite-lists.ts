import type { ListDialect } from '../sql/list-dialect.ts';

/** Lists on SQLite. */
export const sqliteLists: ListDialect = {
  // SQLite's way to fix the order of loops: left to itself it walks all runs.
  join: 'cross join',
  indexed: (name) => ` indexed by ${name}`,
  property: (column, key, kind) =>
    kind === 'object' || kind === 'list' ? `(${column} -> '$.${key}')` : `json_extract(${column}, '$.${key}')`,
  flag: (condition) => condition,
  countOf: (column, key, text) =>
    `(select count(*) from json_each(${column}) e where json_extract(e.value, '$.${key}') = '${text}')`,
  merged(column, values) {
    const pairs = Object.entries(values).map(([key, sql]) => `'${key}', ${sql}`);
    return `json_patch(coalesce(${column}, '{}'), json_object(${pairs.join(', ')}))`;
  },
};
