/**
 * The tables, as the first step of the schema makes them. Append steps to `migrations.ts`; this text never changes.
 *
 * Columns have the names and meanings that they have in every SQL store (`sql/rows.ts`): JSON is text, which is given back as it was given, flags
 * are 0 and 1, times are epoch milliseconds. Whole numbers are `bigint` throughout: a filter may ask for any number, and asking an `integer`
 * for one beyond its range is an error. `text` becomes `text collate "C"` (`migrations.ts`), which orders by code point.
 *
 * The workspace is the first column of every primary key and of every unique index, so that tables distribute by it, on Citus or by plain
 * partitions. What belongs to the platform and not to a workspace has `platform_` in its name.
 */
export const TABLES = `
  create table platform_log_head (only_row boolean primary key default true check (only_row), position bigint not null) with (fillfactor = 10);
  insert into platform_log_head (position) values (0);
  -- What a process has committed last: how it learns the outcome of a commit whose answer was lost.
  create table platform_writers (
    id text primary key, sequence bigint not null, outcome text, at bigint not null
  ) with (fillfactor = 50);
  create table platform_followers (name text primary key, position bigint not null) with (fillfactor = 50);

  create table workspaces (id text primary key, name text not null, created_at bigint not null);

  create table api_keys (
    workspace_id text not null, id text not null, name text not null, digest text not null, prefix text not null,
    scopes text not null, created_at bigint not null, revoked_at bigint, created_by text, expires_at bigint, rate_limit bigint,
    last_used_at bigint, former_digest text, former_until bigint, revision bigint not null,
    primary key (workspace_id, id)
  );
  -- Not unique, since a unique index must begin with the workspace: digests of random texts differ.
  create index api_keys_by_digest on api_keys (digest);
  create index api_keys_by_former_digest on api_keys (former_digest) where former_digest is not null;

  create table workflows (
    workspace_id text not null, id text not null, name text not null, kind text not null, slug text not null, type text not null,
    description text, current_version_id text not null, error_handler_id text, settings text not null, meta text not null,
    profile text not null, author_name text, created_at bigint not null, updated_at bigint not null, deleted_at bigint,
    revision bigint not null,
    -- Runs of it that may be under way, as its settings say; null: any number.
    run_limit bigint,
    primary key (workspace_id, id)
  );
  create index workflows_by_update on workflows (workspace_id, updated_at, id) where deleted_at is null;
  create unique index workflows_by_slug on workflows (workspace_id, kind, slug) where deleted_at is null;

  create table workflow_versions (
    workspace_id text not null, id text not null, workflow_id text not null, name text, description text,
    created_at bigint not null, created_by text, hash text not null, validation text not null,
    definition text not null, document text not null,
    primary key (workspace_id, id)
  );
  create index workflow_versions_by_workflow on workflow_versions (workspace_id, workflow_id, id);

  create table runs (
    workspace_id text not null, id text not null, kind text not null, workflow_id text not null, workflow_version_id text not null,
    version_pinned bigint not null, status text not null, revision bigint not null, progress bigint not null,
    nodes_total bigint not null, nodes_completed bigint not null, created_at bigint not null, started_at bigint, finished_at bigint,
    duration_ms bigint, source text not null, node_ids text, single_node_id text, failure text, failure_code text, meta text, context text,
    client_ref text, batch_id text, request_id text, cost text, cost_key text, cost_breakdown text, feedback_is_positive bigint,
    feedback_reason text, dialect text not null, callback_url text, api_key_id text, tracing bigint not null, debugger text, subflows text,
    primary key (workspace_id, id)
  );
  create index runs_by_creation on runs (workspace_id, created_at, id);
  create index runs_by_target on runs (workspace_id, workflow_id, created_at, id);
  create index runs_by_status on runs (workspace_id, status, created_at, id);
  create index runs_by_client_ref on runs (workspace_id, client_ref, created_at, id) where client_ref is not null;
  create index runs_by_batch on runs (workspace_id, batch_id, created_at, id) where batch_id is not null;
  create index runs_by_failure on runs (workspace_id, failure_code, created_at, id) where failure_code is not null;
  create index runs_by_duration on runs (workspace_id, duration_ms, id) where duration_ms is not null;
  create index runs_by_cost on runs (workspace_id, cost_key, id) where cost_key is not null;
  -- Those that take a place (takesPlace of domain/run.ts).
  create index runs_under_way on runs (workspace_id, workflow_id) where status = 'running' and source <> 'agent';

  create table child_runs (
    workspace_id text not null, id text not null, kind text not null, workflow_id text not null, workflow_version_id text not null,
    version_pinned bigint not null, status text not null, revision bigint not null, progress bigint not null,
    nodes_total bigint not null, nodes_completed bigint not null, created_at bigint not null, started_at bigint, finished_at bigint,
    duration_ms bigint, source text not null, node_ids text, single_node_id text, failure text, failure_code text, meta text, context text,
    client_ref text, batch_id text, request_id text, cost text, cost_key text, cost_breakdown text, feedback_is_positive bigint,
    feedback_reason text, dialect text not null, callback_url text, api_key_id text, tracing bigint not null, debugger text, subflows text,
    parent_run_id text not null, root_run_id text not null, parent_node_id text not null, parent_iteration bigint not null,
    parent_attempt bigint not null, ordinal bigint not null, depth bigint not null, deadline_at bigint,
    primary key (workspace_id, id)
  );
  create unique index child_runs_by_parent on child_runs
    (workspace_id, parent_run_id, parent_node_id, parent_iteration, parent_attempt, ordinal);
  create index child_runs_open on child_runs (workspace_id, parent_run_id) where finished_at is null;
  create index child_runs_by_root on child_runs (workspace_id, root_run_id);

  create table run_payloads (
    workspace_id text not null, run_id text not null, input text not null, output text,
    primary key (workspace_id, run_id)
  );

  create table run_counts (
    workspace_id text not null, workflow_id text not null, status text not null, n bigint not null,
    primary key (workspace_id, workflow_id, status)
  ) with (fillfactor = 50);

  create table node_runs (
    workspace_id text not null, run_id text not null, node_id text not null, status text not null,
    current_iteration bigint not null, total_iterations bigint not null, iterates bigint not null, attempts bigint not null,
    started_at bigint, finished_at bigint, failure text, warnings text, usage text, taken text, inputs text, outputs text,
    primary key (workspace_id, run_id, node_id)
  ) with (fillfactor = 80);

  create table iterations (
    workspace_id text not null, run_id text not null, node_id text not null, iteration bigint not null,
    status text not null, attempts bigint not null, started_at bigint not null, finished_at bigint not null,
    failure text, inputs text, outputs text,
    primary key (workspace_id, run_id, node_id, iteration)
  );

  -- A task is claimed while it has a lease; a lease that is over is taken back by the next claim.
  create table tasks (
    workspace_id text not null, run_id text not null, id text not null, node_id text, iteration bigint not null,
    attempt bigint not null, due_at bigint not null, outputs text, start_of text, token text, leased_until bigint,
    primary key (workspace_id, run_id, id)
  );
  create index tasks_of_runs on tasks (workspace_id, due_at, id) where leased_until is null and start_of is null;
  create index tasks_that_start on tasks (workspace_id, start_of, due_at, id) where leased_until is null and start_of is not null;
  create index tasks_by_time on tasks (due_at) include (workspace_id) where leased_until is null;
  create index tasks_leased on tasks (leased_until, workspace_id, start_of) where leased_until is not null;

  create table events (
    workspace_id text not null, position bigint not null, run_id text not null, workflow_id text not null,
    at bigint not null, kind text not null, data text not null,
    primary key (workspace_id, run_id, position)
  );
  create index events_by_position on events (position);

  create table run_logs (
    workspace_id text not null, run_id text not null, id text not null, node_id text, iteration bigint not null,
    level text not null, message text not null, at bigint not null, meta text,
    primary key (workspace_id, run_id, id)
  );
  create index run_logs_by_id on run_logs (workspace_id, id);
  create index run_logs_by_time on run_logs (workspace_id, at, run_id, id);

  create table files (
    workspace_id text not null, id text not null, name text not null, content_type text not null, size bigint not null,
    blob_id text not null, created_at bigint not null,
    primary key (workspace_id, id)
  );

  create table deliveries (
    workspace_id text not null, subject_id text not null, id text not null, subject text not null, dialect text not null,
    is_automatic bigint not null, request_id text, signing_secret_id text, url text not null, body text not null,
    status text not null, attempt_count bigint not null, max_attempts bigint not null, next_attempt_at bigint,
    created_at bigint not null, finished_at bigint, claimed_until bigint,
    primary key (workspace_id, subject_id, id)
  );
  create index deliveries_due on deliveries (next_attempt_at) where next_attempt_at is not null;

  create table delivery_attempts (
    workspace_id text not null, subject_id text not null, delivery_id text not null, attempt bigint not null, at bigint not null,
    duration_ms bigint not null, http_status bigint, error text, response text,
    primary key (workspace_id, subject_id, delivery_id, attempt)
  );

  create table callback_secrets (
    workspace_id text not null, id text not null, label text, prefix text not null, is_current bigint not null,
    created_at bigint not null, updated_at bigint not null, disabled_at bigint, last_used_at bigint,
    primary key (workspace_id, id)
  );
  create unique index callback_secrets_current on callback_secrets (workspace_id) where is_current = 1;

  create table idempotent_requests (
    workspace_id text not null, key text not null, digest text not null, request_id text not null, status bigint, body text,
    created_at bigint not null,
    primary key (workspace_id, key)
  );
  create index idempotent_requests_by_age on idempotent_requests (workspace_id, created_at);

  create table asset_uploads (
    workspace_id text not null, id text not null, name text not null, content_type text not null, size bigint not null,
    created_at bigint not null, expires_at bigint not null, received_at bigint,
    primary key (workspace_id, id)
  );

  create table saved_views (
    workspace_id text not null, id text not null, name text not null, q text not null, sort text not null, columns text not null,
    extra text not null, created_by text, created_at bigint not null, updated_at bigint not null,
    primary key (workspace_id, id)
  );

  create table retentions (workspace_id text primary key, days bigint);

  create table batches (
    workspace_id text not null, id text not null, kind text not null, workflow_id text not null, items_total bigint not null,
    items_succeeded bigint not null, items_partial bigint not null, items_failed bigint not null, items_canceled bigint not null,
    meta text, callback_url text, request_id text, api_key_id text,
    created_at bigint not null, started_at bigint, finished_at bigint,
    primary key (workspace_id, id)
  ) with (fillfactor = 50);
  create index batches_by_time on batches (workspace_id, created_at, id);

  create table batch_items (
    workspace_id text not null, batch_id text not null, item bigint not null, run_id text not null,
    primary key (workspace_id, batch_id, item)
  );
  create index batch_items_by_run on batch_items (workspace_id, run_id);

  create table evaluations (
    workspace_id text not null, id text not null, run_id text, target_kind text, workflow_id text, status text not null,
    revision bigint not null, task_type text, task_description text, prompt text, image_url text, input_attributes text,
    instructions text, reference_images text, threshold double precision not null, client_ref text, callback_url text, passed bigint,
    pass_rate double precision, pass_rate_key text, override_reason text, top_issues text, top_strengths text, checks text, next_action text,
    parent_id text, attempt bigint not null, superseded_at bigint, feedback_is_positive bigint, feedback_reason text,
    failure text, cost text, cost_key text, created_at bigint not null, updated_at bigint not null, completed_at bigint,
    duration_ms bigint generated always as (completed_at - created_at) stored, failure_code text,
    primary key (workspace_id, id)
  );
  create unique index evaluations_by_run on evaluations (workspace_id, run_id, attempt) where run_id is not null;
  create index evaluations_by_time on evaluations (workspace_id, created_at, id);
  -- The law that a run has one current evaluation at most.
  create unique index evaluations_current on evaluations (workspace_id, run_id)
    where run_id is not null and status = 'completed' and superseded_at is null;
  create index evaluations_by_verdict on evaluations (workspace_id, passed, run_id)
    where run_id is not null and status = 'completed' and superseded_at is null;

  create table evaluation_judges (
    workspace_id text not null, evaluation_id text not null, id text not null, workflow_id text not null, name text not null,
    description text, category text, weight double precision not null, gate bigint not null, run_id text, status text not null,
    passed bigint, confidence double precision, reasoning text, evidence text, strengths text, sub_points text, created_at bigint not null,
    primary key (workspace_id, evaluation_id, id)
  );
  create index evaluation_judges_by_run on evaluation_judges (workspace_id, run_id) where run_id is not null;

  create table evaluation_issues (
    workspace_id text not null, evaluation_id text not null, judge_id text not null, position bigint not null, id text not null,
    run_id text, is_current bigint not null, category text not null, subcategory text, detail text,
    primary key (workspace_id, evaluation_id, judge_id, position)
  );
  create index evaluation_issues_by_category on evaluation_issues (workspace_id, category, run_id, subcategory)
    where is_current = 1 and run_id is not null;
  create index evaluation_issues_by_subcategory on evaluation_issues (workspace_id, subcategory, run_id, category)
    where is_current = 1 and run_id is not null;

  create table evaluation_plans (workspace_id text primary key, plan text not null);

  create table person_requests (
    workspace_id text not null, id text not null, run_id text not null, workflow_id text not null, node_id text not null,
    iteration bigint not null, title text not null, description text not null, form text not null, assignee text, due_at bigint,
    fallback text, status text not null, answer text, settled_by text, key_id text, created_at bigint not null, settled_at bigint,
    revision bigint not null,
    primary key (workspace_id, id)
  );
  create index person_requests_by_run on person_requests (workspace_id, run_id, status);
  create index person_requests_by_status on person_requests (workspace_id, status, created_at, id);

  create table credentials (
    workspace_id text not null, id text not null, name text not null, kind text not null, settings text not null,
    secrets text not null, models text not null, hosts text not null, created_at bigint not null, updated_at bigint not null,
    last_used_at bigint, revision bigint not null,
    primary key (workspace_id, id)
  );
  create unique index credentials_by_name on credentials (workspace_id, name);

  create table model_settings (
    workspace_id text primary key, prices text not null, presets text not null, default_models text not null,
    updated_at bigint not null, revision bigint not null
  );
`;
