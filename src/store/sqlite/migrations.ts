import type { DatabaseSync } from 'node:sqlite';

/**
 * Steps of the schema, oldest first. Append only: a step that shipped is never edited, or stores made before the edit differ from stores made after.
 *
 * Every table is keyed by workspace first, so that a workspace's rows lie together and no query can forget the workspace cheaply.
 * Keys are UUIDv7 text: clustered tables (`without rowid`) then grow at their end and read newest-first backwards without an index of their own.
 * `runs` holds no payload: scanning or counting a million runs touches some 300 MB less of what nobody asked for.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table workspaces (
    id text primary key, name text not null, created_at integer not null
  ) strict, without rowid;

  create table api_keys (
    workspace_id text not null, id text not null, name text not null, digest text not null, prefix text not null,
    scopes text not null, created_at integer not null, revoked_at integer,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create unique index api_keys_by_digest on api_keys (digest);

  create table workflows (
    workspace_id text not null, id text not null, name text not null, type text not null, description text,
    current_version_id text not null, error_handler_id text, settings text not null, meta text not null, author_name text,
    created_at integer not null, updated_at integer not null, deleted_at integer, revision integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index workflows_by_update on workflows (workspace_id, updated_at, id) where deleted_at is null;

  create table workflow_versions (
    workspace_id text not null, id text not null, workflow_id text not null, name text, description text,
    created_at integer not null, created_by text, hash text not null, validation text not null,
    definition text not null, document text not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index workflow_versions_saved on workflow_versions (workspace_id, workflow_id, id) where name is not null;

  create table runs (
    workspace_id text not null, id text not null, workflow_id text not null, workflow_version_id text not null,
    version_pinned integer not null, status text not null, revision integer not null, progress integer not null,
    created_at integer not null, started_at integer, finished_at integer, source text not null,
    node_ids text, single_node_id text, failure text, meta text, callback_url text, api_key_id text,
    tracing integer not null, debugger text,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index runs_by_workflow on runs (workspace_id, workflow_id, id);

  create table run_payloads (
    workspace_id text not null, run_id text not null, input text not null, output text,
    primary key (workspace_id, run_id)
  ) strict, without rowid;

  -- Counting a million rows costs 20 ms and more at every list; a counter per workflow and status costs one small update per group of commits.
  create table run_counts (
    workspace_id text not null, workflow_id text not null, status text not null, n integer not null,
    primary key (workspace_id, workflow_id, status)
  ) strict, without rowid;

  create table node_runs (
    workspace_id text not null, run_id text not null, node_id text not null, status text not null,
    current_iteration integer not null, total_iterations integer not null, iterates integer not null, attempts integer not null,
    started_at integer, finished_at integer, failure text, warnings text, usage text, taken text, inputs text, outputs text,
    primary key (workspace_id, run_id, node_id)
  ) strict, without rowid;

  create table iterations (
    workspace_id text not null, run_id text not null, node_id text not null, iteration integer not null,
    status text not null, attempts integer not null, started_at integer not null, finished_at integer not null,
    failure text, inputs text, outputs text,
    primary key (workspace_id, run_id, node_id, iteration)
  ) strict, without rowid;

  create table tasks (
    workspace_id text not null, run_id text not null, id text not null, node_id text, iteration integer not null,
    attempt integer not null, due_at integer not null, outputs text,
    primary key (workspace_id, run_id, id)
  ) strict, without rowid;

  create table events (
    position integer primary key, workspace_id text not null, run_id text not null, workflow_id text not null,
    at integer not null, kind text not null, data text not null
  ) strict;
  create index events_by_run on events (workspace_id, run_id, position);

  create table followers (name text primary key, position integer not null) strict, without rowid;

  create table run_logs (
    workspace_id text not null, run_id text not null, id text not null, node_id text, iteration integer not null,
    level text not null, message text not null, at integer not null, meta text,
    primary key (workspace_id, run_id, id)
  ) strict, without rowid;

  create table files (
    workspace_id text not null, id text not null, name text not null, content_type text not null, size integer not null,
    blob_id text not null, created_at integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;

  create table deliveries (
    workspace_id text not null, run_id text not null, id text not null, url text not null, body text not null,
    status text not null, attempt_count integer not null, max_attempts integer not null, next_attempt_at integer,
    created_at integer not null, finished_at integer,
    primary key (workspace_id, run_id, id)
  ) strict, without rowid;
  create index deliveries_due on deliveries (next_attempt_at) where next_attempt_at is not null;

  create table delivery_attempts (
    workspace_id text not null, run_id text not null, delivery_id text not null, attempt integer not null, at integer not null,
    duration_ms integer not null, http_status integer, error text, response text,
    primary key (workspace_id, run_id, delivery_id, attempt)
  ) strict, without rowid;
  `,
  `
  alter table workflows add column kind text not null default 'flow';
  alter table workflows add column slug text not null default '';
  alter table workflows add column profile text not null default '{}';
  update workflows set slug = id;
  create unique index workflows_by_slug on workflows (workspace_id, kind, slug) where deleted_at is null;

  alter table runs add column kind text not null default 'flow';
  alter table runs add column nodes_total integer not null default 0;
  alter table runs add column nodes_completed integer not null default 0;
  alter table runs add column context text;
  alter table runs add column client_ref text;
  alter table runs add column batch_id text;
  alter table runs add column request_id text;
  alter table runs add column cost text;
  -- The sorting key of the cost (filter/decimal.ts): SQLite has no exact decimals.
  alter table runs add column cost_key text;
  alter table runs add column cost_breakdown text;
  alter table runs add column feedback_is_positive integer;
  alter table runs add column feedback_reason text;
  alter table runs add column dialect text not null default 'noxus';
  alter table runs add column duration_ms integer generated always as (finished_at - started_at) virtual;
  alter table runs add column failure_code text generated always as (json_extract(failure, '$.code')) virtual;
  `,
  // Indexes of lists: docs/decisions/list-indexes.md. A generated column is never read from an index alone, so what is found by index is stored.
  `
  alter table runs drop column duration_ms;
  alter table runs drop column failure_code;
  alter table runs add column duration_ms integer;
  alter table runs add column failure_code text;
  update runs set duration_ms = finished_at - started_at where finished_at is not null;
  update runs set failure_code = json_extract(failure, '$.code') where failure is not null;

  drop index runs_by_workflow;
  create index runs_by_target on runs (workspace_id, workflow_id, created_at);
  create index runs_by_creation on runs (workspace_id, created_at);
  create index runs_by_status on runs (workspace_id, status, created_at);
  create index runs_by_client_ref on runs (workspace_id, client_ref, created_at) where client_ref is not null;
  create index runs_by_batch on runs (workspace_id, batch_id, created_at) where batch_id is not null;
  create index runs_by_failure on runs (workspace_id, failure_code, created_at) where failure_code is not null;
  -- These lie in the order of their value and the id, and carry the time so that most filters need nothing else of a row.
  create index runs_by_duration on runs (workspace_id, duration_ms, id, created_at);
  create index runs_by_cost on runs (workspace_id, cost_key, id, created_at);
  create index logs_by_time on run_logs (workspace_id, at);
  create index workflows_by_kind on workflows (workspace_id, kind, slug);
  `,
];

/** The schema is newer than this program: an older version must not write to it. */
class NewerSchema extends Error {
  constructor(found: number) {
    super(
      `The store's schema is at step ${found}, this version of millrun knows ${MIGRATIONS.length}. Start the newer version that wrote it, or restore a backup from before the upgrade.`,
    );
    this.name = 'NewerSchema';
  }
}

/** Brings the schema to the newest step, each step in a transaction of its own. @throws NewerSchema */
export function migrate(db: DatabaseSync): void {
  const row = db.prepare('pragma user_version').get();
  const found = Number(row?.['user_version'] ?? 0);
  if (found > MIGRATIONS.length) throw new NewerSchema(found);
  for (let step = found; step < MIGRATIONS.length; step += 1) {
    db.exec('begin immediate');
    try {
      db.exec(MIGRATIONS[step] ?? '');
      db.exec(`pragma user_version = ${step + 1}`);
      db.exec('commit');
    } catch (error) {
      db.exec('rollback');
      throw error;
    }
  }
}
