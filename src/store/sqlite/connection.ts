import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A connection with its prepared statements. Main thread and reader threads run the same queries on one each. */
export interface Connection {
  readonly db: DatabaseSync;
  prepared(sql: string): StatementSync;
}

/** Wraps a database so that each statement text is prepared once. */
export function connection(db: DatabaseSync): Connection {
  const statements = new Map<string, StatementSync>();
  return {
    db,
    prepared(sql) {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = db.prepare(sql);
        statements.set(sql, statement);
      }
      return statement;
    },
  };
}
