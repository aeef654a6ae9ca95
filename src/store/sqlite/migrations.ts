import type { DatabaseSync } from 'node:sqlite';
import { refuseHalf } from './move-mark.ts';

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
  `
  alter table deliveries rename column run_id to subject_id;
  alter table deliveries add column subject text not null default 'run';
  alter table deliveries add column dialect text not null default 'noxus';
  alter table deliveries add column is_automatic integer not null default 1;
  alter table deliveries add column request_id text;
  alter table deliveries add column signing_secret_id text;
  alter table delivery_attempts rename column run_id to subject_id;

  create table callback_secrets (
    workspace_id text not null, id text not null, label text, prefix text not null, is_current integer not null,
    created_at integer not null, updated_at integer not null, disabled_at integer, last_used_at integer,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create unique index callback_secrets_current on callback_secrets (workspace_id) where is_current = 1;

  create table idempotent_requests (
    workspace_id text not null, key text not null, digest text not null, request_id text not null, status integer, body text,
    created_at integer not null,
    primary key (workspace_id, key)
  ) strict, without rowid;
  create index idempotent_requests_by_age on idempotent_requests (created_at);

  create table asset_uploads (
    workspace_id text not null, id text not null, name text not null, content_type text not null, size integer not null,
    created_at integer not null, expires_at integer not null, received_at integer,
    primary key (workspace_id, id)
  ) strict, without rowid;

  create table batches (
    workspace_id text not null, id text not null, kind text not null, workflow_id text not null, items_total integer not null,
    items_succeeded integer not null, items_partial integer not null, items_failed integer not null, items_canceled integer not null,
    meta text, callback_url text, request_id text, api_key_id text,
    created_at integer not null, started_at integer, finished_at integer,
    primary key (workspace_id, id)
  ) strict, without rowid;

  create table batch_items (
    workspace_id text not null, batch_id text not null, item integer not null, run_id text not null,
    primary key (workspace_id, batch_id, item)
  ) strict, without rowid;
  create index batch_items_by_run on batch_items (workspace_id, run_id);
  `,
  `
  alter table api_keys add column created_by text;
  alter table api_keys add column expires_at integer;
  alter table api_keys add column rate_limit integer;
  alter table api_keys add column last_used_at integer;
  alter table api_keys add column former_digest text;
  alter table api_keys add column former_until integer;
  alter table api_keys add column revision integer not null default 1;
  create unique index api_keys_by_former_digest on api_keys (former_digest) where former_digest is not null;
  `,
  `
  create index workflow_versions_by_workflow on workflow_versions (workspace_id, workflow_id, id);
  `,
  `
  -- Lines of all runs by time: ids sort by it. Without it every page of them would sort them all.
  create index run_logs_by_id on run_logs (workspace_id, id);
  `,
  `
  create table evaluations (
    workspace_id text not null, id text not null, run_id text, target_kind text, workflow_id text, status text not null,
    revision integer not null, task_type text, task_description text, prompt text, image_url text, input_attributes text,
    instructions text, reference_images text, threshold real not null, client_ref text, callback_url text, passed integer,
    pass_rate real, pass_rate_key text, override_reason text, top_issues text, top_strengths text, checks text, next_action text,
    parent_id text, attempt integer not null, superseded_at integer, feedback_is_positive integer, feedback_reason text,
    failure text, cost text, cost_key text, created_at integer not null, updated_at integer not null, completed_at integer,
    failure_code text generated always as (json_extract(failure, '$.code')) virtual,
    duration_ms integer generated always as (completed_at - created_at) virtual,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create unique index evaluations_by_run on evaluations (workspace_id, run_id, attempt) where run_id is not null;
  create index evaluations_by_time on evaluations (workspace_id, created_at, id);
  -- The law that a run has one current evaluation at most.
  create unique index evaluations_current on evaluations (workspace_id, run_id)
    where run_id is not null and status = 'completed' and superseded_at is null;
  create index evaluations_by_verdict on evaluations (workspace_id, passed, run_id)
    where run_id is not null and status = 'completed' and superseded_at is null;

  create table evaluation_judges (
    workspace_id text not null, evaluation_id text not null, id text not null, workflow_id text not null, name text not null,
    description text, category text, weight real not null, gate integer not null, run_id text, status text not null,
    passed integer, confidence real, reasoning text, evidence text, strengths text, sub_points text, created_at integer not null,
    primary key (workspace_id, evaluation_id, id)
  ) strict, without rowid;
  create index evaluation_judges_by_run on evaluation_judges (workspace_id, run_id) where run_id is not null;

  -- run_id is the run that is judged. Whether its evaluation is current is said here too, so that runs are found by the issues they have now.
  create table evaluation_issues (
    workspace_id text not null, evaluation_id text not null, judge_id text not null, position integer not null, id text not null,
    run_id text, is_current integer not null, category text not null, subcategory text, detail text,
    primary key (workspace_id, evaluation_id, judge_id, position)
  ) strict, without rowid;
  create index evaluation_issues_by_category on evaluation_issues (workspace_id, category, run_id, subcategory)
    where is_current = 1 and run_id is not null;
  create index evaluation_issues_by_subcategory on evaluation_issues (workspace_id, subcategory, run_id, category)
    where is_current = 1 and run_id is not null;

  create table evaluation_plans (workspace_id text primary key, plan text not null) strict, without rowid;
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
  create index batches_by_time on batches (workspace_id, created_at);
  `,
  `
  create table person_requests (
    workspace_id text not null, id text not null, run_id text not null, workflow_id text not null, node_id text not null,
    iteration integer not null, title text not null, description text not null, form text not null, assignee text, due_at integer,
    fallback text, status text not null, answer text, settled_by text, key_id text, created_at integer not null, settled_at integer,
    revision integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index person_requests_by_run on person_requests (workspace_id, run_id, status);
  create index person_requests_by_status on person_requests (workspace_id, status, created_at);
  `,
  // Runs that other runs invoked lie apart: no list, count or index of runs ever meets the ten thousand that one of them may have.
  `
  alter table runs add column subflows text;
  create table child_runs (
    workspace_id text not null, id text not null, kind text not null, workflow_id text not null, workflow_version_id text not null,
    version_pinned integer not null, status text not null, revision integer not null, progress integer not null,
    nodes_total integer not null, nodes_completed integer not null, created_at integer not null, started_at integer, finished_at integer,
    duration_ms integer, source text not null, node_ids text, single_node_id text, failure text, failure_code text, meta text, context text,
    client_ref text, batch_id text, request_id text, cost text, cost_key text, cost_breakdown text, feedback_is_positive integer,
    feedback_reason text, dialect text not null, callback_url text, api_key_id text, tracing integer not null, debugger text, subflows text,
    parent_run_id text not null, root_run_id text not null, parent_node_id text not null, parent_iteration integer not null,
    parent_attempt integer not null, ordinal integer not null, depth integer not null, deadline_at integer,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create unique index child_runs_by_parent on child_runs
    (workspace_id, parent_run_id, parent_node_id, parent_iteration, parent_attempt, ordinal);
  create index child_runs_open on child_runs (workspace_id, parent_run_id) where finished_at is null;
  create index child_runs_by_root on child_runs (workspace_id, root_run_id);
  `,
  `
  create table credentials (
    workspace_id text not null, id text not null, name text not null, kind text not null, settings text not null,
    secrets text not null, models text not null, hosts text not null, created_at integer not null, updated_at integer not null,
    last_used_at integer, revision integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create unique index credentials_by_name on credentials (workspace_id, name);

  create table model_settings (
    workspace_id text primary key, prices text not null, presets text not null, default_models text not null,
    updated_at integer not null, revision integer not null
  ) strict, without rowid;
  `,
  // Starts wait for places. Error handlers begin with the failures that are still to come.
  `
  alter table tasks add column start_of text;
  update tasks set start_of = (
    select workflow_id from runs where workspace_id = tasks.workspace_id and id = tasks.run_id and status = 'queued'
  ) where node_id is null;

  insert or ignore into followers (name, position) select 'error_handlers', coalesce(max(position), 0) from events;
  `,
  `
  create table saved_views (
    workspace_id text not null, id text not null, name text not null, q text not null, sort text not null, columns text not null,
    extra text not null, created_by text, created_at integer not null, updated_at integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  `,
  `
  create table retentions (workspace_id text primary key, days integer) strict, without rowid;
  `,
  `
  create table triggers (
    workspace_id text not null, id text not null, workflow_id text not null, version_id text, name text not null, enabled integer not null,
    definition text not null, inputs text, secret text, created_by text not null, created_at integer not null, updated_at integer not null,
    due_at integer, wake_at integer, state text, revision integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index triggers_by_id on triggers (id);
  create index triggers_due on triggers (wake_at) where wake_at is not null;

  create table trigger_events (
    workspace_id text not null, trigger_id text not null, id text not null, workflow_id text not null, at integer not null,
    kind text not null, outcome text not null, key text, run_id text, reason text, data text not null,
    primary key (workspace_id, trigger_id, id)
  ) strict, without rowid;
  create unique index trigger_events_by_key on trigger_events (workspace_id, trigger_id, key) where key is not null;
  create index trigger_events_by_id on trigger_events (workspace_id, id);
  `,
  // Traces, spans that were taken in, and debugging sessions.
  `
  alter table runs add column trace_id text;
  alter table runs add column trace_parent_id text;
  alter table child_runs add column trace_id text;
  alter table child_runs add column trace_parent_id text;
  create index runs_by_trace on runs (workspace_id, trace_id, created_at, id) where trace_id is not null;

  create table run_attempts (
    workspace_id text not null, run_id text not null, node_id text not null, iteration integer not null, attempt integer not null,
    started_at integer not null, finished_at integer not null, failure text, usage text, model_calls text,
    primary key (workspace_id, run_id, node_id, iteration, attempt)
  ) strict, without rowid;

  -- Without a run: it waits for the root of its trace.
  create table otlp_spans (
    workspace_id text not null, trace_id text not null, span_id text not null, run_id text, received_at integer not null, span text not null,
    primary key (workspace_id, trace_id, span_id)
  ) strict, without rowid;
  create index otlp_spans_by_run on otlp_spans (workspace_id, run_id) where run_id is not null;
  create index otlp_spans_pending on otlp_spans (received_at) where run_id is null;

  create table debug_sessions (
    workspace_id text not null, id text not null, run_id text, state text not null, updated_at integer not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  create index debug_sessions_by_run on debug_sessions (workspace_id, run_id) where run_id is not null;
  `,
  `
  create table bulk_jobs (
    workspace_id text not null, id text not null, key_id text not null, seen_at integer not null, finished_at integer, end_asked_at integer,
    state text not null,
    primary key (workspace_id, id)
  ) strict, without rowid;
  `,
];

/** Steps that this version knows: how it says whether it can use a store. */
export const SCHEMA_STEPS = MIGRATIONS.length;

/** The schema is newer than this program: an older version must not write to it. */
class NewerSchema extends Error {
  constructor(found: number) {
    super(
      `The store's schema is at step ${found}, this version of millrun knows ${MIGRATIONS.length}. Start the newer version that wrote it, or restore a backup from before the upgrade.`,
    );
    this.name = 'NewerSchema';
  }
}

/**
 * Brings the schema to the newest step, each step in a transaction of its own.
 * @param use `moving` by whoever fills the store from another
 * @throws NewerSchema
 * @throws HalfMoved when the store was filled by half and it is to be used
 */
export function migrate(db: DatabaseSync, use: 'moving' | 'serving' = 'serving'): void {
  if (use === 'serving') refuseHalf(db);
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
