import type { PropertyKind } from '../../domain/model.ts';

/** What of the SQL of lists differs from database to database. JSON columns are text. */
export interface ListDialect {
  /** Joins a table behind those that come before it; on SQLite in that order and no other. */
  readonly join: string;
  /** Said behind a table that is read through one index and no other; nothing where the planner chooses. */
  indexed(name: string): string;
  /** The value under a key of a JSON object, in the form in which a column of this kind holds it; null where it is not there. */
  property(column: string, key: string, kind: PropertyKind): string;
  /** A condition as 0 or 1. */
  flag(condition: string): string;
  /** How many objects of a JSON list have this text under a key. */
  countOf(column: string, key: string, text: string): string;
  /** The text of a JSON object with some values put in, of which the SQL is given. */
  merged(column: string, values: Readonly<Record<string, string>>): string;
}
