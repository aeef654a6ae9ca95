import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { decimalKey } from '../../filter/decimal.ts';
import { flowNodeId, nodeRunId } from '../../system/derived-id.ts';

/** Statements of lists that are kept prepared: each filter and sort order makes a few texts of its own. Preparing one takes some 30 µs. */
const RECENT_STATEMENTS = 200;

/** A connection with its prepared statements. Main thread and reader threads run the same queries on one each. */
export interface Connection {
  readonly db: DatabaseSync;
  prepared(sql: string): StatementSync;
  /** For texts that callers make up: only the last ones stay prepared. */
  recent(sql: string): StatementSync;
}

/** What SQLite cannot compute by itself. All take and give text, and null for null. */
const FUNCTIONS: Readonly<Record<string, (...given: string[]) => string | null>> = {
  node_run_id: nodeRunId as (...given: string[]) => string,
  flow_node_id: flowNodeId as (...given: string[]) => string,
  decimal_key: decimalKey as (...given: string[]) => string | null,
};

/** Wraps a database so that each statement text is prepared once, and gives it the functions that lists need. */
export function connection(db: DatabaseSync): Connection {
  for (const [name, compute] of Object.entries(FUNCTIONS)) {
    db.function(name, { deterministic: true, varargs: true }, (...given: SQLOutputValue[]) =>
      given.includes(null) ? null : compute(...given.map(String)),
    );
  }
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
