import type { CheckedFilter, CheckedTest, CheckedValue, Order, Target } from '../../filter/checked-filter.ts';
import type { FieldKind } from '../../filter/vocabulary.ts';

/** What can be bound to a parameter. */
export type SqlValue = string | number | null;

/**
 * Takes a value and returns the text of the parameter it is bound to, `?3` or `$3`. Whoever builds the whole statement owns
 * the list of parameters; the same text may stand in the statement several times, so parameters are numbered.
 */
export type Bind = (value: SqlValue) => string;

/** Collects the parameters of a statement while its text is put together. */
export class Parameters {
  readonly values: SqlValue[] = [];
  readonly bind: Bind = (value) => `?${this.values.push(value)}`;
}

/** The SQL expression of each column of a vocabulary, in the statement the condition goes into. */
export type SqlColumns = Readonly<Record<string, string>>;

/** What differs from database to database. Every condition must be true, false or NULL as `match.ts` says. */
export interface FilterDialect {
  /** The form in which a column of this kind holds a value. */
  stored(value: CheckedValue, kind: FieldKind): SqlValue;
  /** Matches text with a LIKE pattern whose escape is the backslash. */
  like(subject: string, pattern: string, ignoreCase: boolean, bind: Bind): string;
  /** True for JSON null, for what is not there, and for a column that is NULL. */
  jsonIsNull(column: string, path: Target['path'], bind: Bind): string;
  /** A condition on a value inside JSON: by its type, and false for a type that has none. */
  json(column: string, path: Target['path'], conditions: JsonConditions, bind: Bind): string;
}

/** What a JSON value has to be, by its type. */
export interface JsonConditions {
  /** Given the SQL of a text. */
  readonly text?: (subject: string) => string;
  /** Given the SQL of a double, which is what a JSON number is in JavaScript. */
  readonly number?: (subject: string) => string;
  /** The booleans that pass. */
  readonly booleans?: readonly boolean[];
}

/**
 * Compiles a filter to a condition for a WHERE clause. All values and JSON keys are bound; the text holds nothing that a
 * person wrote. It finds the same records as `matcher` of `match.ts`.
 *
 * @throws Error when `columns` lacks a column of the filter, which is a mistake of the programmer.
 */
export function filterToSql(filter: CheckedFilter, columns: SqlColumns, dialect: FilterDialect, bind: Bind): string {
  const sqlOf = (part: CheckedFilter): string => {
    switch (part.kind) {
      case 'and':
        return `(${part.terms.map(sqlOf).join(' AND ')})`;
      case 'or':
        return `(${part.terms.map(sqlOf).join(' OR ')})`;
      case 'not':
        return `(NOT ${sqlOf(part.term)})`;
      default:
        return testToSql(part, columnOf(part.target, columns), dialect, bind);
    }
  };
  return sqlOf(filter);
}

function columnOf({ column }: Target, columns: SqlColumns): string {
  const sql = columns[column];
  if (sql === undefined) throw new Error(`The column ${column} of the filter has no SQL.`);
  return sql;
}

const SQL_OF_ORDER: Readonly<Record<Order, string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=' };

function testToSql(test: CheckedTest, column: string, dialect: FilterDialect, bind: Bind): string {
  const { kind, path } = test.target;
  if (kind === 'json') {
    return test.kind === 'null'
      ? dialect.jsonIsNull(column, path, bind)
      : dialect.json(column, path, jsonConditions(test, dialect, bind), bind);
  }
  const bound = (value: CheckedValue) => bind(dialect.stored(value, kind));
  switch (test.kind) {
    case 'null':
      return `${column} IS NULL`;
    case 'in':
      return isOneOf(column, test.values.map(bound));
    case 'order':
      return `${column} ${SQL_OF_ORDER[test.order]} ${bound(test.value)}`;
    case 'like':
      return dialect.like(column, test.pattern, test.ignoreCase, bind);
  }
}

function jsonConditions(
  test: Exclude<CheckedTest, { kind: 'null' }>,
  dialect: FilterDialect,
  bind: Bind,
): JsonConditions {
  switch (test.kind) {
    case 'in': {
      const texts = test.values.filter((value) => typeof value === 'string');
      const numbers = test.values.filter((value) => typeof value === 'number');
      return {
        ...(texts.length > 0 && { text: (subject: string) => isOneOf(subject, texts.map(bind)) }),
        ...(numbers.length > 0 && { number: (subject: string) => isOneOf(subject, numbers.map(bind)) }),
        booleans: test.values.filter((value) => typeof value === 'boolean'),
      };
    }
    case 'order': {
      const { value } = test;
      const sign = SQL_OF_ORDER[test.order];
      return typeof value === 'number'
        ? { number: (subject) => `${subject} ${sign} ${bind(value)}` }
        : { text: (subject) => `${subject} ${sign} ${bind(String(value))}` };
    }
    case 'like':
      return { text: (subject) => dialect.like(subject, test.pattern, test.ignoreCase, bind) };
  }
}

/** Nothing is one of no values; yet of a null it is unknown. SQLite's own `IN ()` is false even for NULL. */
function isOneOf(subject: string, parameters: readonly string[]): string {
  if (parameters.length === 0) return `CASE WHEN ${subject} IS NOT NULL THEN FALSE END`;
  return parameters.length === 1 ? `${subject} = ${parameters[0]}` : `${subject} IN (${parameters.join(', ')})`;
}

/** The columns that a filter reads. */
export function columnsOf(filter: CheckedFilter | null): string[] {
  if (filter === null) return [];
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.terms.flatMap(columnsOf);
    case 'not':
      return columnsOf(filter.term);
    default:
      return [filter.target.column];
  }
}
