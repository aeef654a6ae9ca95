import type { Sql } from 'postgres';
import { CLAIM_FUNCTION, PLACES_FUNCTIONS } from './claim-function.ts';
import { COMMIT_FUNCTION } from './commit-function.ts';
import { TABLES } from './tables.ts';
import { TRACING_FUNCTIONS, TRACING_TABLES } from './tracing-step.ts';
import { VALUE_FUNCTIONS } from './value-functions.ts';

/** Orders by code point, which is what filters and boundaries rest on, whatever the database's own order is. */
const byCodePoint = (tables: string): string => tables.replaceAll(/ text\b/g, ' text collate "C"');

/**
 * Steps of the schema, oldest first. Append only: a step that shipped is never edited.
 *
 * A step must be safe while processes of the version before go on: it adds tables, columns that may be null, indexes, and functions under a new
 * name. What removes or renames something waits for the release after the one that no longer uses it.
 */
const MIGRATIONS: readonly string[] = [
  [byCodePoint(TABLES), VALUE_FUNCTIONS, PLACES_FUNCTIONS, CLAIM_FUNCTION, COMMIT_FUNCTION].join('\n'),
  [byCodePoint(TRACING_TABLES), TRACING_FUNCTIONS].join('\n'),
];

/** The lock that migrations take: any number that nothing else of the database uses. */
const MIGRATION_LOCK = 7_284_513_901;

/** The schema is newer than this program: an older version must not write to it. */
class NewerSchema extends Error {
  override readonly name = 'NewerSchema';
  constructor(found: number) {
    super(
      `The store's schema is at step ${found}, this version of millrun knows ${MIGRATIONS.length}. Start the newer version that wrote it, or restore a backup from before the upgrade.`,
    );
  }
}

/**
 * Brings the schema to the newest step, all of them in one transaction that holds a lock: of many processes that start at once one does the work
 * and the others wait for it.
 * @throws NewerSchema
 */
export async function migrate(sql: Sql, schema: string): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await transaction.unsafe(`create schema if not exists "${schema}"`);
    await transaction.unsafe('create table if not exists platform_schema (step bigint not null)');
    const [row] = await transaction.unsafe('select max(step) as step from platform_schema');
    const found = Number(row?.['step'] ?? 0);
    if (found > MIGRATIONS.length) throw new NewerSchema(found);
    for (let step = found; step < MIGRATIONS.length; step += 1) {
      await transaction.unsafe(MIGRATIONS[step] ?? '').simple();
      await transaction.unsafe('insert into platform_schema (step) values ($1)', [step + 1]);
    }
  });
}
