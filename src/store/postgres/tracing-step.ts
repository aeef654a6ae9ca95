/**
 * The step of the schema that brings traces, spans that were taken in, and debugging sessions. The functions that apply writes are wrapped rather
 * than replaced: what they know besides, by whichever steps came before, goes on as it was.
 */
export const TRACING_TABLES = `
  alter table runs add column trace_id text;
  alter table runs add column trace_parent_id text;
  alter table child_runs add column trace_id text;
  alter table child_runs add column trace_parent_id text;
  create index runs_by_trace on runs (workspace_id, trace_id, created_at, id) where trace_id is not null;

  create table run_attempts (
    workspace_id text not null, run_id text not null, node_id text not null, iteration bigint not null, attempt bigint not null,
    started_at bigint not null, finished_at bigint not null, failure text, usage text, model_calls text,
    primary key (workspace_id, run_id, node_id, iteration, attempt)
  );

  -- Without a run: it waits for the root of its trace.
  create table otlp_spans (
    workspace_id text not null, trace_id text not null, span_id text not null, run_id text, received_at bigint not null, span text not null,
    primary key (workspace_id, trace_id, span_id)
  );
  create index otlp_spans_by_run on otlp_spans (workspace_id, run_id) where run_id is not null;
  create index otlp_spans_pending on otlp_spans (received_at) where run_id is null;

  create table debug_sessions (
    workspace_id text not null, id text not null, run_id text, state text not null, updated_at bigint not null,
    primary key (workspace_id, id)
  );
  create index debug_sessions_by_run on debug_sessions (workspace_id, run_id) where run_id is not null;
`;

export const TRACING_FUNCTIONS = `
  alter function delete_run_1(text, text) rename to delete_run_1_but_traces;
  create function delete_run_1(ws text, p_run text) returns void language plpgsql volatile as $$
  declare
    owned text[];
  begin
    select array_agg(c.id) || p_run into owned from child_runs c where c.workspace_id = ws and c.root_run_id = p_run;
    owned := coalesce(owned, array[p_run]);
    delete from run_attempts x where x.workspace_id = ws and x.run_id = any(owned);
    delete from otlp_spans x where x.workspace_id = ws and x.run_id = p_run;
    delete from debug_sessions x where x.workspace_id = ws and x.run_id = p_run;
    perform delete_run_1_but_traces(ws, p_run);
  end $$;

  alter function apply_rare_1(jsonb) rename to apply_rare_1_but_traces;
  create function apply_rare_1(w jsonb) returns void language plpgsql volatile as $$
  declare
    r jsonb := w -> 'row';
  begin
    case w ->> 'k'
      when 'putAttempt' then
        insert into run_attempts select * from jsonb_populate_record(null::run_attempts, r)
        on conflict (workspace_id, run_id, node_id, iteration, attempt) do update set started_at = excluded.started_at,
          finished_at = excluded.finished_at, failure = excluded.failure, usage = excluded.usage, model_calls = excluded.model_calls;
      when 'putOtlpSpans' then
        insert into otlp_spans select * from jsonb_populate_recordset(null::otlp_spans, w -> 'rows')
        on conflict (workspace_id, trace_id, span_id) do update set run_id = coalesce(excluded.run_id, otlp_spans.run_id),
          span = excluded.span;
      when 'dropOtlpSpans' then
        delete from otlp_spans x where x.workspace_id = w ->> 'workspace_id' and x.trace_id = w ->> 'trace_id' and x.run_id is null;
      when 'putDebugSession' then
        insert into debug_sessions select * from jsonb_populate_record(null::debug_sessions, r)
        on conflict (workspace_id, id) do update set run_id = excluded.run_id, state = excluded.state, updated_at = excluded.updated_at;
      else
        perform apply_rare_1_but_traces(w);
    end case;
  end $$;
`;
