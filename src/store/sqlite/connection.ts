import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Statements of lists that are kept prepared: each filter and sort order makes a few texts of its own. Preparing one takes some 30 µs. */
const RECENT_STATEMENTS = 200;

/** A connection with its prepared statements. Main thread and reader threads run the same queries on one each. */
export interface Connection {
  readonly db: DatabaseSync;
  prepared(sql: string): StatementSync;
  /** For texts that callers make up: only the last ones stay prepared. */
  recent(sql: string): StatementSync;
}

/** Wraps a database so that each statement text is prepared once. */
export function connection(db: DatabaseSync): Connection {
  const statements = new Map<string, StatementSync>();
  const recent = new Map<string, StatementSync>();
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
    recent(sql) {
      const statement = recent.get(sql) ?? db.prepare(sql);
      // A map remembers in which order its keys were put in: the first is the one that was not used for longest.
      recent.delete(sql);
      recent.set(sql, statement);
      if (recent.size > RECENT_STATEMENTS) recent.delete(recent.keys().next().value!);
      return statement;
    },
  };
}
