import { decimalKey } from '../../filter/decimal.ts';
import { patternSteps } from '../../filter/text.ts';
import type { FilterDialect } from './filter-to-sql.ts';

/**
 * Filters on SQLite. What it expects of the tables: text columns of the BINARY collation (the default; it orders by UTF-8
 * bytes, which is by code point), booleans as 0 and 1, datetimes as integers of epoch milliseconds, JSON as valid text,
 * and for a decimal a column with its `decimalKey`: SQLite has no exact decimals, and text of numbers sorts wrongly.
 */
export const sqliteFilter: FilterDialect = {
  stored(value, kind) {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return kind === 'decimal' ? decimalKey(String(value)) : value;
  },

  /** LIKE folds A to Z and nothing else, as the language wants of ilike; GLOB minds the case. */
  like(subject, pattern, ignoreCase, bind) {
    if (ignoreCase) return `${subject} LIKE ${bind(pattern)} ESCAPE '\\'`;
    return `${subject} GLOB ${bind(globOf(pattern))}`;
  },

  jsonIsNull(column, path, bind) {
    return `coalesce(json_type(${column}, ${bind(jsonPath(path))}), 'null') = 'null'`;
  },

  /**
   * json_extract alone would mix up types: it gives 1 for true as for 1. Its integers are cast because SQLite keeps 64 bits
   * of them where a double has 53.
   */
  json(column, path, { text, number, booleans = [] }, bind) {
    const at = `${column}, ${bind(jsonPath(path))}`;
    const value = `json_extract(${at})`;
    const numeric = number?.(`CAST(${value} AS REAL)`);
    const branches = [
      text && `WHEN 'text' THEN ${text(value)}`,
      numeric && `WHEN 'integer' THEN ${numeric} WHEN 'real' THEN ${numeric}`,
      ...booleans.map((boolean) => `WHEN '${boolean}' THEN TRUE`),
    ].filter((branch) => branch !== undefined);
    return `CASE coalesce(json_type(${at}), 'null') WHEN 'null' THEN NULL ${branches.join(' ')} ELSE FALSE END`;
  },
};

/** Keys as JSON strings, which SQLite reads with all their escapes: `$."order id".items[0]`. */
function jsonPath(path: readonly (string | number)[]): string {
  return `$${path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${JSON.stringify(key)}`)).join('')}`;
}

/** A LIKE pattern as a GLOB pattern, where a character with a meaning stands in brackets to be itself. */
function globOf(pattern: string): string {
  return patternSteps(pattern)
    .map((step) => {
      if (step.kind === 'any') return '*';
      if (step.kind === 'one') return '?';
      return '*?['.includes(step.character) ? `[${step.character}]` : step.character;
    })
    .join('');
}
