import type { Sql, TransactionSql } from 'postgres';
import { BULK_JOB_FUNCTIONS, BULK_JOB_TABLES } from './bulk-jobs-step.ts';
import { CLAIM_FUNCTION, PLACES_FUNCTIONS } from './claim-function.ts';
import { COMMIT_FUNCTION } from './commit-function.ts';
import { COMMIT_RUNS_FUNCTION } from './commit-runs-function.ts';
import { applicationName } from './connection.ts';
import { SEARCH_MEMBERS } from './search-members.ts';
import { SHARED_TABLES } from './shared-tables.ts';
import { TABLES } from './tables.ts';
import { TRACING_FUNCTIONS, TRACING_TABLES } from './tracing-step.ts';
import { TRIGGER_FUNCTIONS, TRIGGER_TABLES } from './trigger-functions.ts';
import { VALUE_FUNCTIONS } from './value-functions.ts';

/** Orders by code point, which is what filters and boundaries rest on, whatever the database's own order is. */
const byCodePoint = (tables: string): string => tables.replaceAll(/ text\b/g, ' text collate "C"');

/** The table that a store has while it is filled from another: `src/store/transfer.ts`. */
export const MOVE_TABLE = 'platform_move';

/** What a step asks of processes of the version before. */
type Step = {
  /**
   * `compatible`: they go on meanwhile and afterwards. It adds tables, columns that may be null or have a default, indexes of small tables, and
   * functions under a new name. What removes or renames something waits for the release after the one that no longer uses it.
   *
   * `needs all stopped`: they would fail or do harm.
   */
  readonly while: 'compatible' | 'needs all stopped';
  readonly sql: string;
};

interface MigrationOptions {
  /** `moving`: by whoever fills the store from another. */
  readonly use?: 'moving' | 'serving';
  /** Those of the product; a test gives others. */
  readonly steps?: readonly Step[];
  /** Called when there is something to do or to wait for. */
  readonly onMigrating?: (() => void) | undefined;
}

/** Steps of the schema, oldest first. Append only: a step that shipped is never edited. */
const MIGRATIONS: readonly Step[] = [
  {
    while: 'needs all stopped',
    sql: [byCodePoint(TABLES), VALUE_FUNCTIONS, PLACES_FUNCTIONS, CLAIM_FUNCTION, COMMIT_FUNCTION].join('\n'),
  },
  { while: 'compatible', sql: byCodePoint(SHARED_TABLES) },
  { while: 'compatible', sql: [byCodePoint(TRIGGER_TABLES), TRIGGER_FUNCTIONS].join('\n') },
  { while: 'compatible', sql: byCodePoint(SEARCH_MEMBERS) },
  { while: 'compatible', sql: [byCodePoint(TRACING_TABLES), TRACING_FUNCTIONS].join('\n') },
  { while: 'compatible', sql: COMMIT_RUNS_FUNCTION },
  { while: 'compatible', sql: [byCodePoint(BULK_JOB_TABLES), BULK_JOB_FUNCTIONS].join('\n') },
];

/** Steps that this version knows: how it says whether it can use a store. */
export const SCHEMA_STEPS = MIGRATIONS.length;

/** The lock that migrations take: any number that nothing else of the database uses. */
const MIGRATION_LOCK = 7_284_513_901;

/** The schema is newer than this program, and an older version must not write to it. */
class NewerSchema extends Error {
  override readonly name = 'NewerSchema';
  constructor(found: number, known: number) {
    super(
      `The store's schema is at step ${found}, this version of millrun knows ${known}. Start the newer version that wrote it, or restore a backup from before the upgrade.`,
    );
  }
}

/** Servers of the version before are at work, and a step would not leave them so. */
class ServersInTheWay extends Error {
  override readonly name = 'ServersInTheWay';
  constructor(connected: number, step: number) {
    super(
      `Step ${step} of the schema needs every server of the version before to be stopped, and ${connected} connections are open. Stop them all (SIGTERM, they drain), then start this version.`,
    );
  }
}

/** A move into the store was begun and not finished. */
class HalfMoved extends Error {
  override readonly name = 'HalfMoved';
  constructor(from: string) {
    super(
      `This store is half of a move from ${from}. Finish it with the same \`millrun migrate-store\`, or give another store.`,
    );
  }
}

