import type { Sql } from 'postgres';
import { describe, expect, it } from 'vitest';
import { startsPostgres } from '../../../test/support/postgres.ts';
import { describeBulkJobs } from '../bulk-jobs.conformance.ts';
import { describeClaims } from '../claims.conformance.ts';
import { describeCredentials } from '../credentials.conformance.ts';
import { describeEvaluations } from '../evaluations.conformance.ts';
import { describeInvokedRuns } from '../invoked-runs.conformance.ts';
import { describePersonRequests } from '../person-requests.conformance.ts';
import { describeRunQueries } from '../run-queries.conformance.ts';
import { describeSearchMembers } from '../search-members.conformance.ts';
import { describeStore, type OpenedStore } from '../store.conformance.ts';
import { describeTriggers } from '../triggers.conformance.ts';
import { describeWorkflowLists } from '../workflow-lists.conformance.ts';
import postgres from './driver.ts';
import { openPostgresStore } from './postgres-store.ts';

const cluster = startsPostgres();

async function openNew(runsPerWorkspace: number | null = null): Promise<OpenedStore> {
  const { url, drop } = cluster.newSchema();
  let store = await openPostgresStore(url, { runsPerWorkspace });
  return {
    store,
    async reopen() {
      await store.close();
      store = await openPostgresStore(url, { runsPerWorkspace });
      return store;
    },
    async dispose() {
      await store.close();
      await drop();
    },
  };
}

describeStore('the PostgreSQL store', () => openNew());
describeRunQueries('the PostgreSQL store', () => openNew());
describeWorkflowLists('the PostgreSQL store', () => openNew());
describeEvaluations('the PostgreSQL store', () => openNew());
describeClaims('the PostgreSQL store', openNew);
describePersonRequests('the PostgreSQL store', () => openNew());
describeInvokedRuns('the PostgreSQL store', () => openNew());
describeCredentials('the PostgreSQL store', () => openNew());
describeTriggers('the PostgreSQL store', () => openNew());
describeSearchMembers('the PostgreSQL store', () => openNew());
describeBulkJobs('the PostgreSQL store', () => openNew());

// The last of the file: by now the suites above have made every statement there is.
describe('the PostgreSQL store distributes by workspace', () => {
  async function inSchema<T>(read: (sql: Sql, tables: ReadonlySet<string>) => Promise<T>): Promise<T> {
    const { url, drop } = cluster.newSchema();
    const store = await openPostgresStore(url);
    const sql = postgres(cluster.url, {
      max: 1,
      connection: { search_path: new URL(url).searchParams.get('schema') ?? '' },
    });
    try {
      const found = await sql.unsafe(
        "select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'",
      );
      // A workspace itself is what the others are of, and what is of the platform says so in its name.
      const tables = found
        .map((row) => row['relname'] as string)
        .filter((name) => name !== 'workspaces' && !name.startsWith('platform_'));
      return await read(sql, new Set(tables));
    } finally {
      await sql.end();
      await store.close();
      await drop();
    }
  }

  it('since every primary key and every unique index begins with it', () =>
    inSchema(async (sql, tables) => {
      const indexes = await sql.unsafe(
        `select t.relname as table, i.relname as index, x.indisprimary, a.attname as first from pg_index x
         join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
         join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
         where t.relnamespace = current_schema()::regnamespace and t.relkind = 'r' and x.indisunique`,
      );
      const ours = indexes.filter((row) => tables.has(row['table'] as string));
      expect(ours.filter((row) => row['first'] !== 'workspace_id')).toEqual([]);
      expect(new Set(ours.filter((row) => row['indisprimary']).map((row) => row['table']))).toEqual(tables);
      expect(tables.size).toBeGreaterThan(25);
    }));

  it('since every statement is bound by it, but for the few that serve the platform', () =>
    inSchema(async (sql, tables) => {
      const functions = await sql.unsafe(
        `select proname, prosrc from pg_proc where pronamespace = current_schema()::regnamespace and proname <> 'claim_tasks_1'`,
      );
      const made = [
        ...cluster.statements().filter((text) => /^(select|with|update|delete|insert)\b/.test(text)),
        ...functions.flatMap((row) => (row['prosrc'] as string).split(';')),
      ];
      const unbound = [...new Set(made.map((text) => text.replaceAll(/\s+/g, ' ').trim()))].filter(
        (text) => unboundTables(text, tables).length > 0,
      );
      expect(unbound.filter((text) => !FOR_THE_PLATFORM.includes(text))).toEqual([]);
      // What is no longer said is no longer allowed.
      expect(FOR_THE_PLATFORM.filter((text) => !unbound.includes(text))).toEqual([]);
      expect(made.length).toBeGreaterThan(1000);
    }));
});

/** Reads that `Store` says are of no workspace. */
const FOR_THE_PLATFORM: readonly string[] = [
  'select min(due_at) as at from tasks where leased_until is null and due_at > $1',
  'select * from events where position > $1 order by position limit $2',
  'delete from holds where until < clock_ms_1() - 86400000',
  'with due as materialized ( select workspace_id, subject_id, id from deliveries where next_attempt_at <= $1 and (claimed_until is null or claimed_until <= $1) order by next_attempt_at limit $2 for update skip locked ) update deliveries d set claimed_until = $3 from due where d.workspace_id = due.workspace_id and d.subject_id = due.subject_id and d.id = due.id returning d.*',
  'select min(greatest(next_attempt_at, claimed_until)) as at from deliveries where next_attempt_at is not null',
  'has_work := has_work or (frees_places and exists (select 1 from tasks t where t.leased_until is null and t.start_of is not null))',
  'select * from api_keys where digest = $1 or former_digest = $1 limit 1',
  'select status, sum(n)::bigint as n from run_counts group by status',
  'select count(*) as n from tasks',
  // Which trigger an address of a webhook means, and which is due.
  'select * from triggers where id = $1',
  'select * from triggers where wake_at is not null and wake_at <= $1 order by wake_at, id limit $2',
  'select min(wake_at) as at from triggers where wake_at is not null',
  // Whether a missing key is missed by anything.
  'select 1 from (select 1 from credentials union all select 1 from triggers where secret is not null) sealed limit 1',
  // Traces that were taken in and wait for their root.
  'select workspace_id, trace_id from otlp_spans where run_id is null group by workspace_id, trace_id having max(received_at) <= $1 limit $2',
];

/** Tables that a statement reads, changes or deletes from without saying of which workspace. An insert says it in its row. */
function unboundTables(text: string, tables: ReadonlySet<string>): string[] {
  const mentions = text.matchAll(/\b(?:from|join|update|using) ([a-z_]+)(?: (?:as )?([a-z_]+))?/g);
  return [...mentions].flatMap(([, table = '', next = '']) => {
    if (!tables.has(table)) return [];
    const isAlias = next !== '' && !/^(where|set|order|group|limit|on|join|cross|for|left)$/.test(next);
    const bound = new RegExp(`\\b${isAlias ? `${next}\\.` : '(?<!\\.)'}workspace_id = `);
    return bound.test(text) ? [] : [table];
  });
}