/** Connections do not end up in the schema that was named. */
class AnotherSchema extends Error {
  override readonly name = 'AnotherSchema';
  constructor(schema: string, found: string | null) {
    super(
      `The store is to be in the schema ${JSON.stringify(schema)}, and connections are in ${found === null ? 'none that there is' : JSON.stringify(found)}, by the search path of their role, or because a pooler does not pass theirs on. Give the one that is meant (?schema=name), and behind a pooler have it be the role's: alter role … set search_path = name.`,
    );
  }
}

/** What brought a schema to where it is: told in the log of the server that did it. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the schema to the newest step, all of them in one transaction that holds a lock: of many processes that start at once one does the work
 * and the others wait for it. Processes of the version before go on where every step is compatible with them. A schema that is further than this
 * program is taken when all the steps that it does not know are compatible with it: so a server of the version before may be started again
 * during a rolling upgrade.
 * @throws NewerSchema, HalfMoved, AnotherSchema
 * @throws ServersInTheWay when servers are connected, and a step needs all of them to be stopped
 */
export async function migrate(
  sql: Sql,
  schema: string,
  { use = 'serving', steps = MIGRATIONS, onMigrating = () => undefined }: MigrationOptions = {},
): Promise<Migrated> {
  return sql.begin(async (transaction) => {
    const [lock] = await transaction.unsafe('select pg_try_advisory_xact_lock($1) as is_free', [MIGRATION_LOCK]);
    if (lock?.['is_free'] !== true) {
      onMigrating();
      await transaction.unsafe('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    }
    await enterSchema(transaction, schema);
    await transaction.unsafe('create table if not exists platform_schema (step bigint not null)');
    await transaction.unsafe(
      'alter table platform_schema add column if not exists needs_stop boolean not null default true',
    );
    const [row] = await transaction.unsafe(
      'select max(step) as step, max(step) filter (where needs_stop) as needed from platform_schema',
    );
    const found = Number(row?.['step'] ?? 0);
    if (Number(row?.['needed'] ?? 0) > steps.length) throw new NewerSchema(found, steps.length);
    if (use === 'serving') await refuseHalf(transaction);
    const missing = steps.slice(found);
    if (missing.length > 0) onMigrating();
    const stopping = missing.findIndex((step) => step.while === 'needs all stopped');
    if (found > 0 && stopping >= 0) await refuseServers(transaction, schema, found + stopping + 1);
    for (const [index, step] of missing.entries()) {
      await transaction.unsafe(step.sql).simple();
      const needsStop = step.while === 'needs all stopped';
      await transaction.unsafe('insert into platform_schema values ($1, $2)', [found + index + 1, needsStop]);
    }
    return { from: found, to: found + missing.length };
  });
}

/**
 * Makes the schema when it is not there: a role that may not make any can be given one. Then everything is in the one that was named, or nothing is: under
 * its name processes are told of each other's commits.
 */
async function enterSchema(sql: TransactionSql, schema: string): Promise<void> {
  const [there] = await sql.unsafe('select to_regnamespace($1) is not null as is_there', [schema]);
  if (there?.['is_there'] !== true) await sql.unsafe(`create schema if not exists "${schema}"`);
  const [entered] = await sql.unsafe('select current_schema() as schema');
  const found: unknown = entered?.['schema'] ?? null;
  if (found !== schema) throw new AnotherSchema(schema, found === null ? null : String(found));
}

async function refuseHalf(sql: TransactionSql): Promise<void> {
  const [mark] = await sql.unsafe('select to_regclass($1) is not null as is_half', [MOVE_TABLE]);
  if (mark?.['is_half'] !== true) return;
  const [begun] = await sql.unsafe(`select source from ${MOVE_TABLE} where table_name = ''`);
  throw new HalfMoved(String(begun?.['source']));
}

/** Servers say who they are in the name of their connections; who starts or moves has another. */
async function refuseServers(sql: TransactionSql, schema: string, step: number): Promise<void> {
  const [others] = await sql.unsafe(
    `select count(*) as n from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [applicationName(schema)],
  );
  const connected = Number(others?.['n']);
  if (connected > 0) throw new ServersInTheWay(connected, step);
}
